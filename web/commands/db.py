"""`gridbeat db`: start, upgrade, back up and stop the database."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from geo.cluster.server import stop
from geo.database.archive import backup as write_backup
from geo.database.connect import Database, ensure_available, locate
from geo.database.restore import restore as load_backup
from geo.database.schema import migrate as migrate_schema
from geo.database.status import Status, read_status
from geo.errors import InputError
from geo.settings import DatabaseSettings
from web.opening import count_hexagons
from web.progress import progress

app = typer.Typer(
    help="Start, upgrade, back up and stop the database.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command()
def up() -> None:
    """Start the database and migrate it.

    The private PostGIS is made if there is none, and its schema is brought up to date. With
    GRIDBEAT_DATABASE_URL set, the server is others' to start; it is checked and migrated.
    """
    database = _database()
    ensure_available(database)
    with progress() as report:
        migrate_schema(database, report=report)
    count_hexagons(database)
    _print_status(read_status(database))


@app.command()
def down() -> None:
    """Stop the private PostGIS.

    Sessions are ended; nothing that was committed is lost.
    """
    database = _database()
    if database.cluster is None:
        raise InputError(
            "GRIDBEAT_DATABASE_URL is set: that server is not Gridbeat's to stop. "
            "Unset it to stop the private one."
        )
    stopped = stop(database.cluster)
    typer.echo("stopped" if stopped else "it was not running")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say where it is and how it is.

    Nothing is started or changed.
    """
    facts = read_status(_database())
    if as_json:
        typer.echo(json.dumps(asdict(facts), ensure_ascii=False, indent=2))
    else:
        _print_status(facts)


@app.command()
def migrate() -> None:
    """Bring the schema up to date.

    Overviews of the map are counted anew where the schema of their counts changed.

    GRIDBEAT_OWNER_URL, if set, names the role that does it; GRIDBEAT_DATABASE_URL if not.
    """
    database = _database()
    ensure_available(database)
    with progress() as report:
        revision = migrate_schema(database, report=report)
    count_hexagons(database)
    typer.echo(f"schema revision {revision.current}")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, for instance monday.backup.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write the database into one file.

    It holds the whole database as of one moment, while others go on working.
    """
    database = _database()
    ensure_available(database)
    with progress() as report:
        size = write_backup(database, file, overwrite=force, report=report)
    typer.echo(f"{file}: {_megabytes(size)}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `gridbeat db backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a database that holds rows.")
    ] = False,
) -> None:
    """Put a backup in its place.

    All of it, or nothing changes: a failed restore leaves the old database as it was.
    """
    database = _database()
    ensure_available(database)
    with progress() as report:
        revision = load_backup(database, file, replace=replace, report=report)
    count_hexagons(database)
    typer.echo(f"restored, schema revision {revision.current}")


def _database() -> Database:
    return locate(DatabaseSettings())


def _print_status(facts: Status) -> None:
    revision = facts.revision
    lines = {
        "database": f"{'private, in ' if facts.private else ''}{facts.place}",
        "state": "running" if facts.running else "stopped (start it: gridbeat db up)",
        "PostgreSQL": facts.postgres or "no data directory yet",
        "PostGIS": facts.postgis,
        "size": _megabytes(facts.size_bytes) if facts.size_bytes is not None else None,
        "schema": f"{revision.current or 'none'}, newest known {revision.head}"
        + ("" if revision.is_head else " (bring it up to date: gridbeat db migrate)")
        if revision
        else None,
        "works as": facts.app_role,
        "problem": facts.problem,
    }
    for name, value in lines.items():
        if value is not None:
            typer.echo(f"{name + ':':<12}{value}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
