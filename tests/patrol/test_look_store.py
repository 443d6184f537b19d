"""A look at a camera counts once: as effort of the desk, and as seen what is in its view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from geo.effort_store import read_effort, read_last_looks
from geo.errors import ConflictError, InputError, NotFoundError
from patrol.look_store import note_looks
from patrol.watched import watch_place
from tests.patrol.test_track_store import place  # noqa: F401 - a fixture
from tests.web.district import SOUTH, STEP, WEST

pytestmark = pytest.mark.db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = NOW - timedelta(hours=1)


def with_round(connection: Connection) -> list[int]:
    """Store a round of two cameras, one of which has a view; return its looks."""
    cameras = connection.execute(
        text("SELECT camera_id FROM camera ORDER BY camera_id LIMIT 2")
    ).scalars().all()  # fmt: skip
    view = (f"SRID=4326;MULTIPOLYGON((({WEST} {SOUTH},{WEST + STEP / 5} {SOUTH},"
            f"{WEST + STEP / 5} {SOUTH + STEP / 5},{WEST} {SOUTH + STEP / 5},{WEST} {SOUTH})))")  # fmt: skip
    connection.execute(
        text(
            "INSERT INTO camera_view (camera_id, preset, version, range_m, area_m2, basis, "
            "inputs_hash, parameters, code_version, made_at, geom) "
            "VALUES (:camera, 1, 1, 200, 1, 'stated', 'x', '{}', 'x', :now, :view)"
        ),
        {"camera": cameras[0], "now": NOW, "view": view},
    )
    number = connection.execute(
        text(
            "INSERT INTO camera_round (jurisdiction_id, starts_at, ends_at, watchers, parameters, "
            "code_version) VALUES (1, :a, :b, 1, CAST(:params AS jsonb), 'x') "
            "RETURNING camera_round_id"
        ),
        {"a": AT, "b": NOW, "params": '{"round": {"slot_min": 6, "screens": 3}}'},
    ).scalar_one()
    return [
        connection.execute(
            text("INSERT INTO camera_look (camera_round_id, camera_id, watcher, due_at) "
                 "VALUES (:round, :camera, 1, :at) RETURNING camera_look_id"),
            {"round": number, "camera": camera, "at": AT},
        ).scalar_one()
        for camera in cameras
    ]  # fmt: skip


def test_a_look_counts_once_and_shares_its_time(place: Connection) -> None:  # noqa: F811
    looks = with_round(place)
    watched = watch_place(place, "d1", now=NOW)
    noted = note_looks(place, watched, looks, looked_at=[AT, AT], now=NOW)
    assert (noted.new, len(noted.unseen)) == (2, 1)
    assert noted.cells > 0
    effort = read_effort(place, 1, begins=AT - timedelta(hours=1), ends=NOW)
    assert set(effort["source"]) == {"camera"}
    assert effort["seconds"].sum() == pytest.approx(6 * 60 / 3)
    assert set(effort["area_id"]) == {place.info["areas"]["w1"]}
    seen = read_last_looks(place, 1)
    assert set(seen["last_at"]) == {AT}
    again = note_looks(place, watched, looks, looked_at=[NOW, NOW], now=NOW)
    assert again.new == 0
    assert read_effort(place, 1, begins=AT - timedelta(hours=1), ends=NOW)[
        "seconds"
    ].sum() == pytest.approx(120)


def test_looks_that_cannot_be_are_refused(place: Connection) -> None:  # noqa: F811
    looks = with_round(place)
    watched = watch_place(place, "d1", now=NOW)
    with pytest.raises(NotFoundError, match="no look"):
        note_looks(place, watched, [987_654], looked_at=[AT], now=NOW)
    with pytest.raises(InputError, match="ahead"):
        note_looks(place, watched, looks[:1], looked_at=[NOW + timedelta(hours=1)], now=NOW)
    with pytest.raises(ConflictError, match="twice"):
        note_looks(place, watched, [looks[0]] * 2, looked_at=[AT, AT], now=NOW)
