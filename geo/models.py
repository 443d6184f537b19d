"""The tables of places, people on duty, incidents and imports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

FOUND_BY = ("resident", "patrol", "camera", "drone", "sensor", "other")
TIME_PRECISIONS = ("exact", "minute", "hour", "day", "month", "interval")
LEVELS = ("district", "street", "community", "grid")
GRID_KINDS = ("basic", "exclusive", "micro")
STATION_KINDS = ("police", "service", "fire", "drone_base", "patrol_post", "other")
UNIT_KINDS = ("foot", "vehicle", "drone", "camera_desk", "volunteer", "joint")
CAMERA_STATUSES = ("online", "offline", "unknown", "retired")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Return the SQL condition that `column` holds one of `values`."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    """Base of every table of Gridbeat."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own protocol
        datetime: DateTime(timezone=True),
        str: Text,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
    }


def identity_key(size: type[Integer] = BigInteger) -> Mapped[int]:
    """Return a primary key that the database numbers."""
    return mapped_column(size, Identity(), primary_key=True)


def shape(kind: str, *, srid: int = 4326) -> Mapped[Any]:
    """Return a required geometry column in WGS-84 degrees with a GiST index."""
    return mapped_column(Geometry(kind, srid=srid, spatial_index=True), nullable=False)


def sound_shape() -> CheckConstraint:
    """Return the constraint that a geometry is valid and not empty."""
    return CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid")


class Jurisdiction(Base):
    """A place that Gridbeat governs, with its metric reference system and rules."""

    __tablename__ = "jurisdiction"
    __table_args__ = (
        sound_shape(),
        CheckConstraint("household_min > 0 AND household_min <= household_target", name="min"),
        CheckConstraint("household_target <= household_max", name="max"),
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
    languages: Mapped[list[str]] = mapped_column(server_default=text("'{zh,en}'"))
    map_approval_no: Mapped[str | None]
    map_audience: Mapped[str] = mapped_column(server_default="internal")
    simulated: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Feed(Base):
    """A source of records: its name and their `source_ref` identify a record for ever."""

    __tablename__ = "feed"
    feed_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    source: Mapped[str]
    title: Mapped[str | None]
    licence: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (UniqueConstraint("jurisdiction_id", "source"),)


class ImportRun(Base):
    """One reading of one file: what it was, how it was read, what came of it."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(one_of("status", ("running", "finished", "failed")), name="status"),
        Index("ix_import_run_resume", "feed_id", "file_sha256"),
    )
    import_run_id: Mapped[int] = identity_key()
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.feed_id"))
    kind: Mapped[str]
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    crs: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="running")
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_new: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_changed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_same: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_no_grid: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_left_out: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quarantined: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    code_version: Mapped[str]
    error: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class Quarantine(Base):
    """A row that could not be taken in, whole, with the reason, until it is mended."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("feed_id", "kind", "source_ref", "row_hash"),
        CheckConstraint(one_of("status", ("open", "resolved")), name="status"),
        Index("ix_quarantine_run", "import_run_id"),
    )
    quarantine_id: Mapped[int] = identity_key()
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.feed_id"))
    import_run_id: Mapped[int] = mapped_column(ForeignKey("import_run.import_run_id"))
    kind: Mapped[str]
    source_ref: Mapped[str]
    row_hash: Mapped[int] = mapped_column(BigInteger)
    row_no: Mapped[int] = mapped_column(BigInteger)
    field: Mapped[str | None]
    value: Mapped[str | None]
    reason: Mapped[str]
    raw: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(server_default="open")
    resolved_by_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RecordVersion(Base):
    """What a record said before a later import changed it."""

    __tablename__ = "record_version"
    __table_args__ = (Index("ix_record_version_record", "kind", "record_id"),)
    record_version_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    record_id: Mapped[int] = mapped_column(BigInteger)
    written_by_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    replaced_by_run_id: Mapped[int] = mapped_column(ForeignKey("import_run.import_run_id"))
    replaced_at: Mapped[datetime] = mapped_column(server_default=func.now())
    record: Mapped[dict[str, Any]]


class Imported:
    """The columns of every table that files are imported into."""

    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.feed_id"))
    source_ref: Mapped[str]
    content_hash: Mapped[int] = mapped_column(BigInteger)
    import_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


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


class IncidentKey(Base):
    """Which incident a source's reference means: unique over all partitions."""

    __tablename__ = "incident_key"
    __table_args__ = (UniqueConstraint("incident_id"), {"postgresql_with": {"fillfactor": "90"}})
    feed_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    source_ref: Mapped[str] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    last_run_id: Mapped[int | None] = mapped_column(BigInteger)


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
        CheckConstraint("retention_days >= 30", name="retention"),
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


class Unit(Imported, Base):
    """A team or vehicle that can be sent out."""

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint(one_of("kind", UNIT_KINDS), name="kind"),
        CheckConstraint("headcount > 0", name="headcount"),
    )
    unit_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    name: Mapped[str]
    headcount: Mapped[int] = mapped_column(server_default="1")
    home_station: Mapped[str | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))


class Person(Base):
    """A member of staff on duty, known by staff number and post title only."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "staff_no"),)
    person_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    staff_no: Mapped[str]
    title: Mapped[str | None]


class Post(Base):
    """A person's role in an area or unit during a time; a person may hold several."""

    __tablename__ = "post"
    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="validity"),
        CheckConstraint("area_id IS NOT NULL OR unit_id IS NOT NULL", name="place"),
        ExcludeConstraint(
            ("person_id", "="),
            ("role", "="),
            (text("coalesce(area_id, 0)"), "="),
            (text("coalesce(unit_id, 0)"), "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_post_validity",
            using="gist",
        ),
    )
    post_id: Mapped[int] = identity_key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.person_id"))
    role: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.unit_id"))
    valid_from: Mapped[date] = mapped_column(server_default=text("'-infinity'::date"))
    valid_to: Mapped[date] = mapped_column(server_default=text("'infinity'::date"))


class Shift(Base):
    """When a unit is on duty."""

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="interval"),
        ExcludeConstraint(
            ("unit_id", "="),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_shift_interval",
            using="gist",
        ),
    )
    shift_id: Mapped[int] = identity_key()
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.unit_id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
