"""What a space-time scan raised, as zones: which discs, since when, and how rare that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.listing import Listing
from analytics.scan import Scan, find_scan_clusters
from analytics.scan_null import Tell
from analytics.scan_params import ScanParams
from geo.lattice.lattice import Lattice


def find_scan_zones(
    cube: Cube,
    lattice: Lattice,
    params: ScanParams | None = None,
    *,
    baseline: NDArray[np.float64] | None = None,
    rng: np.random.Generator,
    workers: int = 1,
    tell: Tell = lambda stage: None,
) -> Listing:
    """Scan a cube and return its clusters as zones, the most unusual first.

    Parameters
    ----------
    cube, lattice, params, baseline, rng, workers, tell
        As `analytics.scan.find_scan_clusters`.

    Returns
    -------
    Listing
        Zones: ``observed``, score the log likelihood ratio, ``p_value`` (corrected for having
        looked everywhere, so ``q_value`` is the same), label ``alarm`` with p up to
        ``params.alpha`` and else ``none``; ``expected``, ``ratio``, ``radius_m``, ``n_cells``,
        ``first_day`` and ``last_day`` (days of the steps' starts), ``recurrence_days``.
    """
    how = params or ScanParams()
    scan = find_scan_clusters(
        cube, lattice, how, baseline=baseline, rng=rng, workers=workers, tell=tell
    )
    return Listing(
        kind="scan",
        unit="zone",
        window=cube.steps.window,
        rows=_rows(scan, cube, lattice, how),
        parameters=scan.result.parameters,
        srid=lattice.srid,
    )


def _rows(scan: Scan, cube: Cube, lattice: Lattice, how: ScanParams) -> pd.DataFrame:
    found = scan.clusters
    days = cube.steps.starts.strftime("%Y-%m-%d").to_numpy()
    return pd.DataFrame(
        {
            "observed": found["observed"],
            "score": found["log_likelihood_ratio"],
            "p_value": found["p_value"],
            "q_value": found["p_value"],
            "label": np.where(found["p_value"] <= how.alpha, "alarm", "none"),
            "expected": found["expected"],
            "ratio": found["ratio"],
            "radius_m": found["radius_m"],
            "n_cells": found["n_cells"],
            "first_day": _pick(days, found["first_step"].tolist()),
            "last_day": _pick(days, found["last_step"].tolist()),
            "recurrence_days": found["recurrence_days"],
            "x_m": found["x_m"],
            "y_m": found["y_m"],
            "geometry": _discs(found, lattice),
        }
    )


def _pick(days: NDArray[np.object_], steps: Sequence[int]) -> list[str]:
    return [str(days[step]) for step in steps]


def _discs(found: pd.DataFrame, lattice: Lattice) -> list[shapely.Polygon]:
    """Return discs that reach to the outer edge of their cells."""
    reach = found["radius_m"].to_numpy(dtype=np.float64) + lattice.cell_size_m / 2
    centres = shapely.points(found[["x_m", "y_m"]].to_numpy(dtype=np.float64))
    return list(shapely.buffer(centres, reach))
