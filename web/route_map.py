"""Stored routes as the layer of a map: ways, and visits with their order and times."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd

from patrol.routes.store import StoredRoutes

COLUMNS = ["unit", "mode", "order", "times", "reason_zh", "reason_en", "geometry"]


def drawn_routes(stored: StoredRoutes, time_zone: str) -> gpd.GeoDataFrame:
    """Return ways below visits in EPSG:4326, times on the wall clock of `time_zone`."""
    zone = ZoneInfo(time_zone)
    ways, stops = stored.routes, stored.stops
    drive = ways.assign(
        order="",
        times=_span(ways["starts_at"], ways["ends_at"], zone),
        reason_zh=[f"{metres / 1000:.1f} 公里" for metres in ways["travel_m"]],
        reason_en=[f"{metres / 1000:.1f} km" for metres in ways["travel_m"]],
    )
    visits = stops.assign(
        order=stops["ordinal"].astype(str),
        mode=stops["route_id"].map(ways.set_index("route_id")["mode"]),
        times=_span(stops["start_at"], stops["leave_at"], zone),
    )
    both = pd.concat([drive[COLUMNS], visits[COLUMNS]], ignore_index=True)
    return gpd.GeoDataFrame(both, geometry="geometry", crs=4326)


def _span(begin: pd.Series, end: pd.Series, zone: ZoneInfo) -> list[str]:
    return [
        f"{a.astimezone(zone):%H:%M}–{b.astimezone(zone):%H:%M}"
        for a, b in zip(begin, end, strict=True)
    ]
