"""Questions to the database: counts from the incident partitions, areas, stored results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np
from geoalchemy2 import Geography
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Double,
    Select,
    TextClause,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute

from analytics.cube import REPORTED
from analytics.models import ResultRow, ResultRun
from analytics.steps import Step, Steps
from geo.errors import InputError
from geo.lattice.frame import Frame
from geo.models.incidents import Category, CategoryScheme, Incident
from geo.models.places import Area, Jurisdiction
from geo.models.records import Feed, ImportRun

Ints = NDArray[np.int64]
Query: TypeAlias = "Select[*tuple[Any, ...]]"

NO_UNIT, OTHER_CLASS, OTHER_SOURCE = -1, -2, -3
"""What stands instead of a unit for incidents that a cube leaves out."""


@dataclass(frozen=True)
class CubeRequest:
    """Which incidents to count, and by which steps.

    Attributes
    ----------
    jurisdiction_id
        Whose incidents.
    start, end, step
        See `analytics.steps.make_steps`; the calendar is that of the jurisdiction's zone.
    found_by
        Sources to count; by default what was reported.
    classes
        Category codes to count, all when None.
    by_class
        Keep classes apart in the cube. Otherwise they are added up into one layer, ``all``,
        which keeps the cube of a fine lattice small.
    """

    jurisdiction_id: int
    start: date
    end: date
    step: Step = "week"
    found_by: tuple[str, ...] = REPORTED
    classes: tuple[str, ...] | None = None
    by_class: bool = False


@dataclass(frozen=True)
class KeyPlan:
    """How unit, step, class and source are packed into one number, for one cheap grouping.

    ``key = ((unit * n_steps + step) * n_kinds + category_id) * n_sources + source``, or one of
    `NO_UNIT`, `OTHER_CLASS`, `OTHER_SOURCE`. `n_kinds` is 1 where classes are not told apart.
    """

    n_steps: int
    n_kinds: int
    n_sources: int

    def unpack(self, keys: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Return unit, step, category_id and source of keys that are not negative."""
        rest, source = np.divmod(keys, self.n_sources)
        rest, kind = np.divmod(rest, self.n_kinds)
        unit, step = np.divmod(rest, self.n_steps)
        return unit, step, kind, source


def count_by_cell(
    request: CubeRequest, steps: Steps, frame: Frame, category_ids: Sequence[int]
) -> tuple[Query, KeyPlan]:
    """Count incidents by cell, step, category and source in one pass over the partitions.

    The cell is computed from the stored metric coordinates, as `geo.lattice.frame.Frame` says, so
    that database and Python agree bit by bit.

    Parameters
    ----------
    category_ids
        All that may occur; those to count where the request names classes.

    Returns
    -------
    tuple
        A query for ``key`` and ``n``, and how to read the keys.

    Raises
    ------
    InputError
        The lattice is hexagonal.
    """
    if frame.kind != "square":
        raise InputError(
            "the database counts on square lattices only; place the points of a hexagonal one "
            "with geo.lattice.lattice.cell_of and count with analytics.cube.cube_from_events"
        )
    size = cast(literal(frame.cell_size_m), Double)
    column = func.floor((Incident.x_m - cast(literal(frame.x0), Double)) / size)
    row = func.floor((Incident.y_m - cast(literal(frame.y0), Double)) / size)
    framed = and_(column >= 0, column < frame.n_columns, row >= 0, row < frame.n_rows)
    cell = cast(row * frame.n_columns + column, BigInteger)
    return _count(request, steps, category_ids, unit=cell, known=framed)


def count_by_area(
    request: CubeRequest, steps: Steps, category_ids: Sequence[int]
) -> tuple[Query, KeyPlan]:
    """Count incidents by the area that they were placed in; see `count_by_cell`."""
    known = Incident.area_id.is_not(None)
    return _count(request, steps, category_ids, unit=Incident.area_id, known=known)


