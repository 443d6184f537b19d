"""How a file of fixes is read: names of columns, clock, zone and reference system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from geo.errors import InputError

NAMES: Mapping[str, tuple[str, ...]] = {
    "device": ("device", "device_ref", "device_id", "imei", "设备", "设备号", "终端号"),
    "time": ("time", "timestamp", "recorded_at", "gps_time", "时间", "定位时间", "采集时间"),
    "lon": ("lon", "lng", "longitude", "x", "经度"),
    "lat": ("lat", "latitude", "y", "纬度"),
    "height": ("height_m", "height", "rel_alt", "高度"),
}


@dataclass(frozen=True)
class ReadParams:
    """How a file of fixes is read.

    Attributes
    ----------
    now
        Fixes of more than a day after it are bad.
    device
        Whose fixes they are where no column says so.
    time_zone
        Of times that name none.
    crs
        Of the positions; see `geo.crs.systems.parse_crs`.
    columns
        Names of columns where they are none of `NAMES`: ``{"time": "采集于"}``.
    clock_offset_s
        Seconds by which the device's clock was late.
    encoding
        Of the text, where it is not recognised.
    """

    now: datetime
    device: str | None = None
    time_zone: str = "UTC"
    crs: str = "wgs84"
    columns: Mapping[str, str] = field(default_factory=dict)
    clock_offset_s: float = 0.0
    encoding: str | None = None

    def __post_init__(self) -> None:
        unknown = set(self.columns) - set(NAMES)
        if unknown:
            raise InputError(f"a track has no {min(unknown)!r}; columns are {', '.join(NAMES)}")
