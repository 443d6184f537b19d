"""Coordinates and geometries of a batch into WGS-84, checked against the jurisdiction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from geo.crs.systems import convert_geometries, to_wgs84
from geo.formats.table import GEOMETRY
from geo.imports.mapping import Mapping
from geo.imports.problems import Problems
from geo.imports.schema import ShapeType
from geo.imports.values import as_number, read_column

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]
MENDED_AREA_SHARE = 0.001


@dataclass(frozen=True)
class Points:
    """Longitude and latitude of each row (NaN where there is none), shape ``(n,)``."""

    lon: Floats
    lat: Floats


def read_points(table: pa.Table, mapping: Mapping, *, crs: str, problems: Problems) -> Points:
    """Read the point of each row from the columns x and y or from the geometry."""
    if "x" in mapping.columns:
        x, y, shown = _read_xy(table, mapping, problems)
    else:
        x, y, shown = _points_of_shapes(table, problems)
    withheld = np.isnan(x) | np.isnan(y) | ((x == 0) & (y == 0))
    problems.add(withheld, "no_position", "position", shown)
    usable = problems.sound
    lon, lat = np.full(len(x), np.nan), np.full(len(x), np.nan)
    if usable.any():
        lon[usable], lat[usable] = to_wgs84(x[usable], y[usable], crs=crs)
    with np.errstate(invalid="ignore"):
        off = usable & ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    problems.add(off, "position_out_of_range", "position", shown)
    return Points(lon, lat)


def _read_xy(
    table: pa.Table, mapping: Mapping, problems: Problems
) -> tuple[Floats, Floats, pa.Array]:
    columns = {axis: read_column(table, mapping.columns[axis]) for axis in ("x", "y")}
    x, bad_x = as_number(columns["x"])
    y, bad_y = as_number(columns["y"])
    problems.add(bad_x, "not_a_number", mapping.columns["x"], columns["x"])
    problems.add(bad_y, "not_a_number", mapping.columns["y"], columns["y"])
    return x, y, pa.StructArray.from_arrays(list(columns.values()), names=["x", "y"])


def raw_positions(table: pa.Table, mapping: Mapping) -> tuple[Floats, Floats]:
    """Return the coordinates of points as the file has them, NaN where there are none."""
    if "x" in mapping.columns:
        x, y = (as_number(read_column(table, mapping.columns[axis]))[0] for axis in ("x", "y"))
        return x, y
    x, y, _ = _points_of_shapes(table, Problems(table.num_rows))
    return x, y


def _points_of_shapes(table: pa.Table, problems: Problems) -> tuple[Floats, Floats, pa.Array]:
    shapes, bad = decode_shapes(table.column(GEOMETRY))
    problems.add(bad, "wrong_geometry", GEOMETRY)
    kinds = shapely.get_type_id(shapes)
    multi = (kinds == 4) & (shapely.get_num_geometries(shapes) == 1)
    shapes = np.where(multi, shapely.get_geometry(shapes, 0), shapes)
    kinds = shapely.get_type_id(shapes)
    problems.add((kinds >= 0) & (kinds != 0), "wrong_geometry", GEOMETRY, _names(kinds))
    points = _only(shapes, kinds == 0)
    return shapely.get_x(points), shapely.get_y(points), None


def decode_shapes(column: pa.Array) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Decode WKB into 2-D geometries (None where null) and a mask of undecodable ones."""
    wkb = np.array(column.to_pylist(), dtype=object)
    shapes = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    given = np.array([value is not None for value in wkb], dtype=bool)
    return shapes, given & shapely.is_missing(shapes)


def _only(shapes: Shapes, rows: npt.NDArray[np.bool_]) -> Shapes:
    out = shapes.copy()
    out[~rows] = None
    return out


