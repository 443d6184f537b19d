"""What analytics found, in the order in which a plan reads it: grids by classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
Cells = tuple[NDArray[np.intp], NDArray[np.intp]]

COLUMNS = ("unit_id", "category", "total", "recent", "slope", "q_value")


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
    forecast
        Shape ``(n_grids, n_classes)``, expected reports a step; NaN where nothing is forecast.
    total
        Shape ``(n_grids, 3)``, expected reports a step of all classes together and the ends of
        their interval; NaN where nothing is forecast.
    finds
        Shape ``(n_grids, 3)``, what patrols found in the window, and each grid's share of need
        with finds as they come and corrected for effort, NaN where effort is unknown. They explain
        hours and never move them: need is by reports. None: not asked.
    """

    classes: tuple[str, ...]
    names: Mapping[str, tuple[str, str]]
    weight: Floats
    level: Floats
    slope: Floats
    q_value: Floats
    reports: Floats
    forecast: Floats | None = None
    total: Floats | None = None
    finds: Floats | None = None

    def __post_init__(self) -> None:
        shape = (len(self.reports), len(self.classes))
        given = [] if self.forecast is None else ["forecast"]
        for name in ("level", "slope", "q_value", *given):
            found = getattr(self, name).shape
            if found != shape:
                msg = f"{name} has shape {found}; grids and classes ask for {shape}"
                raise InputError(msg)
        absent = [code for code in self.classes if code not in self.names]
        if absent:
            msg = f"class {absent[0]!r} has no name"
            raise InputError(msg)


def gather_signals(
    unit_ids: Sequence[int] | Sequence[str],
    found: pd.DataFrame,
    *,
    names: Mapping[str, tuple[str, str]],
    recent_steps: int,
    weights: Mapping[str, float] | None = None,
) -> Signals:
    """Arrange levels and trends by grid and class.

    Parameters
    ----------
    unit_ids
        The grids, in the order of the answer.
    found
        What `analytics.trends.find_class_trends` returns: one row for each grid and class with a
        report, ``unit_id``, ``category``, ``total`` (reports in the whole data window),
        ``recent`` (in the recent steps), ``slope``, ``q_value`` (NaN where not tested). Reported
        incidents only: what patrols found themselves measures where they went.
    names
        Name of each class in Chinese and English; a class without one goes by its code.
    recent_steps
        Steps that ``recent`` covers.
    weights
        What one incident of a class counts; 1 where nothing is said.

    Returns
    -------
    Signals
        A grid without any row has no report: it is unknown.

    Raises
    ------
    InputError
        If a column is missing, a row names a grid that is not planned for, or comes twice.
    """
    absent = [column for column in COLUMNS if column not in found.columns]
    if absent:
        msg = f"the trends lack the column {absent[0]!r}; see analytics.trends.find_class_trends"
        raise InputError(msg)
    category = found["category"].astype(str)
    classes = tuple(sorted(set(category)))
    cells = _cells(found["unit_id"], category, unit_ids, classes)
    shape = (len(unit_ids), len(classes))
    given = weights or {}
    return Signals(
        classes=classes,
        names={code: names.get(code, (code, code)) for code in classes},
        weight=np.array([given.get(code, 1.0) for code in classes], dtype=np.float64),
        level=_spread(found["recent"], cells, shape, empty=0.0) / recent_steps,
        slope=_spread(found["slope"], cells, shape, empty=np.nan),
        q_value=_spread(found["q_value"], cells, shape, empty=np.nan),
        reports=_spread(found["total"], cells, shape, empty=0.0).sum(axis=1),
    )


def _cells(
    unit_id: pd.Series,
    category: pd.Series,
    unit_ids: Sequence[int] | Sequence[str],
    classes: tuple[str, ...],
) -> Cells:
    """Return row and column of each entry."""
    rows = pd.Index(unit_ids).get_indexer(pd.Index(unit_id))
    if (rows < 0).any():
        stray = unit_id.to_numpy()[rows < 0][0]
        msg = f"the trends name grid {stray!s}, which is not among the grids to plan for"
        raise InputError(msg)
    columns = pd.Index(classes).get_indexer(pd.Index(category))
    if len(set(zip(rows.tolist(), columns.tolist(), strict=True))) < len(rows):
        msg = "a grid and class occurs twice in the trends"
        raise InputError(msg)
    return rows, columns


def _spread(values: pd.Series, cells: Cells, shape: tuple[int, int], *, empty: float) -> Floats:
    spread = np.full(shape, empty)
    spread[cells] = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return spread


def add_forecast(
    signals: Signals,
    unit_ids: Sequence[int] | Sequence[str],
    *,
    expected: pd.DataFrame,
    total: pd.DataFrame,
) -> Signals:
    """Return the signals with what is expected of each grid and class.

    Parameters
    ----------
    unit_ids
        The grids, in the order of the signals.
    expected
        Expected reports a step, grids by class codes; a class that is not forecast keeps its
        level and trend.
    total
        By grid: ``expected``, ``low``, ``high`` of all classes together, a step.
    """
    by_class = expected.reindex(index=list(unit_ids), columns=list(signals.classes))
    whole = total.reindex(index=list(unit_ids))[["expected", "low", "high"]]
    return replace(
        signals,
        forecast=by_class.to_numpy(dtype=np.float64),
        total=whole.to_numpy(dtype=np.float64),
    )
