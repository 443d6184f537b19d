"""Files of incidents, one per feed, each in another format and with its own dirty rows."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geo.demo.categories import CLASSES, GROUPS, SCHEME
from geo.demo.dirt import spoil
from geo.demo.district import District
from geo.demo.handover import Written, settings, write_geojson
from geo.demo.size import METRIC_CRS, TIME_ZONE

HOTLINE_COLUMNS = {
    "source_ref": "工单编号",
    "occurred_at": "发生时间",
    "reported_at": "受理时间",
    "category": "小类代码",
    "x": "经度",
    "y": "纬度",
}
DEPARTMENT_COLUMNS = {
    "source_ref": "移送编号",
    "occurred_at": "发生时间",
    "reported_at": "移送时间",
    "category": "小类代码",
    "x": "横坐标",
    "y": "纵坐标",
}


def write_hotline(district: District, folder: Path) -> Written:
    """Write residents' reports as a compressed CSV, local time to the minute."""
    table = feed_rows(district, "hotline-12345")
    for column in ("occurred_at", "reported_at"):
        table[column] = table[column].dt.strftime("%Y-%m-%d %H:%M")
    table = table.assign(
        小类名称=table["category"].map({item.code: item.name for item in CLASSES}),
        紧急程度=table["severity"].map({1: "特急", 2: "紧急", 3: "一般", 4: "普通"}),
        办理状态=table["status"].map({"closed": "已办结", "in_progress": "办理中"}),
    )
    extra = ["小类名称", "紧急程度", "办理状态"]
    names = {"lon": "经度", "lat": "纬度", **HOTLINE_COLUMNS}
    table = table.rename(columns=names)[[*HOTLINE_COLUMNS.values(), *extra]]
    text = table.to_csv(index=False).encode("utf-8")
    (folder / "incidents_hotline.csv.gz").write_bytes(gzip.compress(text, 6, mtime=0))
    return "incidents_hotline.csv.gz", {
        **incident_settings(
            district, "hotline-12345", "12345热线工单（模拟）", "wgs84", len(table)
        ),
        "time_format": "%Y-%m-%d %H:%M",
        "midnight": "unknown",
        "attributes": ["紧急程度", "办理状态"],
        "columns": HOTLINE_COLUMNS,
        "constants": {"found_by": "resident"},
        "categories": category_words(),
    }


def write_patrol(district: District, folder: Path) -> Written:
    """Write what grid officers found as Parquet with zoned times."""
    table = feed_rows(district, "grid-patrol")
    names = ["source_ref", "occurred_at", "reported_at", "category", "lon", "lat"]
    table = table[[*names, "severity", "status"]]
    table.to_parquet(folder / "incidents_patrol.parquet", index=False)
    return "incidents_patrol.parquet", {
        **incident_settings(district, "grid-patrol", "网格员巡查（模拟）", "wgs84", len(table)),
        "attributes": ["severity", "status"],
        "columns": incident_columns("lon", "lat"),
        "constants": {"found_by": "patrol"},
        "categories": category_words(),
    }


def write_video(district: District, folder: Path) -> Written:
    """Write what cameras and drones saw as one CSV whose column tells which it was."""
    table = feed_rows(district, "video-patrol")
    for column in ("occurred_at", "reported_at"):
        table[column] = table[column].dt.strftime("%Y-%m-%dT%H:%M:%S+08:00")
    table["channel"] = table["found_by"].map({"camera": "视频巡查", "drone": "无人机"})
    names = [
        "source_ref", "occurred_at", "reported_at", "category", "channel", "camera_ref",
        "lon", "lat", "severity", "status",
    ]  # fmt: skip
    table[names].to_csv(folder / "incidents_video.csv", index=False)
    return "incidents_video.csv", {
        **incident_settings(
            district, "video-patrol", "视频与无人机巡查（模拟）", "cgcs2000", len(table)
        ),
        "attributes": ["camera_ref", "severity", "status"],
        "columns": {**incident_columns("lon", "lat"), "found_by": "channel"},
        "values": {"found_by": {"视频巡查": "camera", "无人机": "drone"}},
        "categories": category_words(),
    }


def write_sensors(district: District, folder: Path) -> Written:
    """Write sensor alarms as GeoJSON points, times in UTC."""
    table = feed_rows(district, "sensors")
    for column in ("occurred_at", "reported_at"):
        table[column] = table[column].dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    names = ["source_ref", "occurred_at", "reported_at", "category", "severity", "status"]
    points = gpd.GeoDataFrame(
        table[names], geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs="EPSG:4326"
    )
    write_geojson(points, folder / "incidents_sensors.geojson")
    return "incidents_sensors.geojson", {
        **incident_settings(district, "sensors", "传感器告警（模拟）", "wgs84", len(points)),
        "attributes": ["severity", "status"],
        "columns": incident_columns(),
        "constants": {"found_by": "sensor"},
        "categories": category_words(),
    }


def write_departments(district: District, folder: Path) -> Written:
    """Write what other departments handed over as a workbook in metres of the city's grid."""
    table = feed_rows(district, "departments")
    for column in ("occurred_at", "reported_at"):
        table[column] = table[column].dt.strftime("%Y-%m-%d %H:%M:%S")
    names = {"x_m": "横坐标", "y_m": "纵坐标", **DEPARTMENT_COLUMNS}
    table = table.rename(columns=names)[list(DEPARTMENT_COLUMNS.values())]
    table.to_excel(folder / "incidents_departments.xlsx", index=False, sheet_name="移送")
    return "incidents_departments.xlsx", {
        **incident_settings(district, "departments", "部门移送（模拟）", METRIC_CRS, len(table)),
        "time_format": "%Y-%m-%d %H:%M:%S",
        "columns": DEPARTMENT_COLUMNS,
        "constants": {"found_by": "other"},
        "categories": category_words(),
    }


def feed_rows(district: District, *sources: str) -> pd.DataFrame:
    """Return the reports of some feeds in order, with their dirty rows spoilt."""
    mine = district.incidents["source"].isin(sources)
    dirt = district.truth.dirt
    return spoil(district.incidents[mine], dirt[dirt["source"].isin(sources)])


def incident_settings(
    district: District, source: str, title: str, crs: str, rows: int
) -> dict[str, Any]:
    """Return the settings that every mapping of incidents begins with."""
    return {
        **settings("incidents", source, title, crs=crs, rows=rows),
        "covers_to": district.size.last_whole_day.isoformat(),
        "time_zone": TIME_ZONE,
        "category_scheme": SCHEME,
    }


def incident_columns(x: str | None = None, y: str | None = None) -> dict[str, str]:
    """Return the columns of files that use Gridbeat's own names."""
    names = {name: name for name in ("source_ref", "occurred_at", "reported_at", "category")}
    return names if x is None or y is None else {**names, "x": x, "y": y}


def category_words() -> dict[str, dict[str, str]]:
    """Return the classes as a mapping names them."""
    return {
        item.code: {"name": item.name, "name_en": item.name_en, "group": GROUPS[item.group][0]}
        for item in CLASSES
    }
