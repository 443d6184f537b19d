"""Effort by cell and hour and the last looks, into the database and out of it. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from geo.effort_cells import Ground, cell_shapes, ground_of
from geo.lattice.lattice import cell_centres
from geo.models.tracks import EFFORT_SOURCES
from geo.places import GridSet, Place, days_since_1970

HOURS_OF_WEEK = 168
EFFORT_KEY = ("hour", "source", "i", "j", "area_id")
_BATCH = 100_000
_NONE = 0  # area of what lies in no grid

_ADD_EFFORT = """
INSERT INTO effort AS e (jurisdiction_id, hour, source, i, j, area_id, seconds, visits)
SELECT :place, to_timestamp(t.hour * 3600), :source, t.i, t.j, t.area_id, t.seconds, t.visits
FROM unnest(CAST(string_to_array(:hour, ',') AS bigint[]), CAST(string_to_array(:i, ',') AS int[]),
    CAST(string_to_array(:j, ',') AS int[]), CAST(string_to_array(:area_id, ',') AS bigint[]),
    CAST(string_to_array(:seconds, ',') AS float8[]), CAST(string_to_array(:visits, ',') AS int[]))
    AS t (hour, i, j, area_id, seconds, visits)
ORDER BY 2, 4, 5, 6
ON CONFLICT (jurisdiction_id, hour, source, i, j, area_id)
DO UPDATE SET seconds = e.seconds + excluded.seconds, visits = e.visits + excluded.visits
"""
_KEEP_LOOKS = """
INSERT INTO last_look AS l (jurisdiction_id, i, j, source, area_id, last_at, by_hour)
SELECT :place, t.i, t.j, :source, t.area_id, t.last_at,
    hours_of_looks(string_to_array(t.of_week, ',')::int[], string_to_array(t.hours, ',')::int[])
FROM unnest(CAST(:i AS int[]), CAST(:j AS int[]), CAST(:area_id AS bigint[]),
    CAST(:last_at AS timestamptz[]), CAST(:of_week AS text[]), CAST(:hours AS text[]))
    AS t (i, j, area_id, last_at, of_week, hours)
ORDER BY 2, 3
ON CONFLICT (jurisdiction_id, i, j, source)
DO UPDATE SET last_at = greatest(l.last_at, excluded.last_at), area_id = excluded.area_id,
    by_hour = latest_hours(l.by_hour, excluded.by_hour)
"""
_READ_EFFORT = """
SELECT hour, source, i, j, area_id, seconds, visits FROM effort
WHERE jurisdiction_id = :place AND hour >= :begins AND hour < :ends
  AND source = ANY (:sources) ORDER BY hour, source, i, j, area_id
"""
_READ_AREAS = """
SELECT area_id, source, sum(seconds) / 3600 AS hours, sum(visits)::bigint AS visits FROM effort
WHERE jurisdiction_id = :place AND hour >= :begins AND hour < :ends
  AND source = ANY (:sources) AND area_id <> 0 GROUP BY area_id, source ORDER BY area_id, source
"""


def write_effort(connection: Connection, jurisdiction_id: int, effort: pd.DataFrame) -> int:
    """Add seconds and visits to what is stored; return how many rows were given.

    Parameters
    ----------
    effort
        One row a key of `EFFORT_KEY`: ``hour`` (UTC, whole hours), ``source``, ``i``, ``j``,
        ``area_id`` (0 in none), ``seconds``, ``visits``.
    """
    if effort.empty:
        return 0
    plain = pd.to_datetime(effort["hour"], utc=True).dt.tz_localize(None)
    moments = plain.to_numpy().astype("datetime64[h]")
    first_days = np.unique(moments.astype("datetime64[M]")).astype("datetime64[D]")
    connection.execute(
        text("SELECT ensure_effort_partitions(CAST(:days AS date[]))"),
        {"days": first_days.tolist()},
    )
    whole = effort.assign(hour=moments.astype(np.int64))
    names = ("hour", "i", "j", "area_id", "seconds", "visits")
    for source, found in whole.groupby("source", sort=True):
        for start in range(0, len(found), _BATCH):
            part = found.iloc[start : start + _BATCH]
            # One text a column: the driver would look at each number by itself.
            columns = {name: ",".join(map(str, part[name].tolist())) for name in names}
            connection.execute(
                text(_ADD_EFFORT), {"place": jurisdiction_id, "source": source, **columns}
            )
    return len(effort)


def read_effort(
    connection: Connection,
    jurisdiction_id: int,
    *,
    begins: datetime,
    ends: datetime,
    sources: Sequence[str] = EFFORT_SOURCES,
) -> pd.DataFrame:
    """Read effort of ``[begins, ends)`` by cell, hour and source; columns as `write_effort`'s."""
    return _frame(connection, _READ_EFFORT, _window(jurisdiction_id, begins, ends, sources))


def read_area_effort(
    connection: Connection,
    jurisdiction_id: int,
    *,
    begins: datetime,
    ends: datetime,
    sources: Sequence[str] = EFFORT_SOURCES,
) -> pd.DataFrame:
    """Read hours and visits of ``[begins, ends)`` by ``area_id`` (of a grid) and ``source``.

    An area without a row was not visited as far as anybody recorded: unknown, never safe.
    """
    return _frame(connection, _READ_AREAS, _window(jurisdiction_id, begins, ends, sources))


