from __future__ import annotations

import numpy as np
import pytest

from analytics.forecast.exciting import SelfExciting, others_only
from analytics.forecast.exciting_fit import (
    ExcitingParams,
    _share_out,
    fit_process,
    gather_incidents,
)
from analytics.forecast.protocol import Places, Target
from analytics.forecast.surfaces import spread_matrix
from geo.errors import InputError

SIDE = 30
N_STEPS = 150
FOREVER = ExcitingParams(background_days=1e6, rounds=60)


@pytest.fixture(scope="module")
def square():
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    places = Places(column * 150.0, row * 150.0)
    return (
        places,
        others_only(spread_matrix(places, reach_m=100)),
        spread_matrix(places, reach_m=250),
    )


def simulate(near, rng, *, own, near_part, decay):
    background = 0.08 * rng.gamma(1.0, 1.0, near.shape[0])
    past, state = np.zeros((len(background), N_STEPS)), np.zeros(len(background))
    for step in range(N_STEPS):
        past[:, step] = rng.poisson(background + own * state + near_part * (near @ state))
        state = decay * state + (1 - decay) * past[:, step]
    return past, background


@pytest.mark.parametrize(
    ("own", "near_part", "decay"), [(0.15, 0.25, 0.5), (0.3, 0.0, 0.8), (0.0, 0.3, 0.5)]
)
def test_planted_echoes_are_found_where_they_are(square, own, near_part, decay):
    _, near, wide = square
    past, background = simulate(
        near, np.random.default_rng(1), own=own, near_part=near_part, decay=decay
    )
    found = fit_process(gather_incidents(past, near), wide, 7.0 * np.arange(N_STEPS)[::-1], FOREVER)
    # Echoes spread over near units blend into the background, so their share is found too low.
    assert found.own == pytest.approx(own, abs=0.09)
    assert 0.5 * near_part - 0.01 < found.near < near_part + 0.02
    if own:
        assert found.decay == pytest.approx(decay, abs=0.15)
    assert np.corrcoef(found.background, background)[0, 1] > 0.85


def test_no_echo_is_found_where_there_is_none(square):
    _, near, wide = square
    past, _ = simulate(near, np.random.default_rng(2), own=0, near_part=0, decay=0.5)
    found = fit_process(gather_incidents(past, near), wide, 7.0 * np.arange(N_STEPS)[::-1], FOREVER)
    assert found.own + found.near < 0.08


def share_out_by_pairs(past, near, behind, own, near_part, decay):
    """Go through all pairs of incidents."""
    step, unit = np.nonzero(past.T)
    count = past[unit, step]
    dense = near.toarray()
    alone = np.empty(len(step))
    totals = np.zeros(3)
    for e in range(len(step)):
        earlier = step < step[e]
        lag = step[e] - step[earlier]
        echo = count[earlier] * (1 - decay) * decay ** (lag - 1.0)
        same = own * echo * (unit[earlier] == unit[e])
        around = near_part * echo * dense[unit[e], unit[earlier]]
        part = count[e] / (behind[e] + same.sum() + around.sum())
        alone[e] = part * behind[e]
        totals += part * np.array([same.sum(), around.sum(), (lag * (same + around)).sum()])
    return alone, totals


def test_one_pass_shares_out_as_all_pairs_do():
    rng = np.random.default_rng(3)
    places = Places(rng.uniform(0, 800, 25), rng.uniform(0, 800, 25))
    near = others_only(spread_matrix(places, reach_m=200))
    past = rng.poisson(0.15, (25, 40)).astype(float)
    laid = gather_incidents(past, near)
    behind = rng.uniform(0.05, 0.3, len(laid.step))
    alone, *totals = _share_out(
        laid.step, laid.unit, laid.count, laid.near, behind, (0.2, 0.3, 0.6)
    )
    expected, sums = share_out_by_pairs(past, near, behind, 0.2, 0.3, 0.6)
    np.testing.assert_allclose(alone, expected, rtol=1e-9)
    np.testing.assert_allclose(totals, sums, rtol=1e-9)


def test_an_incident_raises_its_unit_most_and_near_ones_less_for_a_while(square, cube_from):
    places, near, _ = square
    past, _ = simulate(near, np.random.default_rng(4), own=0.3, near_part=0.3, decay=0.6)
    burst = past.copy()
    middle = 15 * SIDE + 15
    burst[middle, -1] += 8
    method = SelfExciting("s", Target(), places)
    calm, stirred = (
        method.fit(cube_from(p[:, :, None]), N_STEPS).predict(6) for p in (past, burst)
    )
    ratio = (stirred.mean / stirred.mean.sum(axis=0)) / (calm.mean / calm.mean.sum(axis=0))
    assert ratio[middle, 0] > 1.5
    assert 1.0 < ratio[middle + 1, 0] < ratio[middle, 0]
    assert ratio[0, 0] == pytest.approx(1, abs=0.05)
    assert ratio[middle, 5] < ratio[middle, 0]


def test_no_incident_gives_an_even_forecast(square, cube_from):
    places, _, _ = square
    cube = cube_from(np.zeros((SIDE * SIDE, 20, 1)))
    mean = SelfExciting("s", Target(), places).fit(cube, 20).predict(1).mean
    np.testing.assert_allclose(mean, mean[0, 0], rtol=1e-6)


def test_parameters_are_checked():
    with pytest.raises(InputError, match="above 0"):
        ExcitingParams(near_m=0)
    with pytest.raises(InputError, match="checked"):
        ExcitingParams(checked=12)
