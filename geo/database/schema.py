"""Brings a database's schema to a revision, and says which one it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from geo.database.connect import Database, ensure_available, make_owner_engine
from geo.errors import DatabaseError

MIGRATION_LOCK = 4_721_906_201  # any number that nobody else uses
VERSION_TABLE = "alembic_version"
VERSION_SCHEMA = "public"


@dataclass(frozen=True)
class Revision:
    """The schema's revision in a database beside the newest that this Gridbeat knows."""

    current: str | None
    head: str

    @property
    def is_head(self) -> bool:
        """Whether the database is up to date."""
        return self.current == self.head


def script_directory() -> ScriptDirectory:
    """Return the packaged migrations."""
    return ScriptDirectory.from_config(alembic_config())


def head_revision() -> str:
    """Return the newest revision that this Gridbeat knows."""
    head = script_directory().get_current_head()
    if head is None:
        raise DatabaseError("The package `migrations` holds no revision. Install Gridbeat again.")
    return head


def is_known(revision: str) -> bool:
    """Return whether this Gridbeat knows `revision`; a newer one's it does not."""
    return revision in {script.revision for script in script_directory().walk_revisions()}


def read_revision(database: Database) -> Revision:
    """Return the revision of `database`, without changing anything."""
    engine = make_owner_engine(database)
    with engine.connect() as connection:
        return Revision(_current(connection), head_revision())


def prepare(database: Database, *, report: Callable[[str], None] | None = None) -> bool:
    """Make `database` ready for work: start a private one and upgrade it by migration.

    Returns whether it was upgraded.

    Raises
    ------
    DatabaseError
        A server that others run has another schema revision than this Gridbeat needs.
    """
    ensure_available(database)
    revision = read_revision(database)
    if revision.is_head:
        return False
    if database.cluster is None:
        raise DatabaseError(
            f"The database {database} has the schema revision {revision.current or 'none'}, but "
            f"{revision.head} is needed. Bring it up to date: gridbeat db migrate."
        )
    migrate(database, report=report)
    return True


def migrate(
    database: Database, *, target: str = "head", report: Callable[[str], None] | None = None
) -> Revision:
    """Bring the schema up to `target`; two that do it at once take turns.

    Each step is one transaction: a failed one leaves the schema at the step before.

    Raises
    ------
    DatabaseError
        The database's revision is unknown here, because a newer Gridbeat made it.
    """
    return _run(database, command.upgrade, target, report or _silent)


def downgrade(
    database: Database, *, target: str, report: Callable[[str], None] | None = None
) -> Revision:
    """Take the schema down to `target`, or to nothing with ``"base"``: tables are dropped."""
    return _run(database, command.downgrade, target, report or _silent)


def _run(
    database: Database,
    step: Callable[[Config, str], None],
    target: str,
    report: Callable[[str], None],
) -> Revision:
    engine = make_owner_engine(database)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        before = _current(connection)
        connection.commit()
        _refuse_unknown(database, before)
        config = alembic_config()
        config.attributes["connection"] = connection
        config.attributes["report"] = report
        step(config, target)
        connection.commit()
        return Revision(_current(connection), head_revision())


def _refuse_unknown(database: Database, revision: str | None) -> None:
    if revision is not None and not is_known(revision):
        raise DatabaseError(
            f"The database {database} has the schema revision {revision}, which this Gridbeat "
            f"does not know (its newest is {head_revision()}): a newer Gridbeat made it. "
            "Install that version or a later one."
        )


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(
        connection,
        opts={"version_table": VERSION_TABLE, "version_table_schema": VERSION_SCHEMA},
    )
    return context.get_current_revision()


def alembic_config() -> Config:
    """Return Alembic's configuration with the packaged migrations."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _silent(_line: str) -> None:
    """Say nothing."""
