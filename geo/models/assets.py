"""The tables of stations, cameras, buildings, roads, water and household points."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import (
    CAMERA_STATUSES,
    STATION_KINDS,
    Base,
    Imported,
    identity_key,
    one_of,
    shape,
    sound_shape,
)


class Station(Imported, Base):
    """A place that people or drones start from or residents come to."""

    __tablename__ = "station"
    __table_args__ = (
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint(one_of("kind", STATION_KINDS), name="kind"),
    )
    station_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    name: Mapped[str]
    address: Mapped[str | None]
    opening_hours: Mapped[str | None]
    geom: Mapped[Any] = shape("POINT")


class Camera(Imported, Base):
    """A camera: where it looks and whether it may. Metadata only, never pictures."""

    __tablename__ = "camera"
    __table_args__ = (
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint(one_of("status", CAMERA_STATUSES), name="status"),
        CheckConstraint("azimuth_deg >= 0 AND azimuth_deg < 360", name="azimuth"),
        CheckConstraint("fov_deg > 0 AND fov_deg <= 360", name="fov"),
        CheckConstraint("range_m > 0", name="range"),
        CheckConstraint("height_m >= 0", name="height"),
        CheckConstraint("gb28181_id ~ '^[0-9]{20}$'", name="gb28181"),
        CheckConstraint("retention_days >= 0", name="retention"),
        CheckConstraint("image_px > 0", name="image_px"),
        CheckConstraint(
            "presets ~ '^[0-9.]+/[0-9.]+/[0-9.]+(; ?[0-9.]+/[0-9.]+/[0-9.]+)*$'", name="presets"
        ),
    )
    camera_id: Mapped[int] = identity_key()
    name: Mapped[str | None]
    geom: Mapped[Any] = shape("POINT")
    azimuth_deg: Mapped[float | None]
    fov_deg: Mapped[float | None]
    range_m: Mapped[float | None]
    height_m: Mapped[float | None]
    mount: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="unknown")
    gb28181_id: Mapped[str | None]
    place_class: Mapped[str | None]
    owner_unit: Mapped[str | None]
    legal_basis: Mapped[str | None]
    sign_posted: Mapped[bool | None]
    in_use_on: Mapped[date | None]
    filing_no: Mapped[str | None]
    filed_on: Mapped[date | None]
    filing_due: Mapped[date | None] = mapped_column(Computed("in_use_on + 30", persisted=True))
    retention_days: Mapped[int | None]
    retention_reason: Mapped[str | None]
    image_px: Mapped[int | None]
    presets: Mapped[str | None]


class Building(Imported, Base):
    """A building: what cuts a camera's view and where households live (as a count)."""

    __tablename__ = "building"
    __table_args__ = (
        sound_shape(),
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint("height_m > 0", name="height"),
        CheckConstraint("levels > 0", name="levels"),
        CheckConstraint("households >= 0", name="households"),
    )
    building_id: Mapped[int] = identity_key()
    kind: Mapped[str | None]
    name: Mapped[str | None]
    height_m: Mapped[float | None]
    levels: Mapped[int | None] = mapped_column(SmallInteger)
    households: Mapped[int | None]
    geom: Mapped[Any] = shape("MULTIPOLYGON")


class Road(Imported, Base):
    """A road or path between two junctions."""

    __tablename__ = "road"
    __table_args__ = (sound_shape(), UniqueConstraint("feed_id", "source_ref"))
    road_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    name: Mapped[str | None]
    oneway: Mapped[bool] = mapped_column(server_default=text("false"))
    geom: Mapped[Any] = shape("LINESTRING")


class Water(Imported, Base):
    """A river, lake or shore: what the map shows below everything."""

    __tablename__ = "water"
    __table_args__ = (sound_shape(), UniqueConstraint("feed_id", "source_ref"))
    water_id: Mapped[int] = identity_key()
    kind: Mapped[str | None]
    name: Mapped[str | None]
    geom: Mapped[Any] = shape("MULTIPOLYGON")


class HouseholdPoint(Imported, Base):
    """An address with its number of households; never who lives there."""

    __tablename__ = "household_point"
    __table_args__ = (
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint("households >= 0", name="households"),
    )
    household_point_id: Mapped[int] = identity_key()
    address: Mapped[str | None]
    households: Mapped[int]
    geom: Mapped[Any] = shape("POINT")
