"""The one shape of every result: a figure, its certainty and a label for each unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import Units
from analytics.steps import Steps
from geo.errors import InputError

Kind = Literal[
    "hotspots",
    "trends",
    "density",
    "emerging",
    "scan",
    "rates",
    "association",
    "forecast",
    "streets",
    "coverage",
    "protection",
]
Lang = Literal["zh", "en"]

LABELS: Mapping[str, Mapping[Lang, str]] = MappingProxyType(
    {
        "hot": {"zh": "热点", "en": "hot spot"},
        "cold": {"zh": "冷点", "en": "cold spot"},
        "rising": {"zh": "上升", "en": "rising"},
        "falling": {"zh": "下降", "en": "falling"},
        "none": {"zh": "不显著", "en": "not significant"},
        "untested": {"zh": "未检验", "en": "not tested"},
        "new_hot": {"zh": "新增热点", "en": "new hot spot"},
        "consecutive_hot": {"zh": "连续热点", "en": "consecutive hot spot"},
        "intensifying_hot": {"zh": "加强热点", "en": "intensifying hot spot"},
        "persistent_hot": {"zh": "持续热点", "en": "persistent hot spot"},
        "diminishing_hot": {"zh": "减弱热点", "en": "diminishing hot spot"},
        "sporadic_hot": {"zh": "零星热点", "en": "sporadic hot spot"},
        "oscillating_hot": {"zh": "振荡热点", "en": "oscillating hot spot"},
        "historical_hot": {"zh": "历史热点", "en": "historical hot spot"},
        "new_cold": {"zh": "新增冷点", "en": "new cold spot"},
        "consecutive_cold": {"zh": "连续冷点", "en": "consecutive cold spot"},
        "intensifying_cold": {"zh": "加强冷点", "en": "intensifying cold spot"},
        "persistent_cold": {"zh": "持续冷点", "en": "persistent cold spot"},
        "diminishing_cold": {"zh": "减弱冷点", "en": "diminishing cold spot"},
        "sporadic_cold": {"zh": "零星冷点", "en": "sporadic cold spot"},
        "oscillating_cold": {"zh": "振荡冷点", "en": "oscillating cold spot"},
        "historical_cold": {"zh": "历史冷点", "en": "historical cold spot"},
        "above": {"zh": "高于正常范围", "en": "above the limits"},
        "below": {"zh": "低于正常范围", "en": "below the limits"},
        "within": {"zh": "正常范围内", "en": "within the limits"},
        "unknown": {"zh": "情况不明", "en": "unknown"},
        "blind": {"zh": "视频盲区", "en": "blind spot"},
        "known": {"zh": "情况已知", "en": "known"},
        "high-high": {"zh": "高值聚集", "en": "high among high"},
        "low-low": {"zh": "低值聚集", "en": "low among low"},
        "high-low": {"zh": "低值中的高值", "en": "high among low"},
        "low-high": {"zh": "高值中的低值", "en": "low among high"},
        "rise": {"zh": "上升", "en": "rise"},
        "fall": {"zh": "下降", "en": "fall"},
        "cluster": {"zh": "聚集", "en": "cluster"},
        "apart": {"zh": "分散", "en": "apart"},
        "night": {"zh": "凌晨", "en": "night"},
        "morning": {"zh": "上午", "en": "morning"},
        "afternoon": {"zh": "下午", "en": "afternoon"},
        "evening": {"zh": "晚上", "en": "evening"},
        "even": {"zh": "时段均匀", "en": "even"},
        "alarm": {"zh": "预警", "en": "alarm"},
        "repeat": {"zh": "近重复", "en": "near repeat"},
        "more": {"zh": "增多", "en": "more"},
        "less": {"zh": "减少", "en": "less"},
        "expected": {"zh": "预计", "en": "expected"},
        "chosen": {"zh": "采用", "en": "chosen"},
        "scored": {"zh": "评分", "en": "scored"},
        "seen": {"zh": "已看到", "en": "seen"},
        "stale": {"zh": "久未看到", "en": "not seen for long"},
        "unseen": {"zh": "从未看到（情况不明）", "en": "never seen (unknown)"},
    }
)


@dataclass(frozen=True, eq=False)
class Result:
    """What a method found, in the order of `units`; every array has shape ``(n_units,)``.

    Attributes
    ----------
    kind
        Which question was asked.
    units, steps
        Where and when.
    observed
        The total that the method saw in the unit.
    score
        Gi* z for hotspots (of the last step for emerging ones), Kendall's tau for trends,
        incidents per km2 for density, log likelihood ratio for scans.
    p, q
        Two-sided p-value, and the false discovery rate at which the unit would be called; NaN
        where nothing was tested.
    slope
        Change per step (trends; of z for emerging hot spots), else NaN.
    label
        A key of `LABELS`.
    parameters
        All that is needed to compute it again, as plain JSON values.
    details
        What else the method says of each unit, one row a unit; None where that is nothing.
    """

    kind: Kind
    units: Units
    steps: Steps
    observed: NDArray[np.float64]
    score: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    slope: NDArray[np.float64]
    label: NDArray[np.str_]
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    details: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.details is not None and len(self.details) != len(self.units):
            raise InputError(f"details has {len(self.details)} rows for {len(self.units)} units")
        for name in ("observed", "score", "p", "q", "slope", "label"):
            if getattr(self, name).shape != self.units.ids.shape:
                raise InputError(
                    f"{name} does not have one value for each of {len(self.units)} units"
                )

    def count_labels(self) -> dict[str, int]:
        """Return how many units have each label, most frequent first."""
        names, counts = np.unique(self.label, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {str(names[i]): int(counts[i]) for i in order}


def label_text(label: str, lang: Lang) -> str:
    """Return a label in the reader's language.

    Examples
    --------
    >>> label_text("rising", "en"), label_text("rising", "zh")
    ('rising', '上升')
    """
    if label not in LABELS:
        raise InputError(f"label {label!r} is unknown; labels are {', '.join(LABELS)}")
    return LABELS[label][lang]
