"""Speed of the analytics beside the libraries that people use, with memory, in one run.

    python -m benchmarks.analytics [--only NAME ...] [--rounds 5] [--plot FILE] [--open-cp FOLDER]

Each case, ours or a peer's, runs in a process of its own: its first call (our kernels are compiled
at installation, the peers' are compiled before on a small case), then some rounds of which the
medians are printed, clock and processor time, and the peak of memory above what stood there before
the first call. Ours runs before and after its peer, so that both see the same neighbours on a
shared machine; the ratio is of processor times. Peers: esda, KDEpy, pymannkendall, pyehsa
(`uv sync --group bench`), and PredictCode's `open_cp`, which is on no package index, from the folder
named. `first` is the first call of public functions, each in a fresh process; `growth` is cost
against size, with a plot. Cubes from PostGIS: `python -P benchmarks/cube.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

Work = Callable[[], object]
Size = tuple[int, ...]


@dataclass(frozen=True)
class Timing:
    """What one case took: seconds of the clock and of the processor, and MiB."""

    clock: float
    processor: float
    first: float
    memory: float
    scale: float = 1.0


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(line: Connection, module: str, name: str, size: Size, rounds: int, path: str) -> None:
    """Run in the child: prepare a case, call it once, then some rounds."""
    sys.path[:0] = [path] if path else []
    warnings.simplefilter("ignore")
    work, scale = getattr(importlib.import_module(module), name)(*size)
    before = peak_mib()
    spent = []
    with contextlib.redirect_stdout(open(os.devnull, "w")):  # noqa: PTH123
        for _ in range(rounds + 1):
            clock, processor = time.perf_counter(), time.process_time()
            work()
            spent.append((time.perf_counter() - clock, time.process_time() - processor))
    later = spent[1:] or spent
    middle = [statistics.median(one[i] for one in later) * scale for i in (0, 1)]
    line.send(Timing(*middle, first=spent[0][0], memory=peak_mib() - before, scale=scale))


def run(name: str, size: Size, rounds: int, path: str = "") -> Timing:
    """Measure a case in a process of its own."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    arguments = (there, "benchmarks.analytics_cases", name, size, rounds, path)
    process = spawn.Process(target=measure, args=arguments)
    process.start()
    there.close()
    found: Timing = here.recv()
    process.join()
    return found


@dataclass(frozen=True)
class Duel:
    """Ours beside a peer."""

    title: str
    size: Size
    ours: str
    peer: str = ""
    theirs: str = ""
    rounds: int = 5
    peer_rounds: int = 1
    goal: str = ""


DUELS = (
    Duel("Gi* with p, 100 x 100", (100,), "gi", "esda, 999 permutations", "gi_esda"),
    Duel("Gi* with p, 300 x 300", (300,), "gi", "esda, 999 permutations", "gi_esda", goal=">= 100 x"),
    Duel("Gi* with p, 1000 x 1000", (1000,), "gi", goal="< 3 x the note's 2.3 s"),
    Duel(
        "density, 1 M points, 1000 x 1000, gaussian of 5 cells", (1_000_000, 1000), "kde",
        "KDEpy FFTKDE", "kde_kdepy", peer_rounds=5, goal=">= 4 x",
    ),
    Duel(
        "density, the same, quartic of 5 cells' radius", (1_000_000, 1000), "kde_quartic",
        "KDEpy FFTKDE", "kde_kdepy", peer_rounds=5,
    ),
    Duel(
        "density, the same, quartic of 20 cells' radius", (1_000_000, 1000), "kde_quartic_wide",
        "KDEpy FFTKDE", "kde_kdepy_wide", peer_rounds=5,
    ),
    Duel("adaptive density, 100 k points, 300 x 300", (100_000, 300), "kde_adaptive", rounds=2),
    Duel(
        "Mann-Kendall, 90,000 rare series of 52", (90_000, 52, 2), "trend",
        "pymannkendall", "trend_peer", goal=">= 1,000 x",
    ),
    Duel(
        "Mann-Kendall, 90,000 busy series of 52", (90_000, 52, 200), "trend",
        "pymannkendall", "trend_peer", goal=">= 1,000 x",
    ),
    Duel(
        "Mann-Kendall, 90,000 series of 52 rates", (90_000, 52, 2), "trend_rates",
        "pymannkendall", "trend_rates_peer", goal=">= 1,000 x",
    ),
    Duel(
        "Mann-Kendall, 90,000 series of 52 floats without ties", (90_000, 52), "trend_noise",
        "pymannkendall", "trend_noise_peer", goal=">= 1,000 x",
    ),
    Duel(
        "emerging hot spots, 10 x 10 x 24", (10, 24), "emerging",
        "pyehsa, 99 simulations", "emerging_pyehsa", peer_rounds=0, goal=">= 1,000 x",
    ),
    Duel("emerging hot spots, 300 x 300 x 24", (300, 24), "emerging", rounds=3, goal="about 1 s"),
    Duel(
        "self-exciting fit, 100 k events, 2,500 cells, 20 rounds", (100_000, 50), "exciting",
        "open_cp, grid", "exciting_open_cp", peer_rounds=0, goal=">= 100 x",
    ),
    Duel("scan, 999 runs, 100 x 100 x 28", (100, 28), "scan", rounds=1),
)  # fmt: skip


