from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from analytics.forecast.cox import Cox, CoxParams, random_waves
from analytics.forecast.poisson import fit_poisson
from analytics.forecast.protocol import Places, Target
from geo.errors import InputError


def test_the_fit_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    design = np.hstack([np.ones((800, 1)), rng.normal(size=(800, 4))])
    y = rng.poisson(np.exp(design @ [0.3, 0.5, -0.4, 0.0, 0.2])).astype(float)
    peer = PoissonRegressor(alpha=5 / 800, tol=1e-10, max_iter=1000).fit(design[:, 1:], y)
    ours = fit_poisson(design, y, precision=np.array([1e-12, 5, 5, 5, 5]), rounds=30)
    np.testing.assert_allclose(ours.coefficients[1:], peer.coef_, atol=1e-5)
    assert ours.coefficients[0] == pytest.approx(peer.intercept_, abs=1e-5)


def test_the_posterior_variance_is_that_of_laplace():
    rng = np.random.default_rng(2)
    design = np.hstack([np.ones((300, 1)), rng.normal(size=(300, 3))])
    y = rng.poisson(np.exp(design @ [0.5, 0.5, -0.4, 0.0])).astype(float)
    precision = np.full(4, 2.0)
    fitted = fit_poisson(design, y, precision=precision, rounds=30)
    mean = np.exp(design @ fitted.coefficients)
    covariance = np.linalg.inv((design.T * mean) @ design + np.diag(precision))
    expected = np.einsum("ij,jk,ik->i", design, covariance, design)
    np.testing.assert_allclose(fitted.variance(design), expected, rtol=1e-6)


def test_waves_make_the_gaussian_covariance():
    x = np.linspace(0, 3000, 40)
    waves = random_waves(Places(x, np.zeros(40)), CoxParams(waves=20_000, lengths_m=(800.0,)))
    expected = np.exp(-0.5 * ((x[:, None] - x[None, :]) / 800) ** 2)
    np.testing.assert_allclose(waves @ waves.T, expected, atol=0.03)


def test_a_hill_that_was_never_seen_in_a_cell_is_carried_over_from_near_ones(places, cube_from):
    rng = np.random.default_rng(3)
    hill = 0.02 + 0.4 * np.exp(-0.5 * ((places.x - 900) ** 2 + (places.y - 700) ** 2) / 300**2)
    counts = rng.poisson(hill[:, None], (256, 40))
    hidden = int(np.argmax(hill))
    counts[hidden] = 0
    how = CoxParams(lengths_m=(300.0,), field_sd=1.0)
    mean = Cox("c", Target(), places, how).fit(cube_from(counts[:, :, None]), 39).predict(1).mean
    assert mean[hidden, 0] > 2.5 * np.median(mean)


def test_the_fields_doubt_widens_the_intervals(places, cube_from):
    rng = np.random.default_rng(4)
    cube = cube_from(rng.poisson(0.05, (256, 40))[:, :, None])
    fitted = Cox("c", Target(), places).fit(cube, 39)
    ahead = fitted.predict(1)
    assert (
        ahead.variance[:, 0] >= ahead.mean[:, 0] + fitted.doubt * ahead.mean[:, 0] ** 2 - 1e-12
    ).all()
    assert fitted.doubt.min() > 0


def test_parameters_are_checked():
    with pytest.raises(InputError, match="at least 1"):
        CoxParams(waves=0)
    with pytest.raises(InputError, match="above 0"):
        CoxParams(lengths_m=(0.0,))
