"""Passwords are hashed by Argon2id, beside the event loop, and few at a time."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from tests.web.district import PASSWORD
from web.auth.passwords import Passwords


def test_a_digest_is_argon2id_with_the_memory_that_is_asked_for() -> None:
    parameters = extract_parameters(Passwords(at_once=1, memory_kib=1024).digest_now(PASSWORD))
    assert parameters.type is Type.ID
    assert parameters.memory_cost == 1024


def test_no_more_are_hashed_at_once_than_was_said_and_none_by_the_loop_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock, real = threading.Lock(), PasswordHasher.hash
    running: list[int] = []
    most: list[int] = []
    threads: set[int] = set()

    def watched(hasher: PasswordHasher, *arguments: Any, **named: Any) -> str:
        with lock:
            running.append(threading.get_ident())
            most.append(len(running))
            threads.add(threading.get_ident())
        try:
            return real(hasher, *arguments, **named)
        finally:
            with lock:
                running.remove(threading.get_ident())

    monkeypatch.setattr(PasswordHasher, "hash", watched)
    digests: list[str] = []

    async def make(passwords: Passwords) -> None:
        digests.append(await passwords.digest(PASSWORD))

    async def make_many() -> bool:
        passwords = Passwords(at_once=2, memory_kib=1024)
        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(make, passwords)
        return await passwords.check(digests[0], PASSWORD)

    assert anyio.run(make_many)
    assert len(digests) == len(set(digests)) == 12
    assert max(most) <= 2
    assert threading.get_ident() not in threads
