"""Incidents counted on streets and hexagons by the database, stored with their shapes, and again."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from analytics.answers import answer
from analytics.cube import Units, cube_from_events
from analytics.cube_store import read_lattice
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
