"""Incidents as the database hands them over: one packed number each, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.cube_fill import MOST_SPREAD, Tally, edges_us
from analytics.steps import Steps
from geo.lattice.frame import Frame, look_up
from geo.network.streets import Streets, snap_points

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Ground: TypeAlias = Frame | Streets
"""What points are placed on, where they are not placed in areas."""
Columns = Mapping[str, NDArray[np.int64] | NDArray[np.float64]]

AT_ONCE = 1 << 17
"""Incidents that are placed at a time."""
REASONS = ("other_source", "other_class", "no_unit", "vague_time")
"""Why an incident of the window is not counted, in the order in which that is asked."""


@dataclass(frozen=True)
class KeyPlan:
    """How place, time, class and source are packed into one number.

    ``key = ((place * n_spans + span) * n_kinds + kind) * n_sources + source``, all from 0 up.

    Attributes
    ----------
    n_spans
        Spans between the edges of the steps, numbered as ``width_bucket`` does: 0 comes before
        the first edge.
    n_kinds
        Category ids that fit; the last is of classes that are not asked for, if some are named.
    n_sources
        The request's sources, and one for all others.
    n_columns, n_rows
        Of a lattice of squares: ``place = (row + 1) * (n_columns + 2) + column + 1``, one row
        and column past the frame on each side. 0: the place is an area_id or not in the key.
    named
        Whether the request names classes.
    """

    n_spans: int
    n_kinds: int
    n_sources: int
    named: bool
    n_columns: int = 0
    n_rows: int = 0

    @property
    def n_places(self) -> int:
        """Return how many places of squares there are, those around the frame among them."""
        return (self.n_columns + 2) * (self.n_rows + 2)

    @property
    def below_place(self) -> int:
        """Return how many keys one place has."""
        return self.n_spans * self.n_kinds * self.n_sources


@dataclass(frozen=True, eq=False)
class Counted:
    """What the database handed over, before it is given rows along the axes of a cube.

    Attributes
    ----------
    tally
        Incidents by flat cell or area_id, step, category_id and source.
    lost
        How many were left out, by span between the edges and place in `REASONS`,
        ``(n_edges - 1, 4)``.
    """

    tally: Tally
    lost: Ints


def unpack(found: Columns, plan: KeyPlan, steps: Steps, frame: Ground | None = None) -> Counted:
    """Read what a counting query returned.

    Parameters
    ----------
    found
        ``key`` of each incident; ``x_m`` and ``y_m`` where the place is not in the key, which
        needs `frame`, or ``place`` from `placed`; ``begin_us`` and ``end_us`` where intervals are
        spread.
    """
    keys = np.asarray(found["key"], dtype=np.int64)
    spread = "begin_us" in found
    none = np.empty(0, dtype=np.int64)
    places = none
    if "place" in found:
        places = np.asarray(found["place"], dtype=np.int64)
    elif frame is not None and "x_m" in found:
        x, y = (np.asarray(found[name], dtype=np.float64) for name in ("x_m", "y_m"))
        places = _place(frame, x, y)
    begin, end = (
        np.asarray(found[name] if spread else none, dtype=np.int64)
        for name in ("begin_us", "end_us")
    )
    out = np.empty((6 if spread else 4, len(keys)), dtype=np.int64)
    edges = edges_us(steps)
    bins = np.arange(len(edges) - 1) if steps.bins is None else steps.bins
    lost = np.zeros((len(edges) - 1, len(REASONS)), dtype=np.int64)
    slots = (plan.n_spans, plan.n_kinds, plan.n_sources, plan.n_columns, plan.n_rows)
    most_us = MOST_SPREAD // timedelta(microseconds=1)
    kept = _unpack(keys, places, begin, end, edges, bins, slots, plan.named, most_us, out, lost)
    rows = out[:, :kept]
    whole = np.zeros(kept, dtype=np.int64)
    ends = (rows[4], rows[5]) if spread else (whole, whole)
    tally = Tally(rows[0], rows[1], rows[2], rows[3], np.ones(kept, np.int64), *ends)
    return Counted(tally, lost)


def placed(found: Columns, frame: Ground | None) -> Columns:
    """Return what was found with the ``place`` of each point instead of its coordinates, if any.

    Who reads the same incidents twice looks each up once, and keeps one column instead of two.
    """
    if frame is None or "x_m" not in found:
        return found
    kept = {name: column for name, column in found.items() if name not in ("x_m", "y_m")}
    x, y = (np.asarray(found[name], dtype=np.float64) for name in ("x_m", "y_m"))
    parts = [
        _place(frame, x[first : first + AT_ONCE], y[first : first + AT_ONCE])
        for first in range(0, len(x), AT_ONCE)
    ]
    return kept | {"place": np.concatenate([np.empty(0, np.int64), *parts])}


def _place(ground: Ground, x: Floats, y: Floats) -> Ints:
    """Return the flat cell or the row of the street segment of each point, -1 on none."""
    if isinstance(ground, Streets):
        return snap_points(ground, x, y).segment
    return look_up(ground, x, y, np.arange(ground.n_frame, dtype=np.int32))


@njit(cache=True, nogil=True, error_model="numpy")
def _unpack(
    keys: Ints,
    places: Ints,
    begin: Ints,
    end: Ints,
    edges: Ints,
    bins: Ints,
    slots: tuple[int, int, int, int, int],
    named: bool,
    most_us: int,
    out: Ints,
    lost: Ints,
) -> int:
    n_spans, n_kinds, n_sources, n_columns, n_rows = slots
    kept, spread = 0, len(begin) > 0
    for i in range(len(keys)):
        rest = keys[i] // n_sources
        source = keys[i] - rest * n_sources
        other = rest // n_kinds
        kind = rest - other * n_kinds
        place = other // n_spans
        span = other - place * n_spans
        unit = place if place > 0 else -1
        if len(places):
            unit = places[i]
        elif n_columns:
            row = place // (n_columns + 2)
            column = place - row * (n_columns + 2)
            inside = 1 <= row <= n_rows and 1 <= column <= n_columns
            unit = (row - 1) * n_columns + column - 1 if inside else -1
        reason = -1
        if source == n_sources - 1:
            reason = 0
        elif named and kind == n_kinds - 1:
            reason = 1
        elif unit < 0:
            reason = 2
        elif spread and end[i] - begin[i] > most_us:
            reason = 3
        if reason >= 0:
            lost[max(span - 1, 0), reason] += 1
            continue
        out[0, kept] = unit
        out[1, kept] = bins[max(span - 1, 0)]
        out[2, kept] = kind
        out[3, kept] = source
        if spread:
            crosses = end[i] > edges[span]
            out[4, kept] = begin[i] if crosses else 0
            out[5, kept] = end[i] if crosses else 0
        kept += 1
    return kept
