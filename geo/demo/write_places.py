"""Files of places and teams: boundaries, grids, buildings, roads, points, units."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.demo.airspace import airspace_zones, drone_fleet
from geo.demo.district import District
from geo.demo.handover import Written, settings, with_lon_lat, write_geojson
from geo.demo.size import DISTRICT_CODE, DISTRICT_NAME, DISTRICT_NAME_EN, METRIC_CRS, TIME_ZONE

SHAPE_COLUMNS = {
    "source_ref": "bldg_id",
    "kind": "kind",
    "height_m": "height_m",
    "levels": "levels",
    "households": "homes",
}
CAMERA_COLUMNS = {
    "source_ref": "点位编号",
    "name": "点位名称",
    "azimuth_deg": "方位角",
    "fov_deg": "视场角",
    "range_m": "可视距离",
    "height_m": "安装高度",
    "mount": "安装方式",
    "status": "状态",
    "gb28181_id": "国标编码",
    "place_class": "场所类别",
    "owner_unit": "建设单位",
    "legal_basis": "法律依据",
    "sign_posted": "提示标识",
    "in_use_on": "投用日期",
    "filing_no": "备案编号",
    "filed_on": "备案日期",
    "retention_days": "保存天数",
}
CAMERA_WORDS = {
    "status": {"online": "在线", "offline": "离线", "unknown": "未知", "retired": "停用"},
    "mount": {"pole": "立杆", "wall": "壁装"},
    "place_class": {
        "road_junction": "道路路口",
        "facility_gate": "重点场所出入口",
        "residential_lane": "居住区道路",
        "commercial_street": "商业街区",
    },
}
UNIT_COLUMNS = {
    "source_ref": "队伍编号",
    "kind": "队伍类型",
    "name": "队伍名称",
    "headcount": "人数",
    "home_station": "驻地",
    "area_code": "网格编码",
}
UNIT_WORDS = {
    "foot": "步巡",
    "vehicle": "车巡",
    "drone": "无人机",
    "camera_desk": "视频巡查席",
    "volunteer": "志愿巡防",
    "joint": "联勤",
}


def write_boundaries(district: District, folder: Path) -> Written:
    """Write district, streets and communities as one GeoJSON."""
    levels = [district.district, district.streets, district.communities]
    table = gpd.GeoDataFrame(pd.concat(levels, ignore_index=True), crs="EPSG:4326")
    write_geojson(table, folder / "boundaries.geojson")
    names = ("code", "name", "name_en", "households", "level", "parent_code", "valid_from")
    return "boundaries.geojson", {
        **settings("boundaries", "civil-affairs", "行政区划（模拟）", crs="wgs84", rows=len(table)),
        "attributes": ["simulated"],
        "new_jurisdiction": {
            "code": DISTRICT_CODE,
            "name": DISTRICT_NAME,
            "name_en": DISTRICT_NAME_EN,
            "time_zone": TIME_ZONE,
            "code_scheme": "cn",
            "metric_srid": int(METRIC_CRS.split(":")[1]),
            "simulated": True,
        },
        "columns": {name: name for name in names},
    }


def write_grids(district: District, folder: Path) -> Written:
    """Write the grids as a GeoPackage."""
    path = folder / "grids.gpkg"
    path.unlink(missing_ok=True)
    district.grids.to_file(path, driver="GPKG", layer="grids")
    names = (
        "code", "name", "name_en", "households", "parent_code", "grid_kind", "host_unit",
        "exempt_reason", "valid_from",
    )  # fmt: skip
    return path.name, {
        **settings("grids", "grid-office", "网格（模拟）", crs="wgs84", rows=len(district.grids)),
        "attributes": ["host_kind", "simulated"],
        "columns": {name: name for name in names},
    }


def write_buildings(district: District, folder: Path) -> Written:
    """Write the buildings as a zipped Shapefile in the surveying office's projection."""
    path = folder / "buildings.shp.zip"
    path.unlink(missing_ok=True)
    table = district.buildings[[*SHAPE_COLUMNS, "geometry"]].rename(columns=SHAPE_COLUMNS)
    table.to_crs(METRIC_CRS).to_file(path, driver="ESRI Shapefile", encoding="utf-8")
    return path.name, {
        **settings("buildings", "surveying", "建筑（模拟）", crs=METRIC_CRS, rows=len(table)),
        "columns": SHAPE_COLUMNS,
    }


def write_roads(district: District, folder: Path) -> Written:
    """Write the street network as GeoJSON."""
    write_geojson(district.roads, folder / "roads.geojson")
    return "roads.geojson", {
        **settings("roads", "road-office", "道路（模拟）", crs="wgs84", rows=len(district.roads)),
        "attributes": ["name_en", "bridge"],
        "columns": {name: name for name in ("source_ref", "kind", "name", "oneway")},
    }


