"""Grids through time: which held on a day, and which grid a point was in then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import InputError
from geo.grids.frames import Floats, Ints, require_frame, shapes_of
from geo.places import GridSet, days_since_1970

_LOST_M2 = 0.01
_FAR = 3_000_000


def grids_on(history: gpd.GeoDataFrame, day: date) -> gpd.GeoDataFrame:
    """Return the rows of a history that are valid on a day.

    Parameters
    ----------
    history
        Grids with `valid_from` and `valid_to` as dates, the second not part of the validity;
        missing means without end.

    Raises
    ------
    InputError
        If a column is missing.
    """
    require = {"valid_from", "valid_to"} - set(history.columns)
    if require:
        raise InputError(f"history: lacks the column(s) {', '.join(sorted(require))}.")
    begun = _days(history["valid_from"], missing=-_FAR) <= days_since_1970(day)
    running = _days(history["valid_to"], missing=_FAR) > days_since_1970(day)
    return history[begun & running]


def _days(days: Iterable[date | None], *, missing: int) -> Ints:
    """Return dates as days since 1970, shape ``(n,)``."""
    numbers = [missing if pd.isna(day) else days_since_1970(day) for day in days]
    return np.array(numbers, dtype=np.int64)


def crosswalk(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how the area of each grid of one day is shared among those of another.

    Counts of the old grids times `share`, summed by `to_code`, are comparable with counts of
    the new ones, as far as incidents are spread evenly over a grid; where points are at hand,
    tag them anew instead.

    Returns
    -------
    `from_code`, `to_code`, `area_m2`, `share` (of the old grid, 0 to 1; sums to 1 where the
    new ones cover it). Common areas up to 0.01 m2 are left out.
    """
    before, after = shapes_of(old), shapes_of(new)
    left, right = shapely.STRtree(after).query(before, predicate="intersects")
    area = shapely.area(shapely.intersection(before[left], after[right]))
    kept = area > _LOST_M2
    left, right, area = left[kept], right[kept], area[kept]
    return pd.DataFrame(
        {
            "from_code": old["code"].to_numpy(dtype=object)[left],
            "to_code": new["code"].to_numpy(dtype=object)[right],
            "area_m2": area,
            "share": area / shapely.area(before)[left],
        }
    ).sort_values(["from_code", "to_code"], ignore_index=True)


def tag_points(
    points: Floats, days: Sequence[date] | date, *, history: gpd.GeoDataFrame, srid: int
) -> npt.NDArray[np.object_]:
    """Return the code of the grid that each point was in, None for none.

    Parameters
    ----------
    points
        Metres, shape ``(n, 2)``.
    days
        The day of each point, in the jurisdiction's time zone: the grid of its own time. Or one
        day for all: every point in the grids of that day, to compare years.
    history
        `code`, `valid_from`, `valid_to` and polygons in `srid` of basic and exclusive grids;
        those valid on one day do not overlap.

    Raises
    ------
    InputError
        If the numbers of points and days differ.
    """
    require_frame(history, srid=srid, name="history", columns=("code", "valid_from", "valid_to"))
    when = [days] * len(points) if isinstance(days, date) else list(days)
    if len(when) != len(points):
        raise InputError(f"{len(points)} points and {len(when)} days: give a day for each point.")
    grids = GridSet(
        srid=srid,
        area_id=np.arange(len(history), dtype=np.int64),
        valid_from=_days(history["valid_from"], missing=-_FAR),
        valid_to=_days(history["valid_to"], missing=_FAR),
        polygons=shapes_of(history),
    )
    row = grids.area_of(points[:, 0], points[:, 1], _days(when, missing=_FAR))
    codes: npt.NDArray[np.object_] = np.full(len(points), None, dtype=object)
    codes[row >= 0] = history["code"].to_numpy(dtype=object)[row[row >= 0]]
    return codes
