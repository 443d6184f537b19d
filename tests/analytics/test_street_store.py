"""Incidents counted on streets and hexagons by the database, stored with their shapes, and again."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from analytics.answers import answer
from analytics.cube import Units, cube_from_events
from analytics.cube_cache import read_cached_cube
from analytics.cube_choice import CubeSettings, read_ground_cube
from analytics.cube_store import read_cell_cube, read_lattice
from analytics.hot_streets import StreetParams
from analytics.hotspots import HotspotParams
from analytics.recompute import compare, recompute
from analytics.results import Result
from analytics.store import Origin, read_result, write_result
from analytics.street_store import read_street_cube, read_streets
from analytics.trends import TrendParams
from geo.errors import ConflictError, InputError, NotFoundError
from geo.network.streets import snap_points
from tests.analytics.conftest import SRID, add_road
from tests.analytics.test_store import request_of

pytestmark = pytest.mark.db


def test_the_database_counts_on_streets_what_python_counts(db, roaded):
    streets = read_streets(db, roaded["id"], reach_m=40.0)
    assert "far" not in set(streets.network.segments["name"])
    request = request_of(roaded, by_class=True)
    ours = read_street_cube(db, request, streets)
    events = roaded["events"]
    snapped = snap_points(streets, events["x_m"].to_numpy(), events["y_m"].to_numpy())
    theirs = cube_from_events(
        events.assign(unit_id=snapped.segment), Units("segment", np.arange(len(streets))),
        ours.steps, found_by=ours.found_by, classes=ours.classes,
    )  # fmt: skip
    np.testing.assert_array_equal(ours.counts, theirs.counts)
    assert ours.counts.sum() > 300
    assert ours.left_out["no_unit"] == theirs.left_out["no_unit"] > 100


def same_cube(ours, theirs):
    np.testing.assert_array_equal(ours.counts, theirs.counts)
    np.testing.assert_array_equal(
        ours.units.exposure["street_km"], theirs.units.exposure["street_km"]
    )
    assert (ours.classes, ours.found_by) == (theirs.classes, theirs.found_by)
    assert dict(ours.left_out) == dict(theirs.left_out)


def test_streets_kept_in_a_file_hold_what_memory_holds_and_late_rows_are_seen(db, roaded, tmp_path):
    streets = read_streets(db, roaded["id"], reach_m=40.0)
    request = request_of(roaded, by_class=True)
    kept = read_cached_cube(db, request, streets, directory=tmp_path)
    assert isinstance(kept.counts.base, np.memmap)
    same_cube(kept, read_street_cube(db, request, streets))
    twice = (
        "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref, "
        "category_id, found_by, geom, x_m, y_m, area_id, content_hash, import_run_id) "
        "SELECT occurred_at, occurred_until, time_precision, feed_id, source_ref || ' late', "
        "category_id, found_by, geom, x_m, y_m, area_id, content_hash, import_run_id FROM incident "
        "WHERE occurred_at < (SELECT min(occurred_at) FROM incident) + interval '3 weeks'"
    )
    db.execute(text(twice))
    late = read_cached_cube(db, request, streets, directory=tmp_path)
    assert late.counts.sum() > kept.counts.sum() > 300
    same_cube(late, read_street_cube(db, request, streets))
    assert len(list(tmp_path.iterdir())) == 1
    wider = read_streets(db, roaded["id"], reach_m=120.0)
    assert read_cached_cube(db, request, wider, directory=tmp_path).counts.sum() > late.counts.sum()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cube_that_may_be_large_is_kept_in_a_file_with_the_same_counts(
    db, roaded, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    streets, request = read_streets(db, roaded["id"]), request_of(roaded)
    small = read_ground_cube(db, request, streets)
    assert not list(tmp_path.iterdir())
    large = read_ground_cube(db, request, streets, large=1)
    same_cube(large, small)
    assert list(tmp_path.glob("gridbeat/cubes/*/counts-1.npy"))
    lattice = read_lattice(db, roaded["id"], cell_size_m=150.0)
    settings = CubeSettings(cubes=tmp_path / "mine", cubes_gb=1e-9)
    cells = read_ground_cube(db, request, lattice, large=1, settings=settings)
    np.testing.assert_array_equal(cells.counts, read_cell_cube(db, request, lattice).counts)
    assert not list(tmp_path.glob("mine/*/counts*"))  # no room: who has it open keeps it


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("streets", StreetParams(method="gi", permutations=199)),
        ("trends", TrendParams()),
        ("hotspots", HotspotParams()),
    ],
)
def test_a_result_over_streets_is_stored_as_lines_and_comes_out_the_same(db, roaded, kind, params):
    streets = read_streets(db, roaded["id"])
    origin = Origin(request_of(roaded), "1", seed=5, streets=streets)
    found = answer(db, kind, origin, params)
    assert isinstance(found, Result)
    stored = read_result(db, write_result(db, found, origin))
    assert stored.run["unit"] == "segment"
    assert set(stored.rows.geom_type) == {"MultiLineString"}
    assert stored.rows["observed"].sum() == found.observed.sum()
    assert compare(stored.rows, recompute(db, stored)).identical
    add_road(db, roaded, "new", [(100, 100), (400, 100)])
    with pytest.raises(ConflictError, match="roads were changed"):
        recompute(db, stored)


def test_a_result_over_hexagons_is_stored_as_hexagons_and_comes_out_the_same(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=150.0, kind="hexagon")
    origin = Origin(request_of(district), "1", lattice=lattice)
    found = answer(db, "hotspots", origin, HotspotParams())
    stored = read_result(db, write_result(db, found, origin))
    corners = shapely.get_num_coordinates(np.asarray(stored.rows.geometry.array))
    assert set(corners.tolist()) == {7}
    assert stored.run["parameters"]["lattice"]["kind"] == "hexagon"
    area = stored.rows.to_crs(SRID).area
    assert area.min() == pytest.approx(lattice.cell_area_m2, rel=1e-5)
    assert compare(stored.rows, recompute(db, stored)).identical


def test_without_streets_or_with_the_wrong_place_to_count_it_says_so(db, district):
    with pytest.raises(NotFoundError, match="import roads first"):
        read_streets(db, district["id"])
    lattice = read_lattice(db, district["id"], cell_size_m=500.0)
    origin = Origin(request_of(district), "1", lattice=lattice)
    with pytest.raises(InputError, match="street segments"):
        answer(db, "streets", origin, StreetParams())
    found = answer(db, "hotspots", origin, HotspotParams())
    with pytest.raises(InputError, match="where they lie"):
        write_result(db, found, Origin(request_of(district), "1"))
