"""`gridbeat classifier`: train it, say how good it is, try it on a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.intake.classifier_store import (
    count_agreement,
    read_labelled,
    read_version,
    suggest_classes,
    train_version,
)
from governance.intake.classify import ClassifierParams
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="The classifier of reports: train, report, try. 智能分类",
)  # fmt: skip


@app.command()
def train(
    scheme: Annotated[str, typer.Option(help="Scheme of the classes.")] = "gridbeat-demo",
    labelled: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False,
                     help="More labelled sentences: tab-separated scheme, code, words."),
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="What the threshold keeps to.")
    ] = 0.95,
    jurisdiction: Jurisdiction = None,
) -> None:  # fmt: skip
    """Train the next version from confirmed reports and the starter sentences."""
    params = ClassifierParams(precision=precision)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        sentences = read_labelled(connection, about.number, scheme, beside=labelled)
        made = train_version(
            connection, about.number, scheme, sentences, params, now=datetime.now(UTC)
        )
    typer.echo(
        f"version {made.version}: {made.confirmed} confirmed reports 已确认, {made.starter} "
        f"starter sentences 起步样句, {made.size / 1e6:.1f} MB"
    )
    typer.echo("\n".join(describe(vars(made.held_out))))


@app.command()
def report(
    version: Annotated[int | None, typer.Option(help="Of which version; the newest.")] = None,
    by_class: Annotated[bool, typer.Option("--classes", help="Every class, too.")] = False,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Say how good a version is on sentences that it had not seen."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        row = read_version(connection, about.number, number=version)
        suggested, first, among = count_agreement(connection, about.number)
    used = row.settings
    when = f"{row.trained_at.astimezone(about.zone):%Y-%m-%d %H:%M}"
    typer.echo(
        f"{row.scheme} version {row.version} of {when}: {used['confirmed']} confirmed 已确认, "
        f"{used['starter']} starter 起步样句"
    )
    typer.echo("\n".join(describe(row.report)))
    if by_class:
        for item in row.report["classes"]:
            typer.echo(
                f"  {item['code']}  n {item['sentences']:>4}  precision {_share(item['precision'])}"
                f"  recall {_share(item['recall'])}  F1 {item['f1']:.2f}"
            )
    if suggested:
        typer.echo(
            f"in use 实际使用: of {suggested} filed reports {_share(first / suggested)} were the "
            f"first suggestion, {_share(among / suggested)} among the three"
        )


@app.command("try")
def try_it(
    words: Annotated[str, typer.Argument(help="What somebody reports.")],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print the three likeliest classes of a sentence."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        read_version(connection, about.number)
        found = suggest_classes(connection, about.number, words)
    for item in found:
        mark = "  sure 高于阈值" if item.sure else ""
        typer.echo(f"{item.confidence:6.1%}  {item.code}  {item.name}  {item.name_en}{mark}")
    if not found:
        typer.echo("nothing like it was learnt 没有可参考的样句: a person chooses the class")


def describe(found: dict[str, Any]) -> list[str]:
    """Return the lines that tell of a held-out report."""
    lines = [
        f"held out 留出检验: {found['sentences']} sentences, each by a model that had not seen it",
        f"  macro-F1 {found['macro_f1']:.3f}, first right 首选正确 {_share(found['accuracy'])}, "
        f"among three 前三命中 {_share(found['top3'])}",
        f"  calibration error 校准误差 {found['calibration_error']:.3f}",
    ]
    if found["threshold"] is None:
        return [*lines, f"  no confidence is right {_share(found['precision'])} of the time"]
    return [
        *lines,
        f"  above {_share(found['threshold'])} confidence: {_share(found['coverage'])} of reports, "
        f"right {_share(found['precision_at'])} (95 % interval {_share(found['precision_low'])} to "
        f"{_share(found['precision_high'])})",
        "  below it nothing is preselected; a person confirms every class 均须人工确认",
    ]


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"
