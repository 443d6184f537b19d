"""Questions to the database: counts from the incident partitions, areas, stored results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np
from geoalchemy2 import Geography
from numpy.typing import NDArray
from sqlalchemy import (
    Date,
    Integer,
    Select,
    TextClause,
    cast,
    func,
    select,
    text,
)

from analytics.cube import REPORTED
from analytics.models import ResultRow, ResultRun
from analytics.steps import Step
from geo.models.incidents import Category, CategoryScheme, Incident
from geo.models.places import Area, Jurisdiction
from geo.models.records import Feed, ImportRun

Ints = NDArray[np.int64]
Query: TypeAlias = "Select[*tuple[Any, ...]]"


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
    spread
        Spread incidents over their intervals, see `analytics.cube.cube_from_events`; by default
        for hours and hours of the week only.
    """

    jurisdiction_id: int
    start: date
    end: date
    step: Step = "week"
    found_by: tuple[str, ...] = REPORTED
    classes: tuple[str, ...] | None = None
    by_class: bool = False
    spread: bool | None = None

    @property
    def last_day(self) -> date:
        """Return the last day that is counted, as people name a window."""
        return self.end - timedelta(days=1)


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


def select_feeds(jurisdiction_id: int) -> Query:
    """Select the numbers of a jurisdiction's feeds."""
    return select(Feed.feed_id).where(Feed.jurisdiction_id == jurisdiction_id)


def select_first_day(jurisdiction_id: int, *, time_zone: str) -> Query:
    """Select the local day of a jurisdiction's first incident; NULL without any."""
    feeds = select(Feed.feed_id).where(Feed.jurisdiction_id == jurisdiction_id)
    first = func.min(Incident.occurred_at)
    return select(cast(func.timezone(time_zone, first), Date)).where(Incident.feed_id.in_(feeds))


def select_points(
    feed_ids: Sequence[int],
    category_ids: Sequence[int],
    found_by: Sequence[str],
    *,
    window: tuple[datetime, datetime],
    time_zone: str,
) -> Query:
    """Select the incidents of a window as points, in no order.

    Returns
    -------
    Select
        ``x_m`` and ``y_m``, ``day`` (local days since 1970-01-01), ``category_id``, ``is_vague``
        (1: known only to lie somewhere in more than a day), ``occurred_at`` and ``incident_id``.
    """
    local = cast(func.timezone(time_zone, Incident.occurred_at), Date)
    vague = Incident.occurred_until - Incident.occurred_at > timedelta(hours=25)
    low, high = window
    return (
        select(
            Incident.x_m,
            Incident.y_m,
            (local - date(1970, 1, 1)).label("day"),
            Incident.category_id,
            cast(vague, Integer).label("is_vague"),
            Incident.occurred_at,
            Incident.incident_id,
        )
        .where(Incident.occurred_at >= low, Incident.occurred_at < high)
        .where(Incident.feed_id.in_(feed_ids), Incident.category_id.in_(category_ids))
        .where(Incident.found_by.in_(found_by))
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
    return packaged("areas_at_level").bindparams(jurisdiction_id=jurisdiction_id, level=level)


def select_area_codes(area_ids: list[int]) -> Query:
    """Select code and name of areas by number."""
    columns = (Area.area_id, Area.code, Area.name)
    return select(*columns).where(Area.area_id.in_(area_ids))


def insert_cell_rows() -> TextClause:
    """Return the statement that stores a result of squares; its header says what to bind."""
    return packaged("insert_cell_rows")


def insert_rows() -> TextClause:
    """Return the statement that stores rows of any other kind; its header says what to bind."""
    return packaged("insert_rows")


def packaged(name: str) -> TextClause:
    """Return the statement that stands in ``sql/name.sql``."""
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
            ResultRow.details,
            func.ST_AsBinary(ResultRow.geom).label("geom"),
        )
        .join(Area, Area.area_id == ResultRow.area_id, isouter=True)
        .where(ResultRow.result_run_id == result_run_id)
        .order_by(ResultRow.unit_no)
    )
