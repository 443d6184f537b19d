"""Simulated patrol tracks, drone flights and camera looks of four weeks, with planted blind spots.

Everybody keeps away from the planted spots, so that a map of what nobody saw can be held to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from geo.crs.systems import convert_geometries, unproject
from geo.demo.district import SRID, District
from geo.demo.people import shift_table
from geo.demo.size import TIME_ZONE
from geo.network.build import RoadNetwork, make_network

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

DAYS = 28
SPOTS = 6
SPOT_M = 110.0
SIGHT_M = 40.0
FOOT_UNITS = 12
FLIGHT_M = 80.0
_SPACING_M = 100.0
_HALF_WIDTH_M = 57.0
_MARGIN_M = 40.0  # noise of fixes and half a cell, so that no rim of a spot is seen
_REPORTED = ("resident", "sensor", "other")


@dataclass(frozen=True, eq=False)
class DutyTracks:
    """What recorders and desks would hand over for the last four weeks.

    Attributes
    ----------
    fixes
        ``device``, ``time`` (UTC), ``lon``, ``lat``, ``height_m`` (drones; NaN else).
    devices
        ``device``, ``unit_ref`` or ``drone_ref``, ``sight_m``.
    shifts
        ``unit_ref``, ``starts_at``, ``ends_at`` of the units that have devices.
    looks
        ``camera_ref``, ``looked_at``: looks of the camera desks.
    blind
        The planted spots in EPSG:4326: ``spot``, ``reports`` (of all time), circles.
    """

    fixes: pd.DataFrame
    devices: pd.DataFrame
    shifts: pd.DataFrame
    looks: pd.DataFrame
    blind: gpd.GeoDataFrame


def make_tracks(district: District, *, rng: np.random.Generator) -> DutyTracks:
    """Make the tracks of a district's last four weeks."""
    walk_rng, drive_rng, look_rng = rng.spawn(3)
    spots, reports = plant_spots(district)
    first = district.size.last_day - timedelta(days=DAYS - 1)
    units = district.staff.units
    foot = units[units["kind"] == "foot"]["source_ref"].to_numpy()
    chosen = foot[np.linspace(0, len(foot) - 1, min(FOOT_UNITS, len(foot))).astype(int)]
    cars = units[units["kind"] == "vehicle"]["source_ref"].to_numpy()
    shifts = shift_table(units[units["source_ref"].isin([*chosen, *cars])], first, days=DAYS)
    free = _free_streets(district, spots)
    parts = [
        _patrol(free, shifts, chosen, 1.2, 30, walk_rng, "REC"),
        _patrol(free, shifts, cars, 6.0, 30, drive_rng, "CAR"),
        _flights(district, spots, first),
    ]
    devices = pd.DataFrame(
        [{"device": f"REC-{ref}", "unit_ref": ref, "sight_m": SIGHT_M} for ref in chosen]
        + [{"device": f"CAR-{ref}", "unit_ref": ref, "sight_m": 30.0} for ref in cars]
        + [{"device": f"LOG-UAV-0{n}", "drone_ref": f"UAV-0{n}", "sight_m": 30.0} for n in (1, 2)]
    )
    circles = convert_geometries(shapely.buffer(spots, SPOT_M), crs=SRID)
    blind = gpd.GeoDataFrame(
        {"spot": np.arange(1, len(spots) + 1), "reports": reports}, geometry=circles, crs=4326
    )
    looks = _looks(district, spots, look_rng)
    end = pd.Timestamp(district.size.handed_over)
    fixes = pd.concat(parts, ignore_index=True)
    return DutyTracks(
        fixes[fixes["time"] <= end].reset_index(drop=True), devices, shifts,
        looks[looks["looked_at"] <= end].reset_index(drop=True), blind,
    )  # fmt: skip


