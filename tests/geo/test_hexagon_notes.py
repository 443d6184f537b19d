"""Whoever writes incidents never waits for another writer's days, nor for their counting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect
from geo.hexagons import refresh_hexagons

pytestmark = pytest.mark.db
FILL = """
INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES
    ('T', '测试', 'Test', ST_Multi(ST_MakeEnvelope(116.3, 39.8, 116.5, 40.0, 4326)), 4548, 'UTC');
INSERT INTO feed (jurisdiction_id, source) SELECT jurisdiction_id, 'desk' FROM jurisdiction;
INSERT INTO category_scheme (scheme, version) VALUES ('t', '1');
INSERT INTO category (scheme_id, code, name, name_en) SELECT scheme_id, '1', '甲', 'A'
    FROM category_scheme WHERE scheme = 't';
SELECT ensure_incident_partitions('{2026-03-01}');
"""
WRITE = """
INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, time_precision, category_id, found_by, geom,
    x_m, y_m, content_hash)
SELECT f.feed_id, %(ref)s, %(at)s, %(at)s, 'exact', c.category_id, 'resident',
    ST_SetSRID(ST_MakePoint(116.4, 39.9), 4326), 0, 0, 0
FROM feed f, category c JOIN category_scheme s USING (scheme_id) WHERE s.scheme = 't'
"""
FIRST, SECOND = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (3, 9))


@pytest.fixture
def place(fresh_database: Database) -> Database:
    with connect(fresh_database, role="owner", autocommit=True) as connection:
        connection.execute(FILL)
    return fresh_database


def write(connection: psycopg.Connection, name: str, at: datetime) -> None:
    connection.execute(WRITE, {"ref": name, "at": at})


def count(database: Database) -> dict[date, int]:
    """Count what was noted; return incidents by day in the finest hexagons."""
    engine = create_engine(database.app_url, poolclass=NullPool)
    with engine.begin() as connection:
        refresh_hexagons(connection)
    with connect(database, role="owner") as owner:
        return dict(owner.execute("SELECT day, sum(n)::int FROM hexagon_area_day GROUP BY day"))


def test_transactions_that_write_the_same_days_in_different_order_both_commit(
    place: Database,
) -> None:
    """Neither waits for the other while both are open, so no deadlock can come of it."""
    with connect(place) as one, connect(place) as two:
        for connection in (one, two):
            connection.execute("SET lock_timeout = '20s'")
        write(one, "R1", FIRST)
        write(two, "R2", SECOND)
        with ThreadPoolExecutor(1) as other:
            crossed = other.submit(write, one, "R3", SECOND)
            write(two, "R4", FIRST)
            crossed.result()
        one.commit()
        assert count(place) == {FIRST.date(): 1, SECOND.date(): 1}  # what is not yet there is not
        two.commit()
    assert count(place) == {FIRST.date(): 2, SECOND.date(): 2}


def test_report_of_a_day_that_is_being_counted_does_not_wait_and_is_counted_next(
    place: Database,
) -> None:
    with connect(place) as writer:
        write(writer, "R1", FIRST)
        writer.commit()
        engine = create_engine(place.app_url, poolclass=NullPool)
        with engine.begin() as counting:
            refresh_hexagons(counting)
            writer.execute("SET lock_timeout = '20s'")
            write(writer, "R2", FIRST + timedelta(hours=1))
            writer.commit()
    assert count(place) == {FIRST.date(): 2}


def test_two_counters_at_once_count_each_incident_once(place: Database) -> None:
    with connect(place) as writer:
        write(writer, "R1", FIRST)
        writer.commit()
        engine = create_engine(place.app_url, poolclass=NullPool)
        with ThreadPoolExecutor(1) as other, engine.begin() as counting:
            refresh_hexagons(counting)
            write(writer, "R2", FIRST)
            writer.commit()
            second = other.submit(count, place)
            wait_until_blocked(place)
            counting.commit()
            assert second.result() == {FIRST.date(): 2}
    with connect(place, role="owner") as owner:
        totals = owner.execute(
            "SELECT DISTINCT unnest(counts) FROM hexagon_total WHERE category_id = 0"
        ).fetchall()
    assert totals == [(2,)]


def wait_until_blocked(database: Database) -> None:
    """Return once some session waits for another one's lock."""
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    with connect(database, role="owner", autocommit=True) as owner:
        while owner.execute(waiting).fetchone() != (True,):
            owner.execute("SELECT pg_sleep(0.02)")


def test_a_day_near_the_present_is_packed_a_day_after_its_end(place: Database) -> None:
    """Else each report would write its whole day anew."""
    today = datetime.now(UTC)
    past = (today - timedelta(days=3)).date()
    with connect(place, autocommit=True) as connection:
        months = [today.date().replace(day=1), past.replace(day=1)]
        connection.execute("SELECT ensure_incident_partitions(%s::date[])", [months])
        write(connection, "now", today)
        write(connection, "then", FIRST)
    count(place)

    def packed() -> tuple[list[date], list[date]]:
        with connect(place) as connection:
            tables = ("incident_day", "incident_day_due")
            both = (f"SELECT day FROM {name} ORDER BY day".encode() for name in tables)
            days, due = ([day for (day,) in connection.execute(one)] for one in both)
            return days, due

    assert packed() == ([FIRST.date()], [today.date()])
    with connect(place, role="owner", autocommit=True) as owner:  # as if three days had gone by
        owner.execute("UPDATE incident_day_due SET day = day - 3")
        owner.execute(
            "UPDATE incident SET occurred_at = occurred_at - interval '3 days', occurred_until = "
            "occurred_until - interval '3 days' WHERE source_ref = 'now'"
        )
        owner.execute("DELETE FROM hexagon_note WHERE day < %s", [today.date() - timedelta(days=1)])
        write(owner, "later", SECOND)
    count(place)
    assert packed() == (sorted([FIRST.date(), SECOND.date(), past]), [today.date()])