def _names(kinds: npt.NDArray[np.int32]) -> Shapes:
    names: Shapes = np.array(
        ["Point", "LineString", "LinearRing", "Polygon", "MultiPoint", "MultiLineString",
         "MultiPolygon", "GeometryCollection"], dtype=object,
    )  # fmt: skip
    named: Shapes = names[np.clip(kinds, 0, 7)]
    return named


def read_shapes(
    table: pa.Table, *, shape: ShapeType, crs: str, mend: bool, problems: Problems
) -> tuple[Shapes, Shapes]:
    """Read lines or polygons; return them in WGS-84 and what was mended (None: nothing).

    An invalid polygon is a problem unless `mend` allows to mend it and its area stays the same
    within 0.1 %; what was wrong is handed back, to be kept beside the record.
    """
    shapes, bad = decode_shapes(table.column(GEOMETRY))
    problems.add(bad, "wrong_geometry", GEOMETRY)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    problems.add(empty & problems.sound, "no_position", GEOMETRY)
    shapes = _only(shapes, problems.sound)
    shapes = _polygons(shapes, problems) if shape == "polygon" else _lines(shapes, problems)
    shapes, mended = _valid(shapes, mend and shape == "polygon", problems)
    usable = problems.sound
    out = np.full(len(shapes), None, dtype=object)
    if usable.any():
        out[usable] = convert_geometries(shapes[usable], crs=crs, to="wgs84")
        limits = shapely.bounds(out)
        with np.errstate(invalid="ignore"):
            off = (np.abs(limits[:, [0, 2]]) > 180).any(1) | (np.abs(limits[:, [1, 3]]) > 90).any(1)
            off |= usable & ~np.isfinite(limits).all(axis=1)
        problems.add(off, "position_out_of_range", GEOMETRY)
    return out, mended


def _polygons(shapes: Shapes, problems: Problems) -> Shapes:
    kinds = shapely.get_type_id(shapes)
    wrong = (kinds >= 0) & (kinds != 3) & (kinds != 6)
    problems.add(wrong, "wrong_geometry", GEOMETRY, _names(kinds))
    out = _only(shapes, ~wrong)
    single = kinds == 3
    if single.any():
        out[single] = [shapely.MultiPolygon([item]) for item in shapes[single]]
    return out


def _lines(shapes: Shapes, problems: Problems) -> Shapes:
    kinds = shapely.get_type_id(shapes)
    out: Shapes = np.where(kinds == 5, shapely.line_merge(shapes), shapes)
    kinds = shapely.get_type_id(out)
    wrong = (kinds >= 0) & (kinds != 1)
    problems.add(wrong, "wrong_geometry", GEOMETRY, _names(kinds))
    return _only(out, ~wrong)


def _valid(shapes: Shapes, mend: bool, problems: Problems) -> tuple[Shapes, Shapes]:
    mended = np.full(len(shapes), None, dtype=object)
    broken = ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes)
    if not broken.any():
        return shapes, mended
    reasons = np.full(len(shapes), None, dtype=object)
    reasons[broken] = shapely.is_valid_reason(shapes[broken])
    if mend:
        shapes, done = _mend(shapes, broken)
        mended[done] = reasons[done]
        broken &= ~done
    problems.add(broken, "invalid_geometry", GEOMETRY, reasons)
    return _only(shapes, ~broken), mended


def _mend(shapes: Shapes, broken: npt.NDArray[np.bool_]) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    repaired = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    before, after = np.abs(shapely.area(shapes[broken])), shapely.area(repaired)
    kinds = shapely.get_type_id(repaired)
    close = np.abs(after - before) <= MENDED_AREA_SHARE * np.maximum(before, after)
    good = close & (after > 0) & ((kinds == 3) | (kinds == 6))
    done = np.zeros(len(shapes), dtype=bool)
    done[np.flatnonzero(broken)[good]] = True
    out = shapes.copy()
    out[done] = [
        item if item.geom_type == "MultiPolygon" else shapely.MultiPolygon([item])
        for item in repaired[good]
    ]
    return out, done
