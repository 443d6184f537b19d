"""How well the methods forecast real incidents, beside counting.

    python -m benchmarks.accuracy [--data DIRECTORY] [--classes THEFT,ROBBERY] [--cells 150,250]
                                  [--origins 40] [--city chicago|vancouver|portland|both] [--scores FILE]
                                  [--read FILE ...]

Chicago: all police-reported incidents of 2013 and 2014; the next week's theft, burglary, robbery
and motor vehicle theft, in every cell that ever held an incident of any class. Twelve origins
before the first one that is judged choose the method; nothing that is judged takes part.

Vancouver: all located incidents of 2020, next week, in the same way; a check of what was designed on
Chicago.

Portland: motor vehicle theft calls of the NIJ Real-Time Crime Forecasting Challenge; 0.25 square
miles of 147.7, cells of 250 ft and 600 ft; the contest's own windows from 1 March 2017, and many
four-week windows before it, of which twelve choose the method and the rest judge it.
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

from analytics.cube import Cube, Units
from analytics.evaluate.backtest import BacktestParams, backtest
from analytics.evaluate.bootstrap import Gain, paired_gain
from analytics.evaluate.choose import (
    SMALL_SHARES,
    choose_method,
    explain_choice,
    relative_gain,
    score_matrix,
)
from analytics.evaluate.origins import Origins, rolling_origins
from analytics.evaluate.scores import capture
from analytics.forecast.baselines import ALL_HISTORY, EWMA
from analytics.forecast.blend import Blend, BlendParams
from analytics.forecast.protocol import Method, Places, Target
from analytics.forecast.suite import largest_classes, standard_methods
from analytics.forecast.surfaces import Memory, Surface
from analytics.steps import Steps, make_steps
from benchmarks.accuracy_cities import CITIES, City, Points, read_portland

CELLS_M = (150.0, 250.0)
DECIDING = 12
FOOT_M = 0.3048
PORTLAND_FT2 = 4_117_777_129.0
FORECAST_FT2 = 0.25 * 5280.0**2
CONTEST = pd.Timestamp("2017-03-01")
NOTE = {  # incidents caught of 71, 273, 805 by the best naive method, chosen after the fact
    (250, "1 week"): 4,
    (250, "1 month"): 22,
    (250, "3 months"): 54,
    (600, "1 month"): 11,
    (600, "3 months"): 30,
}
Floats = NDArray[np.float64]


def cell_codes(points: Points, side: float) -> NDArray[np.int64]:
    column, row = np.floor(points.x / side), np.floor(points.y / side)
    return (row * 1_000_000 + column).astype(np.int64)


def count(
    points: Points, steps: Steps, ids: NDArray[np.int64], side: float, *, least: int = 1
) -> Cube:
    """Count points by cell, week and class; rare classes are left out."""
    local = points.when.tz_localize(steps.time_zone, ambiguous=True, nonexistent="shift_forward")
    sizes = pd.Series(points.category).value_counts()
    codes = tuple(sorted(sizes.index[sizes >= least]))
    units = Units("cell", ids)
    place = (
        units.locate(cell_codes(points, side)),
        steps.locate(local),
        pd.Index(codes).get_indexer(pd.Index(points.category)),
    )
    kept = (place[0] >= 0) & (place[1] >= 0) & (place[2] >= 0)
    counts = np.zeros((len(ids), len(steps), len(codes), 1), dtype=np.uint16)
    np.add.at(counts, (*(axis[kept] for axis in place), 0), 1)
    return Cube(counts, units, steps, codes, ("resident",))


def places_of(ids: NDArray[np.int64], side: float, unit_m: float = 1.0) -> Places:
    row, column = np.divmod(ids, 1_000_000)
    return Places((column + 0.5) * side * unit_m, (row + 0.5) * side * unit_m)


def run_city(
    city: City, points: Points, *, classes: Sequence[str], cells_m: Sequence[float], n_origins: int
) -> pd.DataFrame:
    steps = make_steps(city.first, city.last, step="week", time_zone=city.time_zone)
    tables = []
    for side in cells_m:
        ids = np.unique(cell_codes(points, side))
        cube = count(points, steps, ids, side, least=city.least)
        origins = rolling_origins(len(steps), n_origins=n_origins + DECIDING)
        for code in classes:
            began = time.perf_counter()
            target = Target((code,))
            others = largest_classes(cube, target, before_step=origins.cutoffs[0])
            methods = standard_methods(target, places_of(ids, side), other_classes=others)
            table = backtest(cube, methods, origins, target=target)
            spent = time.perf_counter() - began
            print(f"{code} {side:g} m: {len(ids)} cells, {len(origins)} origins, {spent:.0f} s")
            tables.append(table.assign(task=f"{code.lower()} {side:g} m", seconds=spent))
    return pd.concat(tables, ignore_index=True)


def print_city(table: pd.DataFrame) -> None:
    judged, words = add_chosen(table, int(table["origin"].min()) + DECIDING)
    print("\n".join(write_city(judged, words)))


def add_chosen(table: pd.DataFrame, first_judged: int) -> tuple[pd.DataFrame, list[str]]:
    """Choose the method of each task by its earlier origins; return the judged rows and words."""
    judged, words = [], []
    for task, rows in table.groupby("task", sort=False):
        choice = choose_method(rows, rng=np.random.default_rng(0), before_origin=first_judged)
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
    yield "\n### The chosen method beside counting, pooled\n"
    yield "| share of area | over | gain in PAI | 95 % interval | gain in % | 95 % interval |"
    yield "|---|---|---|---|---|---|"
    for share in SMALL_SHARES:
        for other in (ALL_HISTORY, EWMA):
            yield gain_row(judged, share, other)
    yield "\n### By class and cell size: chosen over all-history counts, and over EWMA, in PAI\n"
    yield from task_rows(judged)


def coverage(judged: pd.DataFrame) -> pd.DataFrame:
    nominal = (50, 80, 90, 95)
    names = [f"busy_{n}" for n in nominal]
    rows = judged.assign(**{name: judged[name] * judged["busy_units"] for name in names})
    groups = rows.groupby("method", sort=False)
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
    names = [f"{b} {100 * s:g} %" for b in ("counts", "EWMA") for s in SMALL_SHARES]
    yield "| task | counts at 1 / 2 / 5 % | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 2) + "|"
    for task, rows in judged.groupby("task", sort=False):
        base = [score_matrix(rows, ALL_HISTORY, f"pai_{100 * s:g}").mean() for s in SMALL_SHARES]
        gains = [task_gain(rows, s, b) for b in (ALL_HISTORY, EWMA) for s in SMALL_SHARES]
        cells = [f"{g.mean:+.2f} ({g.low:+.2f} to {g.high:+.2f})" for g in gains]
        yield f"| {task} | " + " / ".join(f"{b:.2f}" for b in base) + f" | {' | '.join(cells)} |"


def task_gain(rows: pd.DataFrame, share: float, other: str) -> Gain:
    column = f"pai_{100 * share:g}"
    ours, theirs = (score_matrix(rows, name, column) for name in ("chosen", other))
    return paired_gain(ours, theirs, rng=np.random.default_rng(1))


def as_table(frame: pd.DataFrame, *, digits: int) -> Iterator[str]:
    yield "| " + " | ".join([str(frame.index.name), *frame.columns]) + " |"
    yield "|---" * (len(frame.columns) + 1) + "|"
    for name, row in frame.iterrows():
        yield f"| {name} | " + " | ".join(f"{v:.{digits}f}" for v in row) + " |"


def weeks_up_to(end: pd.Timestamp, first: pd.Timestamp, *, after: int) -> Steps:
    """Return weeks of which one ends at midnight of `end`, and some after it."""
    n = (end - first).days // 7
    days = pd.date_range(end - pd.Timedelta(weeks=n), periods=n + after + 1, freq="7D")
    edges = days.tz_localize("America/Los_Angeles").tz_convert("UTC").tz_localize(None)
    return Steps(edges.to_numpy().astype("datetime64[us]"), "week", "America/Los_Angeles")


def run_portland(points: Points, *, side_ft: float, n_origins: int) -> Iterator[str]:
    """Judge by the contest's own windows, and by many windows of four weeks before it."""
    steps = weeks_up_to(CONTEST, points.when.min(), after=0)
    ids = around(np.unique(cell_codes(points, side_ft)[points.when < CONTEST]))
    cube = count(points, steps, ids, side_ft)
    places = places_of(ids, side_ft, FOOT_M)
    params = BlendParams(outcome_steps=4, windows=26)
    methods = [*standard_methods(Target(), places, params=params), *naive_methods(places, params)]
    area = np.full(len(ids), side_ft**2)
    share = FORECAST_FT2 / area.sum()
    for method in methods:
        risk = method.fit(cube, len(steps)).predict(4).mean[:, 0]
        for name, days in (("1 week", 7), ("1 month", 31), ("3 months", 92)):
            inside = (points.when >= CONTEST) & (points.when < CONTEST + pd.Timedelta(days=days))
            at = cube.units.locate(cell_codes(points, side_ft)[inside])
            came = np.bincount(at[at >= 0], minlength=len(ids))
            caught = float(capture(risk, came, area, [share])[0])
            pai = caught / len(at) / (FORECAST_FT2 / PORTLAND_FT2)
            best = float(capture(came.astype(float), came, area, [share])[0])
            naive = NOTE.get((int(side_ft), name), "")
            yield (
                f"| {side_ft:g} ft | {name} ({len(at)}) | {method.name} | {caught:.1f} | {naive} "
                f"| {pai:.1f} | {caught / best:.3f} |"
            )
    over = " | ".join(f"over {name}" for name in (ALL_HISTORY, EWMA, "EWMA, 1 year"))
    yield f"\n| cells | windows | method | PAI | {over} | PAI at 1 / 2 / 5 % of these | log score |"
    yield "|---|---|---|--:|---|---|---|---|--:|"
    yield from many_windows(cube, methods, n_origins, share, side_ft)


