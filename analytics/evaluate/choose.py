"""Which method to use, decided by the backtest alone, and the words that say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.evaluate.bootstrap import Gain, paired_gain
from analytics.forecast.baselines import ALL_HISTORY, CHAMPIONS, EWMA
from analytics.results import Lang
from geo.errors import InputError

Floats = NDArray[np.float64]

SMALL_SHARES = (0.01, 0.02, 0.05)
"""Shares of the area that a watch can really be sent to."""
FEW = 0.01
"""Share of the area below which the log score, of every unit, says little about the few."""


@dataclass(frozen=True)
class Choice:
    """The method to use, and what speaks for it.

    Attributes
    ----------
    method
        Its name; a way of counting if nothing beats them.
    beats_counting
        Whether it is more than counting, or counting that beats all-history counts.
    over_counting, over_ewma
        Relative gain in PAI over the two baselines, mean over `SMALL_SHARES`; None where the
        method is that baseline or the baseline was not run.
    n_origins
        Origins that decided.
    """

    method: str
    beats_counting: bool
    over_counting: Gain | None
    over_ewma: Gain | None
    n_origins: int


def choose_method(
    table: pd.DataFrame,
    *,
    rng: np.random.Generator,
    before_origin: int | None = None,
    baseline: str = ALL_HISTORY,
    shares: Sequence[float] = SMALL_SHARES,
) -> Choice:
    """Choose the method by what it did at earlier origins.

    Counting has champions that differ in how long they remember (`CHAMPIONS`), and a method must
    hold its own against each: its gain in log score over it has an interval above zero, and its
    gain in PAI has not one below zero. The log score decides among those that do, for it is proper
    and looks at every unit, so that few origins suffice; where the best is ahead of others by no
    more than chance, PAI at the shares that are patrolled decides among them. If no method holds
    its own, another champion is taken if it does so against all-history counts, else these are.

    For less than `FEW` of the area more is asked, because hardly any unit that the log score looks
    at is among the few: the gain in PAI at that very share must have an interval above zero. If no
    method's has, the champion with the most PAI there is taken.

    Parameters
    ----------
    table
        From `backtest`; several tasks may be joined with a column ``task``.
    before_origin
        Only earlier origins decide; all when None.
    baseline
        Name of the counting method.
    shares
        Shares of the area that will be watched; one by itself chooses for that one.

    Raises
    ------
    InputError
        The baseline is not in the table, or no origin is early enough.
    """
    early = table if before_origin is None else table[table["origin"] < before_origin]
    if early.empty or baseline not in set(early["method"]):
        raise InputError(
            f"no origin before {before_origin} with {baseline!r} in the backtest; run it over "
            "earlier origins, with the counting baseline among its methods"
        )
    scores = {name: score_matrix(early, name, "log_score") for name in early["method"].unique()}
    champions = [name for name in dict.fromkeys((baseline, *CHAMPIONS)) if name in scores]
    few = max(shares) < FEW

    def holds_its_own(name: str, other: str) -> bool:
        if paired_gain(scores[name], scores[other], rng=rng).low <= 0:
            return False
        gain = relative_gain(early, name, other, rng=rng, shares=shares)
        return gain.low > 0 if few else gain.high >= 0

    def most_pai(names: Sequence[str]) -> str:
        return max(names, key=lambda name: _mean_pai(early, name, baseline, shares))

    able = [n for n in scores if n not in champions and all(holds_its_own(n, c) for c in champions)]
    remembering = [n for n in champions[1:] if not few and holds_its_own(n, baseline)]
    method, beats = most_pai(champions) if few else baseline, False
    for candidates in (able, remembering):
        if candidates:
            level = _level_with_best({name: scores[name] for name in candidates}, rng)
            method, beats = most_pai(level), True
            break

    def over(other: str) -> Gain | None:
        if other == method or other not in scores:
            return None
        return relative_gain(early, method, other, rng=rng, shares=shares)

    return Choice(method, beats, over(baseline), over(EWMA), early["origin"].nunique())


def _level_with_best(scores: Mapping[str, Floats], rng: np.random.Generator) -> list[str]:
    """Return the methods that the best is ahead of by no more than chance, it among them."""
    best = max(scores, key=lambda name: float(np.nanmean(scores[name])))
    return [
        name
        for name in scores
        if name == best or paired_gain(scores[best], scores[name], rng=rng).low <= 0
    ]


def _mean_pai(table: pd.DataFrame, method: str, baseline: str, shares: Sequence[float]) -> float:
    """Return PAI as parts of the baseline's, each task and share weighing the same."""
    parts = []
    for share in shares:
        ours, theirs = (
            score_matrix(table, name, f"pai_{100 * share:g}") for name in (method, baseline)
        )
        parts.append(ours / np.nanmean(theirs, axis=0))
    return float(np.nanmean(np.hstack(parts)))


