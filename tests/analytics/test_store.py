"""Cubes counted by PostGIS are those counted from the same rows in Python, and results come back."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from analytics.cube import Units, cube_from_events
from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.density import DensityParams, find_density
from analytics.hotspots import HotspotParams, find_hotspots
from analytics.queries import CubeRequest
from analytics.steps import make_steps
from analytics.store import Origin, read_newest_result, read_result, write_result
from analytics.trends import find_trends
from geo.errors import CrsError, InputError, NotFoundError
from geo.lattice.lattice import cell_of, make_lattice, neighbours
from geo.models.base import FOUND_BY

pytestmark = pytest.mark.db

ZONE = "America/Chicago"
SRID = 26971


def insert(db, statement, **values):
    return db.execute(text(statement), values).scalar_one()


def request_of(district, **changes):
    plain = {"start": date(2020, 1, 1), "end": date(2021, 1, 1), "step": "week"}
    return CubeRequest(district["id"], **(plain | changes))


@pytest.mark.parametrize("step", ["hour", "day", "week", "month"])
def test_cells_counted_in_the_database_are_those_counted_in_python(db, district, step):
    lattice = read_lattice(db, district["id"], cell_size_m=130.0)
    window = (date(2020, 10, 28), date(2020, 11, 4)) if step == "hour" else (
        date(2020, 1, 1), date(2021, 1, 1)
    )  # fmt: skip
    request = request_of(
        district, start=window[0], end=window[1], step=step, found_by=FOUND_BY, by_class=True
    )
    ours = read_cell_cube(db, request, lattice)
    steps = make_steps(*window, step=step, time_zone=ZONE)
    events = district["events"]
    cells = cell_of(lattice, events["x_m"].to_numpy(), events["y_m"].to_numpy())
    events = events.assign(unit_id=np.where(cells >= 0, lattice.cells[cells], -1))
    theirs = cube_from_events(
        events, Units("cell", lattice.cells), steps, found_by=ours.found_by, classes=ours.classes
    )
    np.testing.assert_array_equal(ours.counts, theirs.counts)
    assert ours.counts.sum() > 0
    assert ours.left_out["no_unit"] == theirs.left_out["no_unit"]


def test_nothing_is_lost_between_the_table_and_the_cube(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=100.0)
    cube = read_cell_cube(db, request_of(district, step="day", classes=("dump", "park")), lattice)
    assert cube.classes == ("all",)
    assert cube.counts.sum() + sum(cube.left_out.values()) == len(district["events"])
    assert min(cube.left_out.values()) > 0
    assert set(cube.found_by) == {"resident", "sensor", "other"}
    assert cube.units.exposure["area_km2"].sum() == pytest.approx(2.0, rel=1e-3)


def test_another_jurisdiction_counts_for_nothing(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=100.0)
    db.execute(
        text(
            "WITH j AS (INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) "
            "SELECT 't2', 'b', 'b', geom, metric_srid, time_zone FROM jurisdiction "
            "WHERE jurisdiction_id = :id RETURNING jurisdiction_id) "
            "INSERT INTO feed (jurisdiction_id, source) SELECT jurisdiction_id, 'x' FROM j"
        ),
        {"id": district["id"]},
    )
    other = insert(db, "SELECT jurisdiction_id FROM jurisdiction WHERE code = 't2'")
    cube = read_cell_cube(db, CubeRequest(other, date(2020, 1, 1), date(2021, 1, 1)), lattice)
    assert cube.counts.sum() == sum(cube.left_out.values()) == 0
    apart = CubeRequest(other, date(2020, 1, 1), date(2021, 1, 1), by_class=True)
    assert read_cell_cube(db, apart, lattice).counts.shape[2:] == (0, 1)


def test_grids_of_the_last_day_are_counted_and_retired_ones_told(db, district):
    cube, (indptr, indices) = read_area_cube(
        db, request_of(district, step="month", found_by=FOUND_BY)
    )
    areas, events = district["areas"], district["events"]
    assert cube.units.ids.tolist() == [areas[code] for code in ("e1", "e2", "w1", "w2")]
    expected = [(events["area_id"] == unit).sum() for unit in cube.units.ids]
    assert cube.totals(found_by=FOUND_BY).tolist() == expected
    nowhere = events["area_id"].isna() | (events["area_id"] == areas["e-old"])
    assert cube.left_out["no_unit"] == nowhere.sum()
    # In order of code: e1 touches e2 and w2, w1 touches w2.
    assert [indices[a:b].tolist() for a, b in pairwise(indptr)] == [
        [1, 3],
        [0],
        [3],
        [0, 2],
    ]
    np.testing.assert_allclose(cube.units.exposure["area_km2"], 0.5, rtol=2e-3)
    assert cube.units.exposure["households"].tolist() == [450.0] * 4


def test_communities_hold_the_incidents_of_their_retired_grids(db, district):
    cube, _ = read_area_cube(
        db, request_of(district, step="month", found_by=FOUND_BY), level="community"
    )
    events, areas = district["events"], district["areas"]
    east = events["area_id"].isin([areas[code] for code in ("e-old", "e1", "e2")]).sum()
    west = events["area_id"].isin([areas[code] for code in ("w1", "w2")]).sum()
    assert cube.totals(found_by=FOUND_BY).tolist() == [east, west]


def test_two_schemes_with_one_code_stay_apart(db, district):
    scheme = insert(
        db,
        "INSERT INTO category_scheme (scheme, version) VALUES ('other', '1') RETURNING scheme_id",
    )
    kind = insert(
        db,
        "INSERT INTO category (scheme_id, code, name, name_en) VALUES (:s, 'dump', 'a', 'a') "
        "RETURNING category_id",
        s=scheme,
    )
    db.execute(
        text(
            "UPDATE incident SET category_id = :k WHERE feed_id = :f AND found_by = 'resident' "
            "AND category_id = (SELECT category_id FROM category JOIN category_scheme "
            "USING (scheme_id) WHERE scheme = 'test' AND code = 'dump')"
        ),
        {"k": kind, "f": district["feed"]},
    )
    cube, _ = read_area_cube(db, request_of(district, step="month", by_class=True))
    assert cube.classes == ("noise", "other/dump", "park", "test/dump")
    only, _ = read_area_cube(db, request_of(district, step="month", classes=("other/dump",)))
    assert only.totals().sum() == cube.totals(classes=["other/dump"]).sum() > 0


def test_hotspots_come_back_with_all_that_is_needed_to_compute_them_again(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=100.0)
    request = request_of(district, step="month", classes=("dump",))
    cube = read_cell_cube(db, request, lattice)
    result = find_hotspots(cube, neighbours(lattice), HotspotParams(alpha=0.1))
    number = write_result(db, result, Origin(request, "0.1.0", seed=5, lattice=lattice))
    stored = read_result(db, number)
    np.testing.assert_array_equal(stored.rows["unit_no"], lattice.cells)
    np.testing.assert_allclose(stored.rows["score"].astype(float), result.score)
    np.testing.assert_array_equal(stored.rows["q_value"], result.q)
    assert stored.rows["label"].tolist() == result.label.tolist()
    assert stored.rows["slope"].isna().all()
    assert stored.run["window_from"] == cube.steps.window[0]
    assert (stored.run["code_version"], stored.run["seed"]) == ("0.1.0", 5)
    parameters = stored.run["parameters"]
    assert parameters["method"]["alpha"] == 0.1
    assert parameters["request"]["classes"] == ["dump"]
    assert parameters["lattice"]["size"] == 100.0
    assert json.dumps(parameters)
    metric = stored.rows.to_crs(SRID)
    np.testing.assert_allclose(metric.area, 1e4, rtol=1e-4)
    x, y = metric.centroid.x.to_numpy(), metric.centroid.y.to_numpy()
    np.testing.assert_array_equal(cell_of(lattice, x, y), np.arange(lattice.n_cells))


def test_trends_of_grids_come_back_with_their_codes_and_shapes(db, district):
    request = request_of(district, step="month")
    cube, _ = read_area_cube(db, request)
    number = write_result(db, find_trends(cube), Origin(request, "0.1.0", level="grid"))
    stored = read_newest_result(db, district["id"], kind="trends", unit="area")
    assert stored.run["result_run_id"] == number
    assert stored.rows["code"].tolist() == ["e1", "e2", "w1", "w2"]
    assert stored.rows.geometry.is_valid.all()
    assert stored.run["summary"]["observed"] == cube.totals().sum()


def test_a_surface_without_tests_is_stored_with_nulls(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=100.0)
    request = request_of(district, step="month")
    cube = read_cell_cube(db, request, lattice)
    result = find_density(cube, lattice, DensityParams(bandwidth_m=250.0))
    number = write_result(db, result, Origin(request, "0.1.0", lattice=lattice))
    rows = read_result(db, number).rows
    assert rows["p_value"].isna().all()
    assert (rows["score"] >= 0).all()


def test_errors_say_what_is_missing(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=100.0)
    with pytest.raises(NotFoundError, match="no jurisdiction 0"):
        read_lattice(db, 0, cell_size_m=100.0)
    with pytest.raises(NotFoundError, match="no area of level 'street'"):
        read_area_cube(db, request_of(district), level="street")
    with pytest.raises(NotFoundError, match="no result 0"):
        read_result(db, 0)
    with pytest.raises(NotFoundError, match="no trends over cells"):
        read_newest_result(db, district["id"], kind="trends")
    with pytest.raises(InputError, match="class 'theft'"):
        read_cell_cube(db, request_of(district, classes=("theft",)), lattice)
    elsewhere = make_lattice(shapely.box(0, 0, 500, 500), cell_size_m=100, srid=32616)
    with pytest.raises(CrsError, match="EPSG:32616"):
        read_cell_cube(db, request_of(district), elsewhere)
