"""`gridbeat density`: a smooth surface of incidents, with a bandwidth that is named or chosen."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from sqlalchemy import Connection

from analytics.bandwidth import choose_bandwidth, rule_bandwidth
from analytics.cube_store import read_cell_cube, read_lattice
from analytics.density import DensityParams, Kernel
from analytics.queries import CubeRequest
from geo.lattice.lattice import to_grid
from web.asking import Told, ask, make_request, place_of
from web.opening import begin, open_database
from web.options import Category, Cell, Jurisdiction, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Choose = Literal["likelihood", "rule"]


@app.command()
def density(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    cell: Cell = 100.0,
    bandwidth: Annotated[float | None, typer.Option(help="Metres; default: chosen.")] = None,
    choose: Annotated[
        Choose,
        typer.Option(help="likelihood: how well each incident is foretold by the others; rule."),
    ] = "likelihood",
    kernel: Annotated[Kernel, typer.Option(help="quartic or gaussian.")] = "quartic",
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="Narrow where incidents are many, wide where few.")
    ] = False,
    category: Category = None,
    top: Top = 5,
) -> None:
    """Smooth incidents into a surface per km2, with the boundary taken into account, and store it.

    The newest surface of all classes is the layer on the map.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, classes=category
        )
        width, said = (bandwidth, "") if bandwidth else _chosen(
            connection, request, cell, kernel, choose
        )  # fmt: skip
        params = DensityParams(bandwidth_m=width, kernel=kernel, adaptive=adaptive)
        told = ask(connection, about, "density", request, params, cell_m=cell)
    lines = told.head("Density 密度 (per km2)")[:1]
    lines.append(f"bandwidth 带宽 {width:.0f} m{said}, {kernel}{', adaptive' * adaptive}")
    typer.echo("\n".join([*lines, *describe(told, top=top), *told.tail()]))


def describe(told: Told, *, top: int) -> list[str]:
    """Say where it is densest."""
    rows = told.stored.rows.sort_values("score", ascending=False, kind="stable").head(top)
    return [
        f"  {row['score']:>8,.0f} per km2  {row['observed']:>6,.0f} incidents  {place_of(row)}"
        for row in rows.to_dict("records")
    ]


def _chosen(
    connection: Connection, request: CubeRequest, cell_m: float, kernel: Kernel, choose: Choose
) -> tuple[float, str]:
    """Return a bandwidth, and how it was chosen."""
    lattice = read_lattice(connection, request.jurisdiction_id, cell_size_m=cell_m)
    totals = read_cell_cube(connection, request, lattice).totals()
    counts = to_grid(lattice, totals, fill=0)
    if choose == "rule":
        return rule_bandwidth(counts, cell_size_m=cell_m), " (normal reference rule 经验法则)"
    share = to_grid(lattice, lattice.share, fill=0.0)
    found = choose_bandwidth(counts, share, cell_size_m=cell_m, kernel=kernel)
    return found.best_m, " (likelihood cross-validation 似然交叉验证)"
