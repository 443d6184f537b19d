"""`gridbeat near-repeat`: how much likelier an incident is soon after and close to another."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from analytics.answers import SEED
from analytics.repeat_bands import RepeatParams
from web.asking import Told, ask, make_request
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Seed, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def near_repeat(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    metres: Annotated[
        list[float] | None, typer.Option(help="Upper edge of a band of distance; several.")
    ] = None,
    days: Annotated[
        list[float] | None, typer.Option(help="Upper edge of a band of days; several.")
    ] = None,
    runs: Annotated[int, typer.Option(min=19, help="Permutations.")] = 999,
    category: Category = None,
    seed: Seed = SEED,
    top: Top = 5,
) -> None:
    """Test each class for near repeats (Knox), and show the bands that hold too many pairs.

    A finding says how long and how far around an incident to look out for the next.
    """
    asked = {"distances_m": metres, "time_bands_days": days}
    edges: dict[str, Any] = {name: tuple(sorted(v)) for name, v in asked.items() if v}
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="day",
            classes=category,
        )  # fmt: skip
        params = RepeatParams(permutations=runs, **edges)
        told = ask(connection, about, "near_repeat", request, params, seed=seed)
    title = "Near repeats 近重复 (Knox, FDR), bands of distance and days 距离与天数区间"
    typer.echo("\n".join([*told.head(title), *describe(told, top=top), *told.tail()]))


def describe(told: Told, *, top: int) -> list[str]:
    """Show a table of ratios for each class that repeats, the strongest first."""
    rows = told.stored.rows
    classes = rows[rows["label"] == "repeat"].groupby("category")["score"].max()
    if classes.empty:
        return ["  no class repeats near itself more than chance explains 无显著近重复"]
    strongest = classes.sort_values(ascending=False, kind="stable").index[:top]
    lines = ["ratio of pairs seen to pairs expected 实际与期望之比; * q <= alpha"]
    for code in strongest:
        own = rows[rows["category"] == code]
        lines += ["", f"{told.class_name(code)} ({own['incidents'].iloc[0]:.0f} incidents)"]
        lines += _table(own.to_dict("records"))
    return lines


def _table(rows: list[dict[Any, Any]]) -> list[str]:
    days = list(dict.fromkeys(row["upto_days"] for row in rows))
    lines = [f"  {'':>12} " + " ".join(f"{'<= ' + format(day, 'g') + ' d':>9}" for day in days)]
    for metres in dict.fromkeys(row["upto_m"] for row in rows):
        cells = [_cell(row) for row in rows if row["upto_m"] == metres]
        lines.append(f"  {'<= ' + format(metres, 'g') + ' m':>12} " + " ".join(cells))
    return lines


def _cell(row: dict[Any, Any]) -> str:
    if row["score"] is None or row["score"] != row["score"]:
        return f"{'-':>9}"
    return f"{row['score']:>8.2f}{'*' if row['label'] == 'repeat' else ' '}"
