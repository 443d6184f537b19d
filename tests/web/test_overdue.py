"""Cases past their deadline become stops that a patrol has to make, the latest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from tests.web.conftest import Service
from web.overdue import overdue_visits

pytestmark = pytest.mark.db
NOW = datetime(2026, 2, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def district(own_service: Service) -> Iterator[Connection]:
    """Give the small district; all that is done is rolled back."""
    engine = create_engine(own_service.database.app_url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def open_case(connection: Connection, number: str, *, due: datetime | None) -> None:
    connection.execute(
        text(
            "INSERT INTO case_file (jurisdiction_id, number, opened_at, words, geom, area_id, "
            "state_since, due_at) SELECT 1, :number, :opened, 'noise', ST_PointOnSurface(geom), "
            "area_id, :opened, :due FROM area WHERE code = 'w1'"
        ),
        {"number": number, "opened": NOW - timedelta(days=3), "due": due},
    )


def test_overdue_cases_must_be_visited_the_latest_first(
    own_service: Service, district: Connection
) -> None:
    none = overdue_visits(district, 1, at=NOW)
    assert none.empty
    assert none.crs == 4326
    open_case(district, "L5", due=NOW - timedelta(hours=5))
    open_case(district, "L26", due=NOW - timedelta(hours=26))
    open_case(district, "in-time", due=NOW + timedelta(hours=1))
    open_case(district, "no-deadline", due=None)
    found = overdue_visits(district, 1, at=NOW)
    assert found["stop_ref"].tolist() == ["case/L26", "case/L5"]
    assert found["must"].all()
    assert set(found["area_id"]) == {own_service.areas["w1"]}
    assert found["reason_en"].tolist() == ["case L26 is 26 h late", "case L5 is 5 h late"]
    assert found["reason_zh"].iloc[0] == "案件L26已超时26小时"
    assert found.geometry.within(shapely.box(121.0, 35.6, 121.01, 35.62)).all()
    assert overdue_visits(district, 1, at=NOW, most=1)["stop_ref"].tolist() == ["case/L26"]
    assert len(overdue_visits(district, 1, at=NOW + timedelta(hours=2))) == 3
