"""Tracks out of the database: segments, stays, conformance, and what is deleted when. No commit."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from geo.crs.systems import project
from geo.errors import InputError, NotFoundError
from patrol.track_store import RAW_DAYS
from patrol.tracks.conformance import ConformanceParams, compare_effort, compare_stops
from patrol.tracks.packing import unpack_fixes
from patrol.tracks.stays import join_stays

THINNED_DAYS = 180
_SEGMENTS = """
SELECT s.track_segment_id, d.device_ref, s.source, s.starts_at, s.ends_at, s.n_points, s.length_m,
       s.matched, ST_AsBinary(ST_Force2D(s.geom)) AS geom
FROM track_segment s JOIN track_device d USING (track_device_id)
WHERE s.jurisdiction_id = :place AND s.starts_at < :ends AND s.ends_at > :begins
ORDER BY s.starts_at, s.track_segment_id
"""
_RAW = """
SELECT r.points FROM track_raw r JOIN track_device d USING (track_device_id)
WHERE d.jurisdiction_id = :place AND d.device_ref = :device
    AND r.starts_at < :ends AND r.ends_at >= :begins
ORDER BY r.starts_at, r.track_raw_id
"""
_PAGE = """
SELECT s.track_segment_id, d.device_ref, s.source, s.starts_at, s.ends_at, s.n_points, s.length_m,
       s.matched, ST_AsBinary(ST_Force2D(s.geom)) AS geom
FROM track_segment s JOIN track_device d USING (track_device_id)
WHERE s.track_segment_id > :after AND s.starts_at < :ends AND s.ends_at > :begins
ORDER BY s.track_segment_id LIMIT :limit
"""
_UNITS = """
SELECT u.unit_id, u.name, u.kind, max(extract(epoch FROM s.ends_at)) AS at,
       ST_X((array_agg(ST_EndPoint(s.geom) ORDER BY s.ends_at DESC))[1]) AS lon,
       ST_Y((array_agg(ST_EndPoint(s.geom) ORDER BY s.ends_at DESC))[1]) AS lat,
       ST_AsGeoJSON(ST_Force2D(ST_CollectionExtract(ST_Collect(ST_LocateBetween(s.geom,
           extract(epoch FROM greatest(:begins, h.starts_at)), extract(epoch FROM :now))), 2)), 6)
           AS trail
FROM shift h JOIN unit u USING (unit_id) JOIN track_device d USING (unit_id)
JOIN track_segment s USING (track_device_id)
JOIN jurisdiction j ON j.jurisdiction_id = s.jurisdiction_id
WHERE h.starts_at <= :now AND h.ends_at > :now AND s.starts_at >= :now - interval '1 day'
    AND s.ends_at > greatest(:begins, h.starts_at) AND s.ends_at <= :now + interval '5 minutes'
    AND (CAST(:code AS text) IS NULL OR j.code = :code)
GROUP BY u.unit_id, u.name, u.kind ORDER BY u.unit_id
"""
_SHIFTS = """
SELECT shift_no, starts_at, ends_at FROM plan_shift WHERE plan_id = :plan ORDER BY shift_no
"""
_PLANNED = """
SELECT shift_no, area_id, sum(minutes)::float8 AS minutes FROM plan_item
WHERE plan_id = :plan AND unit_kind <> 'camera_desk' GROUP BY shift_no, area_id
"""
_DONE = """
SELECT p.shift_no, e.area_id,
       sum(e.seconds * extract(epoch FROM least(e.hour + interval '1 hour', p.ends_at)
           - greatest(e.hour, p.starts_at)) / 3600) / 60 AS minutes
FROM plan_shift p JOIN effort e ON e.jurisdiction_id = :place AND e.source <> 'camera'
    AND e.hour < p.ends_at AND e.hour + interval '1 hour' > p.starts_at
