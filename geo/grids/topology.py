"""Where grids overlap, leave gaps, stick out of their community or are not sound polygons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo.errors import InputError
from geo.grids.findings import Finding, finding
from geo.grids.frames import Shapes
from geo.grids.policy import Severity

_POLYGON, _MULTIPOLYGON = 3, 6
_LINES = (1, 2, 5)
_SPOT = re.compile(r"(.*)\[(\S+) (\S+)\]")


@dataclass(frozen=True)
class Tolerance:
    """What counts as a sliver: a warning where larger differences are errors.

    Attributes
    ----------
    noise_m2
        Smaller areas are the rounding of coordinates and are not reported.
    sliver_m2
        Areas up to this are slivers.
    sliver_width_m
        Larger areas too, where their mean width (twice the area over the perimeter) is
        no more than this.
    """

    noise_m2: float = 0.01
    sliver_m2: float = 1.0
    sliver_width_m: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.noise_m2 <= self.sliver_m2 or self.sliver_width_m < 0:
            raise InputError("a tolerance needs 0 <= noise_m2 <= sliver_m2, sliver_width_m >= 0.")

    def is_sliver(self, piece: BaseGeometry) -> bool:
        """Return whether `piece` is small or thin enough to be a matter of drawing."""
        thin = 2 * piece.area <= self.sliver_width_m * piece.length
        return piece.area <= self.sliver_m2 or thin


def is_sound(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Return which shapes are valid, not empty, and polygons or multipolygons, shape ``(n,)``."""
    polygonal = np.isin(shapely.get_type_id(shapes), (_POLYGON, _MULTIPOLYGON))
    sound: npt.NDArray[np.bool_] = polygonal & ~shapely.is_empty(shapes) & shapely.is_valid(shapes)
    return sound


def ring_findings(
    shapes: Shapes, codes: list[str | None], *, parent_parts: npt.NDArray[np.int64]
) -> Iterator[Finding]:
    """Yield what is wrong with each shape by itself.

    A grid in several parts is an error, and a warning where its parent (`parent_parts`,
    shape ``(n,)``) is in several parts too, for instance over islands.
    """
    for shape, code in zip(shapes, codes, strict=True):
        if shape is None or shape.is_empty:
            yield finding("error", "geometry_missing", code=code)
        elif shapely.get_type_id(shape) not in (_POLYGON, _MULTIPOLYGON):
            yield _not_a_polygon(shape, code)
        elif not shape.is_valid:
            yield _invalid(shape, code)
    parts = np.where(is_sound(shapes), shapely.get_num_geometries(shapes), 1)
    for i in np.flatnonzero(parts > 1):
        severity: Severity = "warning" if parent_parts[i] > 1 else "error"
        yield finding(
            severity,
            "multipart",
            code=codes[i],
            where=_all_but_largest(shapes[i]),
            measure=float(parts[i]),
            unit="count",
        )


def _not_a_polygon(shape: BaseGeometry, code: str | None) -> Finding:
    if shapely.get_type_id(shape) in _LINES:
        merged = shapely.line_merge(shape)
        if merged.geom_type == "LineString" and not merged.is_closed:
            ends = shapely.get_point(merged, [0, -1])
            gap = float(shapely.distance(ends[0], ends[1]))
            where = LineString(shapely.get_coordinates(ends))
            return finding("error", "ring_open", code=code, where=where, measure=gap, unit="m")
    return finding("error", "geometry_type", code=code, where=shape, note=shape.geom_type)


def _invalid(shape: BaseGeometry, code: str | None) -> Finding:
    reason = str(shapely.is_valid_reason(shape))
    spot = _SPOT.fullmatch(reason)
    where = shape if spot is None else shapely.Point(float(spot[2]), float(spot[3]))
    note = reason if spot is None else spot[1]
    return finding("error", "geometry_invalid", code=code, where=where, note=note)


def _all_but_largest(shape: BaseGeometry) -> BaseGeometry:
    parts = shapely.get_parts(shape)
    return MultiPolygon(list(np.delete(parts, np.argmax(shapely.area(parts)))))


def overlap_findings(
    shapes: Shapes, codes: list[str | None], *, tolerance: Tolerance
) -> Iterator[Finding]:
    """Yield one finding for each pair of sound shapes whose interiors meet.

    Only the neighbours of shapes with edges that do not match their surroundings are cut with
    each other, so that a clean set of thousands costs one pass.
    """
    suspect = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(shapes)))
    if not len(suspect):
        return
    left, right = shapely.STRtree(shapes).query(shapes[suspect])
    left = suspect[left]
    pairs = np.unique(np.sort(np.column_stack((left, right))[left != right], axis=1), axis=0)
    common = shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    for k in np.flatnonzero(shapely.area(common) > tolerance.noise_m2):
        i, j = pairs[k]
        yield _graded("overlap", common[k], codes[i], codes[j], tolerance)


def _graded(
    rule: str, piece: BaseGeometry, code: str | None, other: str | None, tolerance: Tolerance
) -> Finding:
    sliver = tolerance.is_sliver(piece)
    return finding(
        "warning" if sliver else "error",
        f"{rule}_sliver" if sliver else rule,
        code=code,
        other=other,
        where=piece,
        measure=float(piece.area),
        unit="m2",
    )


def outside_findings(
    shapes: Shapes,
    codes: list[str | None],
    parents: Shapes,
    parent_codes: list[str],
    *,
    tolerance: Tolerance,
) -> Iterator[Finding]:
    """Yield one finding for each shape that leaves its parent, all given row by row."""
    over = np.flatnonzero(~shapely.covered_by(shapes, parents))
    rest = shapely.difference(shapes[over], parents[over])
    for i, piece in zip(over, rest, strict=True):
        if piece.area > tolerance.noise_m2:
            yield _graded("outside", piece, codes[i], parent_codes[i], tolerance)


def gap_findings(
    parent: BaseGeometry, parent_code: str, children: Shapes, *, tolerance: Tolerance
) -> Iterator[Finding]:
    """Yield one finding for each connected part of `parent` that no child covers."""
    rest = shapely.difference(parent, shapely.union_all(children))
    for piece in shapely.get_parts(rest):
        if piece.area > tolerance.noise_m2:
            yield _graded("gap", piece, parent_code, None, tolerance)
