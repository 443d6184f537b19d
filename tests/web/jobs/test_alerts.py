"""Alerts are raised when something holds, once, and end when it does not any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from geo.incidents import NewIncident, record_incident
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST
from web.jobs.alerts import watch
from web.jobs.findings import Place

pytestmark = pytest.mark.db
PLACE = Place(1, ZoneInfo("Asia/Shanghai"))
NOW = datetime(2026, 2, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def district(own_service: Service) -> Iterator[Connection]:
    """Give the small district as the worker sees it; all that is done is rolled back."""
    engine = create_engine(own_service.database.app_url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def report(
    connection: Connection, n: int, *, at: datetime, column: int = 0, category: int = 1
) -> None:
    for number in range(n):
        new = NewIncident(
            "burst", f"B{at:%d%H%M}-{column}-{category}-{number}", at - timedelta(minutes=number),
            category, "resident", WEST + (column + 0.5) * STEP, SOUTH + STEP / 2,
        )  # fmt: skip
        record_incident(connection, 1, new)


def alerts(connection: Connection, kind: str) -> list[dict[str, object]]:
    rows = connection.execute(
        text("SELECT * FROM alert WHERE kind = :kind ORDER BY alert_id"), {"kind": kind}
    )
    return [dict(row) for row in rows.mappings()]


def told(connection: Connection) -> list[str]:
    rows = connection.execute(
        text("SELECT body ->> 'action' FROM live_event WHERE kind = 'alert' ORDER BY event_id")
    )
    return list(rows.scalars())


def test_a_burst_is_one_alert_while_it_lasts_and_ends_by_itself(district: Connection) -> None:
    assert watch(district, PLACE, now=NOW)["burst"] == 0
    report(district, 12, at=NOW)
    assert watch(district, PLACE, now=NOW)["burst"] == 1
    watch(district, PLACE, now=NOW + timedelta(minutes=1))
    (alert,) = alerts(district, "burst")
    assert alert["times"] == 2
    assert "12" in str(alert["title_en"])
    assert "w1" in str(alert["title_zh"])
    assert told(district) == ["raised"]
    watch(district, PLACE, now=NOW + timedelta(hours=6))
    (alert,) = alerts(district, "burst")
    assert alert["ended_at"] is not None
    assert told(district)[:2] == ["raised", "ended"]


def test_a_burst_of_a_class_says_which_how_many_and_what_was_expected(
    district: Connection,
) -> None:
    report(district, 9, at=NOW, category=2)
    report(district, 2, at=NOW, category=1)
    watch(district, PLACE, now=NOW)
    (alert,) = alerts(district, "burst")
    name = district.execute(
        text("SELECT name_en FROM category WHERE category_id = 2")
    ).scalar_one()  # fmt: skip
    assert f"9 reports of {name} in 2 h, expected" in str(alert["title_en"])
    assert "9件" in str(alert["title_zh"])
    assert "95%区间" in str(alert["title_zh"])
    body = dict(alert["body"])  # type: ignore[call-overload]
    assert body["low"] <= body["expected"] <= body["high"] < body["n"] == 9


def test_a_burst_that_no_class_explains_is_one_of_the_grid(district: Connection) -> None:
    for category in (1, 2):
        report(district, 3, at=NOW, category=category)
    assert watch(district, PLACE, now=NOW)["burst"] == 1
    (alert,) = alerts(district, "burst")
    assert alert["subject"] == str(alert["area_id"])
    assert "6 reports in 2 h" in str(alert["title_en"])


def test_what_ended_and_comes_back_is_another_alert(district: Connection) -> None:
    report(district, 12, at=NOW)
    watch(district, PLACE, now=NOW)
    watch(district, PLACE, now=NOW + timedelta(hours=6))
    later = NOW + timedelta(hours=8)
    report(district, 12, at=later)
    watch(district, PLACE, now=later)
    assert [alert["ended_at"] is None for alert in alerts(district, "burst")] == [False, True]


def test_what_became_worse_has_to_be_acknowledged_again(district: Connection) -> None:
    for week in range(1, 8):
        report(district, 1, at=NOW - timedelta(weeks=week, minutes=9))
    report(district, 5, at=NOW)
    watch(district, PLACE, now=NOW)
    (alert,) = alerts(district, "burst")
    assert alert["severity"] == 2
    district.execute(
        text("UPDATE alert SET acknowledged_by = 'ann', acknowledged_at = clock_timestamp()")
    )
    report(district, 30, at=NOW + timedelta(minutes=20))
    watch(district, PLACE, now=NOW + timedelta(minutes=20))
    (alert,) = alerts(district, "burst")
    assert alert["severity"] == 3
    assert alert["acknowledged_by"] is None
    assert told(district) == ["raised", "acknowledged", "raised"]


def test_a_late_case_is_an_alert_until_it_is_done(district: Connection) -> None:
    district.execute(
        text(
            "INSERT INTO case_file (jurisdiction_id, number, opened_at, words, geom, area_id, "
            "state_since, due_at) SELECT 1, 'C1', :now, 'noise', ST_PointOnSurface(geom), area_id, "
            ":now, :due FROM area WHERE code = 'w1'"
        ),
        {"now": NOW, "due": NOW + timedelta(hours=1)},
    )
    assert watch(district, PLACE, now=NOW)["late_case"] == 0
    assert watch(district, PLACE, now=NOW + timedelta(hours=2))["late_case"] == 1
    (alert,) = alerts(district, "late_case")
    assert alert["severity"] == 2
    watch(district, PLACE, now=NOW + timedelta(hours=30))
    (alert,) = alerts(district, "late_case")
    assert alert["severity"] == 3


def test_ground_that_patrols_left_is_an_alert(district: Connection) -> None:
    district.execute(text("SELECT ensure_effort_partitions(ARRAY['2026-02-01']::date[])"))
    district.execute(
        text(
            "INSERT INTO effort (jurisdiction_id, hour, source, i, j, area_id, seconds, visits) "
            "SELECT 1, :now - make_interval(days => d), 'foot', i, 0, 0, 60, 1 "
            "FROM generate_series(1, 7) d, generate_series(1, 100) i"
        ),
        {"now": NOW},
    )
    assert watch(district, PLACE, now=NOW + timedelta(hours=1))["coverage_drop"] == 1
    (alert,) = alerts(district, "coverage_drop")
    assert "0 %" in str(alert["title_en"])


def test_live_reports_that_stop_are_an_alert_and_imports_are_not(district: Connection) -> None:
    assert watch(district, PLACE, now=NOW)["feed_silent"] == 0  # only imported data so far
    report(district, 60, at=NOW)
    now = datetime.now(UTC)
    assert watch(district, PLACE, now=now)["feed_silent"] == 0
    assert watch(district, PLACE, now=now + timedelta(days=5))["feed_silent"] == 1


def test_camera_that_nobody_filed_is_told_a_week_before_its_date(district: Connection) -> None:
    place = {"j": PLACE.number}
    feed = district.execute(
        text("SELECT feed_id FROM feed WHERE jurisdiction_id = :j LIMIT 1"), place
    ).scalar_one()
    point = district.execute(
        text("SELECT ST_PointOnSurface(geom) FROM jurisdiction WHERE jurisdiction_id = :j"), place
    ).scalar_one()
    today = NOW.astimezone(PLACE.zone).date()
    for ref, days, filing in (("a", 20, None), ("b", 24, None), ("c", 40, None), ("d", 40, "F1")):
        district.execute(
            text("INSERT INTO camera (feed_id, source_ref, content_hash, geom, in_use_on, "
                 "filing_no, status) VALUES (:f, :ref, 0, :p, :day, :filing, 'online')"),
            {"f": feed, "ref": ref, "p": point, "day": today - timedelta(days=days),
             "filing": filing},
        )  # fmt: skip
    assert watch(district, PLACE, now=NOW)["filing_due"] == 1
    title = district.execute(
        text("SELECT title_en FROM alert WHERE kind = 'filing_due' AND ended_at IS NULL")
    ).scalar_one()
    assert title == "Cameras to file: 1 past their date, 1 due within a week"
    district.execute(text("UPDATE camera SET filing_no = 'F'"))
    assert watch(district, PLACE, now=NOW)["filing_due"] == 0


def forecast(connection: Connection, *, until: datetime, weekly: dict[str, float]) -> int:
    """Store next week's forecast of every grid, as the night does."""
    parameters = {
        "level": {"level": "grid"}, "request": {"step": "week", "classes": None},
        "method": {"horizon_steps": 1, "interval": 0.9, "why_zh": "", "why_en": ""},
    }  # fmt: skip
    number: int = connection.execute(
        text(
            "INSERT INTO result_run (jurisdiction_id, kind, unit, parameters, window_from, "
            "window_to, code_version) VALUES (1, 'forecast', 'area', CAST(:p AS jsonb), "
            ":until - interval '8 weeks', :until, '') RETURNING result_run_id"
        ),
        {"p": json.dumps(parameters), "until": until},
    ).scalar_one()
    details = {"low": 0, "high": 9, "classes": weekly}
    connection.execute(
        text(
            "INSERT INTO result_row (result_run_id, unit_no, area_id, score, label, details) "
            "SELECT :run, row_number() OVER (), area_id, :score, 'expected', CAST(:d AS jsonb) "
            "FROM area WHERE level = 'grid'"
        ),
        {"run": number, "score": sum(weekly.values()), "d": json.dumps(details)},
    )
    return number


