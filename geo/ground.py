"""What stands on the ground that grids are drawn from: homes, roads, and who is tied to a grid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from psycopg import sql

from geo.crs.systems import convert_geometries
from geo.errors import NotFoundError
from geo.grids.frames import Shapes, polygon_of, shape_array, shapes_of, spots_of
from geo.grids.policy import HouseholdPolicy
from geo.places import Place
from geo.store import Connection

# How willingly a border follows a road of a kind; others as a division's own default says.
SEAM_STRENGTH: Mapping[str, float] = {
    "motorway": 0.95,
    "trunk": 0.95,
    "primary": 0.95,
    "secondary": 0.8,
    "tertiary": 0.7,
    "residential": 0.45,
    "service": 0.3,
    "footway": 0.2,
    "path": 0.2,
}
_MARGIN_DEG = 1e-4
_NEAR = sql.SQL(
    "SELECT t.{column}, ST_AsBinary(t.geom) FROM {table} t JOIN feed f USING (feed_id) "
    "WHERE f.jurisdiction_id = %(jurisdiction)s AND t.{column} IS NOT NULL AND t.geom && "
    "ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326) ORDER BY t.{key}"
)


class Ties(NamedTuple):
    """How much still belongs to grids after their last day."""

    incidents: int
    units: int
    posts: int


def read_policy(connection: Connection, place: Place) -> HouseholdPolicy:
    """Return the bounds of households that the jurisdiction has set."""
    row = connection.execute(
        "SELECT household_min, household_target, household_max, household_tolerance "
        "FROM jurisdiction WHERE jurisdiction_id = %s",
        (place.jurisdiction_id,),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"jurisdiction {place.code} is gone: read it again")
    low, target, high, tolerance = (int(str(value)) for value in row)
    return HouseholdPolicy(minimum=low, target=target, maximum=high, tolerance=tolerance)


def read_area_names(connection: Connection, place: Place) -> dict[str, str]:
    """Return code -> name of every area of a jurisdiction, of all times."""
    rows = connection.execute(
        "SELECT code, name FROM area WHERE jurisdiction_id = %s", (place.jurisdiction_id,)
    ).fetchall()
    return {str(code): str(name) for code, name in rows}


def read_homes(
    connection: Connection, place: Place, *, areas: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return where households are within areas: points, or buildings where there are no points.

    Parameters
    ----------
    areas
        Polygons in the metric system of `place` that do not overlap.

    Returns
    -------
    One row a home in the metric system: `households` above zero, `source` (``point`` or
    ``building``), `area` (its row in `areas`) and the geometry. An area with a single household
    point takes none of its buildings, so that nobody is counted twice.
    """
    points, buildings = (
        _homes(connection, place, areas, table, source)
        for table, source in (("household_point", "point"), ("building", "building"))
    )
    rest = buildings[~buildings["area"].isin(points["area"].unique())]
    if not len(rest):
        return points
    if not len(points):
        return rest.reset_index(drop=True)
    return gpd.GeoDataFrame(pd.concat([points, rest], ignore_index=True), crs=place.srid)


def read_seams(
    connection: Connection, place: Place, *, areas: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the roads near areas as seams for a division, with `kind` and `strength`.

    `strength` is NaN for kinds that `SEAM_STRENGTH` does not know.
    """
    kinds, shapes = _read(connection, place, areas, "road", "kind")
    data = {"kind": kinds, "strength": [SEAM_STRENGTH.get(str(k), np.nan) for k in kinds]}
    return gpd.GeoDataFrame(data, geometry=shapes, crs=place.srid)


def _homes(
    connection: Connection, place: Place, areas: gpd.GeoDataFrame, table: str, source: str
) -> gpd.GeoDataFrame:
    counts, shapes = _read(connection, place, areas, table, "households")
    area = polygon_of(spots_of(shapes), shapes_of(areas), srid=place.srid)
    homes = np.array(counts, dtype=np.int64)
    frame = gpd.GeoDataFrame(
        {"households": homes, "source": source, "area": area}, geometry=shapes, crs=place.srid
    )
    return frame[(area >= 0) & (homes > 0)].reset_index(drop=True)


def _read(
    connection: Connection, place: Place, areas: gpd.GeoDataFrame, table: str, column: str
) -> tuple[list[object], Shapes]:
    """Return a column and the metric shapes of what lies in the rectangle around areas."""
    degrees = convert_geometries(shapes_of(areas), crs=place.srid, to="wgs84")
    west, south, east, north = shapely.total_bounds(degrees).tolist()
    names = {"table": table, "column": column, "key": f"{table}_id"}
    rows = connection.execute(
        _NEAR.format(**{part: sql.Identifier(name) for part, name in names.items()}),
        {
            "jurisdiction": place.jurisdiction_id,
            "west": west - _MARGIN_DEG,
            "south": south - _MARGIN_DEG,
            "east": east + _MARGIN_DEG,
            "north": north + _MARGIN_DEG,
        },
    ).fetchall()
    shapes = shape_array(shapely.from_wkb(row[1]) for row in rows if isinstance(row[1], bytes))
    if len(shapes):
        shapes = convert_geometries(shapes, crs="wgs84", to=place.srid)
    return [row[0] for row in rows], shapes


def count_ties(
    connection: Connection, place: Place, *, codes: Collection[str], since: date
) -> Ties:
    """Count what is tied to grids on or after a day on which they are no longer valid."""
    numbers = [
        row[0]
        for row in connection.execute(
            "SELECT area_id FROM area WHERE jurisdiction_id = %s AND code = ANY(%s)",
            (place.jurisdiction_id, list(codes)),
        )
    ]
    begin = datetime.combine(since, time(), ZoneInfo(place.time_zone))
    incidents = "SELECT count(*) FROM incident WHERE occurred_at >= %s AND area_id = ANY(%s)"
    return Ties(
        incidents=_count(connection, incidents, (begin, numbers)),
        units=_count(connection, "SELECT count(*) FROM unit WHERE area_id = ANY(%s)", (numbers,)),
        posts=_count(
            connection,
            "SELECT count(*) FROM post WHERE valid_to > %s AND area_id = ANY(%s)",
            (since, numbers),
        ),
    )


def _count(connection: Connection, query: str, values: Sequence[object]) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    return int(str(row[0])) if row else 0
