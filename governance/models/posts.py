"""The tables of posts that grids need and of partner organisations."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

PARTNER_KINDS = ("seconded", "social", "volunteer", "enterprise", "institution", "other")


class PostRequirement(Base):
    """How many of a role every basic grid needs, where a district has its own word."""

    __tablename__ = "post_requirement"
    __table_args__ = (CheckConstraint("least BETWEEN 0 AND 100", name="least"),)
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)
    least: Mapped[int] = mapped_column(Integer)


class Partner(Base):
    """A seconded unit or partner organisation: what it offers, where it is."""

    __tablename__ = "partner"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "code"),
        CheckConstraint(one_of("kind", PARTNER_KINDS), name="kind"),
        CheckConstraint("headcount >= 0", name="headcount"),
        Index("ix_partner_geom", "geom", postgresql_using="gist"),
    )
    partner_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False), nullable=True
    )
    headcount: Mapped[int] = mapped_column(Integer, server_default="0")
    services: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
