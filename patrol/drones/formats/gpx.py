"""GPX 1.1: a mission as a route, a route back as a mission, a recorded track as a track."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gpxpy
import gpxpy.gpx
import numpy as np

from geo.errors import FormatError
from patrol.drones.formats.xml import read_xml
from patrol.drones.mission import ABOVE_HOME, ABOVE_SEA, FRAMES, Mission, place
from patrol.tracks.track import Track, make_track

_ABOVE_HOME = "metres above take-off: "


def read_gpx_route(path: Path) -> Mission:
    """Read the first route of a GPX file, or its waypoints if it has none, as a mission.

    Raises
    ------
    FormatError
        It is no GPX, or has neither a route nor waypoints.
    """
    parsed = _parse(path)
    points = parsed.routes[0].points if parsed.routes else parsed.waypoints
    if not points:
        msg = f"{path.name}: it has neither a route nor waypoints; a recorded track is no mission"
        raise FormatError(msg)
    items = []
    for number, point in enumerate(points):
        said = (point.comment or "").removeprefix(_ABOVE_HOME)
        own = (point.comment or "").startswith(_ABOVE_HOME) and _is_number(said)
        height = float(said) if own else math.nan if point.elevation is None else point.elevation
        frame = ABOVE_HOME if own else ABOVE_SEA
        items.append(place(number, point.longitude, point.latitude, height, frame=frame))
    return Mission(name=path.stem, items=tuple(items))


def write_gpx_route(mission: Mission, path: Path) -> None:
    """Write the places as a route; ``ele`` is above sea level and left out where unknown."""
    root = gpxpy.gpx.GPX()
    root.creator = "gridbeat"
    route = gpxpy.gpx.GPXRoute(name=mission.name)
    ground = mission.home[2] if mission.home is not None else math.nan
    for item in mission.places():
        above_home = FRAMES.get(item.frame) == ABOVE_HOME
        sea = item.height_m + ground if above_home else item.height_m
        known = math.isfinite(sea) and (above_home or FRAMES.get(item.frame) == ABOVE_SEA)
        point = gpxpy.gpx.GPXRoutePoint(
            round(item.lat, 8), round(item.lon, 8), elevation=round(sea, 3) if known else None,
            name=str(item.seq),
        )  # fmt: skip
        if above_home:
            point.comment = f"{_ABOVE_HOME}{item.height_m:.3f}"
        route.points.append(point)
    root.routes.append(route)
    path.write_text(root.to_xml(version="1.1"), "utf-8")


def read_gpx_track(path: Path) -> Track:
    """Read all recorded points of a GPX file, in order.

    Raises
    ------
    FormatError
        It is no GPX, or has no recorded track.
    """
    parsed = _parse(path)
    points = [p for track in parsed.tracks for segment in track.segments for p in segment.points]
    if not points:
        msg = f"{path.name}: it has no recorded track"
        raise FormatError(msg)
    return make_track(
        np.array([_utc(point.time) for point in points], dtype="datetime64[us]"),
        np.array([point.longitude for point in points]),
        np.array([point.latitude for point in points]),
        altitude_m=np.array(
            [np.nan if point.elevation is None else point.elevation for point in points]
        ),
        source="gpx",
        name=path.stem,
    )


def is_track(path: Path) -> bool:
    """Say whether a GPX file holds a recorded track."""
    return any(track.segments for track in _parse(path).tracks)


def _utc(moment: Any) -> np.datetime64:
    if moment is None:
        return np.datetime64("NaT", "us")
    offset = moment.utcoffset()
    plain = moment.replace(tzinfo=None)
    return np.datetime64(plain - offset if offset else plain, "us")


def _parse(path: Path) -> Any:
    content = path.read_bytes()
    read_xml(content, path.name)
    try:
        return gpxpy.parse(content.decode("utf-8-sig"))
    except (gpxpy.gpx.GPXException, UnicodeDecodeError, ValueError, TypeError) as error:
        msg = f"{path.name}: no readable GPX ({error})"
        raise FormatError(msg) from error


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
