"""The tables of analytic results and of what they were computed from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Integer,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

UNITS = ("cell", "area", "zone", "whole", "segment")
"""What a row is about: a cell, an area, a shape of its own, the whole jurisdiction, a street
segment."""


class ResultRun(Base):
    """One computation: its parameters, data window, code version and seed."""

    __tablename__ = "result_run"
    __table_args__ = (
        CheckConstraint("window_from < window_to", name="window"),
        CheckConstraint(one_of("unit", UNITS), name="unit"),
    )
    result_run_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    kind: Mapped[str]
    unit: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    window_from: Mapped[datetime]
    window_to: Mapped[datetime]
    last_import_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    code_version: Mapped[str]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    summary: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ResultRow(Base):
    """One row of a result: observed, score (z or tau), p, q, slope, label, and what else it says.

    Street segments are lines, all others polygons; a row about the whole jurisdiction has no shape.
    """

    __tablename__ = "result_row"
    __table_args__ = (
        CheckConstraint("p_value BETWEEN 0 AND 1", name="p_value"),
        CheckConstraint("q_value BETWEEN 0 AND 1", name="q_value"),
    )
    result_run_id: Mapped[int] = mapped_column(
        ForeignKey("result_run.result_run_id", ondelete="CASCADE"), primary_key=True
    )
    unit_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    geom: Mapped[Any] = mapped_column(
        Geometry("GEOMETRY", srid=4326, spatial_index=True), nullable=True
    )
    observed: Mapped[float | None]
    score: Mapped[float | None]
    p_value: Mapped[float | None]
    q_value: Mapped[float | None]
    slope: Mapped[float | None]
    label: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