def duels(only: list[str], rounds: int, folder: str) -> None:
    print(
        "| task | first s | clock s | processor s | MiB | beside | clock s | processor s | MiB | times ours | asked |"
    )
    print("|---|--:|--:|--:|--:|---|--:|--:|--:|--:|---|")
    for duel in DUELS:
        if only and not any(word in duel.ours for word in only):
            continue
        mine = [run(duel.ours, duel.size, min(rounds, duel.rounds))]
        row = f"| {duel.title} | {mine[0].first:.3f} |"
        there = duel.theirs and (folder or "open_cp" not in duel.theirs)
        theirs = run(duel.theirs, duel.size, duel.peer_rounds, folder) if there else None
        mine.append(run(duel.ours, duel.size, min(rounds, duel.rounds)))
        clock, processor = (
            min(getattr(one, name) for one in mine) for name in ("clock", "processor")
        )
        row += f" {clock:.4f} | {processor:.4f} | {max(one.memory for one in mine):.0f} |"
        if theirs is None:
            print(f"{row} | | | | | {duel.goal} |", flush=True)
            continue
        scaled = "" if theirs.scale == 1 else ", from a sample"
        ratio = theirs.processor / processor
        print(
            f"{row} {duel.peer}{scaled} | {theirs.clock:.2f} | {theirs.processor:.2f} "
            f"| {theirs.memory:.0f} | {ratio:,.0f} | {duel.goal} |", flush=True,
        )  # fmt: skip


GROWTH = {
    "Gi* with p, by cells": ("gi", [(30,), (100,), (300,), (1000,)], lambda s: s[0] ** 2),
    "Mann-Kendall, by series of 52": (
        "trend", [(1000, 52, 2), (10_000, 52, 2), (100_000, 52, 2), (400_000, 52, 2)], lambda s: s[0],
    ),
    "Mann-Kendall, by steps": (
        "trend", [(20_000, 26, 2), (20_000, 52, 2), (20_000, 104, 2), (20_000, 365, 2)], lambda s: s[1],
    ),
    "density, by points": (
        "kde", [(10_000, 300), (100_000, 300), (1_000_000, 300), (10_000_000, 300)], lambda s: s[0],
    ),
    "density, by cells": (
        "kde", [(10_000, 100), (10_000, 300), (10_000, 1000), (10_000, 2000)], lambda s: s[1] ** 2,
    ),
    "emerging, by cells": ("emerging", [(10, 24), (30, 24), (100, 24), (300, 24)], lambda s: s[0] ** 2),
    "emerging, by steps": ("emerging", [(60, 12), (60, 24), (60, 48), (60, 96)], lambda s: s[1]),
    "self-exciting fit, by events": (
        "exciting", [(10_000, 50), (100_000, 50), (1_000_000, 50)], lambda s: s[0],
    ),
    "scan, one run, by cells": ("scan_once", [(30, 28), (60, 28), (120, 28), (240, 28)], lambda s: s[0] ** 2),
}  # fmt: skip


def processor_time(name: str, size: Size, rounds: int) -> float:
    """Return the least processor time of some calls after a first, in this process."""
    from benchmarks import analytics_cases

    work, _ = getattr(analytics_cases, name)(*size)
    work()
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def growth(rounds: int, plot: str) -> None:
    """Print processor time against size, and the slope of their logarithms at the larger end."""
    print("| what grows | sizes | processor ms | slope, all | slope, larger half |")
    print("|---|---|---|--:|--:|")
    curves = {}
    for title, (name, sizes, measure_of) in GROWTH.items():
        x = [measure_of(size) for size in sizes]
        y = [processor_time(name, size, rounds) for size in sizes]
        curves[title] = (x, y)
        slopes = [
            np.polyfit(np.log(x[i:]), np.log(np.maximum(y[i:], 1e-6)), 1)[0]
            for i in (0, len(x) // 2)
        ]
        numbers = " / ".join(f"{v:,}" for v in x)
        times = " / ".join(f"{v * 1e3:,.2f}" for v in y)
        print(f"| {title} | {numbers} | {times} | {slopes[0]:.2f} | {slopes[1]:.2f} |", flush=True)
    if plot:
        draw(curves, plot)


def draw(curves: dict[str, tuple[list[int], list[float]]], path: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "gridbeat"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5.5), layout="constrained")
    for title, (x, y) in curves.items():
        axes.loglog(np.array(x) / x[-1], y, marker="o", label=f"{title} (to {x[-1]:,})")
    span = np.array([1e-3, 1.0])
    axes.loglog(span, span * 0.5, color="grey", linestyle=":", label="linear")
    axes.set(
        xlabel="size, part of the largest", ylabel="processor time, s", title="Cost against size"
    )
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None} if path.endswith("svg") else {})


def first_calls() -> None:
    """Time the first call of public functions, each in a fresh process."""
    from benchmarks.analytics_cases import FIRST_CALLS

    print("| function | import, clock s | processor s | first call, clock s | processor s |")
    print("|---|--:|--:|--:|--:|")
    for name in FIRST_CALLS:
        code = f"from benchmarks.analytics_cases import time_first; time_first({name!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        spent = " | ".join(f"{float(one):.3f}" for one in done.stdout.split()[-4:])
        print(f"| {name} | {spent} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", nargs="*", default=[], help="words in the names of cases; first, growth"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plot", default="")
    parser.add_argument("--open-cp", default="", help="folder that holds open_cp")
    args = parser.parse_args()
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()  # fmt: skip
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"Revision {revision}, Python {sys.version.split()[0]}, NumPy {np.__version__}, "
          f"{os.cpu_count()} cores, load {load} at the beginning.\n")  # fmt: skip
    if args.only not in (["first"], ["growth"]):
        duels(args.only, args.rounds, args.open_cp)
    if not args.only or "first" in args.only:
        print()
        first_calls()
    if not args.only or "growth" in args.only:
        print()
        growth(args.rounds, args.plot)
    print(f"\nLoad {os.getloadavg()[0]:.1f} at the end.")


if __name__ == "__main__":
    main()