def write_looks(connection: Connection, jurisdiction_id: int, looks: pd.DataFrame) -> int:
    """Keep the later of the stored and the given looks; return how many rows were given.

    Parameters
    ----------
    looks
        One row a cell and source: ``i``, ``j``, ``source``, ``area_id`` (0 in none), ``last_at``
        (with zone) and ``by_hour`` (``(168,)`` whole hours since 1970, 0 where never).
    """
    for source, found in looks.groupby("source", sort=True):
        for start in range(0, len(found), _BATCH // 10):
            part = found.iloc[start : start + _BATCH // 10]
            columns = {name: part[name].tolist() for name in ("i", "j", "area_id")}
            columns["last_at"] = [at.to_pydatetime() for at in part["last_at"]]
            seen = [np.flatnonzero(hours) for hours in part["by_hour"]]  # few of a week's
            columns["of_week"] = [_text(at + 1) for at in seen]
            columns["hours"] = [
                _text(hours[at]) for hours, at in zip(part["by_hour"], seen, strict=True)
            ]
            connection.execute(
                text(_KEEP_LOOKS), {"place": jurisdiction_id, "source": source, **columns}
            )
    return len(looks)


def _text(values: NDArray[np.integer[Any]]) -> str:
    return ",".join(map(str, values.tolist()))


def read_last_looks(connection: Connection, jurisdiction_id: int) -> pd.DataFrame:
    """Read when each cell was last seen by each source; a cell without a row never was.

    Returns
    -------
    DataFrame
        ``i``, ``j``, ``source``, ``area_id``, ``last_at`` and ``by_hour``, ``(168,)`` int32.
    """
    frame = _frame(
        connection,
        "SELECT i, j, source, area_id, last_at, by_hour FROM last_look "
        "WHERE jurisdiction_id = :place ORDER BY j, i, source",
        {"place": jurisdiction_id},
    )
    hours = pd.Series([np.asarray(h, dtype=np.int32) for h in frame["by_hour"]], dtype=object)
    return frame.assign(by_hour=hours)


def lay_ground(connection: Connection, place: Place, grids: GridSet, *, now: datetime) -> Ground:
    """Return the cells of a jurisdiction, and store them where boundary or grids changed them.

    Parameters
    ----------
    grids
        As `geo.store.read_grid_set` gives them; a cell belongs to the grid of its middle.
    """
    ground = ground_of(place.boundary, srid=place.srid)
    size = ground.lattice.cell_size_m
    day = np.full(len(ground.i), days_since_1970(now.date()), dtype=np.int64)
    x, y = cell_centres(ground.lattice)
    area = grids.area_of(x, y, day)
    area = np.where(area < 0, _NONE, area)
    stored = connection.execute(
        text("SELECT i, j, area_id FROM ground_cell WHERE jurisdiction_id = :place ORDER BY j, i"),
        {"place": place.jurisdiction_id},
    ).all()
    wanted = np.stack([ground.i, ground.j, area], axis=1)
    if np.array_equal(np.array(stored, dtype=np.int64).reshape(-1, 3), wanted):
        return ground
    connection.execute(
        text("DELETE FROM ground_cell WHERE jurisdiction_id = :place"),
        {"place": place.jurisdiction_id},
    )
    shapes = shapely.to_wkb(cell_shapes(ground, place.boundary))
    connection.execute(
        text(
            "INSERT INTO ground_cell (jurisdiction_id, i, j, area_id, ground_m2, geom) "
            "SELECT :place, t.i, t.j, t.area_id, t.m2, ST_GeomFromWKB(t.geom, 4326) "
            "FROM unnest(CAST(:i AS int[]), CAST(:j AS int[]), CAST(:area AS bigint[]), "
            "CAST(:m2 AS float8[]), CAST(:geom AS bytea[])) AS t (i, j, area_id, m2, geom)"
        ),
        {"place": place.jurisdiction_id, "i": ground.i.tolist(), "j": ground.j.tolist(),
         "area": area.tolist(), "m2": (ground.lattice.share * size * size).tolist(),
         "geom": list(shapes)},
    )  # fmt: skip
    return ground


def read_ground(connection: Connection, jurisdiction_id: int) -> gpd.GeoDataFrame:
    """Read the stored cells, EPSG:4326: ``i``, ``j``, ``area_id``, ``ground_m2``; by row."""
    frame = _frame(
        connection,
        "SELECT i, j, area_id, ground_m2, ST_AsBinary(geom) AS geom FROM ground_cell "
        "WHERE jurisdiction_id = :place ORDER BY j, i",
        {"place": jurisdiction_id},
    )
    shapes: NDArray[np.object_] = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def _window(
    jurisdiction_id: int, begins: datetime, ends: datetime, sources: Sequence[str]
) -> dict[str, Any]:
    return {"place": jurisdiction_id, "begins": begins, "ends": ends, "sources": list(sources)}


def _frame(connection: Connection, query: str, values: dict[str, Any]) -> pd.DataFrame:
    found = connection.execute(text(query), values)
    return pd.DataFrame(found.all(), columns=list(found.keys()))
