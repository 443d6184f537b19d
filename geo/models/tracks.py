"""The tables of tracks of units on duty, of effort by cell and hour, and of the last look.

A track is of a device that a unit carries or of a drone, never of a person. Fixes as they came
are kept 30 days at most; thinned segments, then effort alone, remain.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of, shape

TRACK_SOURCES = ("foot", "vehicle", "drone")
EFFORT_SOURCES = (*TRACK_SOURCES, "camera")


class TrackDevice(Base):
    """What records: a tablet or recorder that a unit carries on duty, or a drone."""

    __tablename__ = "track_device"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "device_ref"),
        CheckConstraint(one_of("source", TRACK_SOURCES), name="source"),
        CheckConstraint("sight_m > 0 AND sight_m <= 1000", name="sight"),
        CheckConstraint(
            "CASE WHEN source = 'drone' THEN drone_id IS NOT NULL AND unit_id IS NULL "
            "ELSE unit_id IS NOT NULL AND drone_id IS NULL END",
            name="carrier",
        ),
    )
    track_device_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    device_ref: Mapped[str]
    source: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.unit_id"))
    drone_id: Mapped[int | None] = mapped_column(ForeignKey("drone.drone_id"))
    sight_m: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]


class TrackRaw(Base):
    """Fixes as they were recorded on duty, packed; deleted after 30 days at most.

    ``points`` is what `patrol.tracks.packing` packs. Batches of tablets number their fixes
    (``first_seq`` to ``last_seq`` without a gap); files have no numbers.
    """

    __tablename__ = "track_raw"
    __table_args__ = (
        CheckConstraint("starts_at <= ends_at", name="interval"),
        CheckConstraint("n_points > 0", name="n_points"),
        CheckConstraint(
            "(first_seq IS NULL) = (last_seq IS NULL) AND last_seq >= first_seq", name="seq"
        ),
        Index("ix_track_raw_device", "track_device_id", "starts_at"),
        Index("ix_track_raw_ends_at", "ends_at", postgresql_using="brin"),
    )
    track_raw_id: Mapped[int] = identity_key()
    track_device_id: Mapped[int] = mapped_column(ForeignKey("track_device.track_device_id"))
    import_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    first_seq: Mapped[int | None] = mapped_column(BigInteger)
    last_seq: Mapped[int | None] = mapped_column(BigInteger)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    n_points: Mapped[int]
    points: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TrackSegment(Base):
    """A stretch of a track without a gap, cleaned and thinned; M is seconds since 1970."""

    __tablename__ = "track_segment"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="interval"),
        CheckConstraint("n_points >= 2", name="n_points"),
        CheckConstraint("length_m >= 0", name="length"),
        CheckConstraint(one_of("source", TRACK_SOURCES), name="source"),
        Index("ix_track_segment_device", "track_device_id", "starts_at"),
        Index("ix_track_segment_time", "jurisdiction_id", "starts_at"),
    )
    track_segment_id: Mapped[int] = identity_key()
    track_device_id: Mapped[int] = mapped_column(ForeignKey("track_device.track_device_id"))
    jurisdiction_id: Mapped[int] = mapped_column(Integer)
    source: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    n_points: Mapped[int]
    length_m: Mapped[float]
    matched: Mapped[bool] = mapped_column(server_default=text("false"))
    import_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    geom: Mapped[Any] = mapped_column(
        Geometry("LINESTRINGM", srid=4326, dimension=3, spatial_index=True), nullable=False
    )


class TrackStay(Base):
    """Where a device stayed for a while: the visits that a plan is compared with."""

    __tablename__ = "track_stay"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="interval"),
        Index("ix_track_stay_device", "track_device_id", "starts_at"),
    )
    track_stay_id: Mapped[int] = identity_key()
    track_device_id: Mapped[int] = mapped_column(ForeignKey("track_device.track_device_id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    geom: Mapped[Any] = shape("POINT")


class Effort(Base):
    """Seconds that a source spent in a cell of an area during an hour; partitioned by month.

    Cells are squares of the jurisdiction's metric system, ``i = floor(x / cell_m)``, of 50 m;
    area 0 is none. ``visits`` counts how often somebody came into the cell.
    """

    __tablename__ = "effort"
    __table_args__ = (
        CheckConstraint(one_of("source", EFFORT_SOURCES), name="source"),
        CheckConstraint("seconds >= 0", name="seconds"),
        Index("ix_effort_area", "area_id", "hour"),
        {"postgresql_partition_by": "RANGE (hour)"},
    )
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    i: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    j: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    area_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seconds: Mapped[float]
    visits: Mapped[int]


class GroundCell(Base):
    """A cell with ground of the jurisdiction: what can be seen or not. Area 0 is none."""

    __tablename__ = "ground_cell"
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    i: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    j: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    area_id: Mapped[int] = mapped_column(BigInteger)
    ground_m2: Mapped[float]
    geom: Mapped[Any] = shape("MULTIPOLYGON")


class LastLook(Base):
    """When a cell was last seen by a source, and in each local hour of the week.

    ``by_hour`` has 168 entries, Monday 0 h first: whole hours since 1970, 0 where never.
    """

    __tablename__ = "last_look"
    __table_args__ = (
        CheckConstraint(one_of("source", EFFORT_SOURCES), name="source"),
        CheckConstraint("cardinality(by_hour) = 168", name="by_hour"),
    )
    jurisdiction_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    i: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    j: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
    by_hour: Mapped[list[int]] = mapped_column(ARRAY(Integer))
