"""Findings of a check of grids as marks on a map: a sign that is always seen, and the extent."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from web.i18n import Lang, say

Shapes = NDArray[np.object_]

# Told apart without colour.
SIGNS = {"error": "×", "warning": "!"}
_COLONS: dict[Lang, str] = {"zh": "：", "en": ": "}
_SPOT_DECIMALS = 4  # about ten metres


def mark_findings(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return what is drawn for findings: their extents, then a sign for each place on top.

    A gap of a few square metres is nothing on the map of a district, so that each place gets a
    sign of a fixed size beside its extent. Findings whose signs would hide each other share one,
    of the gravest severity, that tells all of them; findings about one shape share its extent.

    Parameters
    ----------
    frame
        ``severity`` (error, warning), ``code``, ``message_zh``, ``message_en`` and shapes of
        any kind, in EPSG:4326; no row is without one.

    Returns
    -------
    One row a mark, errors on top: ``severity``, ``is_sign``, ``code``, ``text_zh``, ``text_en``
    (one line a finding) and lines or polygons of the extents, points of the signs.
    """
    told = _told(frame)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    extents, of_extent = _parts(shapes)
    wide = shapely.get_dimensions(extents) > 0
    extents, of_extent = extents[wide], of_extent[wide]
    flat = shapely.get_dimensions(shapes) > 0
    spots, of_spot = _parts(np.where(flat, shapely.point_on_surface(shapes), shapes))
    x, y = np.round(shapely.get_coordinates(spots), _SPOT_DECIMALS).T.tolist()
    drawn = _merged(told.iloc[of_extent], extents, list(shapely.to_wkb(extents)))
    signs = _merged(told.iloc[of_spot], spots, [f"{a} {b}" for a, b in zip(x, y, strict=True)])
    marks = pd.concat([drawn.assign(is_sign=False), signs.assign(is_sign=True)], ignore_index=True)
    order = np.lexsort((marks["severity"] == "error", marks["is_sign"]))
    return gpd.GeoDataFrame(marks.iloc[order].reset_index(drop=True), crs=frame.crs)


def _told(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the severity, code and sentences of each finding."""
    texts = {
        f"text_{lang}": [
            f"{SIGNS[severity]} {say(severity, lang)}{colon}{message}"
            for severity, message in zip(frame["severity"], frame[f"message_{lang}"], strict=True)
        ]
        for lang, colon in _COLONS.items()
    }
    return pd.DataFrame({"severity": list(frame["severity"]), "code": list(frame["code"]), **texts})


def _merged(told: pd.DataFrame, shapes: Shapes, keys: Sequence[str | bytes]) -> pd.DataFrame:
    """Return one row a key: the first shape of the gravest finding, and what all of them say."""
    table = told.assign(geometry=shapes, key=keys, rank=told["severity"] != "error")
    groups = table.sort_values("rank", kind="stable").groupby("key", sort=False)
    joined = groups.agg(
        severity=("severity", "first"),
        code=("code", lambda codes: ", ".join(dict.fromkeys(map(str, codes.dropna())))),
        text_zh=("text_zh", "\n".join),
        text_en=("text_en", "\n".join),
    )
    return joined.assign(geometry=groups["geometry"].first()).reset_index(drop=True)


def _parts(shapes: Shapes) -> tuple[Shapes, NDArray[np.int64]]:
    """Return the single parts of shapes, also of collections, and which shape each is of."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    inner, of_part = shapely.get_parts(parts, return_index=True)
    return inner, row[of_part]
