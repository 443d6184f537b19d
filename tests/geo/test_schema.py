"""The models and the migrated tables are the same thing, and migrations go both ways."""

from __future__ import annotations

from importlib.resources import files

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2.alembic_helpers import include_object
from sqlalchemy import CheckConstraint, Connection, inspect, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from geo.database.connect import Database, connect, make_owner_engine
from geo.models.base import Base
from geo.database.schema import downgrade, head_revision, migrate, read_revision

pytestmark = pytest.mark.db
ROOMS = ("geo", "analytics", "patrol", "governance", "web")


def partitions(connection: Connection) -> set[str]:
    rows = connection.execute(text("SELECT relname FROM pg_class WHERE relispartition"))
    return set(rows.scalars())


def differences(connection: Connection) -> list[object]:
    """Compare as `migrations/env.py` does for a developer's `alembic check`."""
    for room in ROOMS:
        if files(room).joinpath("models.py").is_file():
            __import__(f"{room}.models")
    skipped = {*partitions(connection), "alembic_version"}

    def include(thing, name, kind, reflected, other):
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        return bool(include_object(thing, name, kind, reflected, other)) and table not in skipped

    context = MigrationContext.configure(
        connection,
        opts={"compare_type": True, "compare_server_default": True, "include_object": include},
    )
    return list(compare_metadata(context, Base.metadata))


def test_models_and_migrated_schema_agree(owner_db: Connection) -> None:
    assert differences(owner_db) == []


def test_comparison_sees_a_difference(owner_db: Connection) -> None:
    owner_db.execute(text("ALTER TABLE camera DROP COLUMN mount"))
    owner_db.execute(text("ALTER TABLE camera ALTER COLUMN name SET NOT NULL"))
    assert len(differences(owner_db)) == 2


def test_constraints_of_the_models_are_in_the_database(owner_db: Connection) -> None:
    """Alembic does not compare check and exclusion constraints; their names must match."""
    found = {
        (table, name)
        for table, name in owner_db.execute(
            text(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint "
                "WHERE contype IN ('c', 'x') AND connamespace = 'public'::regnamespace"
            )
        )
    }
    wanted = {
        (table.name, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint | ExcludeConstraint)
    }
    ours = {table.name for table in Base.metadata.tables.values()}
    assert {(table, name) for table, name in found if table in ours} == wanted


def test_every_moment_has_a_time_zone(owner_db: Connection) -> None:
    naive = owner_db.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"
        )
    )
    assert naive.fetchall() == []


def test_down_and_up_again_leaves_the_same_schema(fresh_database: Database) -> None:
    with make_owner_engine(fresh_database).connect() as connection:
        before = {
            t: inspect(connection).get_columns(t) for t in inspect(connection).get_table_names()
        }
    assert downgrade(fresh_database, target="base").current is None
    with connect(fresh_database, role="owner") as owner:
        left = owner.execute(
            "SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p', 'S', 'v') AND NOT EXISTS (SELECT FROM pg_depend d "
            "WHERE d.objid = c.oid AND d.deptype = 'e') AND relname <> 'alembic_version'"
        ).fetchall()
        functions = owner.execute(
            "SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace "
            "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        ).fetchall()
    assert (left, functions) == ([], [])
    assert migrate(fresh_database).current == head_revision()
    with make_owner_engine(fresh_database).connect() as connection:
        after = {
            t: inspect(connection).get_columns(t) for t in inspect(connection).get_table_names()
        }
        assert differences(connection) == []
    assert after.keys() == before.keys()
    assert {t: [c["name"] for c in cs] for t, cs in after.items()} == {
        t: [c["name"] for c in cs] for t, cs in before.items()
    }
    assert read_revision(fresh_database).is_head


def test_partitions_are_made_ahead_and_within_reason(db: Connection) -> None:
    months = set(
        db.execute(
            text(
                "SELECT to_char(now() + n * interval '1 month', '\"incident_p\"YYYY_MM') "
                "FROM generate_series(0, 12) n"
            )
        ).scalars()
    )
    assert months <= partitions(db)
    make = text("SELECT ensure_incident_partitions(CAST(:days AS date[]))")
    days = ["2001-02-28", "2001-02-01", "2001-03-01"]
    assert db.execute(make, {"days": days}).scalar_one() == 2
    assert db.execute(make, {"days": days}).scalar_one() == 0
    assert {"incident_p2001_02", "incident_p2001_03"} <= partitions(db)


@pytest.mark.parametrize("day", ["1969-12-31", "2999-01-01"])
def test_partitions_of_absurd_months_are_refused(db: Connection, day: str) -> None:
    with pytest.raises(Exception, match="no incident partition for the month of"):
        db.execute(text(f"SELECT ensure_incident_partitions('{{{day}}}')"))
