"""`gridbeat profile`: on which weekdays and at which hours it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import typer

from analytics.profile_rows import ProfileParams
from web.asking import Told, ask, both, chance, figure, make_request
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Top, Until, Weeks
from web.subject import read_about
from web.week_words import DAYS, busiest

app = typer.Typer(add_completion=False, rich_markup_mode=None)
SHADES = " ▁▂▃▄▅▆▇█"


@app.command()
def profile(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    level: Annotated[
        Literal["grid", "community", "street", "district"] | None,
        typer.Option(help="The week of each area of a level; default: of each class."),
    ] = None,
    category: Category = None,
    top: Top = 10,
) -> None:
    """Show the week of each class or grid: its busiest hours, and whether chance explains them.

    Incidents of which only the day is known are spread over it, so that they make no midnight peak.
    """
    params = ProfileParams(by="area" if level else "class")
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="hour_of_week",
            classes=category, by_class=level is None,
        )  # fmt: skip
        told = ask(connection, about, "profile", request, params, level=level or "grid")
    lines = [*told.head("Week 一周时段 (chi square, FDR)"), *describe(told, top=top)]
    typer.echo("\n".join([*lines, *told.tail()]))


def describe(told: Told, *, top: int) -> list[str]:
    """Draw the first week hour by hour, and say the busiest hours of the others."""
    rows = told.stored.rows.to_dict("records")
    if not rows:
        return ["  no incidents 无事件"]
    lines = [f"{_name(told, rows[0])}: {rows[0]['observed']:,.0f}", *picture(rows[0]["week"]), ""]
    lines.append(f"  {'incidents':>9} {'times':>6} {'q':>8}  0 h {'.' * 16} 23 h  busiest 最忙时段")
    return lines + [
        f"  {row['observed']:>9,.0f} {figure(row['score'], '.2f'):>6} "
        f"{chance(row['q_value']):>8}  "
        f"{strip(np.reshape(row['week'], (7, 24)).sum(axis=0))}  "
        f"{busiest(row)}  {both(row['label'])}  {_name(told, row)}"
        for row in rows[:top]
    ]


def picture(week: Sequence[float]) -> list[str]:
    """Draw a week as seven lines of 24 blocks, the fuller the more."""
    days = np.reshape(np.asarray(week, dtype=np.float64), (7, 24))
    top = days.max()
    return [f"  {name}  {strip(day, top=top)}" for name, day in zip(DAYS, days, strict=True)]


def strip(values: Any, *, top: float | None = None) -> str:
    """Draw numbers as blocks; the fullest is the largest."""
    highest = float(np.max(values)) if top is None else top
    if highest <= 0:
        return SHADES[0] * len(values)
    return "".join(SHADES[int(np.ceil(value / highest * (len(SHADES) - 1)))] for value in values)


def _name(told: Told, row: Mapping[Any, Any]) -> str:
    if isinstance(row.get("category"), str):
        return told.class_name(row["category"])
    return f"{row['code']} {row['name']}"
