"""The questions that a cube asks: counts of incidents by packed place, time, class and source."""

from __future__ import annotations

import math
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
    FromClause,
    Integer,
    SmallInteger,
    TextClause,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.elements import Grouping

from analytics.cube_fill import MOST_SPREAD, spreads
from analytics.queries import CubeRequest, Query, packaged
from analytics.steps import Steps
from geo.lattice.frame import Frame
from geo.lattice.indexing import ROW_HEIGHT
from geo.models.incidents import Incident, IncidentKey
from geo.models.records import Feed, ImportRun

Ints = NDArray[np.int64]
Number: TypeAlias = "ColumnElement[Any]"

REASONS = ("other_source", "other_class", "no_unit", "vague_time")
"""Why an incident of the window is not counted, in the order in which that is asked."""


@dataclass(frozen=True)
class KeyPlan:
    """How unit, step, class and source are packed into one number, for one cheap grouping.

    ``key = ((unit * n_steps + step) * n_kinds + category_id) * n_sources + source``; for what is
    left out ``-1 - (step * 4 + reason)``, with the reason's place in `REASONS`. `n_kinds` is 1
    where classes are not told apart. Incidents that are spread have step 0.
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

    def unpack_lost(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return step and reason of negative keys."""
        step, reason = np.divmod(-1 - keys, len(REASONS))
        return step, reason


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
    """

    request: CubeRequest
    steps: Steps
    feed_ids: tuple[int, ...]
    category_ids: tuple[int, ...]
    within: tuple[int, int] | None = None

    @property
    def spread(self) -> bool:
        """Say whether intervals are spread over the steps that they overlap."""
        asked = self.request.spread
        return spreads(self.request.step) if asked is None else asked

    @property
    def plan(self) -> KeyPlan:
        """Return how keys are packed."""
        by_class = self.request.by_class
        n_kinds = max(self.category_ids, default=0) + 1 if by_class else 1
        return KeyPlan(len(self.steps), n_kinds, len(self.request.found_by))

    def edges(self) -> list[datetime]:
        """Return the edges of the steps with their zone, UTC."""
        return [edge.replace(tzinfo=UTC) for edge in self.steps.edges.tolist()]


def count_by_cell(counting: Counting, frame: Frame) -> Query:
    """Place each incident by cell, step, category and source in one pass over the partitions.

    The cell is computed from the stored metric coordinates with the operations of
    `geo.lattice.indexing` in their order, so that database and Python agree bit by bit.

    Returns
    -------
    Select
        ``key`` of each incident, to be read with `Counting.plan`: on a fine lattice few share
        one, and sending them is cheaper than grouping them. Of those that are spread NULL, and
        ``part_key``, ``begin_us`` and ``end_us`` instead, which are NULL for the others.
    """
    cells = _squares(counting, frame) if frame.kind == "square" else _hexagons(counting, frame)
    return _each(counting, cells, n_units=frame.n_frame)


def count_by_area(counting: Counting) -> Query:
    """Place each incident in its area, see `count_by_cell`; or count them, ``key`` and ``n``.

    They are counted where the keys are few: without classes and without spreading.
    """
    rows = _rows(counting, Incident.area_id.label("unit"))
    if counting.spread or counting.request.by_class:
        return _each(counting, rows)
    key = cast(_keys(counting, rows)[0], BigInteger).label("key")
    return select(key, func.count().label("n")).group_by("key")


def _rows(counting: Counting, *columns: Number) -> FromClause:
    """Select what counting needs of the incidents in the window, each value computed once."""
    edges = counting.edges()
    first, last = counting.within or (0, len(edges) - 1)
    low, high = edges[first], edges[last]
    span = func.width_bucket(Incident.occurred_at, literal(edges, ARRAY(TIMESTAMP(True))))
    query = (
        select(
            *columns,
            span.label("span"),
            Incident.category_id,
            Incident.found_by,
            Incident.occurred_at,
            Incident.occurred_until,
        )
        .where(Incident.occurred_at < high, Incident.feed_id == func.any(_array(counting.feed_ids)))
        # A fence: the planner would otherwise write each value out wherever it is used.
        .offset(literal(0))
    )
    if not counting.spread:
        return query.where(Incident.occurred_at >= low).subquery("rows")
    return query.where(
        Incident.occurred_at >= low - MOST_SPREAD,
        or_(Incident.occurred_at >= low, Incident.occurred_until > low),
    ).subquery("rows")


def _array(values: Sequence[int]) -> Number:
    return literal(list(values), ARRAY(Integer))


def _double(value: float) -> Number:
    return cast(literal(value), Double)


def _squares(counting: Counting, frame: Frame) -> FromClause:
    size = _double(frame.cell_size_m)
    column = func.floor((Incident.x_m - _double(frame.x0)) / size)
    row = func.floor((Incident.y_m - _double(frame.y0)) / size)
    return _framed(_rows(counting, column.label("column"), row.label("row")), frame)


def _hexagons(counting: Counting, frame: Frame) -> FromClause:
    u = (Incident.x_m - _double(frame.x0)) / _double(frame.cell_size_m)
    v = (Incident.y_m - _double(frame.y0)) / _double(frame.cell_size_m * ROW_HEIGHT)
    at = _rows(counting, u.label("u"), v.label("v"), func.floor(v - _double(0.5)).label("below"))
    odd = at.c.below - _double(2) * func.floor(at.c.below * _double(0.5))
    half = _fenced(
        at,
        (at.c.u - _double(0.5) * odd).label("left"),
        (at.c.u - _double(0.5) * (_double(1) - odd)).label("right"),
    )
    near = _fenced(half, func.floor(half.c.left).label("c0"), func.floor(half.c.right).label("c1"))
    half_cell, one = _double(0.5), _double(1)
    across0, up0 = near.c.left - near.c.c0 - half_cell, near.c.v - near.c.below - half_cell
    across1, up1 = near.c.right - near.c.c1 - half_cell, near.c.v - (near.c.below + one) - half_cell
    below = across0 * across0 + _double(0.75) * (up0 * up0)
    upper = across1 * across1 + _double(0.75) * (up1 * up1) <= below
    owned = _fenced(near, upper.label("upper"))
    column = case((owned.c.upper, owned.c.c1), else_=owned.c.c0)
    row = case((owned.c.upper, owned.c.below + _double(1)), else_=owned.c.below)
    return _framed(_fenced(owned, column.label("column"), row.label("row")), frame)


def _fenced(rows: FromClause, *columns: Number) -> FromClause:
    return select(*rows.c, *columns).offset(literal(0)).subquery()


def _framed(rows: FromClause, frame: Frame) -> FromClause:
    column, row = rows.c.column, rows.c.row
    inside = and_(column >= 0, column < frame.n_columns, row >= 0, row < frame.n_rows)
    cell = case((inside, cast(row * frame.n_columns + column, BigInteger)))
    kept = [rows.c[name] for name in _KEPT]
    return select(cell.label("unit"), *kept).subquery()


_INTEGERS = 2**31
_KEPT = ("span", "category_id", "found_by", "occurred_at", "occurred_until")


def _keys(counting: Counting, rows: FromClause) -> tuple[Number, Number]:
    """Return the packed key of each row, and whether it is spread.

    What is left out makes a part of the key NULL, so that the reason is looked for only then.
    """
    plan, request, columns = counting.plan, counting.request, rows.c
    crosses = _crosses(counting, rows) if counting.spread else false()
    step = _step(counting, columns.span)
    if counting.spread:
        step = case((crosses, 0), else_=step)
    kind: Number = columns.category_id if request.by_class else literal(0, BigInteger)
    reasons: list[tuple[Number, int]] = [(columns.found_by.not_in(request.found_by), 0)]
    if request.classes is not None:
        asked = columns.category_id.in_(counting.category_ids)
        kind = case((asked, kind))
        reasons.append((~asked, 1))
    reasons.append((columns.unit.is_(None), 2))
    unit: Number = columns.unit
    if counting.spread:
        vague = columns.occurred_until - columns.occurred_at > MOST_SPREAD
        unit = case((~vague, unit))
        reasons.append((vague, 3))
    source = case({name: i for i, name in enumerate(request.found_by)}, value=columns.found_by)
    packed = ((unit * plan.n_steps + step) * plan.n_kinds + kind) * plan.n_sources + source
    since = -1 - func.greatest(columns.span - 1, 0) * len(REASONS)
    lost = case(*((reason, since - number) for reason, number in reasons))
    return func.coalesce(packed, lost), and_(crosses, packed.is_not(None))


def _each(counting: Counting, rows: FromClause, *, n_units: float = math.inf) -> Query:
    """Select the key of each incident, in few bytes where the keys of `n_units` allow."""
    plan, (key, spread) = counting.plan, _keys(counting, rows)
    largest = n_units * plan.n_steps * plan.n_kinds * plan.n_sources
    key = cast(key, Integer if largest < _INTEGERS else BigInteger).label("key")
    if not counting.spread:
        return select(key)
    ends = {"begin_us": rows.c.occurred_at, "end_us": rows.c.occurred_until}
    found = _fenced(rows, key, spread.label("spread")).c
    spans = [
        case((found.spread, cast(func.date_part("epoch", found[at.name]) * 1e6, BigInteger)))
        for at in ends.values()
    ]
    whole, part = case((~found.spread, found.key)), case((found.spread, found.key))
    named = zip(("part_key", *ends), (part, *spans), strict=True)
    return select(whole.label("key"), *(column.label(name) for name, column in named))


def _step(counting: Counting, span: Number) -> Number:
    if counting.steps.bins is None:
        return span - 1
    bins = literal(counting.steps.bins.tolist(), ARRAY(SmallInteger))
    return _item(bins, span)


def _crosses(counting: Counting, rows: FromClause) -> Number:
    edges = literal(counting.edges(), ARRAY(TIMESTAMP(True)))
    return rows.c.occurred_until > _item(edges, rows.c.span + 1)


def _item(array: Number, place: Number) -> Number:
    # SQL asks for parentheses around an array that is not a column.
    return Grouping(cast(array, array.type))[place]


def select_runs(jurisdiction_id: int) -> Query:
    """Select how many rows each import run of a jurisdiction has written so far, if any."""
    return (
        select(ImportRun.import_run_id, ImportRun.rows_new, ImportRun.rows_changed)
        .join(Feed, Feed.feed_id == ImportRun.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id, ImportRun.kind == "incidents")
        .where(ImportRun.rows_new + ImportRun.rows_changed > 0)
        .order_by(ImportRun.import_run_id)
    )


def select_newest_incident() -> Query:
    """Select the largest number of an incident."""
    return select(func.max(IncidentKey.incident_id))


def select_spans_touched() -> TextClause:
    """Return the question which steps newer runs touched; its header says what to bind."""
    return packaged("spans_touched")
