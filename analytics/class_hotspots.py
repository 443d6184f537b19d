"""Hotspots of each class of problems, with one false discovery rate over all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.cube import Cube
from analytics.fdr import adjust_fdr
from analytics.hotspots import HotspotParams, Neighbours, local_g


def find_class_hotspots(
    cube: Cube,
    neighbours: Neighbours,
    params: HotspotParams | None = None,
    *,
    fewest: int = 20,
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """Find where each class concentrates more than chance explains.

    Parameters
    ----------
    cube
        Counts, classes told apart; all steps are added up.
    neighbours
        Of the cube's units, in its order.
    fewest
        Classes with fewer incidents are not tested.

    Returns
    -------
    DataFrame
        One row for each hot unit and class, strongest first within a class: ``category``,
        ``unit_id``, ``row`` (position of the unit), ``observed``, ``score`` (Gi* z),
        ``p_value``, ``q_value`` (over all units and classes that were tested). Empty where
        nothing is hot.
    """
    how = params or HotspotParams()
    totals = {c: cube.totals(classes=[c], found_by=how.found_by) for c in cube.classes}
    tested = [c for c, y in totals.items() if y.sum() >= fewest]
    found = [local_g(totals[c], neighbours, how, rng=rng) for c in tested]
    columns = ["category", "unit_id", "row", "observed", "score", "p_value", "q_value"]
    if not tested:
        return pd.DataFrame(columns=columns)
    p = np.stack([item.tails.two_sided for item in found])
    q = adjust_fdr(p.ravel(), procedure=how.fdr).reshape(p.shape)
    upper = np.stack([item.tails.upper <= item.tails.lower for item in found])
    kind, unit = np.nonzero((q <= how.alpha) & upper)
    table = pd.DataFrame(
        {
            "category": np.array(tested, dtype=object)[kind],
            "unit_id": cube.units.ids[unit],
            "row": unit,
            "observed": np.stack([totals[c] for c in tested])[kind, unit],
            "score": np.stack([item.z for item in found])[kind, unit],
            "p_value": p[kind, unit],
            "q_value": q[kind, unit],
        }
    )
    ordered = table.sort_values(["category", "score"], ascending=[True, False], kind="stable")
    return ordered.reset_index(drop=True)
