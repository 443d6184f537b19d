"""The table of what cameras see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

VIEW_BASES = ("density", "stated", "assumed")


class CameraView(Base):
    """The ground that a camera, or one preset of it, sees; replaced versions are kept.

    ``inputs_hash`` is of all that the view follows from: the camera, the buildings within
    its reach, and the parameters.
    """

    __tablename__ = "camera_view"
    __table_args__ = (
        UniqueConstraint("camera_id", "preset", "version"),
        CheckConstraint(one_of("basis", VIEW_BASES), name="basis"),
        CheckConstraint("range_m >= 0", name="range"),
        CheckConstraint("area_m2 >= 0", name="area"),
        CheckConstraint("ST_IsValid(geom)", name="geom_valid"),
        CheckConstraint("replaced_at >= made_at", name="validity"),
        Index(
            "uq_camera_view_current", "camera_id", "preset",
            unique=True, postgresql_where=text("replaced_at IS NULL"),
        ),
    )  # fmt: skip
    camera_view_id: Mapped[int] = identity_key()
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.camera_id", ondelete="CASCADE"))
    preset: Mapped[int] = mapped_column(SmallInteger)
    version: Mapped[int]
    range_m: Mapped[float]
    area_m2: Mapped[float]
    basis: Mapped[str]
    inputs_hash: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    code_version: Mapped[str]
    made_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
    geom: Mapped[Any] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=True), nullable=False
    )