def relative_gain(
    table: pd.DataFrame,
    method: str,
    baseline: str,
    *,
    rng: np.random.Generator,
    shares: Sequence[float] = SMALL_SHARES,
) -> Gain:
    """Return the gain in PAI as parts of the baseline's, each task and share weighing the same.

    PAI of a class that clusters is many times that of one that does not, and PAI at 1 % of the
    area many times that at 5 %: as differences they would drown the others.
    """
    differences, ones = [], []
    for share in shares:
        column = f"pai_{100 * share:g}"
        ours, theirs = (score_matrix(table, name, column) for name in (method, baseline))
        usual = np.nanmean(theirs, axis=0)
        differences.append(ours / usual)
        ones.append(theirs / usual)
    return paired_gain(np.hstack(differences), np.hstack(ones), rng=rng)


def score_matrix(table: pd.DataFrame, method: str, column: str) -> Floats:
    """Return one score of one method, shape ``(n_origins, n_tasks)``; NaN where there is none."""
    rows = table[table["method"] == method]
    rows = rows.assign(task=rows.get("task", ""))
    wide = rows.pivot(index="origin", columns="task", values=column)
    return np.asarray(wide.to_numpy(dtype=np.float64))


def explain_choice(choice: Choice, lang: Lang) -> str:
    """Say in one sentence which method is used and why."""
    if not choice.beats_counting and choice.method != ALL_HISTORY:
        return {
            "zh": f"在过去 {choice.n_origins} 次回测中，没有模型优于各种计数，"
            f"故采用其中命中率最高的 {choice.method}。",
            "en": f"No model beat counting in {choice.n_origins} backtests, so counting is used, "
            f"in the way that caught most: {choice.method}.",
        }[lang]
    if not choice.beats_counting:
        return {
            "zh": f"在过去 {choice.n_origins} 次回测中，没有方法优于历史计数，故采用历史计数。",
            "en": f"Nothing beat counting in {choice.n_origins} backtests, so counting is used.",
        }[lang]
    named = (
        (choice.over_counting, "历史计数" if lang == "zh" else "all-history counts"),
        (choice.over_ewma, "指数加权平均" if lang == "zh" else "EWMA"),
    )
    parts = [_beats(gain, name, lang) for gain, name in named if gain is not None]
    if lang == "zh":
        return (
            f"采用 {choice.method}：在过去 {choice.n_origins} 次回测中，" + "，".join(parts) + "。"
        )
    return f"{choice.method} {' and '.join(parts)} in PAI over {choice.n_origins} backtests."


def _beats(gain: Gain, name: str, lang: Lang) -> str:
    size = f"{100 * gain.mean:+.1f} % ± {50 * (gain.high - gain.low):.1f} %"
    if gain.low > 0:
        return f"PAI 高于{name}（{size}）" if lang == "zh" else f"beats {name} by {size[1:]}"
    if gain.high < 0:
        return f"PAI 低于{name}（{size}）" if lang == "zh" else f"is behind {name} ({size})"
    return f"PAI 与{name}无显著差异（{size}）" if lang == "zh" else f"is level with {name} ({size})"
