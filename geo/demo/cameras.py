"""The cameras of the simulated district: metadata only, some off-line, some not filed."""

from __future__ import annotations

from datetime import timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.demo.size import DISTRICT_CODE, DemoSize
from geo.demo.stations import beside_road, point_array
from geo.demo.town import Town, frame

CLASS_SHARES = {
    "road_junction": 0.34,
    "facility_gate": 0.16,
    "residential_lane": 0.36,
    "commercial_street": 0.14,
}
LENS = {
    "road_junction": (65.0, 110.0, 6.5),
    "facility_gate": (85.0, 55.0, 4.5),
    "residential_lane": (90.0, 60.0, 4.0),
    "commercial_street": (80.0, 75.0, 5.0),
}
"""Middle field of view in degrees, range and mounting height in metres, by place class."""
INDUSTRY = {
    "road_junction": "00",
    "facility_gate": "02",
    "residential_lane": "01",
    "commercial_street": "00",
}
OWNER = {
    "road_junction": "公安分局",
    "facility_gate": "场所单位",
    "residential_lane": "街道办事处",
    "commercial_street": "城管局",
}
SEGMENTS = 24


def place_cameras(town: Town, size: DemoSize, *, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Set cameras at junctions, gates, lanes and shopping streets.

    Returns
    -------
    geopandas.GeoDataFrame
        Points in the metric CRS with the columns of the camera table. A few are off-line, a
        few were never filed, some were filed late and some have no sign, so that a
        compliance list is not empty. Retention is at least 30 days for all.
    """
    shares = np.array(list(CLASS_SHARES.values()))
    count = np.floor(shares * size.cameras).astype(np.int64)
    count[0] += size.cameras - count.sum()
    place = np.repeat(np.array(list(CLASS_SHARES)), count)
    spots, azimuth = aim(town, dict(zip(CLASS_SHARES, count.tolist(), strict=True)), rng)
    lens = np.array([LENS[name] for name in place])
    number = np.arange(1, len(place) + 1)
    blur = rng.uniform(0.85, 1.15, lens.shape)
    return frame(
        spots,
        source_ref=[f"CAM{n:04d}" for n in number],
        name=[f"模拟摄像机{n:04d}" for n in number],
        azimuth_deg=np.round(azimuth % 359.9, 1),
        fov_deg=np.round(lens[:, 0] * blur[:, 0]),
        range_m=np.round(lens[:, 1] * blur[:, 1]),
        height_m=np.round(lens[:, 2] * blur[:, 2], 1),
        mount=np.where(place == "facility_gate", "wall", "pole"),
        status=rng.choice(["online", "offline", "unknown"], len(place), p=[0.93, 0.055, 0.015]),
        gb28181_id=[device_id(int(n), str(name)) for n, name in zip(number, place, strict=True)],
        place_class=place,
        owner_unit=[OWNER[name] for name in place],
        legal_basis="公共安全视频图像信息系统管理条例",
        sign_posted=rng.uniform(size=len(place)) > 0.03,
        retention_days=rng.choice([30, 60, 90], len(place), p=[0.6, 0.25, 0.15]),
        **filing(size, len(place), rng),
    )


def device_id(number: int, place_class: str) -> str:
    """Return a 20-digit device number: centre, industry, type 132, network and serial."""
    return f"{DISTRICT_CODE}01{INDUSTRY[place_class]}1326{number:06d}"


def aim(
    town: Town, count: dict[str, int], rng: np.random.Generator
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return where the cameras of each place class stand and where they look."""
    roads = town.roads.geometry.to_numpy()
    kind = town.roads["kind"].to_numpy()
    length = shapely.length(roads)
    middle = shapely.line_interpolate_point(roads, 0.5, normalized=True)
    homes = density(town, middle, town.buildings["households"].to_numpy().astype(float))
    shops = town.buildings["kind"].isin(["retail", "office"]).to_numpy()
    wide = np.where(kind == "primary", 3.0, np.where(kind == "secondary", 1.0, 0.12))
    chance = {
        "road_junction": wide * (20.0 + homes) * np.isin(kind, ["primary", "secondary"]),
        "residential_lane": (kind == "residential") * homes * np.minimum(length, 150.0),
        "commercial_street": np.sqrt(density(town, middle, shops.astype(float)))
        * np.minimum(length, 150.0),
    }
    spots, looks = [], []
    for name, wanted in count.items():
        if name == "facility_gate":
            spot, look = gates(town, wanted, rng)
        else:
            share = chance[name] / chance[name].sum()
            road = rng.choice(len(roads), size=wanted, p=share)
            near_end = 0.06 if name == "road_junction" else rng.uniform(0.15, 0.85, wanted)
            spot, look = along_road(roads[road], near_end, rng)
        spots.append(spot)
        looks.append(look)
    return np.concatenate(spots), np.concatenate(looks)


def along_road(
    roads: NDArray[np.object_], part: float | NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return points 4 m beside streets at a part of their length, looking along them."""
    at = np.broadcast_to(np.asarray(part, dtype=np.float64), (len(roads),))
    flip = rng.uniform(size=len(roads)) < 0.5
    at = np.where(flip, 1.0 - at, at)
    here = shapely.get_coordinates(shapely.line_interpolate_point(roads, at, normalized=True))
    ahead = np.clip(at + np.where(flip, -0.05, 0.05), 0.0, 1.0)
    there = shapely.get_coordinates(shapely.line_interpolate_point(roads, ahead, normalized=True))
    way = (there - here) / np.maximum(np.hypot(*(there - here).T), 1e-6)[:, None]
    spot = here + np.column_stack((way[:, 1], -way[:, 0])) * 4.0
    azimuth = np.degrees(np.arctan2(way[:, 0], way[:, 1])) + rng.normal(0.0, 6.0, len(roads))
    return point_array(spot), azimuth % 360.0


def gates(
    town: Town, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return points at the edge of facilities' grounds, looking at the street."""
    ground = town.facilities.geometry.to_numpy()
    pick = np.arange(count) % len(ground)
    ring = shapely.get_exterior_ring(ground[pick])
    spot = shapely.line_interpolate_point(ring, rng.uniform(size=count), normalized=True)
    kerb, _ = beside_road(town, spot, setback_m=5.0)
    out = shapely.get_coordinates(kerb) - shapely.get_coordinates(shapely.centroid(ground[pick]))
    return kerb, np.degrees(np.arctan2(out[:, 0], out[:, 1])) % 360.0


def density(
    town: Town, points: NDArray[np.object_], weight: NDArray[np.float64], *, reach_m: float = 110.0
) -> NDArray[np.float64]:
    """Return the summed weight of the buildings within reach of each point, shape (n,)."""
    centre = shapely.centroid(town.buildings.geometry.to_numpy())
    point, building = shapely.STRtree(centre).query(points, predicate="dwithin", distance=reach_m)
    return np.bincount(point, weight[building], len(points)).astype(np.float64)


def filing(size: DemoSize, count: int, rng: np.random.Generator) -> dict[str, object]:
    """Return filing numbers and dates: mostly in time, some late, some never filed."""
    used_on = [
        size.first_day - timedelta(days=int(days)) for days in rng.integers(-900, 1500, count)
    ]
    wait = np.where(rng.uniform(size=count) < 0.93, rng.integers(3, 30, count), 30)
    wait = wait + np.where(wait == 30, rng.integers(5, 120, count), 0)
    unfiled = rng.uniform(size=count) < 0.045
    filed_on = [day + timedelta(days=int(days)) for day, days in zip(used_on, wait, strict=True)]
    return {
        "in_use_on": pd.to_datetime(pd.Series(used_on)).to_numpy(),
        "filing_no": [
            None if miss else f"模拟备案{day.year}-{number:05d}"
            for number, (miss, day) in enumerate(zip(unfiled, filed_on, strict=True), start=1)
        ],
        "filed_on": pd.to_datetime(pd.Series(filed_on)).where(~unfiled).to_numpy(),
    }


def view_sectors(cameras: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return what each camera sees on open ground: a circular sector, not cut by buildings.

    Parameters
    ----------
    cameras
        Points in a metric CRS with ``azimuth_deg`` (clockwise from north), ``fov_deg`` and
        ``range_m``.

    Returns
    -------
    numpy.ndarray
        Polygons, shape (n,).
    """
    centre = shapely.get_coordinates(cameras.geometry.to_numpy())
    half = cameras["fov_deg"].to_numpy()[:, None] / 2.0
    sweep = np.linspace(-1.0, 1.0, SEGMENTS)[None, :] * half
    angle = np.radians(cameras["azimuth_deg"].to_numpy()[:, None] + sweep)
    arc = np.stack((np.sin(angle), np.cos(angle)), axis=-1)
    arc = centre[:, None, :] + arc * cameras["range_m"].to_numpy()[:, None, None]
    return np.asarray(shapely.polygons(np.concatenate((centre[:, None, :], arc), axis=1)))
