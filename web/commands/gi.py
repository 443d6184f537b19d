"""`gridbeat gi`: Getis-Ord Gi* over cells, grids or streets, with every choice in hand."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.answers import SEED
from analytics.fdr import Procedure
from analytics.hotspots import Chance, HotspotParams, Near, Weights
from geo.network.streets import REACH_M
from web.asking import Told, ask, both, chance, make_request, place_of
from web.opening import begin, open_database
from web.options import Category, Hexagons, Jurisdiction, Level, OnStreets, Seed, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def gi(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    level: Level = "grid",
    cell: Annotated[float | None, typer.Option(help="Cells of so many metres, not areas.")] = None,
    hexagons: Hexagons = False,
    streets: OnStreets = False,
    near: Annotated[
        Near, typer.Option(help="Who is a neighbour; distance needs --near-m, nearest --near-k.")
    ] = "touching",
    near_m: Annotated[float | None, typer.Option(min=1, help="Distance in metres.")] = None,
    near_k: Annotated[int | None, typer.Option(min=1, help="How many nearest.")] = None,
    star: Annotated[
        bool, typer.Option(help="Gi*, the place itself counts; --no-star is Gi.")
    ] = True,
    weights: Annotated[Weights, typer.Option(help="binary, or row as esda has it.")] = "binary",
    chance: Annotated[Chance, typer.Option(help="How chances are computed.")] = "auto",
    fdr: Annotated[
        Procedure, typer.Option(help="bh, or by, which holds under any dependence.")
    ] = "bh",
    alpha: Annotated[float, typer.Option(help="False discovery rate.")] = 0.05,
    category: Category = None,
    seed: Seed = SEED,
    top: Top = 10,
) -> None:
    """Find hot and cold places by Getis-Ord, and print the strongest.

    `gridbeat hotspots` does this for cells each night, with the usual choices.
    """
    params = HotspotParams(
        star=star, near=near, near_m=near_m, near_k=near_k, weights=weights, chance=chance,
        fdr=fdr, alpha=alpha,
    )  # fmt: skip
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, classes=category
        )
        told = ask(
            connection, about, "hotspots", request, params, cell_m=cell, level=level,
            hexagons=hexagons, streets_m=REACH_M if streets else None, seed=seed,
        )  # fmt: skip
    name = "Gi*" if star else "Gi"
    lines = [*told.head(f"Hot and cold 冷热点 ({name}, FDR)"), *describe(told, top=top)]
    typer.echo("\n".join([*lines, *told.tail()]))


def describe(told: Told, *, top: int) -> list[str]:
    """Say which places are hot and cold, the surest first."""
    rows = told.stored.rows
    called = rows[rows["label"].isin(["hot", "cold"])].sort_values("q_value", kind="stable")
    if called.empty:
        return ["  none significant 无显著冷热点"]
    return [f"  {'incidents':>9} {'z':>7} {'p':>9} {'q':>9}"] + [
        f"  {row['observed']:>9,.0f} {row['score']:>7.2f} {chance(row['p_value']):>9} "
        f"{chance(row['q_value']):>9}  {both(row['label'])}  {place_of(row)}"
        for row in called.head(top).to_dict("records")
    ]
