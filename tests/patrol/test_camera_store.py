"""A survey out of the database, the round that follows from it, and what a watcher finds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from geo.errors import ConflictError, InputError, NotFoundError
from geo.visibility.cameras import LookParams
from patrol.camera_store import (
    note_look,
    read_incident_points,
    read_minutes_since_look,
    record_finding,
    write_round,
)
from patrol.camera_survey import (
    SiteWish,
    SurveyRequest,
    read_survey,
    survey_blind_spots,
    survey_coverage,
    survey_incidents,
    survey_round,
    survey_sites,
)
from patrol.coverage.blind_spots import BlindParams
from patrol.rounds.schedule import RoundParams
from patrol.siting.cover import SitingParams
from tests.geo.test_camera_store import SRID, place, place_box, place_point  # noqa: F401

pytestmark = pytest.mark.db
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture
def district(db, place) -> int:  # noqa: F811
    """Give two grids, a street and 60 reports: 20 before camera A, 40 where nobody looks."""
    feed = db.execute(text("SELECT min(feed_id) FROM camera")).scalar_one()
    for code, west in (("W", 0), ("E", 500)):
        db.execute(
            text(
                "INSERT INTO area (jurisdiction_id, level, grid_kind, code, name, geom, feed_id, "
                "source_ref, content_hash) VALUES (:j, 'grid', 'basic', :code, :code, :geom, :feed, "
                ":code, 1)"
            ),
            {"j": place, "code": code, "feed": feed, "geom": place_box(west, 0, west + 500, 1000)},
        )
    start, end = (place_point(x, 500).split("(")[1].rstrip(")") for x in (0, 1000))
    db.execute(
        text(
            "INSERT INTO road (feed_id, source_ref, content_hash, kind, geom) "
            "VALUES (:feed, 'r', 1, 'residential', :geom)"
        ),
        {"feed": feed, "geom": f"SRID=4326;LINESTRING({start}, {end})"},
    )
    scheme = db.execute(
        text("INSERT INTO category_scheme (scheme, version) VALUES ('t', '1') RETURNING scheme_id")
    ).scalar_one()
    category = db.execute(
        text(
            "INSERT INTO category (scheme_id, code, name, name_en) "
            "VALUES (:s, 'dump', '暴露垃圾', 'Dumping') RETURNING category_id"
        ),
        {"s": scheme},
    ).scalar_one()
    day = datetime(2026, 11, 9, 9, 30, tzinfo=ZONE)
    db.execute(
        text("SELECT ensure_incident_partitions(ARRAY[CAST(:day AS date)])"), {"day": day.date()}
    )
    for number in range(61):
        spot = (120, 500) if number < 20 else (800, 800)
        db.execute(
            text(
                "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, "
                "source_ref, category_id, found_by, geom, x_m, y_m, content_hash) VALUES (:at, :at, "
                "'minute', :feed, :ref, :category, :by, :geom, :x, :y, 1)"
            ),
            {"at": day + timedelta(minutes=number), "feed": feed, "ref": f"i{number}",
             "category": category, "by": "resident" if number < 60 else "patrol",
             "geom": place_point(*spot), "x": 500_000.0 + spot[0], "y": 4_420_000.0 + spot[1]},
        )  # fmt: skip
    return place


@pytest.fixture
def survey(db, district):
    request = SurveyRequest(
        district, SRID, "Asia/Shanghai", date(2026, 11, 2), date(2026, 11, 16), 10.0
    )
    return read_survey(db, request, LookParams())


def test_survey_counts_reports_alone_and_sees_those_before_the_camera(survey) -> None:
    assert len(survey.incidents) == 60
    table = survey_coverage(survey).set_index("code")
    assert table.loc["W", "incident_seen"] == 1
    assert table.loc["E", "incident_seen"] == 0
    assert table.loc["all", "incident_seen"] == pytest.approx(1 / 3)
    assert 0 < table.loc["W", "street_seen"] < 0.2
    by_class, by_hour = survey_incidents(survey)
    assert by_class.index.tolist() == ["暴露垃圾 Dumping"]
    assert by_hour.index.tolist() == [9, 10]


def test_blind_spot_is_where_the_unseen_reports_are(survey) -> None:
    spots = survey_blind_spots(survey, cell_size_m=100, params=BlindParams(bandwidth_m=100, top=3))
    centre = spots.geometry.iloc[0].centroid
    assert abs(centre.x - 500_800) <= 100
    assert abs(centre.y - 4_420_800) <= 100
    assert "Dumping" in spots["reason_en"].iloc[0]


def test_next_site_is_a_post_near_most_reports_or_a_camera_that_sees_them(survey) -> None:
    sites, found = survey_sites(survey, SiteWish(kind="post", range_m=320), SitingParams(1))
    assert found.covered == pytest.approx(20.0)  # 40 reports in two weeks
    assert found.gap == 0
    assert len(sites) == 1
    none, seen = survey_sites(survey, SiteWish(range_m=50), SitingParams(2))
    assert seen.covered == 0
    assert none.empty


def test_round_is_stored_looked_at_and_a_finding_becomes_an_incident(db, district, survey) -> None:
    start = NOW.astimezone(ZONE)
    params = RoundParams(watchers=1, screens=1, slot_min=10)
    looks = survey_round(db, survey, params, starts_at=start, hours=1, seed=3)
    again = survey_round(db, survey, params, starts_at=start, hours=1, seed=3)
    assert looks.equals(again)
    assert looks["look_for"].tolist()[0] == "暴露垃圾 Dumping"
    number = write_round(
        db, district, looks, starts_at=start, ends_at=start + timedelta(hours=1), watchers=1,
        parameters={}, code_version="0",
    )  # fmt: skip
    rows = db.execute(
        text("SELECT camera_look_id, camera_id FROM camera_look WHERE camera_round_id = :n "
             "ORDER BY due_at"), {"n": number},
    ).all()  # fmt: skip
    assert len(rows) == 6
    look, camera = rows[0]
    lon, lat = (float(part) for part in place_point(120, 500).split("(")[1].rstrip(")").split())
    finding = {"category": "t/dump", "at": NOW, "lon": lon, "lat": lat, "now": NOW}
    incident = record_finding(db, look, **finding)
    stored = db.execute(
        text("SELECT i.found_by, a.code, i.attributes FROM incident i JOIN area a USING (area_id) "
             "WHERE incident_id = :n"), {"n": incident},
    ).one()  # fmt: skip
    assert tuple(stored) == ("camera", "W", {"camera_id": camera})
    with pytest.raises(ConflictError, match="has its finding"):
        record_finding(db, look, **finding)
    note_look(db, rows[1].camera_look_id, looked_at=NOW)
    later = NOW + timedelta(minutes=7)
    assert read_minutes_since_look(db, [camera, -5], now=later).tolist() == [7.0, float("inf")]
    # What a camera found itself is no evidence of need.
    points = read_incident_points(
        db, district, first=date(2026, 11, 1), end=date(2026, 12, 1), time_zone="Asia/Shanghai"
    )
    assert len(points) == 60


def test_findings_that_cannot_be_are_refused(db, district, survey) -> None:
    start = NOW.astimezone(ZONE)
    looks = survey_round(db, survey, RoundParams(), starts_at=start, hours=0.1, seed=0)
    number = write_round(db, district, looks, starts_at=start, ends_at=start + timedelta(hours=1),
                         watchers=2, parameters={}, code_version="0")  # fmt: skip
    look = db.execute(
        text("SELECT min(camera_look_id) FROM camera_look WHERE camera_round_id = :n"),
        {"n": number},
    ).scalar_one()
    lon, lat = 117.01, 39.93
    with pytest.raises(InputError, match="must not lie ahead"):
        record_finding(
            db, look, category="dump", at=NOW + timedelta(days=1), lon=lon, lat=lat, now=NOW
        )
    with pytest.raises(InputError, match="no place that camera"):
        record_finding(db, look, category="dump", at=NOW, lon=lat, lat=lat, now=NOW)
    spot = place_point(120, 500).split("(")[1].rstrip(")").split()
    with pytest.raises(NotFoundError, match="class 'none'"):
        record_finding(
            db, look, category="none", at=NOW, lon=float(spot[0]), lat=float(spot[1]), now=NOW
        )
    with pytest.raises(NotFoundError, match="no look -1"):
        note_look(db, -1, looked_at=NOW)
    with pytest.raises(NotFoundError, match="no cameras yet"):
        read_survey(
            db,
            SurveyRequest(-1, SRID, "Asia/Shanghai", date(2026, 1, 1), date(2026, 2, 1)),
            LookParams(),
        )
