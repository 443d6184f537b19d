"""Signing messages between platforms: HMAC-SHA256 over time, key and body."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from geo.errors import InputError

KEY_HEADER = "X-Gridbeat-Key"
TIME_HEADER = "X-Gridbeat-Timestamp"
SIGNATURE_HEADER = "X-Gridbeat-Signature"
SHORTEST_SECRET = 32
TOLERANCE = timedelta(minutes=5)


def sign(body: bytes, *, key: str, secret: str, at: datetime) -> dict[str, str]:
    """Return the headers of a message.

    Parameters
    ----------
    key
        Names the message for ever: whoever gets it twice takes it in once.

    References
    ----------
    RFC 2104 (1997), HMAC.
    """
    stamp = str(int(at.timestamp()))
    return {
        KEY_HEADER: key,
        TIME_HEADER: stamp,
        SIGNATURE_HEADER: f"v1={_digest(body, key=key, secret=secret, stamp=stamp)}",
    }


def check_signature(
    body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:  # fmt: skip
    """Return the key of a message whose signature and time hold.

    Raises
    ------
    InputError
        A header is missing, the time is too far off, or the signature is another one.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    key, stamp, given = (
        lower.get(name.lower(), "") for name in (KEY_HEADER, TIME_HEADER, SIGNATURE_HEADER)
    )
    if not key or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise InputError(
            f"a signed message needs {KEY_HEADER} and {TIME_HEADER} in seconds", code="unsigned"
        )
    wanted = f"v1={_digest(body, key=key, secret=secret, stamp=stamp)}"
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise InputError(
            "the signature does not hold: another secret, or a changed message",
            code="bad-signature",
        )
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > tolerance:
        raise InputError(
            "the message was signed at another time: compare the clocks", code="clock-apart"
        )
    return key


def check_secret(code: str, secret: str) -> None:
    """Refuse a secret that can be guessed.

    Raises
    ------
    InputError
        It is short or has few different characters.
    """
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4:
        msg = (
            f"the secret of link {code} is short or guessable: make one with "
            '`python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'
        )
        raise InputError(msg, code="weak-secret")


def _digest(body: bytes, *, key: str, secret: str, stamp: str) -> str:
    signed = b".".join((stamp.encode(), key.encode(), body))
    return hmac.new(secret.encode(), signed, sha256).hexdigest()
