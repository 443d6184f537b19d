"""Make the whole simulated district from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs.systems import convert_geometries, unproject
from geo.demo.cameras import place_cameras
from geo.demo.categories import category_table
from geo.demo.dirt import plan_dirt
from geo.demo.events import draw_events
from geo.demo.grids import lay_grids
from geo.demo.intensity import make_intensity
from geo.demo.people import Staff, appoint_staff
from geo.demo.reports import report_events
from geo.demo.size import (
    DEFAULT_SEED,
    DISTRICT_CODE,
    DISTRICT_NAME,
    DISTRICT_NAME_EN,
    METRIC_CRS,
    DemoSize,
)
from geo.demo.stations import place_stations
from geo.demo.surfaces import make_surfaces
from geo.demo.town import Town, make_town
from geo.demo.truth import Truth, hotspot_table

DEGREE_DIGITS = 7
SRID = int(METRIC_CRS.split(":")[1])


@dataclass(frozen=True)
class District:
    """A simulated district; frames are in EPSG:4326 and carry the tables' column names.

    Attributes
    ----------
    seed, size
        What it was made from.
    district, streets, communities, grids
        The area tree; each level tiles the one above, vertices shared.
    buildings, roads, water
        What stands and runs there.
    cameras, stations, households
        Points.
    staff
        People by number and title, posts, units, shifts.
    categories
        The thirty classes.
    incidents
        Clean reports: ``source``, ``source_ref``, ``category``, ``occurred_at``,
        ``reported_at`` (zoned), ``found_by``, ``lon``, ``lat``, ``x_m``, ``y_m``,
        ``severity``, ``status``, ``camera_ref``.
    truth
        What was planted.
    """

    seed: int
    size: DemoSize
    district: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    households: gpd.GeoDataFrame
    staff: Staff
    categories: pd.DataFrame
    incidents: pd.DataFrame
    truth: Truth


def make_district(*, seed: int = DEFAULT_SEED, size: DemoSize | None = None) -> District:
    """Make a simulated district: the same seed and size always give the same one.

    Parameters
    ----------
    seed
        Of the one random generator that everything is drawn from.
    size
        Scale; the default is that of the founding document.

    Returns
    -------
    District
        Everything labelled as simulated, with the truth beside it.
    """
    size = size or DemoSize()
    town_rng, grid_rng, camera_rng, surface_rng, event_rng, report_rng, dirt_rng = (
        np.random.default_rng(seed).spawn(7)
    )
    town = make_town(size, rng=town_rng)
    grids = lay_grids(town, rng=grid_rng)
    stations = place_stations(town)
    cameras = place_cameras(town, size, rng=camera_rng)
    surfaces = make_surfaces(town, stations, cameras, rng=surface_rng)
    intensity = make_intensity(size, town, surfaces)
    incidents, provenance = report_events(
        draw_events(intensity, rng=event_rng),
        intensity,
        size,
        buildings=town.buildings,
        cameras=cameras,
        rng=report_rng,
    )
    incidents["lon"], incidents["lat"] = degrees(incidents)
    return District(
        seed=seed,
        size=size,
        **area_frames(town, grids, size),
        buildings=to_degrees(town.buildings).drop(columns="block"),
        roads=to_degrees(town.roads),
        water=to_degrees(town.water),
        cameras=to_degrees(cameras),
        stations=to_degrees(stations),
        households=household_points(town),
        staff=appoint_staff(size, town, grids, stations),
        categories=category_table(),
        incidents=incidents,
        truth=Truth(
            intensity,
            hotspot_table(intensity, size.last_day),
            provenance,
            plan_dirt(incidents, rng=dirt_rng),
        ),
    )


def area_frames(town: Town, grids: gpd.GeoDataFrame, size: DemoSize) -> dict[str, gpd.GeoDataFrame]:
    """Return the four levels in degrees; upper levels are unions of the grids below them.

    Rounding moves a vertex by up to 5 mm, in all areas that share it alike, so that the
    levels still tile each other exactly.
    """
    grids = to_degrees(grids)
    shapes = grids.geometry.to_numpy()
    frames = {"grids": grids}
    district = pd.DataFrame(
        {
            "code": [DISTRICT_CODE],
            "parent_code": [None],
            "name": [DISTRICT_NAME],
            "name_en": [DISTRICT_NAME_EN],
            "households": [int(grids["households"].sum())],
        }
    )
    for name, table, digits in (
        ("communities", town.communities, 12),
        ("streets", town.streets, 9),
        ("district", district, 6),
    ):
        mine = [grids["code"].str[:digits] == code for code in table["code"]]
        union = [shapely.coverage_union_all(shapes[rows.to_numpy()]) for rows in mine]
        frames[name] = gpd.GeoDataFrame(
            table.drop(columns=["geometry", "grids"], errors="ignore"),
            geometry=shapely.normalize(np.array(union, dtype=object)),
            crs="EPSG:4326",
        )
    for level, frame in frames.items():
        frame["level"] = {"communities": "community", "streets": "street", "grids": "grid"}.get(
            level, level
        )
        frame["valid_from"] = size.first_day.isoformat()
        frame["simulated"] = True
    return frames


def household_points(town: Town) -> gpd.GeoDataFrame:
    """Return one point per building with households: a count and an invented address."""
    lived_in = town.buildings[town.buildings["households"] > 0].reset_index(drop=True)
    centre = shapely.centroid(lived_in.geometry.to_numpy())
    road = shapely.STRtree(town.roads.geometry.to_numpy()).query_nearest(centre, all_matches=False)[
        1
    ]
    street = town.roads["name"].to_numpy()[road]
    return to_degrees(
        gpd.GeoDataFrame(
            {
                "source_ref": "H" + lived_in["source_ref"].str[1:],
                "households": lived_in["households"],
                "address": [f"{name}{number + 1}号（模拟）" for number, name in enumerate(street)],
            },
            geometry=centre,
            crs=METRIC_CRS,
        )
    )


def to_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a metric frame in EPSG:4326, rounded to seven digits (1 cm), ring order normal."""
    shapes = convert_geometries(frame.geometry.to_numpy(), crs=SRID)
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, DEGREE_DIGITS))
    if "Polygon" in str(frame.geom_type.iloc[0]):
        rounded = shapely.normalize(rounded)
    return frame.drop(columns="geometry").set_geometry(gpd.GeoSeries(rounded, crs="EPSG:4326"))


def degrees(incidents: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of reports, rounded to six digits (0.1 m)."""
    lon, lat = unproject(incidents["x_m"].to_numpy(), incidents["y_m"].to_numpy(), srid=SRID)
    return np.round(lon, 6), np.round(lat, 6)