def test_a_burst_is_measured_by_this_weeks_forecast_and_says_so(district: Connection) -> None:
    report(district, 5, at=NOW, category=2)
    watch(district, PLACE, now=NOW)
    (alert,) = alerts(district, "burst")
    assert "by the last 8 weeks" in str(alert["title_en"])
    assert "按近8周水平" in str(alert["title_zh"])
    assert alert["body"]["basis"] == {"kind": "recent rate", "weeks": 8}  # type: ignore[index]
    usual = alert["body"]["expected"]  # type: ignore[index]

    # As many as 20 times the usual are foreseen for this week: nothing to tell of.
    code = district.execute(text("SELECT code FROM category WHERE category_id = 2")).scalar_one()
    forecast(district, until=NOW - timedelta(days=8), weekly={code: 0.0})  # a week that is over
    forecast(district, until=NOW - timedelta(days=2), weekly={code: 2000.0})
    assert watch(district, PLACE, now=NOW)["burst"] == 0

    lower = forecast(district, until=NOW - timedelta(days=2), weekly={code: 1.0})
    assert watch(district, PLACE, now=NOW)["burst"] == 1
    alert = alerts(district, "burst")[-1]
    assert f"by forecast {lower}" in str(alert["title_en"])
    assert f"按预测{lower}" in str(alert["title_zh"])
    assert alert["body"]["basis"] == {"kind": "forecast", "result_run_id": lower}  # type: ignore[index]
    assert alert["body"]["expected"] != usual  # type: ignore[index]
