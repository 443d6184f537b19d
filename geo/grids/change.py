"""Split and merge grids: a plan that ends old codes, begins new ones and conserves the ground."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo.errors import ConflictError, GeometryError, InputError
from geo.grids.codes import number_grids
from geo.grids.faces import restore_outline
from geo.grids.frames import (
    Ints,
    Shapes,
    numbers_of,
    polygon_of,
    require_frame,
    shapes_of,
    spots_of,
)
from geo.grids.history import crosswalk
from geo.grids.policy import MICRO
from geo.grids.smooth import dissolve
from geo.grids.topology import is_sound

ChangeKind = Literal["split", "merge", "carve"]
_COLUMNS = ("code", "parent_code", "grid_kind", "households", "valid_from")
_LEAST_PIECE_M2 = 1.0
_OVERSHOOT_M = 0.01
_NODE_M = 1e-3


@dataclass(frozen=True, eq=False)
class GridChange:
    """A split, merge or carving out of exclusive grids that is not yet done.

    Attributes
    ----------
    kind
        ``"split"``, ``"merge"`` or ``"carve"``.
    on
        The day that the new grids begin; the old ones end with the day before
        (`valid_to` is this day and is not part of the validity).
    ended
        Codes that end.
    begun
        The new grids: `code`, `parent_code`, `grid_kind`, `host_unit`, `households`,
        `valid_from` and the geometry in the metric CRS.
    lineage
        `old_code`, `new_code`, `area_m2` in common and `share` of the old grid's area: what
        statistics of the old grids are carried over by.
    """

    kind: ChangeKind
    on: date
    ended: tuple[str, ...]
    begun: gpd.GeoDataFrame
    lineage: pd.DataFrame


def split_grid(
    grid: gpd.GeoDataFrame,
    *,
    by: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    on: date,
    taken: Collection[str],
    srid: int,
    code_scheme: str = "cn",
) -> GridChange:
    """Plan to split one grid along lines or by the outlines of polygons.

    Parameters
    ----------
    grid
        One row: `code`, `parent_code`, `grid_kind`, `households`, `valid_from`, in `srid`.
    by
        Lines that cross the grid, or polygons; in `srid`. Lines may stick out. Polygons that
        overlap part it along every outline.
    households
        Points or buildings of the grid with a column `households` (1 each where absent); those
        elsewhere are ignored.
    taken
        Every code ever used in the community.

    Returns
    -------
    The plan. The new grids cover the old one exactly; their households are counted anew.

    Raises
    ------
    CrsError, InputError
        If a frame is not in `srid`, lacks a column, or the grid ends before it begins.
    GeometryError
        If the grid is broken, or is not parted into two pieces of at least 1 m2.
    ConflictError
        If no code is left.
    """
    require_grids(grid, srid, on)
    if len(grid) != 1:
        raise InputError(f"a split takes one grid, got {len(grid)}.")
    require_frame(by, srid=srid, name="by", columns=())
    require_frame(households, srid=srid, name="households", columns=())
    row = grid.iloc[0]
    pieces = cut_ground(shapes_of(grid)[0], shapes_of(by))
    if len(pieces) < 2:
        raise GeometryError(
            f"grid {row['code']} is not parted: no line crosses it from border to border. "
            "Draw the line over the border on both sides."
        )
    begun = _begin(pieces, row, on, srid)
    begun["households"] = count_homes(pieces, households, srid)
    return number_change("split", on, grid, begun, taken=taken, srid=srid, code_scheme=code_scheme)


def merge_grids(
    grids: gpd.GeoDataFrame,
    *,
    on: date,
    taken: Collection[str],
    srid: int,
    code_scheme: str = "cn",
) -> GridChange:
    """Plan to merge two or more neighbouring grids of one community into one.

    Parameters
    ----------
    grids
        Rows as for `split_grid`, all of one parent, kind and host.

    Returns
    -------
    The plan: one new grid, whose households are the sum.

    Raises
    ------
    InputError
        If there are fewer than two grids, of different parents, kinds or hosts.
    GeometryError
        If they do not form one piece.
    """
    require_grids(grids, srid, on)
    if len(grids) < 2:
        raise InputError(f"a merge takes two grids or more, got {len(grids)}.")
    for column in ("parent_code", "grid_kind", "host_unit"):
        if column in grids.columns and grids[column].nunique(dropna=False) > 1:
            found = ", ".join(map(str, grids[column].unique()))
            raise InputError(f"a merge takes grids of one {column}, got {found}.")
    ground = shapely.union_all(shapes_of(grids))
    if ground.geom_type != "Polygon":
        raise GeometryError(
            f"grids {', '.join(grids['code'])} do not share borders; merged they would be "
            f"{shapely.get_num_geometries(ground)} pieces."
        )
    begun = _begin(np.array([ground], dtype=object), grids.iloc[0], on, srid)
    begun["households"] = grids["households"].sum(skipna=False)
    return number_change("merge", on, grids, begun, taken=taken, srid=srid, code_scheme=code_scheme)


def number_change(
    kind: ChangeKind,
    on: date,
    old: gpd.GeoDataFrame,
    begun: gpd.GeoDataFrame,
    *,
    taken: Collection[str],
    srid: int,
    code_scheme: str,
) -> GridChange:
    """Return the change from the old grids, all of one community, to the new ones, with codes."""
    codes = number_grids(
        begun,
        community_code=str(old["parent_code"].iloc[0]),
        taken=taken,
        srid=srid,
        code_scheme=code_scheme,
    )
    begun = begun.assign(code=codes.astype(object)).sort_values("code", ignore_index=True)
    return GridChange(kind, on, tuple(old["code"].astype(str)), begun, lineage(old, begun))


def require_grids(grids: gpd.GeoDataFrame, srid: int, on: date) -> None:
    """Refuse grids that cannot be changed on a day: broken, micro, or not begun before it."""
    require_frame(grids, srid=srid, name="grids", columns=_COLUMNS)
    if not is_sound(shapes_of(grids)).all():
        raise GeometryError("grids: a polygon is missing or not valid. Mend it first.")
    if (grids["grid_kind"] == MICRO).any():
        raise InputError("micro-grids are not split or merged; draw them anew within their grid.")
    for code, begins in zip(grids["code"], grids["valid_from"], strict=True):
        if pd.notna(begins) and begins >= on:
            raise ConflictError(
                f"grid {code} begins on {begins}; it cannot end on {on}. Choose a later day."
            )


def cut_ground(shape: BaseGeometry, by: Shapes) -> Shapes:
    """Return the pieces of a polygon between lines and outlines, its own outline as it was.

    Pieces under 1 m2 are joined to the one that they touch longest.
    """
    window = shape.buffer(_OVERSHOOT_M)
    flat = shapely.get_dimensions(by) == 2
    lines = [*shapely.boundary(by[flat]), *by[~flat]]
    clipped = shapely.intersection(np.array(lines, dtype=object), window)
    noded = shapely.union_all([shape.boundary, *clipped], grid_size=_NODE_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    faces = faces[shapely.contains(shape, shapely.point_on_surface(faces))]
    return restore_outline(_join_small(faces), shape, rounding_m=_NODE_M)


def _join_small(faces: Shapes) -> Shapes:
    """Join pieces under 1 m2 to the one that they touch longest."""
    small = np.flatnonzero(shapely.area(faces) < _LEAST_PIECE_M2)
    group = np.arange(len(faces))
    for k in small:
        common = shapely.length(shapely.intersection(faces[k], faces))
        common[small] = 0.0
        group[k] = int(np.argmax(common))
    return dissolve(faces, group)[1]


def _begin(shapes: Shapes, row: pd.Series, on: date, srid: int) -> gpd.GeoDataFrame:
    kept = [name for name in ("parent_code", "grid_kind", "host_unit", "host_kind") if name in row]
    data = {"code": "", **{name: [row[name]] * len(shapes) for name in kept}}
    return gpd.GeoDataFrame({**data, "households": 0, "valid_from": on}, geometry=shapes, crs=srid)


def count_homes(pieces: Shapes, households: gpd.GeoDataFrame, srid: int) -> Ints:
    """Return the households on each piece of ground, shape ``(n_pieces,)``."""
    homes = shapes_of(households)
    counts = numbers_of(households, "households", absent=1.0)
    piece = polygon_of(spots_of(homes), pieces, srid=srid)
    total = np.zeros(len(pieces))
    np.add.at(total, piece[piece >= 0], counts[piece >= 0])
    return total.round().astype(np.int64)


def lineage(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how the ground of the old grids went to the new ones."""
    return crosswalk(old, new).rename(columns={"from_code": "old_code", "to_code": "new_code"})
