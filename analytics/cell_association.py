"""Who resembles the neighbours and who stands out, as a result that is stored and drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from analytics.association import Weights, join_counts, local_moran
from analytics.cube import REPORTED, Cube
from analytics.fdr import Procedure
from analytics.hotspots import Chance, Neighbours
from analytics.results import Result


@dataclass(frozen=True)
class AssociationParams:
    """How local Moran's I is computed, see `analytics.association.local_moran`.

    Attributes
    ----------
    weights, chance, permutations, alpha, fdr
        As there.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    weights: Weights = "row"
    chance: Chance = "auto"
    permutations: int = 999
    alpha: float = 0.05
    fdr: Procedure = "bh"
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED


def find_association(
    cube: Cube,
    neighbours: Neighbours,
    params: AssociationParams | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> Result:
    """Find the units that stand together with their neighbours, and those that differ from them.

    Returns
    -------
    Result
        Score local Moran's I, label ``high-high``, ``low-low``, ``high-low`` (high among low),
        ``low-high`` or ``none``. Its parameters hold the join counts of units above the mean.
    """
    how = params or AssociationParams()
    totals = cube.totals(classes=how.classes, found_by=how.found_by)
    found = local_moran(
        totals, neighbours, weights=how.weights, chance=how.chance,
        permutations=how.permutations, alpha=how.alpha, fdr=how.fdr, rng=rng,
    )  # fmt: skip
    described = asdict(how) | cube.describe(classes=how.classes, found_by=how.found_by)
    return Result(
        kind="association",
        units=cube.units,
        steps=cube.steps,
        observed=totals.astype(np.float64),
        score=found.i,
        p=found.p,
        q=found.q,
        slope=np.full(len(totals), np.nan),
        label=found.label,
        parameters=MappingProxyType(described | {"joins": _joins(totals, neighbours)}),
    )


def _joins(totals: np.ndarray[Any, Any], neighbours: Neighbours) -> dict[str, dict[str, float]]:
    """Return how often units above the mean touch each other, as plain JSON values."""
    counts = join_counts(totals > totals.mean() if len(totals) else totals > 0, neighbours)
    return {
        name: {"count": join.count, "expected": join.expected, "z": join.z, "p": join.p}
        for name, join in counts.items()
    }
