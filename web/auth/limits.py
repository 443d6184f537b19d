"""How often one account or address may try: a bucket of tries that fills again with time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256

from web.database import NOBODY, Databases, fetch_one
from web.errors import TooManyError


@dataclass(frozen=True)
class Limit:
    """So many tries at once, and one more after each `refill_s` seconds."""

    name: str
    tries: int
    refill_s: float


LOGIN_BY_ADDRESS = Limit("login:address", 20, 15.0)
LOGIN_BY_ACCOUNT = Limit("login:account", 10, 60.0)
INTAKE_BY_ADDRESS = Limit("intake:address", 30, 10.0)
INTAKE_BY_ACCOUNT = Limit("intake:account", 60, 2.0)
JOBS_BY_ACCOUNT = Limit("jobs:account", 10, 30.0)


async def take(databases: Databases, *wanted: tuple[Limit, str]) -> None:
    """Use up one try of each bucket, whatever becomes of the request.

    Parameters
    ----------
    wanted
        A limit and whose bucket it is: an address, a login, an account's number.

    Raises
    ------
    TooManyError
        A bucket is empty.
    """
    for limit, key in wanted:
        digest = sha256(key.encode()).hexdigest()[:32]
        values = {
            "bucket": f"{limit.name}:{digest}",
            "tries": float(limit.tries),
            "rate": 1.0 / limit.refill_s,
        }
        async with databases.rows(NOBODY) as rows:
            row = await fetch_one(rows, "take_try", values)
        if row is None:
            raise TooManyError(
                "尝试过于频繁，请稍后再试 / too many tries: wait a little",
                retry_after_s=math.ceil(limit.refill_s),
            )
