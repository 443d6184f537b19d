"""The map of what cameras see and miss, out of a survey."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection

from geo.crs.systems import epsg
from geo.visibility.views import view_polygons
from patrol.camera_survey import Survey
from web.commands.map import read_boundary, read_cameras, read_grids, read_ground, read_sources
from web.maps.layers import MapLayers, MapMeta
from web.subject import About


def camera_layers(
    connection: Connection,
    about: About,
    survey: Survey,
    spots: gpd.GeoDataFrame,
    *,
    window: tuple[date, date],
) -> tuple[MapLayers, MapMeta]:
    """Return the layers of a map of views and blind spots, and what it says about itself.

    Parameters
    ----------
    spots
        As `patrol.camera_survey.survey_blind_spots` returns them.
    window
        First day of the reports and the day after their last.
    """
    views = view_frame(survey)
    zone = ZoneInfo(about.time_zone)
    begins, ends = (datetime.combine(day, time(), tzinfo=zone) for day in window)
    layers = MapLayers(
        buildings=read_ground(connection, about, "building", "kind"),
        roads=read_ground(connection, about, "road", "kind, name"),
        boundary=read_boundary(connection, about),
        grids=read_grids(connection, about),
        views=views,
        blind_spots=_areas(spots),
        cameras=read_cameras(connection, about, views),
    )
    meta = MapMeta(
        name_zh=about.name_zh, name_en=about.name_en, data_from=begins, data_until=ends,
        made_at=datetime.now(UTC), metric_crs=f"EPSG:{about.srid} {epsg(about.srid).name}",
        code_version=version("gridbeat"), topic="cameras", approval_no=about.approval_no,
        simulated=about.simulated, sources=read_sources(connection, about),
        parameters={"views": asdict(survey.params)},
    )  # fmt: skip
    return layers, meta


def view_frame(survey: Survey) -> gpd.GeoDataFrame:
    """Return the views of a survey: ``camera_id``, ``name``, ``status``, ``area_m2``, polygons."""
    rows = survey.views.looks.camera
    shapes = gpd.GeoSeries(list(view_polygons(survey.views)), crs=survey.srid)
    told = survey.cameras[["camera_id", "name", "status"]].iloc[rows].reset_index(drop=True)
    frame = gpd.GeoDataFrame(pd.DataFrame(told).assign(area_m2=shapes.area), geometry=shapes)
    return _areas(frame)


def _areas(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep rows whose shape is an area; a cut may leave lines and nothing."""
    parts = frame.explode(ignore_index=True)
    parts = parts[parts.geom_type == "Polygon"]
    return gpd.GeoDataFrame(parts, geometry=parts.geometry.name, crs=frame.crs)
