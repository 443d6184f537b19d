"""Numbers into dense arrays: whole incidents, and parts of those known only as an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.steps import Step, Steps
from geo.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Shape = tuple[int, int, int, int]

MOST_BYTES = 4_000_000_000
"""Size above which a cube is refused rather than filling the machine's memory."""
MOST_SPREAD = timedelta(days=32)
"""Length above which an interval says nothing about the hour: such incidents are left out of a
spread count as ``vague_time``. A month known by name is shorter."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Groups of incidents and where they go in a cube, each array ``(n_groups,)``.

    Attributes
    ----------
    unit, step, kind, source
        Row of each along the cube's axes. The step of a group that is spread means nothing.
    n
        How many incidents.
    begin, end
        Microseconds since 1970 (UTC) of the interval ``[begin, end)`` over which a group is
        spread; equal where it belongs to its step as a whole.
    """

    unit: Ints
    step: Ints
    kind: Ints
    source: Ints
    n: Ints
    begin: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.n)

    def take(self, rows: NDArray[np.bool_] | Ints) -> Tally:
        """Return some of the groups."""
        return Tally(*(getattr(self, item.name)[rows] for item in fields(self)))

    def in_order(self) -> Tally:
        """Return the groups in one order, whatever the one they came in.

        A database promises none, and sums of parts depend on it in their last digits.
        """
        return self.take(np.lexsort([getattr(self, item.name) for item in fields(self)]))


def spreads(step: Step) -> bool:
    """Say whether intervals are spread over such steps unless something else is asked for.

    An unknown hour would otherwise pile up on midnight. Days and longer steps keep whole numbers,
    on which exact tests rely, and hold nearly all intervals as a whole.
    """
    return step in ("hour", "hour_of_week")


def edges_us(steps: Steps) -> Ints:
    """Return the edges of the steps in microseconds since 1970, UTC."""
    return steps.edges.astype("datetime64[us]").astype(np.int64)


def empty_counts(shape: Shape, dtype: type[np.generic] = np.uint32) -> NDArray[Any]:
    """Return zeros of a shape, or refuse what would fill the memory.

    Raises
    ------
    InputError
        The array would take more than `MOST_BYTES`.
    """
    size = np.dtype(dtype).itemsize * math.prod(shape)
    if size > MOST_BYTES:
        raise InputError(
            f"a cube of {shape[0]} units, {shape[1]} steps, {shape[2]} classes and {shape[3]} "
            f"sources would take {size / 1e9:.0f} GB; take larger cells, longer steps, a shorter "
            "window or fewer classes, or keep it in a file with analytics.cube_cache"
        )
    return np.zeros(shape, dtype=dtype)


def count_into(
    shape: Shape, index: Sequence[Ints], weights: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Return a dense array of the given shape that holds how often each place is named.

    Whole weights make a uint32 array, others float64. Empty input gives zeros.

    Raises
    ------
    InputError
        The array would take more than `MOST_BYTES`.
    """
    whole = weights is None or np.issubdtype(weights.dtype, np.integer)
    counts = empty_counts(shape, np.uint32 if whole else np.float64)
    add_counts(counts, index, weights)
    return counts


def add_counts(
    out: NDArray[Any], index: Sequence[Ints], weights: NDArray[Any] | None = None
) -> None:
    """Add one, or a weight, to `out` at each place that `index` names."""
    if len(index[0]):
        each = np.ones(1, dtype=np.int64) if weights is None else weights
        unit, step, kind, source = index
        _tally(unit, step, kind, source, each, out)


def fill(shape: Shape, tally: Tally, steps: Steps) -> tuple[NDArray[Any], float]:
    """Return counts, and how many incidents' worth of spread ones lies outside the window.

    The counts are uint32 where nothing is spread, otherwise float64.

    Raises
    ------
    InputError
        The array would take more than `MOST_BYTES`.
    """
    spread = tally.begin < tally.end
    counts = empty_counts(shape, np.float64 if spread.any() else np.uint32)
    return counts, fill_parts(counts, [fill_whole(counts, tally)], steps)


def fill_whole(counts: NDArray[Any], tally: Tally) -> Tally:
    """Add the groups that belong to one step as a whole, and return those that are spread."""
    spread = tally.begin < tally.end
    some = bool(spread.any())
    whole = tally.take(~spread) if some else tally
    add_counts(counts, (whole.unit, whole.step, whole.kind, whole.source), whole.n)
    return tally.take(np.flatnonzero(spread))


def fill_parts(counts: NDArray[Any], parts: Sequence[Tally], steps: Steps) -> float:
    """Add spread groups in one order; return how many incidents' worth lies outside the window."""
    columns = (
        np.concatenate([getattr(some, item.name) for some in parts] or [np.empty(0, np.int64)])
        for item in fields(Tally)
    )
    together = Tally(*columns).in_order()
    add_spans(counts, together, steps)
    return float(outside(together, steps).sum())


def outside(parts: Tally, steps: Steps) -> Floats:
    """Return how many incidents' worth of each spread group lies outside the window."""
    edges = edges_us(steps)
    inside = np.minimum(parts.end, edges[-1]) - np.maximum(parts.begin, edges[0])
    return np.asarray(parts.n * (1.0 - inside / (parts.end - parts.begin)))


def add_spans(
    out: NDArray[Any], parts: Tally, steps: Steps, *, within: tuple[int, int] | None = None
) -> None:
    """Spread groups evenly over the steps that their intervals overlap (aoristic weights).

    Parameters
    ----------
    out
        Floats, ``(n_units, n_steps, n_classes, n_sources)``, that is added to.
    parts
        Groups with an interval.
    steps
        The steps of `out`.
    within
        Steps to fill, ``[first, last)``; all when None. Of hours of the week: hours of the window.

    References
    ----------
    Ratcliffe, J. H. (2000). Aoristic analysis: the spatial interpretation of unspecific temporal
    events. International Journal of Geographical Information Science 14(7), 669-679.
    doi:10.1080/136588100424963
    """
    if not len(parts):
        return
    edges = edges_us(steps)
    first, last = within or (0, len(edges) - 1)
    bins = np.arange(len(edges) - 1) if steps.bins is None else steps.bins
    place = (parts.unit, parts.kind, parts.source)
    _spread(*place, parts.begin, parts.end, parts.n, edges, bins, first, last, out)


@njit(cache=True, nogil=True)
def _tally(
    unit: Ints, step: Ints, kind: Ints, source: Ints, weights: NDArray[Any], out: NDArray[Any]
) -> None:
    single = len(weights) == 1
    for i in range(len(unit)):
        out[unit[i], step[i], kind[i], source[i]] += weights[0] if single else weights[i]


@njit(cache=True, nogil=True)
def _spread(
    unit: Ints,
    kind: Ints,
    source: Ints,
    begin: Ints,
    end: Ints,
    n: Ints,
    edges: Ints,
    bins: Ints,
    first: int,
    last: int,
    out: Floats,
) -> None:
    for i in range(len(unit)):
        j = max(first, np.searchsorted(edges, begin[i], side="right") - 1)
        while j < last and edges[j] < end[i]:
            part = min(end[i], edges[j + 1]) - max(begin[i], edges[j])
            out[unit[i], bins[j], kind[i], source[i]] += n[i] * part / (end[i] - begin[i])
            j += 1