WHERE p.plan_id = :plan AND e.area_id <> 0 GROUP BY p.shift_no, e.area_id
"""
_STAYS = """
SELECT t.area_id, coalesce('unit ' || d.unit_id, 'drone ' || d.drone_id) AS who,
       extract(epoch FROM t.starts_at) * 1000000 AS starts_us,
       extract(epoch FROM t.ends_at) * 1000000 AS ends_us, ST_X(t.geom) AS lon, ST_Y(t.geom) AS lat
FROM track_stay t JOIN track_device d USING (track_device_id)
WHERE d.jurisdiction_id = :place AND t.starts_at < :ends AND t.ends_at > :begins
"""
_STOPS = """
SELECT s.area_id, s.stop_ref, extract(epoch FROM r.starts_at) * 1000000 AS opens_us,
       extract(epoch FROM r.ends_at) * 1000000 AS closes_us,
       extract(epoch FROM s.leave_at - s.start_at)::float8 AS dwell_s,
       ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat
FROM route_run r JOIN route w USING (route_run_id) JOIN route_stop s USING (route_id)
WHERE r.route_run_id IN (
    SELECT DISTINCT ON (starts_at) route_run_id FROM route_run
    WHERE plan_id = :plan AND NOT is_proposal ORDER BY starts_at, route_run_id DESC)
"""


def read_segments(
    connection: Connection, jurisdiction_id: int, *, begins: datetime, ends: datetime
) -> gpd.GeoDataFrame:
    """Read the thinned tracks that touch ``[begins, ends)``, EPSG:4326. Sensitive: log the read."""
    frame = _frame(connection, _SEGMENTS, place=jurisdiction_id, begins=begins, ends=ends)
    shapes: Any = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def read_device_fixes(
    connection: Connection, jurisdiction_id: int, device: str, *, begins: datetime, ends: datetime
) -> pd.DataFrame:
    """Read the fixes of a device as they came, of ``[begins, ends)``. Sensitive: log the read.

    Returns
    -------
    DataFrame
        ``time`` (UTC), ``lon`` and ``lat`` (EPSG:4326); none after `RAW_DAYS`.

    Raises
    ------
    NotFoundError
        No device of that name is registered.
    """
    known = "SELECT 1 FROM track_device WHERE jurisdiction_id = :place AND device_ref = :device"
    which = {"place": jurisdiction_id, "device": device}
    if connection.execute(text(known), which).first() is None:
        raise NotFoundError(f"there is no device {device!r}; see `gridbeat tracks devices`")
    packed = connection.execute(text(_RAW), which | {"begins": begins, "ends": ends}).scalars()
    parts = [np.column_stack(unpack_fixes(bytes(points))) for points in packed]
    table = np.concatenate([np.empty((0, 3)), *parts])
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(table[:, 0].astype(np.int64), unit="us", utc=True),
            "lon": table[:, 1],
            "lat": table[:, 2],
        }
    )
    return frame[frame["time"].ge(begins) & frame["time"].lt(ends)].sort_values("time")


def read_segment_page(
    connection: Connection, *, begins: datetime, ends: datetime, after: int, limit: int
) -> gpd.GeoDataFrame:
    """Read the next tracks after a number that touch ``[begins, ends)`` on the seen ground."""
    frame = _frame(connection, _PAGE, begins=begins, ends=ends, after=after, limit=limit)
    shapes: Any = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def read_units_on_duty(
    connection: Connection, *, now: datetime, back: timedelta, code: str | None = None
) -> list[dict[str, Any]]:
    """Read where the units on duty were last and their trail, as far as `back` and their shift.

    A unit whose devices sent nothing in that time is left out: where it is, is unknown. `at` is
    seconds since 1970; `trail` a MultiLineString of EPSG:4326. Sensitive: log the read.
    """
    found = connection.execute(text(_UNITS), {"now": now, "begins": now - back, "code": code})
    return [
        {**row, "at": round(float(row["at"])), "trail": json.loads(row["trail"])}
        for row in found.mappings()
    ]


def read_conformance(
    connection: Connection, plan_id: int, params: ConformanceParams | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set a plan beside what tracks show, by shift and area, and its newest routes' stops.

    Effort is known by the hour; a shift that begins within an hour takes its share of it.

    Returns
    -------
    tuple
        As `patrol.tracks.conformance.compare_effort` and `compare_stops` give them.

    Raises
    ------
    NotFoundError
        There is no such plan.
    """
    head = connection.execute(
        text(
            "SELECT p.jurisdiction_id, j.metric_srid FROM plan p JOIN jurisdiction j "
            "USING (jurisdiction_id) WHERE plan_id = :plan"
        ),
        {"plan": plan_id},
    ).one_or_none()
    if head is None:
        raise NotFoundError(f"there is no plan {plan_id}; `gridbeat plan` drafts one")
    place, srid = int(head[0]), int(head[1])
    shifts = _frame(connection, _SHIFTS, plan=plan_id)
    planned = _frame(connection, _PLANNED, plan=plan_id)
    done = _frame(connection, _DONE, plan=plan_id, place=place)
    stays = _frame(connection, _STAYS, place=place, begins=shifts["starts_at"].min(),
                   ends=shifts["ends_at"].max())  # fmt: skip
    stays = _metric(stays, srid).astype({"starts_us": np.int64, "ends_us": np.int64})
    table = compare_effort(planned, done, _in_shifts(join_stays(stays), shifts), params)
    stops = _metric(_frame(connection, _STOPS, plan=plan_id), srid)
    stops = stops.astype({"opens_us": np.int64, "closes_us": np.int64})
    return table, compare_stops(stops, stays, params=params)


