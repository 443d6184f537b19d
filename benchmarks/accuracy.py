"""How well the methods forecast real incidents, beside counting.

    python -m benchmarks.accuracy [--data DIRECTORY] [--classes THEFT,ROBBERY] [--cells 150,250]
                                  [--origins 40] [--city chicago|vancouver|portland|both] [--scores FILE]
                                  [--read FILE ...] [--open-cp FOLDER]

Chicago: all police-reported incidents of 2013 and 2014; the next week's theft, burglary, robbery
and motor vehicle theft, in every cell that ever held an incident of any class. Twelve origins
before the first one that is judged choose the method; nothing that is judged takes part.

Vancouver: all located incidents of 2020, next week, in the same way; a check of what was designed on
Chicago.

Portland: motor vehicle theft calls of the NIJ Real-Time Crime Forecasting Challenge; 0.25 square
miles of 147.7, cells of 250 ft and 600 ft; the contest's own windows from 1 March 2017, and many
four-week windows before it, of which twelve choose the method and the rest judge it.

With `--open-cp`, PredictCode's predictors run as peers over the same cells and judged weeks.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.evaluate.backtest import backtest
from analytics.evaluate.bootstrap import Gain, paired_gain
from analytics.evaluate.choose import (
    SMALL_SHARES,
    choose_method,
    explain_choice,
    relative_gain,
    score_matrix,
)
from analytics.evaluate.origins import Origins, rolling_origins
from analytics.forecast.baselines import CHAMPIONS
from analytics.forecast.protocol import Target
from analytics.forecast.suite import largest_classes, standard_methods
from analytics.steps import make_steps
from benchmarks.accuracy_cells import DECIDING, cell_codes, count, places_of
from benchmarks.accuracy_cities import CITIES, City, Points, read_portland
from benchmarks.accuracy_open_cp import PEERS, find_open_cp, score_peers
from benchmarks.accuracy_portland import Portland, write_windows

CELLS_M = (150.0, 250.0)
Floats = NDArray[np.float64]


def run_city(
    city: City,
    points: Points,
    *,
    classes: Sequence[str],
    cells_m: Sequence[float],
    n_origins: int,
    peers: bool = False,
) -> pd.DataFrame:
    steps = make_steps(city.first, city.last, step="week", time_zone=city.time_zone)
    tables = []
    for side in cells_m:
        ids = np.unique(cell_codes(points, side))
        cube = count(points, steps, ids, side, least=city.least)
        origins = rolling_origins(len(steps), n_origins=n_origins + DECIDING)
        for code in classes:
            began = time.process_time()
            target = Target((code,))
            others = largest_classes(cube, target, before_step=origins.cutoffs[0])
            methods = standard_methods(target, places_of(ids, side), other_classes=others)
            table = backtest(cube, methods, origins, target=target)
            spent = time.process_time() - began
            if peers:
                judged = Origins(origins.steps[DECIDING:])
                theirs = score_peers(cube, points, side, target, judged)
                table = pd.concat([table, theirs], ignore_index=True)
            total = time.process_time() - began
            print(
                f"{code} {side:g} m: {len(ids)} cells, {len(origins)} origins, {spent:.0f} s of "
                f"processor, peers {total - spent:.0f} s", flush=True,
            )  # fmt: skip
            tables.append(table.assign(task=f"{code.lower()} {side:g} m", seconds=spent))
    return pd.concat(tables, ignore_index=True)


def print_city(table: pd.DataFrame) -> None:
    judged, words = add_chosen(table, int(table["origin"].min()) + DECIDING)
    print("\n".join(write_city(judged, words)))


def add_chosen(table: pd.DataFrame, first_judged: int) -> tuple[pd.DataFrame, list[str]]:
    """Choose the method of each task by its earlier origins; return the judged rows and words."""
    judged, words = [], []
    for task, rows in table.groupby("task", sort=False):
        own = rows[~rows["method"].isin(PEERS)]
        choice = choose_method(own, rng=np.random.default_rng(0), before_origin=first_judged)
        words.append(f"{task}: {explain_choice(choice, 'en')}")
        late = rows[rows["origin"] >= first_judged]
        judged.append(late)
        judged.append(late[late["method"] == choice.method].assign(method="chosen"))
    return pd.concat(judged, ignore_index=True), words


def write_city(judged: pd.DataFrame, words: list[str]) -> Iterator[str]:
    yield "### What the earlier origins chose\n"
    yield from (f"- {line}" for line in words)
    yield "\n### All methods, mean over classes, cell sizes and origins\n"
    columns = [
        *(f"pai_{s}" for s in (1, 2, 5, 10, 20)),
        *("pei_1", "hit_rate_5", "deviance", "log_score", "crps", "stability_1"),
    ]
    yield from as_table(judged.groupby("method", sort=False)[columns].mean(), digits=3)
    yield "\n### Intervals: share of counts inside, in percent\n"
    yield "Busy: units that expect half an incident or more; each of them weighs the same.\n"
    yield from as_table(100 * coverage(judged), digits=1)
    yield "\n### The chosen method beside counting and the peers, pooled\n"
    yield "| share of area | over | gain in PAI | 95 % interval | gain in % | 95 % interval |"
    yield "|---|---|---|---|---|---|"
    others = [name for name in (*CHAMPIONS, *PEERS) if name in set(judged["method"])]
    for share in SMALL_SHARES:
        yield from (gain_row(judged, share, other) for other in others)
    yield "\n### By class and cell size: the chosen method's gain in PAI\n"
    yield from task_rows(judged)


def coverage(judged: pd.DataFrame) -> pd.DataFrame:
    nominal = (50, 80, 90, 95)
    names = [f"busy_{n}" for n in nominal]
    rows = judged.assign(**{name: judged[name] * judged["busy_units"] for name in names})
    groups = rows.dropna(subset=["covered_50"]).groupby("method", sort=False)
    busy = groups[names].sum().div(groups["busy_units"].sum(), axis=0)
    return groups[[f"covered_{n}" for n in nominal]].mean().join(busy)


def gain_row(judged: pd.DataFrame, share: float, other: str) -> str:
    column = f"pai_{100 * share:g}"
    ours, theirs = (score_matrix(judged, name, column) for name in ("chosen", other))
    plain = paired_gain(ours, theirs, rng=np.random.default_rng(1))
    part = relative_gain(judged, "chosen", other, rng=np.random.default_rng(1), shares=[share])
    return (
        f"| {100 * share:g} % | {other} | {plain.mean:+.3f} | {plain.low:+.3f} to {plain.high:+.3f}"
        f" | {100 * part.mean:+.2f} | {100 * part.low:+.2f} to {100 * part.high:+.2f} |"
    )


def task_rows(judged: pd.DataFrame) -> Iterator[str]:
    yield "| task | chosen, PAI | over | gain at 1 % | gain at 2 % | gain at 5 % |"
    yield "|---|---|---|---|---|---|"
    for task, rows in judged.groupby("task", sort=False):
        own = [score_matrix(rows, "chosen", f"pai_{100 * s:g}").mean() for s in SMALL_SHARES]
        first = f"| {task} | {' / '.join(f'{v:.2f}' for v in own)} |"
        for other in CHAMPIONS:
            gains = [task_gain(rows, share, other) for share in SMALL_SHARES]
            cells = [f"{g.mean:+.2f} ({g.low:+.2f} to {g.high:+.2f})" for g in gains]
            yield f"{first} {other} | {' | '.join(cells)} |"
            first = "| | |"


def task_gain(rows: pd.DataFrame, share: float, other: str) -> Gain:
    column = f"pai_{100 * share:g}"
    ours, theirs = (score_matrix(rows, name, column) for name in ("chosen", other))
    return paired_gain(ours, theirs, rng=np.random.default_rng(1))


def as_table(frame: pd.DataFrame, *, digits: int) -> Iterator[str]:
    yield "| " + " | ".join([str(frame.index.name), *frame.columns]) + " |"
    yield "|---" * (len(frame.columns) + 1) + "|"
    for name, row in frame.iterrows():
        yield (
            f"| {name} | "
            + " | ".join("" if np.isnan(v) else f"{v:.{digits}f}" for v in row)
            + " |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parent.parent.parent
    default = os.environ.get("GRIDBEAT_SHARED_DATA", str(root / "shared/data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--classes", default="", help="the city's own when none")
    parser.add_argument("--cells", default=",".join(f"{c:g}" for c in CELLS_M))
    parser.add_argument("--feet", default="600,250", help="sides of Portland's cells")
    parser.add_argument("--origins", type=int, default=40)
    parser.add_argument("--city", choices=[*CITIES, "portland", "both"], default="both")
    parser.add_argument("--scores", type=Path, help="write every score here (Parquet)")
    parser.add_argument("--open-cp", type=Path, help="folder that holds PredictCode's open_cp")
    parser.add_argument("--read", type=Path, nargs="+", help="print scores that were written")
    given = parser.parse_args()
    if given.read:
        table = pd.concat([pd.read_parquet(file) for file in given.read], ignore_index=True)
        if given.city == "portland":
            print("\n".join(write_windows(table)))
        else:
            print_city(table)
        return
    if given.open_cp:
        find_open_cp(given.open_cp)
    for name in ("chicago",) if given.city == "both" else (given.city,):
        city = CITIES.get(name)
        if city is None:
            continue
        table = run_city(
            city,
            city.read(given.data),
            classes=given.classes.split(",") if given.classes else city.classes,
            cells_m=[float(c) for c in given.cells.split(",")],
            n_origins=given.origins,
            peers=bool(given.open_cp),
        )
        if given.scores:
            table.to_parquet(given.scores)
        print_city(table)
    if given.city in ("portland", "both"):
        tables = []
        for side in given.feet.split(","):
            judge = Portland.prepare(read_portland(given.data), float(side))
            print("\n".join(judge.contest()), flush=True)
            tables.append(judge.scores(given.origins))
            print("\n".join(write_windows(tables[-1])), flush=True)
        if given.scores:
            pd.concat(tables).to_parquet(given.scores)


if __name__ == "__main__":
    main()
