"""`gridbeat effect`: whether a measure made a difference, before and after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from analytics.effect import EffectParams
from analytics.queries import CubeRequest
from web.asking import Told, ask, both, figure
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Level
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Areas = Annotated[list[str] | None, typer.Option(help="Code of such an area; several.")]
PARTS = {
    "treated": "treated 采取措施",
    "control": "control 对照",
    "near_treated": "near treated 周边",
    "near_control": "near control 对照周边",
    "difference": "difference 净差",
}


@app.command()
def effect(
    since: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the measure.")
    ],
    treated: Annotated[list[str], typer.Option(help="Code of an area with the measure; several.")],
    control: Areas = None,
    near_treated: Areas = None,
    near_control: Areas = None,
    before: Annotated[int, typer.Option(min=1, help="Weeks before it to compare.")] = 12,
    after: Annotated[int, typer.Option(min=1, help="Weeks from it on.")] = 12,
    level: Level = "grid",
    jurisdiction: Jurisdiction = None,
    category: Category = None,
) -> None:
    """Compare before and after a measure: Poisson E-test, and displacement against a control.

    With a control, the weighted displacement difference says how many incidents a week the measure
    spared or gained, those that moved next door counted in.
    """
    day = since.date()
    params = EffectParams(
        since=str(day), treated=tuple(treated), control=tuple(control or ()),
        near_treated=tuple(near_treated or ()), near_control=tuple(near_control or ()),
    )  # fmt: skip
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = CubeRequest(
            about.number, day - timedelta(weeks=before), day + timedelta(weeks=after), step="day",
            classes=tuple(category) if category else None,
        )  # fmt: skip
        told = ask(connection, about, "effect", request, params, level=level)
    title = f"Before and after 前后对比 {day} ({before} and {after} weeks)"
    typer.echo("\n".join([*told.head(title), *describe(told), *told.tail()]))


def describe(told: Told) -> list[str]:
    """Say what each part did, and what is left once the control is taken off."""
    lines = [f"  {'':<24} {'before':>7} {'after':>7} {'times':>6}  95 % interval      p"]
    for row in told.stored.rows.to_dict("records"):
        bounds = f"{figure(row['low'], '.2f')} .. {figure(row['high'], '.2f')}"
        verdict = both(row["label"])
        if row["part"] == "difference":
            lines.append(
                f"  {PARTS['difference']:<24} {row['score']:+.2f} incidents a week 每周件数 "
                f"({bounds})  p = {row['p_value']:.3g}  {verdict}"
            )
            continue
        lines.append(
            f"  {PARTS[row['part']]:<24} {row['before']:>7.0f} {row['observed']:>7.0f} "
            f"{figure(row['score'], '.2f'):>6}  {bounds:<15} {row['p_value']:>6.3g}  {verdict}"
        )
    return lines
