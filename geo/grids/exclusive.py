"""Exclusive grids: the ground of a school, hospital, park or business building as a grid."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GeometryError, InputError
from geo.grids.frames import Ints, Shapes, numbers_of, require_frame, shape_array, shapes_of
from geo.grids.policy import EXCLUSIVE, host_kind_of
from geo.grids.topology import is_sound

FACILITY_COLUMNS = ("host_unit", "host_kind")


def make_exclusive(
    facilities: gpd.GeoDataFrame,
    *,
    communities: gpd.GeoDataFrame,
    srid: int,
    least_area_m2: float = 1000.0,
) -> gpd.GeoDataFrame:
    """Make exclusive grids from the ground of facilities.

    Each grid lies in one community and in one piece: ground over a border or in several pieces
    gives several grids of the same host. Where facilities overlap, the one listed first keeps
    the ground.

    Parameters
    ----------
    facilities
        Valid polygons in `srid` with `host_unit` (name of the responsible unit) and `host_kind`
        (a key, Chinese or English name of `HOST_KINDS`).
    communities
        `code` and valid polygons in `srid`.
    least_area_m2
        Smaller pieces stay with the basic grids.

    Returns
    -------
    `parent_code`, `grid_kind` (``exclusive``), `host_unit`, `host_kind` (a key), `area_m2` and
    the geometry; an index from 0. No facilities give an empty frame.

    Raises
    ------
    CrsError, InputError
        If a frame is not in `srid` or lacks a column, or a host has no name or unknown kind.
    GeometryError
        If a polygon is missing or not valid.
    """
    require_frame(facilities, srid=srid, name="facilities", columns=FACILITY_COLUMNS)
    require_frame(communities, srid=srid, name="communities", columns=("code",))
    for name, frame in (("facilities", facilities), ("communities", communities)):
        if not is_sound(shapes_of(frame)).all():
            raise GeometryError(f"{name}: a polygon is missing or not valid. Mend it first.")
    units = _units(facilities)
    kinds = [host_kind_of(str(word)) for word in facilities["host_kind"]]
    row, community, pieces = _pieces(_without_overlaps(shapes_of(facilities)), communities)
    kept = shapely.area(pieces) >= least_area_m2
    return gpd.GeoDataFrame(
        {
            "parent_code": communities["code"].astype(str).to_numpy(dtype=object)[community[kept]],
            "grid_kind": EXCLUSIVE,
            "host_unit": [units[k] for k in row[kept]],
            "host_kind": [kinds[k] for k in row[kept]],
            "area_m2": shapely.area(pieces[kept]),
        },
        geometry=pieces[kept],
        crs=srid,
    )


def _units(facilities: gpd.GeoDataFrame) -> list[str]:
    units = ["" if pd.isna(unit) else str(unit).strip() for unit in facilities["host_unit"]]
    if "" in units:
        raise InputError(f"facilities: row {units.index('') + 1} has no host_unit.")
    return units


def _without_overlaps(shapes: Shapes) -> Shapes:
    """Return the shapes, each without the ground of those before it."""
    later, earlier = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    rest = shapes.copy()
    for k in np.unique(later[earlier < later]):
        before = earlier[(later == k) & (earlier < k)]
        rest[k] = shapely.difference(shapes[k], shapely.union_all(shapes[before]))
    return rest


def _pieces(shapes: Shapes, communities: gpd.GeoDataFrame) -> tuple[Ints, Ints, Shapes]:
    """Return facility, community and polygon of every connected piece within one community."""
    grounds = shapes_of(communities)
    row, community = shapely.STRtree(grounds).query(shapes, predicate="intersects")
    order = np.lexsort((community, row))
    row, community = row[order], community[order]
    common = shapely.intersection(shapes[row], grounds[community])
    parts, of_pair = shapely.get_parts(common, return_index=True)
    flat = shapely.get_type_id(parts) == 3
    pieces = shape_array(parts[flat])
    return row[of_pair[flat]], community[of_pair[flat]], pieces


def exposure(grids: gpd.GeoDataFrame, *, srid: int) -> pd.DataFrame:
    """Return what incidents of a grid are divided by: households, footfall or area.

    A grid without households, as most exclusive ones, is measured by its `footfall` (persons a
    day) where that column has a number above zero, and by its area in km2 else. Rates of
    different units must not be ranked together.

    Returns
    -------
    `exposure` (above zero) and `exposure_unit` (``households``, ``footfall`` or ``km2``), with
    the index of `grids`.
    """
    require_frame(grids, srid=srid, name="grids", columns=("households",))
    homes = numbers_of(grids, "households", absent=np.nan)
    persons = numbers_of(grids, "footfall", absent=np.nan)
    choices = [homes > 0, persons > 0]
    return pd.DataFrame(
        {
            "exposure": np.select(choices, [homes, persons], shapely.area(shapes_of(grids)) / 1e6),
            "exposure_unit": np.select(choices, ["households", "footfall"], "km2"),
        },
        index=grids.index,
    )
