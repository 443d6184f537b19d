"""The tables of reports, their pictures, and the classifier of their words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

CHANNELS = ("hotline", "tablet", "drone", "camera", "open311", "feed", "counter")
PHOTO_KINDS = ("near", "far", "before", "after", "other")


class Report(Base):
    """What one caller, officer, camera or system said; one or more of them make a case."""

    __tablename__ = "report"
    __table_args__ = (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint("words <> ''", name="words"),
        CheckConstraint("geom IS NOT NULL OR area_id IS NOT NULL", name="place"),
        UniqueConstraint("jurisdiction_id", "channel", "source_ref"),
        Index("ix_report_geom", "geom", postgresql_using="gist"),
        Index("ix_report_case", "case_id"),
        Index(
            "ix_report_address", "address", postgresql_using="gin",
            postgresql_ops={"address": "gin_trgm_ops"},
            postgresql_where=text("case_id IS NOT NULL AND address IS NOT NULL"),
        ),
    )  # fmt: skip
    report_id: Mapped[Any] = mapped_column(UUID, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    channel: Mapped[str]
    source_ref: Mapped[str | None]
    received_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    words: Mapped[str]
    address: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False), nullable=True
    )
    accuracy_m: Mapped[float | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.category_id"))
    suggested: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    photos: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    taken_by: Mapped[str]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.case_id"))


class CasePhoto(Base):
    """A picture of a report or case: made anew without metadata; time and position stand here."""

    __tablename__ = "case_photo"
    __table_args__ = (
        CheckConstraint(one_of("kind", PHOTO_KINDS), name="kind"),
        CheckConstraint("case_id IS NOT NULL OR report_id IS NOT NULL", name="subject"),
        CheckConstraint("width > 0 AND height > 0", name="size"),
        CheckConstraint(one_of("placed_by", ("device", "picture", "case")), name="placed_by"),
        Index("ix_case_photo_case", "case_id"),
        Index("ix_case_photo_report", "report_id"),
    )
    photo_id: Mapped[Any] = mapped_column(UUID, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.case_id"))
    report_id: Mapped[Any | None] = mapped_column(UUID, ForeignKey("report.report_id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    kind: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    placed_by: Mapped[str]
    accuracy_m: Mapped[float | None]
    taken_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    taken_by: Mapped[str]
    source_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int]
    height: Mapped[int]
    picture: Mapped[bytes] = mapped_column(LargeBinary)


class Classifier(Base):
    """One trained version of the classifier of reports, with what was measured of it."""

    __tablename__ = "classifier"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "scheme", "version"),)
    classifier_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    scheme: Mapped[str]
    version: Mapped[int]
    trained_at: Mapped[datetime]
    settings: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any]]
    threshold: Mapped[float | None]
    model: Mapped[bytes]
    sha256: Mapped[str]
