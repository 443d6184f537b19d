"""A backtest in the shape in which results are stored: a row a score, and a row a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analytics.backtest_design import KEY, Arena, BacktestDesign, choose_all
from analytics.evaluate.bootstrap import Gain
from analytics.evaluate.choose import Choice, explain_choice
from analytics.listing import Listing

SCORED, CHOSEN = "scored", "chosen"


def list_backtest(
    table: pd.DataFrame, arena: Arena, design: BacktestDesign, *, delay: Mapping[str, Any] | None
) -> Listing:
    """Return a backtest as rows: first what was chosen for each class, source and area, and why.

    Returns
    -------
    Listing
        About the whole. Label ``chosen``: ``category``, ``found_by``, ``area``, ``method``, the
        gains in PAI over counting and EWMA with their intervals, ``why_zh``, ``why_en``; score is
        the gain over counting. Label ``scored``: the table of
        `analytics.backtest_design.run_task`; score is the log score.
    """
    choices = choose_all(table, seed=design.seed, shares=design.watched)
    chosen = pd.DataFrame(
        [_choice_row(key, choice, table) for key, choice in choices.items()]
    ).assign(label=CHOSEN)
    scored = table.rename(columns={"incidents": "observed"}).assign(
        label=SCORED, score=table["log_score"]
    )
    described = asdict(design) | {"by": list(design.by), "delay": delay} | arena.cube.describe()
    return Listing(
        kind="backtest",
        unit="whole",
        window=arena.cube.steps.window,
        rows=pd.concat([chosen, scored], ignore_index=True),
        parameters=MappingProxyType(described),
    )


def _choice_row(key: tuple[str, str, str], choice: Choice, table: pd.DataFrame) -> dict[str, Any]:
    same = [table[name] == value for name, value in zip(KEY, key, strict=True)]
    mine = np.logical_and.reduce([*same, table["method"] == choice.method])
    return {
        **dict(zip(KEY, key, strict=True)),
        "observed": float(table.loc[mine, "incidents"].sum()),
        "score": None if choice.over_counting is None else choice.over_counting.mean,
        "method": choice.method,
        "beats_counting": choice.beats_counting,
        "n_origins": choice.n_origins,
        **_gain("counting", choice.over_counting),
        **_gain("ewma", choice.over_ewma),
        "why_zh": explain_choice(choice, "zh"),
        "why_en": explain_choice(choice, "en"),
    }


def _gain(over: str, gain: Gain | None) -> dict[str, float | None]:
    ends = ("mean", "low", "high")
    return {f"over_{over}_{end}": None if gain is None else getattr(gain, end) for end in ends}
