"""Doing one job: its result and its end are one transaction, so it is done once or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select, update

from geo.errors import GridbeatError
from web.jobs.processes import Process, find_process
from web.models import Job
from web.refusals import Told, tell_fault, tell_work

LOG = logging.getLogger("gridbeat.worker")


class DismissedError(GridbeatError):
    """Somebody cancelled the job while it ran."""


class BusyError(Exception):
    """Another worker is at this job, or died so lately that the database does not know yet."""


def do_job(engine: Engine, job_id: UUID, find: Callable[[str], Process] = find_process) -> None:
    """Do a job that is accepted, or that a killed worker left running; leave an ended one.

    Two workers never do the same one: it is locked while it is done.

    Raises
    ------
    BusyError
        Another worker holds it. The queue must ask again, since that worker may yet be killed.
    """
    with engine.connect() as guard:
        lock = select(func.pg_try_advisory_xact_lock(func.hashtextextended(str(job_id), 5)))
        if not guard.scalar(lock):
            raise BusyError(str(job_id))
        try:
            _attempt(engine, job_id, find)
        except DismissedError:
            LOG.info("job %s was dismissed", job_id)
        except GridbeatError as error:
            _fail(engine, job_id, tell_work(error))
        except Exception as error:
            LOG.exception("job %s failed", job_id)
            _fail(engine, job_id, tell_fault(error))
            raise


def _attempt(engine: Engine, job_id: UUID, find: Callable[[str], Process]) -> None:
    with engine.begin() as connection:
        row = connection.execute(
            update(Job)
            .where(Job.job_id == job_id, Job.status.in_(["accepted", "running"]))
            .values(status="running", started_at=func.now(), updated_at=func.now(), progress=0)
            .returning(Job.process, Job.inputs)
        ).one_or_none()
    if row is None:
        return
    process = find(row.process)
    given = process.inputs.model_validate(row.inputs)

    def tell(progress: int, message: str) -> None:
        """Note how far the work is, where others see it at once."""
        with engine.begin() as aside:
            _advance(aside, job_id, progress=progress, message=message)

    with engine.begin() as connection:
        result = process.run(connection, given, datetime.now(UTC), tell)
        ended = connection.execute(
            update(Job)
            .where(Job.job_id == job_id, Job.status == "running")
            .values(
                status="successful", progress=100, message=None, result=result,
                finished_at=func.now(), updated_at=func.now(),
            )
        )  # fmt: skip
        if ended.rowcount != 1:
            raise DismissedError(str(job_id))


def _advance(connection: Connection, job_id: UUID, *, progress: int, message: str) -> None:
    done = connection.execute(
        update(Job)
        .where(Job.job_id == job_id, Job.status == "running")
        .values(progress=progress, message=message, updated_at=func.now())
    )
    if done.rowcount != 1:
        raise DismissedError(str(job_id))


def _fail(engine: Engine, job_id: UUID, told: Told) -> None:
    """End a job that runs, with the reason in Chinese and in English."""
    zh, en = told
    with engine.begin() as connection:
        connection.execute(
            update(Job)
            .where(Job.job_id == job_id, Job.status == "running")
            .values(
                status="failed", message=en[:2000], message_zh=zh[:2000],
                finished_at=func.now(), updated_at=func.now(),
            )
        )  # fmt: skip
