"""Runs the migrations on the connection that it is given, or compares models with tables."""

from __future__ import annotations

import pkgutil
from importlib import import_module, util
from typing import Any, cast

from alembic import context
from geoalchemy2.alembic_helpers import include_object, render_item, writer
from sqlalchemy import Connection, MetaData, text

from geo.database.connect import ensure_available, locate, make_owner_engine
from geo.database.schema import VERSION_SCHEMA, VERSION_TABLE
from geo.models.base import Base
from geo.settings import DatabaseSettings

ROOMS = ("geo", "analytics", "patrol", "governance", "web")


def all_metadata() -> MetaData:
    """Return the tables of every room that has some."""
    for room in ROOMS:
        if util.find_spec(f"{room}.models") is not None:
            models = import_module(f"{room}.models")
            for part in pkgutil.iter_modules(getattr(models, "__path__", ())):
                import_module(f"{models.__name__}.{part.name}")
    return Base.metadata


def partitions_of(connection: Connection) -> set[str]:
    """Return the names of partitions: the models name their parents alone."""
    rows = connection.execute(text("SELECT relname FROM pg_class WHERE relispartition"))
    names = set(rows.scalars())
    connection.rollback()
    return names


def run(connection: Connection) -> None:
    """Run what the command asks for, each revision in a transaction of its own."""
    partitions = partitions_of(connection)

    def include(thing: Any, name: str | None, kind: Any, reflected: bool, other: Any) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        wanted = include_object(thing, name, kind, reflected, other)
        return bool(wanted) and table not in {*partitions, VERSION_TABLE}

    def report(*, step: Any, **_: Any) -> None:
        direction = "up to" if step.is_upgrade else "down from"
        say = context.config.attributes.get("report")
        if say is not None:
            say(f"schema {direction} {step.up_revision_id}: {step.up_revision.doc}")

    context.configure(
        connection=connection,
        target_metadata=all_metadata(),
        version_table=VERSION_TABLE,
        version_table_schema=VERSION_SCHEMA,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
        include_object=include,
        render_item=render_item,
        process_revision_directives=writer,
        on_version_apply=cast(Any, report),
    )
    with context.begin_transaction():
        context.run_migrations()


def run_by_hand() -> None:
    """Serve the `alembic` command of a developer on the database that the settings name."""
    database = locate(DatabaseSettings())
    ensure_available(database)
    with make_owner_engine(database).connect() as connection:
        run(connection)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    run_by_hand()
