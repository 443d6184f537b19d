"""Routes on a real town's streets, and on instances whose best is known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.formats.osm import open_osm
from geo.network.build import make_network
from patrol.routes.check import check_routes
from patrol.routes.planning import plan_routes, replan_routes, stand_by_plan
from patrol.routes.problem import RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, find_routes
from patrol.routes.travel import Site

pytestmark = pytest.mark.data


@pytest.mark.parametrize(("name", "best"), [("p4.2.e", 618), ("p5.2.l", 800), ("p7.2.f", 387)])
def test_a_short_search_comes_within_3_percent_of_the_best_known(shared_data, name, best):
    lines = (shared_data / f"top/chao/{name}.txt").read_text().splitlines()
    paths, length = int(lines[1].split()[1]), float(lines[2].split()[1])
    table = np.array([line.split() for line in lines[3:] if line.strip()], dtype=float)
    table = table[np.r_[1 : len(table) - 1, 0, len(table) - 1]]
    way = np.hypot(*(table[:, None, :2] - table[None, :, :2]).transpose(2, 0, 1))
    problem = RoutingProblem(
        tuple(Stop(str(v), prize) for v, prize in enumerate(table[:-2, 2])),
        tuple(Unit(str(k), "foot", 0, 1, 0.0, length) for k in range(paths)),
        {"foot": way},
    )
    found = find_routes(problem, rng=np.random.default_rng(1), params=SearchParams(iterations=8000))
    assert check_routes(problem, found) == []
    assert 0.97 * best <= found.prize <= best


def test_cars_and_walkers_patrol_monaco_and_turn_to_an_incident(shared_data):
    path = shared_data / "osm/monaco.osm.gz"
    frame = pd.concat([b.columns.to_pandas() for b in open_osm(path, theme="roads").batches])
    shapes = shapely.from_wkb(frame.pop("geometry"))
    roads = gpd.GeoDataFrame(frame, geometry=shapes, crs=4326).to_crs(32632)
    network = make_network(roads.rename(columns={"osm_id": "road_id"}))
    rng = np.random.default_rng(1)
    spots = network.nodes[rng.integers(0, len(network.nodes), 90)]
    bases = network.nodes[rng.integers(0, len(network.nodes), 3)]
    stops = [Stop(f"s{v}", float(rng.integers(1, 20)), 900.0) for v in range(90)]
    units = [
        Unit(f"u{k}", "foot" if k % 2 else "vehicle", k % 3, k % 3, 0.0, 9000.0) for k in range(8)
    ]
    plan = plan_routes(
        stops, units, Site(network), stop_xy=spots, base_xy=bases,
        rng=np.random.default_rng(2), search=SearchParams(iterations=500),
    )  # fmt: skip
    assert plan.routes.on_roads
    for k, unit in enumerate(units):
        places = [90 + unit.start, *plan.routes.routes[k].stops, 90 + unit.end]
        metres = plan.travel.metres[unit.mode][places[:-1], places[1:]].sum()
        assert plan.line(k).length == pytest.approx(metres, abs=1e-6)
    fire = Stop("fire", 1.0, 1800.0, 4000.0, 4900.0, must=True)
    new = replan_routes(
        plan, stand_by_plan(plan, 4000.0), [fire], incident_xy=network.nodes[100][None],
        rng=np.random.default_rng(3),
    )  # fmt: skip
    assert new.routes.missed == ()
    assert check_routes(new.problem, new.routes) == []
