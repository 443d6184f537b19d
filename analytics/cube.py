"""The space-time cube: counts by unit, calendar step, class and who found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube_fill import MOST_SPREAD, Tally, edges_us, fill, spreads
from analytics.steps import Steps, to_utc
from geo.errors import InputError

UnitKind = Literal["cell", "area", "segment"]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REPORTED: tuple[str, ...] = ("resident", "sensor", "other")
"""Who speaks up wherever they are, sent by nobody: the default signal."""
DISCOVERED: tuple[str, ...] = ("patrol", "camera", "drone")
"""What is found only where a plan sent somebody or something to look. Counting it as need would
send the next plan to the same place again, so it is evidence only after division by effort."""

UNTIL = "occurred_until"
COLUMNS = ("unit_id", "occurred_at", "category", "found_by")


_AT_ONCE = 16_000_000
"""How many numbers `Cube.totals` has in memory at a time."""


@dataclass(frozen=True, eq=False)
class Units:
    """The places that are counted: cells of a lattice, areas such as grids, or street segments.

    Attributes
    ----------
    kind
        ``cell``, ``area`` or ``segment``.
    ids
        Shape ``(n_units,)``, unique: flat cell numbers, ``area_id``, or rows of the network.
    exposure
        What counts may be divided by, each ``(n_units,)`` or ``(n_units, n_steps)``: for example
        ``area_km2``, ``households``, ``street_km``, ``patrol_hours``.
    """

    kind: UnitKind
    ids: Ints
    exposure: Mapping[str, Floats] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if len(np.unique(self.ids)) != len(self.ids):
            raise InputError("unit ids repeat; each unit must be named once")
        for name, values in self.exposure.items():
            if values.shape[:1] != self.ids.shape:
                raise InputError(f"exposure {name!r} has {len(values)} rows for {len(self)} units")

    def __len__(self) -> int:
        return len(self.ids)

    def locate(self, ids: pd.Series | Ints) -> Ints:
        """Return the row of each id, or -1 for one that is not among these units."""
        return np.asarray(pd.Index(self.ids).get_indexer(pd.Index(ids)), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Cube:
    """Counts by unit, step, class and source; never changed once made.

    Attributes
    ----------
    counts
        Shape ``(n_units, n_steps, n_classes, n_sources)``, not negative; whole numbers, or weights
        where one incident is spread over an interval.
    classes
        Category code of each class.
    found_by
        Who found the incidents of each source layer.
    left_out
        How many incidents were read and not counted, by reason; with the counts they add up to
        the incidents handed in. Parts of incidents, where they are spread over an interval that
        the window cuts.
    """

    counts: NDArray[Any]
    units: Units
    steps: Steps
    classes: tuple[str, ...]
    found_by: tuple[str, ...]
    left_out: Mapping[str, int | float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        expected = (len(self.units), len(self.steps), len(self.classes), len(self.found_by))
        if self.counts.shape != expected:
            raise InputError(
                f"counts have shape {self.counts.shape}; units, steps, classes and sources "
                f"ask for {expected}"
            )
        self.counts.flags.writeable = False

    def series(
        self,
        *,
        classes: Sequence[str] | None = None,
        found_by: Sequence[str] = REPORTED,
        units: slice = slice(None),
        steps: slice = slice(None),
    ) -> NDArray[Any]:
        """Return counts by unit and step, shape ``(n_units, n_steps)``, int64 or float64.

        Parameters
        ----------
        classes
            Codes to add up; all when None.
        found_by
            Sources to add up, those of them that the cube has. By default what was reported, not
            what patrols, cameras or drones were sent to find.

        Raises
        ------
        InputError
            A class is not in the cube, or none of the sources is.
        """
        rows = self._class_rows(classes)
        layers = [i for i, name in enumerate(self.found_by) if name in found_by]
        if not layers:
            raise InputError(
                f"the cube holds incidents found by {', '.join(self.found_by)}, none by "
                f"{', '.join(found_by)}; name the sources to use in found_by"
            )
        counts = self.counts[units, steps]
        if counts.strides[-1] > counts.strides[1]:
            return _sum_planes(counts, rows, layers)
        if len(rows) == len(self.classes) and len(layers) == len(self.found_by):
            return _sum_out(counts)
        return _sum_out(counts[:, :, rows][:, :, :, layers])

    def totals(
        self, *, classes: Sequence[str] | None = None, found_by: Sequence[str] = REPORTED
    ) -> NDArray[Any]:
        """Return counts by unit over all steps, shape ``(n_units,)``; see `series`.

        Works through the cube a few steps at a time.
        """
        total = np.zeros(len(self.units), dtype=_total_type(self.counts))
        at_once = max(1, _AT_ONCE // max(1, len(self.units)))
        for first in range(0, len(self.steps), at_once):
            some = slice(first, first + at_once)
            total += self.series(classes=classes, found_by=found_by, steps=some).sum(axis=1)
        return total

    def describe(
        self, *, classes: Sequence[str] | None = None, found_by: Sequence[str] = REPORTED
    ) -> dict[str, Any]:
        """Return what `series` would count, as plain JSON values to store beside a result."""
        return {
            "step": self.steps.step,
            "n_steps": len(self.steps),
            "classes": list(classes or self.classes),
            "found_by": [name for name in self.found_by if name in found_by],
            "left_out": dict(self.left_out),
        }

    def _class_rows(self, classes: Sequence[str] | None) -> list[int]:
        if classes is None:
            return list(range(len(self.classes)))
        place = {code: i for i, code in enumerate(self.classes)}
        unknown = [code for code in classes if code not in place]
        if unknown:
            raise InputError(
                f"class {unknown[0]!r} is not in the cube; it has {', '.join(self.classes)}"
            )
        return [place[code] for code in dict.fromkeys(classes)]


def _total_type(counts: NDArray[Any]) -> type[np.int64] | type[np.float64]:
    return np.float64 if np.issubdtype(counts.dtype, np.floating) else np.int64


def _sum_planes(counts: NDArray[Any], rows: Sequence[int], layers: Sequence[int]) -> NDArray[Any]:
    """Add up classes and sources that lie far apart in memory, plane by plane."""
    total = np.zeros(counts.shape[:2], dtype=_total_type(counts), order="F")
    for row in rows:
        for layer in layers:
            total += counts[:, :, row, layer]
    return total


def _sum_out(block: NDArray[Any]) -> NDArray[Any]:
    if block.shape[2:] == (1, 1):
        return block[:, :, 0, 0].astype(_total_type(block))
    return np.asarray(block.sum(axis=(2, 3), dtype=_total_type(block)))


def cube_from_events(
    events: pd.DataFrame,
    units: Units,
    steps: Steps,
    *,
    found_by: Sequence[str] = REPORTED,
    classes: Sequence[str] | None = None,
    spread: bool | None = None,
) -> Cube:
    """Count events into a cube.

    Parameters
    ----------
    events
        One row an event, a plain frame or a GeoDataFrame, with `COLUMNS`: ``unit_id`` (as
        `geo.lattice` or `geo.locate` place points), ``occurred_at`` with a time zone,
        ``category``, ``found_by``; and ``occurred_until`` where only an interval is known.
    units, steps
        Where and when to count; an event outside both is left out and told in `Cube.left_out`.
    found_by
        Sources to keep, each a layer of its own. The default is what was reported.
    classes
        Category codes to keep; by default all that occur, in sorted order.
    spread
        Spread each event evenly over the steps that its interval overlaps, so that an unknown
        hour does not count as midnight. Intervals longer than `MOST_SPREAD` are left out as
        ``vague_time``. By default only for hours and hours of the week, see `spreads`; otherwise
        an event counts where its interval begins.

    Returns
    -------
    Cube
        An empty frame gives a cube of zeros, with no class unless `classes` names some.

    Raises
    ------
    InputError
        A column is missing or the times carry no zone.
    """
    _need_columns(events)
    codes = tuple(classes) if classes is not None else _codes(events["category"])
    sources = tuple(dict.fromkeys(found_by))
    begin, end, timed = _spans(events, steps, spread)
    places = {
        "outside_window": timed.pop("outside_window"),
        "other_source": _rows(events["found_by"], sources),
        "other_class": _rows(events["category"], codes),
        "no_unit": units.locate(events["unit_id"]),
        **timed,
    }
    kept, left_out = _split(places, len(events))
    shape = (len(units), len(steps), len(codes), len(sources))
    order = ("no_unit", "outside_window", "other_class", "other_source")
    unit, step, kind, source = (places[name][kept] for name in order)
    ones = np.ones(len(unit), dtype=np.int64)
    tally = Tally(unit, step, kind, source, ones, begin[kept], end[kept])
    counts, outside = fill(shape, tally, steps)
    if outside:
        left_out["outside_window"] += outside
    return Cube(counts, units, steps, codes, sources, MappingProxyType(left_out))


def _spans(
    events: pd.DataFrame, steps: Steps, spread: bool | None
) -> tuple[Ints, Ints, dict[str, Ints]]:
    """Return begin and end of each event's interval, and places that tell who is left out.

    Equal begin and end mean that the event lies in one step as a whole.
    """
    at = steps.locate(events["occurred_at"])
    if spread is None:
        spread = spreads(steps.step) and UNTIL in events.columns
    if not spread:
        return np.zeros(len(at), np.int64), np.zeros(len(at), np.int64), {"outside_window": at}
    if UNTIL not in events.columns:
        raise InputError(f"events have no column {UNTIL!r}, over which to spread them")
    start = to_utc(events["occurred_at"])
    known = ~np.isnat(start)
    begin = start.astype(np.int64)
    end = np.fmax(to_utc(events[UNTIL]), start).astype(np.int64)
    edges = edges_us(steps)
    span = np.searchsorted(edges, begin, side="right")
    crosses = known & (end > np.r_[edges, edges[-1]][span]) & (span < len(edges))
    vague = np.where(end - begin > MOST_SPREAD // timedelta(microseconds=1), -1, 0)
    end = np.where(crosses, end, begin)
    return begin, end, {"outside_window": np.where(crosses, 0, at), "vague_time": vague}


def _need_columns(events: pd.DataFrame) -> None:
    for name in COLUMNS:
        if name not in events.columns:
            hint = 'events.assign(found_by="resident")' if name == "found_by" else name
            raise InputError(
                f"events have no column {name!r}; a cube needs {', '.join(COLUMNS)} ({hint})"
            )


def _codes(category: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(str(code) for code in category.dropna().unique()))


def _rows(values: pd.Series, names: tuple[str, ...]) -> Ints:
    return (
        pd.Index(names, dtype=object).get_indexer(pd.Index(values.astype(object))).astype(np.int64)
    )


def _split(places: Mapping[str, Ints], n: int) -> tuple[NDArray[np.bool_], dict[str, int | float]]:
    kept = np.ones(n, dtype=np.bool_)
    left_out: dict[str, int | float] = {}
    for reason, place in places.items():
        lost = kept & (place < 0)
        left_out[reason] = int(lost.sum())
        kept &= ~lost
    return kept, left_out
