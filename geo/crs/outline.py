"""Was this layer drawn in WGS-84, GCJ-02 or BD-09? Outlines tell where points cannot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.diagnosis import Lang
from geo.crs.gcj import EAST, NORTH, SOUTH, WEST
from geo.crs.systems import Crs, convert_geometries, middle, parse_crs, propose_metric_srid
from geo.errors import CrsError, GeometryError

_SYSTEMS = ("wgs84", "gcj02", "bd09")
_CLEARLY = 0.67  # a better reading has at most this share of the other's gap
_N_STATIONS = 1000


@dataclass(frozen=True)
class OutlineFit:
    """How well an outline, read in one system, covers a boundary.

    Attributes
    ----------
    crs
        The system that the outline was read in.
    iou
        Area of the intersection over that of the union, 0 to 1.
    gap_m
        Mean distance between the two outlines in metres, taken both ways.
    hausdorff_m
        Largest distance from a station on one outline to the other in metres, taken both ways.
        Stations stand at a thousandth of the length.
    """

    crs: Crs
    iou: float
    gap_m: float
    hausdorff_m: float


@dataclass(frozen=True)
class OutlineDiagnosis:
    """Which of the three systems an outline fits best.

    Attributes
    ----------
    declared
        The system that the outline was said to be in.
    place
        Name of the place that the boundary belongs to, may be empty.
    fits
        All readings, best first; empty outside China, where the three systems are one.
    better
        The reading that is clearly better than the declared one; None when the declared one is
        the best, or when the outline is too unlike the boundary to tell.
    """

    declared: Crs
    place: str
    fits: tuple[OutlineFit, ...]
    better: OutlineFit | None

    def message(self, lang: Lang = "en") -> str:
        """Say in one sentence what was found and what to do next."""
        if self.better is None:
            return "外轮廓未显示坐标偏移" if lang == "zh" else "the outline shows no shift"
        now = next(fit for fit in self.fits if fit.crs.name == _shift_name(self.declared))
        best, label = self.better, self.declared.label
        if lang == "zh":
            return (
                f"外轮廓按 {best.crs.label} 读取与{self.place or '辖区边界'}更吻合"
                f"（平均间距 {best.gap_m:.0f} 米，而按 {label} 为 {now.gap_m:.0f} 米）："
                f'请在映射文件中设置 crs = "{best.crs.name}"'
            )
        return (
            f"the outline fits {self.place or 'the boundary'} better read as {best.crs.label} "
            f"(mean gap {best.gap_m:.0f} m, as {label} {now.gap_m:.0f} m): "
            f'set crs = "{best.crs.name}" in the mapping'
        )


def diagnose_outline(
    geometry: BaseGeometry,
    *,
    boundary: BaseGeometry,
    crs: str | int | Crs = "wgs84",
    place: str = "",
) -> OutlineDiagnosis:
    """Compare a polygon layer with the jurisdiction's boundary under each Chinese system.

    Parameters
    ----------
    geometry
        The layer's polygon, or the union of its polygons, as the file has it, in degrees. It
        should cover the jurisdiction; a part of it cannot be told.
    boundary
        The jurisdiction in WGS-84 longitude and latitude.
    crs
        The system that the layer is declared to be in: wgs84, cgcs2000, gcj02 or bd09.
    place
        Name of the jurisdiction for the message.

    Raises
    ------
    CrsError
        If the declared system is a projection.
    GeometryError
        If either geometry is empty or no polygon.
    """
    declared = parse_crs(crs)
    name = _shift_name(declared)
    lon, lat = middle(boundary)
    if geometry.is_empty or shapely.get_dimensions(geometry) != 2:
        raise GeometryError("an outline to compare must be a polygon or multipolygon")
    if not (WEST < lon < EAST and SOUTH < lat < NORTH):
        return OutlineDiagnosis(declared, place, (), None)
    fits = sorted(_measure_fits(geometry, boundary), key=lambda fit: fit.gap_m)
    now = next(fit for fit in fits if fit.crs.name == name)
    best = fits[0]
    clear = best.iou > now.iou and best.gap_m < _CLEARLY * now.gap_m
    return OutlineDiagnosis(declared, place, tuple(fits), best if clear else None)


def _shift_name(declared: Crs) -> str:
    name = "wgs84" if declared.name == "cgcs2000" else declared.name
    if name not in _SYSTEMS:
        raise CrsError(
            f"{declared.label} is not one of wgs84, cgcs2000, gcj02 and bd09: an outline shows "
            "a shift between these only"
        )
    return name


def _measure_fits(geometry: BaseGeometry, boundary: BaseGeometry) -> list[OutlineFit]:
    srid = propose_metric_srid(boundary)
    target: BaseGeometry = shapely.make_valid(
        convert_geometries([boundary], crs="wgs84", to=srid)[0]
    )
    fits = []
    for name in _SYSTEMS:
        outline = convert_geometries([geometry], crs=name, to=srid)[0]
        if outline is None:
            raise CrsError("the outline is not longitude and latitude: check the declared crs")
        fits.append(_measure_fit(shapely.make_valid(outline), target, parse_crs(name)))
    return fits


def _measure_fit(outline: BaseGeometry, target: BaseGeometry, crs: Crs) -> OutlineFit:
    shared = outline.intersection(target).area
    iou = shared / (outline.area + target.area - shared)
    there, back = _gaps(outline, target), _gaps(target, outline)
    gap_m = float(there.mean() + back.mean()) / 2
    return OutlineFit(crs, float(iou), gap_m, float(max(there.max(), back.max())))


def _gaps(one: BaseGeometry, other: BaseGeometry) -> npt.NDArray[np.float64]:
    along = np.linspace(0, 1, _N_STATIONS, endpoint=False)
    stations = shapely.line_interpolate_point([one.boundary], along, normalized=True)
    return np.asarray(shapely.distance(stations, other.boundary), dtype=np.float64)
