"""The questions that a cube asks: counts of incidents by packed place, time, class and source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    TextClause,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
)

from analytics.cube_fill import MOST_SPREAD, spreads
from analytics.cube_keys import Ground, KeyPlan
from analytics.queries import CubeRequest, Query, packaged
from analytics.steps import Steps
from geo.lattice.frame import Frame
from geo.models.hexagons import HexagonDirty, HexagonNote
from geo.models.incidents import Incident, IncidentDay, IncidentKey
from geo.models.places import Jurisdiction
from geo.models.records import Feed, ImportRun

Ints = NDArray[np.int64]
Number: TypeAlias = "ColumnElement[Any]"
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Counting:
    """What to count for one request.

    Attributes
    ----------
    request, steps
        Which incidents, by which steps.
    feed_ids
        The jurisdiction's feeds.
    category_ids
        All that may occur; those to count where the request names classes.
    within
        Spans between the edges to count, ``[first, last)``, numbered as among all; None for all.
    reaching
        Whether incidents that began earlier and reach into these spans are among them.
    """

    request: CubeRequest
    steps: Steps
    feed_ids: tuple[int, ...]
    category_ids: tuple[int, ...]
    within: tuple[int, int] | None = None
    reaching: bool = True

    @property
    def spread(self) -> bool:
        """Say whether intervals are spread over the steps that they overlap."""
        asked = self.request.spread
        return spreads(self.request.step) if asked is None else asked

    @property
    def n_kinds(self) -> int:
        """Return how many category ids are told apart."""
        return max(self.category_ids, default=0) + 1 if self.request.by_class else 1

    def plan(self, frame: Ground | None = None) -> KeyPlan:
        """Return how keys are packed, on a lattice or for areas."""
        named = self.request.classes is not None
        square = isinstance(frame, Frame) and frame.kind == "square"
        return KeyPlan(
            n_spans=len(self.steps.edges),
            n_kinds=self.n_kinds + named,
            n_sources=len(self.request.found_by) + 1,
            named=named,
            n_columns=frame.n_columns if isinstance(frame, Frame) and square else 0,
            n_rows=frame.n_rows if isinstance(frame, Frame) and square else 0,
        )

    def edges(self) -> list[datetime]:
        """Return the edges of the steps with their zone, UTC."""
        return [edge.replace(tzinfo=UTC) for edge in self.steps.edges.tolist()]

    def bounds(self) -> tuple[datetime, datetime, datetime]:
        """Return when the first incident may begin, and begin and end of the spans to count."""
        first, last = self.within or (0, -1)
        edges = self.steps.edges[[first, last]].tolist()
        low, high = (edge.replace(tzinfo=UTC) for edge in edges)
        return (low - MOST_SPREAD if self.spread and self.reaching else low), low, high


def count_by_cell(
    counting: Counting, frame: Ground, *, stretches: Sequence[Stretch] | None = None
) -> Query:
    """Place each incident by cell, span, category and source in one pass over the partitions.

    Squares are computed from the stored metric coordinates with the operations of
    `geo.lattice.indexing` in their order, so that database and Python agree bit by bit.

    Parameters
    ----------
    stretches
        Of what begins in these alone, ``[since, until)``; all when None.

    Returns
    -------
    Select
        ``key`` of each incident, see `analytics.cube_keys.KeyPlan`: on a fine lattice few share
        one, and sending them is cheaper than grouping them. ``begin_us`` and ``end_us`` where
        intervals are spread; ``x_m`` and ``y_m`` for hexagons and streets, found in Python.
    """
    plan = counting.plan(frame)
    if not isinstance(frame, Frame) or frame.kind != "square":
        xy = (Incident.x_m.label("x_m"), Incident.y_m.label("y_m"))
        return _each(counting, plan, stretches, None, *xy)
    small = plan.n_places * plan.below_place < _INTEGERS
    return _each(counting, plan, stretches, _square(frame, Integer if small else BigInteger))


def count_by_area(counting: Counting, *, stretches: Sequence[Stretch] | None = None) -> Query:
    """Place each incident in its area, see `count_by_cell`."""
    place = func.coalesce(Incident.area_id, literal(0, BigInteger))
    return _each(counting, counting.plan(), stretches, place)


def _each(
    counting: Counting,
    plan: KeyPlan,
    stretches: Sequence[Stretch] | None,
    place: Number | None,
    *columns: Number,
) -> Query:
    earliest, low, high = counting.bounds()
    begins: Number = Incident.occurred_at >= earliest
    if counting.spread:
        columns += (
            Incident.occurred_at.label("begin_us"),
            Incident.occurred_until.label("end_us"),
        )
    if earliest < low:  # partitions are chosen by the first of both
        begins = and_(begins, or_(Incident.occurred_at >= low, Incident.occurred_until > low))
    if stretches is not None:
        at = Incident.occurred_at
        begins = and_(begins, or_(*(and_(at >= since, at < until) for since, until in stretches)))
    return (
        select(_key(counting, plan, place).label("key"), *columns)
        .where(Incident.occurred_at < high, begins)
        .where(Incident.feed_id == func.any(_array(counting.feed_ids)))
    )


def _key(counting: Counting, plan: KeyPlan, place: Number | None) -> Number:
    """Return a row's packed key; it is made of few operations, for each costs once a row."""
    request = counting.request
    edges = literal(counting.edges(), ARRAY(TIMESTAMP(True)))
    key: Number = func.width_bucket(Incident.occurred_at, edges, type_=Integer)
    if place is not None:
        key = place * plan.n_spans + key
    kind: Number | None = None
    if request.by_class:
        kind = cast(Incident.category_id, Integer)
    if plan.named:
        asked = Incident.category_id == func.any(_array(counting.category_ids))
        kind = case((asked, literal(0) if kind is None else kind), else_=plan.n_kinds - 1)
    if kind is not None:
        key = key * plan.n_kinds + kind
    names = {name: i for i, name in enumerate(request.found_by)}
    source = case(names, value=Incident.found_by, else_=len(names))
    return key * plan.n_sources + source


