"""Hours out of the database divide what was found; where nothing is recorded they are unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection

from analytics.bias.effort import EffortParams, correct_for_effort
from analytics.cube import DISCOVERED, REPORTED
from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.effort_exposure import add_effort
from analytics.queries import CubeRequest
from geo.effort_store import write_effort
from geo.errors import InputError
from tests.patrol.test_track_store import place  # noqa: F401 - a fixture

pytestmark = pytest.mark.db
REQUEST = CubeRequest(1, date(2026, 1, 5), date(2026, 2, 2), found_by=(*REPORTED, *DISCOVERED))


def spend(connection: Connection, area: int, hours: float, *, source: str = "foot",
          cell: tuple[int, int] = (0, 0)) -> None:  # fmt: skip
    write_effort(connection, 1, pd.DataFrame(
        {"hour": [datetime(2026, 1, 10, 2, tzinfo=UTC)], "source": [source], "i": [cell[0]],
         "j": [cell[1]], "area_id": [area], "seconds": [hours * 3600], "visits": [1]}
    ))  # fmt: skip


def test_without_effort_the_cube_stays_as_it_is(place: Connection) -> None:  # noqa: F811
    cube, _ = read_area_cube(place, REQUEST)
    assert add_effort(place, cube, REQUEST) is cube


def test_each_finder_has_its_own_hours_and_unvisited_grids_are_unknown(
    place: Connection,  # noqa: F811
) -> None:
    areas = place.info["areas"]
    spend(place, areas["w1"], 10.0)
    spend(place, areas["w1"], 5.0, source="vehicle")
    spend(place, areas["w2"], 30.0, cell=(1, 0))
    spend(place, areas["e1"], 2.0, source="camera", cell=(2, 0))
    spend(place, 0, 99.0, cell=(3, 0))
    cube, _ = read_area_cube(place, REQUEST)
    watched = add_effort(place, cube, REQUEST)
    row = cube.units.locate(np.array([areas[code] for code in ("w1", "w2", "e1", "e2")]))
    patrol = np.asarray(watched.units.exposure["patrol_hours"])[row]
    assert patrol[:2].tolist() == [15.0, 30.0]
    assert np.isnan(patrol[2:]).all()
    assert np.asarray(watched.units.exposure["camera_hours"])[row][2] == 2.0
    assert "drone_hours" not in watched.units.exposure
    found = correct_for_effort(watched, EffortParams(method="by-dose"))
    assert found.unknown[row].tolist() == [False, False, False, True]
    earlier = replace(REQUEST, start=date(2025, 12, 1), end=date(2026, 1, 5))
    assert "patrol_hours" not in add_effort(place, cube, earlier).units.exposure


def test_cells_add_up_the_cells_of_effort_within_them(place: Connection) -> None:  # noqa: F811
    lattice = read_lattice(place, 1, cell_size_m=200.0)
    column, line = (round(v / 50) for v in (lattice.x0, lattice.y0))
    first = int(lattice.cells[0])
    i = column + (first % lattice.n_columns) * 4
    j = line + (first // lattice.n_columns) * 4
    for k in range(3):
        spend(place, 0, 1.0, cell=(i + k, j + 3))
    spend(place, 0, 7.0, cell=(i + 4, j + 3))
    cube = read_cell_cube(place, REQUEST, lattice)
    hours = np.asarray(
        add_effort(place, cube, REQUEST, lattice=lattice).units.exposure["patrol_hours"]
    )
    assert hours[0] == pytest.approx(3.0)
    assert np.nansum(hours) == pytest.approx(10.0)
    fine = read_lattice(place, 1, cell_size_m=25.0)
    with pytest.raises(InputError, match="50 m"):
        add_effort(place, cube, REQUEST, lattice=fine)
