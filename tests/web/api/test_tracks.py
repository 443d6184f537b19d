"""Tablets post fixes of their own duty, once; tracks are read by few, and each read is logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from geo.database.connect import make_engine
from patrol.track_devices import register_device
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST
from web.auth.permissions import WALL_PERMISSIONS, Permission

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def duty(own_service: Service) -> datetime:
    """Give the officer's unit a tablet and a shift; return when it began."""
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    engine = make_engine(own_service.database, role="app", pool_size=1)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name) VALUES "
                "(1, 'u1', 0, 'foot', '一组'), (1, 'u2', 0, 'foot', '二组')"
            )
        )
        connection.execute(
            text("INSERT INTO shift (unit_id, starts_at, ends_at) "
                 "SELECT unit_id, :a, :b FROM unit WHERE source_ref = 'u1'"),
            {"a": begins, "b": begins + timedelta(hours=4)},
        )  # fmt: skip
        number = register_device(connection, 1, ref="t1", unit="u1")
        register_device(connection, 1, ref="t2", unit="u2")
        connection.execute(
            text("INSERT INTO account_device SELECT account_id, :device FROM account "
                 "WHERE login = 'officer'"),
            {"device": number},
        )  # fmt: skip
    engine.dispose()
    return begins


def batch(begins: datetime, first: int, n: int = 40, *, device: str = "t1",
          sent: datetime | None = None) -> dict[str, Any]:  # fmt: skip
    return {
        "device": device, "first_seq": first, "sent_at": (sent or datetime.now(UTC)).isoformat(),
        "fixes": [
            {"at": (begins + timedelta(seconds=15 * k)).isoformat(),
             "lon": WEST + 0.002 + 0.0001 * k, "lat": SOUTH + STEP / 2}
            for k in range(first, first + n)
        ],
    }  # fmt: skip


def post(service: Service, body: dict[str, Any], who: str = "officer") -> Any:
    return service.client().post("/api/v1/tracks", json=body, headers=service.bearer(who))


def test_a_batch_is_taken_once_and_batches_join(own_service: Service, duty: datetime) -> None:
    first = post(own_service, batch(duty, 0)).json()
    assert first == {"next_seq": 40, "taken": 40, "known": 0, "off_duty": 0, "dropped": 0,
                     "clock_late_s": 0.0}  # fmt: skip
    again = post(own_service, batch(duty, 0)).json()
    assert (again["taken"], again["known"]) == (0, 40)
    second = post(own_service, batch(duty, 40)).json()
    assert second["taken"] == 40
    window = {"since": duty.isoformat(), "until": (duty + timedelta(hours=2)).isoformat()}
    told = own_service.client().get(
        "/api/v1/effort", params={"since": (duty - timedelta(hours=1)).isoformat(),
                                  "until": window["until"]},
        headers=own_service.bearer("analyst"),
    ).json()  # fmt: skip
    assert sum(row["hours"] for row in told["areas"]) == pytest.approx(79 * 15 / 3600, abs=1e-3)
    west = own_service.client().get(
        "/api/v1/effort", params={"since": (duty - timedelta(hours=1)).isoformat(),
                                  "until": window["until"]},
        headers=own_service.bearer("west"),
    ).json()  # fmt: skip
    assert {row["area_id"] for row in west["areas"]} <= {
        own_service.areas["w1"], own_service.areas["w2"]
    }  # fmt: skip


def test_nobody_posts_for_a_device_of_others_and_only_officers_post(
    own_service: Service, duty: datetime
) -> None:
    assert post(own_service, batch(duty, 0, device="t2")).status_code == 403
    assert post(own_service, batch(duty, 0, device="none")).status_code == 403
    assert post(own_service, batch(duty, 0), who="planner").status_code == 403


def test_fixes_off_duty_are_not_kept_and_a_late_clock_is_set_right(
    own_service: Service, duty: datetime
) -> None:
    off = post(own_service, batch(duty - timedelta(hours=5), 1000)).json()
    assert off["off_duty"] == 40
    late = timedelta(hours=1)
    body = batch(duty + timedelta(minutes=45) - late, 0, sent=datetime.now(UTC) - late)
    body["first_seq"] = 2000
    told = post(own_service, body).json()
    assert told["clock_late_s"] == pytest.approx(3600, abs=30)
    assert told["taken"] == 40


def test_a_fix_of_another_month_or_place_is_refused(own_service: Service, duty: datetime) -> None:
    old = post(own_service, batch(duty - timedelta(days=40), 5000))
    assert old.status_code == 400
    assert "30 days" in old.json()["detail"]
    far = batch(duty, 100)
    far["fixes"][3]["lat"] = 10.0
    assert "fix 4" in post(own_service, far).json()["detail"]


