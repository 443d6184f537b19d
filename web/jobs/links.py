"""The job that sends messages to other platforms, and how long it waits between tries."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job
from sqlalchemy import Engine

from governance.links.send import DeliveryError, deliver
from governance.links.store import LinkSettings

LOG = logging.getLogger("gridbeat.worker")
TASK = "gridbeat.deliver"


@dataclass(frozen=True)
class Backoff(BaseRetryStrategy):
    """Waits twice as long after each try that failed, up to an hour; in all about a day.

    Attributes
    ----------
    first_s, longest_s
        The first wait and the longest.
    tries
        After which a message waits for a person.
    """

    first_s: float = 5.0
    longest_s: float = 3600.0
    tries: int = 32

    def wait_s(self, attempts: int) -> float:
        """Return how long to wait after so many tries, seconds."""
        return float(min(self.first_s * 2.0 ** min(attempts, 30), self.longest_s))

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to try again; None for a fault of the program, or after the last try."""
        if not isinstance(exception, DeliveryError) or job.attempts + 1 >= self.tries:
            return None
        return RetryDecision(retry_in={"seconds": int(max(1.0, self.wait_s(job.attempts)))})


def add_delivery(queue: App, engine: Engine, *, name: str, backoff: Backoff | None = None) -> None:
    """Add the task to a queue; messages of one case over one link go in order, by their lock."""
    strategy = backoff or Backoff()
    settings = LinkSettings()

    @queue.task(name=TASK, queue=name, retry=strategy, pass_context=True)
    async def run(context: JobContext, outbox_id: int) -> None:
        last = context.job.attempts + 1 >= strategy.tries
        status = await asyncio.to_thread(deliver, engine, outbox_id, settings, last_try=last)
        if status == "given_up":
            LOG.warning("message %s was given up: `gridbeat links outbox`", outbox_id)
