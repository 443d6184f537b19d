from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.stats import binomtest

from analytics.cube import Cube, Units
from analytics.latest_changes import (
    COLUMNS,
    LatestParams,
    compare_rates,
    describe_changes,
    find_latest_changes,
    rate_ratio_interval,
)
from analytics.steps import make_steps
from geo.errors import InputError


@pytest.fixture
def weeks():
    """A builder of a cube of weeks with classes from ``(n_units, n_steps, n_classes)``."""

    def build(counts):
        counts = np.asarray(counts)
        n_units, n_steps, n_classes = counts.shape
        start = date(2026, 1, 5)
        end = date.fromordinal(start.toordinal() + 7 * n_steps)
        steps = make_steps(start, end, step="week", time_zone="Asia/Shanghai")
        codes = tuple(["dump", "noise", "park"][:n_classes])
        units = Units("area", np.arange(10, 10 + n_units))
        return Cube(counts[..., None].astype(np.uint32), units, steps, codes, ("resident",))

    return build


@pytest.fixture
def town(weeks):
    counts = np.random.default_rng(1).poisson(3.0, (20, 13, 3))
    counts[4, -1, 1] = 16
    counts[7, :-1, 2], counts[7, -1, 2] = 12, 1
    return weeks(counts)


def test_planted_changes_come_first_and_little_else_comes(town):
    found = find_latest_changes(town)
    assert tuple(found.columns) == COLUMNS
    top = found.head(2).sort_values("unit_id")
    assert top["unit_id"].tolist() == [14, 17]
    assert top["category"].tolist() == ["noise", "park"]
    assert top["direction"].tolist() == ["rise", "fall"]
    assert len(found) <= 4
    assert found["q_value"].is_monotonic_increasing


def test_sentences_in_both_languages_name_place_class_size_and_certainty(town):
    found = find_latest_changes(town)
    rise = found[found["unit_id"] == 14]
    english = describe_changes(rise, "en", step="week", units={14: "Grid 14"})[0]
    chinese = describe_changes(rise, "zh", step="week", categories={"noise": "噪声"})[0]
    assert english.startswith("Grid 14, noise: up, 16 this week against ")
    assert "certainty high" in english
    assert chinese.startswith("14，噪声：上升，本周16起，往常")
    assert "把握高" in chinese


def test_a_first_appearance_has_no_ratio(weeks):
    counts = np.zeros((3, 9, 1))
    counts[1, -1] = 9
    found = find_latest_changes(weeks(counts))
    assert found["unit_id"].tolist() == [11]
    assert np.isinf(found["ratio"][0])
    assert np.isinf(found["ratio_high"][0])
    assert "none before" in describe_changes(found, "en", step="week")[0]


def test_pure_chance_gives_few_sure_changes(weeks):
    counts = np.random.default_rng(2).poisson(2.0, (400, 9, 2))
    found = find_latest_changes(weeks(counts))
    assert (found["certainty"] != "low").sum() <= 2


def test_a_longer_month_is_no_rise(cube_of):
    days = np.array([31, 29, 31])
    found = find_latest_changes(
        cube_of(np.tile(days * 400, (5, 1))), LatestParams(baseline_steps=1)
    )
    assert len(found) == 0


def test_chances_are_those_of_the_binomial_test():
    before, after = np.array([40, 3, 0, 12, 30]), np.array([9, 5, 6, 0, 2])
    p = compare_rates(before, after, exposure=(8.0, 1.0))
    for i in range(5):
        tails = [
            binomtest(int(after[i]), int(before[i] + after[i]), 1 / 9, alternative=side).pvalue
            for side in ("less", "greater")
        ]
        assert p[i] == pytest.approx(min(1, 2 * min(tails)), rel=1e-10)
    assert compare_rates(np.zeros(1), np.zeros(1), exposure=(8.0, 1.0)) == 1
    assert compare_rates(np.zeros(0), np.zeros(0), exposure=(8.0, 1.0)).shape == (0,)


def test_intervals_of_the_ratio_are_the_binomial_ones():
    before, after, exposure = np.array([40, 3, 0, 12]), np.array([9, 5, 6, 0]), (8.0, 1.0)
    low, high = rate_ratio_interval(before, after, exposure=exposure)
    for i in range(4):
        ci = binomtest(int(after[i]), int(before[i] + after[i])).proportion_ci(0.95, "exact")
        assert low[i] == pytest.approx(8 * ci.low / (1 - ci.low), rel=1e-9)
        if before[i]:
            assert high[i] == pytest.approx(8 * ci.high / (1 - ci.high), rel=1e-6)


def test_too_short_a_cube_is_refused_and_a_quiet_one_gives_an_empty_list(weeks):
    with pytest.raises(InputError, match="8 before the last"):
        find_latest_changes(weeks(np.ones((2, 8, 1))))
    found = find_latest_changes(weeks(np.zeros((4, 9, 2))))
    assert (len(found), tuple(found.columns)) == (0, COLUMNS)
    assert describe_changes(found, "zh", step="week") == []
