"""The small pieces of ground that grids are put together from: one home place each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import Voronoi
from shapely.geometry.base import BaseGeometry

from geo.grids.faces import absorb_slivers, restore_outline
from geo.grids.frames import Floats, Ints, Shapes, polygon_of, spots_of

_OVERSHOOT_M = 0.01  # a clipped line must cross its block's edge, or it would not split the face
_ROUNDING_M = 1e-4
_NODE_M = 1e-3  # lines nearer than this are one: seams often repeat a boundary, but not exactly
_SLIVER_M = 0.5  # narrower strips between seams are no blocks
_PULL = 0.05
_POINT = 0


@dataclass(frozen=True, eq=False)
class Atoms:
    """A planar coverage of a community, exactly node-matched.

    Attributes
    ----------
    shapes
        Polygons, shape ``(n_atoms,)``.
    block
        The face between seams that each lies in; borders between two blocks run on a seam.
    host
        The exclusive polygon that each lies in, -1 for open ground.
    households
        Households of the places in each.
    place_atom
        The atom of each place, shape ``(n_places,)``.
    """

    shapes: Shapes
    block: Ints
    host: Ints
    households: Floats
    place_atom: Ints


def make_atoms(
    community: BaseGeometry,
    places: Shapes,
    households: Floats,
    *,
    seams: Shapes,
    exclusive: Shapes,
    sample_step_m: float,
    srid: int,
) -> Atoms:
    """Cut a community along seams and exclusive grids, then half way between home places.

    The lines half way are the Voronoi diagram of the places within each block; a building
    counts with points along its outline, so that the lines run between buildings.

    Parameters
    ----------
    community, seams, exclusive
        The polygon, lines and polygons in one metric CRS; lines and polygons may stick out.
    places
        Points or building polygons whose representative point lies in the community,
        shape ``(n_places,)``.
    households
        Households of each, shape ``(n_places,)``.
    sample_step_m
        Distance of the points along a building's outline.

    References
    ----------
    Okabe, A., Boots, B., Sugihara, K., Chiu, S. N. (2000). Spatial Tessellations, chapter 3
    (Voronoi diagrams of areas through points on their outlines). doi:10.1002/9780470317013
    """
    outlines, blocks = _cut_blocks(community, [*seams, *shapely.boundary(exclusive)])
    spots = spots_of(places)
    home = polygon_of(spots, blocks, srid=srid)
    lines: list[BaseGeometry | None] = [outlines]
    points, owner = outline_points(places, step_m=sample_step_m)
    inside = home[owner] == polygon_of(points, blocks, srid=srid)
    points, owner = points[inside], owner[inside]
    order = np.argsort(home[owner], kind="stable")
    points, owner = points[order], owner[order]
    starts = np.searchsorted(home[owner], np.arange(len(blocks) + 1))
    for b in range(len(blocks)):
        mine = slice(starts[b], starts[b + 1])
        lines.append(_lines_between(points[mine], owner[mine], blocks[b]))
    noded = shapely.union_all([line for line in lines if line is not None])
    faces = restore_outline(_faces_inside(noded, community), community, rounding_m=_NODE_M)
    marks = spots_of(faces)
    place_atom = polygon_of(spots, faces, srid=srid)
    weight = np.zeros(len(faces))
    np.add.at(weight, place_atom, households)
    return Atoms(
        shapes=faces,
        block=polygon_of(marks, blocks, srid=srid),
        host=polygon_of(marks, exclusive, srid=srid),
        households=weight,
        place_atom=place_atom,
    )


def _cut_blocks(community: BaseGeometry, cuts: list[BaseGeometry]) -> tuple[BaseGeometry, Shapes]:
    """Return the noded lines of the community and the cuts, and the faces between them."""
    window = community.buffer(_OVERSHOOT_M)
    clipped = [shapely.intersection(cut, window) for cut in cuts]
    noded = shapely.union_all([community.boundary, *clipped], grid_size=_NODE_M)
    blocks = absorb_slivers(_faces_inside(noded, community), width_m=_SLIVER_M)
    return shapely.union_all(shapely.boundary(blocks)), blocks


def _faces_inside(noded: BaseGeometry, community: BaseGeometry) -> Shapes:
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(community)
    inside = shapely.contains(community, shapely.point_on_surface(faces))
    kept: Shapes = faces[inside]
    return kept


def outline_points(places: Shapes, *, step_m: float) -> tuple[Floats, Ints]:
    """Return points on the outlines of buildings, drawn in a little, and their owner."""
    flat = shapely.get_type_id(places) != _POINT
    outlines = places.copy()
    outlines[flat] = shapely.segmentize(shapely.boundary(places[flat]), step_m)
    points, owner = shapely.get_coordinates(outlines, return_index=True)
    centres = shapely.get_coordinates(shapely.centroid(places))[owner]
    return points + _PULL * (centres - points), owner.astype(np.int64)


def _lines_between(points: Floats, owner: Ints, block: BaseGeometry) -> BaseGeometry | None:
    """Return the Voronoi edges between points of different owners, cut to the block."""
    if len(np.unique(owner)) < 2:
        return None
    origin = points.mean(axis=0)
    local = np.round(points - origin, 4)
    local, first = np.unique(local, axis=0, return_index=True)
    owner = owner[first]
    reach = 100 * max(float(np.ptp(shapely.bounds(block))), 1.0)
    far = reach * np.array([[1.0, 0.1], [-0.1, 1.0], [-1.0, -0.1], [0.1, -1.0]])
    diagram = Voronoi(np.vstack((local, far)))
    sides = diagram.ridge_points
    both = (sides < len(local)).all(axis=1)
    ridges = np.asarray(diagram.ridge_vertices, dtype=np.int64)[both]
    sides = sides[both]
    ridges = ridges[(owner[sides[:, 0]] != owner[sides[:, 1]]) & (ridges >= 0).all(axis=1)]
    ends = np.round(diagram.vertices, 4)[ridges] + origin
    ends = ends[np.hypot(*(ends[:, 0] - ends[:, 1]).T) > _ROUNDING_M]
    return _clip(shapely.linestrings(ends), block)


def _clip(lines: Shapes, block: BaseGeometry) -> BaseGeometry:
    window = block.buffer(_OVERSHOOT_M)
    shapely.prepare(window)
    inside = shapely.contains(window, lines)
    crossing = lines[~inside & shapely.intersects(window, lines)]
    return shapely.union_all([*lines[inside], *shapely.intersection(crossing, window)])
