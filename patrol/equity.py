"""What a plan gives each community beside its need by both sources, for people to judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.bias.effort import EffortParams
from analytics.bias.equity import equity_table
from analytics.bias.listing import with_effort
from analytics.cube import DISCOVERED, REPORTED
from analytics.cube_store import read_area_cube
from analytics.effort_exposure import add_effort
from analytics.queries import CubeRequest
from patrol.plans import UNPLACED, Plan

Floats = NDArray[np.float64]


def compare_communities(
    connection: Connection,
    request: CubeRequest,
    plan: Plan,
    *,
    effort_h: Mapping[str, float] | None = None,
    params: EffortParams | None = None,
) -> pd.DataFrame:
    """Set a plan's hours beside need by reports and by finds, community by community.

    Parameters
    ----------
    request
        What the plan rests on; all sources are counted here, whichever it names.
    plan
        Its items need ``area_id``.
    effort_h
        Patrol hours of the window by grid code; a grid without an entry is unknown. None: hours
        of patrols, drones and camera desks as their tracks and looks tell; where there are none
        either, finds are not corrected.

    Returns
    -------
    DataFrame
        As `analytics.bias.equity.equity_table`.

    Raises
    ------
    NotFoundError
        There are no grids in the window.
    """
    everything = replace(request, found_by=(*REPORTED, *DISCOVERED), by_class=False)
    cube, _ = read_area_cube(connection, everything, level=plan.context.level)
    items = plan.items.set_index("area_id").reindex(cube.units.ids)
    if effort_h is None:
        watched = add_effort(connection, cube, everything)
    else:
        watched = with_effort(cube, np.asarray(items["code"], dtype=object), effort_h)
    groups = items["community"].fillna(UNPLACED).to_numpy(dtype=object)
    hours = items["hours"].fillna(0.0).to_numpy(dtype=np.float64)
    return equity_table(watched, groups, hours=hours, params=params)


def expected_by_community(plan: Plan) -> pd.DataFrame:
    """Return the forecast of each community with its interval, which grids' intervals make.

    Half widths are added as independent errors are, by their squares; errors that grids share
    make the true interval wider.

    Returns
    -------
    DataFrame
        By community: ``expected``, ``low``, ``high`` (reports a step); empty without a forecast.
    """
    rows = pd.DataFrame(
        {
            "community": plan.items["community"].fillna(UNPLACED).astype(str).to_numpy(),
            "expected": [reason.expected for reason in plan.reasons],
            "down": [_half(reason.expected, reason.expected_low) for reason in plan.reasons],
            "up": [_half(reason.expected_high, reason.expected) for reason in plan.reasons],
        }
    ).dropna()
    table = rows.groupby("community").sum()
    spread = table[["down", "up"]] ** 0.5
    return pd.DataFrame(
        {
            "expected": table["expected"],
            "low": (table["expected"] - spread["down"]).clip(lower=0.0),
            "high": table["expected"] + spread["up"],
        }
    ).astype(float)


def _half(high: float | None, low: float | None) -> float:
    return float("nan") if high is None or low is None else (high - low) ** 2


def explain_finds(
    connection: Connection, request: CubeRequest, unit_ids: Sequence[int], *, level: str
) -> Floats:
    """Return what patrols found in each grid, and its share of need before and after correction.

    Parameters
    ----------
    request
        What a plan rests on; all sources are counted here, whichever it names.
    unit_ids
        The grids, in the order of the answer.

    Returns
    -------
    NDArray
        Shape ``(n, 3)``: finds in the window, share of need with finds as they come, and with
        finds corrected for effort (NaN where the hours are unknown).
    """
    everything = replace(request, found_by=(*REPORTED, *DISCOVERED), by_class=False)
    cube, _ = read_area_cube(connection, everything, level=level)
    watched = add_effort(connection, cube, everything)
    table = equity_table(watched, [str(number) for number in cube.units.ids]).set_index("group")
    own = table.reindex([str(number) for number in unit_ids])
    after = own["share_after"].where(own["unknown_units"] == 0)
    shown = pd.DataFrame({"found": own["found"], "before": own["share_before"], "after": after})
    return shown.to_numpy(dtype=np.float64)
