"""The list of what changed, in the shape in which results are stored."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.latest_changes import LatestParams, find_latest_changes
from analytics.listing import Listing


def list_changes(
    cube: Cube, params: LatestParams | None = None, *, complete: NDArray[np.float64] | None = None
) -> Listing:
    """List what rose or fell in the last step, surest first, see `find_latest_changes`.

    Returns
    -------
    Listing
        Areas: ``observed`` in the last step, score its ratio to what was expected (missing where
        nothing was before), label ``rise`` or ``fall``; ``category``, ``expected``,
        ``ratio_low``, ``ratio_high``, ``certainty``. The window is that of the cube.
    """
    how = params or LatestParams()
    found = find_latest_changes(cube, how, complete=complete)
    rows = found.rename(
        columns={
            "unit_id": "area_id", "count": "observed", "ratio": "score", "direction": "label"
        }
    )  # fmt: skip
    rows = rows.assign(score=rows["score"].where(rows["score"] < float("inf")))
    described = asdict(how) | cube.describe(classes=how.classes, found_by=how.found_by)
    described |= {"last_step": str(cube.steps.starts[-1].date())}
    described |= {"last_step_complete": 1.0 if complete is None else round(float(complete[-1]), 4)}
    return Listing(
        kind="changes",
        unit="area",
        window=cube.steps.window,
        rows=rows,
        parameters=MappingProxyType(described),
    )
