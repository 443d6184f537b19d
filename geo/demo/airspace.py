"""Airspace zones and drones of the simulated district."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
import shapely

from geo.demo.district import District
from geo.demo.size import METRIC_CRS, TIME_ZONE

# Station near which a zone lies, its radius in metres, what it is, and from when to when it holds:
# days after the last one of the incidents, and local hour.
_AROUND = (
    ("Station Patrol Post", 150.0, "transport", "澜海站铁路净空区", None, None),
    ("Night Market Patrol Post", 90.0, "crowd", "渔火夜市人员密集区", None, None),
    ("South Bank Fire Station", 200.0, "prohibited", "营区禁飞区", None, None),
    (
        "Park Patrol Post", 350.0, "temporary", "半程马拉松临时管制", (8, 6), (8, 12),
    ),
)  # fmt: skip
_AIRPORT_FROM_M = 60.0


def airspace_zones(district: District) -> gpd.GeoDataFrame:
    """Return the zones: four around named places, and an airport's above the north-east.

    Returns
    -------
    GeoDataFrame
        EPSG:4326: ``source_ref``, ``kind``, ``name``, ``authority``, ``floor_m``, ``ceiling_m``,
        ``valid_from``, ``valid_to``.
    """
    stations = district.stations.to_crs(METRIC_CRS).set_index("name_en").geometry
    outline = district.district.to_crs(METRIC_CRS).geometry.iloc[0]
    rows: list[tuple[object, ...]] = [
        (
            kind,
            name,
            0.0,
            _moment(district, begin),
            _moment(district, end),
            stations[near].buffer(radius, quad_segs=12),
        )
        for near, radius, kind, name, begin, end in _AROUND
    ]
    _, south, east, north = outline.bounds
    corner = shapely.Point(east, north).buffer(0.38 * (north - south), quad_segs=16)
    approach = shapely.intersection(corner, outline.buffer(300.0))
    rows.append(("airport", "通用机场净空区", _AIRPORT_FROM_M, None, None, approach))
    columns = ["kind", "name", "floor_m", "valid_from", "valid_to", "geometry"]
    table = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=METRIC_CRS)
    table.insert(0, "source_ref", [f"Z{number:03d}" for number in range(1, len(table) + 1)])
    table["name"] += "（模拟）"
    return table.assign(authority="澜海区空域管理（模拟）").to_crs(4326)


def _moment(district: District, after: tuple[int, int] | None) -> str | None:
    if after is None:
        return None
    day = district.size.last_day + timedelta(days=after[0])
    return datetime.combine(day, time(after[1]), tzinfo=ZoneInfo(TIME_ZONE)).isoformat()


def drone_fleet(district: District) -> pd.DataFrame:
    """Return two alike drones at the drone base, relayed by network."""
    base = district.stations.set_index("name_en").geometry["Drone Base"]
    return pd.DataFrame(
        {
            "source_ref": ["UAV-01", "UAV-02"],
            "name": ["巡飞一号", "巡飞二号"],
            "model": "SIM-4K",
            "size_class": "light",
            "registration_no": ["UAS00000001", "UAS00000002"],
            "operator": "区无人机高空巡查队（模拟）",
            "network_relay": True,
            "speed_m_s": 10.0,
            "endurance_s": 2100.0,
            "max_wind_m_s": 10.0,
            "sensor_width_mm": 17.3,
            "sensor_height_mm": 13.0,
            "focal_mm": 12.29,
            "image_width_px": 5280,
            "image_height_px": 3956,
            "lon": round(float(shapely.get_x(base)), 7),
            "lat": round(float(shapely.get_y(base)), 7),
        }
    )
