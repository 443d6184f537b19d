"""The queue in the database, and the worker that takes from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine

from geo.database.connect import Database, libpq_options, make_engine
from web.jobs.alerts import keep_watching
from web.jobs.cases import keep_cases
from web.jobs.field import keep_field
from web.jobs.hexagons import keep_counting
from web.jobs.links import add_delivery
from web.jobs.processes import Process, find_process
from web.jobs.work import BusyError, do_job

QUEUE = "gridbeat"
TASK = "gridbeat.job"


@dataclass(frozen=True)
class WorkerParams:
    """How a worker works.

    Attributes
    ----------
    at_once
        Jobs at the same time; each may fill a core.
    heartbeat_s, stalled_s
        How often it shows that it lives, and after which silence others take its jobs over.
    wait
        Whether it stays for more work when the queue is empty.
    """

    at_once: int = 1
    heartbeat_s: float = 10.0
    stalled_s: float = 30.0
    wait: bool = True


@dataclass(frozen=True)
class AskAgain(BaseRetryStrategy):
    """Keeps a job in the queue while another worker is at it: should that die, it is done here."""

    after_s: int = 2

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to ask again; None for what a repetition does not mend."""
        if not isinstance(exception, BusyError):
            return None
        return RetryDecision(retry_in={"seconds": self.after_s})


def make_queue(database: Database, engine: Engine, find: Callable[[str], Process]) -> App:
    """Return the queue; its tables are in the schema ``jobs``."""
    options = libpq_options(database.app_url)
    options["options"] = f"{options.get('options', '')} -c search_path=jobs,public".strip()
    queue = App(connector=PsycopgConnector(conninfo=make_conninfo("", **options)))

    @queue.task(name=TASK, queue=QUEUE, retry=AskAgain())
    async def run(job_id: str) -> None:
        await asyncio.to_thread(do_job, engine, UUID(job_id), find)

    add_delivery(queue, engine, name=QUEUE)
    return queue


async def work(
    database: Database, params: WorkerParams, find: Callable[[str], Process] = find_process
) -> None:
    """Do jobs until stopped; those of a killed worker are taken over and done again."""
    engine = make_engine(database, pool_size=2 * params.at_once + 3)
    queue = make_queue(database, engine, find)
    try:
        async with queue.open_async():
            await _take_over(queue, params)
            watch = asyncio.create_task(_keep_taking_over(queue, params))
            count = asyncio.create_task(keep_counting(database, engine))
            cases = asyncio.create_task(keep_cases(engine))
            alerts = asyncio.create_task(keep_watching(engine))
            field = asyncio.create_task(keep_field(engine))
            try:
                await queue.run_worker_async(
                    queues=[QUEUE], concurrency=params.at_once, wait=params.wait,
                    update_heartbeat_interval=params.heartbeat_s,
                    stalled_worker_timeout=params.stalled_s, delete_jobs="successful",
                    shutdown_graceful_timeout=params.stalled_s,
                )  # fmt: skip
            finally:
                for task in (watch, count, cases, alerts, field):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
    finally:
        # A cancelled task leaves its thread at work, which still has a connection of the engine.
        await asyncio.get_running_loop().shutdown_default_executor()
        engine.dispose()


async def _keep_taking_over(queue: App, params: WorkerParams) -> None:
    while True:
        await asyncio.sleep(params.stalled_s)
        await _take_over(queue, params)


async def _take_over(queue: App, params: WorkerParams) -> None:
    """Put the jobs of workers that fell silent back into the queue."""
    manager = queue.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=params.stalled_s):
        await manager.retry_job(job)
