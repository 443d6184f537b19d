"""What every table is made with: the base, key and shape columns, and the lists of values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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


class Imported:
    """The columns of every table that files are imported into."""

    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.feed_id"))
    source_ref: Mapped[str]
    content_hash: Mapped[int] = mapped_column(BigInteger)
    import_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
