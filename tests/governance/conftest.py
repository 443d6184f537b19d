"""A jurisdiction of four levels with a department, classes and a calendar, in the database."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text

from governance.calendar_store import write_calendar
from governance.clock.calendar import library_calendar
from governance.clock.deadlines import WorkClock, make_work_clock

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Place:
    jurisdiction: int
    areas: dict[str, int]
    department: int
    category: int


@pytest.fixture(scope="session")
def clock() -> WorkClock:
    return make_work_clock(library_calendar("CN", range(2025, 2028)), SHANGHAI)


def _found(db: Connection) -> Place:
    """Make the place and return its numbers."""
    square = "POLYGON((116.3 39.8,116.5 39.8,116.5 40.0,116.3 40.0,116.3 39.8))"
    number = db.execute(
        text(
            "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES "
            "('T', '测试区', 'Test', ST_Multi(ST_GeomFromText(:shape, 4326)), 4548, "
            "'Asia/Shanghai') RETURNING jurisdiction_id"
        ),
        {"shape": square},
    ).scalar_one()
    feed = db.execute(
        text(
            "INSERT INTO feed (jurisdiction_id, source, title) VALUES (:n, 'test', 'test') "
            "RETURNING feed_id"
        ),
        {"n": number},
    ).scalar_one()
    areas: dict[str, int] = {}
    parent = None
    for level in ("district", "street", "community", "grid"):
        parent = areas[level] = db.execute(
            text(
                "INSERT INTO area (jurisdiction_id, parent_id, level, grid_kind, code, name, geom, "
                "feed_id, source_ref, content_hash) VALUES (:n, :parent, :level, :kind, :level, "
                ":level, ST_Multi(ST_GeomFromText(:shape, 4326)), :feed, :level, 0) "
                "RETURNING area_id"
            ),
            {"n": number, "parent": parent, "level": level, "shape": square, "feed": feed,
             "kind": "basic" if level == "grid" else None},
        ).scalar_one()  # fmt: skip
    scheme = db.execute(
        text("INSERT INTO category_scheme (scheme, version) VALUES ('t', '1') RETURNING scheme_id")
    ).scalar_one()
    category = db.execute(
        text(
            "INSERT INTO category (scheme_id, code, name, name_en) VALUES "
            "(:s, '0102', '暴露垃圾', 'Exposed rubbish') RETURNING category_id"
        ),
        {"s": scheme},
    ).scalar_one()
    department = db.execute(
        text(
            "INSERT INTO department (jurisdiction_id, code, name, name_en, level) VALUES "
            "(:n, 'env', '环卫所', 'Sanitation', 'street') RETURNING department_id"
        ),
        {"n": number},
    ).scalar_one()
    write_calendar(db, number, library_calendar("CN", range(2025, 2028)), source="package holidays")
    return Place(number, areas, department, category)


@pytest.fixture(scope="session")
def found_place():
    """Give what makes the place in a database of a test's own."""
    return _found


@pytest.fixture
def place(db: Connection) -> Place:
    return _found(db)


@pytest.fixture
def owned_place(owner_db: Connection) -> Place:
    return _found(owner_db)
