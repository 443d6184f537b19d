"""`gridbeat scan`: which discs and stretches of days hold more than chance explains."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from analytics.answers import SEED
from analytics.scan_null import Stage
from analytics.scan_params import Mode, Model, ScanParams
from geo.crs.systems import unproject
from web.asking import Told, ask, both, figure, make_request
from web.opening import begin, open_database
from web.options import Category, Cell, Jurisdiction, Seed, Top, Until, Weeks
from web.progress import Report, progress
from web.subject import read_about

WORTH_S = 3.0
"""Seconds to go from which it is said how long a scan will take."""
EVERY_S = 5.0
"""Seconds between two lines of progress."""

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
    runs: Annotated[int, typer.Option(min=19, help="Monte-Carlo runs, at most.")] = 999,
    enough: Annotated[
        int,
        typer.Option(
            min=0,
            help="End once so many runs reach the strongest seen, which is then chance; 0: never.",
        ),
    ] = 0,
    category: Category = None,
    seed: Seed = SEED,
    top: Top = 5,
) -> None:
    """Scan space and time for outbreaks: discs, days, p, and how often chance raises such alarms.

    p is corrected for having looked everywhere. Every class scanned by itself is one more test.
    """
    params = ScanParams(
        model=model, mode=mode, radius_cells=int(radius / cell), longest_steps=days,
        replicates=runs, enough=enough,
    )  # fmt: skip
    with begin(open_database()) as connection, progress() as show:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="day",
            classes=category,
        )  # fmt: skip
        told = ask(
            connection, about, "scan", request, params, cell_m=cell, seed=seed, tell=Ahead(show)
        )
    title = f"Space-time scan 时空扫描 ({mode}, {model})"
    typer.echo("\n".join([*told.head(title), *describe(told, top=top), *told.tail()]))


@dataclass
class Ahead:
    """Says how many runs are made, and how long the others will take by those that were.

    Attributes
    ----------
    show
        Takes a line of progress.
    clock
        Seconds that only grow.
    """

    show: Report
    clock: Callable[[], float] = time.monotonic
    began: float | None = None
    shown_s: float = 0.0

    def __call__(self, stage: Stage) -> None:
        """Show how far a scan is; what ends within seconds is not worth a line."""
        now = self.clock()
        if self.began is None:
            self.began = self.shown_s = now
            return
        spent = now - self.began
        left = spent / stage.done * (stage.replicates - stage.done)
        first = self.shown_s == self.began
        if left < WORTH_S if first else now - self.shown_s < EVERY_S:
            return
        self.shown_s = now
        self.show(
            f"scan 扫描: {stage.cylinders:,} cylinders 圆柱, {stage.done} / {stage.replicates} "
            f"runs 次模拟, about {left:,.0f} s to go 约余 {left:,.0f} 秒"
        )


def describe(told: Told, *, top: int) -> list[str]:
    """Say which discs stand out, the most unusual first."""
    rows = told.stored.rows.head(top)
    if rows.empty:
        return ["  nothing holds more than expected 无异常聚集"]
    lon, lat = unproject(rows["x_m"].to_numpy(), rows["y_m"].to_numpy(), srid=told.about.srid)
    lines = []
    wanted, made = (told.stored.run["parameters"]["method"].get(n) for n in ("replicates", "runs"))
    if made is not None and made < wanted:
        lines.append(
            f"  {made} of {wanted} runs were enough 共模拟 {made} 次（上限 {wanted}），已足以判断"
        )
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
