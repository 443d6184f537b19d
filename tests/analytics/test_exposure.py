from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from analytics.answers import answer
from analytics.area_rates import RateParams
from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.exposure import PIECE_M, add_exposure, count_households, measure_streets
from analytics.exposure_store import read_exposure
from analytics.queries import CubeRequest
from analytics.store import Origin
from geo.crs.systems import unproject
from geo.errors import InputError


def halves(x, y):
    """Return 0 west of 100 m, 1 from there on, -1 outside a square of 200 m."""
    inside = (x >= 0) & (x < 200) & (y >= 0) & (y < 200)
    return np.where(inside, (x >= 100).astype(np.int64), -1)


def test_streets_are_shared_out_where_they_lie_and_no_length_counts_twice():
    lines = shapely.linestrings(
        [
            [[0, 50], [200, 50]],
            [[100, 0], [100, 200]],
            [[150, 10], [150, 60]],
            [[190, 10], [260, 10]],
        ]
    )
    km = measure_streets(lines, n=2, at=halves)
    # The second runs along the border and belongs to one side; the fourth leaves after 10 m.
    assert km == pytest.approx([0.1, 0.1 + 0.2 + 0.05 + 0.01], abs=2 * PIECE_M / 1000)
    assert km.sum() == pytest.approx(0.2 + 0.2 + 0.05 + 0.01, abs=PIECE_M / 1000)


def test_without_streets_or_addresses_there_are_zeros():
    nothing = np.array([])
    assert measure_streets(nothing, n=2, at=halves).tolist() == [0.0, 0.0]
    assert count_households(nothing, nothing, nothing, n=2, at=halves).tolist() == [0.0, 0.0]


def test_households_outside_count_nowhere():
    x, y = np.array([10.0, 150.0, 150.0, 500.0]), np.array([10.0, 10.0, 20.0, 10.0])
    found = count_households(x, y, np.array([3, 4, 5, 100]), n=2, at=halves)
    assert found.tolist() == [3.0, 9.0]


def test_exposures_are_added_and_wrong_ones_refused(cube_of):
    cube = cube_of([[1, 2, 3], [0, 1, 0]])
    hours = np.ones((2, 3))
    assert add_exposure(cube, patrol_hours=hours).units.exposure["patrol_hours"] is hours
    assert "patrol_hours" not in cube.units.exposure
    with pytest.raises(InputError, match="one value a unit"):
        add_exposure(cube, street_km=np.ones(3))
    with pytest.raises(InputError, match="negative"):
        add_exposure(cube, street_km=np.array([1.0, -1.0]))


@pytest.mark.db
def test_the_database_gives_households_and_streets_to_grids_and_cells_alike(db, district):
    corner = district["corner"]

    def lonlat(*points):
        xy = np.add(points, np.array([corner["x"], corner["y"]]))
        return list(zip(*unproject(xy[:, 0], xy[:, 1], srid=26971), strict=True))

    def add(table, columns, values, shape):
        db.execute(
            text(
                f"INSERT INTO {table} (feed_id, source_ref, content_hash, geom{columns}) VALUES "
                f"(:f, :r, 0, ST_GeomFromText(:w, 4326){values})"
            ),
            {"f": district["feed"], "r": shape.wkt, "w": shape.wkt},
        )

    for homes, place in ((30, (250, 500)), (12, (1750, 500)), (5, (1760, 400))):
        add("household_point", ", households", f", {homes}", shapely.Point(lonlat(place)[0]))
    add("road", ", kind", ", 'street'", shapely.LineString(lonlat((100, 333), (900, 333))))
    request = CubeRequest(district["id"], date(2020, 1, 1), date(2021, 1, 1), step="month")
    areas, _ = read_area_cube(db, request)
    number = district["id"]
    grids = read_exposure(db, areas, jurisdiction_id=number, patrol_hours=np.ones(4)).units
    at = {name: grids.locate(np.array([district["areas"][name]]))[0] for name in ("w1", "w2", "e2")}
    assert [grids.exposure["households"][at[name]] for name in at] == [30, 0, 17]
    km = [grids.exposure["street_km"][at[name]] for name in at]
    assert km == pytest.approx([0.4, 0.4, 0], abs=PIECE_M / 1000)
    lattice = read_lattice(db, number, cell_size_m=200.0)
    cells = read_exposure(
        db, read_cell_cube(db, request, lattice), jurisdiction_id=number, lattice=lattice
    ).units
    assert cells.exposure["households"].sum() == 47
    assert cells.exposure["street_km"].sum() == pytest.approx(0.8, rel=1e-3)
    assert set(cells.exposure) == {"area_km2", "households", "street_km"}
    rates = answer(db, "rates", Origin(request, "0.1.0", level="grid"), RateParams(per="street_km"))
    assert rates.label[at["e2"]] == "unknown"
    assert rates.score[at["w1"]] > 0