def write_water(district: District, folder: Path) -> Written:
    """Write the river and the pond as GeoJSON."""
    water = district.water.assign(
        source_ref=[f"W{number:03d}" for number in range(1, len(district.water) + 1)]
    )
    write_geojson(water, folder / "water.geojson")
    return "water.geojson", {
        **settings("water", "water-office", "水系（模拟）", crs="wgs84", rows=len(water)),
        "attributes": ["name_en"],
        "columns": {name: name for name in ("source_ref", "kind", "name")},
    }


def write_stations(district: District, folder: Path) -> Written:
    """Write the stations as a CSV with a byte-order mark, as spreadsheets make it."""
    table = with_lon_lat(district.stations)
    table.to_csv(folder / "stations.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    names = ("source_ref", "kind", "name", "address", "opening_hours")
    return "stations.csv", {
        **settings("stations", "stations", "站点（模拟）", crs="wgs84", rows=len(table)),
        "encoding": "utf-8-sig",
        "attributes": ["name_en", "area_code"],
        "columns": {**{name: name for name in names}, "x": "lon", "y": "lat"},
    }


def write_households(district: District, folder: Path) -> Written:
    """Write household counts as a CSV in the coordinates of a web map (BD-09)."""
    table = with_lon_lat(district.households, crs="bd09")
    table.to_csv(folder / "households.csv", index=False, encoding="utf-8")
    return "households.csv", {
        **settings("households", "address-register", "户数（模拟）", crs="bd09", rows=len(table)),
        "columns": {
            "source_ref": "source_ref",
            "households": "households",
            "address": "address",
            "x": "lon",
            "y": "lat",
        },
    }


def write_cameras(district: District, folder: Path) -> Written:
    """Write the cameras as a GB18030 CSV with Chinese headers and GCJ-02 coordinates."""
    table = with_lon_lat(district.cameras, crs="gcj02")
    for column, words in CAMERA_WORDS.items():
        table[column] = table[column].map(words)
    table["sign_posted"] = np.where(table["sign_posted"], "有", "无")
    for column in ("in_use_on", "filed_on"):
        table[column] = pd.to_datetime(table[column]).dt.strftime("%Y-%m-%d")
    table = table.rename(columns={**CAMERA_COLUMNS, "lon": "经度", "lat": "纬度"})
    table.to_csv(folder / "cameras.csv", index=False, encoding="gb18030", lineterminator="\r\n")
    return "cameras.csv", {
        **settings("cameras", "camera-register", "摄像机（模拟）", crs="gcj02", rows=len(table)),
        "encoding": "gb18030",
        "columns": {**CAMERA_COLUMNS, "x": "经度", "y": "纬度"},
        "values": {
            column: {word: key for key, word in words.items()}
            for column, words in CAMERA_WORDS.items()
        },
    }


def write_units(district: District, folder: Path) -> Written:
    """Write the units as a workbook with Chinese headers."""
    table = district.staff.units.assign(kind=district.staff.units["kind"].map(UNIT_WORDS))
    table = table[list(UNIT_COLUMNS)].rename(columns=UNIT_COLUMNS)
    table.to_excel(folder / "units.xlsx", index=False, sheet_name="队伍")
    return "units.xlsx", {
        **settings("units", "duty-roster", "队伍（模拟）", rows=len(table)),
        "columns": UNIT_COLUMNS,
        "values": {"kind": {word: key for key, word in UNIT_WORDS.items()}},
    }


def write_airspace(district: District, folder: Path) -> Written:
    """Write the airspace zones as GeoJSON."""
    table = airspace_zones(district)
    write_geojson(table, folder / "airspace.geojson")
    names = (
        "source_ref", "kind", "name", "authority", "floor_m", "valid_from", "valid_to",
    )  # fmt: skip
    return "airspace.geojson", {
        **settings("airspace", "airspace", "空域（模拟）", crs="wgs84", rows=len(table)),
        "columns": {name: name for name in names},
    }


def write_drones(district: District, folder: Path) -> Written:
    """Write the drones as a CSV."""
    table = drone_fleet(district)
    table.to_csv(folder / "drones.csv", index=False, encoding="utf-8")
    names = [name for name in table.columns if name not in ("lon", "lat")]
    return "drones.csv", {
        **settings("drones", "drones", "无人机（模拟）", crs="wgs84", rows=len(table)),
        "columns": {**{name: name for name in names}, "x": "lon", "y": "lat"},
    }
