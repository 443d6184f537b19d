"""The one shape of every result: a figure, its certainty and a label for each unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Units
from analytics.steps import Steps
from geo.errors import InputError

Kind = Literal["hotspots", "trends", "density"]
Lang = Literal["zh", "en"]

LABELS: Mapping[str, Mapping[Lang, str]] = MappingProxyType(
    {
        "hot": {"zh": "热点", "en": "hot spot"},
        "cold": {"zh": "冷点", "en": "cold spot"},
        "rising": {"zh": "上升", "en": "rising"},
        "falling": {"zh": "下降", "en": "falling"},
        "none": {"zh": "不显著", "en": "not significant"},
        "untested": {"zh": "未检验", "en": "not tested"},
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
        Gi* z for hotspots, Kendall's tau for trends, incidents per km2 for density.
    p, q
        Two-sided p-value, and the false discovery rate at which the unit would be called; NaN
        where nothing was tested.
    slope
        Change per step (trends), else NaN.
    label
        A key of `LABELS`.
    parameters
        All that is needed to compute it again, as plain JSON values.
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

    def __post_init__(self) -> None:
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