def plant_spots(district: District) -> tuple[NDArray[np.object_], Longs]:
    """Choose the middles of the spots: many reports around, few cameras, far from each other."""
    told = district.incidents[district.incidents["found_by"].isin(_REPORTED)]
    places = told[["x_m", "y_m"]].drop_duplicates().to_numpy()
    places = places[:: max(1, len(places) // 4000)]
    around = KDTree(told[["x_m", "y_m"]].to_numpy())
    reports = np.asarray(around.query_ball_point(places, SPOT_M, return_length=True))
    cameras = shapely.get_coordinates(convert_geometries(
        np.asarray(district.cameras.geometry.array, dtype=object), crs="wgs84", to=SRID
    ))  # fmt: skip
    near = np.asarray(KDTree(cameras).query_ball_point(places, SPOT_M + 60, return_length=True))
    order = np.argsort(-reports / (1 + 3 * near), kind="stable")
    taken: list[int] = []
    for row in order:
        if all(np.hypot(*(places[row] - places[other])) > 900 for other in taken):
            taken.append(int(row))
        if len(taken) == SPOTS:
            break
    return np.asarray(shapely.points(places[taken]), dtype=object), reports[taken]


@dataclass(frozen=True, eq=False)
class _Streets:
    """The part of the network where everybody may go: nodes and who is next to whom."""

    nodes: Floats
    first: Longs
    to: Longs
    line: Longs
    lines: NDArray[np.object_]
    usable: Longs


def _free_streets(district: District, spots: NDArray[np.object_]) -> _Streets:
    lines = convert_geometries(
        np.asarray(district.roads.geometry.array, dtype=object), crs="wgs84", to=SRID
    )
    roads = gpd.GeoDataFrame({"kind": district.roads["kind"].to_numpy()}, geometry=lines, crs=SRID)
    network: RoadNetwork = make_network(roads)
    pieces = np.asarray(network.segments.geometry.array, dtype=object)
    away = shapely.STRtree(spots).query_nearest(pieces, all_matches=False, return_distance=True)[1]
    free = np.flatnonzero(away > SPOT_M + SIGHT_M + _MARGIN_M)
    ends = network.segments[["start", "end"]].to_numpy(dtype=np.int64)[free]
    n = len(network.nodes)
    graph = csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    main = np.bincount(part[ends[:, 0]]).argmax()
    free, ends = free[part[ends[:, 0]] == main], ends[part[ends[:, 0]] == main]
    a = np.concatenate([ends[:, 0], ends[:, 1]])
    b = np.concatenate([ends[:, 1], ends[:, 0]])
    line = np.concatenate([free, free])
    order = np.argsort(a, kind="stable")
    return _Streets(
        network.nodes, np.searchsorted(a[order], np.arange(n + 1)).astype(np.int64), b[order],
        line[order], pieces, np.unique(a),
    )  # fmt: skip


def _patrol(
    streets: _Streets, shifts: pd.DataFrame, units: NDArray[np.object_], speed: float,
    every_s: int, rng: np.random.Generator, prefix: str,
) -> pd.DataFrame:  # fmt: skip
    """Walk each shift along the street that was gone along least, and stand now and then."""
    gone = np.zeros(len(streets.lines))
    parts = []
    for ref in units:
        node = int(rng.choice(streets.usable))
        for shift in shifts[shifts["unit_ref"] == ref].itertuples():
            starts = pd.Timestamp(shift.starts_at)
            length = (pd.Timestamp(shift.ends_at) - starts).total_seconds()
            node, at, xy = _walk(streets, node, length, speed, gone, rng)
            wanted = np.arange(0, length, every_s) + rng.uniform(0, 2)
            x = np.interp(wanted, at, xy[:, 0]) + rng.normal(0, 3.5, len(wanted))
            y = np.interp(wanted, at, xy[:, 1]) + rng.normal(0, 3.5, len(wanted))
            lon, lat = unproject(x, y, srid=SRID)
            moments = starts.tz_convert("UTC") + pd.to_timedelta(wanted, unit="s")
            parts.append(pd.DataFrame(
                {"device": f"{prefix}-{ref}", "time": moments, "lon": np.round(lon, 7),
                 "lat": np.round(lat, 7), "height_m": np.nan}
            ))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _walk(
    streets: _Streets, node: int, length_s: float, speed: float, gone: Floats,
    rng: np.random.Generator,
) -> tuple[int, Floats, Floats]:  # fmt: skip
    """Return the last node, and times and places of the corners of a way that lasts so long."""
    at, now, stand = [0.0], 0.0, 1500.0
    xy = [streets.nodes[node][None]]
    while now < length_s:
        rows = np.arange(streets.first[node], streets.first[node + 1])
        row = rows[np.argmin(gone[streets.line[rows]] + rng.uniform(0, 0.5, len(rows)))]
        gone[streets.line[row]] += 1
        corners = shapely.get_coordinates(streets.lines[streets.line[row]])
        if np.hypot(*(corners[0] - streets.nodes[node])) > np.hypot(
            *(corners[-1] - streets.nodes[node])
        ):
            corners = corners[::-1]
        step = np.cumsum(np.hypot(*np.diff(corners, axis=0).T)) / speed
        at += (now + step).tolist()
        xy.append(corners[1:])
        now, node = now + float(step[-1]), int(streets.to[row])
        if now > stand:
            now += float(rng.uniform(600, 900))
            at.append(now)
            xy.append(corners[-1:])
            stand = now + 2400.0
    return node, np.array(at), np.concatenate(xy)


def _flights(district: District, spots: NDArray[np.object_], first: date) -> pd.DataFrame:
    """Fly parallel lines over the district, cut where they come near a spot, a part each day."""
    outline = convert_geometries(
        np.asarray(district.district.geometry.array, dtype=object), crs="wgs84", to=SRID
    )[0]
    away = shapely.union_all(shapely.buffer(spots, SPOT_M + _HALF_WIDTH_M + _MARGIN_M))
    west, south, east, north = shapely.bounds(outline)
    rows = np.arange(south + _SPACING_M / 2, north, _SPACING_M)
    lines = shapely.linestrings([[(west, y), (east, y)] for y in rows])
    pieces = shapely.get_parts(shapely.difference(shapely.intersection(lines, outline), away))
    pieces = pieces[shapely.length(pieces) > 60]
    zone = ZoneInfo(TIME_ZONE)
    parts, day, clock, crew = [], 0, 0.0, 0
    for piece in pieces:
        far = np.arange(0, piece.length, 50.0)
        xy = shapely.get_coordinates(shapely.line_interpolate_point(piece, far))
        if clock + piece.length / 10 > 2.7 * 3600:
            day, crew, clock = day + crew, 1 - crew, 0.0
        begins = datetime.combine(first + timedelta(days=day % DAYS), time(9), tzinfo=zone)
        seconds = clock + far / 10.0
        clock = float(seconds[-1]) + 240.0  # long enough to be no leg of its own
        lon, lat = unproject(xy[:, 0], xy[:, 1], srid=SRID)
        moments = pd.Timestamp(begins).tz_convert("UTC") + pd.to_timedelta(seconds, unit="s")
        parts.append(pd.DataFrame(
            {"device": f"LOG-UAV-0{crew + 1}", "time": moments, "lon": np.round(lon, 7),
             "lat": np.round(lat, 7), "height_m": FLIGHT_M}
        ))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _looks(
    district: District, spots: NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    """Look at every working camera that cannot see a spot, on two of the last seven days."""
    cameras = district.cameras
    places = convert_geometries(np.asarray(cameras.geometry.array, dtype=object), crs="wgs84",
                                to=SRID)  # fmt: skip
    away = shapely.STRtree(spots).query_nearest(places, all_matches=False, return_distance=True)[1]
    reach = cameras["range_m"].to_numpy() + SPOT_M + _MARGIN_M
    free = (away > reach) & (cameras["status"] != "offline").to_numpy()
    refs = cameras["source_ref"].to_numpy()[free]
    last = datetime.combine(district.size.last_day, time(0), tzinfo=ZoneInfo(TIME_ZONE))
    rows = []
    for back in (5, 1):
        order = rng.permutation(refs)
        slots = np.arange(len(order)) // 8  # two watchers, four screens, 5 minutes a slot
        begins = last - timedelta(days=back) + timedelta(hours=8 if back == 5 else 16)
        rows += [
            {"camera_ref": ref, "looked_at": begins + timedelta(minutes=5 * int(slot)),
             "watcher": 1 + n % 2}
            for n, (ref, slot) in enumerate(zip(order, slots, strict=True))
        ]  # fmt: skip
    return pd.DataFrame(rows)
