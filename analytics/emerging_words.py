"""Why a place has its class: the history of an emerging hot spot in plain words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analytics.emerging import Emerging, final_run
from analytics.results import Lang, label_text

STEP_WORDS: Mapping[str, Mapping[Lang, str]] = MappingProxyType(
    {
        "hour": {"zh": "小时", "en": "hours"},
        "day": {"zh": "天", "en": "days"},
        "week": {"zh": "周", "en": "weeks"},
        "month": {"zh": "个月", "en": "months"},
    }
)

REASONS: Mapping[str, Mapping[Lang, str]] = MappingProxyType(
    {
        "new": {
            "en": "{side} in the last of {n} {steps} and never before",
            "zh": "{n}{steps}中仅最近一{step}显著为{side}，此前从未出现",
        },
        "consecutive": {
            "en": "{side} in each of the last {run} of {n} {steps} and never before",
            "zh": "{n}{steps}中最近{run}{steps}连续显著为{side}，此前从未出现",
        },
        "intensifying": {
            "en": "{side} in {many} of {n} {steps}, the last among them, and growing stronger",
            "zh": "{n}{steps}中有{many}{steps}显著为{side}（含最近一{step}），且程度显著加强",
        },
        "persistent": {
            "en": "{side} in {many} of {n} {steps}, the last among them, with no trend",
            "zh": "{n}{steps}中有{many}{steps}显著为{side}（含最近一{step}），程度无明显升降",
        },
        "diminishing": {
            "en": "{side} in {many} of {n} {steps}, the last among them, but fading",
            "zh": "{n}{steps}中有{many}{steps}显著为{side}（含最近一{step}），但程度显著减弱",
        },
        "sporadic": {
            "en": "{side} in the last and on and off in {many} of {n} {steps}, never {other}",
            "zh": "{n}{steps}中有{many}{steps}断续显著为{side}（含最近一{step}），从未为{other}",
        },
        "oscillating": {
            "en": "{side} in the last and in {many} of {n} {steps}, yet {other} in {against}",
            "zh": "{n}{steps}中有{many}{steps}显著为{side}（含最近一{step}），"
            "但也有{against}{steps}为{other}",
        },
        "historical": {
            "en": "{side} in {many} of {n} {steps}, but no longer in the last",
            "zh": "{n}{steps}中有{many}{steps}显著为{side}，但最近一{step}已不显著",
        },
        "never": {
            "en": "neither hot nor cold in any of {n} {steps}",
            "zh": "{n}{steps}中从未显著为热点或冷点",
        },
        "once": {
            "en": "hot in {hot} and cold in {cold} of {n} {steps}, but neither in the last",
            "zh": "{n}{steps}中有{hot}{steps}为热点、{cold}{steps}为冷点，但最近一{step}均不显著",
        },
    }
)
_EVIDENCE: Mapping[Lang, str] = MappingProxyType(
    {
        "en": " (last z {z:.1f}, q {q}; trend of z: {s:+.1f}, p {p})",
        "zh": "（最近 z 值 {z:.1f}，q {q}；z 值趋势 {s:+.1f}，p {p}）",
    }
)
_SIDES: Mapping[str, Mapping[Lang, str]] = MappingProxyType(
    {"hot": {"en": "hot", "zh": "热点"}, "cold": {"en": "cold", "zh": "冷点"}}
)


def history(found: Emerging) -> pd.DataFrame:
    """Return the facts behind each place's class.

    Returns
    -------
    DataFrame
        One row a unit, in order: ``unit_id``, ``label``, ``hot_steps``, ``cold_steps``,
        ``final_run`` (last steps that are all hot, or all cold), ``last_z``, ``last_q``,
        ``trend_z`` and ``trend_p`` (Mann-Kendall of the z series).
    """
    spots = found.bins.spots
    return pd.DataFrame(
        {
            "unit_id": found.result.units.ids,
            "label": found.result.label,
            "hot_steps": (spots == 1).sum(axis=1),
            "cold_steps": (spots == -1).sum(axis=1),
            "final_run": np.maximum(final_run(spots == 1), final_run(spots == -1)),
            "last_z": found.result.score,
            "last_q": found.result.q,
            "trend_z": found.trend.z,
            "trend_p": found.trend.p,
        }
    )


def explain(found: Emerging, lang: Lang) -> list[str]:
    """Return one sentence for each place that says why it has its class, in its order.

    Examples
    --------
    A sentence reads ``new hot spot: hot in the last of 24 weeks and never before (last z 4.1,
    q 0.003; trend of z: +1.2, p 0.23)``.
    """
    n_steps = found.bins.spots.shape[1]
    step = found.result.steps.step
    return [
        explain_facts(row, lang, n_steps=n_steps, step=step)
        for row in history(found).to_dict("records")
    ]


def explain_facts(row: Mapping[Hashable, Any], lang: Lang, *, n_steps: int, step: str) -> str:
    """Return the sentence of one place from its row of `history`, as a result stores it too."""
    steps = STEP_WORDS[step][lang]
    label = str(row["label"])
    pattern, _, side = label.partition("_")
    hot, cold = int(row["hot_steps"]), int(row["cold_steps"])
    if label == "none":
        pattern, side = ("once" if hot or cold else "never"), "hot"
    other = "cold" if side == "hot" else "hot"
    said = REASONS[pattern][lang].format(
        n=n_steps, steps=steps, step=steps, run=row["final_run"],
        many=hot if side == "hot" else cold, against=cold if side == "hot" else hot,
        side=_SIDES[side][lang], other=_SIDES[other][lang], hot=hot, cold=cold,
    )  # fmt: skip
    colon = "：" if lang == "zh" else ": "
    return label_text(label, lang) + colon + said + _evidence(row, lang)


def _evidence(row: Mapping[Hashable, Any], lang: Lang) -> str:
    z = float(row["last_z"])
    if np.isnan(z):
        return ""
    return _EVIDENCE[lang].format(
        z=z, q=_chance(row["last_q"]), s=float(row["trend_z"]), p=_chance(row["trend_p"])
    )


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
