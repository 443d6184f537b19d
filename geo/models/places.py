"""The tables of jurisdictions and areas."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import (
    GRID_KINDS,
    LEVELS,
    Base,
    Imported,
    identity_key,
    one_of,
    shape,
    sound_shape,
)


class Jurisdiction(Base):
    """A place that Gridbeat governs, with its metric reference system and rules."""

    __tablename__ = "jurisdiction"
    __table_args__ = (
        sound_shape(),
        CheckConstraint("household_min > 0 AND household_min <= household_target", name="min"),
        CheckConstraint("household_target <= household_max", name="max"),
        CheckConstraint(
            "repeat_radius_m > 0 AND repeat_radius_m <= 1000 AND repeat_hours BETWEEN 1 AND 720",
            name="repeat",
        ),
        CheckConstraint(one_of("map_audience", ("internal", "public")), name="map_audience"),
        CheckConstraint(one_of("code_scheme", ("cn", "local")), name="code_scheme"),
        UniqueConstraint("jurisdiction_id", "code_scheme"),
    )
    jurisdiction_id: Mapped[int] = identity_key(Integer)
    code: Mapped[str] = mapped_column(unique=True)
    code_scheme: Mapped[str] = mapped_column(server_default="local")
    name: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[Any] = shape("MULTIPOLYGON")
    metric_srid: Mapped[int]
    time_zone: Mapped[str]
    level_names: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    household_min: Mapped[int] = mapped_column(server_default="300")
    household_target: Mapped[int] = mapped_column(server_default="500")
    household_max: Mapped[int] = mapped_column(server_default="500")
    household_tolerance: Mapped[int] = mapped_column(server_default="100")
    repeat_radius_m: Mapped[float] = mapped_column(server_default="50")
    repeat_hours: Mapped[int] = mapped_column(server_default="24")
    languages: Mapped[list[str]] = mapped_column(server_default=text("'{zh,en}'"))
    map_approval_no: Mapped[str | None]
    map_audience: Mapped[str] = mapped_column(server_default="internal")
    simulated: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Area(Imported, Base):
    """A district, street, community or grid during its validity; codes are never reused."""

    __tablename__ = "area"
    __table_args__ = (
        sound_shape(),
        UniqueConstraint("feed_id", "source_ref"),
        UniqueConstraint("jurisdiction_id", "code"),
        UniqueConstraint("jurisdiction_id", "area_id"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
        CheckConstraint("(level = 'grid') = (grid_kind IS NOT NULL)", name="grid_has_kind"),
        CheckConstraint(one_of("grid_kind", GRID_KINDS), name="grid_kind"),
        CheckConstraint("grid_kind <> 'exclusive' OR host_unit IS NOT NULL", name="host_unit"),
        CheckConstraint("households >= 0", name="households"),
        CheckConstraint("valid_from < valid_to", name="validity"),
        CheckConstraint(
            "code_scheme <> 'cn' OR CASE level WHEN 'district' THEN code ~ '^[0-9]{6}$' "
            "WHEN 'street' THEN code ~ '^[0-9]{9}$' WHEN 'community' THEN code ~ '^[0-9]{12}$' "
            "ELSE code ~ CASE grid_kind WHEN 'micro' THEN '^[0-9]{15}-[0-9]{2}$' "
            "ELSE '^[0-9]{15}$' END END",
            name="code",
        ),
        CheckConstraint("parent_id <> area_id", name="parent"),
        Index("ix_area_parent", "parent_id"),
    )
    area_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    code_scheme: Mapped[str] = mapped_column(server_default="local")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    level: Mapped[str]
    grid_kind: Mapped[str | None]
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str | None]
    host_unit: Mapped[str | None]
    households: Mapped[int | None]
    exempt_reason: Mapped[str | None]
    geom: Mapped[Any] = shape("MULTIPOLYGON")
    valid_from: Mapped[date] = mapped_column(server_default=text("'-infinity'::date"))
    valid_to: Mapped[date] = mapped_column(server_default=text("'infinity'::date"))