def _in_shifts(stays: pd.DataFrame, shifts: pd.DataFrame) -> pd.DataFrame:
    """Return each stay of an area with the shift in which it began."""
    parts = []
    for number, begins, ends in shifts.itertuples(index=False):
        first, last = begins.timestamp() * 1e6, ends.timestamp() * 1e6
        inside = (stays["starts_us"] >= first) & (stays["starts_us"] < last)
        parts.append(stays[inside & stays["area_id"].notna()].assign(shift_no=number))
    every: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return every


def purge_tracks(
    connection: Connection, *, now: datetime, raw_days: int = RAW_DAYS,
    thinned_days: int = THINNED_DAYS,
) -> dict[str, int]:  # fmt: skip
    """Delete fixes of more than `raw_days` days, and tracks of more than `thinned_days`.

    Effort by cell and hour stays; it says nothing of who it was. Quarantined rows of tracks go
    with the fixes.

    Raises
    ------
    InputError
        Fixes would be kept for more than 30 days, or tracks for less than fixes.
    """
    if not 0 <= raw_days <= RAW_DAYS:
        raise InputError(f"fixes are kept {RAW_DAYS} days at most; {raw_days} is not possible")
    if thinned_days < raw_days:
        raise InputError("thinned tracks cannot go before the fixes that they were made of")
    old = {"raw": now - timedelta(days=raw_days), "thin": now - timedelta(days=thinned_days)}
    statements = {
        "raw": "DELETE FROM track_raw WHERE ends_at < :raw",
        "quarantined": "UPDATE quarantine SET raw = '{}'::jsonb, value = NULL "
                       "WHERE kind = 'tracks' AND created_at < :raw AND raw <> '{}'::jsonb",
        "stays": "DELETE FROM track_stay WHERE ends_at < :thin",
        "segments": "DELETE FROM track_segment WHERE ends_at < :thin",
    }  # fmt: skip
    return {name: connection.execute(text(s), old).rowcount for name, s in statements.items()}


def _metric(frame: pd.DataFrame, srid: int) -> pd.DataFrame:
    x, y = project(frame.pop("lon").to_numpy(dtype=np.float64),
                   frame.pop("lat").to_numpy(dtype=np.float64), srid=srid)  # fmt: skip
    return frame.assign(x=x, y=y)


def _frame(connection: Connection, query: str, **values: Any) -> pd.DataFrame:
    found = connection.execute(text(query), values)
    return pd.DataFrame(found.all(), columns=list(found.keys()))
