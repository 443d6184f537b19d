"""Near repeats by class: which bands of distance and time hold more pairs than chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from analytics.fdr import Procedure, adjust_fdr
from analytics.listing import Listing
from analytics.near_repeat import find_near_repeats
from analytics.points import Points
from geo.errors import InputError

COLUMNS = (
    "category", "incidents", "over_m", "upto_m", "over_days", "upto_days", "observed", "expected",
    "ratio", "p_value",
)  # fmt: skip


@dataclass(frozen=True)
class RepeatParams:
    """How near repeats are tested.

    Attributes
    ----------
    distances_m, time_bands_days
        Ascending upper edges, see `analytics.near_repeat.find_near_repeats`.
    permutations
        How often times are dealt out anew.
    fewest
        Classes with fewer incidents are not tested.
    alpha, fdr
        False discovery rate over the bands of a class, see `adjust_fdr`.
    by_class
        Each class by itself; otherwise all incidents together.
    """

    distances_m: tuple[float, ...] = (1.0, 100.0, 200.0, 300.0, 400.0)
    time_bands_days: tuple[float, ...] = (1.0, 3.0, 7.0, 14.0, 28.0)
    permutations: int = 999
    fewest: int = 50
    alpha: float = 0.05
    fdr: Procedure = "bh"
    by_class: bool = True

    def __post_init__(self) -> None:
        if self.permutations < 1 or self.fewest < 2:
            raise InputError("permutations must be at least 1 and fewest at least 2")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")


def find_repeat_bands(
    points: Points, params: RepeatParams | None = None, *, rng: np.random.Generator
) -> Listing:
    """Test each class for near repeats.

    Returns
    -------
    Listing
        One row a class and pair of bands, classes by code, bands from near to far: ``category``,
        ``incidents``, edges, ``observed`` and ``expected`` pairs, score their ratio, p one-sided,
        q over the class's bands, label ``repeat`` where q is up to alpha.
    """
    how = params or RepeatParams()
    groups = points.by_class() if how.by_class else {"all": np.arange(len(points))}
    tables = [
        find_near_repeats(
            points.x[rows], points.y[rows], points.day[rows],
            distances_m=how.distances_m, time_bands_days=how.time_bands_days,
            permutations=how.permutations, rng=rng,
        ).table().assign(category=code, incidents=len(rows))
        for code, rows in groups.items() if len(rows) >= how.fewest
    ]  # fmt: skip
    frame = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    frame = frame[list(COLUMNS)].rename(columns={"ratio": "score"})
    # Each class is a family of its own: over all of them no p of 999 permutations would do.
    q = frame.groupby("category")["p_value"].transform(
        lambda p: adjust_fdr(p.to_numpy(dtype=np.float64), procedure=how.fdr)
    )
    frame = frame.assign(q_value=q, label=np.where(q <= how.alpha, "repeat", "none"))
    return Listing(
        kind="near_repeat",
        unit="whole",
        window=points.window,
        rows=frame,
        parameters=MappingProxyType(asdict(how) | points.describe()),
    )
