"""The shape of answers that are lists: changes, zones, bands of distance and time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from geo.errors import InputError

ListKind = Literal[
    "changes",
    "clusters",
    "scan",
    "near_repeat",
    "effect",
    "bias",
    "backtest",
    "joins",
    "profile",
    "blind_spots",
]
RowUnit = Literal["area", "zone", "whole"]

FIGURES = ("observed", "score", "p_value", "q_value", "slope")
"""What every row of every result has; NaN where a method has no such figure."""


@dataclass(frozen=True, eq=False)
class Listing:
    """What a method found, row by row; there may be several rows of one area, or none at all.

    Attributes
    ----------
    kind
        Which question was asked.
    unit
        What a row is about: an ``area`` (by ``area_id``), a ``zone`` with a shape of its own
        (``geometry``), or the ``whole`` jurisdiction.
    window
        From when to when incidents were looked at, with time zone.
    rows
        In order of importance: `FIGURES`, ``label`` (a key of `analytics.results.LABELS`),
        ``area_id`` or ``geometry`` (metres of `srid`), and what else the method says. A missing
        figure may be left out as a column.
    parameters
        All that is needed to compute it again, as plain JSON values.
    srid
        Metric CRS of the shapes; None without any.
    """

    kind: ListKind
    unit: RowUnit
    window: tuple[datetime, datetime]
    rows: pd.DataFrame
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    srid: int | None = None

    def __post_init__(self) -> None:
        need = {"area": "area_id", "zone": "geometry"}.get(self.unit)
        for name in ("label", *([need] if need else [])):
            if name not in self.rows.columns:
                raise InputError(f"the rows of {self.kind} lack {name!r}")
        if self.unit == "zone" and self.srid is None:
            raise InputError(f"the shapes of {self.kind} have no srid")

    def figures(self) -> pd.DataFrame:
        """Return `FIGURES` of each row as float64."""
        given = self.rows.reindex(columns=list(FIGURES))
        return pd.DataFrame({name: pd.to_numeric(given[name]) for name in FIGURES}, dtype=float)

    def details(self) -> pd.DataFrame:
        """Return what the rows say beyond figures, label and place."""
        known = {*FIGURES, "label", "area_id", "geometry"}
        return self.rows[[name for name in self.rows.columns if name not in known]]

    def count_labels(self) -> dict[str, int]:
        """Return how many rows have each label, most frequent first."""
        return {str(name): int(n) for name, n in self.rows["label"].value_counts().items()}


def to_json(details: pd.DataFrame | None, n: int) -> list[str]:
    """Return each row's details as JSON, missing values as null; ``{}`` for each of `n` if None."""
    if details is None:
        return ["{}"] * n
    columns = [_plain(details[name].tolist()) for name in details.columns]
    names = [str(name) for name in details.columns]
    if not names:
        return ["{}"] * n
    return [
        json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, allow_nan=False)
        for values in zip(*columns, strict=True)
    ]


def _plain(values: Sequence[Any]) -> list[Any]:
    """Return values as JSON has them: no NaN, no infinity."""
    return [
        None
        if value is None or value is pd.NaT or (isinstance(value, float) and not np.isfinite(value))
        else value
        for value in values
    ]
