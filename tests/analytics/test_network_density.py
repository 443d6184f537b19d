"""Density along streets: hand-made stars, every path walked, mass kept, bandwidth chosen."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.network_density import (
    choose_network_bandwidth,
    count_in_pieces,
    cut_streets,
    mean_by_segment,
    network_density,
    step_weights,
)
from geo.errors import InputError
from geo.network.build import make_network
from geo.network.streets import snap_points, streets_inside

SRID = 32650
WIDE = shapely.box(-1e5, -1e5, 1e5, 1e5)
STEP = 10.0


def streets_of(lines):
    frame = gpd.GeoDataFrame(
        {"kind": ["residential"] * len(lines)},
        geometry=[shapely.LineString(line) for line in lines],
        crs=SRID,
    )
    return streets_inside(make_network(frame, split_crossings=False), WIDE)


def star(n, length=1000.0):
    """Return ``n`` long streets that meet in one point, and begin there."""
    angles = np.arange(n) * 2 * np.pi / n
    return streets_of([[(0, 0), (length * np.cos(a), length * np.sin(a))] for a in angles])


def quartic(distance_m, bandwidth_m):
    return 15 / 16 * np.maximum(1 - (distance_m / bandwidth_m) ** 2, 0) ** 2 / bandwidth_m


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("split", ["discontinuous", "continuous"])
def test_a_junction_splits_one_incident_as_okabe_satoh_and_sugihara_have_it(n, split):
    # Equations 9 and 18 of the paper for one incident 60.5 m before a junction of n streets.
    streets, at, width = star(n), 60.5, 200.0
    pieces = cut_streets(streets, step_m=1.0)
    snapped = snap_points(streets, np.array([at]), np.array([0.0]))
    found = network_density(
        count_in_pieces(pieces, snapped), pieces, bandwidth_m=width, split=split
    )
    middle = np.arange(1000) + 0.5
    own = found[: len(middle)]
    other = found[len(middle) : 2 * len(middle)]
    back, on = (0, 1 / (n - 1)) if split == "discontinuous" else ((2 - n) / n, 2 / n)
    here = quartic(np.abs(middle - at), width) + back * quartic(middle + at, width)
    there = on * quartic(middle + at, width)
    np.testing.assert_allclose(own / 1000, here, atol=2e-7)
    np.testing.assert_allclose(other / 1000, there, atol=2e-7)
    jump = abs(own[0] - other[0])
    assert jump > 0.1 if split == "discontinuous" and n > 2 else jump < 0.06


def walk_every_path(pieces, counts, weights, continuous):
    """Okabe's recursion: each incident walks every path, one after the other."""
    n_segments = len(pieces.first) - 1
    out = np.zeros(len(counts))
    at_node = [[] for _ in pieces.degree]
    for s in range(n_segments):
        at_node[pieces.ends[s, 0]].append((s, 0))
        at_node[pieces.ends[s, 1]].append((s, 1))

    def walk(segment, piece, forward, share, step):
        while step < len(weights):
            out[piece] += share * weights[step]
            piece, step = piece + (1 if forward else -1), step + 1
            inside = pieces.first[segment] <= piece < pieces.first[segment + 1]
            if not inside:
                break
        if step >= len(weights):
            return
        came_by = (segment, 1 if forward else 0)
        ends = at_node[pieces.ends[came_by]]
        n = len(ends)
        for end in ends:
            if n == 1:
                part = 1.0
            elif end == came_by:
                part = (2 - n) / n if continuous else 0.0
            else:
                part = 2 / n if continuous else 1 / (n - 1)
            if part != 0.0:
                s, side = end
                start = pieces.first[s] if side == 0 else pieces.first[s + 1] - 1
                walk(s, start, side == 0, share * part, step)

    for piece in np.flatnonzero(counts):
        segment = int(np.searchsorted(pieces.first, piece, side="right") - 1)
        for forward in (True, False):
            walk(segment, piece, forward, counts[piece] / 2, 0)
    return out


