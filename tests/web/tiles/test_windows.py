"""A window of days counts the incidents of its days, whatever months and days it is put together of."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST
from tests.web.tiles.test_tiles import count, get, refresh, tile_of

pytestmark = pytest.mark.db
FIRST, LAST = date(2025, 7, 5), date(2026, 2, 3)
# Every second of the district's incidents again, a day to half a year before.
SPREAD = """
SELECT ensure_incident_partitions(array_agg(d::date))
FROM generate_series(date '2025-07-01', date '2026-02-01', interval '1 month') d;
INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, time_precision, category_id,
    found_by, geom, x_m, y_m, area_id, content_hash)
SELECT feed_id, source_ref || '-' || n, at, at, 'exact', category_id, found_by, geom, x_m, y_m,
    CASE WHEN content_hash % 8 = 0 THEN NULL ELSE area_id END, content_hash
FROM incident, generate_series(1, 5) n,
    LATERAL (SELECT occurred_at - n * interval '36 days' AS at) a
WHERE content_hash % 2 = 0
"""
WINDOWS = st.tuples(
    st.none() | st.dates(FIRST - timedelta(days=40), LAST + timedelta(days=40)),
    st.none() | st.dates(FIRST - timedelta(days=40), LAST + timedelta(days=40)),
    st.sampled_from([None, 1, 2]),
)


@pytest.fixture(scope="module")
def spread(own_service: Service) -> Service:
    """Give a service with incidents of eight months, counted."""
    with connect(own_service.database) as connection:
        for statement in SPREAD.split(";"):
            connection.execute(statement.encode())
    refresh(own_service.database)
    return own_service


def asked(since: date | None, until: date | None, category: int | None) -> dict[str, object]:
    given_ = {"since": since, "until": until, "class": category}
    return {name: value for name, value in given_.items() if value is not None}


def truth(
    connection: psycopg.Connection, query: dict[str, object], areas: tuple[str, ...] | None
) -> int:
    """Count the incidents themselves."""
    row = connection.execute(
        "SELECT count(*) FROM incident i LEFT JOIN area a USING (area_id) "
        "LEFT JOIN area c ON c.area_id = a.parent_id, "
        "LATERAL (SELECT (occurred_at AT TIME ZONE 'Asia/Shanghai')::date AS day) d "
        "WHERE day >= coalesce(%(since)s::date, '-infinity') "
        "AND day < coalesce(%(until)s::date, 'infinity') "
        "AND (%(class)s::int IS NULL OR category_id = %(class)s) "
        "AND (%(areas)s::text[] IS NULL OR c.code = ANY (%(areas)s))",
        {"since": None, "until": None, "class": None}
        | query
        | {"areas": None if areas is None else list(areas)},
    ).fetchone()
    assert row is not None
    return int(row[0])


@settings(max_examples=60, deadline=None)
@given(window=WINDOWS, zoom=st.sampled_from([6, 8, 10]), who=st.sampled_from(["analyst", "west"]))
def test_any_window_counts_the_incidents_of_its_days(
    spread: Service,
    window: tuple[date | None, date | None, int | None],
    zoom: int,
    who: str,
) -> None:
    query = asked(*window)
    client = spread.client(headers=spread.bearer(who))
    with connect(spread.database) as connection:
        expected = truth(connection, query, ("west",) if who == "west" else None)
    assert count(client, zoom, **query) == expected


@settings(max_examples=30, deadline=None)
@given(
    days=st.lists(st.dates(FIRST - timedelta(days=5), LAST), min_size=1, max_size=3).map(sorted),
    who=st.sampled_from(["analyst", "west"]),
)
def test_windows_that_meet_add_up_to_all_in_the_finest_hexagons(
    spread: Service, days: list[date], who: str
) -> None:
    client = spread.client(headers=spread.bearer(who))
    x, y = tile_of(12, WEST + STEP, SOUTH + STEP)

    def shown(since: date | None, until: date | None) -> int:
        tile = get(client, "incidents", 12, x, y, **asked(since, until, None))
        return sum(hexagon["n"] for hexagon in tile.get("hexagons", []))

    ends = [None, *days, None]
    parts = [shown(since, until) for since, until in pairwise(ends)]
    assert sum(parts) == shown(None, None) > 0


def test_months_are_kept_through_a_change_of_one_day(spread: Service) -> None:
    client = spread.client(headers=spread.bearer("analyst"))
    window = {"since": "2025-08-20", "until": "2025-11-11"}  # two whole months and two ends
    with connect(spread.database) as connection:
        connection.execute(
            "DELETE FROM incident WHERE (occurred_at AT TIME ZONE 'Asia/Shanghai')::date "
            "= '2025-09-17' OR source_ref = 'i40-4'"
        )
    refresh(spread.database)
    with connect(spread.database) as connection:
        expected = truth(connection, dict(window), None)
    assert count(client, 10, **window) == expected > 0
