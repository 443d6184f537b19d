"""The database is reached as the right role, and refused when it is not fit."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from geo.database import Database, connect, make_engine

pytestmark = pytest.mark.db


def test_application_connects_without_superuser_or_bypassrls(db: Connection) -> None:
    row = db.execute(
        text(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole"
            " FROM pg_roles WHERE rolname = current_user"
        )
    ).one()
    assert tuple(row) == ("gridbeat_app", False, False, False, False)


def test_rolled_back_test_leaves_nothing(db: Connection) -> None:
    db.execute(text("INSERT INTO category_scheme (scheme, version) VALUES ('x', '1')"))
    assert db.execute(text("SELECT count(*) FROM category_scheme")).scalar_one() == 1


def test_rolled_back_test_left_nothing(db: Connection) -> None:
    assert db.execute(text("SELECT count(*) FROM category_scheme")).scalar_one() == 0


def test_fresh_database_keeps_commits_and_shows_them_to_both_roles(
    fresh_database: Database,
) -> None:
    engine = make_engine(fresh_database)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO category_scheme (scheme, version) VALUES ('x', '1')"))
    engine.dispose()
    with connect(fresh_database, role="owner") as connection:
        assert connection.execute("SELECT scheme FROM category_scheme").fetchall() == [("x",)]
