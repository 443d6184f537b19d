"""What no camera watches, ranked by the reports that are expected there."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.lattice.lattice import Lattice, cell_of, cell_polygons
from patrol.coverage.need import expect_need
from patrol.coverage.samples import Samples

Flags = NDArray[np.bool_]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class BlindParams:
    """How blind spots are found.

    Attributes
    ----------
    bandwidth_m
        How far around itself an incident speaks of need; a street block by default.
    top
        How many cells to return.
    least_need
        Expected reports a week below which a cell is no spot.
    """

    bandwidth_m: float = 120.0
    top: int = 50
    least_need: float = 0.01

    def __post_init__(self) -> None:
        if self.bandwidth_m <= 0 or self.top < 1 or self.least_need < 0:
            raise InputError("bandwidth and top must be over 0, the least need 0 or more")


def find_blind_spots(
    lattice: Lattice,
    ground: Samples,
    seen: Flags,
    incidents: pd.DataFrame,
    *,
    weeks: float,
    params: BlindParams,
    unseen: shapely.Geometry | None = None,
) -> gpd.GeoDataFrame:
    """Rank cells by the reports expected a week on ground that no camera sees.

    The need of a cell is the smoothed density of reports times its unseen ground. A cell
    without reports around is not called safe: it has no need that is known.

    Parameters
    ----------
    lattice
        Square cells, 50 m say.
    ground, seen
        Samples of open ground in the lattice's CRS, and which of them a camera sees.
    incidents
        Reported ones: ``x_m``, ``y_m``, ``category``, ``hour``.
    weeks
        Length of the window that they are of.
    unseen
        What nobody sees, to cut the cells to; None: whole cells.

    Returns
    -------
    GeoDataFrame
        By falling need, in the lattice's CRS: ``rank``, ``need`` (reports a week), ``unseen_m2``,
        ``unseen`` (share of the cell's ground), ``main_class``, ``main_hour``, ``reports``,
        ``reason_zh``, ``reason_en``. Empty where there are no incidents.

    Raises
    ------
    InputError
        The window has no length.
    """
    if not weeks > 0:
        raise InputError("the window must be longer than nothing")
    need = expect_need(lattice, incidents, weeks=weeks, bandwidth_m=params.bandwidth_m)
    cell = cell_of(lattice, ground.x, ground.y)
    inside = cell >= 0
    total = np.bincount(cell[inside], ground.weight[inside], lattice.n_cells)
    dark = np.bincount(cell[inside], (ground.weight * ~seen)[inside], lattice.n_cells)
    weekly = need.weekly_per_m2 * dark
    order = np.argsort(-weekly, kind="stable")[: params.top]
    order = order[weekly[order] >= max(params.least_need, 1e-12)]
    shapes = cell_polygons(lattice)[order]
    if unseen is not None:
        shapes = shapely.intersection(shapes, unseen)
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(order) + 1), "need": weekly[order], "unseen_m2": dark[order],
            "unseen": dark[order] / np.maximum(total[order], 1e-9), "reports": need.reports[order],
        }
    )  # fmt: skip
    main = _mains(incidents, need.cell, order, lattice)
    return gpd.GeoDataFrame(_in_words(pd.concat([table, main], axis=1)), geometry=shapes,
                            crs=lattice.srid)  # fmt: skip


def _mains(incidents: pd.DataFrame, at: Longs, order: Longs, lattice: Lattice) -> pd.DataFrame:
    """Return the commonest class and hour within a cell's neighbourhood of three by three."""
    rows = []
    cells = lattice.cells[order]
    of_incident = np.where(at >= 0, lattice.cells[at], -1)
    column, line = of_incident % lattice.n_columns, of_incident // lattice.n_columns
    for cell in cells:
        near = (np.abs(column - cell % lattice.n_columns) <= 1) & (at >= 0)
        near &= np.abs(line - cell // lattice.n_columns) <= 1
        found = incidents.loc[near, ["category", "hour"]]
        rows.append([found[name].mode().iloc[0] if len(found) else None for name in found])
    return pd.DataFrame(rows, columns=["main_class", "main_hour"])


def _in_words(table: pd.DataFrame) -> pd.DataFrame:
    zh, en = [], []
    columns = (table[n] for n in ("need", "unseen_m2", "unseen", "main_class", "main_hour"))
    for need, dark, share, main, hour in zip(*columns, strict=True):
        at_zh, at_en = (
            ("", "") if pd.isna(hour) else (f"，多在{hour:.0f}时", f", mostly at {hour:.0f}:00")
        )
        led_zh, led_en = ("", "") if pd.isna(main) else (f"，以“{main}”为主", f", led by {main}")
        zh.append(
            f"预计每周{need:.2f}件发生在无摄像机可见的{dark:,.0f}平方米"
            f"（占室外地面{share:.0%}）{led_zh}{at_zh}"
        )
        en.append(
            f"{need:.2f} reports a week expected on {dark:,.0f} m2 that no camera sees "
            f"({share:.0%} of the open ground){led_en}{at_en}"
        )
    return table.assign(reason_zh=zh, reason_en=en)
