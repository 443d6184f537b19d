"""The combined protection index of people, physical and technical defence (人防、物防、技防)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class ProtectionParams:
    """How the three defences are weighed; a district sets its own.

    Attributes
    ----------
    people, physical, technical
        Weights, at least 0, together 1.
    reach_m
        How far a staffed place (police or service station, patrol post, fire station) reaches.
    """

    people: float = 0.5
    physical: float = 0.2
    technical: float = 0.3
    reach_m: float = 500.0

    def __post_init__(self) -> None:
        weights = (self.people, self.physical, self.technical)
        if min(weights) < 0 or abs(sum(weights) - 1) > 1e-9 or self.reach_m <= 0:
            raise InputError(f"the weights {weights} must be 0 or more and add up to 1, the reach "
                             "more than 0 m")  # fmt: skip


def protection_index(
    area_id: Longs, need: Floats, *, walked: Flags | None, staffed: Flags, watched: Flags | None,
    params: ProtectionParams | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the index of each area: the share of expected need that each defence reaches.

    ``index = people * P + physical * W + technical * T``, where P is the share of the area's
    expected reports on ground that a patrol saw within the window, W on ground within reach of a
    staffed place, and T on ground that a drone or a camera looked at within the window. Each is 0
    to 1, and so is the index. It says what is reached, not that crime is low there, and it is no
    mark for those who work there.

    Parameters
    ----------
    area_id
        Of each cell, ``(n_cells,)``; 0 is left out.
    need
        Expected reports a week, ``(n_cells,)``. An area without any is weighed by its cells alike.
    walked, staffed, watched
        Which cells each defence reaches, ``(n_cells,)``. None: nobody recorded it, so that P or
        T, and the index, are unknown.

    Returns
    -------
    DataFrame
        One row an area: ``area_id``, ``need``, ``people``, ``physical``, ``technical``,
        ``index`` (NaN where unknown), ``label`` (``known``, ``unknown``).
    """
    how = params or ProtectionParams()
    inside = area_id > 0
    areas, row = np.unique(area_id[inside], return_inverse=True)
    row = row.reshape(-1)
    total = np.bincount(row, need[inside], len(areas))
    cells = np.bincount(row, minlength=len(areas))
    weight = np.where(total[row] > 0, need[inside] / np.maximum(total[row], 1e-300), 1 / cells[row])
    unknown = np.full(len(areas), np.nan)
    parts = {
        name: unknown if held is None else np.bincount(row, weight * held[inside], len(areas))
        for name, held in (("people", walked), ("physical", staffed), ("technical", watched))
    }
    index = sum(getattr(how, name) * part for name, part in parts.items() if getattr(how, name))
    table = pd.DataFrame({"area_id": areas, "need": total, **parts, "index": index})
    return table.assign(label=np.where(np.isfinite(table["index"]), "known", "unknown"))
