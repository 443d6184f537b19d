"""Hot streets: more than their length explains, with chances that draws and length agree on."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely

from analytics.cube import Cube, Units
from analytics.hot_streets import StreetParams, find_hot_streets
from analytics.permutation import exact_tails, refined_tails
from analytics.steps import make_steps
from geo.errors import InputError
from geo.network.build import make_network
from geo.network.streets import segment_neighbours, snap_points, streets_inside

SRID = 32650
QUICK = {"permutations": 499, "bandwidth_m": 100.0}


@pytest.fixture(scope="module")
def town():
    """A town of 12 x 12 blocks: the four streets at one corner hold far too much."""
    edges = np.cumsum([0, *np.tile([60.0, 140.0], 6)])
    lines = [[(0, y), (edges[-1], y)] for y in edges] + [[(x, 0), (x, edges[-1])] for x in edges]
    frame = gpd.GeoDataFrame(
        {"kind": "residential", "name": [f"s{i}" for i in range(len(lines))]},
        geometry=[shapely.LineString(line) for line in lines],
        crs=SRID,
    )
    streets = streets_inside(make_network(frame), shapely.box(-1, -1, 5e3, 5e3))
    rng = np.random.default_rng(8)
    share = streets.length_m / streets.length_m.sum()
    even = rng.choice(len(streets), 1500, p=share)
    at = shapely.line_interpolate_point(
        streets.lines[even], rng.uniform(0, 1, len(even)), normalized=True
    )
    ends = streets.network.segments[["start", "end"]].to_numpy()
    corner = np.bincount(ends.ravel()).argmax()
    hot = np.flatnonzero((ends == corner).any(axis=1)).tolist()
    more = shapely.line_interpolate_point(
        streets.lines[np.repeat(hot, 30)], rng.uniform(0.2, 0.8, 120), normalized=True
    )
    points = np.concatenate([at, more])
    snapped = snap_points(streets, shapely.get_x(points), shapely.get_y(points))
    counts = np.bincount(snapped.segment, minlength=len(streets))
    steps = make_steps(date(2024, 1, 1), date(2024, 1, 8), step="week", time_zone="Asia/Shanghai")
    units = Units("segment", np.arange(len(streets)))
    cube = Cube(
        counts[:, None, None, None].astype(np.uint32), units, steps, ("all",), ("resident",)
    )
    return streets, cube, snapped, hot


def find(town, **changes):
    streets, cube, snapped, _ = town
    near = segment_neighbours(streets)
    params = StreetParams(**(QUICK | changes))
    return find_hot_streets(cube, streets, near, snapped, params, rng=np.random.default_rng(1))


def test_streets_that_meet_others_with_too_many_incidents_are_hot_by_their_neighbourhood(town):
    streets, _, _, hot = town
    found = find(town, method="gi")
    indptr, indices = segment_neighbours(streets)
    near = {*hot, *(n for h in hot for n in indices[indptr[h] : indptr[h + 1]].tolist())}
    called = set(np.flatnonzero(found.label == "hot").tolist())
    assert set(hot) <= called <= near
    assert found.score.argmax() in near
    assert found.details["density"].idxmax() in hot


def test_by_length_alone_only_those_streets_are_hot(town):
    found = find(town)
    assert np.flatnonzero(found.label == "hot").tolist() == town[3]
    long = town[0].length_m > 100
    # Longer streets hold more, as they should, and are not hot for it.
    assert found.observed[long].mean() > 1.8 * found.observed[~long].mean()
    assert found.details["expected"].sum() == pytest.approx(found.observed.sum())


def test_the_chance_of_a_street_is_that_of_the_binomial(town):
    streets, cube, _, _ = town
    found = find(town)
    rng = np.random.default_rng(2)
    total = cube.totals().sum()
    quiet = int(np.argmin(np.abs(found.p - 0.3)))
    length = streets.length_m[quiet] / streets.length_m.sum()
    draws = rng.binomial(total, length, 200_000)
    y = found.observed[quiet]
    two_sided = min(1, 2 * min((draws >= y).mean(), (draws <= y).mean()))
    assert found.p[quiet] == pytest.approx(two_sided, abs=0.005)


def test_the_same_seed_gives_the_same_figures(town):
    one, two = find(town, method="gi"), find(town, method="gi")
    np.testing.assert_array_equal(one.p, two.p)
    np.testing.assert_array_equal(one.details["density"], two.details["density"])


def test_what_lies_on_no_street_is_said(town):
    assert find(town).parameters["unsnapped_share"] == 0.0
    assert find(town).parameters["bandwidth_used_m"] == 100.0


def test_streets_without_any_incident_or_of_another_cube_are_refused(town):
    streets, cube, snapped, _ = town
    none = Cube(np.zeros_like(cube.counts), cube.units, cube.steps, cube.classes, cube.found_by)
    near = segment_neighbours(streets)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="no incident lies within 50 m"):
        find_hot_streets(none, streets, near, snapped, rng=rng)
    few = Cube(cube.counts[:3], Units("segment", np.arange(3)), cube.steps, ("all",), ("resident",))
    with pytest.raises(InputError, match="other streets"):
        find_hot_streets(few, streets, near, snapped, rng=rng)
    for wrong in ({"method": "kde"}, {"alpha": 0.0}, {"permutations": 0}):
        with pytest.raises(InputError):
            StreetParams(**wrong)


def test_refined_chances_are_those_of_the_exact_law_where_it_matters():
    rng = np.random.default_rng(3)
    y = rng.poisson(0.4, 900).astype(float)
    y[:5] = 6
    k = np.full(900, 4)
    sums = np.array([y[rng.choice(900, 4, replace=False)].sum() for _ in range(900)])
    sums[:8] = [15.0, 14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0]
    exact = exact_tails(y.astype(np.int64), k, sums.astype(np.int64))
    found = refined_tails(y, k, sums, permutations=2000, rng=rng)
    small = np.flatnonzero(exact.upper < 2e-3)
    assert len(small) >= 3
    assert found.upper.min() < 1 / 2001
    error = 4 * np.sqrt(exact.upper[small] / 200_000) + 1e-5
    assert (np.abs(found.upper[small] - exact.upper[small]) < error).all()
