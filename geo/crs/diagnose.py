"""Why do the points fall outside? Swapped axes, lost signs and wrong systems, by name."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.diagnosis import Diagnosis, Lang
from geo.crs.gcj import Floats
from geo.crs.readings import (
    Reading,
    find_inside,
    list_other_readings,
    list_shifted_readings,
    measure,
    read_as,
)
from geo.crs.systems import Crs, middle, parse_crs
from geo.errors import CrsError

SAMPLE_SIZE = 50_000
"""Positions looked at; of more, every n-th, so that the answer is the same each time."""
_MIN_SHARE = 0.5  # a reading that does not bring half of the points inside explains nothing
_MIN_GAIN = 0.25
_TIE = 0.05
_MIN_PLACES = 30  # distinct places outside, below which a shift is not told from chance
_CELL_DEGREES = 1e-4  # positions in one cell of about 10 m count once as evidence of a shift


def diagnose_positions(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    crs: str | int | Crs,
    boundary: BaseGeometry,
    place: str = "",
    metric_srid: int | None = None,
) -> Diagnosis:
    """Find out whether raw positions lie where they should, and if not, why.

    Parameters
    ----------
    x, y
        Raw coordinates, shape ``(n,)``; a row with NaN in either has no position.
    crs
        The system that they are declared to be in.
    boundary
        The jurisdiction, polygon or multipolygon in WGS-84 longitude and latitude.
    place
        Name of the jurisdiction for the message.
    metric_srid
        Its metric system; without it, the proposed one is tried.

    Returns
    -------
    diagnosis
        From at most `SAMPLE_SIZE` evenly spaced positions. Without positions nothing is found.

    Notes
    -----
    A shift of some hundred metres between WGS-84, GCJ-02 and BD-09 shows only where points
    reach the boundary. It is named only if thirty distinct places lie outside, they are spread
    along a side of the jurisdiction, and another reading brings at least two thirds of them
    inside while the third reading does not.
    """
    declared = parse_crs(crs)
    xs, ys = np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()
    present = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
    n_points, n_missing = present.size, xs.size - present.size
    if not n_points:
        return Diagnosis(0, n_missing, 0.0, declared, place)
    chosen = present[np.linspace(0, n_points - 1, min(n_points, SAMPLE_SIZE)).astype(np.intp)]
    xs, ys = xs[chosen], ys[chosen]
    shapely.prepare(boundary)
    as_declared = measure(Reading(declared), xs, ys, boundary)
    fits = _find_fits(as_declared, xs, ys, boundary, metric_srid)
    shifted = None if fits else _find_shift(as_declared, xs, ys, boundary)
    share_outside = 1.0 - as_declared.share_inside
    return Diagnosis(n_points, n_missing, share_outside, declared, place, fits, shifted)


def require_inside(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    crs: str | int | Crs,
    boundary: BaseGeometry,
    place: str = "",
    metric_srid: int | None = None,
    max_share_outside: float = 0.5,
    lang: Lang = "en",
) -> Diagnosis:
    """Refuse positions of which too many fall outside; arguments as `diagnose_positions`.

    Raises
    ------
    CrsError
        If more than `max_share_outside` (0 to 1) fall outside; the message names the cause.
    """
    diagnosis = diagnose_positions(
        x, y, crs=crs, boundary=boundary, place=place, metric_srid=metric_srid
    )
    if diagnosis.share_outside > max_share_outside:
        raise CrsError(diagnosis.message(lang))
    return diagnosis


def _find_fits(
    as_declared: Reading, x: Floats, y: Floats, boundary: BaseGeometry, metric_srid: int | None
) -> tuple[Reading, ...]:
    needed = max(_MIN_SHARE, as_declared.share_inside + _MIN_GAIN)
    if needed > 1:
        return ()
    others = list_other_readings(as_declared.crs, boundary, metric_srid)
    measured = [measure(reading, x, y, boundary) for reading in others]
    fits = [reading for reading in measured if reading.share_inside >= needed]
    if not fits:
        return ()
    best = max(reading.share_inside for reading in fits)
    close = [reading for reading in fits if reading.share_inside >= best - _TIE]
    changes = [reading.changes + (reading.crs != as_declared.crs) for reading in close]
    kept = [reading for reading, n in zip(close, changes, strict=True) if n == min(changes)]
    return tuple(sorted(kept, key=lambda reading: -reading.share_inside))


def _find_shift(
    as_declared: Reading, x: Floats, y: Floats, boundary: BaseGeometry
) -> Reading | None:
    readings = list_shifted_readings(as_declared.crs, boundary)
    lon, lat = read_as(as_declared, x, y)
    if not readings or np.isnan(lon).any():
        return None
    cells = np.floor(np.stack([lon, lat]) / _CELL_DEGREES)
    first = np.unique(cells, axis=1, return_index=True)[1]
    x, y, lon, lat = x[first], y[first], lon[first], lat[first]
    outside = ~find_inside(as_declared, x, y, boundary)
    by_n_outside = sorted(
        (int((~find_inside(reading, x, y, boundary)).sum()), reading.crs.name, reading)
        for reading in readings
    )
    best, reading = by_n_outside[0][0], by_n_outside[0][2]
    if outside.sum() < max(_MIN_PLACES, 3 * best):
        return None
    if len(by_n_outside) > 1 and by_n_outside[1][0] < 2 * best + 10:
        return None
    if not _line_a_side(lon[outside], lat[outside], reading, as_declared.crs, boundary):
        return None
    return measure(reading, x, y, boundary)


def _line_a_side(
    lon: Floats, lat: Floats, reading: Reading, declared: Crs, boundary: BaseGeometry
) -> bool:
    # One busy place just across the border must not pass for a shift of the whole layer.
    here = [np.array([value]) for value in middle(boundary)]
    there = read_as(reading, *here)
    back = read_as(Reading(declared), *here)
    shift = np.array([there[0] - back[0], there[1] - back[1]]).ravel()
    across = np.array([-shift[1], shift[0]]) / np.hypot(*shift)
    reach = np.ptp(shapely.get_coordinates(boundary) @ across)
    low, high = np.quantile(np.stack([lon, lat], axis=1) @ across, [0.05, 0.95])
    return bool(high - low >= 0.3 * reach)
