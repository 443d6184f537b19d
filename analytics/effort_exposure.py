"""Hours of effort out of the database, as the exposure of a cube's areas or cells."""

from __future__ import annotations

from datetime import datetime, time
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.cube import Cube
from analytics.cube_store import read_jurisdiction
from analytics.exposure import add_exposure
from analytics.queries import CubeRequest
from geo.effort_cells import CELL_M
from geo.effort_store import read_area_effort, read_effort
from geo.errors import InputError
from geo.lattice.lattice import Lattice, cell_of

Floats = NDArray[np.float64]
# Exposure by the finder whose finds it divides -> sources of effort.
FINDERS = MappingProxyType(
    {"patrol": ("foot", "vehicle"), "drone": ("drone",), "camera": ("camera",)}
)


def add_effort(
    connection: Connection, cube: Cube, request: CubeRequest, *, lattice: Lattice | None = None
) -> Cube:
    """Return a cube whose units know the hours of patrols, drones and camera desks.

    Parameters
    ----------
    cube
        Over grids, or over the active cells of `lattice`, in the window of `request`.

    Returns
    -------
    Cube
        With exposure ``patrol_hours``, ``drone_hours``, ``camera_hours`` (NaN where nothing was
        recorded: unknown, not zero) for the finders of whom any effort is stored; otherwise the
        same cube, so that their finds are left out as a whole.

    Raises
    ------
    InputError
        Cells are smaller than those in which effort is kept.
    """
    if lattice is not None and lattice.cell_size_m < CELL_M:
        raise InputError(f"effort is kept in cells of {CELL_M:g} m; count on cells of that or more")
    zone = ZoneInfo(str(read_jurisdiction(connection, request.jurisdiction_id)["time_zone"]))
    begins, ends = (
        datetime.combine(day, time(), tzinfo=zone) for day in (request.start, request.end)
    )
    hours: dict[str, Floats] = {}
    for finder, sources in FINDERS.items():
        if lattice is None:
            found = read_area_effort(
                connection, request.jurisdiction_id, begins=begins, ends=ends, sources=sources
            )
            row = cube.units.locate(found["area_id"])
        else:
            found = read_effort(
                connection, request.jurisdiction_id, begins=begins, ends=ends, sources=sources
            )
            found["hours"] = found["seconds"] / 3600
            row = _cells(found, cube, lattice)
        inside = row >= 0
        if inside.any():
            total = np.full(len(cube.units), np.nan)
            known = np.bincount(row[inside], minlength=len(total)) > 0
            spent = found["hours"].to_numpy(dtype=np.float64)[inside]
            total[known] = np.bincount(row[inside], spent, len(total))[known]
            hours[f"{finder}_hours"] = total
    return add_exposure(cube, **hours) if hours else cube


def _cells(found: pd.DataFrame, cube: Cube, lattice: Lattice) -> NDArray[np.int64]:
    middle_x = (found["i"].to_numpy(dtype=np.float64) + 0.5) * CELL_M
    middle_y = (found["j"].to_numpy(dtype=np.float64) + 0.5) * CELL_M
    at = cell_of(lattice, middle_x, middle_y)
    row = np.full(len(at), -1, dtype=np.int64)
    row[at >= 0] = cube.units.locate(lattice.cells[at[at >= 0]])
    return row
