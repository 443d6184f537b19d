"""What changed in the last step: which class rose or fell where, by how much, how surely."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, betaincinv

from analytics.cube import REPORTED, Cube
from analytics.dispersion import compare_overdispersed, estimate_dispersion
from analytics.fdr import Procedure, adjust_fdr
from analytics.results import Lang
from geo.errors import InputError

Floats = NDArray[np.float64]

COLUMNS = (
    "unit_id",
    "category",
    "count",
    "expected",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "q_value",
    "direction",
    "certainty",
)
SURE = MappingProxyType({"high": 0.01, "medium": 0.05, "low": 0.2})
"""False discovery rate up to which a change has this certainty; above, it is not listed."""

WORDS: Mapping[str, Mapping[Lang, str]] = MappingProxyType(
    {
        "rise": {"en": "up", "zh": "上升"},
        "fall": {"en": "down", "zh": "下降"},
        "high": {"en": "certainty high", "zh": "把握高"},
        "medium": {"en": "certainty medium", "zh": "把握中等"},
        "low": {"en": "certainty low", "zh": "把握低"},
        "hour": {"en": "this hour", "zh": "本小时"},
        "day": {"en": "this day", "zh": "本日"},
        "week": {"en": "this week", "zh": "本周"},
        "month": {"en": "this month", "zh": "本月"},
    }
)
SENTENCE: Mapping[Lang, str] = MappingProxyType(
    {
        "en": "{unit}, {category}: {direction}, {count:g} {now} against {expected:.1f} usual"
        " ({ratio}; {sure}, q {q:.2g})",
        "zh": "{unit}，{category}：{direction}，{now}{count:g}起，往常{expected:.1f}起"
        "（{ratio}；{sure}，q {q:.2g}）",
    }
)


@dataclass(frozen=True)
class LatestParams:
    """How the last step is compared.

    Attributes
    ----------
    baseline_steps
        Steps before the last that say what is usual.
    fewest
        Incidents in baseline and last step together below which nothing is tested.
    overdispersed
        Whether a class whose baseline varies more than chance, all units together, is tested
        with that in mind; otherwise counts are taken for Poisson.
    fdr
        ``bh`` or ``by``, see `adjust_fdr`.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    baseline_steps: int = 8
    fewest: int = 5
    overdispersed: bool = True
    fdr: Procedure = "bh"
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED


def find_latest_changes(
    cube: Cube, params: LatestParams | None = None, *, complete: Floats | None = None
) -> pd.DataFrame:
    """List what rose or fell in the last step against the steps before it, surest first.

    Parameters
    ----------
    cube
        Counts of whole steps, classes told apart.
    complete
        Share of each step's incidents that has been reported by now, shape ``(n_steps,)``; all
        when not given. A step of which a part is missing counts as so much shorter.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a unit and class: incidents in the last step, the number expected from
        the baseline for its length, their ratio with its exact 95 % interval (of the counts
        divided by the dispersion, where they are overdispersed), p of `compare_rates` or
        `compare_overdispersed`, q over all that were tested, ``rise`` or ``fall``, and certainty
        ``high``, ``medium`` or ``low``, see `SURE`. Empty where nothing changed.

    Raises
    ------
    InputError
        The cube has no step before the baseline asked for.

    References
    ----------
    Przyborowski and Wilenski (1940), doi:10.1093/biomet/31.3-4.313; overdispersed counts: see
    `analytics.dispersion`.
    """
    how = params or LatestParams()
    if not 1 <= how.baseline_steps < len(cube.steps):
        raise InputError(
            f"the cube has {len(cube.steps)} steps; {how.baseline_steps} before the last are "
            "asked for: take fewer baseline_steps or a longer window"
        )
    frame = _count(cube, how)
    known = cube.steps.hours if complete is None else cube.steps.hours * complete
    hours = known[-how.baseline_steps - 1 :]
    exposure = (float(hours[:-1].sum()), float(hours[-1]))
    before, after = frame["before"].to_numpy(), frame["count"].to_numpy()
    dispersion = frame.pop("dispersion").to_numpy()
    frame["p_value"] = _compare(before, after, dispersion, exposure)
    frame["q_value"] = adjust_fdr(frame["p_value"].to_numpy(), procedure=how.fdr)
    frame["expected"] = frame["before"] * (exposure[1] / exposure[0])
    with np.errstate(divide="ignore"):
        frame["ratio"] = frame["count"].to_numpy() / frame["expected"].to_numpy()
    frame["ratio_low"], frame["ratio_high"] = rate_ratio_interval(
        before / dispersion, after / dispersion, exposure=exposure
    )
    frame["direction"] = np.where(frame["ratio"] > 1, "rise", "fall")
    q = frame["q_value"].to_numpy()
    frame["certainty"] = np.select([q <= limit for limit in SURE.values()], list(SURE), "none")
    listed = frame[frame["certainty"] != "none"]
    order = ["q_value", "p_value", "unit_id", "category"]
    return listed.sort_values(order, ignore_index=True)[list(COLUMNS)]


