"""`gridbeat trends`: where it rises or falls, by a test that fits the rhythm of the data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from analytics.adjusted_trends import AdjustedTrendParams, Method
from analytics.steps import Step
from geo.network.streets import REACH_M
from web.asking import Told, ask, both, chance, figure, make_request, place_of
from web.opening import begin, open_database
from web.options import Category, Hexagons, Jurisdiction, Level, OnStreets, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def trends(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    step: Annotated[Step, typer.Option(help="Calendar step.")] = "week",
    method: Annotated[
        Method,
        typer.Option(
            help="plain; seasonal (needs two cycles: --weeks 104); hamed-rao or pre-whitened "
            "for steps that hang on those before."
        ),
    ] = "plain",
    period: Annotated[int | None, typer.Option(help="Steps in a cycle of the seasons.")] = None,
    level: Level = "grid",
    cell: Annotated[float | None, typer.Option(help="Cells of so many metres, not areas.")] = None,
    hexagons: Hexagons = False,
    streets: OnStreets = False,
    category: Category = None,
    top: Top = 10,
) -> None:
    """Test each area for a trend (Mann-Kendall, FDR), with Sen's slope, its interval and changes.

    Only what was reported counts; what patrols found measures where they went.
    """
    params = AdjustedTrendParams(method=method, period=period)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step=step,
            classes=category,
        )  # fmt: skip
        told = ask(
            connection, about, "trends", request, params, cell_m=cell, level=level,
            hexagons=hexagons, streets_m=REACH_M if streets else None,
        )  # fmt: skip
    typer.echo("\n".join(describe(told, top=top)))


def describe(told: Told, *, top: int) -> list[str]:
    """Say which areas move, the surest first, and when their level changed last."""
    method = told.stored.run["parameters"]["method"]
    rows = told.stored.rows.sort_values("q_value", kind="stable").to_dict("records")
    moving = [row for row in rows if row["label"] in {"rising", "falling"}]
    lines = told.head(f"Trends 趋势 ({method['method']} Mann-Kendall, FDR)")
    if not moving:
        lines.append("  none significant after control of the false discovery rate 无显著变化")
    lines += [_line(row, _per(method)) for row in moving[:top]]
    changed = [row for row in moving[:top] if row["changed_on"]]
    if changed:
        lines += ["", "Level changed last 最近一次水平变化"]
        lines += [
            f"  {row['changed_on']}  {row['level_before']:.1f} -> {row['level_after']:.1f} "
            f"a {request_step(told)}  {place_of(row)}"
            for row in changed
        ]
    return [*lines, *told.tail()]


def request_step(told: Told) -> str:
    """Return the name of one step."""
    return str(told.stored.run["parameters"]["request"]["step"])


def _per(method: Any) -> str:
    if str(method["method"]).startswith("seasonal"):
        return f"{method['period']} steps"
    return str(method["step"])


def _line(row: Any, per: str) -> str:
    low, high = figure(row["slope_low"], "+.2f"), figure(row["slope_high"], "+.2f")
    return (
        f"  {both(row['label']):<12} {row['slope']:+.2f} ({low} .. {high}) a {per}  "
        f"q = {chance(row['q_value'])}  {row['observed']:,.0f} incidents  {place_of(row)}"
    )
