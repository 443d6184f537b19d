"""Join counts class by class: which problems stand side by side more often than chance has them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.association import join_counts
from analytics.cube import REPORTED, Cube
from analytics.fdr import Procedure, adjust_fdr
from analytics.hotspots import Neighbours
from analytics.listing import Listing
from geo.errors import InputError

Mark = Literal["any", "above_mean"]
COLUMNS = (
    "category", "joins", "marked_units", "observed", "expected", "score", "p_value", "q_value",
    "label",
)  # fmt: skip


@dataclass(frozen=True)
class JoinParams:
    """How join counts are made.

    Attributes
    ----------
    mark
        Units that are marked: those with ``any`` incident of the class, or those ``above_mean``.
    fewest
        Classes with fewer incidents are left out.
    alpha, fdr
        False discovery rate, over classes and kinds of joins, at which a class is called.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    mark: Mark = "above_mean"
    fewest: int = 20
    alpha: float = 0.05
    fdr: Procedure = "bh"
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.mark not in get_args(Mark):
            raise InputError(f"mark is {self.mark!r}: say one of {', '.join(get_args(Mark))}")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")


def list_joins(cube: Cube, neighbours: Neighbours, params: JoinParams | None = None) -> Listing:
    """Count the joins of each class, those that cluster most first.

    Returns
    -------
    Listing
        Rows about the whole: ``category``, ``joins`` (``marked`` with marked, ``unmarked``,
        ``mixed``), ``marked_units``, ``observed`` and ``expected`` joins, score z, p, q, label
        ``cluster`` (alike side by side more often than chance), ``apart`` (less often) or ``none``.
    """
    how = params or JoinParams()
    rows = [
        row for code in (how.classes or cube.classes) for row in _rows(cube, neighbours, code, how)
    ]
    frame = pd.DataFrame(
        rows, columns=[name for name in COLUMNS if name not in ("q_value", "label")]
    )
    q = adjust_fdr(frame["p_value"].to_numpy(dtype=np.float64), procedure=how.fdr)
    # Many mixed joins are few alike ones.
    more = (frame["score"] > 0) != (frame["joins"] == "mixed")
    label = np.where(q > how.alpha, "none", np.where(more, "cluster", "apart"))
    frame = frame.assign(q_value=q, label=label)[list(COLUMNS)]
    strength = frame["score"].where(frame["joins"] == "marked").groupby(frame["category"])
    order = np.lexsort((frame.index, -strength.transform("max").to_numpy(dtype=np.float64)))
    return Listing(
        kind="joins",
        unit="whole",
        window=cube.steps.window,
        rows=frame.iloc[order].reset_index(drop=True),
        parameters=MappingProxyType(
            asdict(how) | cube.describe(classes=how.classes, found_by=how.found_by)
        ),
    )


def _rows(cube: Cube, neighbours: Neighbours, code: str, how: JoinParams) -> list[tuple[Any, ...]]:
    totals = cube.totals(classes=[code], found_by=how.found_by)
    if totals.sum() < how.fewest:
        return []
    marked: NDArray[np.bool_] = totals > (0 if how.mark == "any" else totals.mean())
    return [
        (code, name, int(marked.sum()), float(join.count), float(join.expected), float(join.z),
         join.p)
        for name, join in join_counts(marked, neighbours).items()
    ]  # fmt: skip
