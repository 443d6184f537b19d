"""The equity table as it is stored: communities, both sources, and what silence would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from analytics.bias.effort import EffortParams
from analytics.bias.equity import equity_table
from analytics.bias.sensitivity import share_out, sweep_reporting
from analytics.cube import Cube
from analytics.listing import Listing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EquityParams:
    """How need is compared between communities.

    Attributes
    ----------
    effort_h
        Patrol hours of the window by area code; a grid without an entry is unknown. None: the
        hours of nobody are known.
    least_h, most_weight, saturation_h
        See `analytics.bias.effort.EffortParams`.
    silent_rate
        How often a community reports, in the question what it would lose or lack: 0.5 is half
        as often as it should.
    """

    effort_h: Mapping[str, float] | None = None
    least_h: float = 1.0
    most_weight: float = 10.0
    saturation_h: float | None = None
    silent_rate: float = 0.5


def list_equity(
    cube: Cube, codes: NDArray[np.object_], communities: NDArray[np.int64], params: EquityParams
) -> Listing:
    """Compare communities by both sources, before and after correction for effort.

    Parameters
    ----------
    cube
        Grids by whatever steps, with reported and found layers.
    codes, communities
        Code of each grid, and ``area_id`` of its community, ``(n_units,)``.

    Returns
    -------
    Listing
        One row a community by area_id: ``observed`` reports, score `reporting_ratio`, label
        ``unknown`` where the effort in all of its grids is; the columns of
        `analytics.bias.equity.equity_table`; and in shares of all hours, if hours followed
        reports: ``lost_if_silent``, ``lacking_if_silent``, ``moved_if_mended``.
    """
    watched = with_effort(cube, codes, params.effort_h)
    effort = EffortParams(
        least_h=params.least_h, most_weight=params.most_weight, saturation_h=params.saturation_h
    )
    table = equity_table(watched, communities, params=effort).rename(columns={"group": "area_id"})
    swept = sweep_reporting(
        table["reported"].to_numpy(dtype=np.float64), share_out, rates=(params.silent_rate,)
    )
    rows = table.drop(columns=["hours", "hours_share", "hours_per_need"]).assign(
        observed=table["reported"],
        score=table["reporting_ratio"],
        label=np.where(table["unknown_units"] == table["units"], "unknown", "known"),
        lost_if_silent=swept["loss"],
        lacking_if_silent=swept["lack"],
        moved_if_mended=swept["moved_share"],
    )
    return Listing(
        kind="bias",
        unit="area",
        window=cube.steps.window,
        rows=rows,
        parameters=MappingProxyType(asdict(params) | cube.describe(found_by=cube.found_by)),
    )


def with_effort(
    cube: Cube, codes: NDArray[np.object_], effort_h: Mapping[str, float] | None
) -> Cube:
    """Return a cube whose units know their patrol hours; the same one if nobody knows them."""
    if effort_h is None:
        return cube
    hours = np.array([effort_h.get(str(code), np.nan) for code in codes], dtype=np.float64)
    exposure = MappingProxyType({**cube.units.exposure, "patrol_hours": hours})
    return replace(cube, units=replace(cube.units, exposure=exposure))
