"""`gridbeat brief`: the month of each grid as HTML and PDF, in Chinese and English."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlalchemy import text

from geo.errors import InputError
from governance.briefs.page import Lang, brief_html, brief_pdf
from governance.briefs.store import read_brief
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.progress import progress
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def brief(
    area: Annotated[
        list[str] | None, typer.Option(help="Code of an area; every basic grid without.")
    ] = None,
    month: Annotated[str | None, typer.Option(help="Such as 2026-10; default: the last.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("out/briefs"),
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Languages.")] = "both",
    pdf: Annotated[bool, typer.Option(help="PDF beside the HTML.")] = True,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Write the monthly brief of one area, or of every basic grid, from the data."""
    now = datetime.now(UTC)
    out.mkdir(parents=True, exist_ok=True)
    languages: tuple[Lang, ...] = ("zh", "en") if lang == "both" else (lang,)
    with begin(open_database()) as connection, progress() as report:
        about = read_about(connection, jurisdiction)
        year, number = _month(month, now.astimezone(about.zone))
        codes = area or list(connection.execute(_GRIDS, {"j": about.number}).scalars())
        for done, code in enumerate(codes, start=1):
            found = read_brief(
                connection, about.number, code, year=year, month=number, zone=about.zone, now=now
            )
            for one in languages:
                html = brief_html(found, lang=one, zone=about.zone)
                path = out / f"{code}-{year}-{number:02d}-{one}.html"
                path.write_text(html, "utf-8")
                if pdf:
                    path.with_suffix(".pdf").write_bytes(brief_pdf(html))
            report(f"{done} of {len(codes)}")
    typer.echo(f"{len(codes)} briefs 份简报 {year}-{number:02d}: {out}")


def _month(given: str | None, now: datetime) -> tuple[int, int]:
    if given is None:
        last = now.replace(day=1) - timedelta(days=1)
        return last.year, last.month
    year, _, month = given.partition("-")
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        raise InputError(f"{given!r}: a month is written 2026-10")
    return int(year), int(month)


_GRIDS = text(
    "SELECT code FROM area WHERE jurisdiction_id = :j AND level = 'grid' "
    "AND grid_kind = 'basic' AND valid_to > current_date ORDER BY code"
)
