"""What analytics found, in the order in which a plan reads it: grids by classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Signals:
    """Levels and trends of reported incidents.

    Attributes
    ----------
    classes
        Category codes; one entry where classes are not told apart.
    names
        For each code its name in Chinese and in English.
    weight
        Shape ``(n_classes,)``, what one incident counts.
    level
        Shape ``(n_grids, n_classes)``, mean reports a step over the recent steps.
    slope, q_value
        Same shape, Sen's slope a step, and Mann-Kendall's p after control of the false
        discovery rate; NaN where not tested.
    reports
        Shape ``(n_grids,)``, reports in the whole data window; 0 makes a grid unknown.
    """

    classes: tuple[str, ...]
    names: Mapping[str, tuple[str, str]]
    weight: Floats
    level: Floats
    slope: Floats
    q_value: Floats
    reports: Floats

    def __post_init__(self) -> None:
        shape = (len(self.reports), len(self.classes))
        for name in ("level", "slope", "q_value"):
            found = getattr(self, name).shape
            if found != shape:
                msg = f"{name} has shape {found}; grids and classes ask for {shape}"
                raise InputError(msg)
        absent = [code for code in self.classes if code not in self.names]
        if absent:
            msg = f"class {absent[0]!r} has no name"
            raise InputError(msg)


def gather_signals(
    grids: Sequence[str],
    *,
    counts: pd.DataFrame,
    trends: pd.DataFrame,
    names: Mapping[str, tuple[str, str]],
    recent_steps: int,
    weights: Mapping[str, float] | None = None,
) -> Signals:
    """Arrange counts and trends by grid and class.

    Parameters
    ----------
    grids
        Codes of the grids, in the order of the answer.
    counts
        One row for each grid and class with a report: ``grid``, ``category``, ``recent`` (reports
        in the recent steps), ``total`` (reports in the whole data window). Reported ones only:
        what patrols found themselves measures where they went.
    trends
        ``grid``, ``category``, ``slope``, ``q_value``; grids and classes left out are not tested.
    names
        Name of each class in Chinese and English.
    recent_steps
        Steps that ``recent`` covers.
    weights
        What one incident of a class counts; 1 where nothing is said.

    Returns
    -------
    Signals
        A grid without any row in `counts` has no report: it is unknown.

    Raises
    ------
    InputError
        If a column is missing, or a row names a grid that is not among `grids`.
    """
    _require(counts, "counts", ("grid", "category", "recent", "total"))
    _require(trends, "trends", ("grid", "category", "slope", "q_value"))
    classes = tuple(sorted({*counts["category"].astype(str), *trends["category"].astype(str)}))
    recent = _spread(counts, "recent", grids, classes, empty=0.0)
    total = _spread(counts, "total", grids, classes, empty=0.0)
    given = weights or {}
    return Signals(
        classes=classes,
        names=names,
        weight=np.array([given.get(code, 1.0) for code in classes], dtype=np.float64),
        level=recent / recent_steps,
        slope=_spread(trends, "slope", grids, classes, empty=np.nan),
        q_value=_spread(trends, "q_value", grids, classes, empty=np.nan),
        reports=total.sum(axis=1),
    )


def _spread(
    frame: pd.DataFrame, column: str, grids: Sequence[str], classes: tuple[str, ...], empty: float
) -> Floats:
    """Return a column as ``(n_grids, n_classes)``."""
    rows = pd.Index(grids).get_indexer(pd.Index(frame["grid"]))
    if (rows < 0).any():
        msg = f"grid {frame['grid'].to_numpy()[rows < 0][0]!r} is not among the grids to plan for"
        raise InputError(msg)
    columns = pd.Index(classes).get_indexer(pd.Index(frame["category"].astype(str)))
    if len(pd.MultiIndex.from_arrays([rows, columns]).unique()) < len(frame):
        msg = f"a grid and class occurs twice in the frame of {column!r}"
        raise InputError(msg)
    spread = np.full((len(grids), len(classes)), empty)
    spread[rows, columns] = frame[column].to_numpy(dtype=np.float64)
    return spread


def _require(frame: pd.DataFrame, name: str, columns: tuple[str, ...]) -> None:
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        msg = f"{name} lacks the column {absent[0]!r}; it has {', '.join(map(str, frame.columns))}"
        raise InputError(msg)
