"""The worker's rounds: off the event loop, one after another, never left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from geo.errors import InputError
from web.jobs.rounds import in_thread, keep_doing


def test_who_cancels_a_round_waits_until_its_thread_has_ended() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait(60)
        ended.set()

    async def scene() -> bool:
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, may_end.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        return ended.is_set()

    assert asyncio.run(scene())


def test_a_round_that_failed_is_told_and_the_next_one_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    third = threading.Event()
    done: list[int] = []

    def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise InputError("no calendar for 2031")
        if len(done) == 3:
            third.set()

    async def scene() -> None:
        task = asyncio.create_task(keep_doing("the round", work, every_s=0.0))
        assert await asyncio.to_thread(third.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    assert "the round failed" in caplog.text
    assert "no calendar for 2031" in caplog.text
