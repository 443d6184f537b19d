"""Routes as GeoJSON for maps and as GPX for the devices that people carry."""

from __future__ import annotations

import json
import math
from datetime import tzinfo
from typing import Any

import geopandas as gpd
import gpxpy.gpx
import pandas as pd
import shapely

from patrol.routes.store import StoredRoutes

_DECIMALS = 6


def routes_geojson(stored: StoredRoutes) -> str:
    """Return ways and visits as GeoJSON (RFC 7946), lon/lat with 6 decimals."""
    features = [
        {
            "type": "Feature",
            "id": f"{kind}/{row['id']}",
            "geometry": shapely.geometry.mapping(_rounded(row["geometry"])),
            "properties": {"kind": kind} | {
                name: _plain(value)
                for name, value in row.items()
                if name not in ("geometry", "id")
            },
        }
        for kind, frame in (("route", stored.routes), ("stop", stored.stops))
        for row in _records(frame.assign(id=_ids(kind, frame)))
    ]  # fmt: skip
    head = {name: _plain(value) for name, value in stored.run.items()}
    collection = {"type": "FeatureCollection", "gridbeat": head, "features": features}
    return json.dumps(collection, ensure_ascii=False, allow_nan=False)


def routes_gpx(stored: StoredRoutes, *, when: tzinfo | None = None) -> str:
    """Return GPX 1.1: a track a unit along the roads, a route a unit with its visits and times.

    Parameters
    ----------
    when
        Zone in which names say when a unit sets out, for a file of several shifts; None: they are
        the units' alone.
    """
    gpx = gpxpy.gpx.GPX()
    gpx.creator = "Gridbeat"
    for way in _records(stored.routes):
        begins = way["starts_at"].to_pydatetime()
        name = (
            way["unit"] if when is None else f"{way['unit']} {begins.astimezone(when):%m-%d %H:%M}"
        )
        track = gpxpy.gpx.GPXTrack(name=name)
        track.segments.append(
            gpxpy.gpx.GPXTrackSegment(
                [gpxpy.gpx.GPXTrackPoint(lat, lon) for lon, lat in way["geometry"].coords]
            )
        )
        gpx.tracks.append(track)
        route = gpxpy.gpx.GPXRoute(name=name)
        for stop in _records(stored.stops[stored.stops["route_id"] == way["route_id"]]):
            point = gpxpy.gpx.GPXRoutePoint(
                stop["geometry"].y, stop["geometry"].x, time=stop["start_at"].to_pydatetime(),
                name=f"{stop['ordinal']} {stop['stop_ref']}",
                description=f"{stop['reason_zh']}\n{stop['reason_en']}",
            )  # fmt: skip
            route.points.append(point)
        gpx.routes.append(route)
    return str(gpx.to_xml(version="1.1"))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _ids(kind: str, frame: gpd.GeoDataFrame) -> pd.Series[str]:
    number = frame["route_id"].astype(str)
    return number if kind == "route" else number + "." + frame["ordinal"].astype(str)


def _rounded(shape: Any) -> Any:
    return shapely.transform(shape, lambda xy: xy.round(_DECIMALS))


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
