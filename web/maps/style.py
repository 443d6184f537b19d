"""One class of a map's layer, and the rows that are in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from web.i18n import Lang

Ints = NDArray[np.int64]
Symbol = Literal["area", "line", "circle"]

# A row of this class is not drawn.
NOT_DRAWN = -1
UNKNOWN = "#8b929c"


@dataclass(frozen=True)
class Style:
    """One class of a layer: how it is drawn and what the legend says."""

    label: str
    color: str
    fill: str | None = None
    fill_opacity: float = 0.0
    weight: float = 1.0
    dash: str | None = None
    symbol: Symbol = "area"

    def to_json(self) -> dict[str, Any]:
        """Return the style without what is empty."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Classed:
    """The classes of a layer and which of them each row is in."""

    styles: tuple[Style, ...]
    rows: Ints


Classifier = Callable[[gpd.GeoDataFrame, Lang], Classed]


def single(style: Callable[[Lang], Style]) -> Classifier:
    """Return the classifier of a layer that has one class."""

    def classed(frame: gpd.GeoDataFrame, lang: Lang) -> Classed:
        return Classed((style(lang),), np.zeros(len(frame), dtype=np.int64))

    return classed


def floats(frame: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where empty."""
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def flags(frame: gpd.GeoDataFrame, column: str) -> NDArray[np.bool_]:
    """Return a column as flags, false where empty or absent."""
    if column not in frame.columns:
        return np.zeros(len(frame), dtype=np.bool_)
    return frame[column].fillna(value=False).to_numpy(dtype=np.bool_)
