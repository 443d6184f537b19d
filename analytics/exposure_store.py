"""Households and streets out of the database, added up by the units of a cube."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from analytics.cube import Cube
from analytics.cube_store import read_jurisdiction
from analytics.exposure import Floats, Locate, add_exposure, count_households, measure_streets
from analytics.fetch import fetch
from geo.crs.systems import convert_geometries
from geo.lattice.lattice import Lattice, cell_of
from geo.locate.polygons import index_polygons, locate
from geo.models.assets import HouseholdPoint, Road
from geo.models.places import Area
from geo.models.records import Feed


def read_exposure(
    connection: Connection,
    cube: Cube,
    *,
    jurisdiction_id: int,
    lattice: Lattice | None = None,
    patrol_hours: Floats | None = None,
) -> Cube:
    """Return a cube whose units know their households, street length and patrol hours.

    Parameters
    ----------
    cube
        Over areas, or over the active cells of `lattice`.
    patrol_hours
        Hours of effort, ``(n_units,)`` or ``(n_units, n_steps)``, where they are known.

    Returns
    -------
    Cube
        Exposure ``area_km2`` as before; ``households`` from address points, where there are any,
        else what the areas say; ``street_km`` from roads; ``patrol_hours`` if given.

    Raises
    ------
    NotFoundError
        There is no such jurisdiction.
    """
    srid = int(read_jurisdiction(connection, jurisdiction_id)["metric_srid"])
    at = partial(cell_of, lattice) if lattice else _locate_in_areas(connection, cube, srid)
    n = len(cube.units)
    more: dict[str, Floats] = {}
    points = fetch(
        connection,
        select(HouseholdPoint.households, func.ST_AsBinary(HouseholdPoint.geom).label("geom"))
        .join(Feed, Feed.feed_id == HouseholdPoint.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id),
    )
    if len(points):
        place = _metric(points["geom"], srid)
        more["households"] = count_households(
            shapely.get_x(place), shapely.get_y(place),
            points["households"].to_numpy(dtype=np.float64), n=n, at=at,
        )  # fmt: skip
    roads = fetch(
        connection,
        select(func.ST_AsBinary(Road.geom).label("geom"))
        .join(Feed, Feed.feed_id == Road.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id),
    )
    if len(roads):
        more["street_km"] = measure_streets(_metric(roads["geom"], srid), n=n, at=at)
    if patrol_hours is not None:
        more["patrol_hours"] = patrol_hours
    return add_exposure(cube, **more)


def read_area_shapes(
    connection: Connection, cube: Cube, jurisdiction_id: int
) -> NDArray[np.object_]:
    """Read the outlines of a cube's areas in its order, in the jurisdiction's metric system."""
    srid = int(read_jurisdiction(connection, jurisdiction_id)["metric_srid"])
    return _shapes_of(connection, cube, srid)


def _shapes_of(connection: Connection, cube: Cube, srid: int) -> NDArray[np.object_]:
    ids = cube.units.ids.tolist()
    shapes = select(Area.area_id, func.ST_AsBinary(Area.geom).label("geom"))
    found = fetch(connection, shapes.where(Area.area_id.in_(ids))).set_index("area_id")
    return _metric(found["geom"].reindex(ids), srid)


def _locate_in_areas(connection: Connection, cube: Cube, srid: int) -> Locate:
    index = index_polygons(_shapes_of(connection, cube, srid), srid=srid)
    return lambda x, y: locate(index, x, y)


def _metric(wkb: Any, srid: int) -> NDArray[np.object_]:
    shapes = shapely.from_wkb(wkb.map(bytes).to_numpy(dtype=object))
    return convert_geometries(shapes, crs="wgs84", to=srid)