@st.composite
def towns(draw):
    """Draw a few blocks whose streets are whole steps long, some of them missing."""
    columns, rows = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    wide = [0, *np.cumsum([STEP * draw(st.integers(1, 4)) for _ in range(columns - 1)])]
    high = [0, *np.cumsum([STEP * draw(st.integers(1, 4)) for _ in range(rows - 1)])]
    lines = [[(wide[i], y), (wide[i + 1], y)] for y in high for i in range(columns - 1)]
    lines += [[(x, high[j]), (x, high[j + 1])] for x in wide for j in range(rows - 1)]
    kept = draw(st.lists(st.sampled_from(range(len(lines))), min_size=2, unique=True))
    return streets_of([lines[i] for i in sorted(kept)])


@given(towns(), st.sampled_from(["discontinuous", "continuous"]), st.data())
@settings(max_examples=60, deadline=None)
def test_the_wave_is_the_sum_over_every_path_and_loses_nothing(streets, split, data):
    pieces = cut_streets(streets, step_m=STEP)
    n = len(pieces.length_m)
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), float)
    width = data.draw(st.sampled_from([20.0, 35.0, 60.0]))
    found = network_density(counts, pieces, bandwidth_m=width, split=split)
    expected = walk_every_path(
        pieces, counts, step_weights(width, STEP, "quartic"), split == "continuous"
    )
    np.testing.assert_allclose(found * pieces.length_m / 1000, expected, atol=1e-12)
    assert (found * pieces.length_m).sum() / 1000 == pytest.approx(counts.sum(), abs=1e-9)


@pytest.mark.parametrize("kernel", ["quartic", "gaussian"])
def test_the_mass_of_a_kernel_is_one_and_falls_with_distance(kernel):
    weights = step_weights(100.0, 5.0, kernel)
    assert weights.sum() == pytest.approx(1.0)
    assert (np.diff(weights[1:]) <= 0).all()


def test_finer_pieces_come_nearer_to_the_finest():
    rng = np.random.default_rng(4)
    lines = [[(0, 137), (0, 0)], [(0, 0), (93, 41)], [(0, 0), (-61, -77)], [(93, 41), (151, 180)]]
    streets = streets_of(lines)
    snapped = snap_points(streets, rng.uniform(-60, 150, 40), rng.uniform(-70, 170, 40))

    def by_segment(step_m):
        pieces = cut_streets(streets, step_m=step_m)
        counts = count_in_pieces(pieces, snapped)
        return mean_by_segment(network_density(counts, pieces, bandwidth_m=80.0), pieces)

    finest = by_segment(0.1)
    errors = [np.abs(by_segment(step) / finest - 1).max() for step in (5.0, 1.0)]
    assert errors[1] < errors[0] < 0.08
    assert errors[1] < 0.01


def test_the_chosen_bandwidth_follows_how_far_incidents_spread():
    streets = star(4, length=3000.0)
    rng = np.random.default_rng(5)
    pieces = cut_streets(streets)

    def chosen(spread_m):
        centres = rng.uniform(200, 2800, 25)
        x = np.abs(rng.normal(np.repeat(centres, 20), spread_m))
        snapped = snap_points(streets, x, np.zeros(len(x)))
        return choose_network_bandwidth(snapped, pieces, rng=np.random.default_rng(1)).best_m

    assert chosen(15.0) < chosen(150.0)


def test_what_cannot_be_smoothed_is_refused():
    streets = star(3)
    pieces = cut_streets(streets)
    counts = np.zeros(len(pieces.length_m))
    with pytest.raises(InputError, match="at least one piece"):
        network_density(counts, pieces, bandwidth_m=2.0)
    with pytest.raises(InputError, match="split"):
        network_density(counts, pieces, bandwidth_m=50.0, split="even")
    with pytest.raises(InputError, match="599 pieces, the streets of 600"):
        network_density(counts[1:], pieces, bandwidth_m=50.0)
    with pytest.raises(InputError, match="step_m"):
        cut_streets(streets, step_m=0.0)
    alone = snap_points(streets, np.array([50.0]), np.array([0.0]))
    with pytest.raises(InputError, match="fewer than two places"):
        choose_network_bandwidth(alone, pieces, rng=np.random.default_rng(0))
