"""A backtest on a Dask cluster that somebody else runs: the same tasks, the same figures."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from analytics.backtest_design import (
    Arena,
    BacktestDesign,
    Task,
    join_tables,
    lay_tasks,
    run_task,
)
from analytics.cube_parquet import read_arena_file, write_arena
from geo.errors import InputError, MissingDependencyError

ORIGINS_PER_TASK = 5
"""Small enough to spread, large enough that windows are shared between origins."""
RETRIES = 3
"""How often a task may die with its worker before the backtest gives up."""
CONNECT_S = 15


def run_on_cluster(
    arenas: Mapping[str, Arena],
    design: BacktestDesign,
    *,
    address: str,
    folder: Path | None = None,
    report: Callable[[int, int, Task], None] = lambda done, n, task: None,
) -> pd.DataFrame:
    """Run a backtest as tasks on an existing cluster, reading cubes written beforehand.

    What comes out equals `analytics.backtest_design.run_tasks` bit by bit where the workers have
    the same libraries and processors: a task is a function of its file and its arguments alone.
    If a worker dies, the scheduler gives the tasks that it had in hand to another.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``.
    folder
        Where the cubes are written; every worker must see it by this path. By default a new
        temporary folder, which serves workers on this machine.
    report
        Told after each task that is done.

    Raises
    ------
    MissingDependencyError
        Dask is not installed.
    InputError
        No scheduler answers at the address.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise MissingDependencyError(
            "--dask needs the package distributed: pip install 'gridbeat[dask]'"
        ) from error
    home = Path(tempfile.mkdtemp(prefix="gridbeat-backtest-", dir=folder))
    try:
        files = {
            area: str(write_arena(home / f"{number}.parquet", arena))
            for number, (area, arena) in enumerate(arenas.items())
        }
        small = replace(design, origins_per_task=min(ORIGINS_PER_TASK, design.origins_per_task))
        tasks = lay_tasks(arenas, small)
        with _connect(Client, address) as client:
            futures = [
                client.submit(run_from_file, files[task.area], task, small, pure=False,
                              retries=RETRIES)
                for task in tasks
            ]  # fmt: skip
            # Fetched as they come: a worker that dies takes along only what it has in hand.
            of = dict(zip((future.key for future in futures), tasks, strict=True))
            tables: dict[Task, pd.DataFrame] = {}
            for done, (future, table) in enumerate(
                as_completed(futures, with_results=True, loop=client.loop)
            ):
                tables[of[future.key]] = table
                future.release()
                report(done, len(tasks), of[future.key])
        return join_tables([tables[task] for task in tasks])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run_from_file(path: str, task: Task, design: BacktestDesign) -> pd.DataFrame:
    """Run one task on a worker, which keeps the last cubes that it read."""
    return run_task(_read(path), task, design)


@lru_cache(maxsize=2)
def _read(path: str) -> Arena:
    return read_arena_file(Path(path))


def _connect(client: Any, address: str) -> Any:
    try:
        return client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r}: start one with `dask scheduler` and "
            "workers with `dask worker ADDRESS`, or leave --dask out"
        ) from error
