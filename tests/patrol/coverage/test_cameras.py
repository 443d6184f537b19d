"""Shares that cameras watch, by hand on a small town, and what a change of cameras brings."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.crs.systems import unproject
from geo.errors import InputError, NotFoundError
from geo.visibility.cameras import LookParams
from geo.visibility.views import view_polygons
from geo.visibility.walls import make_walls
from patrol.coverage.cameras import (
    Addition,
    Move,
    change_cameras,
    compare_coverage,
    cover_grids,
    cover_incidents,
    is_working,
    see,
    watch_points,
)
from patrol.coverage.samples import Samples, place_samples, sample_ground, sample_streets

SRID = 32650
X0, Y0 = 500_000.0, 4_420_000.0


def lonlat(x, y):
    lon, lat = unproject(
        X0 + np.atleast_1d(x).astype(float), Y0 + np.atleast_1d(y).astype(float), srid=SRID
    )
    return lon, lat


def metric(*shapes):
    return gpd.GeoDataFrame(
        geometry=[shapely.affinity.translate(s, X0, Y0) for s in shapes], crs=SRID
    )


@pytest.fixture
def grids():
    """Give two squares of 200 m side by side."""
    frame = metric(shapely.box(0, 0, 200, 200), shapely.box(200, 0, 400, 200))
    return frame.assign(code=["G1", "G2"], name=["一", "二"]).to_crs(4326)


@pytest.fixture
def cameras():
    """Give four cameras all round 50 m: two at one spot of the west, an offline one in the east."""
    lon, lat = lonlat([100, 100, 300, 300], [100, 100, 100, 30])
    return gpd.GeoDataFrame(
        {
            "camera_id": [11, 12, 13, 14], "name": list("ABCD"),
            "status": ["online", "unknown", "offline", "retired"],
            "azimuth_deg": [0.0] * 4, "fov_deg": [360.0] * 4, "range_m": [50.0] * 4,
            "height_m": [np.nan] * 4,
        },
        geometry=gpd.points_from_xy(lon, lat), crs=4326,
    )  # fmt: skip


@pytest.fixture
def walls():
    return make_walls(None, srid=SRID)


def ground_of(grids, walls, spacing_m=2.0):
    return {"area": sample_ground(grids, walls, spacing_m=spacing_m)}


def test_shares_are_those_of_the_circles(grids, cameras, walls) -> None:
    views = see(cameras, walls, LookParams())
    table = cover_grids(views, cameras, grids, ground_of(grids, walls)).set_index("code")
    disc = np.pi * 50**2 / 200**2
    assert table.loc["G1", "area_seen"] == pytest.approx(disc, rel=0.01)
    assert table.loc["G1", "area_overlap"] == pytest.approx(disc, rel=0.01)
    assert table.loc["G2", ["area_seen", "area_overlap"]].tolist() == [0, 0]
    assert table.loc["G2", "area_lost"] == pytest.approx(disc + np.pi * 50**2 * 0.4 / 4e4, rel=0.4)
    assert table.loc["all", "area_seen"] == pytest.approx(disc / 2, rel=0.01)
    assert table["cameras"].tolist() == [2, 0, 2]
    assert is_working(cameras).tolist() == [True, True, False, False]


def test_ground_seen_agrees_with_the_area_of_polygons_behind_buildings(grids, cameras) -> None:
    rng = np.random.default_rng(5)
    houses = [shapely.box(x, y, x + 12, y + 9) for x, y in rng.uniform(5, 380, (60, 2)) if y < 190]
    walls = make_walls(metric(*houses), srid=SRID)
    cameras = cameras.assign(status="online", range_m=110.0)
    views = see(cameras, walls, LookParams())
    table = cover_grids(views, cameras, grids, ground_of(grids, walls, 1.0))
    for row, square in enumerate(grids.to_crs(SRID).geometry):
        ground = square.difference(shapely.union_all(walls.buildings))
        seen = shapely.union_all(view_polygons(views)).intersection(ground)
        assert table["area_total"][row] == pytest.approx(ground.area, rel=0.005)
        assert table["area_seen"][row] == pytest.approx(seen.area / ground.area, abs=0.005)


def test_streets_count_by_their_length(grids, cameras, walls) -> None:
    roads = metric(
        shapely.LineString([(0, 100), (400, 100)]), shapely.LineString([(0, 10), (7, 10)])
    )
    streets = sample_streets(roads, grids, srid=SRID, spacing_m=1.0)
    assert streets.weight.sum() == pytest.approx(407)
    views = see(cameras, walls, LookParams())
    table = cover_grids(views, cameras, grids, {"street": streets})
    assert table["street_seen"][0] == pytest.approx(100 / 207, abs=0.005)
    assert table["street_lost"][1] == pytest.approx(0.5, abs=0.005)


def test_incidents_by_class_and_hour(grids, cameras, walls) -> None:
    x, y = X0 + np.array([100, 149, 160, 300.0, 999]), Y0 + np.array([100, 100, 100, 100.0, 0])
    samples, rows = place_samples(grids, x, y, srid=SRID)
    assert rows.tolist() == [0, 1, 2, 3]
    watch = watch_points(see(cameras, walls, LookParams()), samples, n_cameras=4)
    working = is_working(cameras)
    by_class = cover_incidents(watch, working, pd.Series(["dump", "dump", "dump", "park"]))
    assert by_class.index.tolist() == ["dump", "park"]
    assert by_class["incidents"].tolist() == [3, 1]
    assert by_class["seen"].tolist() == [pytest.approx(2 / 3), 0]
    by_hour = cover_incidents(watch, working, pd.Series([9, 3, 9, 3]))
    assert by_hour.index.tolist() == [3, 9]
    assert by_hour["seen"].tolist() == [0.5, 0.5]


def test_presets_of_one_camera_are_one_camera_and_no_overlap(grids, walls) -> None:
    lon, lat = lonlat([100], [100])
    turning = gpd.GeoDataFrame(
        {"camera_id": [1], "status": ["online"], "presets": ["0/120/50; 60/120/50"]},
        geometry=gpd.points_from_xy(lon, lat), crs=4326,
    )  # fmt: skip
    table = cover_grids(see(turning, walls, LookParams()), turning, grids, ground_of(grids, walls))
    assert table["area_overlap"][0] == 0
    assert table["area_seen"][0] == pytest.approx(np.pi * 2500 / 2 / 4e4, rel=0.02)


def test_a_grid_without_samples_has_no_share(grids, cameras, walls) -> None:
    none = Samples(*np.empty((2, 0)), np.empty(0, dtype=np.int64), np.empty(0))
    table = cover_grids(see(cameras, walls, LookParams()), cameras, grids, {"incident": none})
    assert table["incident_seen"].isna().all()


def test_what_if_shows_gain_and_loss_by_grid(grids, cameras, walls) -> None:
    samples = ground_of(grids, walls)
    before = cover_grids(see(cameras, walls, LookParams()), cameras, grids, samples)
    lon, lat = (float(v[0]) for v in lonlat(300, 100))
    changed = change_cameras(
        cameras, off=[11, 12], moved=[Move(14, azimuth_deg=90)],
        added=[Addition(lon, lat, 0, 360, 80)],
    )  # fmt: skip
    after = cover_grids(see(changed, walls, LookParams()), changed, grids, samples)
    change = compare_coverage(before, after)
    assert change["code"].tolist()[0] == "all"
    gain = change.set_index("code")
    assert gain.loc["G1", "area_after"] == 0
    assert gain.loc["G2", "area_after"] == pytest.approx(np.pi * 80**2 / 4e4, rel=0.01)
    assert cameras["status"].tolist() == ["online", "unknown", "offline", "retired"]
    assert compare_coverage(before, before)["code"].tolist() == ["all"]


def test_moved_camera_sees_what_is_there(grids, cameras, walls) -> None:
    lon, lat = (float(v[0]) for v in lonlat(300, 100))
    changed = change_cameras(cameras, moved=[Move(11, lon, lat)])
    table = cover_grids(see(changed, walls, LookParams()), changed, grids, ground_of(grids, walls))
    assert table["cameras"].tolist() == [1, 1, 2]
    assert table["area_seen"][1] == pytest.approx(np.pi * 2500 / 4e4, rel=0.01)


def test_unknown_camera_and_impossible_addition_are_refused(cameras) -> None:
    with pytest.raises(NotFoundError, match="no camera 99"):
        change_cameras(cameras, off=[99])
    with pytest.raises(InputError, match="azimuth 0 to under 360"):
        change_cameras(cameras, added=[Addition(116, 39, 400, 60, 50)])


def test_too_fine_a_spacing_is_refused(grids, walls) -> None:
    with pytest.raises(InputError, match="wider spacing"):
        sample_ground(grids, walls, spacing_m=0.01)
