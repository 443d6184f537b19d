"""Sites chosen for cover: held against every possible choice, and against the plain model."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from geo.errors import InputError
from geo.visibility.walls import make_walls
from patrol.siting.cover import Reach, SitingParams, choose_sites, group_demand
from patrol.siting.places import aim_sites, reach_by_sight, reach_within
from tests.geo.visibility.conftest import SRID


def reach_of(*sites: set[int], n_points: int) -> Reach:
    ptr = np.concatenate(([0], np.cumsum([len(site) for site in sites])))
    flat = [point for site in sites for point in sorted(site)]
    return Reach(ptr.astype(np.int64), np.array(flat, dtype=np.int64), n_points)


def covered(reach: Reach, weight, sites) -> float:
    met = np.zeros(reach.n_points, dtype=bool)
    for site in sites:
        met[reach.points[reach.ptr[site] : reach.ptr[site + 1]]] = True
    return float(np.asarray(weight)[met].sum())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), n_sites=st.integers(1, 8), n_points=st.integers(1, 15),
    n_chosen=st.integers(0, 5),
)  # fmt: skip
def test_no_other_choice_reaches_more(seed, n_sites, n_points, n_chosen) -> None:
    rng = np.random.default_rng(seed)
    sites = [set(np.flatnonzero(rng.uniform(size=n_points) < 0.3).tolist()) for _ in range(n_sites)]
    reach = reach_of(*sites, n_points=n_points)
    weight = rng.integers(0, 9, n_points).astype(float)
    standing = [0] if n_sites > 1 else []
    found = choose_sites(reach, weight, SitingParams(n_chosen, gap=0.0), standing=standing)
    free = [site for site in range(n_sites) if site not in standing]
    best = max(
        covered(reach, weight, [*standing, *choice])
        for choice in combinations(free, min(n_chosen, len(free)))
    )
    assert found.covered == pytest.approx(best)
    assert found.covered == pytest.approx(covered(reach, weight, [*standing, *found.sites]))
    assert found.bound >= best - 1e-6
    assert len(found.sites) <= n_chosen
    assert (np.diff(found.gain) <= 1e-9).all()


def test_greedy_trap_is_left() -> None:
    # The middle site reaches most alone, but the two outer ones reach all together.
    reach = reach_of({0, 1, 2}, {1, 2, 3, 4}, {3, 4, 5}, n_points=6)
    found = choose_sites(reach, np.ones(6), SitingParams(2, gap=0.0))
    assert sorted(found.sites.tolist()) == [0, 2]
    assert found.covered == found.bound == 6
    assert found.gap == 0


def test_a_town_agrees_with_the_ungrouped_model() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 1500, (2, 400))
    site_x, site_y = rng.uniform(0, 1500, (2, 40))
    weight = rng.integers(1, 50, 400).astype(float)
    reach = reach_within(site_x, site_y, x, y, radius_m=150)
    near = np.hypot(site_x - x[:, None], site_y - y[:, None]) <= 150
    assert {tuple(np.flatnonzero(near[:, s])) for s in range(40)} == {
        tuple(reach.points[reach.ptr[s] : reach.ptr[s + 1]]) for s in range(40)
    }
    rows = np.hstack((-near.astype(float), np.eye(400)))
    count = np.concatenate((np.ones(40), np.zeros(400)))[None, :]
    plain = milp(
        np.concatenate((np.zeros(40), -weight)), integrality=np.ones(440), bounds=(0, 1),
        constraints=[LinearConstraint(rows, ub=0), LinearConstraint(count, ub=12)],
    )  # fmt: skip
    found = choose_sites(reach, weight, SitingParams(12, gap=0.0))
    assert found.covered == pytest.approx(-plain.fun)
    assert found.n_groups < 400


def test_grouping_keeps_the_weight_and_drops_what_nobody_reaches() -> None:
    reach = reach_of({0, 1, 3}, {0, 1}, n_points=5)
    groups = group_demand(reach, np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    assert sorted(groups.weight.tolist()) == [3, 8]
    assert groups.by_site.toarray().sum(axis=0).tolist() in ([2, 1], [1, 2])


def test_the_same_input_gives_the_same_sites() -> None:
    rng = np.random.default_rng(8)
    reach = reach_within(*rng.uniform(0, 900, (2, 60)), *rng.uniform(0, 900, (2, 900)), radius_m=90)
    weight = rng.uniform(size=900)
    one, two = (choose_sites(reach, weight, SitingParams(15)) for _ in range(2))
    assert one.sites.tolist() == two.sites.tolist()
    assert one.gap <= 0.005


def test_a_camera_does_not_reach_behind_a_house() -> None:
    import geopandas as gpd
    import shapely

    walls = make_walls(
        gpd.GeoDataFrame(geometry=[shapely.box(10, -50, 20, 50)], crs=SRID), srid=SRID
    )
    looks = aim_sites([0.0], [0.0], srid=SRID, range_m=60, fov_deg=90, n_ways=4)
    reach = reach_by_sight(looks, walls, [5.0, 30.0, 0.0], [0.0, 0.0, 40.0])
    assert looks.azimuth_deg.tolist() == [0, 90, 180, 270]
    seen = [reach.points[reach.ptr[s] : reach.ptr[s + 1]].tolist() for s in range(4)]
    assert seen == [[2], [0], [], []]


def test_nothing_to_choose_is_an_empty_choice() -> None:
    reach = reach_of({0}, n_points=1)
    assert choose_sites(reach, [5.0], SitingParams(0)).covered == 0
    done = choose_sites(reach, [5.0], SitingParams(3), standing=[0])
    assert (done.sites.tolist(), done.covered, done.bound) == ([], 5.0, 5.0)
    assert choose_sites(reach_of(set(), n_points=0), [], SitingParams(2)).sites.tolist() == []


def test_wrong_demand_is_refused() -> None:
    reach = reach_of({0}, n_points=1)
    with pytest.raises(InputError, match="2 weights do not fit 1"):
        choose_sites(reach, [1.0, 2.0], SitingParams(1))
    with pytest.raises(InputError, match="0 or more"):
        choose_sites(reach, [-1.0], SitingParams(1))
    with pytest.raises(InputError, match="standing sites"):
        choose_sites(reach, [1.0], SitingParams(1), standing=[4])
    with pytest.raises(InputError, match="gap"):
        SitingParams(1, gap=1.0)
    with pytest.raises(InputError, match="radius"):
        reach_within([0], [0], [0], [0], radius_m=0)
