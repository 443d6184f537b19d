"""What a plan gives each community beside its need by both sources, for people to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from analytics.bias.effort import EffortParams
from analytics.bias.equity import equity_table
from analytics.bias.listing import with_effort
from analytics.cube import DISCOVERED, REPORTED
from analytics.cube_store import read_area_cube
from analytics.effort_exposure import add_effort
from analytics.queries import CubeRequest
from patrol.plans import UNPLACED, Plan


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
    cube, _ = read_area_cube(connection, everything, level="grid")
    items = plan.items.set_index("area_id").reindex(cube.units.ids)
    if effort_h is None:
        watched = add_effort(connection, cube, everything)
    else:
        watched = with_effort(cube, np.asarray(items["code"], dtype=object), effort_h)
    groups = items["community"].fillna(UNPLACED).to_numpy(dtype=object)
    hours = items["hours"].fillna(0.0).to_numpy(dtype=np.float64)
    return equity_table(watched, groups, hours=hours, params=params)