def _count(
    request: CubeRequest,
    steps: Steps,
    category_ids: Sequence[int],
    *,
    unit: ColumnElement[int] | InstrumentedAttribute[int | None],
    known: ColumnElement[bool],
) -> tuple[Query, KeyPlan]:
    # The steps' own edges go to the database, so that days of 23 and 25 hours are the same here
    # and there, and one binary search serves every kind of step.
    edges = [edge.replace(tzinfo=UTC) for edge in steps.edges.tolist()]
    step = func.width_bucket(Incident.occurred_at, literal(edges, ARRAY(TIMESTAMP(True)))) - 1
    n_kinds = max(category_ids, default=0) + 1 if request.by_class else 1
    plan = KeyPlan(len(steps), n_kinds, len(request.found_by))
    kind = Incident.category_id if request.by_class else literal(0)
    sources = {name: number for number, name in enumerate(request.found_by)}
    source = case(sources, value=Incident.found_by)
    whens: list[tuple[ColumnElement[bool], int]] = [
        (Incident.found_by.not_in(request.found_by), OTHER_SOURCE)
    ]
    if request.classes is not None:
        whens.append((Incident.category_id.not_in(category_ids), OTHER_CLASS))
    whens.append((~known, NO_UNIT))
    packed = ((unit * plan.n_steps + step) * plan.n_kinds + kind) * plan.n_sources + source
    key = cast(case(*whens, else_=packed), BigInteger).label("key")
    feeds = select(Feed.feed_id).where(Feed.jurisdiction_id == request.jurisdiction_id)
    query = (
        select(key, func.count().label("n"))
        .where(Incident.occurred_at >= edges[0], Incident.occurred_at < edges[-1])
        .where(Incident.feed_id.in_(feeds))
        .group_by("key")
    )
    return query, plan


def select_jurisdiction(jurisdiction_id: int) -> Query:
    """Select the zone, metric SRID and boundary (WKB, EPSG:4326) of a jurisdiction."""
    return select(
        Jurisdiction.time_zone,
        Jurisdiction.metric_srid,
        func.ST_AsBinary(Jurisdiction.geom).label("boundary"),
    ).where(Jurisdiction.jurisdiction_id == jurisdiction_id)


def select_categories() -> Query:
    """Select id, scheme and code of every category."""
    return select(Category.category_id, CategoryScheme.scheme, Category.code).join(
        CategoryScheme, Category.scheme_id == CategoryScheme.scheme_id
    )


def select_areas(jurisdiction_id: int, *, level: str, day: date) -> Query:
    """Select the areas of a level that are valid on a day, by code, with geometry (WKB, 4326)."""
    return (
        select(
            Area.area_id,
            Area.code,
            Area.name,
            Area.households,
            (func.ST_Area(cast(Area.geom, Geography)) / 1e6).label("area_km2"),
            func.ST_AsBinary(Area.geom).label("geom"),
        )
        .where(Area.jurisdiction_id == jurisdiction_id, Area.level == level)
        .where(Area.valid_from <= day, Area.valid_to > day)
        .order_by(Area.code)
    )


def select_units_of_areas(jurisdiction_id: int, *, level: str) -> TextClause:
    """Select ``area_id`` and the ``unit`` of a level in which each area of a jurisdiction lies."""
    return _packaged("areas_at_level").bindparams(jurisdiction_id=jurisdiction_id, level=level)


def insert_result_rows() -> TextClause:
    """Return the statement that stores the rows of a result; its header says what to bind."""
    return _packaged("insert_result_rows")


def _packaged(name: str) -> TextClause:
    return text(files("analytics").joinpath("sql", f"{name}.sql").read_text("utf-8"))


def select_last_import(jurisdiction_id: int) -> Query:
    """Select the newest finished import run of a jurisdiction's feeds."""
    return (
        select(func.max(ImportRun.import_run_id))
        .join(Feed, Feed.feed_id == ImportRun.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id, ImportRun.status == "finished")
    )


def select_newest_run(jurisdiction_id: int, *, kind: str, unit: str) -> Query:
    """Select the number of the newest result of a kind over cells or areas."""
    return (
        select(ResultRun.result_run_id)
        .where(ResultRun.jurisdiction_id == jurisdiction_id)
        .where(ResultRun.kind == kind, ResultRun.unit == unit)
        .order_by(ResultRun.result_run_id.desc())
        .limit(1)
    )


def select_run(result_run_id: int) -> Query:
    """Select all that is known of one run."""
    return select(*ResultRun.__table__.columns).where(ResultRun.result_run_id == result_run_id)


def select_rows(result_run_id: int) -> Query:
    """Select the rows of one run with the geometry (WKB, EPSG:4326) that cell or area had."""
    return (
        select(
            ResultRow.unit_no,
            ResultRow.area_id,
            Area.code,
            Area.name,
            ResultRow.observed,
            ResultRow.score,
            ResultRow.p_value,
            ResultRow.q_value,
            ResultRow.slope,
            ResultRow.label,
            func.ST_AsBinary(ResultRow.geom).label("geom"),
        )
        .join(Area, Area.area_id == ResultRow.area_id, isouter=True)
        .where(ResultRow.result_run_id == result_run_id)
        .order_by(ResultRow.unit_no)
    )
