"""`gridbeat changes`: what changed this week, by class and grid, how much and how surely."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.latest_changes import LatestParams
from analytics.steps import Step
from web.asking import Told, ask, make_request
from web.found import change_sentences
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Language, Level, Top, Until
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
SPARE_WEEKS = 2
WEEKS = {"day": 1 / 7, "week": 1.0, "month": 31 / 7}


@app.command()
def changes(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    step: Annotated[Step, typer.Option(help="What is compared: the last day, week, month.")] = (
        "week"
    ),
    baseline: Annotated[int, typer.Option(min=1, help="Steps before it that are usual.")] = 8,
    level: Level = "grid",
    category: Category = None,
    lang: Language = "both",
    top: Top = 15,
) -> None:
    """List what rose or fell in the last whole week against the weeks before, surest first.

    Exact tests of counts; the certainty follows the false discovery rate over all that was tested.
    """
    weeks = int((baseline + 1) * WEEKS.get(step, 1.0)) + SPARE_WEEKS
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step=step,
            classes=category, by_class=True,
        )  # fmt: skip
        params = LatestParams(baseline_steps=baseline)
        told = ask(connection, about, "changes", request, params, level=level)
    lines = [*told.head("Changes 变化"), *describe(told, lang=lang, top=top), *told.tail()]
    typer.echo("\n".join(lines))


def describe(told: Told, *, lang: Language, top: int) -> list[str]:
    """Say what changed in sentences, surest first."""
    method = told.stored.run["parameters"]["method"]
    lines = [f"{method['step']} from 自 {method['last_step']}, against 对比前 "
             f"{method['baseline_steps']} {method['step']}s"]  # fmt: skip
    if told.stored.rows.empty:
        return [*lines, "  nothing that chance would not explain 无显著变化"]
    for zh, en in change_sentences(told.stored, told.names)[:top]:
        lines += {"zh": ["  " + zh], "en": ["  " + en], "both": ["  " + zh, "    " + en]}[lang]
    rest = len(told.stored.rows) - top
    return [*lines, *([f"  ... and {rest} more 其余: --top N"] if rest > 0 else [])]
