"""What may leave the house of incidents: counts without small numbers, points that hide homes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.points import Points, iso_day
from analytics.privacy.counts import Published, publish_counts
from analytics.privacy.geomask import DonutParams, Masked, mask_points


@dataclass(frozen=True, eq=False)
class PublicCounts:
    """A table that may be published.

    Attributes
    ----------
    rows
        One row an area: ``code``, ``name``, ``group``, ``count`` (text, the mark where withheld).
    totals
        Of the groups, and of everything as the last row: ``group``, ``count``.
    published
        What was withheld and why, for the record of the house.
    """

    rows: pd.DataFrame
    totals: pd.DataFrame
    published: Published


def count_publicly(
    cube: Cube, areas: pd.DataFrame, groups: NDArray[np.object_], *, k: int = 5
) -> PublicCounts:
    """Return counts of areas and their groups, from which no number below `k` can be worked out.

    Parameters
    ----------
    cube
        Counts of areas; all steps are added up.
    areas
        ``code`` and ``name`` of each unit, in order.
    groups
        What each unit belongs to (its community), ``(n_units,)``.

    Raises
    ------
    InputError
        k is below 2.
    """
    found = publish_counts(cube.totals(), k=k, groups=(groups,))
    names, sums = found.totals[0]
    rows = areas[["code", "name"]].assign(group=groups, count=found.text(found.cells))
    totals = pd.DataFrame({"group": names, "count": found.text(sums)})
    overall = found.text(np.atleast_1d(found.overall))[0]
    totals.loc[len(totals)] = ["all 合计", overall]
    return PublicCounts(rows.reset_index(drop=True), totals, found)


def mask_incidents(
    points: Points,
    homes: gpd.GeoDataFrame,
    *,
    params: DonutParams | None = None,
    rng: np.random.Generator,
) -> tuple[gpd.GeoDataFrame, dict[str, float]]:
    """Return incidents moved so that they lead to no door, and how well that hides them.

    Parameters
    ----------
    homes
        Where people live, points or buildings in the metric CRS with ``households``.

    Returns
    -------
    tuple
        EPSG:4326 points with ``category`` and ``month`` (never the day), withheld ones left out,
        in an order that says nothing; and `Masked.summary`.
    """
    places = shapely.centroid(np.asarray(homes.geometry.array, dtype=object))
    masked: Masked = mask_points(
        points.x, points.y, home_x=shapely.get_x(places), home_y=shapely.get_y(places),
        srid=points.srid, rng=rng, params=params,
        households=homes["households"].to_numpy(dtype=np.float64),
    )  # fmt: skip
    kept = np.flatnonzero(~masked.withheld)
    kept = rng.permutation(kept)
    table: dict[str, Any] = {
        "category": points.category[kept],
        "month": [iso_day(day)[:7] for day in points.day[kept]],
    }
    shapes = gpd.points_from_xy(masked.x[kept], masked.y[kept], crs=points.srid)
    return gpd.GeoDataFrame(table, geometry=shapes).to_crs(4326), masked.summary()
