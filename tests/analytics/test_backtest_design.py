from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analytics.backtest_design import (
    Arena,
    BacktestDesign,
    Task,
    choose_all,
    lay_tasks,
    run_task,
    run_tasks,
)
from analytics.backtest_summary import summarise
from analytics.cube import Cube, Units
from analytics.cube_parquet import read_arena_file, write_arena
from analytics.forecast.baselines import ALL_HISTORY
from analytics.forecast.protocol import Places
from analytics.steps import make_steps
from geo.errors import FormatError, InputError


@pytest.fixture
def arena():
    """Return a builder of 6 x 6 places over 60 weeks, two classes and two sources."""

    def build(rate=None, seed=3):
        rng = np.random.default_rng(seed)
        steps = make_steps(
            date(2023, 1, 2), date(2024, 2, 26), step="week", time_zone="Asia/Shanghai"
        )
        place = rng.gamma(0.7, 1.0, 36)[:, None, None, None]
        mean = place * np.array([1.0, 0.4])[:, None] * np.array([1.0, 0.5])
        mean = np.broadcast_to(mean, (36, len(steps), 2, 2)) if rate is None else rate(len(steps))
        counts = rng.poisson(mean).astype(np.uint32)
        units = Units("area", np.arange(100, 136), {"area_km2": rng.uniform(0.5, 2.0, 36)})
        y, x = np.divmod(np.arange(36), 6)
        cube = Cube(counts, units, steps, ("dump", "noise"), ("patrol", "resident"))
        groups = {"west": np.flatnonzero(x < 3), "east": np.flatnonzero(x >= 3)}
        return Arena(cube, Places(x * 200.0, y * 200.0), groups)

    return build


def test_targets_areas_and_origins_make_the_tasks(arena):
    one = arena()
    design = BacktestDesign(n_origins=7, origins_per_task=3, by=("class", "source"))
    tasks = lay_tasks({"": one, "north": one}, design)
    targets = {(task.category, task.found_by) for task in tasks}
    assert targets == {
        ("all", "reported"), ("dump", "reported"), ("noise", "reported"),
        ("all", "patrol"), ("all", "resident"),
    }  # fmt: skip
    assert [(t.first, t.last) for t in tasks[:3]] == [(0, 3), (3, 6), (6, 7)]
    assert len(tasks) == 2 * 5 * 3


def test_classes_with_few_incidents_are_left_out(arena):
    some = int(arena().cube.totals(classes=["noise"]).sum()) + 1
    design = BacktestDesign(n_origins=3, least_incidents=some)
    assert {task.category for task in lay_tasks({"": arena()}, design)} == {"all", "dump"}


def test_how_origins_are_cut_into_tasks_changes_no_bit(arena):
    """Every method of the full suite, stability and communities included."""
    arenas = {"": arena()}
    design = BacktestDesign(n_origins=5, by=("community",), embargo_steps=1, origins_per_task=5)
    whole = run_tasks(arenas, design)
    for per_task in (1, 2):
        cut = run_tasks(arenas, replace(design, origins_per_task=per_task))
        pd.testing.assert_frame_equal(cut, whole, check_exact=True)
    assert whole.groupby(["area", "method"])["stability_1"].count().eq(4).loc[""].all()


def test_communities_are_scored_by_the_one_forecast_and_their_incidents_add_up(arena):
    design = BacktestDesign(n_origins=4, suite="light", by=("community",))
    table = run_tasks({"": arena()}, design)
    counts = table[table["method"] == ALL_HISTORY].pivot(
        index="origin", columns="area", values="incidents"
    )
    np.testing.assert_array_equal(counts["west"] + counts["east"], counts[""])


