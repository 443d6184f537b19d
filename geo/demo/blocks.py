"""The town's plan: superblocks cut into neighbourhoods, blocks and lanes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import LineString, Polygon
from shapely.ops import split

from geo.demo.size import ORIGIN_M
from geo.demo.terrain import Terrain

PRECISION_M = 0.5
"""Street corners lie on a grid of this width, so that no two are a hair apart."""
NEIGHBOURHOOD_M2 = 210_000.0
BLOCK_M2 = {
    "oldtown": 11_000.0,
    "commerce": 17_000.0,
    "midrise": 24_000.0,
    "highrise": 30_000.0,
    "suburb": 26_000.0,
    "village": 30_000.0,
    "industry": 70_000.0,
    "farmland": 260_000.0,
    "hill": 600_000.0,
    "park": 600_000.0,
    "beach": 90_000.0,
}
"""Size that a neighbourhood's blocks are cut down to, in square metres, by land use."""


@dataclass(frozen=True)
class Plan:
    """Blocks and street lines of a town.

    Attributes
    ----------
    blocks
        Polygons that tile the district exactly, ``object (n,)``, vertices shared.
    use
        Land use of each block, a key of `BLOCK_M2` or ``water``, ``str (n,)``.
    neighbourhood
        Number of the neighbourhood each block belongs to, ``int (n,)``.
    edges
        Street segments between junctions, ``object (m,)``.
    edge_kind
        ``primary``, ``secondary`` or ``residential``, ``str (m,)``.
    edge_name
        Number of the street that an edge is a piece of, ``int (m,)``.
    edge_bridge
        True where the edge crosses the river, ``bool (m,)``.
    """

    blocks: NDArray[np.object_]
    use: NDArray[np.str_]
    neighbourhood: NDArray[np.int64]
    edges: NDArray[np.object_]
    edge_kind: NDArray[np.str_]
    edge_name: NDArray[np.int64]
    edge_bridge: NDArray[np.bool_]


@dataclass
class Lines:
    """Street lines collected while the plan is drawn."""

    geometry: list[LineString] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)

    def add(self, lines: list[LineString], kind: str) -> None:
        """Append lines of one kind."""
        self.geometry.extend(lines)
        self.kind.extend([kind] * len(lines))


def make_plan(terrain: Terrain, *, rng: np.random.Generator) -> Plan:
    """Cut the district into blocks along arterials, secondary streets and lanes.

    Parameters
    ----------
    terrain
        Outline, river and arterials.
    rng
        Source of every random choice.

    Returns
    -------
    Plan
        Blocks that tile the outline, and the connected street network between them.
    """
    frame = [terrain.outline.exterior, terrain.course, terrain.coast_road, *terrain.arterials]
    superblocks = faces_of([*frame])
    lines = Lines()
    lines.add(terrain.arterials, "primary")
    lines.add([terrain.coast_road], "secondary")
    cells: list[Polygon] = []
    uses: list[str] = []
    home: list[int] = []
    for superblock in superblocks:
        neighbourhoods, cuts = subdivide(superblock, NEIGHBOURHOOD_M2, rng)
        lines.add(cuts, "secondary")
        for area in neighbourhoods:
            use = land_use(area, terrain, rng)
            parts, lanes = subdivide(area, BLOCK_M2[use], rng)
            lines.add(lanes, "residential")
            home.extend([(max(home) + 1 if home else 0)] * len(parts))
            cells.extend(parts)
            uses.extend([use] * len(parts))
    lines.add([terrain.river.exterior], "secondary")
    return assemble(terrain, lines, cells, np.array(uses), np.array(home))


def subdivide(
    area: Polygon, target_m2: float, rng: np.random.Generator
) -> tuple[list[Polygon], list[LineString]]:
    """Cut a polygon across its long axis until its parts are near the target size.

    Parameters
    ----------
    area
        Polygon in a metric CRS.
    target_m2
        Wanted size of the parts in square metres.
    rng
        Source of the cuts' position and slant.

    Returns
    -------
    parts, cuts
        Polygons that tile `area`, and the cut lines.
    """
    parts: list[Polygon] = []
    cuts: list[LineString] = []
    waiting = [area]
    while waiting:
        piece = waiting.pop()
        if piece.area < target_m2 * rng.uniform(1.2, 1.9):
            parts.append(piece)
            continue
        line = cross_cut(piece, rng)
        pieces = [part for part in split(piece, line).geoms if part.area > 1.0]
        if len(pieces) < 2:
            parts.append(piece)
            continue
        cuts.extend(shapely.get_parts(shapely.intersection(line, piece)))
        waiting.extend(part for part in pieces if isinstance(part, Polygon))
    return parts, cuts


def cross_cut(piece: Polygon, rng: np.random.Generator) -> LineString:
    """Return a line across the long axis of a polygon's oriented envelope."""
    corner = shapely.get_coordinates(shapely.oriented_envelope(piece))[:3]
    first, second = corner[1] - corner[0], corner[2] - corner[1]
    long, short = (first, second) if np.hypot(*first) >= np.hypot(*second) else (second, first)
    centre = (corner[0] + corner[2]) / 2.0 + long * rng.uniform(-0.11, 0.11)
    angle = rng.normal(0.0, 0.055)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    across = turn @ (short / np.hypot(*short)) * np.hypot(*long) * 2.0
    return LineString(np.vstack((centre - across, centre + across)))


