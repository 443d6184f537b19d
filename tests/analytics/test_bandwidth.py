from __future__ import annotations

import numpy as np
import pytest

from analytics.bandwidth import choose_bandwidth, rule_bandwidth
from analytics.density import estimate_density
from geo.errors import InputError


def cloud(rng, n, *, side=80, cell=50.0, sd=400.0):
    """Return counts of a normal cloud in the middle of a lattice."""
    place = rng.normal(side * cell / 2, sd, (n, 2)) // cell
    counts = np.zeros((side, side))
    np.add.at(counts, tuple(np.clip(place, 0, side - 1).astype(int).T), 1)
    return counts


@pytest.mark.parametrize("kernel", ["gaussian", "quartic"])
def test_score_is_the_mean_log_density_of_each_incident_from_the_others(kernel):
    rng = np.random.default_rng(2)
    share = np.where(rng.random((9, 11)) < 0.2, 0.0, rng.random((9, 11)))
    counts = rng.poisson(1.0, share.shape) * (share > 0)
    choice = choose_bandwidth(
        counts, share, cell_size_m=100.0, kernel=kernel, tried_m=[700.0, 350.0]
    )
    assert choice.tried_m.tolist() == [350.0, 700.0]
    for width, score in zip(choice.tried_m, choice.score, strict=True):
        each = []
        for place in zip(*np.nonzero(counts), strict=True):
            others = counts.astype(float)
            others[place] -= 1
            surface = estimate_density(
                others, share, cell_size_m=100.0, bandwidth_m=width, kernel=kernel
            )
            each += [np.log(surface[place] / others.sum())] * int(counts[place])
        assert score == pytest.approx(np.mean(each), rel=1e-9)


def test_rule_and_likelihood_agree_on_a_normal_cloud_and_more_incidents_ask_for_less():
    rng = np.random.default_rng(5)
    few, many = cloud(rng, 300), cloud(rng, 20_000)
    share = np.ones_like(few)
    for counts, n in ((few, 300), (many, 20_000)):
        rule = rule_bandwidth(counts, cell_size_m=50.0)
        assert rule == pytest.approx(400 * n ** (-1 / 6), rel=0.1)
        choice = choose_bandwidth(counts, share, cell_size_m=50.0, kernel="gaussian")
        assert rule / 2 < choice.best_m < rule * 2
    wide = choose_bandwidth(few, share, cell_size_m=50.0, kernel="gaussian").best_m
    assert choose_bandwidth(many, share, cell_size_m=50.0, kernel="gaussian").best_m < wide


def test_a_bandwidth_that_leaves_an_incident_alone_is_not_chosen():
    counts = np.zeros((40, 40))
    counts[5, 5] = counts[5, 8] = counts[30, 30] = counts[30, 36] = 1
    share = np.ones_like(counts)
    choice = choose_bandwidth(counts, share, cell_size_m=50.0, tried_m=[100.0, 200.0, 600.0])
    assert np.isneginf(choice.score[:2]).all()
    assert choice.best_m == 600.0
    with pytest.raises(InputError, match="wider"):
        choose_bandwidth(counts, share, cell_size_m=50.0, tried_m=[100.0])


def test_what_cannot_choose_is_refused():
    share = np.ones((5, 5))
    for counts in (np.zeros((5, 5)), np.eye(5) * np.array([1, 0, 0, 0, 0])):
        with pytest.raises(InputError, match="incidents"):
            rule_bandwidth(counts, cell_size_m=50.0)
        with pytest.raises(InputError, match="incidents"):
            choose_bandwidth(counts, share, cell_size_m=50.0)
    with pytest.raises(InputError, match="no bandwidth"):
        choose_bandwidth(share, share, cell_size_m=50.0, tried_m=[])
