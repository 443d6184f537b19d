"""`gridbeat scan`: which discs and stretches of days hold more than chance explains."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Annotated, Any

import typer

from analytics.answers import SEED
from analytics.scan_params import Mode, Model, ScanParams
from geo.crs.systems import unproject
from web.asking import Told, ask, both, figure, make_request
from web.opening import begin, open_database
from web.options import Category, Cell, Jurisdiction, Seed, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def scan(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 8,
    mode: Annotated[
        Mode, typer.Option(help="prospective: what lasts to the last day; or retrospective.")
    ] = "prospective",
    model: Annotated[
        Model, typer.Option(help="permutation; or poisson, against the year before the window.")
    ] = "permutation",
    cell: Cell = 100.0,
    radius: Annotated[float, typer.Option(min=0, help="Largest radius in metres.")] = 1000.0,
    days: Annotated[int, typer.Option(min=1, help="Longest stretch in days.")] = 14,
    runs: Annotated[int, typer.Option(min=19, help="Monte-Carlo runs.")] = 999,
    category: Category = None,
    seed: Seed = SEED,
    top: Top = 5,
) -> None:
    """Scan space and time for outbreaks: discs, days, p, and how often chance raises such alarms.

    p is corrected for having looked everywhere. Every class scanned by itself is one more test.
    """
    params = ScanParams(
        model=model, mode=mode, radius_cells=int(radius / cell), longest_steps=days,
        replicates=runs,
    )  # fmt: skip
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="day",
            classes=category,
        )  # fmt: skip
        told = ask(connection, about, "scan", request, params, cell_m=cell, seed=seed)
    title = f"Space-time scan 时空扫描 ({mode}, {model})"
    typer.echo("\n".join([*told.head(title), *describe(told, top=top), *told.tail()]))


def describe(told: Told, *, top: int) -> list[str]:
    """Say which discs stand out, the most unusual first."""
    rows = told.stored.rows.head(top)
    if rows.empty:
        return ["  nothing holds more than expected 无异常聚集"]
    lon, lat = unproject(rows["x_m"].to_numpy(), rows["y_m"].to_numpy(), srid=told.about.srid)
    lines = []
    if not (told.stored.rows["label"] == "alarm").any():
        lines.append(
            "  no outbreak: chance alone brings as much as the strongest below 未发现异常聚集，"
            "以下最强者亦在偶然范围内"
        )
    head = (
        f"  {'lon':>11} {'lat':>10} {'radius':>8} {'seen':>6} {'usual':>7} {'times':>6} "
        f"{'p':>7} {'recurs in':>10}  days"
    )
    return [*lines, head] + [
        f"  {lon[i]:>11.5f} {lat[i]:>10.5f} {reach(row):>8} {row['observed']:>6.0f} "
        f"{row['expected']:>7.1f} {row['ratio']:>6.1f} {row['p_value']:>7.3f} "
        f"{figure(row['recurrence_days'], ',.0f'):>8} d  {row['first_day']} .. {row['last_day']}  "
        f"{both(row['label'])}"
        for i, row in enumerate(rows.to_dict("records"))
    ]


def reach(row: Mapping[Hashable, Any]) -> str:
    """Say how far a disc reaches from the middle of its cell; one of a single cell nowhere."""
    return "one cell" if row["n_cells"] == 1 else f"{row['radius_m']:.0f} m"