def test_tracks_are_read_by_few_and_each_read_is_in_the_log(
    own_service: Service, duty: datetime
) -> None:
    asked = {"since": (duty - timedelta(hours=1)).isoformat(),
             "until": (duty + timedelta(hours=5)).isoformat(), "limit": 1}  # fmt: skip
    client = own_service.client()
    assert client.get("/api/v1/tracks", params=asked,
                      headers=own_service.bearer("analyst")).status_code == 403  # fmt: skip
    seen, after = [], 0
    while after is not None:
        page = client.get("/api/v1/tracks", params=asked | {"after": after},
                          headers=own_service.bearer("supervisor")).json()  # fmt: skip
        seen += [feature["properties"]["track_segment_id"] for feature in page["features"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) >= 2
    engine = make_engine(own_service.database, role="owner", pool_size=1)
    with engine.connect() as connection:
        logged = connection.execute(
            text("SELECT count(*) FROM audit_entry WHERE action = 'tracks.read' "
                 "AND actor = 'supervisor'")
        ).scalar_one()  # fmt: skip
    engine.dispose()
    assert logged == len(seen) + 1


def test_units_on_duty_are_shown_to_few_by_unit_and_for_an_hour(
    own_service: Service, duty: datetime
) -> None:
    assert post(own_service, batch(duty, 80)).status_code == 200
    client = own_service.client()
    for who in ("watch", "planner", "analyst"):
        assert client.get("/api/v1/tracks/units",
                          headers=own_service.bearer(who)).status_code == 403  # fmt: skip
    told = client.get("/api/v1/tracks/units", headers=own_service.bearer("supervisor")).json()
    (unit,) = told["units"]
    assert set(unit) == {"unit_id", "name", "kind", "at", "lon", "lat", "trail"}
    assert unit["name"] == "一组"
    assert duty.timestamp() < unit["at"] <= told["at"] + 300
    assert unit["trail"]["type"] == "MultiLineString"
    assert sum(map(len, unit["trail"]["coordinates"])) >= 2
    other = client.get("/api/v1/tracks/units", params={"jurisdiction": "none"},
                       headers=own_service.bearer("supervisor"))  # fmt: skip
    assert other.json()["units"] == []
    assert Permission.TRACKS_READ not in WALL_PERMISSIONS


def test_a_car_that_posts_live_is_put_on_the_roads_as_an_imported_track_is(
    own_service: Service, duty: datetime
) -> None:
    engine = make_engine(own_service.database, role="app", pool_size=1)
    middle = SOUTH + STEP / 2
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO unit (feed_id, source_ref, content_hash, kind, name) "
                 "VALUES (1, 'v1', 0, 'vehicle', '车组')")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO shift (unit_id, starts_at, ends_at) "
                 "SELECT unit_id, :a, :b FROM unit WHERE source_ref = 'v1'"),
            {"a": duty, "b": duty + timedelta(hours=4)},
        )  # fmt: skip
        number = register_device(connection, 1, ref="car", unit="v1")
        connection.execute(
            text("INSERT INTO account_device SELECT account_id, :device FROM account "
                 "WHERE login = 'officer'"),
            {"device": number},
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO road (feed_id, source_ref, content_hash, kind, geom) VALUES "
                 "(1, 'r1', 0, 'residential', ST_GeomFromText(:line, 4326))"),
            {"line": f"LINESTRING({WEST} {middle}, {WEST + 0.02} {middle}, "
                     f"{WEST + 0.02} {SOUTH + 2 * STEP})"},
        )  # fmt: skip
    noise = 0.00006  # 7 m beside the road, left and right in turn
    for first in (0, 30):  # two batches: the second goes on where the first ended
        body = batch(duty, first, 30, device="car")
        for k, fix in enumerate(body["fixes"]):
            fix["lon"] = WEST + 0.002 + 0.0005 * (first + k) if first + k < 36 else WEST + 0.02
            fix["lat"] = middle + (noise if k % 2 else -noise)
            if first + k >= 36:
                fix["lat"] = middle + 0.0004 * (first + k - 36)
                fix["lon"] += noise if k % 2 else -noise
        assert post(own_service, body).json()["taken"] == 30
    with engine.begin() as connection:
        rows = connection.execute(
            text("SELECT s.matched, ST_HausdorffDistance(ST_Transform(ST_Force2D(s.geom), 4549), "
                 "ST_Intersection(ST_Transform(r.geom, 4549), ST_Buffer(ST_Transform("
                 "ST_Force2D(s.geom), 4549), 3))) AS away FROM track_segment s, road r "
                 "WHERE s.track_device_id = :device"),
            {"device": number},
        ).all()  # fmt: skip
    engine.dispose()
    assert len(rows) == 2
    assert all(matched for matched, _ in rows)
    assert max(away for _, away in rows) < 5
