"""Single incidents: written once, into the right grid, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from geo.errors import InputError, NotFoundError
from geo.incidents import NewIncident, record_incident

pytestmark = pytest.mark.db
NOON = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)


@pytest.fixture
def place(db: Connection) -> tuple[int, NewIncident]:
    """Give a jurisdiction with two grids that share the meridian of 116.4."""
    outline = "ST_Multi(ST_MakeEnvelope(116.3, 39.8, 116.5, 40.0, 4326))"
    number = db.execute(
        text(
            "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) "
            f"VALUES ('T', '测试', 'Test', {outline}, 4548, 'Asia/Shanghai') "
            "RETURNING jurisdiction_id"
        )
    ).scalar_one()
    feed = "INSERT INTO feed (jurisdiction_id, source) VALUES (:n, 'grids')"
    db.execute(text(feed), {"n": number})
    db.execute(
        text(
            "INSERT INTO area (jurisdiction_id, level, grid_kind, code, name, geom, feed_id, "
            "source_ref, content_hash) SELECT :n, 'grid', 'basic', code, code, "
            "ST_Multi(ST_MakeEnvelope(west, 39.8, west + 0.1, 40.0, 4326)), feed_id, code, 0 "
            "FROM feed, (VALUES ('west', 116.3), ('east', 116.4)) AS g (code, west)"
        ),
        {"n": number},
    )
    scheme = "INSERT INTO category_scheme (scheme, version) VALUES ('t', '1') RETURNING scheme_id"
    category = db.execute(
        text(
            "INSERT INTO category (scheme_id, code, name, name_en) "
            "VALUES (:s, '1', '甲', 'A') RETURNING category_id"
        ),
        {"s": db.execute(text(scheme)).scalar_one()},
    ).scalar_one()
    return number, NewIncident("desk", "R1", NOON, category, "resident", 116.45, 39.9)


def stored(db: Connection) -> list[tuple[object, ...]]:
    query = (
        "SELECT i.source_ref, a.code, round(i.x_m), round(i.y_m), i.found_by, i.attributes "
        "FROM incident i LEFT JOIN area a USING (area_id) ORDER BY i.source_ref"
    )
    return [tuple(row) for row in db.execute(text(query))]


def test_incident_lies_in_its_grid_with_metric_coordinates(db: Connection, place) -> None:
    number, new = place
    record_incident(db, number, replace(new, attributes={"camera": "C1"}))
    (row,) = stored(db)
    assert row[:2] == ("R1", "east")
    x, y = db.execute(
        text("SELECT ST_X(g), ST_Y(g) FROM ST_Transform("
             "ST_SetSRID(ST_MakePoint(116.45, 39.9), 4326), 4548) g")
    ).one()  # fmt: skip
    assert row[2:] == (round(x), round(y), "resident", {"camera": "C1"})


def test_same_reference_twice_is_one_incident(db: Connection, place) -> None:
    number, new = place
    first = record_incident(db, number, new)
    assert record_incident(db, number, new) == first
    assert len(stored(db)) == 1


def test_point_on_a_shared_edge_lies_in_one_grid(db: Connection, place) -> None:
    number, new = place
    record_incident(db, number, replace(new, lon=116.4))
    assert [row[1] for row in stored(db)] == ["west"]


def test_swapped_coordinates_are_refused(db: Connection, place) -> None:
    number, new = place
    with pytest.raises(InputError, match="are longitude and latitude swapped"):
        record_incident(db, number, replace(new, lon=39.9, lat=116.45))
    assert stored(db) == []


def test_time_without_zone_is_refused(db: Connection, place) -> None:
    number, new = place
    with pytest.raises(InputError, match="needs a time zone"):
        record_incident(db, number, replace(new, occurred_at=NOON.replace(tzinfo=None)))


def test_unknown_jurisdiction_is_told(db: Connection, place) -> None:
    with pytest.raises(NotFoundError, match="no jurisdiction 0"):
        record_incident(db, 0, place[1])
