from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.bias.effort import EffortParams, correct_for_effort, dose_weights
from analytics.cube import Cube, Units
from analytics.hotspots import HotspotParams, find_hotspots
from analytics.steps import make_steps
from geo.errors import InputError
from geo.models.base import FOUND_BY


def cube_of(counts, found_by, **exposure):
    """Return a cube of weeks from ``(n_units, n_steps, n_sources)``."""
    counts = np.asarray(counts, dtype=np.uint32)
    n_units, n_steps, _ = counts.shape
    steps = make_steps(
        date(2024, 1, 1), date(2024, 1, 1 + 7 * n_steps), step="week", time_zone="Asia/Shanghai"
    )
    units = Units("area", np.arange(n_units), MappingProxyType(exposure))
    return Cube(counts[:, :, None, :], units, steps, ("dump",), tuple(found_by))


@pytest.fixture
def watched():
    """Three places with equal truth, 2 finds an hour: 40, 10 and no hours of patrol."""
    counts = np.array([[[5, 80]], [[5, 20]], [[5, 0]]])
    return cube_of(counts, ("resident", "patrol"), patrol_hours=np.array([40.0, 10.0, 0.0]))


def test_what_patrols_found_is_left_out_unless_a_correction_is_asked_for(watched):
    found = correct_for_effort(watched)
    assert found.cube.found_by == ("resident",)
    assert found.cube.totals(found_by=FOUND_BY).tolist() == [5, 5, 5]
    assert found.cube.left_out["found"] == 100
    assert found.cube.counts.sum() + sum(found.cube.left_out.values()) == watched.counts.sum()


def test_divided_by_dose_equal_places_count_alike(watched):
    found = correct_for_effort(watched, EffortParams("by-dose"))
    # Average effort of the known places is 25 h: 80 * 25/40 = 20 * 25/10 = 50.
    assert found.cube.totals(found_by=("patrol",)).tolist() == [50.0, 50.0, 0.0]
    assert found.cube.totals(found_by=("resident",)).tolist() == [5, 5, 5]


def test_nobody_there_is_unknown_and_not_safe(watched):
    for method in ("leave-out", "by-dose", "thinned"):
        rng = np.random.default_rng(1)
        found = correct_for_effort(watched, EffortParams(method), rng=rng)
        assert found.unknown.tolist() == [False, False, True]
    hours = np.array([40.0, np.nan, 0.9])
    unlogged = replace(watched, units=Units("area", np.arange(3), {"patrol_hours": hours}))
    assert correct_for_effort(unlogged).unknown.tolist() == [False, True, True]
    nothing_logged = replace(watched, units=Units("area", np.arange(3)))
    assert correct_for_effort(nothing_logged, EffortParams("by-dose")).unknown.all()


def test_finds_without_hours_are_told_and_not_counted(watched):
    hours = np.array([40.0, np.nan, 0.0])
    unlogged = replace(watched, units=Units("area", np.arange(3), {"patrol_hours": hours}))
    found = correct_for_effort(unlogged, EffortParams("by-dose"))
    assert found.cube.totals(found_by=("patrol",)).tolist() == [80.0, 0.0, 0.0]
    assert found.cube.left_out["found_without_effort"] == 20


def test_each_found_source_is_divided_by_its_own_hours():
    counts = [[[0, 10, 0]], [[0, 0, 30]], [[0, 10, 10]]]
    cube = cube_of(
        counts,
        ("resident", "patrol", "drone"),
        patrol_hours=np.array([10.0, 0.0, 10.0]),
        drone_hours=np.array([0.0, 3.0, 1.0]),
    )
    found = correct_for_effort(cube, EffortParams("by-dose"))
    np.testing.assert_allclose(found.cube.totals(found_by=("patrol",)), [10, 0, 10])
    np.testing.assert_allclose(found.cube.totals(found_by=("drone",)), [0, 20, 20])
    assert not found.unknown.any()
    assert found.parameters["found_by"] == ["drone", "patrol"]


def test_camera_finds_without_any_known_hours_are_left_out():
    cube = cube_of([[[1, 4, 6]]], ("resident", "patrol", "camera"), patrol_hours=np.array([8.0]))
    found = correct_for_effort(cube, EffortParams("by-dose"))
    assert found.cube.found_by == ("resident", "patrol")
    assert found.cube.left_out["found"] == 6


def test_hours_that_change_by_step_are_divided_step_by_step():
    hours = np.array([[10.0, 40.0], [40.0, 10.0]])
    cube = cube_of(
        [[[0, 10], [0, 40]], [[0, 40], [0, 10]]], ("resident", "patrol"), patrol_hours=hours
    )
    found = correct_for_effort(cube, EffortParams("by-dose"))
    np.testing.assert_allclose(found.cube.series(found_by=("patrol",)), 25.0)


