"""Real cameras: all of Seoul's sites, and Chicago's with a police district's incidents."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import KDTree

from geo.crs.systems import project
from geo.visibility.cameras import LookParams
from geo.visibility.walls import make_walls
from patrol.coverage.cameras import cover_grids, is_working, see, watch_points
from patrol.coverage.samples import place_samples, sample_ground

pytestmark = pytest.mark.data
SEOUL, CHICAGO = 32652, 32616


def as_points(table: pd.DataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326
    )


def test_all_of_seoul_is_covered_as_its_circles_are(shared_data) -> None:
    sites = as_points(pd.read_csv(shared_data / "seoul/cctv.csv.gz"))
    assert len(sites) == 83_734
    walls = make_walls(None, srid=SEOUL)
    views = see(sites, walls, LookParams(assumed_range_m=30.0))
    assert len(views.looks) == len(sites)
    blind = see(sites, walls, LookParams())
    assert len(blind.looks) == 0  # the register gives no direction: nothing is made up
    gangnam = sites[sites["district"] == sites["district"].value_counts().index[0]]
    xy = np.column_stack(project(gangnam["lon"], gangnam["lat"], srid=SEOUL))
    west, south, east, north = *np.quantile(xy, 0.4, axis=0), *np.quantile(xy, 0.6, axis=0)
    block = shapely.box(west, south, east, north)
    grids = gpd.GeoDataFrame({"code": ["G"], "name": ["G"]}, geometry=[block], crs=SEOUL)
    ground = {"area": sample_ground(grids, walls, spacing_m=2.0)}
    table = cover_grids(views, sites, grids, ground)
    x, y = project(sites["lon"], sites["lat"], srid=SEOUL)
    near = shapely.points(x, y)[shapely.dwithin(shapely.points(x, y), block, 30.0)]
    discs = shapely.buffer(near, 30.0, quad_segs=45)
    exact = shapely.union_all(discs).intersection(block).area / block.area
    assert table["area_seen"][0] == pytest.approx(exact, abs=0.005)
    assert 0.1 < exact < 0.95


def test_chicago_incidents_in_view_are_those_within_range(shared_data) -> None:
    folder = shared_data / "chicago"
    names = ("red_light_cameras.csv", "speed_cameras.csv")
    cameras = as_points(pd.concat([pd.read_csv(folder / name) for name in names]))
    cameras = cameras.reset_index(drop=True).assign(status="unknown")
    beats = gpd.read_file(folder / "police_beats.geojson").rename(columns={"beat": "code"})
    beats = beats[beats["district"].astype(str).str.zfill(3) == "018"].assign(name="beat")
    rows = pd.read_csv(folder / "incidents_district018_2013_2014.csv.gz").dropna(subset=["lon"])
    x, y = project(rows["lon"], rows["lat"], srid=CHICAGO)
    incidents, kept = place_samples(beats, x, y, srid=CHICAGO)
    assert 0.99 < len(kept) / len(rows) <= 1
    views = see(cameras, make_walls(None, srid=CHICAGO), LookParams(assumed_range_m=60.0))
    times = watch_points(views, incidents, n_cameras=len(cameras)).times_seen(is_working(cameras))
    here = np.column_stack(project(cameras["lon"], cameras["lat"], srid=CHICAGO))
    points = np.column_stack((incidents.x, incidents.y))
    within = KDTree(here).query_ball_point(points, 60.0, return_length=True)
    assert (times == within).all()
    assert 0.005 < (times > 0).mean() < 0.2  # traffic cameras see few of the reports
