"""Incidents out of their days' packed columns, placed here instead of by the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numba import njit
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.cube_fill import edges_us
from analytics.cube_keys import Columns, Ground, KeyPlan
from analytics.cube_queries import Counting, Stretch, select_days
from analytics.fetch import EPOCH_US, fetch_binary
from geo.lattice.frame import Frame
from geo.models.base import FOUND_BY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SOURCES = 8
"""Places that a packed kind has for what an incident was found by."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_TYPES = {"begins": ">i8", "ends": ">i8", "kinds": ">i4", "areas": ">i8", "xs": ">f8", "ys": ">f8"}


def read_days(
    connection: Connection, counting: Counting, frame: Ground | None
) -> tuple[Columns, list[Stretch]]:
    """Place what days hold that are packed, and say which stretches of time these leave over.

    Both are of one moment: what changes afterwards is found by whoever reads the stretches later.

    Returns
    -------
    tuple
        Columns as the queries of `analytics.cube_queries` give them, and the stretches of
        ``[since, until)`` in which incidents are to be read one by one.
    """
    names = columns_of(counting, frame)
    earliest, _, high = counting.bounds()
    query = select_days(counting.request.jurisdiction_id, earliest, high, *names)
    days = fetch_binary(connection, query)
    rest = _left_over([(since, until) for since, until, *_ in days], earliest, high)
    return place_days([columns for _, _, *columns in days], counting, frame), rest


def columns_of(counting: Counting, frame: Ground | None) -> tuple[str, ...]:
    """Return which packed columns a question needs."""
    ends = ("ends",) if counting.spread else ()
    return ("begins", "kinds", *ends, *(("areas",) if frame is None else ("xs", "ys")))


def place_days(
    days: Sequence[Sequence[bytes]], counting: Counting, frame: Ground | None
) -> Columns:
    """Place the incidents of days, each given by its packed columns, see `columns_of`."""
    square = frame if isinstance(frame, Frame) and frame.kind == "square" else None
    packing = _Packing.of(counting, counting.plan(frame), square)
    total = sum(len(begins) // 8 for begins, *_ in days)
    out: dict[str, NDArray[np.int64] | NDArray[np.float64]] = {
        "key": np.empty(total, dtype=np.int64)
    }
    if counting.spread:
        out |= {name: np.empty(total, dtype=np.int64) for name in ("begin_us", "end_us")}
    if frame is not None and square is None:
        out |= {name: np.empty(total, dtype=np.float64) for name in ("x_m", "y_m")}
    names, kept = columns_of(counting, frame), 0
    for columns in days:
        kept += packing.add(_read(names, columns), out, kept)
    return {name: column[:kept] for name, column in out.items()}


def _read(names: Iterable[str], columns: Sequence[bytes]) -> dict[str, NDArray[np.generic]]:
    """Return packed columns in the machine's own order of bytes."""
    found = {}
    for name, data in zip(names, columns, strict=True):
        column = np.frombuffer(data, dtype=_TYPES[name])
        found[name] = column.astype(column.dtype.newbyteorder("="))
    return found


def _left_over(days: Sequence[Stretch], since: datetime, until: datetime) -> list[Stretch]:
    """Return what days in their order leave over of ``[since, until)``."""
    rest = []
    for begins, ends in days:
        if begins > since:
            rest.append((since, begins))
        since = max(since, ends)
    return [*rest, (since, until)] if since < until else rest


@dataclass(frozen=True, eq=False)
class _Packing:
    """How incidents of a question become keys, see `analytics.cube_keys.KeyPlan`."""

    edges: Ints
    bounds: tuple[int, int, int]
    kind_of: Ints
    source_of: Ints
    slots: tuple[int, int, int, int, int]
    frame: tuple[float, float, float]
    spread: bool

    @classmethod
    def of(cls, counting: Counting, plan: KeyPlan, square: Frame | None) -> _Packing:
        request, asked = counting.request, np.array(counting.category_ids, dtype=np.int64)
        other = plan.n_kinds - 1
        kind_of = np.full(max(counting.category_ids, default=0) + 2, other, dtype=np.int64)
        kind_of[asked] = asked if request.by_class else 0
        names = {name: i for i, name in enumerate(request.found_by)}
        source_of = [names.get(name, len(names)) for name in FOUND_BY]
        source_of += [len(names)] * (SOURCES - len(FOUND_BY))
        earliest, low, high = ((edge - _EPOCH) // _US for edge in counting.bounds())
        return cls(
            edges=edges_us(counting.steps) - EPOCH_US,
            bounds=(earliest, low, high),
            kind_of=kind_of,
            source_of=np.array(source_of, dtype=np.int64),
            slots=(plan.n_spans, plan.n_kinds, plan.n_sources, plan.n_columns, plan.n_rows),
            frame=(square.x0, square.y0, square.cell_size_m) if square else (0.0, 0.0, 0.0),
            spread=counting.spread,
        )

    def add(self, day: dict[str, NDArray[np.generic]], out: Columns, since: int) -> int:
        """Write a day's incidents into `out` from a row on; return how many."""
        ints, floats = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
        kept: int = _pack(
            day["begins"], day.get("ends", ints), day["kinds"], day.get("areas", ints),
            day.get("xs", floats), day.get("ys", floats),
            self.edges, self.bounds, self.kind_of, self.source_of, self.slots, self.frame,
            out["key"][since:], out.get("begin_us", ints)[since:], out.get("end_us", ints)[since:],
            out.get("x_m", floats)[since:], out.get("y_m", floats)[since:],
        )  # fmt: skip
        return kept


@njit(cache=True, nogil=True, error_model="numpy")
def _pack(
    begins: Ints,
    ends: Ints,
    kinds: NDArray[np.int32],
    areas: Ints,
    xs: Floats,
    ys: Floats,
    edges: Ints,
    bounds: tuple[int, int, int],
    kind_of: Ints,
    source_of: Ints,
    slots: tuple[int, int, int, int, int],
    frame: tuple[float, float, float],
    keys: Ints,
    begin_us: Ints,
    end_us: Ints,
    x_m: Floats,
    y_m: Floats,
) -> int:
    earliest, low, high = bounds
    n_spans, n_kinds, n_sources, n_columns, n_rows = slots
    x0, y0, size = frame
    kept, span = 0, 0
    for i in range(len(begins)):
        at = begins[i]
        if at < earliest or at >= high or (at < low and ends[i] <= low):
            continue
        # Most incidents of a day lie in the span of the one before.
        if not (span > 0 and edges[span - 1] <= at and (span == len(edges) or at < edges[span])):
            span = np.searchsorted(edges, at, side="right")
        place = 0
        if len(areas):
            place = areas[i]
        elif n_columns:
            column = np.floor((xs[i] - x0) / size)
            row = np.floor((ys[i] - y0) / size)
            if 0.0 <= column < n_columns and 0.0 <= row < n_rows:
                place = (int(row) + 1) * (n_columns + 2) + int(column) + 1
        kind = kind_of[min(kinds[i] >> 3, len(kind_of) - 1)]
        source = source_of[kinds[i] & 7]
        keys[kept] = ((place * n_spans + span) * n_kinds + kind) * n_sources + source
        if len(begin_us):
            begin_us[kept] = at + EPOCH_US
            end_us[kept] = ends[i] + EPOCH_US
        if len(x_m):
            x_m[kept] = xs[i]
            y_m[kept] = ys[i]
        kept += 1
    return kept
