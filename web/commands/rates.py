"""`gridbeat rates`: incidents per household, km2 or km of street, against the limits of chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from analytics.area_rates import Per, RateParams
from geo.network.streets import REACH_M
from web.asking import Told, ask, both, figure, make_request, place_of
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Level, OnStreets, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PER_TEXT: Mapping[str, str] = {
    "households": "1,000 households 每千户",
    "area_km2": "km2 每平方公里",
    "street_km": "km of street 每公里街道",
}


@app.command()
def rates(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    per: Annotated[Per, typer.Option(help="What incidents are divided by.")] = "households",
    confidence: Annotated[float, typer.Option(help="Of the funnel's limits.")] = 0.998,
    level: Level = "grid",
    streets: OnStreets = False,
    category: Category = None,
    top: Top = 10,
) -> None:
    """Compare areas by rate: empirical Bayes against small numbers, funnel limits against chance.

    An area without households or without any report is unknown, not safe. Streets are compared by
    their length: --streets --per street_km.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, classes=category
        )
        params = RateParams(per=per, confidence=confidence)
        told = ask(
            connection, about, "rates", request, params, level=level,
            streets_m=REACH_M if streets else None,
        )  # fmt: skip
    per_text = PER_TEXT[per]
    lines = [
        *told.head(f"Rates 发生率 (a week per 每周 {per_text})"),
        *describe(told, top=top),
        *told.tail(),
    ]
    typer.echo("\n".join(lines))


def describe(told: Told, *, top: int) -> list[str]:
    """Say which areas lie highest, and between which limits chance alone would leave them."""
    method = told.stored.run["parameters"]["method"]
    rows = told.stored.rows.sort_values("score", ascending=False, kind="stable").head(top)
    head = f"  {'smoothed':>8} {'raw':>8}  {'limits of chance':>17} {'incidents':>9}  area"
    return [f"overall 总体 {method['overall']:.2f}", head] + [
        f"  {row['score']:>8.2f} {figure(row['raw'], '.2f'):>8}  "
        f"{figure(row['low'], '.2f'):>7} .. {figure(row['high'], '.2f'):>6} "
        f"{row['observed']:>9,.0f}  {place_of(row)}  {both(row['label'])}"
        for row in rows.to_dict("records")
    ]
