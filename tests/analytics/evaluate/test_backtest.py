from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.evaluate.backtest import BacktestParams, backtest
from analytics.evaluate.bootstrap import Gain
from analytics.evaluate.choose import (
    Choice,
    choose_method,
    explain_choice,
    relative_gain,
    score_matrix,
)
from analytics.evaluate.origins import Origins, rolling_origins
from analytics.forecast.baselines import ALL_HISTORY, EWMA, all_history, ewma, last_window
from analytics.forecast.blend import BlendParams
from analytics.forecast.protocol import Target
from analytics.forecast.suite import standard_methods
from geo.errors import InputError

RARE = Target(("rare",))
QUICK = BlendParams(windows=12, sweeps=(30, 10))


@pytest.fixture(scope="module")
def table(town, places):
    methods = standard_methods(RARE, places, other_classes=("common",), params=QUICK)
    return backtest(town, methods, rolling_origins(70, n_origins=24), target=RARE)


def test_every_method_is_scored_at_every_origin(table):
    assert table.groupby("method")["origin"].apply(list).map(tuple).nunique() == 1
    assert len(table) == 24 * 13
    assert (
        not table.drop(columns=["stability_1", *(f"busy_{n}" for n in (50, 80, 90, 95))])
        .isna()
        .any()
        .any()
    )


def test_scores_are_those_of_the_forecast_made_by_hand(town, places):
    method = all_history(RARE, places, params=QUICK)
    row = backtest(town, [method], Origins((60,)), target=RARE).iloc[0]
    mean = method.fit(town, 60).predict(1).mean[:, 0]
    came = RARE.series(town)[:, 60]
    hottest = np.argsort(-mean, kind="stable")[:64]
    near = abs(row["hit_rate_20"] - came[np.argsort(-mean)[:51]].sum() / came.sum())
    assert near < 0.1
    assert came[hottest].sum() / came.sum() >= row["hit_rate_20"] - 0.1
    assert row["pai_20"] == pytest.approx(row["hit_rate_20"] / 0.2)
    assert row["incidents"] == came.sum()