def test_a_find_where_hardly_anybody_goes_counts_at_most_as_much_as_said():
    weight = dose_weights(np.array([1000.0, 1.0]), EffortParams(most_weight=4.0))
    assert weight.tolist() == [500.5 / 1000.0, 4.0]


def test_patrols_that_have_seen_all_find_no_more_with_more_hours():
    weight = dose_weights(np.array([50.0, 500.0]), EffortParams(saturation_h=5.0))
    np.testing.assert_allclose(weight, 1.0, atol=1e-4)
    linear = dose_weights(np.array([50.0, 500.0]), EffortParams(saturation_h=1e9))
    np.testing.assert_allclose(linear, dose_weights(np.array([50.0, 500.0])), rtol=1e-6)


@given(st.lists(st.floats(1.0, 1e4), min_size=1, max_size=20))
def test_less_effort_never_counts_less(hours):
    effort = np.array(hours)
    weight = dose_weights(effort)
    order = np.argsort(effort)
    assert (np.diff(weight[order]) <= 1e-12).all()
    assert np.isfinite(weight).all()
    assert (weight > 0).all()


def test_thinning_gives_equal_expectations_and_whole_counts():
    """4,000 places with 2 finds an hour, watched 5 or 50 hours."""
    rng = np.random.default_rng(8)
    hours = np.tile([5.0, 50.0], 2000)
    found = rng.poisson(2.0 * hours)
    counts = np.stack([np.zeros_like(found), found], axis=-1)[:, None, :]
    cube = cube_of(counts, ("resident", "patrol"), patrol_hours=hours)
    thinned = correct_for_effort(cube, EffortParams("thinned"), rng=rng).cube
    assert thinned.counts.dtype == np.uint32
    kept = thinned.totals(found_by=("patrol",)).reshape(-1, 2).mean(axis=0)
    # Mean of 2,000 Poisson counts of 10 has a standard error of 0.07.
    np.testing.assert_allclose(kept, 10.0, atol=0.3)
    gone = thinned.left_out["thinned"]
    assert thinned.counts.sum() + gone == cube.counts.sum()


def test_thinned_counts_allow_exact_chances(near):
    rng = np.random.default_rng(2)
    hours = rng.uniform(2, 40, 64)
    counts = np.stack([np.zeros(64), rng.poisson(hours)], axis=-1)[:, None, :]
    cube = cube_of(counts, ("resident", "patrol"), patrol_hours=hours)
    thinned = correct_for_effort(cube, EffortParams("thinned"), rng=rng).cube
    as_is = find_hotspots(cube, near(8, 8), HotspotParams(found_by=FOUND_BY))
    hot = find_hotspots(thinned, near(8, 8), HotspotParams(found_by=FOUND_BY))
    assert hot.parameters["chance"] == as_is.parameters["chance"] == "exact"


def test_the_same_generator_thins_alike_and_the_cube_is_left_as_it_was(watched):
    before = watched.counts.copy()
    one, two = (
        correct_for_effort(watched, EffortParams("thinned"), rng=np.random.default_rng(5)).cube
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.counts, two.counts)
    np.testing.assert_array_equal(watched.counts, before)


def test_errors_say_what_to_hand_in(watched):
    with pytest.raises(InputError, match="hand in rng"):
        correct_for_effort(watched, EffortParams("thinned"))
    with pytest.raises(InputError, match="negative"):
        dose_weights(np.array([-1.0]))
    spread = replace(watched, counts=watched.counts.astype(np.float32))
    with pytest.raises(InputError, match="cannot be thinned"):
        correct_for_effort(spread, EffortParams("thinned"), rng=np.random.default_rng(1))
    for wrong in (
        {"method": "ignore"}, {"least_h": 0.0}, {"most_weight": 0.5}, {"saturation_h": 0.0}
    ):  # fmt: skip
        with pytest.raises(InputError, match=next(iter(wrong))):
            EffortParams(**wrong)


def test_hours_count_by_size_where_places_differ_in_size():
    """Both hold 2 incidents a km2; the large one is searched twice as long, and as thinly."""
    counts = np.array([[[0, 20]], [[0, 40]]])
    hours, size = np.array([10.0, 20.0]), np.array([1.0, 2.0])
    cube = cube_of(counts, ("resident", "patrol"), patrol_hours=hours, area_km2=size)
    found = correct_for_effort(cube, EffortParams("by-dose"))
    assert found.weight["patrol"].tolist() == [1.0, 1.0]
    by_step = replace(
        cube, units=replace(cube.units, exposure={"patrol_hours": hours[:, None], "area_km2": size})
    )
    again = correct_for_effort(by_step, EffortParams("by-dose"))
    assert again.weight["patrol"].tolist() == [[1.0], [1.0]]