def _count(cube: Cube, how: LatestParams) -> pd.DataFrame:
    """Return counts before and in the last step by unit and class, those to be tested."""
    chosen = how.classes or cube.classes
    hours = cube.steps.hours[-how.baseline_steps - 1 : -1]
    parts = []
    for code in chosen:
        series = cube.series(classes=[code], found_by=how.found_by)
        if not np.issubdtype(series.dtype, np.integer):
            raise InputError("weighted incidents cannot be compared here; count whole incidents")
        baseline = series[:, -how.baseline_steps - 1 : -1]
        dispersion = estimate_dispersion(baseline, hours) if how.overdispersed else 1.0
        parts.append(
            pd.DataFrame(
                {
                    "unit_id": cube.units.ids,
                    "category": code,
                    "before": baseline.sum(axis=1),
                    "count": series[:, -1],
                    "dispersion": dispersion,
                }
            )
        )
    names = ("unit_id", "category", "before", "count", "dispersion")
    empty = pd.DataFrame({name: [] for name in names})
    frame = pd.concat(parts, ignore_index=True) if parts else empty.astype({"before": int})
    return frame[frame["before"] + frame["count"] >= how.fewest].copy()


def _compare(
    before: NDArray[Any], after: NDArray[Any], dispersion: Floats, exposure: tuple[float, float]
) -> Floats:
    p = compare_rates(before, after, exposure=exposure)
    more = dispersion > 1
    p[more] = compare_overdispersed(before[more], after[more], dispersion[more], exposure=exposure)
    return p


def compare_rates(
    before: NDArray[Any], after: NDArray[Any], *, exposure: tuple[float, float]
) -> Floats:
    """Return exact two-sided p-values of equal rates, ``(n,)``: twice the smaller tail.

    Given the total, ``after`` is binomial with the after-period's share of the exposure.

    References
    ----------
    Przyborowski and Wilenski (1940), doi:10.1093/biomet/31.3-4.313.
    """
    share = exposure[1] / (exposure[0] + exposure[1])
    after, total = np.asarray(after, dtype=np.int64), np.asarray(before + after, dtype=np.int64)
    lower = bdtr(after.astype(np.float64), total, share)
    upper = np.where(after > 0, bdtrc(np.maximum(after - 1.0, 0.0), total, share), 1.0)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(lower, upper)))


def rate_ratio_interval(
    before: NDArray[Any],
    after: NDArray[Any],
    *,
    exposure: tuple[float, float],
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return bounds of the ratio of the rate after to that before, each ``(n,)``.

    Given the total, ``after`` is binomial; the bounds are those of Clopper and Pearson, so they
    hold the true ratio at least as often as they say. No incident before: no upper bound.
    """
    tail, scale = (1 - confidence) / 2, exposure[0] / exposure[1]
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    share_low = np.where(
        second > 0, betaincinv(np.where(second > 0, second, 1), first + 1, tail), 0.0
    )
    share_high = np.where(
        first > 0, betaincinv(second + 1, np.where(first > 0, first, 1), 1 - tail), 1.0
    )
    with np.errstate(divide="ignore"):
        return scale * share_low / (1 - share_low), scale * share_high / (1 - share_high)


def describe_changes(
    changes: pd.DataFrame,
    lang: Lang,
    *,
    step: str,
    units: Mapping[int, str] | None = None,
    categories: Mapping[str, str] | None = None,
) -> list[str]:
    """Return one sentence a row of `find_latest_changes`, in its order.

    Parameters
    ----------
    step
        The cube's step, ``cube.steps.step``.
    units, categories
        Names to use instead of ids and codes.
    """
    return [
        _sentence(row, lang, step, units or {}, categories or {})
        for row in changes.to_dict("records")
    ]


def _sentence(
    row: Mapping[Hashable, Any],
    lang: Lang,
    step: str,
    units: Mapping[int, str],
    categories: Mapping[str, str],
) -> str:
    return SENTENCE[lang].format(
        unit=units.get(row["unit_id"], row["unit_id"]),
        category=categories.get(row["category"], row["category"]),
        direction=WORDS[row["direction"]][lang],
        count=row["count"],
        now=WORDS[step][lang],
        expected=row["expected"],
        ratio=_ratio(row, lang),
        sure=WORDS[row["certainty"]][lang],
        q=row["q_value"],
    )


def _ratio(row: Mapping[Hashable, Any], lang: Lang) -> str:
    if np.isinf(row["ratio"]):
        return {"en": "none before", "zh": "此前没有"}[lang]
    times = f"{row['ratio']:.1f}"
    bounds = f"{row['ratio_low']:.1f}–{row['ratio_high']:.1f}"
    return {"en": f"{times} times, 95 % {bounds}", "zh": f"{times}倍,95%区间{bounds}"}[lang]