def test_an_embargo_hides_the_steps_before_the_origin(town, places, cube_from):
    counts = town.counts[..., 0].copy()
    counts[:, 58:60] = 50
    disturbed = cube_from(counts, town.classes)
    origins = Origins((60,), embargo_steps=2)
    first, second = (
        backtest(cube, [ewma(RARE, places, params=QUICK)], origins, target=RARE)
        for cube in (town, disturbed)
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_window_of_several_steps_is_scored_on_its_sum(places, cube_from):
    rng = np.random.default_rng(1)
    cube = cube_from(rng.poisson(0.1, (256, 84))[:, :, None], step="day")
    params = BlendParams(outcome_steps=7, warm_up=28, windows=4)
    method = ewma(Target(), places, params=params)
    table = backtest(
        cube, [method], rolling_origins(84, n_origins=2, horizon_steps=7), target=Target()
    )
    series = cube.series()
    assert list(table["incidents"]) == [series[:, 70:77].sum(), series[:, 77:].sum()]


def test_intervals_hold_their_share_in_a_steady_town(table):
    for nominal in (50, 80, 90, 95):
        mean = table.groupby("method")[f"covered_{nominal}"].mean()
        assert (mean - nominal / 100).abs().max() < 0.02


def test_the_backtest_finds_what_is_better_and_says_so(table):
    choice = choose_method(table, rng=np.random.default_rng(0))
    assert choice.beats_counting
    assert choice.method in {"blend", "boosting", "stack", "kernel", "Cox", "self-exciting"}
    assert choice.over_counting.mean > 0


@pytest.mark.parametrize(
    ("low", "high", "english", "chinese"),
    [
        (0.02, 0.10, "stack beats all-history counts by 6.0 % ± 4.0 %", "PAI 高于历史计数（+6.0 %"),
        (-0.02, 0.14, "stack is level with all-history counts (+6.0 %", "PAI 与历史计数无显著差异"),
        (-0.1, -0.01, "stack is behind all-history counts (+6.0 %", "PAI 低于历史计数"),
    ],
)
def test_words_say_how_sure_a_gain_is(low, high, english, chinese):
    gain = Gain(0.06, low, high, 1.0, 0.95)
    choice = Choice("stack", beats_counting=True, over_counting=gain, over_ewma=None, n_origins=24)
    assert explain_choice(choice, "en").startswith(english)
    assert explain_choice(choice, "en").endswith("in PAI over 24 backtests.")
    assert chinese in explain_choice(choice, "zh")


def test_counting_is_used_where_nothing_beats_it(town, places):
    methods = [f(RARE, places, params=QUICK) for f in (all_history, last_window)]
    table = backtest(town, methods, rolling_origins(70, n_origins=10), target=RARE)
    choice = choose_method(table, rng=np.random.default_rng(0))
    assert choice.method == ALL_HISTORY
    assert not choice.beats_counting
    assert explain_choice(choice, "en").startswith("Nothing beat counting")
    assert "历史计数" in explain_choice(choice, "zh")


def test_only_earlier_origins_decide(table):
    late = table.copy()
    late.loc[late["origin"] >= 60, ["log_score", "pai_1", "pai_2", "pai_5"]] = -99.0
    first, second = (
        choose_method(t, rng=np.random.default_rng(0), before_origin=60) for t in (table, late)
    )
    assert first == second
    assert first.n_origins == 14


def scores_of(rng, **methods):
    """Return a backtest of 20 origins in which methods differ by what is given and a little noise.

    Each is ``(log_score, pai)`` or ``(log_score, pai, noise of its own in both)``.
    """
    week = rng.normal(0, 0.01, 20)
    rows = []
    for name, (log, pai, *own) in methods.items():
        noise = rng.normal(0, own[0], 20) if own else np.zeros(20)
        rows += [
            {"method": name.replace("_", " "), "origin": o, "log_score": log + week[o] + noise[o]}
            | {f"pai_{s}": pai + week[o] + noise[o] for s in (1, 2, 5)}
            for o in range(20)
        ]
    return pd.DataFrame(rows).replace({"method": {"counts": ALL_HISTORY}})


def test_a_better_log_score_does_not_excuse_a_worse_pai():
    rng = np.random.default_rng(5)
    table = scores_of(rng, counts=(-1.0, 5.0), sharp=(-0.9, 4.0), fair=(-0.95, 5.0))
    assert choose_method(table, rng=rng).method == "fair"


@pytest.mark.parametrize(
    ("ewma_scores", "used"),
    [
        ((-0.90, 5.2), EWMA),  # the model is behind EWMA in log score
        ((-0.96, 6.0), EWMA),  # ahead in log score, but behind in PAI
        ((-0.97, 5.1), "model"),
        ((-0.97, 4.0), "model"),
        ((-1.01, 6.0), ALL_HISTORY),  # behind EWMA in PAI, and EWMA behind counts in log score
    ],
)
def test_a_method_must_hold_its_own_against_ewma_as_against_all_history(ewma_scores, used):
    rng = np.random.default_rng(5)
    table = scores_of(rng, counts=(-1.0, 5.0), EWMA=ewma_scores, model=(-0.95, 5.4))
    choice = choose_method(table, rng=rng)
    assert choice.method == used
    assert choice.beats_counting == (used != ALL_HISTORY)


@pytest.mark.parametrize(
    ("model", "used"),
    [
        (
            (-0.90, 5.45),
            "EWMA, 2 years",
        ),  # ahead in log score, level with the best at so few places
        ((-0.90, 5.60), "model"),
        ((-0.99, 5.60), "EWMA, 2 years"),  # ahead there, and behind over all
    ],
)
def test_for_few_places_a_method_must_catch_more_there_than_every_way_of_counting(model, used):
    rng = np.random.default_rng(5)
    table = scores_of(
        rng,
        counts=(-1.0, 5.0),
        EWMA=(-1.0, 4.0),
        EWMA_2=(-0.98, 5.4),
        model=(*model, 0.1),
    )
    table = table.replace({"method": {"EWMA 2": "EWMA, 2 years"}})
    few = table.rename(columns={"pai_1": "pai_0.17"})
    choice = choose_method(few, rng=rng, shares=(0.0017,))
    assert choice.method == used
    assert choice.beats_counting == (used == "model")
    words = explain_choice(choice, "en")
    assert words.startswith("No model beat counting") == (used != "model")
    assert used in words
    assert used in explain_choice(choice, "zh")


def test_a_method_must_hold_its_own_against_every_length_of_memory():
    rng = np.random.default_rng(5)
    table = scores_of(rng, counts=(-1.0, 5.0), EWMA_2=(-0.9, 5.4), model=(-0.95, 5.6))
    table = table.replace({"method": {"EWMA 2": "EWMA, 2 years"}})
    assert choose_method(table, rng=rng).method == "EWMA, 2 years"


def test_pai_decides_between_methods_that_chance_alone_tells_apart():
    rng = np.random.default_rng(5)
    noise = 0.02
    table = scores_of(
        rng,
        counts=(-1.0, 5.0),
        first=(-0.900, 5.5, noise),
        close=(-0.901, 6.0, noise),
        behind=(-0.960, 7.0),
    )
    assert choose_method(table, rng=rng).method == "close"


def test_each_task_weighs_the_same_in_a_relative_gain():
    rows = [
        {"method": m, "origin": o, "task": t, "pai_1": base * factor}
        for t, base, ours in (("dense", 20.0, 1.0), ("sparse", 2.0, 1.2))
        for m, factor in ((ALL_HISTORY, 1.0), ("ours", ours))
        for o in range(6)
    ]
    table = pd.DataFrame(rows)
    gain = relative_gain(table, "ours", ALL_HISTORY, rng=np.random.default_rng(0), shares=[0.01])
    assert gain.mean == pytest.approx(0.1)
    assert score_matrix(table, "ours", "pai_1").shape == (6, 2)


def test_what_cannot_be_scored_is_refused(town, places):
    one = ewma(RARE, places, params=QUICK)
    with pytest.raises(InputError, match="different names"):
        backtest(town, [one, one], Origins((60,)), target=RARE)
    with pytest.raises(InputError, match="the last window ends at step 71"):
        backtest(town, [one], Origins((70,)), target=RARE)
    table = backtest(
        town, [one], Origins((60,)), target=RARE, params=BacktestParams(shares=(0.01,))
    )
    with pytest.raises(InputError, match=ALL_HISTORY):
        choose_method(table, rng=np.random.default_rng(0))
    assert EWMA in set(table["method"])
