"""`gridbeat emerging`: how each place became hot or cold, in seventeen classes, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.emerging import EmergingParams
from analytics.emerging_words import explain_facts
from analytics.history import long_request
from analytics.steps import Step
from geo.network.streets import REACH_M
from web.asking import Told, ask, make_request
from web.opening import begin, open_database
from web.options import Category, Cell, Hexagons, Jurisdiction, Language, OnStreets, Top, Until
from web.subject import read_about

SHORT_WEEKS = 26
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def emerging(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Annotated[
        int | None, typer.Option(min=10, help="Length of the window; default: up to two years.")
    ] = None,
    step: Annotated[
        Step | None, typer.Option(help="Calendar step; default: months, weeks for short data.")
    ] = None,
    cell: Cell = 100.0,
    hexagons: Hexagons = False,
    streets: OnStreets = False,
    category: Category = None,
    lang: Language = "both",
    top: Top = 10,
) -> None:
    """Class each cell as new, intensifying, persistent, ... hot or cold, and say why.

    The seventeen classes are those of "Emerging Hot Spot Analysis"; docs/methods.md has the rules.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks or SHORT_WEEKS,
            step=step or "week", classes=category,
        )  # fmt: skip
        if weeks is None and step is None:
            request = long_request(connection, request) or request
        told = ask(
            connection, about, "emerging", request, EmergingParams(),
            cell_m=None if streets else cell, hexagons=hexagons,
            streets_m=REACH_M if streets else None,
        )  # fmt: skip
    lines = [*told.head("Emerging hot spots 时空热点"), *describe(told, lang=lang, top=top)]
    typer.echo("\n".join([*lines, *told.tail()]))


def describe(told: Told, *, lang: Language, top: int) -> list[str]:
    """Say why the strongest cells have their class, one cell of each class first."""
    rows = told.stored.rows
    called = rows[rows["label"] != "none"].assign(size=lambda frame: frame["score"].abs())
    called = called.sort_values("size", ascending=False, kind="stable")
    turn = called.groupby("label", sort=False).cumcount()
    picked = called.loc[turn.sort_values(kind="stable").index[:top]]
    method = told.stored.run["parameters"]["method"]
    lines = []
    for row in picked.to_dict("records"):
        point = row["geometry"].centroid
        lines.append(f"  {point.x:>11.5f} {point.y:>10.5f}  {row['observed']:,.0f} incidents")
        lines += [
            "    " + explain_facts(row, one, n_steps=method["n_steps"], step=method["step"])
            for one in (("zh", "en") if lang == "both" else (lang,))
        ]
    return lines
