"""Checking the log: every digest again, and the newest against one that was kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from geo.errors import InputError
from web.database import packaged_sql


@dataclass(frozen=True)
class Verdict:
    """What a check of the log found.

    Attributes
    ----------
    broken_at, reason
        The first entry that does not fit, and why; None where all fit.
    anchor
        Number and digest of the newest entry: kept elsewhere, it proves later that nothing up
        to it was changed or cut off.
    """

    entries: int
    broken_at: int | None
    reason: str | None
    anchor: str


def verify_log(connection: Connection, *, anchor: str | None = None) -> Verdict:
    """Compute every digest again.

    Parameters
    ----------
    anchor
        What an earlier check gave, ``number:digest``.

    Raises
    ------
    InputError
        The anchor is not of that form.
    """
    number, digest = read_anchor(anchor)
    row = connection.exec_driver_sql(
        packaged_sql("audit_verify"), {"seq": number, "hash": digest}
    ).one()
    return Verdict(row.entries, row.broken_at, row.reason, f"{row.last_seq}:{row.last_hash}")


def read_anchor(anchor: str | None) -> tuple[int, bytes]:
    """Return an anchor's number and digest; number 0 where there is none."""
    if anchor is None:
        return 0, b""
    number, _, digest = anchor.partition(":")
    try:
        return int(number), bytes.fromhex(digest)
    except ValueError as error:
        raise InputError(f"{anchor!r} is no anchor: NUMBER:DIGEST, as verify prints it") from error
