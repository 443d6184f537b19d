"""What a backtest costs on two worker processes beside one process, with the same figures.

    python -m benchmarks.backtest_dask [--units 400] [--classes 8] [--origins 5] [--suite light]

Starts a scheduler and two workers of one thread each on this machine, as anybody would. Workers
import the package and read the cube before the clock starts, as on a cluster that stays up. On a
machine that is busy with other work the clock says little, so processor times stand beside it: those
of one process, and those of the busier worker, which is what the clock would show on idle cores. In
the end one of the workers is killed when two tasks of the same backtest are done, and the scheduler is
asked how many tasks ended in all: those above their number were done twice. With up to five origins a
task holds a whole class; with more, tasks of one class fit the same windows anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from distributed import Client

from analytics.backtest_dask import ORIGINS_PER_TASK, run_on_cluster
from analytics.backtest_design import Arena, BacktestDesign, Task, lay_tasks, run_tasks
from analytics.cube import Cube, Units
from analytics.forecast.protocol import Places
from analytics.steps import make_steps


def make_arena(n_units: int, n_classes: int, seed: int = 1) -> Arena:
    """Make Poisson counts of two years in a square of places."""
    rng = np.random.default_rng(seed)
    steps = make_steps(date(2022, 1, 3), date(2024, 1, 1), step="week", time_zone="Asia/Shanghai")
    place = rng.gamma(0.6, 1.0, (n_units, 1, n_classes, 1))
    counts = rng.poisson(np.broadcast_to(place, (n_units, len(steps), n_classes, 1)))
    codes = tuple(f"c{k}" for k in range(n_classes))
    cube = Cube(
        counts.astype(np.uint16), Units("cell", np.arange(n_units)), steps, codes, ("resident",)
    )
    row, column = np.divmod(np.arange(n_units), int(np.sqrt(n_units)))
    return Arena(cube, Places(column * 200.0, row * 200.0))


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Give the address of a scheduler and its workers of one thread each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
        env = os.environ | {"PYTHONWARNINGS": "ignore"}
        start = [sys.executable, "-m"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
        one = [*start, "distributed.cli.dask_scheduler", "--port", "0", *common]
        running = [subprocess.Popen(one, **quiet)]
        while not file.is_file():
            time.sleep(0.1)
        worker = [*start, "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1"]
        worker += ["--local-directory", folder, *common]
        running += [subprocess.Popen(worker, **quiet) for _ in range(workers)]
        try:
            yield json.loads(file.read_text())["address"], running[1:]
        finally:
            for process in running:
                process.terminate()
                process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=400)
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument("--origins", type=int, default=5)
    parser.add_argument("--suite", choices=["light", "full"], default="light")
    given = parser.parse_args()
    arenas = {"": make_arena(given.units, given.classes)}
    warm = BacktestDesign(n_origins=1, suite=given.suite, by=())
    run_tasks(arenas, warm)
    design = BacktestDesign(n_origins=given.origins, suite=given.suite)
    began, used = time.perf_counter(), time.process_time()
    here = run_tasks(arenas, design)
    alone, used = time.perf_counter() - began, time.process_time() - used
    n_tasks = len(lay_tasks(arenas, design))
    print(f"one process: {n_tasks} tasks, {alone:.1f} s, {used:.1f} s of processor", flush=True)
    with cluster(2) as (address, workers):
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2)
        for _ in range(2):
            run_on_cluster(arenas, warm, address=address)
        before = [processor_s(worker) for worker in workers]
        began = time.perf_counter()
        there = run_on_cluster(arenas, design, address=address)
        spent = time.perf_counter() - began
        each = [processor_s(w) - b for w, b in zip(workers, before, strict=True)]
        pd.testing.assert_frame_equal(there, here, check_exact=True)
        print(
            f"two workers: {spent:.1f} s, {alone / spent:.2f} times as fast; "
            f"{' and '.join(f'{s:.1f}' for s in each)} s of processor, "
            f"{used / max(each):.2f} times less for the busier; every figure identical",
            flush=True,
        )
        with Client(address, set_as_default=False) as client:
            before_kill = sum(client.run_on_scheduler(ended_tasks).values())

            def kill_one(done: int, n: int, task: Task) -> None:
                if done == 1:
                    workers[0].kill()
                    workers[0].wait()

            began = time.perf_counter()
            there = run_on_cluster(arenas, design, address=address, report=kill_one)
            spent = time.perf_counter() - began
            ended = sum(client.run_on_scheduler(ended_tasks).values()) - before_kill
            n_left = len(client.scheduler_info()["workers"])
    pd.testing.assert_frame_equal(there, here, check_exact=True)
    n_sent = len(lay_tasks(arenas, replace(design, origins_per_task=ORIGINS_PER_TASK)))
    print(
        f"one worker killed after 2 of {n_sent} tasks, {n_left} left: {spent:.1f} s, {ended - n_sent} "
        "tasks done twice, every figure identical"
    )


def ended_tasks(dask_scheduler: Any) -> dict[str, int]:
    """Count how often each task came to an end; runs on the scheduler."""
    log = [entry[:3] for entry in dask_scheduler.transition_log]
    return dict(
        Counter(str(key) for key, _, now in log if now == "memory" and "run_from_file" in str(key))
    )


def processor_s(worker: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(worker.pid).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
