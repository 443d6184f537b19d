"""`gridbeat hotspots`: where problems concentrate and where they rise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.metadata import version
from typing import Annotated

import numpy as np
import typer
from sqlalchemy import Connection

from analytics.class_hotspots import find_class_hotspots
from analytics.cube_store import read_cell_cube
from analytics.density import DensityParams
from analytics.nightly import Night, NightlyParams, run_night
from analytics.queries import CubeRequest
from analytics.results import Result, label_text
from geo.crs.systems import unproject
from geo.lattice.lattice import cell_centres, neighbours
from patrol.store import read_class_names, read_planning_grids
from web.asking import chance
from web.opening import begin, open_database
from web.options import Jurisdiction, Until, Weeks
from web.subject import About, data_window, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
LIGHT_BACKTEST = (
    "Forecast methods were chosen by a light backtest (few origins, cheap methods); "
    "`gridbeat backtest` compares all.",
    "预测方法由轻量回测选定（起点少、方法简）；`gridbeat backtest` 比较全部方法。",
)


@app.command()
def hotspots(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    cell: Annotated[float, typer.Option(help="Cell size in metres.")] = 100.0,
    category: Annotated[
        list[str] | None, typer.Option(help="Only this class; may be given several times.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to print.")] = 10,
) -> None:
    """Find hotspots (Getis-Ord Gi*) and trends (Mann-Kendall), store and print them.

    Only what residents and others reported counts; what patrols found measures where they went.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until.date() if until else None, weeks=weeks,
            classes=tuple(category) if category else None,
        )  # fmt: skip
        night = find(connection, request, cell_m=cell)
        typer.echo("\n".join(describe(connection, about, request, night, top=top)))


def make_request(
    connection: Connection, about: About, *, until: date | None, weeks: int,
    classes: tuple[str, ...] | None = None, by_class: bool = False,
) -> CubeRequest:  # fmt: skip
    """Return which incidents to count."""
    start, end = data_window(connection, about, until=until, weeks=weeks)
    return CubeRequest(about.number, start, end, classes=classes, by_class=by_class)


def find(connection: Connection, request: CubeRequest, *, cell_m: float) -> Night:
    """Compute and store hotspots, trends and density."""
    params = NightlyParams(
        cell_size_m=cell_m, density=DensityParams(bandwidth_m=max(400.0, 2 * cell_m))
    )
    return run_night(connection, request, params, code_version=version("gridbeat"))


def describe(
    connection: Connection, about: About, request: CubeRequest, night: Night, *, top: int
) -> list[str]:
    """Say what was found, the strongest first."""
    hot = night.results["hotspots"]
    lines = [
        f"{about.name_zh} {about.name_en}: {request.start} .. {request.last_day} "
        f"({int(hot.observed.sum()):,} reported incidents 上报事件)",
        "",
        f"Hotspots 热点 (Gi*, FDR): {_counts(hot)}",
    ]
    order = np.argsort(-hot.score, kind="stable")
    strongest = [i for i in order if hot.label[i] == "hot"][:top]
    if strongest:
        x, y = cell_centres(night.lattice)
        lon, lat = unproject(x[strongest], y[strongest], srid=about.srid)
        lines.append(f"  {'lon':>11} {'lat':>10} {'incidents':>10} {'z':>7} {'q':>9}")
    for k, i in enumerate(strongest):
        lines.append(
            f"  {lon[k]:>11.5f} {lat[k]:>10.5f} {hot.observed[i]:>10.0f} {hot.score[i]:>7.2f} "
            f"{hot.q[i]:>9.2g}"
        )
    lines += _class_lines(connection, about, request, night, top=top)
    trend = night.results["area_trends"]
    lines += ["", f"Grids 网格 (Mann-Kendall, FDR): {_counts(trend)}"]
    lines += _trend_lines(connection, about, request, trend, top=top)
    if "backtest" in night.run_ids:
        lines += ["", *LIGHT_BACKTEST]
    runs = ", ".join(f"{name} {number}" for name, number in night.run_ids.items())
    return [*lines, "", f"stored as results 结果编号: {runs}"]


def _counts(result: Result) -> str:
    return ", ".join(
        f"{number:,} {label_text(label, 'zh')} {label_text(label, 'en')}"
        for label, number in result.count_labels().items()
    )


def _class_lines(
    connection: Connection, about: About, request: CubeRequest, night: Night, *, top: int
) -> list[str]:
    """Say where each class concentrates; the classes with the strongest hotspots first."""
    cube = read_cell_cube(connection, replace(request, by_class=True), night.lattice)
    table = find_class_hotspots(cube, neighbours(night.lattice))
    names = read_class_names(connection)
    lines = ["", "By class 分类热点: cells 单元, strongest at 最强处"]
    if table.empty:
        return [*lines, "  none significant 无显著热点"]
    x, y = cell_centres(night.lattice)
    groups = sorted(table.groupby("category"), key=lambda group: -group[1]["score"].max())
    for category, rows in groups[:top]:
        best = rows.iloc[0]
        lon, lat = unproject(x[[best["row"]]], y[[best["row"]]], srid=about.srid)
        words = dict.fromkeys(names.get(str(category), (str(category),)))  # each name once
        lines.append(
            f"  {len(rows):>4}  {lon[0]:>11.5f} {lat[0]:>10.5f}  z {best['score']:>6.2f}  "
            f"q {chance(best['q_value']):<8} {' '.join(words)}"
        )
    return lines


def _trend_lines(
    connection: Connection, about: About, request: CubeRequest, trend: Result, *, top: int
) -> list[str]:
    grids = read_planning_grids(connection, about.number, day=request.end)
    names = {row.area_id: f"{row.code} {row.name}" for row in grids.itertuples()}
    order = np.argsort(trend.q, kind="stable")
    moving = [i for i in order if trend.label[i] in {"rising", "falling"}]
    if not moving:
        return ["  none significant after control of the false discovery rate 无显著变化"]
    return [
        f"  {label_text(trend.label[i], 'zh')} {label_text(trend.label[i], 'en'):<8} "
        f"{trend.slope[i]:+.2f} / week 每周  q = {trend.q[i]:.2g}  "
        f"{names.get(int(trend.units.ids[i]), trend.units.ids[i])}"
        for i in moving[:top]
    ]