def test_a_method_sees_nothing_of_the_embargo_or_after(arena):
    one = arena()
    design = BacktestDesign(n_origins=1, suite="light", embargo_steps=3)
    origin = design.origins(len(one.cube.steps)).steps[0]
    counts = one.cube.counts.copy()
    counts[:, origin - 3 : origin] = 50
    changed = replace(one, cube=replace(one.cube, counts=counts))
    task = Task(first=0, last=1)
    a, b = (run_task(x, task, design) for x in (one, changed))
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_a_share_of_the_area_that_is_watched_is_scored_and_decides(arena):
    design = BacktestDesign(n_origins=4, suite="light", by=(), share=0.004)
    table = run_tasks({"": arena()}, design)
    assert {"pai_0.4", "pai_1", "pai_5"} <= set(table.columns)
    assert (BacktestDesign().watched, design.watched) == ((0.01, 0.02, 0.05), (0.004,))
    choice = choose_all(table, seed=1, shares=design.watched)["all", "reported", ""]
    assert not choice.beats_counting
    assert choice.method in (ALL_HISTORY, "EWMA")
    with pytest.raises(InputError, match="share is 4"):
        BacktestDesign(share=4.0)


def test_where_nothing_changes_nothing_beats_counting(arena):
    design = BacktestDesign(n_origins=20, suite="light", by=())
    choices = choose_all(run_tasks({"": arena()}, design), seed=1)
    assert choices["all", "reported", ""].method == ALL_HISTORY
    assert not choices["all", "reported", ""].beats_counting


def test_where_the_hot_places_moved_counting_is_beaten(arena):
    def moved(n_steps):
        rate = np.full((36, n_steps, 2, 2), 0.1)
        rate[:6, : n_steps // 2], rate[30:, n_steps // 2 :] = 4.0, 4.0
        return rate

    design = BacktestDesign(n_origins=20, suite="light", by=())
    table = run_tasks({"": arena(moved)}, design)
    choice = choose_all(table, seed=1)["all", "reported", ""]
    assert choice.beats_counting
    assert choice.over_counting is not None
    assert choice.over_counting.low > 0
    rows = summarise(table, seed=1).query("area == ''").set_index("method")
    assert rows.loc[choice.method, "over_counting_mean"] == pytest.approx(choice.over_counting.mean)
    assert rows["log_score"].is_monotonic_decreasing


def test_a_class_that_counting_never_catches_is_counted(arena):
    def rare(n_steps):
        rate = np.zeros((36, n_steps, 2, 2))
        rate[:18, : n_steps - 12, :, 1] = 0.3
        return rate

    design = BacktestDesign(n_origins=10, suite="light", by=())
    choices = choose_all(run_tasks({"": arena(rare)}, design), seed=1)
    assert choices["all", "reported", ""].method == ALL_HISTORY


def test_a_cube_comes_out_of_its_file_as_it_went_in(arena, tmp_path):
    one = arena()
    again = read_arena_file(write_arena(tmp_path / "a.parquet", one))
    np.testing.assert_array_equal(again.cube.counts, one.cube.counts)
    assert again.cube.counts.dtype == one.cube.counts.dtype
    np.testing.assert_array_equal(again.cube.steps.edges, one.cube.steps.edges)
    np.testing.assert_array_equal(again.area, one.area)
    np.testing.assert_array_equal(again.places.x, one.places.x)
    assert again.groups.keys() == one.groups.keys()
    assert (again.cube.classes, again.cube.found_by) == (one.cube.classes, one.cube.found_by)


def test_another_parquet_file_is_refused(tmp_path):
    path = tmp_path / "other.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(FormatError, match="holds no cube"):
        read_arena_file(path)


def test_a_window_without_reports_is_refused_in_words(arena):
    nothing = arena(lambda n: np.zeros((36, n, 2, 2)))
    patrol_only = replace(
        nothing, cube=replace(nothing.cube, counts=nothing.cube.counts[..., :1].copy(),
                              found_by=("patrol",)))  # fmt: skip
    with pytest.raises(InputError, match="widen the window"):
        run_tasks({"": patrol_only}, BacktestDesign(n_origins=3))


@pytest.mark.parametrize(
    "wrong", [{"origins_per_task": 0}, {"suite": "magic"}, {"by": ("street",)}]
)
def test_an_impossible_design_is_refused(wrong):
    with pytest.raises(InputError):
        BacktestDesign(**wrong)
