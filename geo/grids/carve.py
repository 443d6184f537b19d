"""Carve exclusive grids out of basic grids that are already in use."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import GeometryError, InputError
from geo.grids.borders import find_borders
from geo.grids.change import GridChange, count_homes, cut_ground, number_change, require_grids
from geo.grids.frames import Ints, Shapes, polygon_of, require_frame, shapes_of, spots_of
from geo.grids.policy import BASIC, EXCLUSIVE
from geo.grids.smooth import dissolve


def carve_exclusive(
    grids: gpd.GeoDataFrame,
    *,
    exclusive: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    on: date,
    taken: Collection[str],
    srid: int,
    code_scheme: str = "cn",
) -> GridChange:
    """Plan to cut exclusive grids out of the basic grids of one community.

    Every grid that loses ground ends, and what is left of it begins under a new code. Where it
    falls into pieces, each with homes is a grid; one without goes to the exclusive grid that it
    touches longest, unless it is all that is left.

    Parameters
    ----------
    grids
        Basic grids of one community: `code`, `parent_code`, `grid_kind`, `households`,
        `valid_from`, in `srid`. Those that the exclusive ones do not touch stay as they are.
    exclusive
        From `make_exclusive`: `host_unit`, `host_kind` and polygons in `srid`.
    households
        Points or buildings with a column `households` (1 each where absent).
    taken
        Every code ever used in the community.

    Returns
    -------
    The plan. The new grids cover the ended ones exactly.

    Raises
    ------
    CrsError, InputError, ConflictError
        As `split_grid`; also for grids of two communities or of another kind than basic.
    GeometryError
        If no exclusive polygon lies on the grids.
    """
    require_grids(grids, srid, on)
    require_frame(exclusive, srid=srid, name="exclusive", columns=("host_unit", "host_kind"))
    require_frame(households, srid=srid, name="households", columns=())
    if (grids["grid_kind"] != BASIC).any() or grids["parent_code"].nunique() > 1:
        raise InputError("exclusive grids are carved out of the basic grids of one community.")
    hosts = shapes_of(exclusive)
    touched = np.unique(
        shapely.STRtree(shapes_of(grids)).query(hosts, predicate="intersects")[1]
    ).astype(np.int64)
    losers = touched[_loses_ground(shapes_of(grids)[touched], hosts)]
    if not len(losers):
        raise GeometryError("no exclusive polygon lies on these grids; there is nothing to carve.")
    old = grids.iloc[losers]
    key, pieces = _pieces(shapes_of(old), hosts, srid)
    key, pieces = _give_empty_away(key, pieces, len(hosts), households, srid)
    begun = _begin(key, pieces, old, exclusive, on)
    begun["households"] = count_homes(pieces, households, srid)
    return number_change("carve", on, old, begun, taken=taken, srid=srid, code_scheme=code_scheme)


def _loses_ground(shapes: Shapes, hosts: Shapes) -> npt.NDArray[np.bool_]:
    lost = shapely.intersection(shapes, shapely.union_all(hosts))
    return np.asarray(shapely.area(lost) >= 1.0)


def _pieces(shapes: Shapes, hosts: Shapes, srid: int) -> tuple[Ints, Shapes]:
    """Return connected pieces: of a host (its number) or of a grid (after the hosts)."""
    faces = cut_ground(shapely.union_all(shapes), np.concatenate((shapes, hosts)))
    marks = spots_of(faces)
    host = polygon_of(marks, hosts, srid=srid)
    grid = polygon_of(marks, shapes, srid=srid)
    keys, merged = dissolve(faces, np.where(host >= 0, host, len(hosts) + grid))
    parts, owner = shapely.get_parts(merged, return_index=True)
    return keys[owner], parts


def _give_empty_away(
    key: Ints, pieces: Shapes, n_hosts: int, households: gpd.GeoDataFrame, srid: int
) -> tuple[Ints, Shapes]:
    """Join pieces of grids without homes to the exclusive grid that they touch longest."""
    homes = count_homes(pieces, households, srid)
    area = shapely.area(pieces)
    target = np.arange(len(pieces))
    no_seams: Shapes = np.empty(0, dtype=object)
    borders = find_borders(pieces, target, seams=no_seams, strength=np.empty(0))
    for k in np.flatnonzero((key >= n_hosts) & (homes == 0)):
        mates = np.flatnonzero(key == key[k])
        if area[k] == area[mates].max() and not homes[mates].any():
            continue
        row = (borders.left == k) | (borders.right == k)
        other = np.where(borders.left == k, borders.right, borders.left)[row]
        length = np.where(key[other] < n_hosts, borders.length_m[row], 0.0)
        if length.any():
            target[k] = other[np.argmax(length)]
    kept, merged = dissolve(pieces, target)
    return key[kept], merged


def _begin(
    key: Ints, pieces: Shapes, old: gpd.GeoDataFrame, exclusive: gpd.GeoDataFrame, on: date
) -> gpd.GeoDataFrame:
    n_hosts = len(exclusive)
    texts = {
        name: pd.Series(
            [exclusive[name].iloc[k] if k < n_hosts else None for k in key], dtype=object
        )
        for name in ("host_unit", "host_kind")
    }
    return gpd.GeoDataFrame(
        {
            "code": "",
            "parent_code": str(old["parent_code"].iloc[0]),
            "grid_kind": [EXCLUSIVE if k < n_hosts else BASIC for k in key],
            "host_unit": texts["host_unit"],
            "host_kind": texts["host_kind"],
            "households": 0,
            "valid_from": on,
        },
        geometry=pieces,
        crs=old.crs,
    )
