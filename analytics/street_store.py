"""Streets out of the database, and incidents counted on them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection

from analytics.cube import Cube, Units
from analytics.cube_store import make_cube, prepare, read_jurisdiction
from analytics.queries import CubeRequest
from geo.crs.systems import convert_geometries
from geo.errors import CrsError
from geo.network.store import read_network
from geo.network.streets import REACH_M, Streets, streets_inside


def read_streets(
    connection: Connection, jurisdiction_id: int, *, reach_m: float = REACH_M
) -> Streets:
    """Read the street segments inside a jurisdiction's boundary.

    Raises
    ------
    NotFoundError
        There is no such jurisdiction, or it has no streets.
    """
    place = read_jurisdiction(connection, jurisdiction_id)
    boundary = np.array([shapely.from_wkb(bytes(place["boundary"]))], dtype=object)
    metric = convert_geometries(boundary, crs="wgs84", to=place["metric_srid"])[0]
    return streets_inside(read_network(connection, jurisdiction_id), metric, reach_m=reach_m)


def read_street_cube(connection: Connection, request: CubeRequest, streets: Streets) -> Cube:
    """Count a jurisdiction's incidents on the segment that each lies nearest to.

    Returns
    -------
    Cube
        Units are the segments in their order, with exposure ``street_km``. Incidents farther than
        the reach from every segment are told in ``left_out`` as ``no_unit``.

    Raises
    ------
    CrsError
        The streets lie in another CRS than the jurisdiction's stored coordinates.
    InputError
        A class is unknown.
    NotFoundError
        There is no such jurisdiction.
    """
    place = read_jurisdiction(connection, request.jurisdiction_id)
    check_streets(streets, place)
    counting, known = prepare(connection, request, place)
    return make_cube(
        connection,
        counting,
        known,
        street_units(streets),
        frame=streets,
        locate=lambda segments: segments,
    )


def check_streets(streets: Streets, place: Mapping[str, Any]) -> None:
    """Refuse streets that lie in another CRS than a jurisdiction's stored coordinates.

    Raises
    ------
    CrsError
        Says which two.
    """
    if streets.srid != place["metric_srid"]:
        raise CrsError(
            f"the streets lie in EPSG:{streets.srid}, the incidents in "
            f"EPSG:{place['metric_srid']}; read the streets with read_streets"
        )


def street_units(streets: Streets) -> Units:
    """Return the segments in their order with exposure ``street_km``."""
    exposure = MappingProxyType({"street_km": streets.length_m / 1000.0})
    return Units("segment", np.arange(len(streets)), exposure)
