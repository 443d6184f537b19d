"""The tables of airspace zones, drones, their routes and flight applications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, Imported, identity_key, one_of, shape, sound_shape

# Interim Regulations on Unmanned Aircraft Flight (2024-01-01), articles 19, 20 and 31.
AIRSPACE_KINDS = (
    "prohibited", "restricted", "danger", "airport", "border", "military", "key_site",
    "transport", "water_source", "heritage", "temporary", "crowd", "other_controlled",
)  # fmt: skip
DRONE_CLASSES = ("micro", "light", "small", "medium", "large")
APPLICATION_STATUSES = ("draft", "sent", "approved", "refused", "withdrawn")


class AirspaceZone(Imported, Base):
    """A volume in which flying is controlled or forbidden while it is valid."""

    __tablename__ = "airspace_zone"
    __table_args__ = (
        sound_shape(),
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint(one_of("kind", AIRSPACE_KINDS), name="kind"),
        CheckConstraint("floor_m >= 0 AND floor_m < 'infinity'", name="floor"),
        CheckConstraint("ceiling_m > floor_m", name="ceiling"),
        CheckConstraint("valid_from < valid_to", name="validity"),
    )
    zone_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    name: Mapped[str]
    authority: Mapped[str | None]
    floor_m: Mapped[float] = mapped_column(server_default=text("0"))
    ceiling_m: Mapped[float | None]
    valid_from: Mapped[datetime] = mapped_column(server_default=text("'-infinity'::timestamptz"))
    valid_to: Mapped[datetime] = mapped_column(server_default=text("'infinity'::timestamptz"))
    geom: Mapped[Any] = shape("MULTIPOLYGON")


class Drone(Imported, Base):
    """An unmanned aircraft, where it starts from, and what decides which rules bind it."""

    __tablename__ = "drone"
    __table_args__ = (
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint(one_of("size_class", DRONE_CLASSES), name="size_class"),
        CheckConstraint("speed_m_s > 0", name="speed"),
        CheckConstraint("endurance_s > 0", name="endurance"),
        CheckConstraint("max_wind_m_s >= 0", name="max_wind"),
        CheckConstraint(
            "sensor_width_mm > 0 AND sensor_height_mm > 0 AND focal_mm > 0 "
            "AND image_width_px > 0 AND image_height_px > 0",
            name="camera",
        ),
    )
    drone_id: Mapped[int] = identity_key()
    name: Mapped[str]
    model: Mapped[str | None]
    size_class: Mapped[str]
    registration_no: Mapped[str | None]
    operator: Mapped[str | None]
    network_relay: Mapped[bool] = mapped_column(server_default=text("false"))
    speed_m_s: Mapped[float]
    endurance_s: Mapped[float]
    max_wind_m_s: Mapped[float | None]
    sensor_width_mm: Mapped[float | None]
    sensor_height_mm: Mapped[float | None]
    focal_mm: Mapped[float | None]
    image_width_px: Mapped[int | None]
    image_height_px: Mapped[int | None]
    geom: Mapped[Any] = shape("POINT")


class DroneRoute(Base):
    """One flight of a mission: its corners with their heights above ground."""

    __tablename__ = "drone_route"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "mission", "flight_no"),
        CheckConstraint("flight_no > 0", name="flight_no"),
        CheckConstraint("duration_s > 0", name="duration"),
        CheckConstraint("ST_NPoints(geom) >= 2", name="corners"),
        CheckConstraint("cardinality(camera_on) = ST_NPoints(geom) - 1", name="legs"),
    )
    route_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    drone_id: Mapped[int] = mapped_column(ForeignKey("drone.drone_id"), index=True)
    mission: Mapped[str]
    flight_no: Mapped[int]
    geom: Mapped[Any] = mapped_column(
        Geometry("LINESTRINGZ", srid=4326, dimension=3, spatial_index=True), nullable=False
    )
    camera_on: Mapped[list[bool]] = mapped_column(ARRAY(Boolean))
    duration_s: Mapped[float]
    speed_m_s: Mapped[float]
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    code_version: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FlightApplication(Base):
    """An application for one flight: what article 27 asks for, its deadline and its answer."""

    __tablename__ = "flight_application"
    __table_args__ = (
        CheckConstraint("takes_off_at < lands_at", name="interval"),
        CheckConstraint("due_at < takes_off_at", name="due"),
        CheckConstraint(one_of("status", APPLICATION_STATUSES), name="status"),
        CheckConstraint("status <> 'approved' OR approval_no IS NOT NULL", name="approval"),
        Index("ix_flight_application_route", "route_id"),
    )
    application_id: Mapped[int] = identity_key()
    route_id: Mapped[int] = mapped_column(ForeignKey("drone_route.route_id", ondelete="CASCADE"))
    takes_off_at: Mapped[datetime]
    lands_at: Mapped[datetime]
    emergency: Mapped[bool] = mapped_column(server_default=text("false"))
    due_at: Mapped[datetime]
    items: Mapped[dict[str, Any]]
    reasons: Mapped[list[str]]
    status: Mapped[str] = mapped_column(server_default="draft")
    approval_no: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
