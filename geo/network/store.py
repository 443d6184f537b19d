"""The network from the roads that are stored."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection, Select, func, select

from geo.crs.systems import convert_geometries
from geo.models.assets import Road
from geo.models.places import Jurisdiction
from geo.models.records import Feed
from geo.network.build import RoadNetwork, make_network


def select_roads(jurisdiction_id: int) -> Select[tuple[object, ...]]:
    """Select the roads of a jurisdiction by number, with what tells their level."""
    tags = [Road.attributes[tag].astext.label(tag) for tag in ("layer", "bridge", "tunnel")]
    return (
        select(
            Road.road_id, Road.kind, Road.name, Road.oneway, *tags,
            func.ST_AsBinary(Road.geom).label("geom"),
        )
        .join(Feed, Feed.feed_id == Road.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id)
        .order_by(Road.road_id)
    )  # fmt: skip


def read_network(connection: Connection, jurisdiction_id: int) -> RoadNetwork:
    """Return the network of all stored roads, in the jurisdiction's metric system.

    Without roads it is empty. ``road_id`` is the number of the road in the database.
    """
    srid = connection.execute(
        select(Jurisdiction.metric_srid).where(Jurisdiction.jurisdiction_id == jurisdiction_id)
    ).scalar_one()
    found = connection.execute(select_roads(jurisdiction_id))
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    lines = shapely.from_wkb([bytes(wkb) for wkb in frame.pop("geom")])
    if len(lines):
        lines = convert_geometries(lines, crs="wgs84", to=srid)
    return make_network(gpd.GeoDataFrame(frame, geometry=lines, crs=srid))
