"""`gridbeat association`: who stands together with the neighbours, and who differs from them."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.cell_association import AssociationParams
from geo.network.streets import REACH_M
from web.asking import Told, ask, both, make_request, place_of
from web.opening import begin, open_database
from web.options import Category, Hexagons, Jurisdiction, Level, OnStreets, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def association(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    level: Level = "grid",
    cell: Annotated[float | None, typer.Option(help="Cells of so many metres, not areas.")] = None,
    hexagons: Hexagons = False,
    streets: OnStreets = False,
    category: Category = None,
    top: Top = 10,
) -> None:
    """Find areas high among high, and outliers: high among low, low among high (local Moran).

    Join counts say whether areas above the mean touch each other more often than chance explains.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, classes=category
        )
        told = ask(
            connection, about, "association", request, AssociationParams(),
            cell_m=cell, level=level, hexagons=hexagons, streets_m=REACH_M if streets else None,
        )  # fmt: skip
    lines = [*told.head("Association 空间关联 (local Moran, FDR)"), *describe(told, top=top)]
    typer.echo("\n".join([*lines, *told.tail()]))


def describe(told: Told, *, top: int) -> list[str]:
    """Say who stands out most, and how often areas above the mean touch."""
    joins = told.stored.run["parameters"]["method"]["joins"]["marked"]
    lines = [
        f"join counts 连接计数: {joins['count']} joins of areas above the mean, "
        f"{joins['expected']:.1f} expected, z = {joins['z']:.1f}, p = {joins['p']:.2g}"
    ]
    rows = told.stored.rows
    called = rows[rows["label"] != "none"].sort_values("q_value", kind="stable").head(top)
    if called.empty:
        return [*lines, "  none significant 无显著关联"]
    return lines + [
        f"  {both(row['label']):<22} I = {row['score']:>6.2f}  q = {row['q_value']:<8.2g} "
        f"{row['observed']:>6,.0f} incidents  {place_of(row)}"
        for row in called.to_dict("records")
    ]
