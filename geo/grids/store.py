"""Grids into the database, out of it, and through changes; nothing here commits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import convert_geometries
from geo.errors import ConflictError, NotFoundError
from geo.grids.change import GridChange
from geo.grids.frames import Ints, require_frame, shape_array, shapes_of
from geo.grids.records import GRID_COLUMNS
from geo.places import GridSet, Place, days_since_1970
from geo.store import Connection, ensure_feed, read_grid_set

FEED = "gridbeat:grids"
_COLUMNS = (
    "area_id",
    "code",
    "parent_code",
    "grid_kind",
    "name",
    "name_en",
    "host_unit",
    "host_kind",
    "households",
    "exempt_reason",
    "valid_from",
    "valid_to",
)
_BATCH = 100_000


def _query(name: str) -> bytes:
    return files("geo").joinpath("sql", f"{name}.sql").read_bytes()


def read_grids(connection: Connection, place: Place, *, on: date | None) -> gpd.GeoDataFrame:
    """Return the grids that are valid on a day, or with None those of all times.

    Returns
    -------
    One row a grid by code, in the metric system of `place`: `area_id`, `code`, `parent_code`,
    `grid_kind`, `name`, `name_en`, `host_unit`, `host_kind`, `households`, `exempt_reason`,
    `valid_from`, `valid_to` (None for open ends) and the geometry, a polygon where it is in one
    piece.
    """
    rows = connection.execute(
        _query("grid_select"), {"jurisdiction": place.jurisdiction_id, "day": on}
    ).fetchall()
    data = {name: [row[k] for row in rows] for k, name in enumerate(_COLUMNS)}
    frame = pd.DataFrame(data, dtype=object)
    return gpd.GeoDataFrame(
        frame, geometry=_metric_shapes([row[-1] for row in rows], place), crs=place.srid
    )


def read_parents(connection: Connection, place: Place, *, on: date) -> gpd.GeoDataFrame:
    """Return the areas above grids that are valid on a day: `code`, `level`, metric geometry."""
    rows = connection.execute(
        "SELECT code, level, ST_AsBinary(geom) FROM area WHERE jurisdiction_id = %(jurisdiction)s "
        "AND level <> 'grid' AND valid_from <= %(day)s AND valid_to > %(day)s ORDER BY code",
        {"jurisdiction": place.jurisdiction_id, "day": on},
    ).fetchall()
    data = {"code": [row[0] for row in rows], "level": [row[1] for row in rows]}
    shapes = _metric_shapes([row[2] for row in rows], place)
    return gpd.GeoDataFrame(data, geometry=shapes, crs=place.srid)


def read_codes(connection: Connection, place: Place) -> set[str]:
    """Return every code ever used for a grid: numbers that may not be given again."""
    rows = connection.execute(
        "SELECT code FROM area WHERE jurisdiction_id = %s AND level = 'grid'",
        (place.jurisdiction_id,),
    ).fetchall()
    return {str(code) for (code,) in rows}


def _metric_shapes(wkb: list[object], place: Place) -> gpd.GeoSeries:
    shapes = shape_array(shapely.from_wkb(bytes(item)) for item in wkb if isinstance(item, bytes))
    metric = convert_geometries(shapes, crs="wgs84", to=place.srid) if len(shapes) else shapes
    return gpd.GeoSeries(shape_array(_single(shape) for shape in metric), crs=place.srid)


def _single(shape: BaseGeometry) -> BaseGeometry:
    parts = shapely.get_parts(shape)
    return parts[0] if len(parts) == 1 else shape


def write_grids(connection: Connection, grids: gpd.GeoDataFrame, place: Place, *, on: date) -> int:
    """Write new grids that are valid from a day on; return how many.

    Parameters
    ----------
    grids
        `code`, `parent_code`, `grid_kind`, `households` and where they apply `name` (the code
        where absent), `host_unit`, `host_kind`, `exempt_reason`; polygons in the metric system.

    Raises
    ------
    NotFoundError
        If a parent does not exist on that day.
    ConflictError
        If a code was ever used.
    """
    require_frame(grids, srid=place.srid, name="grids", columns=GRID_COLUMNS)
    feed = ensure_feed(
        connection,
        jurisdiction_id=place.jurisdiction_id,
        source=FEED,
        title="Grids drawn or changed here",
        licence=None,
    )
    shapes = convert_geometries(shapes_of(grids), crs=place.srid, to="wgs84")
    common = {"jurisdiction": place.jurisdiction_id, "feed": feed, "from": on}
    for k, shape in enumerate(shapes):
        _write_grid(connection, {**common, **_values(grids, k), "wkb": shapely.to_wkb(shape)})
    return len(grids)


def _write_grid(connection: Connection, values: Mapping[str, object]) -> None:
    try:
        with connection.transaction():
            written = connection.execute(_query("grid_insert"), values).rowcount
    except psycopg.errors.UniqueViolation as error:
        raise ConflictError(
            f"grid code {values['code']} was used before; ended grids keep theirs. "
            "Number the grids anew."
        ) from error
    if not written:
        raise NotFoundError(
            f"grid {values['code']}: its community {values['parent']} does not exist on "
            f"{values['from']}. Import the boundaries first."
        )


def _values(grids: gpd.GeoDataFrame, k: int) -> dict[str, object]:
    row = grids.iloc[k]

    def value(name: str) -> object:
        found = row.get(name)
        return None if found is None or pd.isna(found) else found

    homes = value("households")
    kept = {name: value(name) for name in ("host_kind", "lineage") if value(name) is not None}
    return {
        "code": str(row["code"]),
        "parent": str(row["parent_code"]),
        "kind": str(row["grid_kind"]),
        "name": value("name") or str(row["code"]),
        "host_unit": value("host_unit"),
        "exempt_reason": value("exempt_reason"),
        "households": None if homes is None else int(float(str(homes))),
        "attributes": json.dumps(kept, ensure_ascii=False),
    }


def apply_change(connection: Connection, change: GridChange, place: Place) -> int:
    """End the old grids of a split or merge and begin the new ones; return how many began.

    Micro-grids of the old grids end with them. Incidents keep the grid of their own time:
    after a change that lies in the past, call `retag_incidents` from its day on.

    Raises
    ------
    ConflictError
        If an old grid has ended already, begins later, or a new code was used before. Whatever
        was written before the error must be rolled back by the caller.
    """
    ended = _end(connection, change, place)
    connection.execute(
        "UPDATE area SET valid_to = %s WHERE parent_id = ANY(%s) AND grid_kind = 'micro' "
        "AND valid_from < %s AND valid_to > %s",
        (change.on, ended, change.on, change.on),
    )
    lineage = ", ".join(change.ended)
    return write_grids(
        connection, change.begun.assign(lineage=f"{change.kind}: {lineage}"), place, on=change.on
    )


def _end(connection: Connection, change: GridChange, place: Place) -> list[int]:
    rows = connection.execute(
        "UPDATE area SET valid_to = %(on)s WHERE jurisdiction_id = %(jurisdiction)s "
        "AND level = 'grid' AND code = ANY(%(codes)s) AND valid_to = 'infinity' "
        "AND valid_from < %(on)s RETURNING area_id, code",
        {
            "on": change.on,
            "jurisdiction": place.jurisdiction_id,
            "codes": list(change.ended),
        },
    ).fetchall()
    lost = set(change.ended) - {str(code) for _, code in rows}
    if lost:
        raise ConflictError(
            f"grid {min(lost)} has ended already, begins after {change.on} or does not exist. "
            "Read the grids again and plan the change anew."
        )
    return [int(str(number)) for number, _ in rows]


def retag_incidents(connection: Connection, place: Place, *, first: date, last: date) -> int:
    """Give each incident of a range of days the grid of its own day; return how many changed.

    Days are those of the jurisdiction's time zone, `last` included. The grid is found by the
    same half-open rule as at import, from the stored metric coordinates, so that incidents
    which were right stay untouched. Memory is bounded by batches.
    """
    grids = read_grid_set(connection, place)
    zone = ZoneInfo(place.time_zone)
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    changed, after = 0, (begin, -1)
    while True:
        rows = connection.execute(
            "SELECT i.occurred_at, i.incident_id, i.x_m, i.y_m, coalesce(i.area_id, 0) "
            "FROM incident i JOIN feed f USING (feed_id) WHERE f.jurisdiction_id = %s "
            "AND i.occurred_at >= %s AND i.occurred_at < %s "
            "AND (i.occurred_at, i.incident_id) > (%s, %s) "
            "ORDER BY i.occurred_at, i.incident_id LIMIT %s",
            (place.jurisdiction_id, begin, end, *after, _BATCH),
        ).fetchall()
        if not rows:
            return changed
        changed += _retag(connection, rows, grids, zone)
        after = (rows[-1][0], int(str(rows[-1][1])))  # type: ignore[assignment]


def _retag(
    connection: Connection, rows: list[tuple[object, ...]], grids: GridSet, zone: ZoneInfo
) -> int:
    moments = [row[0] for row in rows if isinstance(row[0], datetime)]
    days = np.array([days_since_1970(moment.astimezone(zone).date()) for moment in moments])
    x, y = (np.array([row[k] for row in rows], dtype=np.float64) for k in (2, 3))
    old: Ints = np.array([row[4] for row in rows], dtype=np.int64)
    new = np.maximum(grids.area_of(x, y, days), 0)
    other = np.flatnonzero(new != old)
    if len(other):
        connection.execute(
            _query("incident_retag"),
            {
                "ids": [rows[k][1] for k in other],
                "times": [moments[k] for k in other],
                "areas": new[other].tolist(),
            },
        )
    return len(other)
