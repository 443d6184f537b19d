from __future__ import annotations

import numpy as np
import pytest

from analytics.forecast.protocol import Places, Target
from analytics.forecast.surfaces import Memory, Surface, Surfaces, spread_matrix, typical_spacing
from geo.errors import InputError

RARE = Target(("rare",))


def test_a_surface_is_the_sum_over_past_incidents_of_memory_times_spread(town, places):
    surface = Surface(Memory("decay", 30.0), 150.0)
    share = Surfaces(town, places, RARE, (surface,)).shares(9)[:, 0]
    series = RARE.series(town)
    expected = np.zeros(len(places))
    for unit, step in zip(*np.nonzero(series[:, :9]), strict=True):
        away = np.hypot(places.x - places.x[unit], places.y - places.y[unit])
        near = np.where(away <= 450, np.exp(-0.5 * (away / 150) ** 2), 0)
        expected += series[unit, step] * 0.5 ** (7 * (8 - step) / 30) * near / near.sum()
    np.testing.assert_allclose(share, expected / expected.sum(), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        (Memory("all"), [1] * 4),
        (Memory("window", 10), [0, 0, 1, 1]),
        (Memory("decay", 7), [1 / 8, 1 / 4, 1 / 2, 1]),
        (Memory("promap", 20), [0, 1 / 3, 1 / 2, 1]),
    ],
)
def test_memories_weigh_weeks_by_their_rule(memory, expected):
    np.testing.assert_allclose(memory.weights(np.array([21.0, 14.0, 7.0, 0.0])), expected)


@pytest.mark.parametrize("spread", ["gaussian", "promap"])
def test_no_incident_is_lost_at_the_edge(places, spread):
    matrix = spread_matrix(places, reach_m=260, spread=spread)
    np.testing.assert_allclose(matrix.sum(axis=0), 1, rtol=1e-5)
    assert (matrix.data > 0).all()


def test_promap_falls_with_whole_spacings(places):
    matrix = spread_matrix(places, reach_m=250, spread="promap").toarray()
    inner = 8 * 16 + 8
    assert matrix[inner + 2, inner] / matrix[inner, inner] == pytest.approx(1 / 3)
    assert matrix[inner + 3, inner] == 0


def test_nothing_at_or_past_the_cutoff_is_used(town, places, cube_from):
    counts = town.counts[..., 0].copy()
    counts[:, 20:] = 99
    other = cube_from(counts, town.classes)
    specs = (Surface(Memory("decay", 30.0), 150.0), Surface(Memory("all"), of=Target(("common",))))
    first, second = (Surfaces(cube, places, RARE, specs).shares(20) for cube in (town, other))
    np.testing.assert_array_equal(first, second)


def test_a_past_without_incidents_is_even(cube_from, places):
    cube = cube_from(np.zeros((256, 10, 1)))
    shares = Surfaces(cube, places, Target(), (Surface(), Surface(reach_m=200.0))).shares(5)
    np.testing.assert_allclose(shares, 1 / 256, rtol=1e-6)


def test_places_of_another_cube_are_refused(town, places):
    fewer = Places(places.x[:9], places.y[:9])
    with pytest.raises(InputError, match="9 places for 256 units"):
        Surfaces(town, fewer, RARE, (Surface(),))


def test_spacing_is_the_side_of_the_cells(places):
    assert typical_spacing(places) == 100
    assert typical_spacing(Places(np.zeros(1), np.zeros(1))) == 1


def test_a_memory_needs_days():
    with pytest.raises(InputError, match="needs days above 0"):
        Memory("decay")