def _array(values: Sequence[int]) -> Number:
    return literal(list(values), ARRAY(Integer))


def _double(value: float) -> Number:
    return cast(literal(value), Double)


def _square(frame: Frame, number: type[Integer]) -> Number:
    """Return the place of a row's square; 0 of all that lie well outside the frame."""
    size = frame.cell_size_m
    column = func.floor((Incident.x_m - _double(frame.x0)) / _double(size))
    row = func.floor((Incident.y_m - _double(frame.y0)) / _double(size))
    wide = frame.n_columns + 2
    place = row * _double(wide) + (column + _double(wide + 1))
    near = and_(
        Incident.x_m >= _double(frame.x0 - size / 2),
        Incident.x_m < _double(frame.x0 + (frame.n_columns + 0.5) * size),
        Incident.y_m >= _double(frame.y0 - size / 2),
        Incident.y_m < _double(frame.y0 + (frame.n_rows + 0.5) * size),
    )
    return case((near, cast(place, number)), else_=literal(0, number))


_INTEGERS = 2**31


def select_days(jurisdiction_id: int, since: datetime, until: datetime, *names: str) -> Query:
    """Select columns of the days, packed since they last changed, that overlap ``[since, until)``.

    Whoever may not see all areas finds no day.
    """
    named = [
        exists().where(note.jurisdiction_id == IncidentDay.jurisdiction_id)
        .where(note.day == IncidentDay.day)
        for note in (HexagonNote, HexagonDirty)
    ]  # fmt: skip
    midnight = func.timezone(Jurisdiction.time_zone, cast(IncidentDay.day, TIMESTAMP(False)))
    return (
        select(*(getattr(IncidentDay, name) for name in ("since", "until", *names)))
        .join(Jurisdiction, Jurisdiction.jurisdiction_id == IncidentDay.jurisdiction_id)
        .where(IncidentDay.jurisdiction_id == jurisdiction_id, IncidentDay.since == midnight)
        .where(IncidentDay.until > since, IncidentDay.since < until, not_(or_(*named)))
        .order_by(IncidentDay.since)
    )


def select_runs(jurisdiction_id: int) -> Query:
    """Select how many rows each import run of a jurisdiction has written so far, if any."""
    return (
        select(ImportRun.import_run_id, ImportRun.rows_new, ImportRun.rows_changed)
        .join(Feed, Feed.feed_id == ImportRun.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id, ImportRun.kind == "incidents")
        .where(ImportRun.rows_new + ImportRun.rows_changed > 0)
        .order_by(ImportRun.import_run_id)
    )


def select_database() -> TextClause:
    """Select what tells this database from another: the server's number, and its own there."""
    return text(
        "SELECT s.system_identifier, d.oid::bigint FROM pg_control_system() AS s, pg_database AS d "
        "WHERE d.datname = current_database()"
    )


def select_newest_incident() -> Query:
    """Select the largest number of an incident."""
    return select(func.max(IncidentKey.incident_id))


def select_spans_touched() -> TextClause:
    """Return the question which steps newer runs touched; its header says what to bind."""
    return packaged("spans_touched")
