"""Lines and polygons that somebody drew, from any map file, in a jurisdiction's metric system."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely

from geo.crs.diagnose import diagnose_positions
from geo.crs.readings import Reading
from geo.crs.systems import Crs, convert_geometries
from geo.errors import CrsError, FormatError
from geo.formats.open import open_table
from geo.formats.table import GEOMETRY, RawTable
from geo.grids.frames import Shapes
from geo.imports.positions import decode_shapes
from geo.places import Place


def read_drawing(
    path: Path, place: Place, *, crs: str | None = None, layer: str | None = None
) -> gpd.GeoDataFrame:
    """Read every shape of a file with its columns.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, Shapefile or GeoParquet of one layer, or with `layer` named.
    crs
        The system of the coordinates, also ``gcj02`` or ``bd09``; by default what the file says.

    Returns
    -------
    The rows in the metric system of `place`, without heights; not empty.

    Raises
    ------
    FormatError
        If the file cannot be read, holds no shapes, or a shape is empty or damaged.
    CrsError
        If the file does not say in which system it is, or nothing of it lies in the
        jurisdiction; where another reading would fit, the message names it.
    """
    table = open_table(path, kind="grids", layer=layer)
    if not table.has_geometry:
        raise FormatError(f"{path.name}: holds no shapes, but lines or polygons are needed")
    system = crs or table.crs
    if system is None:
        raise CrsError(
            f"{path.name}: does not say in which reference system it is; name it with --crs, "
            "for example --crs EPSG:4490"
        )
    rows, raw = _read(table, path)
    shapes = convert_geometries(raw, crs=system, to=place.srid)
    _require_near(raw, shapes, place, system, path)
    columns = rows.drop_columns([GEOMETRY]).to_pandas()
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=place.srid)


def _read(table: RawTable, path: Path) -> tuple[pa.Table, Shapes]:
    batches = [batch.columns for batch in table.batches]
    rows = pa.concat_tables(batches) if batches else None
    if rows is None or not rows.num_rows:
        raise FormatError(f"{path.name}: holds no shapes, but lines or polygons are needed")
    shapes, damaged = decode_shapes(rows.column(GEOMETRY))
    bad = damaged | shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if bad.any():
        raise FormatError(
            f"{path.name}: row {int(np.flatnonzero(bad)[0]) + 1} has no shape or a damaged one "
            f"({int(bad.sum())} rows in all). Mend or delete them."
        )
    return rows, shapes


def _require_near(raw: Shapes, shapes: Shapes, place: Place, crs: str, path: Path) -> None:
    """Refuse shapes that are all outside, and say which reading would put them inside."""
    boundary = convert_geometries(np.array([place.boundary]), crs="wgs84", to=place.srid)[0]
    if not shapely.is_missing(shapes).any() and shapely.intersects(shapes, boundary).any():
        return
    x, y = shapely.get_coordinates(raw).T
    found = diagnose_positions(
        x, y, crs=crs, boundary=place.boundary, place=place.name, metric_srid=place.srid
    )
    advice = (
        _advise(found.fits[0], found.declared)
        if found.fits
        else ("check its reference system, which --crs names, and that it is of this place")
    )
    raise CrsError(
        f"{path.name}: nothing of it lies in {place.name} with coordinates read as "
        f"{found.declared.label}; {advice}"
    )


def _advise(reading: Reading, declared: Crs) -> str:
    """Say what would put the shapes inside."""
    ways = [f"read as {reading.crs.label}: give --crs {reading.crs.name}"] * (
        reading.crs != declared
    )
    ways += ["with x and y swapped: put x (longitude, easting) first in the file"] * reading.swapped
    ways += ["with another sign: east and north are positive"] * (
        reading.negate_x or reading.negate_y
    )
    return f"it does {' and '.join(ways)}"
