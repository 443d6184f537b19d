"""A plain map for print: roads, borders, a way and its numbered stops, as SVG of lon/lat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

WIDTH, HEIGHT = 900.0, 520.0
LEAST = 0.5  # units of the picture: about 0.1 mm on paper, which no eye tells apart
_MARGIN = 0.08


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is drawn, EPSG:4326.

    Attributes
    ----------
    way
        The line of the route.
    stops
        Number, longitude and latitude of each stop.
    base
        Where the way begins.
    roads, borders
        Of the neighbourhood.
    """

    way: BaseGeometry | None = None
    stops: Sequence[tuple[str, float, float]] = ()
    base: tuple[float, float] | None = None
    roads: Sequence[BaseGeometry] = ()
    borders: Sequence[BaseGeometry] = ()


def sketch_svg(drawing: Drawing, *, label: str) -> str:
    """Return the drawing as an SVG element without any style attribute, north up, with a scale.

    The ground is drawn with equal scale in both directions at its middle latitude. Empty
    where there is neither way nor stop.
    """
    box = _frame(drawing)
    if box is None:
        return ""
    pen = _Pen(box)
    parts = [f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#f5f7f9"/>']
    parts += pen.lines(drawing.roads, stroke="#cfd6dd", width=2.2)
    parts += pen.lines(
        [shapely.boundary(shape) for shape in drawing.borders],
        stroke="#8a97a4", width=1.2, dash="6 4",
    )  # fmt: skip
    if drawing.way is not None:
        parts += pen.lines([drawing.way], stroke="#ffffff", width=8)
        parts += pen.lines([drawing.way], stroke="#0b5cad", width=4)
    if drawing.base is not None:
        x, y = pen.at(*drawing.base)
        parts.append(
            f'<rect x="{x - 8:.1f}" y="{y - 8:.1f}" width="16" height="16" fill="#16212b"/>'
        )
    parts += [pen.stop(*stop) for stop in drawing.stops]
    parts += pen.scale()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _frame(drawing: Drawing) -> tuple[float, float, float, float] | None:
    points = [(x, y) for _, x, y in drawing.stops]
    points += [drawing.base] if drawing.base is not None else []
    if drawing.way is not None and not drawing.way.is_empty:
        points += [tuple(p) for p in shapely.get_coordinates(drawing.way)]
    if not points:
        return None
    xy = np.array(points, dtype=np.float64)
    (west, south), (east, north) = xy.min(axis=0), xy.max(axis=0)
    least = 0.002  # about 200 m: a single stop still shows its street
    return (
        min(west, (west + east - least) / 2), min(south, (south + north - least) / 2),
        max(east, (west + east + least) / 2), max(north, (south + north + least) / 2),
    )  # fmt: skip


class _Pen:
    """Turns degrees into units of the picture."""

    def __init__(self, box: tuple[float, float, float, float]) -> None:
        west, south, east, north = box
        self.lon, self.lat = (west + east) / 2, (south + north) / 2
        self.squeeze = math.cos(math.radians(self.lat))
        room = 1 - 2 * _MARGIN
        self.units = min(
            WIDTH * room / ((east - west) * self.squeeze), HEIGHT * room / (north - south)
        )
        wide, high = WIDTH / self.units / self.squeeze / 2, HEIGHT / self.units / 2
        self.view = shapely.box(self.lon - wide, self.lat - high, self.lon + wide, self.lat + high)

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Return the place of a position in the picture."""
        x = WIDTH / 2 + (lon - self.lon) * self.squeeze * self.units
        return x, HEIGHT / 2 - (lat - self.lat) * self.units

    def lines(
        self, shapes: Sequence[BaseGeometry], *, stroke: str, width: float, dash: str = ""
    ) -> list[str]:
        """Return one path of all lines that the picture shows."""
        values: NDArray[np.object_] = np.asarray(shapes, dtype=object)
        if not len(values):
            return []
        near = values[shapely.intersects(values, self.view)]
        seen = shapely.simplify(shapely.intersection(near, self.view), LEAST / self.units)
        parts = shapely.get_parts(shapely.get_parts(seen))
        drawn = "".join(
            self._path(part) for part in parts
            if part.geom_type in ("LineString", "LinearRing") and not part.is_empty
        )  # fmt: skip
        if not drawn:
            return []
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        return [
            f'<path d="{drawn}" fill="none" stroke="{stroke}" stroke-width="{width:g}" '
            f'stroke-linecap="round" stroke-linejoin="round"{dashed}/>'
        ]

    def _path(self, line: BaseGeometry) -> str:
        points = [self.at(x, y) for x, y in shapely.get_coordinates(line)]
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)

    def stop(self, number: str, lon: float, lat: float) -> str:
        """Return a numbered stop."""
        x, y = self.at(lon, lat)
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="13" fill="#ffffff" stroke="#0b5cad" '
            f'stroke-width="3"/><text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" '
            f'font-size="14" font-weight="700" fill="#16212b">{escape(number)}</text>'
        )

    def scale(self) -> list[str]:
        """Return a bar of a round length, and which way is north."""
        metre = self.units / 111_320.0
        length = next((m for m in (5000, 2000, 1000, 500, 200, 100, 50, 20) if m * metre < 220), 10)
        end, y = 20 + length * metre, HEIGHT - 20
        text = f"{length / 1000:g} km" if length >= 1000 else f"{length} m"
        return [
            f'<path d="M20 {y:g}H{end:.1f}" stroke="#16212b" stroke-width="4"/>'
            f'<text x="20" y="{y - 8:g}" font-size="15" fill="#16212b">{text}</text>'
            f'<text x="{WIDTH - 34:g}" y="34" font-size="18" fill="#16212b">N</text>'
            f'<path d="M{WIDTH - 28:g} 62V42m-6 8l6 -8l6 8" fill="none" stroke="#16212b" '
            'stroke-width="2.5"/>'
        ]
