"""`gridbeat association`: who stands together with the neighbours, and who differs from them."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.cell_association import AssociationParams
from analytics.join_rows import JoinParams
from geo.network.streets import REACH_M
from web.asking import Told, ask, both, chance, make_request, place_of
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
    joins: Annotated[
        bool, typer.Option("--joins", help="Join counts of each class, not local Moran.")
    ] = False,
    category: Category = None,
    top: Top = 10,
) -> None:
    """Find areas high among high, and outliers: high among low, low among high (local Moran).

    Join counts say whether areas above the mean touch each other more often than chance explains.
    """
    kind, params = ("joins", JoinParams()) if joins else ("association", AssociationParams())
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, classes=category,
            by_class=joins,
        )  # fmt: skip
        told = ask(
            connection, about, kind, request, params, cell_m=cell, level=level,
            hexagons=hexagons, streets_m=REACH_M if streets else None,
        )  # fmt: skip
    if joins:
        lines = [*told.head("Join counts 连接计数 (FDR)"), *describe_joins(told, top=top)]
    else:
        lines = [*told.head("Association 空间关联 (local Moran, FDR)"), *describe(told, top=top)]
    typer.echo("\n".join([*lines, *told.tail()]))


def describe_joins(told: Told, *, top: int) -> list[str]:
    """Say of which classes marked units touch more or less often than chance has them."""
    rows = told.stored.rows
    marked = rows[rows["joins"] == "marked"].head(top)
    head = f"  {'joins':>7} {'expected':>9} {'z':>7} {'q':>9}  marked 高于均值的单元"
    return [head] + [
        f"  {row['observed']:>7,.0f} {row['expected']:>9,.1f} {row['score']:>7.1f} "
        f"{chance(row['q_value']):>9}  {row['marked_units']:>5,.0f}  "
        f"{both(row['label'])}  {told.class_name(row['category'])}"
        for row in marked.to_dict("records")
    ]


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
        f"  {both(row['label']):<22} I = {row['score']:>6.2f}  q = {chance(row['q_value']):<8} "
        f"{row['observed']:>6,.0f} incidents  {place_of(row)}"
        for row in called.to_dict("records")
    ]
