"""Outline, river and arterial roads of the simulated district."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon

from geo.demo.size import ORIGIN_M

Points = NDArray[np.float64]
Bend = Callable[[Points], Points]

NORTH_SOUTH_M = (-2450.0, -1250.0, -150.0, 950.0, 2150.0)
EAST_WEST_M = (1950.0, 800.0, -950.0, -1950.0)
AVENUES = ((950.0, 800.0, 3600.0, 2900.0), (-1250.0, -950.0, -3400.0, -2500.0))
REACH_M = 4800.0


@dataclass(frozen=True)
class Terrain:
    """What was there before the blocks; coordinates in the metric CRS.

    Attributes
    ----------
    outline
        The district.
    river
        Its surface, from bank to bank.
    course
        The river's centre line, from edge to edge of the outline.
    arterials
        Main roads, already cut at the outline.
    coast_road
        The road along the eastern shore.
    bend
        The map from the plan's straight frame (metres from the centre) to the metric CRS.
    """

    outline: Polygon
    river: Polygon
    course: LineString
    arterials: list[LineString]
    coast_road: LineString
    bend: Bend


def make_terrain(*, rng: np.random.Generator) -> Terrain:
    """Draw the outline, the river and the arterials of one district.

    Parameters
    ----------
    rng
        Source of every random choice.

    Returns
    -------
    Terrain
        Geometries in the metric CRS of `geo.demo.size`.
    """
    bend = draw_bend(rng)
    outline = draw_outline(rng)
    reach = np.linspace(-REACH_M - 400.0, REACH_M + 400.0, 180)
    phase = rng.uniform(0.0, 2.0 * np.pi, 2)
    meander = 230.0 * np.sin(reach / 600.0 + phase[0]) + 80.0 * np.sin(reach / 270.0 + phase[1])
    path = bend(np.column_stack((reach, meander - 80.0)))
    width = np.interp(reach, [-REACH_M, 0.0, REACH_M], [55.0, 80.0, 190.0])
    return Terrain(
        outline=outline,
        river=widest(shapely.intersection(ribbon(path, width), outline)),
        course=longest(shapely.intersection(LineString(path), outline)),
        arterials=[
            longest(shapely.intersection(line, outline)) for line in draw_arterials(bend, rng)
        ],
        coast_road=draw_coast_road(outline),
        bend=bend,
    )


def draw_bend(rng: np.random.Generator) -> Bend:
    """Return a smooth one-to-one bend of the plane that turns straight lines into avenues."""
    phase = rng.uniform(0.0, 2.0 * np.pi, 3)
    twist = rng.uniform(0.24, 0.34)

    def bend(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        angle = twist * np.exp(-(x * x + y * y) / 2900.0**2)
        u = x * np.cos(angle) - y * np.sin(angle)
        v = x * np.sin(angle) + y * np.cos(angle)
        east = u + 150.0 * np.sin(v / 950.0 + phase[0]) + 60.0 * np.sin(u / 620.0 + phase[2])
        north = v + 140.0 * np.sin(u / 1150.0 + phase[1])
        return np.column_stack((east + ORIGIN_M[0], north + ORIGIN_M[1]))

    return bend


def draw_outline(rng: np.random.Generator) -> Polygon:
    """Return a rounded district of about 7.5 by 6 km with a ragged eastern shore."""
    angle = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
    power = 2.7
    radius = (
        np.abs(np.cos(angle) / 3750.0) ** power + np.abs(np.sin(angle) / 2950.0) ** power
    ) ** (-1.0 / power)
    shore = np.clip(np.cos(angle), 0.0, 1.0) ** 1.5
    for wave in range(2, 16):
        height = 0.07 / wave * np.where(wave < 6, 1.0, 2.4 * shore)
        radius = radius * (1.0 + height * np.cos(wave * angle + rng.uniform(0.0, 2.0 * np.pi)))
    return Polygon(
        np.column_stack(
            (ORIGIN_M[0] + radius * np.cos(angle), ORIGIN_M[1] + radius * np.sin(angle))
        )
    )


def draw_arterials(bend: Bend, rng: np.random.Generator) -> list[LineString]:
    """Return the main roads before they are cut at the outline."""
    lines = []
    for x in NORTH_SOUTH_M:
        shift = rng.uniform(-70.0, 70.0)
        lines.append(straight(x + shift, -REACH_M, x + shift, REACH_M))
    for y in EAST_WEST_M:
        shift = rng.uniform(-50.0, 50.0)
        lines.append(straight(-REACH_M, y + shift, REACH_M, y + shift))
    lines.extend(straight(*ends) for ends in AVENUES)
    return [LineString(bend(line)) for line in lines]


def draw_coast_road(outline: Polygon) -> LineString:
    """Return the road that follows the eastern shore 230 m inland."""
    east = shapely.box(
        ORIGIN_M[0] + 1500.0, ORIGIN_M[1] - 9e3, ORIGIN_M[0] + 9e3, ORIGIN_M[1] + 9e3
    )
    inland = shapely.simplify(outline.buffer(-520.0).buffer(290.0), 15.0)
    return longest(shapely.line_merge(shapely.intersection(inland.exterior, east)))


def straight(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Return points of a segment, at most 60 m apart, shape (n, 2)."""
    count = max(2, int(np.hypot(x1 - x0, y1 - y0) / 60.0) + 1)
    return np.column_stack((np.linspace(x0, x1, count), np.linspace(y0, y1, count)))


def ribbon(path: Points, width: NDArray[np.float64]) -> Polygon:
    """Return the polygon of the given full width in metres around a path."""
    step = np.gradient(path, axis=0)
    normal = np.column_stack((-step[:, 1], step[:, 0])) / np.hypot(step[:, 0], step[:, 1])[:, None]
    side = normal * (width / 2.0)[:, None]
    return widest(shapely.make_valid(Polygon(np.vstack((path + side, (path - side)[::-1])))))


def longest(lines: shapely.Geometry) -> LineString:
    """Return the longest line of a line or collection of lines."""
    parts = shapely.get_parts(lines)
    line: LineString = parts[int(np.argmax(shapely.length(parts)))]
    return line


def widest(areas: shapely.Geometry) -> Polygon:
    """Return the largest polygon of a polygon or collection."""
    parts = shapely.get_parts(areas)
    area: Polygon = parts[int(np.argmax(shapely.area(parts)))]
    return area