def land_use(area: Polygon, terrain: Terrain, rng: np.random.Generator) -> str:
    """Return the land use of a neighbourhood from where it lies in the town."""
    x, y = (np.array(area.point_on_surface().coords[0]) - np.array(ORIGIN_M)).tolist()
    centre = float(np.hypot(x, y * 1.2))
    chance = rng.uniform()
    if near(x, y, -1750.0, 1350.0, 380.0):
        return "park"
    if terrain.outline.exterior.distance(area) < 1.0 and x > 2300.0 and area.area < 330_000.0:
        return "beach"
    if near(x, y, -200.0, 650.0, 560.0):
        return "oldtown"
    if near(x, y, 500.0, -700.0, 520.0):
        return "commerce"
    if near(x, y, 2350.0, -1600.0, 900.0):
        return "industry"
    if near(x, y, -3000.0, 1900.0, 1000.0) or near(x, y, -700.0, 2900.0, 500.0):
        return "hill"
    if centre < 1750.0:
        return "midrise" if chance < 0.72 else "highrise"
    if near(x, y, 1700.0, 1500.0, 700.0):
        return "highrise" if chance < 0.6 else "suburb"
    if centre < 2550.0:
        return "suburb" if chance < 0.66 else "midrise"
    return "village" if chance < 0.5 else "farmland"


def near(x: float, y: float, x0: float, y0: float, radius_m: float) -> bool:
    """Return whether a point lies within a distance of another."""
    return (x - x0) ** 2 + (y - y0) ** 2 < radius_m**2


def faces_of(lines: list[shapely.Geometry]) -> NDArray[np.object_]:
    """Return the polygons that noded lines enclose, in a stable order."""
    noded = shapely.union_all(lines, grid_size=PRECISION_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    return faces[np.lexsort((inner[:, 0], inner[:, 1]))]


def assemble(
    terrain: Terrain,
    lines: Lines,
    cells: list[Polygon],
    uses: NDArray[np.str_],
    home: NDArray[np.int64],
) -> Plan:
    """Node every line at once, so that blocks and streets share their vertices exactly."""
    outline, course = terrain.outline.exterior, terrain.course
    noded = shapely.union_all([outline, course, *lines.geometry], grid_size=PRECISION_M)
    pieces = shapely.get_parts(shapely.line_merge(noded))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.point_on_surface(faces)
    order = np.lexsort(shapely.get_coordinates(inner).T)
    faces, inner = faces[order], inner[order]
    cell = holder(np.array(cells, dtype=object), inner)
    wet = shapely.contains(terrain.river, inner)
    use = np.where(wet, "water", uses[cell])
    edges, kind, name, bridge = street_edges(terrain, lines, split_at_junctions(pieces))
    return Plan(faces, use, home[cell], edges, kind, name, bridge)


def split_at_junctions(pieces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return noded lines in a stable order, each from junction to junction."""
    middle = shapely.get_coordinates(shapely.line_interpolate_point(pieces, 0.5, normalized=True))
    return pieces[np.lexsort((middle[:, 0], middle[:, 1]))]


def holder(cells: NDArray[np.object_], points: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return for each point the number of the cell that holds it, or else the nearest."""
    found = shapely.STRtree(cells).query_nearest(points, all_matches=False)
    index = np.empty(len(points), dtype=np.int64)
    index[found[0]] = found[1]
    return index


def street_edges(
    terrain: Terrain, lines: Lines, pieces: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.str_], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the pieces that are streets, with their kind, street number and bridge flag."""
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    tree = shapely.STRtree(np.array(lines.geometry, dtype=object))
    piece, line = tree.query(middle, predicate="dwithin", distance=2 * PRECISION_M)
    rank = np.array([{"primary": 0, "secondary": 1, "residential": 2}[k] for k in lines.kind])
    best = (
        pd.DataFrame({"piece": piece, "line": line, "rank": rank[line]})
        .sort_values(["piece", "rank", "line"])
        .drop_duplicates("piece")
    )
    street = np.full(len(pieces), -1)
    street[best["piece"].to_numpy()] = best["line"].to_numpy()
    kind = np.where(street >= 0, np.array(lines.kind)[street], "none")
    bridge = shapely.contains_properly(terrain.river.buffer(-2 * PRECISION_M), middle)
    keep = (street >= 0) & ~(bridge & (kind != "primary"))
    keep &= shapely.distance(terrain.outline.exterior, middle) > 2 * PRECISION_M
    keep &= main_component(pieces, keep)
    return pieces[keep], kind[keep], street[keep], bridge[keep]


def main_component(pieces: NDArray[np.object_], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which kept pieces hang together in the largest connected network."""
    ends = np.vstack(
        (
            shapely.get_coordinates(shapely.get_point(pieces, 0)),
            shapely.get_coordinates(shapely.get_point(pieces, -1)),
        )
    )
    _, node = np.unique(np.round(ends / PRECISION_M).astype(np.int64), axis=0, return_inverse=True)
    node = node.ravel()
    start, stop = node[: len(pieces)], node[len(pieces) :]
    size = int(node.max()) + 1
    graph = coo_array((np.ones(keep.sum()), (start[keep], stop[keep])), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    length = np.bincount(part[start[keep]], weights=shapely.length(pieces[keep]))
    return np.asarray(part[start] == int(np.argmax(length)))
