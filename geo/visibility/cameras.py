"""Where cameras stand and look: one look a camera, or one a preset of a turning camera."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.visibility.pixels import Edition, pixels_per_m, range_of_pixels
from geo.visibility.placed import place_shapes

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

PRESETS = r"^[0-9.]+/[0-9.]+/[0-9.]+(; ?[0-9.]+/[0-9.]+/[0-9.]+)*$"
"""How the presets of a turning camera are written: azimuth/field of view/range; ..."""
BASES = ("density", "stated", "assumed")
MOST_RANGE_M = 2000.0


@dataclass(frozen=True)
class LookParams:
    """How far cameras are taken to see.

    Attributes
    ----------
    purpose, edition
        Class and edition of IEC 62676-4: with the picture's columns and the field of view
        known, the range is where the density of that class ends, but never past a stated one.
    assumed_range_m
        A camera of unknown azimuth, field of view or range is taken to see all round as far as
        this (and as far as its stated range where that is known). None: it has no view.
    target_height_m
        Height above ground of what shall be seen.
    storey_m
        Height of a storey, for buildings whose storeys alone are known.

    Raises
    ------
    InputError
        A number is out of range, or the class is not in the edition.
    """

    purpose: str = "observe"
    edition: Edition = "2015"
    assumed_range_m: float | None = None
    target_height_m: float = 1.5
    storey_m: float = 3.0

    def __post_init__(self) -> None:
        pixels_per_m(self.purpose, edition=self.edition)
        if self.assumed_range_m is not None and not 0 < self.assumed_range_m <= MOST_RANGE_M:
            msg = f"the assumed range must be over 0 and at most {MOST_RANGE_M:g} m"
            raise InputError(msg)
        if not 0 <= self.target_height_m <= 100 or not 1 <= self.storey_m <= 20:
            msg = "the target must be 0 to 100 m high and a storey 1 to 20 m"
            raise InputError(msg)


@dataclass(frozen=True, eq=False)
class Looks:
    """Looks of cameras in one metric CRS; all arrays have the shape ``(n_looks,)``.

    Attributes
    ----------
    srid
        The metric CRS of `x` and `y`.
    camera
        Row of the camera in the frame that the looks were made of, ascending.
    preset
        0 for a fixed camera, 1, 2, ... for the presets of a turning one.
    azimuth_deg
        Middle of the look, clockwise from north.
    fov_deg
        Width of the look, over 0 to 360.
    range_m
        How far it carries.
    height_m
        Height of the camera above ground; NaN where unknown.
    basis
        Position in `BASES`: what the range rests on.
    """

    srid: int
    camera: Longs
    preset: Longs
    x: Floats
    y: Floats
    azimuth_deg: Floats
    fov_deg: Floats
    range_m: Floats
    height_m: Floats
    basis: Longs
    target_height_m: float = 1.5

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Longs) -> Looks:
        """Return some of the looks, in the order of `rows`."""
        arrays = ("camera", "preset", "x", "y", "azimuth_deg", "fov_deg", "range_m", "height_m")
        return replace(self, **{n: getattr(self, n)[rows] for n in (*arrays, "basis")})


def make_looks(cameras: gpd.GeoDataFrame, *, srid: int, params: LookParams) -> Looks:
    """Say where each camera looks and how far.

    Parameters
    ----------
    cameras
        Points in any CRS with, where known, ``azimuth_deg``, ``fov_deg``, ``range_m``,
        ``height_m``, ``image_px`` and ``presets`` (see `PRESETS`). A field of view of 360 needs
        no azimuth.
    srid
        The metric CRS to work in.

    Returns
    -------
    Looks
        By camera and preset; cameras without a view have none. Ranges end at `MOST_RANGE_M`.

    Raises
    ------
    CrsError
        `srid` is no metric CRS, or the cameras have no CRS.
    InputError
        A preset cannot be read; the message names the camera's row.
    """
    table = pd.concat([_fixed(cameras), _presets(cameras)]).sort_values(["camera", "preset"])
    table = _with_range(table, params)
    xy = shapely.get_coordinates(place_shapes(cameras, srid=srid))
    rows = table["camera"].to_numpy(dtype=np.int64)
    names = ("azimuth_deg", "fov_deg", "range_m", "height_m")
    return Looks(
        srid=srid,
        camera=rows,
        preset=table["preset"].to_numpy(dtype=np.int64),
        x=xy[rows, 0],
        y=xy[rows, 1],
        basis=table["basis"].to_numpy(dtype=np.int64),
        target_height_m=params.target_height_m,
        **{name: table[name].to_numpy(dtype=np.float64) for name in names},
    )


def read_presets(text: str) -> list[tuple[float, float, float]]:
    """Read azimuth, field of view and range of each preset.

    Raises
    ------
    InputError
        The text is not written so, or a number is out of range.

    Examples
    --------
    >>> read_presets("30/60/80; 210/40/150")
    [(30.0, 60.0, 80.0), (210.0, 40.0, 150.0)]
    """
    try:
        if not re.match(PRESETS, text):
            raise ValueError
        found = [tuple(map(float, part.split("/"))) for part in text.split(";")]
    except ValueError:
        msg = f"presets {text!r} are not written azimuth/field of view/range; ..."
        raise InputError(msg) from None
    for azimuth, fov, reach in found:
        if not (0 <= azimuth < 360 and 0 < fov <= 360 and reach > 0):
            msg = (
                f"preset {azimuth:g}/{fov:g}/{reach:g}: the azimuth must be 0 to under 360 "
                "degrees, the field of view over 0 to 360, the range over 0 m"
            )
            raise InputError(msg)
    return [(azimuth, fov, reach) for azimuth, fov, reach in found]


_COLUMNS = ("azimuth_deg", "fov_deg", "range_m", "height_m", "image_px")


def _fixed(cameras: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the looks of cameras without presets."""
    empty = pd.Series(np.nan, index=cameras.index)
    columns = {
        name: pd.to_numeric(cameras.get(name, empty)).to_numpy(dtype=np.float64)
        for name in _COLUMNS
    }
    table = pd.DataFrame({"camera": np.arange(len(cameras)), "preset": 0, **columns})
    return table[~_has_presets(cameras)]