def naive_methods(places: Places, params: BlendParams) -> list[Method]:
    """Return ways of counting that need no more than a line: memories and kernels by hand."""
    memories = [Surface(Memory("decay", days)) for days in (365.0, 730.0)]
    kernels = [Surface(Memory("all"), feet * FOOT_M) for feet in (300.0, 600.0)]
    names = ["EWMA, 1 year", "EWMA, 2 years", "kernel 300 ft", "kernel 600 ft"]
    return [
        Blend(name, Target(), places, (surface,), params)
        for name, surface in zip(names, memories + kernels, strict=True)
    ]


def many_windows(
    cube: Cube, methods: Sequence[Method], n_origins: int, share: float, side_ft: float
) -> Iterator[str]:
    """Choose by the first windows, at the contest's share of the area, and judge by the others."""
    n_windows = n_origins + DECIDING
    origins = rolling_origins(len(cube.steps), n_origins=n_windows, horizon_steps=4)
    how = BacktestParams(shares=(share, *SMALL_SHARES))
    table = backtest(cube, methods, Origins(origins.steps, 4), target=Target(), params=how)
    first = origins.steps[DECIDING]
    choice = choose_method(
        table, rng=np.random.default_rng(0), before_origin=first, shares=(share, *SMALL_SHARES)
    )
    table = table[table["origin"] >= first]
    chosen = table[table["method"] == choice.method].assign(method=f"chosen: {choice.method}")
    table = pd.concat([table, chosen], ignore_index=True)
    column = f"hit_rate_{100 * share:g}"
    scale = PORTLAND_FT2 / FORECAST_FT2
    for method in dict.fromkeys(table["method"]):
        ours = score_matrix(table, method, column) * scale
        gains = [
            paired_gain(ours, score_matrix(table, b, column) * scale, rng=np.random.default_rng(1))
            for b in (ALL_HISTORY, EWMA, "EWMA, 1 year")
        ]
        words = " | ".join(f"{g.mean:+.2f} ({g.low:+.2f} to {g.high:+.2f})" for g in gains)
        wide = " / ".join(
            f"{score_matrix(table, method, f'pai_{100 * s:g}').mean():.2f}" for s in SMALL_SHARES
        )
        log = score_matrix(table, method, "log_score").mean()
        yield (
            f"| {side_ft:g} ft | {n_origins} x 4 weeks | {method} | {ours.mean():.1f} | {words} "
            f"| {wide} | {log:.5f} |"
        )


def around(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cells and those that touch them."""
    shifts = [1_000_000 * i + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.unique(np.add.outer(ids, shifts))


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
    parser.add_argument("--scores", type=Path, help="write every score of Chicago here (Parquet)")
    parser.add_argument("--read", type=Path, nargs="+", help="print scores that were written")
    given = parser.parse_args()
    if given.read:
        print_city(pd.concat([pd.read_parquet(file) for file in given.read], ignore_index=True))
        return
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
        )
        if given.scores:
            table.to_parquet(given.scores)
        print_city(table)
    if given.city in ("portland", "both"):
        points = read_portland(given.data)
        print("\n| cells | window (calls) | method | caught | note | PAI | PEI* |")
        print("|---|---|---|---|---|---|---|")
        for side in given.feet.split(","):
            for line in run_portland(points, side_ft=float(side), n_origins=given.origins):
                print(line, flush=True)


if __name__ == "__main__":
    main()
