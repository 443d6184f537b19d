"""`gridbeat reports`: reports that wait for a person, and files of other departments."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from geo.imports.problems import REASONS
from governance.intake.feed import import_reports
from governance.intake.reports import list_unfiled
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Reports that wait for a person, and files of other departments. 上报",
)  # fmt: skip


@app.command("list")
def show(
    most: Annotated[int, typer.Option(min=1, help="How many to print.")] = 20,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print reports that are no case yet, the oldest first."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        rows = list_unfiled(connection, about.number, most=most)
    for row in rows:
        when = f"{row.received_at.astimezone(about.zone):%Y-%m-%d %H:%M}"
        typer.echo(f"{row.report_id}  {when}  {row.channel:<8} {row.words[:50]}")
    typer.echo(f"{len(rows)} reports wait 待受理{' (more 更多)' if len(rows) == most else ''}")


@app.command()
def feed(
    file: Annotated[Path, typer.Argument(help="CSV or workbook of a department.")],
    source: Annotated[str, typer.Option(help="Name of the department's system.")],
    crs: Annotated[str, typer.Option(help="wgs84, gcj02, bd09 or an EPSG code.")],
    scheme: Annotated[str | None, typer.Option(help="Scheme of its class codes.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of the workbook.")] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Take in a department's reports; the same number is one report, bad rows are kept."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        made = import_reports(
            connection, about.number, file, source=source, crs=crs, scheme=scheme,
            now=datetime.now(UTC), layer=sheet,
        )  # fmt: skip
    typer.echo(f"{made.new} new 新增, {made.same} same 未变, {len(made.bad)} quarantined 隔离")
    for row in made.bad[:20]:
        zh, en = REASONS[row.reason]
        typer.echo(f"  row 行 {row.row_no}, {row.field}: {en} {zh} {row.value or ''}".rstrip())