def _presets(cameras: gpd.GeoDataFrame) -> pd.DataFrame:
    rows = []
    for row in np.flatnonzero(_has_presets(cameras)):
        camera = cameras.iloc[row]
        try:
            looks = read_presets(str(camera["presets"]))
        except InputError as error:
            msg = f"camera {camera.get('source_ref', row)}: {error}"
            raise InputError(msg) from None
        extra = (camera.get("height_m", np.nan), camera.get("image_px", np.nan))
        rows += [(row, number, *look, *extra) for number, look in enumerate(looks, start=1)]
    table = pd.DataFrame(rows, columns=["camera", "preset", *_COLUMNS])
    return table.astype(dict.fromkeys(_COLUMNS, np.float64))


def _has_presets(cameras: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    if "presets" not in cameras.columns:
        return np.zeros(len(cameras), dtype=bool)
    return np.asarray(cameras["presets"].notna() & (cameras["presets"] != ""), dtype=bool)


def _with_range(table: pd.DataFrame, params: LookParams) -> pd.DataFrame:
    """Settle azimuth, field of view, range and basis; drop looks that remain unknown."""
    density = pixels_per_m(params.purpose, edition=params.edition)
    by_pixels = range_of_pixels(table["image_px"], table["fov_deg"], density_px_m=density)
    stated = table["range_m"].to_numpy()
    reach = np.fmin(by_pixels, stated)
    aimed = table["azimuth_deg"].notna() | (table["fov_deg"] >= 360)
    known = np.asarray(aimed & table["fov_deg"].notna(), dtype=bool) & ~np.isnan(reach)
    basis = np.where(known, np.where(by_pixels <= np.nan_to_num(stated, nan=np.inf), 0, 1), 2)
    assumed = np.nan if params.assumed_range_m is None else params.assumed_range_m
    told = table.assign(
        azimuth_deg=np.where(known, table["azimuth_deg"].fillna(0.0), 0.0),
        fov_deg=np.where(known, table["fov_deg"], 360.0),
        range_m=np.minimum(np.where(known, reach, np.fmin(assumed, stated)), MOST_RANGE_M),
        basis=basis,
    )
    return told if params.assumed_range_m is not None else told[known]
