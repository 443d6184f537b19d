"""Passwords: Argon2id off the event loop, a few at a time, as slow for strangers as for friends."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TypeVar

import anyio
from anyio import CapacityLimiter
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geo.errors import InputError

SHORTEST = 12
LONGEST = 256
T = TypeVar("T")
COMMON = ("password", "gridbeat", "123456789", "qwertyuiop", "letmein", "administrator", "xunge")


class Passwords:
    """Makes and checks Argon2id digests.

    Parameters
    ----------
    at_once
        How many may be computed at the same time; each takes `memory_kib`.
    memory_kib
        By default that of RFC 9106's second recommendation.

    References
    ----------
    Biryukov, Dinu, Khovratovich and Josefsson (2021), RFC 9106, doi:10.17487/RFC9106.
    """

    def __init__(self, *, at_once: int, memory_kib: int = 65_536) -> None:
        self._hasher = PasswordHasher(memory_cost=memory_kib)
        self._at_once = at_once
        self._limiter: CapacityLimiter | None = None
        self._nobody: str | None = None

    async def check(self, digest: str | None, password: str) -> bool:
        """Return whether `password` made `digest`; without a digest it takes as long and is no."""
        return await self._aside(partial(self._check, digest, password))

    async def digest(self, password: str) -> str:
        """Return the digest to keep."""
        return await self._aside(partial(self._hasher.hash, password))

    def digest_now(self, password: str) -> str:
        """Return the digest to keep; for the command line."""
        return self._hasher.hash(password)

    def is_dated(self, digest: str) -> bool:
        """Return whether a digest was made with other costs than today's."""
        return self._hasher.check_needs_rehash(digest)

    def _check(self, digest: str | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        try:
            return self._hasher.verify(digest or self._nobody, password) and digest is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _aside(self, work: partial[T]) -> T:
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._at_once)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def one_time_password() -> str:
    """Return a password of 120 random bits, easy to type."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(5))


def check_strength(password: str, *, login: str) -> None:
    """Refuse a password that is short or easy to guess.

    Raises
    ------
    InputError
        It says why.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"密码须为{SHORTEST}至{LONGEST}个字符 / "
            f"a password has {SHORTEST} to {LONGEST} characters",
            code="password-length",
        )
    plain = password.lower()
    guessable = any(word in plain and len(plain) < len(word) + 8 for word in (*COMMON, login))
    if guessable or len(set(plain)) < 5:
        raise InputError("密码过于常见 / this password is easy to guess", code="password-common")
