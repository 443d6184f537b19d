"""What the last two axes of a cube are called, and what became of incidents left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube_fill import Tally
from analytics.cube_keys import REASONS
from analytics.cube_queries import Counting

ALL = "all"
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layers:
    """The classes and sources of a cube, and where the database's numbers of them go.

    Attributes
    ----------
    classes, found_by
        Names along the cube's last two axes.
    kind_rows, source_rows
        Row of each category_id and of each source of the request that occurs, -1 of the others.
    """

    classes: tuple[str, ...]
    found_by: tuple[str, ...]
    kind_rows: Ints
    source_rows: Ints

    def place(self, tally: Tally) -> Tally:
        """Return the groups with rows along the cube's axes for class and source."""
        kind, source = self.kind_rows[tally.kind], self.source_rows[tally.source]
        return replace(tally, kind=kind, source=source)


def name_layers(kinds: Ints, sources: Ints, counting: Counting, known: pd.DataFrame) -> Layers:
    """Return the layers of a cube in which these categories and sources occur."""
    request = counting.request
    layers = sources if len(sources) else np.array([0])
    source_rows = np.full(len(request.found_by), -1, dtype=np.int64)
    source_rows[layers] = np.arange(len(layers))
    found_by = tuple(request.found_by[layer] for layer in layers)
    if not request.by_class:
        return Layers((ALL,), found_by, np.zeros(1, dtype=np.int64), source_rows)
    names = name_classes(kinds, known)
    classes = tuple(dict.fromkeys([*(request.classes or ()), *sorted(set(names.values()))]))
    kind_rows = np.full(counting.n_kinds, -1, dtype=np.int64)
    for number, name in names.items():
        kind_rows[number] = classes.index(name)
    return Layers(classes, found_by, kind_rows, source_rows)


def name_classes(used: Ints, known: pd.DataFrame) -> dict[int, str]:
    """Name category_ids: by code, with the scheme before it where two schemes share the code."""
    rows = known.loc[np.unique(used)]
    shared = rows.groupby("code")["scheme"].transform("nunique") > 1
    names = rows["code"].where(~shared, rows["scheme"] + "/" + rows["code"])
    return dict(zip(names.index.tolist(), names.tolist(), strict=True))


def name_lost(lost: NDArray[Any], outside: float, counting: Counting) -> Mapping[str, int | float]:
    """Return `Cube.left_out` of incidents by place in `REASONS` and of parts past the window."""
    named: dict[str, int | float] = dict(zip(REASONS, lost.astype(int).tolist(), strict=True))
    if counting.spread:
        return MappingProxyType(named | {"outside_window": outside})
    named.pop("vague_time")
    return MappingProxyType(named)
