"""Streets as places to count in: segments inside a boundary, their neighbours, points on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import InputError, NotFoundError
from geo.network.build import RoadNetwork
from geo.network.snapping import Pieces, cut_pieces, find_nearest

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REACH_M = 50.0
"""How far a point may lie from its street by default: half a wide block, and a parcel's depth."""


@dataclass(frozen=True, eq=False)
class Streets:
    """A network on whose segments something is counted.

    Attributes
    ----------
    network
        Segments between junctions, all of them inside.
    reach_m
        A point farther than this from every segment lies on none.
    """

    network: RoadNetwork
    reach_m: float = REACH_M

    def __post_init__(self) -> None:
        if not self.reach_m > 0:
            raise InputError(f"reach_m is {self.reach_m}; it must be more than 0")

    @property
    def kind(self) -> Literal["street"]:
        """Tell it from a lattice."""
        return "street"

    @property
    def srid(self) -> int:
        """Return the metric system."""
        return self.network.srid

    def __len__(self) -> int:
        return len(self.network.segments)

    @property
    def lines(self) -> npt.NDArray[np.object_]:
        """Return the segments as lines, ``(n,)``."""
        return np.asarray(self.network.segments.geometry.array, dtype=object)

    @property
    def length_m(self) -> Floats:
        """Return the length of each segment, ``(n,)``."""
        return self.network.segments["length_m"].to_numpy(dtype=np.float64)

    @property
    def middles(self) -> tuple[Floats, Floats]:
        """Return x and y of the middle of each segment, each ``(n,)``."""
        middle = shapely.line_interpolate_point(self.lines, 0.5, normalized=True)
        return shapely.get_x(middle), shapely.get_y(middle)

    @property
    def digest(self) -> str:
        """Return what tells this network from another: of its names and shapes."""
        names = "\n".join(self.network.segments["segment_id"].astype(str))
        shapes = np.round(shapely.get_coordinates(self.lines), 2).tobytes()
        return blake2b(names.encode() + shapes, digest_size=12).hexdigest()


@dataclass(frozen=True, eq=False)
class Snapped:
    """Points moved to the nearest segment; every array has shape ``(n,)``.

    Attributes
    ----------
    segment
        Row of the segment, -1 where none is in reach.
    along_m
        From the segment's beginning; 0 where there is none.
    away_m
        From the point to the segment; infinity where there is none.
    """

    segment: Ints
    along_m: Floats
    away_m: Floats

    @property
    def unsnapped_share(self) -> float:
        """Return which share of the points is on no street; NaN without points."""
        return float(np.mean(self.segment < 0)) if len(self.segment) else float("nan")


def streets_inside(
    network: RoadNetwork,
    boundary: shapely.Polygon | shapely.MultiPolygon,
    *,
    reach_m: float = REACH_M,
) -> Streets:
    """Keep the segments whose middle lies inside a boundary, which is in the network's system.

    Roads are stored a little beyond a district, and a street outside that cannot hold any of its
    incidents would look quiet.

    Raises
    ------
    NotFoundError
        No segment lies inside.
    """
    lines = np.asarray(network.segments.geometry.array, dtype=object)
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    shapely.prepare(boundary)
    inside = shapely.intersects(boundary, middle) if len(lines) else np.zeros(0, dtype=bool)
    if not inside.any():
        raise NotFoundError(
            "there are no streets inside the boundary: import roads first "
            "(`gridbeat import roads FILE`)"
        )
    kept = network.segments[inside].reset_index(drop=True)
    return Streets(replace(network, segments=kept), reach_m)


def snap_points(streets: Streets, x: Floats, y: Floats) -> Snapped:
    """Move points to the nearest segment within reach.

    Parameters
    ----------
    x, y
        Metres in the network's system, shape ``(n,)``; NaN lies on no segment.

    Returns
    -------
    Snapped
        Of segments equally near, as at a junction, the first in the network's order, so that
        the same point always lies on the same segment.
    """
    pieces = _pieces_of(streets)
    at, part, away = find_nearest(
        np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), pieces.ends,
        pieces.indptr, pieces.listed, *pieces.origin, pieces.side_m, *pieces.shape,
        streets.reach_m,
    )  # fmt: skip
    segment, along = np.full(len(at), -1, dtype=np.int64), np.zeros(len(at))
    on = np.flatnonzero(at >= 0)
    ends = pieces.ends[at[on]]
    lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    segment[on] = pieces.line[at[on]]
    along[on] = pieces.before_m[at[on]] + part[on] * lengths
    return Snapped(segment, along, away)


@lru_cache(maxsize=2)
def _pieces_of(streets: Streets) -> Pieces:
    return cut_pieces(streets.lines, streets.reach_m)


def segment_neighbours(streets: Streets) -> tuple[Ints, Ints]:
    """Return which segments meet at a junction or an end.

    Returns
    -------
    tuple
        CSR ``(indptr, indices)``, symmetric, ascending in each row, nobody twice and never itself.
    """
    frame = streets.network.segments
    n = len(frame)
    ends = frame[["start", "end"]].to_numpy(dtype=np.int64)
    node = ends.ravel()
    owner = np.repeat(np.arange(n), 2)
    order = np.argsort(node, kind="stable")
    node, owner = node[order], owner[order]
    first = np.searchsorted(node, node, side="left")
    size = np.searchsorted(node, node, side="right") - first
    mine = np.repeat(owner, size)
    start = np.cumsum(size) - size
    other = owner[np.arange(len(mine)) - np.repeat(start, size) + np.repeat(first, size)]
    pairs = np.unique(mine[mine != other] * n + other[mine != other])
    indptr = np.searchsorted(pairs // max(n, 1), np.arange(n + 1))
    return indptr.astype(np.int64), (pairs % max(n, 1)).astype(np.int64)
