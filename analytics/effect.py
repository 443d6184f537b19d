"""Whether a measure made a difference: before and after, with a control and displacement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analytics.changes import poisson_e_test, weighted_displacement_difference
from analytics.cube import REPORTED, Cube
from analytics.latest_changes import rate_ratio_interval
from analytics.listing import Listing
from geo.errors import InputError

PARTS = ("treated", "control", "near_treated", "near_control")
Counts = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class EffectParams:
    """What was done, where and when.

    Attributes
    ----------
    since
        First day of the measure, as a date; what lies before it in the window is "before".
    treated, control
        Codes of the areas where it was taken, and of areas like them without it.
    near_treated, near_control
        Codes of areas around them, where incidents may have moved to.
    confidence
        Of the intervals.
    alpha
        p up to which a change is called.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    since: str
    treated: tuple[str, ...]
    control: tuple[str, ...] = ()
    near_treated: tuple[str, ...] = ()
    near_control: tuple[str, ...] = ()
    confidence: float = 0.95
    alpha: float = 0.05
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        date.fromisoformat(self.since)
        if not self.treated:
            raise InputError("no area was named as treated: name one with its code")
        named = [code for part in PARTS for code in getattr(self, part)]
        twice = [code for code in named if named.count(code) > 1]
        if twice:
            raise InputError(f"area {twice[0]!r} is named twice; it has one part only")


def find_effect(cube: Cube, codes: Sequence[str], params: EffectParams) -> Listing:
    """Compare counts before and after a measure, and set them against those of a control.

    Parameters
    ----------
    cube
        By day, areas as units; its window begins before ``since`` and ends after it.
    codes
        Code of each unit, in order.

    Returns
    -------
    Listing
        One row a part that was named (``part``: `PARTS`) and, with a control, one
        ``difference``. ``observed`` after, ``before``, score the ratio of the two rates (of the
        difference: incidents a week gained, below 0 spared), p of the Poisson E-test (of the
        difference: normal), ``low`` and ``high``, ``areas``, label ``more``, ``less``, ``none``.

    Raises
    ------
    InputError
        An area is unknown, or ``since`` leaves nothing before or after.
    """
    split = _split(cube, params)
    days = float(split), float(len(cube.steps) - split)
    series = cube.series(classes=params.classes, found_by=params.found_by)
    counts = _count(series, split, codes, params)
    rows = [_part(name, counts[name], days, params) for name in counts]
    if "control" in counts:
        rows.append(_difference(counts, days, params))
    described = asdict(params) | {"days_before": days[0], "days_after": days[1]}
    described |= cube.describe(classes=params.classes, found_by=params.found_by)
    return Listing(
        kind="effect",
        unit="whole",
        window=cube.steps.window,
        rows=pd.DataFrame(rows),
        parameters=MappingProxyType(described),
    )


def _split(cube: Cube, params: EffectParams) -> int:
    days = cube.steps.starts.strftime("%Y-%m-%d").to_numpy()
    split = int(np.searchsorted(days, params.since))
    if cube.steps.step != "day" or not 0 < split < len(days):
        raise InputError(
            f"the measure began on {params.since}; the window needs whole days before and after "
            f"it, and is {days[0]} to {days[-1]}: take a longer one"
        )
    return split


def _count(series: Any, split: int, codes: Sequence[str], params: EffectParams) -> Counts:
    place = {code: row for row, code in enumerate(codes)}
    counts: Counts = {}
    for part in PARTS:
        named = getattr(params, part)
        unknown = [code for code in named if code not in place]
        if unknown:
            raise InputError(f"no area has the code {unknown[0]!r} at the end of the window")
        if named:
            own = series[[place[code] for code in named]].sum(axis=0)
            counts[part] = int(own[:split].sum()), int(own[split:].sum())
    return counts


def _part(
    name: str, counts: tuple[int, int], days: tuple[float, float], params: EffectParams
) -> dict[str, Any]:
    before, after = counts
    p = float(poisson_e_test(before, after, exposure=days))
    low, high = rate_ratio_interval(
        np.array([before]), np.array([after]), exposure=days, confidence=params.confidence
    )
    ratio = (after / days[1]) / (before / days[0]) if before else np.nan
    return {
        "part": name, "areas": list(getattr(params, name)), "before": before, "observed": after,
        "score": ratio, "low": float(low[0]), "high": float(high[0]), "p_value": p, "q_value": p,
        "label": _label(after / days[1] - before / days[0], p, params.alpha),
    }  # fmt: skip


def _difference(
    counts: Mapping[str, tuple[int, int]], days: tuple[float, float], params: EffectParams
) -> dict[str, Any]:
    pairs = {part: counts.get(part, (0, 0)) for part in PARTS}
    found = weighted_displacement_difference(
        pairs["treated"], pairs["control"], near_treated=pairs["near_treated"],
        near_control=pairs["near_control"], exposure=(days[0] / 7, days[1] / 7),
        confidence=params.confidence,
    )  # fmt: skip
    p = float(found.p)
    return {
        "part": "difference", "areas": [], "before": None, "observed": np.nan,
        "score": float(found.estimate), "low": float(found.low), "high": float(found.high),
        "p_value": p, "q_value": p, "label": _label(float(found.estimate), p, params.alpha),
    }  # fmt: skip


def _label(change: float, p: float, alpha: float) -> str:
    return "none" if p > alpha or change == 0 else "more" if change > 0 else "less"
