"""Map matching finds the roads that were gone along, and never makes a second of its own."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import NotFoundError
from geo.network.build import RoadNetwork, make_network
from patrol.tracks.match import MatchParams, make_matcher

SECOND = 1_000_000
SIZE, BLOCK = 6, 120.0


def streets(*, oneway: bool = False) -> RoadNetwork:
    """Make a chequerboard of streets; every other one curves a little."""
    lines, kinds = [], []
    for k in range(SIZE + 1):
        for a in range(SIZE):
            bend = 12.0 if k % 2 else 0.0
            lines.append([(a * BLOCK, k * BLOCK), ((a + 0.5) * BLOCK, k * BLOCK + bend),
                          ((a + 1) * BLOCK, k * BLOCK)])  # fmt: skip
            lines.append([(k * BLOCK, a * BLOCK), (k * BLOCK, (a + 1) * BLOCK)])
    kinds = ["residential"] * len(lines)
    frame = gpd.GeoDataFrame(
        {"kind": kinds, "oneway": [oneway] * len(lines)},
        geometry=[shapely.LineString(line) for line in lines], crs=32650,
    )  # fmt: skip
    return make_network(frame, split_crossings=False)


NETWORK = streets()
MATCHER = make_matcher(NETWORK, mode="vehicle")


def drive(seed: int, *, noise_m: float) -> tuple[np.ndarray, ...]:
    """Drive some blocks at 8 m/s with a fix each 5 s; return fixes and the true places."""
    rng = np.random.default_rng(seed)
    at, corners = np.array([2, 2]), [np.array([2, 2])]
    heading = np.array([1, 0])
    for _ in range(10):
        turns = [heading, np.array([-heading[1], heading[0]]), np.array([heading[1], -heading[0]])]
        ways = [t for t in turns if ((at + t >= 0) & (at + t <= SIZE)).all()]
        heading = ways[rng.integers(len(ways))]
        at = at + heading
        corners.append(at)
    parts = []
    for a, b in pairwise(corners):
        s = np.linspace(0, 1, 16)[:-1]
        xy = a * BLOCK + s[:, None] * (b - a) * BLOCK
        if a[1] == b[1] and a[1] % 2:
            xy[:, 1] += 12.0 * (1 - np.abs(2 * s - 1))
        parts.append(xy)
    path = np.concatenate([*parts, [corners[-1] * BLOCK]])
    far = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    wanted = np.arange(0, far[-1], 40.0)
    true = np.stack([np.interp(wanted, far, path[:, k]) for k in (0, 1)], axis=1)
    seen = true + rng.normal(0, noise_m, true.shape)
    return np.arange(len(true)) * 5 * SECOND, seen[:, 0], seen[:, 1], true


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_fixes_come_nearer_to_where_they_were(seed: int) -> None:
    time, x, y, true = drive(seed, noise_m=8.0)
    found = MATCHER.match(time, x, y, np.zeros(len(x), np.int64))
    assert found.matched.all()
    roads = shapely.union_all(np.asarray(NETWORK.segments.geometry.array, dtype=object))
    assert shapely.distance(roads, shapely.points(found.x, found.y)).max() < 1e-6
    assert found.time_us[0] == time[0]
    assert found.time_us[-1] == time[-1]
    assert (np.diff(found.time_us) > 0).all()
    off = np.hypot(np.interp(time, found.time_us, found.x) - true[:, 0],
                   np.interp(time, found.time_us, found.y) - true[:, 1])  # fmt: skip
    assert np.median(off) < np.median(np.hypot(x - true[:, 0], y - true[:, 1])) + 2
    assert np.median(off) < 12


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 100_000))
def test_the_way_goes_along_roads_and_not_across_blocks(seed: int) -> None:
    time, x, y, true = drive(seed, noise_m=5.0)
    found = MATCHER.match(time, x, y, np.zeros(len(x), np.int64))
    roads = shapely.union_all(np.asarray(NETWORK.segments.geometry.array, dtype=object))
    way = shapely.LineString(np.stack([found.x, found.y], 1))
    xy = shapely.get_coordinates(way)
    legs = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
    inside = shapely.length(shapely.intersection(legs, shapely.buffer(roads, 0.5)))
    assert inside == pytest.approx(shapely.length(legs), abs=1e-6)
    length = float(np.hypot(*np.diff(true, axis=0).T).sum())
    assert way.length < 1.25 * length + 60


def test_what_lies_far_from_any_road_stays_as_it_was() -> None:
    time = np.arange(20) * 10 * SECOND
    x, y = np.full(20, 60.0), 60.0 + np.linspace(-2, 2, 20)
    found = MATCHER.match(time, x, y, np.zeros(20, np.int64))
    assert not found.matched.any()
    assert found.x.tolist() == x.tolist()


def test_a_stop_keeps_its_time() -> None:
    """Ten minutes at one place are ten minutes there, however the fixes around are thinned."""
    x = np.concatenate([np.linspace(0, 240, 7), np.full(40, 240.0), np.linspace(280, 480, 6)])
    time = np.concatenate([np.arange(7) * 5, 35 + np.arange(40) * 15, 640 + np.arange(6) * 5])
    found = MATCHER.match(time * SECOND, x, np.full(len(x), 3.0), np.zeros(len(x), np.int64))
    assert found.matched.all()
    at = np.interp(np.array([60, 300, 600]) * SECOND, found.time_us, found.x)
    assert at == pytest.approx([240] * 3, abs=1)


def test_a_one_way_street_is_gone_round_and_not_against() -> None:
    matcher = make_matcher(streets(oneway=True), mode="vehicle",
                           params=MatchParams(detour_m=3000))  # fmt: skip
    assert not matcher.back.any()
    assert make_matcher(streets(oneway=True), mode="foot").back.all()


def test_a_mode_without_roads_is_refused() -> None:
    steps = make_network(
        gpd.GeoDataFrame({"kind": ["steps"]}, geometry=[shapely.LineString([(0, 0), (9, 0)])],
                         crs=32650)
    )  # fmt: skip
    with pytest.raises(NotFoundError, match="import roads"):
        make_matcher(steps, mode="vehicle")
