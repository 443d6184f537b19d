"""`gridbeat backtest`: how well each method would have forecast, and which is used from now on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import typer
from sqlalchemy import Connection

from analytics.backtest_design import ALL, KEY, WHOLE, BacktestDesign, By, Task, run_tasks
from analytics.backtest_rows import CHOSEN, SCORED
from analytics.backtest_store import Runner, ask_backtest, read_delay
from analytics.backtest_summary import summarise
from analytics.cube import REPORTED
from analytics.cube_store import read_lattice
from analytics.delay import DelayTriangle, overall_completeness, propose_embargo
from analytics.listing import Listing
from analytics.queries import CubeRequest
from analytics.steps import Step
from analytics.store import Origin, write_listing
from analytics.street_store import read_streets
from geo.errors import InputError
from geo.models.base import FOUND_BY
from patrol.store import read_class_names
from web.opening import begin, open_database
from web.options import Jurisdiction, Until
from web.progress import Report, progress
from web.subject import About, data_window, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Names = Mapping[str, tuple[str, str]]
STEPS_ZH = {"day": "日", "week": "周", "month": "月"}


class Part(StrEnum):
    """What a backtest tells apart."""

    CLASS = "class"
    SOURCE = "source"
    COMMUNITY = "community"


@app.command()
def backtest(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Annotated[int, typer.Option(min=12, help="Length of the data window in weeks.")] = 104,
    by: Annotated[
        list[Part] | None,
        typer.Option(help="Tell apart; may be given several times. Default: class."),
    ] = None,
    cell: Annotated[
        float | None, typer.Option(min=10, help="On cells of this size in metres, not in areas.")
    ] = None,
    streets: Annotated[
        bool, typer.Option("--streets", help="On street segments between junctions, not in areas.")
    ] = False,
    level: Annotated[
        Literal["grid", "community", "street", "district"], typer.Option(help="Areas to forecast.")
    ] = "grid",
    category: Annotated[
        list[str] | None, typer.Option(help="Only this class (code); several times for more.")
    ] = None,
    step: Annotated[Literal["day", "week", "month"], typer.Option(help="Time step.")] = "week",
    origins: Annotated[int, typer.Option(min=2, help="From how many moments to forecast.")] = 20,
    horizon: Annotated[int, typer.Option(min=1, help="Steps that each forecast covers.")] = 1,
    embargo: Annotated[
        int | None,
        typer.Option(min=0, help="Newest steps not to look at; default: by the reporting delay."),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(help="Percent of the area that can be watched: choose for it alone."),
    ] = None,
    light: Annotated[
        bool, typer.Option("--light", help="Only the methods that cost least.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of what is drawn at random.")] = 20_260_101,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on this Dask cluster, such as tcp://host:8786."),
    ] = None,
    shared: Annotated[
        Path | None,
        typer.Option(help="With --dask: a folder that all workers see, for the cubes."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write every score here: .csv or .parquet.")
    ] = None,
) -> None:
    """Forecast the past from what was known then, score it, and choose a method for each class.

    The plan and the map use what is chosen here. If nothing beats counting, counting is used.
    """
    if streets and cell is not None:
        raise InputError("--streets and --cell exclude each other: say one")
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        window = data_window(connection, about, until=until.date() if until else None, weeks=weeks)
        origin = make_origin(
            connection, about, window, cell_m=cell, level=level, streets=streets, step=step,
            seed=seed, classes=tuple(category) if category else None,
            sources=Part.SOURCE in (by or ()),
        )  # fmt: skip
        triangle = read_delay(connection, origin)
        parts: tuple[By, ...] = tuple(part.value for part in by or (Part.CLASS,))
        design = BacktestDesign(
            n_origins=origins, horizon_steps=horizon, seed=seed, by=parts,
            suite="light" if light else "full", share=None if share is None else share / 100,
            embargo_steps=embargo if embargo is not None else proposed(triangle),
        )  # fmt: skip
        names = read_class_names(connection)
        with runner(dask, shared, names) as run:
            listing = ask_backtest(connection, origin, design, run=run)
        number = write_listing(connection, listing, origin)
    typer.echo("\n".join(describe(about, origin, design, triangle, listing, names)))
    typer.echo(f"\nstored as result 结果编号: {number}")
    if out is not None:
        typer.echo(f"wrote {write_scores(listing, out)}")


def make_origin(
    connection: Connection, about: About, window: tuple[date, date], *, cell_m: float | None,
    level: str, step: Step, seed: int, classes: tuple[str, ...] | None, sources: bool,
    streets: bool = False,
) -> Origin:  # fmt: skip
    """Return what is counted, on cells, on streets or in areas."""
    request = CubeRequest(
        about.number, *window, step=step, classes=classes, by_class=True,
        found_by=FOUND_BY if sources else REPORTED,
    )  # fmt: skip
    code_version = version("gridbeat")
    if streets:
        found = read_streets(connection, about.number)
        return Origin(request, code_version, seed=seed, streets=found)
    if cell_m is None:
        return Origin(request, code_version, seed=seed, level=level)
    lattice = read_lattice(connection, about.number, cell_size_m=cell_m)
    return Origin(request, code_version, seed=seed, lattice=lattice)


def proposed(triangle: DelayTriangle | None) -> int:
    """Return the embargo that the reporting delay asks for; 0 where nothing is known of it."""
    return 0 if triangle is None else propose_embargo(triangle)


@contextmanager
def runner(dask: str | None, shared: Path | None, names: Names) -> Iterator[Runner]:
    """Give what runs the tasks, here or on a cluster, and shows how far it is."""
    with progress() as show:
        tell = partial(_tell, show, names)
        if dask is None:
            yield partial(run_tasks, report=tell)
        else:
            from analytics.backtest_dask import run_on_cluster

            yield partial(run_on_cluster, address=dask, folder=shared, report=tell)


def _tell(show: Report, names: Names, done: int, n: int, task: Task) -> None:
    show(f"backtest 回测 {done + 1} / {n}: {' '.join(_name(task.category, names))}")


def describe(
    about: About, origin: Origin, design: BacktestDesign, triangle: DelayTriangle | None,
    listing: Listing, names: Names,
) -> Iterator[str]:  # fmt: skip
    """Say what was tried, how well it did, and what is used from now on."""
    first, last = listing.window[0], listing.window[1] - timedelta(microseconds=1)
    where = f"{origin.lattice.cell_size_m:g} m" if origin.lattice else origin.level
    if origin.streets is not None:
        where = f"{len(origin.streets):,} street segments 街段; shares of their length 按长度"
    yield f"{about.name_zh} {about.name_en}{'  SIMULATED 模拟' if about.simulated else ''}"
    yield (
        f"回测 backtest: {first:%Y-%m-%d} .. {last:%Y-%m-%d}, {design.n_origins} origins 起点, "
        f"{design.horizon_steps} {origin.request.step} ahead 预测"
        f"{design.horizon_steps}{STEPS_ZH[origin.request.step]}, units 单元: {where}"
    )
    yield from _delay_lines(triangle, design, origin.request.step)
    scored = listing.rows[listing.rows["label"] == SCORED]
    table = scored.rename(columns={"observed": "incidents"}).drop(columns=["label", "score"])
    table = table[[name for name in table.columns if not table[name].isna().all()]]
    summary = summarise(table, seed=design.seed)
    chosen = _records(listing.rows[listing.rows["label"] == CHOSEN])
    yield from _whole_lines(summary, chosen, design)
    yield from _part_lines(summary, chosen, names)


def _delay_lines(
    triangle: DelayTriangle | None, design: BacktestDesign, step: str
) -> Iterator[str]:
    n, unit = design.embargo_steps, STEPS_ZH[step]
    skipped = f"newest {step}s not looked at 不使用最近{n}{unit}: {n}"
    if triangle is None:
        yield f"上报延迟 reporting delay: unknown, no report carries its time 未知; {skipped}"
        return
    whole = overall_completeness(triangle)
    low, high = (bound[0] for bound in whole.bounds())
    yield (
        f"上报延迟 reporting delay: at the end of a {step} {whole.share[0]:.1%} are in "
        f"({low:.1%} .. {high:.1%}) {unit}末已上报比例; {skipped}"
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _is_whole(row: Mapping[str, Any]) -> bool:
    return bool((row["category"], row["found_by"], row["area"]) == (ALL, "reported", WHOLE))


def _whole_lines(
    summary: pd.DataFrame, chosen: list[dict[str, Any]], design: BacktestDesign
) -> Iterator[str]:
    """Say all of the scores over all classes."""
    rows = [row for row in _records(summary) if _is_whole(row)]
    used = next((row for row in chosen if _is_whole(row)), None)
    if used is None:
        return
    scored = [f"{100 * share:g}" for share in design.scored]
    shares = " ".join(f"{f'PAI{share}%':>6}" for share in scored)
    yield ""
    yield f"全部类别 all classes: {rows[0]['incidents']:,.0f} incidents forecast 被预测事件"
    yield (
        f"    {'method 方法':<18} {'hit5%':>5} {shares} {'PEI*5%':>6} {'devian.':>7} {'log':>7} "
        f"{'CRPS':>6} {'in50%':>5} {'in90%':>5} {'stable':>6}  over counts 优于计数  over EWMA"
    )
    for row in rows:
        mark = "=>" if row["method"] == used["method"] else "  "
        pai = " ".join(f"{row[f'pai_{share}']:>6.2f}" for share in scored)
        yield (
            f" {mark} {row['method']:<20} {row['hit_rate_5']:>5.1%} {pai} {row['pei_5']:>6.3f} "
            f"{row['deviance']:>7.3f} {row['log_score']:>7.4f} {row['crps']:>6.3f} "
            f"{row['covered_50']:>5.1%} {row['covered_90']:>5.1%} {row['stability_1']:>6.2f}  "
            f"{_gain(row, 'counting'):<20} {_gain(row, 'ewma')}"
        )
    if all(np.isclose(row["pai_1"], row["pai_5"]) for row in rows):
        yield (
            "  the hottest unit alone is more than 5 % of the area, so PAI tells little here: take "
            "smaller ones, such as --cell 250 最热的单元已超过面积的5 %，PAI难以区分各方法，"
            "可改用更小的单元，如 --cell 250"
        )
    yield f"  {used['why_en']}"
    yield f"  {used['why_zh']}"


def _part_lines(summary: pd.DataFrame, chosen: list[dict[str, Any]], names: Names) -> Iterator[str]:
    """Say for each class, source or community what was chosen and what it gains."""
    parts = [row for row in chosen if not _is_whole(row)]
    if not parts:
        return
    scores = {tuple(row[name] for name in (*KEY, "method")): row for row in _records(summary)}
    yield ""
    yield (
        f"    {'incidents':>9} {'PAI1%':>6} {'PAI5%':>6} {'in90%':>5}  {'method 采用方法':<16} "
        "over counts 优于计数   over EWMA"
    )
    for choice in sorted(parts, key=lambda row: -row["observed"]):
        row = scores[tuple(choice[name] for name in (*KEY, "method"))]
        yield (
            f"    {row['incidents']:>9,.0f} {row['pai_1']:>6.2f} {row['pai_5']:>6.2f} "
            f"{row['covered_90']:>5.1%}  {choice['method']:<20} {_gain(row, 'counting'):<20} "
            f"{_gain(row, 'ewma'):<20} {_part(choice, names)}"
        )
    counting = sum(not row["beats_counting"] for row in parts)
    yield (
        f"  nothing beats counting in {counting} of {len(parts)} rows, so counting is used there "
        f"{len(parts)}行中{counting}行无方法优于计数，采用计数"
    )


def _part(row: Mapping[str, Any], names: Names) -> str:
    if row["category"] != ALL:
        return " ".join(_name(row["category"], names))
    return str(row["area"] or row["found_by"])


def _gain(row: Mapping[str, Any], over: str) -> str:
    mean, low, high = (row[f"over_{over}_{end}"] for end in ("mean", "low", "high"))
    return "-" if pd.isna(mean) else f"{mean:+.1%} ({low:+.1%}..{high:+.1%})"


def _name(category: str, names: Names) -> tuple[str, ...]:
    if category == ALL:
        return ("全部", "all")
    return tuple(dict.fromkeys((category, *names.get(category, ()))))  # each word once


def write_scores(listing: Listing, path: Path) -> Path:
    """Write every score, one row a method and origin, as CSV or Parquet."""
    rows = listing.rows[listing.rows["label"] == SCORED].drop(columns=["label"])
    rows = rows.dropna(axis=1, how="all")
    if path.suffix == ".parquet":
        rows.to_parquet(path, index=False)
    else:
        rows.to_csv(path, index=False)
    return path
