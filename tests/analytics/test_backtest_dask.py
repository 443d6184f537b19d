"""A backtest on a real cluster: a scheduler and two worker processes on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analytics.backtest_dask import run_on_cluster
from analytics.backtest_design import Arena, BacktestDesign, run_tasks
from analytics.cube import Cube, Units
from analytics.forecast.protocol import Places
from analytics.steps import make_steps
from geo.errors import InputError


@pytest.fixture
def arena():
    rng = np.random.default_rng(5)
    steps = make_steps(date(2023, 1, 2), date(2024, 1, 1), step="week", time_zone="Asia/Shanghai")
    mean = rng.gamma(0.7, 1.0, (25, 1, 2, 1)) * np.ones((25, len(steps), 2, 1))
    units = Units("area", np.arange(25))
    cube = Cube(rng.poisson(mean), units, steps, ("a", "b"), ("resident",))
    y, x = np.divmod(np.arange(25), 5)
    return Arena(cube, Places(x * 300.0, y * 300.0))


@pytest.fixture
def cluster(tmp_path):
    """Give the address and two workers' processes, started as anybody starts them."""
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    env = os.environ | {"DASK_DISTRIBUTED__WORKER__DAEMON": "False", "PYTHONWARNINGS": "ignore"}

    def start(*arguments):
        with (tmp_path / f"{len(started)}.log").open("w") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", *arguments], stdout=log, stderr=log, env=env
                )
            )

    started: list[subprocess.Popen[bytes]] = []
    try:
        start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common)
        wait_for(file.is_file)
        worker = ["distributed.cli.dask_worker", "--host", "127.0.0.1", "--nthreads", "1"]
        for _ in range(2):
            start(*worker, "--no-nanny", "--local-directory", str(tmp_path), *common)
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def wait_for(ready, seconds=60):
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "the cluster did not start"
        time.sleep(0.1)


def test_a_cluster_gives_the_same_bits_and_a_killed_worker_costs_only_its_tasks(
    cluster, arena, tmp_path
):
    from distributed import Client

    address, workers = cluster
    arenas = {"": arena, "copy": arena.part(np.arange(10))}
    design = BacktestDesign(n_origins=3, suite="light", origins_per_task=1)
    tasks = 2 * 3 * 3
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)

        def kill_one(done, n, task):
            assert n == tasks
            if done == 3:
                workers[0].send_signal(signal.SIGKILL)
                workers[0].wait()

        table = run_on_cluster(arenas, design, address=address, folder=tmp_path, report=kill_one)
        finished = client.run_on_scheduler(finished_tasks)
        wait_for(lambda: len(client.scheduler_info()["workers"]) == 1)
    pd.testing.assert_frame_equal(table, run_tasks(arenas, design), check_exact=True)
    assert len(finished) == tasks
    assert sum(finished.values()) < 2 * tasks  # once more only what the dead one still held
    assert list(tmp_path.glob("gridbeat-backtest-*")) == []


def finished_tasks(dask_scheduler):
    """Count how often each task came to an end; runs on the scheduler."""
    log = [entry[:3] for entry in dask_scheduler.transition_log]
    return dict(
        Counter(key for key, _, after in log if after == "memory" and "run_from_file" in str(key))
    )


def test_an_address_without_a_cluster_is_said_at_once(arena, monkeypatch):
    monkeypatch.setattr("analytics.backtest_dask.CONNECT_S", 1)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        run_on_cluster({"": arena}, BacktestDesign(n_origins=2), address="tcp://127.0.0.1:9")
