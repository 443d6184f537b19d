"""Up to which day the data are known: what sources state, and not what the newest row says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect, make_engine
from geo.incidents import NewIncident, record_incident
from tests.web.district import write_district
from web.subject import data_window, read_about

pytestmark = pytest.mark.db
LAST = date(2026, 2, 3)  # of the 400 incidents in the small district


@pytest.fixture
def filled(fresh_database: Database) -> Database:
    with connect(fresh_database) as connection:
        write_district(connection)
    return fresh_database


@pytest.fixture
def connection(filled: Database) -> Iterator[Connection]:
    engine = make_engine(filled, pool=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def end_of(connection: Connection) -> date:
    return data_window(connection, read_about(connection, "d1"), until=None, weeks=4)[1]


def report_now(connection: Connection) -> None:
    """File one incident now, as the desk does."""
    record_incident(
        connection, 1,
        NewIncident("gridbeat-desk", "1", datetime.now(UTC), 1, "resident", 121.005, 35.61),
    )  # fmt: skip


def test_one_live_report_moves_no_period_that_files_state(connection: Connection) -> None:
    imported = LAST + timedelta(days=1)
    assert end_of(connection) == imported  # nobody states anything: the newest row
    connection.execute(
        text("INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, crs, "
             "status, code_version) VALUES (1, 'incidents', 'f', '', '{}', 'wgs84', 'finished', '')")
    )  # fmt: skip
    report_now(connection)
    assert end_of(connection) == imported
    connection.execute(text("UPDATE feed SET covers_to = '2026-01-31' WHERE feed_id = 1"))
    assert end_of(connection) == date(2026, 2, 1)


def test_live_source_ends_periods_yesterday_once_it_is_said_to_be_one(
    connection: Connection,
) -> None:
    report_now(connection)
    connection.execute(text("UPDATE feed SET covers_to = '2026-01-31' WHERE feed_id = 1"))
    connection.execute(
        text("UPDATE feed SET live_from = '2026-02-10' WHERE source = 'gridbeat-desk'")
    )
    today = connection.execute(
        text("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date")
    ).scalar_one()
    assert end_of(connection) == today


def test_live_reports_alone_end_periods_with_the_newest(connection: Connection) -> None:
    connection.execute(text("DELETE FROM incident"))
    report_now(connection)
    assert end_of(connection) >= date.today()  # noqa: DTZ011 - or the day after there


def test_source_is_declared_live_by_name(
    filled: Database, monkeypatch: pytest.MonkeyPatch, gridbeat: Callable[..., Any]
) -> None:
    url = filled.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    assert gridbeat("import", "live", "test").code == 2
    assert "no source 'x'" in gridbeat("import", "live", "x", "--since", "2026-02-10").err
    assert gridbeat("import", "live", "test", "--since", "2026-02-10").code == 0
    assert "live 实时, since 自 2026-02-10" in gridbeat("import", "sources").out
    assert gridbeat("import", "live", "test", "--off").code == 0
    assert "not stated 未说明" in gridbeat("import", "sources").out
