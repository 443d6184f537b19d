"""The tables of problem classes and incidents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import FOUND_BY, TIME_PRECISIONS, Base, identity_key, one_of


class CategoryScheme(Base):
    """One edition of a list of problem classes; editions of a scheme do not overlap in time."""

    __tablename__ = "category_scheme"
    __table_args__ = (
        UniqueConstraint("scheme", "version"),
        CheckConstraint("valid_from < valid_to", name="validity"),
        ExcludeConstraint(
            ("scheme", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_category_scheme_validity",
            using="gist",
        ),
    )
    scheme_id: Mapped[int] = identity_key(Integer)
    scheme: Mapped[str]
    version: Mapped[str]
    valid_from: Mapped[date] = mapped_column(server_default=text("'-infinity'::date"))
    valid_to: Mapped[date] = mapped_column(server_default=text("'infinity'::date"))


class Category(Base):
    """A class of problems within one edition of a scheme."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("scheme_id", "code"),)
    category_id: Mapped[int] = identity_key(Integer)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("category_scheme.scheme_id"))
    code: Mapped[str]
    group_code: Mapped[str | None]
    name: Mapped[str]
    name_en: Mapped[str]


class Incident(Base):
    """Something that happened at a point in an interval of time; partitioned by month (UTC).

    The trigger ``incident_guard`` keeps (feed, source_ref) unique over all partitions through
    ``incident_key`` and checks the references of a whole statement at once.
    """

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint(one_of("found_by", FOUND_BY), name="found_by"),
        CheckConstraint(one_of("time_precision", TIME_PRECISIONS), name="time_precision"),
        CheckConstraint("occurred_until >= occurred_at", name="interval"),
        CheckConstraint("NOT ST_IsEmpty(geom)", name="geom"),
        CheckConstraint("accuracy_m >= 0", name="accuracy"),
        Index("ix_incident_geom", "geom", postgresql_using="gist"),
        Index("ix_incident_time", "occurred_at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(
        BigInteger,
        Sequence("incident_id_seq", metadata=Base.metadata),
        primary_key=True,
        autoincrement=False,
        server_default=text("nextval('incident_id_seq')"),
    )
    occurred_until: Mapped[datetime]
    time_precision: Mapped[str]
    reported_at: Mapped[datetime | None]
    feed_id: Mapped[int]
    source_ref: Mapped[str]
    category_id: Mapped[int]
    found_by: Mapped[str]
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False), nullable=False
    )
    x_m: Mapped[float]
    y_m: Mapped[float]
    accuracy_m: Mapped[float | None]
    area_id: Mapped[int | None] = mapped_column(BigInteger)
    content_hash: Mapped[int] = mapped_column(BigInteger)
    import_run_id: Mapped[int | None] = mapped_column(BigInteger)
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class IncidentDay(Base):
    """All incidents of a local day, each column packed into bytes, for those who count them all.

    Big-endian and in one order: ``begins`` and ``ends`` in microseconds since 2000 (UTC), ``kinds``
    as ``category_id * 8 + FOUND_BY.index(found_by)`` in four bytes, ``areas`` (0: none) in eight,
    ``xs`` and ``ys`` as doubles in metres. Kept by ``refresh_hexagons``; true only where the day
    is not noted in ``hexagon_note`` or ``hexagon_dirty``.
    """

    __tablename__ = "incident_day"
    __table_args__ = (
        CheckConstraint(
            "octet_length(kinds) = 4 * n AND octet_length(begins) = 8 * n AND "
            "octet_length(ends) = 8 * n AND octet_length(areas) = 8 * n AND "
            "octet_length(xs) = 8 * n AND octet_length(ys) = 8 * n",
            name="packed",
        ),
    )
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]
    n: Mapped[int]
    begins: Mapped[bytes]
    ends: Mapped[bytes]
    kinds: Mapped[bytes]
    areas: Mapped[bytes]
    xs: Mapped[bytes]
    ys: Mapped[bytes]


class IncidentDayDue(Base):
    """A local day near the present, to be packed a day after its end."""

    __tablename__ = "incident_day_due"
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)


class IncidentKey(Base):
    """Which incident a source's reference means, and what it says: unique over all partitions."""

    __tablename__ = "incident_key"
    __table_args__ = (UniqueConstraint("incident_id"), {"postgresql_with": {"fillfactor": "90"}})
    feed_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    source_ref: Mapped[str] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    content_hash: Mapped[int] = mapped_column(BigInteger)
    last_run_id: Mapped[int | None] = mapped_column(BigInteger)
