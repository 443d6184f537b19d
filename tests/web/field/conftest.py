"""A route of today for the tests of the tablet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.database.connect import make_engine
from tests.web.governed import People


def make_route(people: People) -> int:
    """Write a route of today with two stops in the west and return its number."""
    engine = make_engine(people.service.database, role="app", pool=NullPool)
    start = datetime.now(UTC)
    with engine.begin() as connection:
        number = connection.execute(
            text(
                "INSERT INTO route_run (jurisdiction_id, starts_at, ends_at, on_roads, prize, "
                "parameters, code_version) VALUES (1, :a, :b, false, 1, '{}', 't') "
                "RETURNING route_run_id"
            ),
            {"a": start, "b": start + timedelta(hours=8)},
        ).scalar_one()
        unit = connection.execute(
            text(
                "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name, area_id) "
                "VALUES (1, 'u1', 0, 'foot', '西区一队', :area) RETURNING unit_id"
            ),
            {"area": people.service.areas["west"]},
        ).scalar_one()
        way = connection.execute(
            text(
                "INSERT INTO route (route_run_id, unit_id, mode, starts_at, ends_at, travel_s, "
                "travel_m, geom) VALUES (:run, :unit, 'foot', :a, :b, 60, 900, ST_GeomFromText("
                "'LINESTRING(121.005 35.61, 121.008 35.611)', 4326)) RETURNING route_id"
            ),
            {"run": number, "unit": unit, "a": start, "b": start + timedelta(hours=8)},
        ).scalar_one()
        for ordinal in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO route_stop (route_id, ordinal, stop_ref, must, prize, arrive_at, "
                    "start_at, leave_at, reason_zh, reason_en, geom) VALUES (:way, :n, 's' || :n, "
                    "true, 1, :a, :a, :a, '热点', 'hotspot', ST_SetSRID(ST_MakePoint("
                    "121.005 + :n * 0.001, 35.61), 4326))"
                ),
                {"way": way, "n": ordinal, "a": start},
            )
        connection.execute(
            text(
                "WITH made AS (INSERT INTO track_device (jurisdiction_id, device_ref, unit_id, "
                "source, sight_m) VALUES (1, 'pad-7', :unit, 'foot', 50) RETURNING track_device_id) "
                "INSERT INTO account_device (account_id, track_device_id) "
                "SELECT a.account_id, track_device_id FROM made, account a WHERE a.login = 'wang'"
            ),
            {"unit": unit},
        )
    engine.dispose()
    return int(way)
