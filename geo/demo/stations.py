"""Police and service stations, fire stations and the drone base of the simulated district."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Point

from geo.demo.town import Town, frame

SERVICE_HOURS = "Mo-Su 08:30-20:30"
ALWAYS = "24/7"


def place_stations(town: Town) -> gpd.GeoDataFrame:
    """Set stations beside streets, near the households that they serve.

    One police station per street, one service station per community, two fire stations, a
    drone base, a patrol post per large facility and the command centre.

    Returns
    -------
    geopandas.GeoDataFrame
        Points in the metric CRS: ``source_ref``, ``kind``, ``name``, ``name_en``,
        ``address``, ``opening_hours``, ``area_code``.
    """
    sites = [*area_sites(town), *facility_sites(town)]
    kerb, road = beside_road(town, np.array([site["near"] for site in sites], dtype=object))
    table = pd.DataFrame(sites).drop(columns="near")
    street = town.roads["name"].to_numpy()[road]
    return frame(
        kerb,
        source_ref=[f"S{number:03d}" for number in range(1, len(sites) + 1)],
        kind=table["kind"].to_numpy(),
        name=table["name"].to_numpy(),
        name_en=table["name_en"].to_numpy(),
        address=[f"{name}{10 + 7 * number % 180}号（模拟）" for number, name in enumerate(street)],
        opening_hours=np.where(table["kind"] == "service", SERVICE_HOURS, ALWAYS),
        area_code=table["area_code"].to_numpy(),
    )


def area_sites(town: Town) -> list[dict[str, object]]:
    """Return the stations that every street or community has one of."""
    home = town.buildings["block"].to_numpy()
    weight = town.buildings["households"].to_numpy().astype(float)
    centre = shapely.get_coordinates(shapely.centroid(town.buildings.geometry.to_numpy()))
    sites: list[dict[str, object]] = []
    for level, kind, zh, en in (
        ("street", "police", "派出所", "Police Station"),
        ("community", "service", "党群服务站", "Service Station"),
    ):
        areas = town.streets if level == "street" else town.communities
        label = town.blocks[level].to_numpy()[home]
        for number, (code, name, name_en) in enumerate(
            zip(areas["code"], areas["name"], areas["name_en"], strict=True)
        ):
            middle = np.average(centre[label == number], axis=0, weights=weight[label == number])
            stem, stem_en = name.removesuffix("街道"), name_en.removesuffix(" Street Office")
            sites.append(site(kind, f"{stem}{zh}", f"{stem_en} {en}", code, Point(middle)))
    return sites


def facility_sites(town: Town) -> list[dict[str, object]]:
    """Return the stations that stand at a named place."""
    ground = dict(zip(town.facilities["key"], town.facilities.geometry, strict=True))
    parent = town.communities["code"].to_numpy()
    community = town.blocks["community"].to_numpy()[town.facilities["block"].to_numpy()]
    code = dict(zip(town.facilities["key"], parent[community], strict=True))
    kinds = (
        ("fire", "北岸消防站", "North Bank Fire Station", "school_4"),
        ("fire", "南岸消防站", "South Bank Fire Station", "works"),
        ("drone_base", "无人机高空巡查基地", "Drone Base", "hall"),
        ("patrol_post", "澜海站巡防岗", "Station Patrol Post", "station"),
        ("patrol_post", "渔火夜市巡防岗", "Night Market Patrol Post", "market"),
        ("patrol_post", "潮汇商圈巡防岗", "Mall Patrol Post", "mall"),
        ("patrol_post", "听松公园巡防岗", "Park Patrol Post", "park"),
        ("other", "区综治指挥中心", "District Command Centre", "hall"),
    )
    return [
        site(kind, name, name_en, code[key], shapely.centroid(ground[key]))
        for kind, name, name_en, key in kinds
    ]


def site(kind: str, name: str, name_en: str, area_code: str, near: Point) -> dict[str, object]:
    """Return one station's row before it is moved to the kerb."""
    return {"kind": kind, "name": name, "name_en": name_en, "area_code": area_code, "near": near}


def beside_road(
    town: Town, points: NDArray[np.object_], *, setback_m: float = 7.0
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return points moved beside the nearest street, and the number of that street's row."""
    roads = town.roads.geometry.to_numpy()
    _, road = shapely.STRtree(roads).query_nearest(points, all_matches=False)
    along = shapely.line_locate_point(roads[road], points)
    foot = shapely.get_coordinates(shapely.line_interpolate_point(roads[road], along))
    away = shapely.get_coordinates(points) - foot
    length = np.maximum(np.hypot(*away.T), 1e-6)[:, None]
    return point_array(foot + away / length * setback_m), road


def point_array(coordinates: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return points of coordinates of shape (n, 2), shape (n,)."""
    points = np.empty(len(coordinates), dtype=object)
    points[:] = shapely.points(coordinates)
    return points
