"""Compile the numerical kernels once at installation, so that no command waits for it later."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from analytics.autocorrelation import hamed_rao, pre_whitened
from analytics.changes import find_change_points, poisson_e_test
from analytics.cube import Cube, Units, cube_from_events
from analytics.cube_days import columns_of, place_days
from analytics.cube_keys import KeyPlan, unpack
from analytics.cube_queries import Counting
from analytics.cusum import poisson_cusum
from analytics.density import adaptive_density, estimate_density
from analytics.density_kernel import count_points
from analytics.dispersion import compare_overdispersed
from analytics.emerging import find_emerging
from analytics.forecast.exciting import others_only, spread_matrix
from analytics.forecast.exciting_fit import ExcitingParams, fit_process, gather_incidents
from analytics.forecast.protocol import Places
from analytics.hotspots import HotspotParams, local_g
from analytics.near_repeat import find_near_repeats
from analytics.network_density import count_in_pieces, cut_streets, network_density
from analytics.permutation import refined_tails
from analytics.queries import CubeRequest
from analytics.scan import find_scan_clusters
from analytics.scan_params import ScanParams
from analytics.seasonal import seasonal_mann_kendall
from analytics.sen_interval import sen_interval
from analytics.steps import Steps, make_steps
from analytics.trends import mann_kendall
from geo.crs.systems import from_wgs84, project, to_wgs84
from geo.crs.tiles import WORTH
from geo.demo.district import make_district
from geo.demo.size import DemoSize
from geo.imports.digest import digest_rows
from geo.lattice.lattice import Lattice, cell_centres, cell_of, make_lattice, neighbours
from geo.locate.polygons import index_polygons, locate
from geo.network.build import make_network
from geo.network.streets import segment_neighbours, snap_points, streets_inside
from geo.network.travel import find_ways, place_on_network
from geo.visibility.views import find_sightings, find_views, view_polygons
from geo.visibility.walls import make_walls
from patrol.routes.problem import RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, find_routes
from patrol.siting.cover import SitingParams, choose_sites
from patrol.siting.places import aim_sites, reach_by_sight
from patrol.track_files import read_fixes
from patrol.tracks.clean import clean_fixes
from patrol.tracks.effort import EffortSum, Legs
from patrol.tracks.effort_ground import lay_areas
from patrol.tracks.reading import ReadParams
from patrol.tracks.thin import thin_track

FIRST, LAST = date(2024, 1, 1), date(2026, 1, 1)


def main() -> None:
    """Call each kernel with a little of what it takes."""
    warm_geo()
    lattice = make_lattice(shapely.box(0, 0, 1000, 1000), cell_size_m=100, srid=4549)
    rng = np.random.default_rng(0)
    counts = rng.poisson(2, (lattice.n_cells, 24))
    warm_series(counts, rng)
    warm_places(lattice, counts, rng)
    warm_cubes()
    make_district(
        size=DemoSize(
            basic_grids=6, communities=3, streets=2, people=9, cameras=20, incidents_per_week=40.0,
            first_day=date(2026, 9, 1),
        )
    )  # fmt: skip
    warm_cameras()
    warm_routes()
    warm_streets(rng)
    warm_tracks()


def warm_tracks() -> None:
    """Read fixes, clean them, thin them, and split their time over cells."""
    project(np.full(WORTH, 120.5), np.full(WORTH, 31.5), srid=4549)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fixes.csv"
        file.write_text("device,time,lon,lat\na,2026-11-30T08:00:00Z,120.5,31.5\n", "utf-8")
        fixes = read_fixes(file, ReadParams(now=datetime(2026, 12, 1, tzinfo=UTC)))
    x, y = project(fixes.lon, fixes.lat, srid=4549)
    found = clean_fixes(fixes.time_us, x, y)
    legs = Legs(fixes.time_us, x, y, found.segments)
    thin_track(legs.time_us, legs.x, legs.y, legs.segment)
    lattice = make_lattice(shapely.box(0, 0, 99, 99), cell_size_m=50, srid=4549)
    ground = lay_areas(lattice, np.array([shapely.box(0, 0, 9, 9)], dtype=object), np.array([1]))
    total = EffortSum(ground)
    total.add(legs.time_us, legs.x, legs.y, legs.segment)
    total.add_beside(legs, [legs])
    total.table()


def warm_streets(rng: np.random.Generator) -> None:
    """Snap to streets, draw chances, and spread along them."""
    roads = gpd.GeoDataFrame(
        {"kind": ["residential"] * 2},
        geometry=[
            shapely.LineString([(0, 50), (100, 50)]),
            shapely.LineString([(50, 0), (50, 99)]),
        ],
        crs=4549,
    )
    streets = streets_inside(make_network(roads), shapely.box(-9, -9, 109, 109))
    x, y = rng.uniform(0, 100, (2, 50))
    snap_points(streets, frozen(x), frozen(y))
    snapped = snap_points(streets, x, y)
    pieces = cut_streets(streets)
    network_density(count_in_pieces(pieces, snapped), pieces, bandwidth_m=50.0)
    k, sums = np.diff(segment_neighbours(streets)[0]), np.zeros(len(streets))
    refined_tails(streets.length_m, k, sums, permutations=9, rng=rng)


def warm_geo() -> None:
    """Coordinates, lattices, polygons and digests."""
    x = np.array([116.3, 116.4])
    y = np.array([39.9, 40.0])
    for crs in ("gcj02", "bd09"):
        to_wgs84(*from_wgs84(x, y, crs=crs), crs=crs)
    square = shapely.box(0, 0, 1000, 1000)
    for kind in ("square", "hexagon"):
        lattice = make_lattice(square, cell_size_m=100, srid=4549, kind=kind)
        cell_of(lattice, x, y)
    locate(index_polygons([square], srid=4549), x, y)
    digest_rows([pa.array(["a", None]), pa.array([1, 2])], 2)


def frozen(values: np.ndarray) -> np.ndarray:
    """Return what cannot be written to, as frames hand it out: kernels know it as another type."""
    copy = values.copy()
    copy.flags.writeable = False
    return copy


def warm_series(counts: np.ndarray, rng: np.random.Generator) -> None:
    """Trends and changes, of whole numbers, of floats and with gaps."""
    floats = counts + rng.random(counts.shape)
    for series in (counts, counts.astype(np.float64), floats):
        mann_kendall(series)
        mann_kendall(frozen(series))
    for dependent in (False, True):
        seasonal_mann_kendall(counts, period=12, dependent=dependent)
    hamed_rao(counts)
    pre_whitened(counts)
    for series in (counts, floats, frozen(floats)):
        sen_interval(series, mann_kendall(series).var_s)
    find_change_points(counts)
    poisson_e_test(counts[:, 0], counts[:, 1])
    poisson_cusum(counts, 2.0, threshold=4.0)
    before, after = counts[:, :-1].sum(axis=1), counts[:, -1]
    compare_overdispersed(before, after, np.full(len(counts), 2.0), exposure=(23.0, 1.0))


def warm_places(lattice: Lattice, counts: np.ndarray, rng: np.random.Generator) -> None:
    """Hotspots, density, scans, near repeats and the self-exciting process."""
    total, near = counts.sum(axis=1), neighbours(lattice)
    local_g(total, near)
    local_g(total, near, HotspotParams(chance="simulated", permutations=9), rng=rng)
    grid, share = total.reshape(10, 10).astype(np.float64), np.ones((10, 10))
    for kernel in ("gaussian", "quartic"):
        for smooth in (estimate_density, adaptive_density):
            smooth(grid, share, cell_size_m=100, bandwidth_m=300, kernel=kernel)
            smooth(frozen(grid), frozen(share), cell_size_m=100, bandwidth_m=300, kernel=kernel)
    x, y = cell_centres(lattice)
    count_points(x, y, 0.0, 0.0, 100.0, 10, 10)
    count_points(frozen(x), frozen(y), 0.0, 0.0, 100.0, 10, 10)
    steps = make_steps(FIRST, LAST, step="month", time_zone="Asia/Shanghai")
    shaped = counts.astype(np.uint32)[:, :, None, None]
    cube = Cube(shaped, Units("cell", lattice.cells), steps, ("all",), ("resident",))
    find_emerging(cube, near)
    for mode in ("prospective", "retrospective"):
        params = ScanParams(mode=mode, radius_cells=2, longest_steps=3, replicates=2)
        find_scan_clusters(cube, lattice, params, rng=rng)
    # More than 32,766 incidents are scanned in wider numbers.
    many = shaped.copy()
    many[0, 0] = 40_000
    busy = Cube(many, cube.units, steps, ("all",), ("resident",))
    find_scan_clusters(busy, lattice, ScanParams(radius_cells=1, replicates=1), rng=rng)
    for point in ((x[:20], y[:20]), (frozen(x[:20]), frozen(y[:20]))):
        find_near_repeats(*point, frozen(np.arange(20.0)), permutations=2, rng=rng)
    how, places = ExcitingParams(), Places(x, y)
    wide = spread_matrix(places, reach_m=how.background_m)
    apart = others_only(spread_matrix(places, reach_m=how.near_m))
    past = gather_incidents(counts.astype(np.float64), apart)
    fit_process(past, wide, np.arange(24.0)[::-1].copy(), how, rounds=1)


def warm_cubes() -> None:
    """Count whole incidents and those spread over hours, from frames and keys."""
    begin = pd.date_range("2024-01-01", periods=3, freq="7h", tz="Asia/Shanghai")
    events = pd.DataFrame(
        {
            "unit_id": [1, 2, 3],
            "occurred_at": begin,
            "occurred_until": begin + pd.Timedelta(3, "h"),
            "category": "a",
            "found_by": "resident",
        }
    )
    units = Units("area", np.array([1, 2, 3]))
    for step in ("day", "hour_of_week"):
        end = date(2024, 1, 9)
        steps: Steps = make_steps(FIRST, end, step=step, time_zone="Asia/Shanghai")
        cube_from_events(events, units, steps)
        asked = CubeRequest(1, FIRST, end, step=step)
        for frame in (None, make_lattice(shapely.box(0, 0, 9, 9), cell_size_m=3, srid=4549)):
            counting = Counting(asked, steps, feed_ids=(1,), category_ids=(1,))
            place_days([[b""] * len(columns_of(counting, frame))], counting, frame)
    unpack({"key": np.array([3, 5])}, KeyPlan(3, 1, 2, named=False), steps)


def warm_cameras() -> None:
    """Compile what cameras see, and the greedy start of siting."""
    house = gpd.GeoDataFrame({"height_m": [3.0]}, geometry=[shapely.box(10, -5, 20, 5)], crs=4549)
    walls = make_walls(house, srid=4549)
    looks = aim_sites([0.0, 40.0], [0.0, 0.0], srid=4549, range_m=60.0)
    views = find_views(looks, walls)
    view_polygons(views)
    find_sightings(views, [5.0], [1.0])
    choose_sites(reach_by_sight(looks, walls, [5.0], [1.0]), [1.0], SitingParams(1))


def warm_routes() -> None:
    """Compile the search of routes and the lengths along fastest ways."""
    roads = gpd.GeoDataFrame(
        {"kind": ["residential"]}, geometry=[shapely.LineString([(0, 0), (9, 0)])], crs=4549
    )
    spots = np.array([[1.0, 0.0], [8.0, 0.0]])
    find_ways(place_on_network(make_network(roads), spots, mode="foot"))
    unit = Unit("u", "foot", 0, 0, 0.0, 9.0)
    problem = RoutingProblem((Stop("a", 1.0), Stop("b", 1.0)), (unit,), {"foot": np.ones((3, 3))})
    rng = np.random.default_rng(0)
    find_routes(problem, rng=rng, params=SearchParams(iterations=5))


if __name__ == "__main__":
    main()
