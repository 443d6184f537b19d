"""GPX 1.1: a mission as a route, a route back as a mission, a recorded track as a track."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gpxpy
import gpxpy.gpx
import numpy as np
import pyarrow as pa

from geo.errors import FormatError
from patrol.drones.formats.gpx_points import no_gpx, read_points
from patrol.drones.formats.xml import Element, local_name, read_xml
from patrol.drones.mission import ABOVE_HOME, ABOVE_SEA, FRAMES, Mission, place
from patrol.tracks.track import Floats, Times, Track, make_track

_ABOVE_HOME = "metres above take-off: "
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


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
    points = read_points(path.read_bytes(), path.name)
    if not points.lon:
        msg = f"{path.name}: it has no recorded track"
        raise FormatError(msg)
    return make_track(
        _times(points.time, path),
        _numbers(points.lon, "lon", path),
        _numbers(points.lat, "lat", path),
        altitude_m=_numbers([said or None for said in points.ele], "ele", path),
        source="gpx",
        name=path.stem,
    )


def _times(said: list[str | None], path: Path) -> Times:
    """Return the instant of each point, NaT where it says none; UTC where it names no zone."""
    try:  # nearly always: all with their zone
        stamps = pa.array(said, pa.string()).cast(pa.timestamp("us", "UTC"))
        return np.asarray(stamps.to_numpy(zero_copy_only=False), "datetime64[us]")
    except pa.ArrowInvalid:
        return _times_one_by_one(said, path)


def _times_one_by_one(said: list[str | None], path: Path) -> Times:
    micro = np.full(len(said), np.iinfo(np.int64).min)
    for n, one in enumerate(said):
        if one is None or not one.strip():
            continue
        try:
            moment = datetime.fromisoformat(one.strip())
        except ValueError as error:
            msg = f"{path.name}: no readable GPX (point {n + 1}: {one!r} is no time)"
            raise FormatError(msg) from error
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        micro[n] = (moment - _EPOCH) // _MICROSECOND
    return micro.view("datetime64[us]")


def _numbers(said: list[str | None], name: str, path: Path) -> Floats:
    """Return numbers, NaN where there is none."""
    texts = pa.array(said, pa.string())
    with suppress(pa.ArrowInvalid):
        values: Floats = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
        if np.isfinite(values).sum() == len(said) - texts.null_count:
            return values
    try:
        return np.array([math.nan if one is None else float(one) for one in said])
    except ValueError as error:
        n = next(n for n, one in enumerate(said) if one is not None and not _is_float(one))
        msg = f"{path.name}: no readable GPX (point {n + 1}: {name} is {said[n]!r}, no number)"
        raise FormatError(msg) from error


def is_track(path: Path) -> bool:
    """Say whether a GPX file holds a recorded track."""
    root, space = _read_root(path)
    return root.find(f"{space}trk/{space}trkseg") is not None


def _read_root(path: Path) -> tuple[Element, str]:
    """Return the outermost element, and the name space that its children share with it."""
    root = read_xml(path.read_bytes(), path.name)
    if local_name(root) != "gpx":
        raise no_gpx(path.name, local_name(root))
    return root, root.tag.removesuffix("gpx")


def _parse(path: Path) -> Any:
    content = path.read_bytes()
    read_xml(content, path.name)
    try:
        return gpxpy.parse(content.decode("utf-8-sig"))
    except (gpxpy.gpx.GPXException, UnicodeDecodeError, ValueError, TypeError) as error:
        msg = f"{path.name}: no readable GPX ({error})"
        raise FormatError(msg) from error


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    return _is_float(text) and math.isfinite(float(text))
