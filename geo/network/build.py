"""Make the network: whole roads in, segments between junctions out, with stable names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.crs.systems import require_metric
from geo.errors import CrsError, GeometryError, InputError
from geo.network.crossings import add_crossings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Vertices closer than this are one place.
GRAIN_M = 0.01
_BACKWARD = ("-1", "reverse")
_ONE_WAY = ("yes", "true", "1", "t", *_BACKWARD)


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """Roads as segments between junctions.

    Attributes
    ----------
    srid
        Its metric system.
    nodes
        Shape ``(n_nodes, 2)``: x, y of junctions and road ends, metres.
    segments
        One row a segment in the metric system: ``segment_id`` (``<road>#<piece>``, the same as
        long as the road and what meets it stay the same), ``road_id``, ``kind``, ``name``,
        ``start``, ``end`` (rows of `nodes`), ``length_m``, ``oneway`` (1 along the line, 0 both,
        -1 against it), ``layer`` and the line.
    """

    srid: int
    nodes: Floats
    segments: gpd.GeoDataFrame

    @property
    def length_km(self) -> float:
        """Length of all segments."""
        return float(self.segments["length_m"].sum() / 1000)


def make_network(roads: gpd.GeoDataFrame, *, split_crossings: bool = True) -> RoadNetwork:
    """Split roads where they meet, and number the places where they do.

    Roads meet at common vertices, whatever their level (a bridge meets its ramp), and where
    their lines cross on the same level. The level is ``layer``; without one a ``bridge`` is 1,
    a ``tunnel`` -1 and the rest 0.

    Parameters
    ----------
    roads
        LineStrings in a metric system: ``kind`` and, where known, ``road_id``, ``name``,
        ``oneway`` (flag or the text of OpenStreetMap), ``layer``, ``bridge``, ``tunnel``.
        Without ``road_id`` the row number names a road. Empty gives an empty network.
    split_crossings
        False trusts common vertices alone: right for OpenStreetMap data whose levels were lost.

    Raises
    ------
    CrsError
        If the roads have no metric system.
    GeometryError
        If a row is not a line.
    InputError
        If ``kind`` is missing or two roads have one ``road_id``.
    """
    srid = _check(roads)
    table = _describe(roads)
    lines = np.asarray(roads.geometry.array, dtype=object)
    if split_crossings and len(lines):
        lines = add_crossings(lines, table["layer"].to_numpy(dtype=np.int64))
    xy, road = shapely.get_coordinates(lines, return_index=True)
    xy, road = _without_repeats(xy, road)
    place, nodes = _number_places(xy)
    first, last = _cut(place, road)
    pieces = _lines(xy, first, last)
    used, renumbered = np.unique(np.concatenate([place[first], place[last]]), return_inverse=True)
    of = road[first]
    frame = table.iloc[of].reset_index(drop=True)
    number = pd.Series(of).groupby(of).cumcount()
    frame.insert(0, "segment_id", frame["road_id"].astype(str) + "#" + number.astype(str))
    frame["start"], frame["end"] = np.split(renumbered.astype(np.int64), 2)
    frame["length_m"] = shapely.length(pieces)
    segments = gpd.GeoDataFrame(frame, geometry=pieces, crs=srid)
    return RoadNetwork(srid, nodes[used], segments)


def _check(roads: gpd.GeoDataFrame) -> int:
    if "kind" not in roads.columns:
        msg = "the roads lack the column 'kind' (residential, footway, ...)"
        raise InputError(msg)
    srid = roads.crs.to_epsg() if roads.crs is not None else None
    if srid is None:
        msg = "the roads have no coordinate reference system with an EPSG number; set one"
        raise CrsError(msg)
    require_metric(srid)
    shapes = np.asarray(roads.geometry.array, dtype=object)
    sound = (shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(
        shapes
    )
    if not sound.all():
        msg = f"row {int(np.argmin(sound))} of the roads is not a line; explode or drop it"
        raise GeometryError(msg)
    if "road_id" in roads.columns and roads["road_id"].duplicated().any():
        twice = roads["road_id"][roads["road_id"].duplicated()].iloc[0]
        msg = f"road_id {twice!r} occurs twice"
        raise InputError(msg)
    return int(srid)


def _describe(roads: gpd.GeoDataFrame) -> pd.DataFrame:
    absent = pd.Series([None] * len(roads), index=roads.index, dtype=object)

    def column(name: str) -> pd.Series[Any]:
        return roads[name] if name in roads.columns else absent

    number = pd.Series(np.arange(len(roads)), index=roads.index)
    return pd.DataFrame(
        {
            "road_id": roads["road_id"] if "road_id" in roads.columns else number,
            "kind": roads["kind"].astype(str),
            "name": column("name").astype(object).where(column("name").notna(), None),
            "oneway": _direction(column("oneway")),
            "layer": _level(column("layer"), column("bridge"), column("tunnel")),
        }
    ).reset_index(drop=True)


def _direction(oneway: pd.Series[Any]) -> Ints:
    said = oneway.map(lambda value: str(value).strip().lower())
    against = said.isin(_BACKWARD)
    return np.where(against, -1, np.where(said.isin(_ONE_WAY), 1, 0)).astype(np.int64)


def _level(layer: pd.Series[Any], bridge: pd.Series[Any], tunnel: pd.Series[Any]) -> Ints:
    given = pd.to_numeric(layer, errors="coerce").to_numpy(dtype=np.float64)
    guess = _is_set(bridge).astype(np.int64) - _is_set(tunnel).astype(np.int64)
    return np.where(np.isnan(given), guess, given).astype(np.int64)


def _is_set(flag: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    said = flag.map(lambda value: "no" if value is None else str(value).strip().lower())
    return ~said.isin(("no", "false", "0", "", "nan", "none")).to_numpy(dtype=np.bool_)


def _without_repeats(xy: Floats, road: Ints) -> tuple[Floats, Ints]:
    """Drop vertices that repeat the one before on the same road."""
    if not len(xy):
        return xy, road
    grid = np.rint(xy / GRAIN_M)
    same = (road[1:] == road[:-1]) & (grid[1:] == grid[:-1]).all(axis=1)
    keep = np.concatenate([[True], ~same])
    return xy[keep], road[keep]


def _number_places(xy: Floats) -> tuple[Ints, Floats]:
    """Return the number of each vertex's place, and the x, y of each place."""
    grid = np.rint(xy / GRAIN_M).astype(np.int64)
    _, first, place = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    return place.reshape(-1).astype(np.int64), xy[first]


def _cut(place: Ints, road: Ints) -> tuple[Ints, Ints]:
    """Return first and last vertex of each segment: cuts are at road ends and shared places."""
    n = len(place)
    if n == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    begins = np.concatenate([[True], road[1:] != road[:-1]])
    ends = np.concatenate([road[1:] != road[:-1], [True]])
    shared = np.bincount(place)[place] > 1
    stops = np.flatnonzero(shared | begins | ends)
    same = road[stops[1:]] == road[stops[:-1]]
    return stops[:-1][same], stops[1:][same]


def _lines(xy: Floats, first: Ints, last: Ints) -> npt.NDArray[np.object_]:
    """Return the line from vertex `first` to vertex `last` of each segment."""
    sizes = last - first + 1
    owner = np.repeat(np.arange(len(first)), sizes)
    start = np.cumsum(sizes) - sizes
    index = np.arange(len(owner)) - start[owner] + first[owner]
    return np.asarray(shapely.linestrings(xy[index], indices=owner), dtype=object).reshape(-1)
