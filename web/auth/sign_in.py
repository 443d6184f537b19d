"""Signing in and out: a name and password become a session, of which only a digest is kept."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import Request, Response

from geo.errors import InputError
from web.audit.log import Entry, address_of, write_entry
from web.auth.limits import LOGIN_BY_ACCOUNT, LOGIN_BY_ADDRESS, take
from web.auth.passwords import Passwords, check_strength
from web.auth.principal import (
    SESSION_COOKIE,
    Principal,
    digest_secret,
    read_credential,
)
from web.database import NOBODY, Databases, Rows, fetch_one
from web.errors import SignInError

WRONG = "用户名或密码不正确 / the name or the password is wrong"


async def sign_in(request: Request, *, login: str, password: str) -> str:
    """Return the secret of a new session.

    Raises
    ------
    SignInError
        Name and password do not belong together, or the account is shut: one answer for all.
    TooManyError
        Too many tries from this address or for this account.
    """
    databases: Databases = request.app.state.databases
    passwords: Passwords = request.app.state.passwords
    login, address = login.strip().lower(), address_of(request)
    await take(databases, (LOGIN_BY_ADDRESS, address), (LOGIN_BY_ACCOUNT, login))
    async with databases.rows(NOBODY) as rows:
        row = await fetch_one(rows, "account_by_login", {"login": login})
    number, digest, disabled = row if row else (None, None, False)
    holds = await passwords.check(digest, password) and not disabled
    entry = Entry("sign-in" if holds else "sign-in refused", login[:64], number, address=address)
    fresh = await passwords.digest(password) if holds and passwords.is_dated(digest) else digest
    async with databases.rows(NOBODY) as rows:
        secret = await open_session(request, rows, number, digest=fresh) if holds else ""
        await write_entry(rows, entry)
    if not holds:
        raise SignInError(WRONG, code="wrong-password")
    return secret


async def open_session(
    request: Request, rows: Rows, account_id: int, *, digest: str | None = None,
    token: tuple[int, Any] | None = None,
) -> str:  # fmt: skip
    """Make a session; the one that the browser had before ends.

    Parameters
    ----------
    token
        Number and end of the wall token that it stands for.
    """
    secret = secrets.token_urlsafe(32)
    had = request.cookies.get(SESSION_COOKIE)
    values = {
        "account": account_id,
        "session": digest_secret(secret),
        "former": digest_secret(had) if had else None,
        "length": request.app.state.settings.session_length,
        "digest": digest,
        "token": token[0] if token else None,
        "until": token[1] if token else None,
    }
    await fetch_one(rows, "session_open", values)
    if had:
        request.app.state.principals.forget(digest_secret(had))
    return secret


async def sign_out(request: Request, principal: Principal) -> None:
    """End the session of the request's cookie."""
    credential = read_credential(request)
    if credential is None or not credential[1]:
        return
    digest = digest_secret(credential[0])
    databases: Databases = request.app.state.databases
    async with databases.rows(NOBODY) as rows:
        await rows.execute("DELETE FROM web_session WHERE session_hash = %s", [digest])
        await write_entry(
            rows, Entry("sign-out", principal.login, principal.account_id,
                        address=address_of(request))
        )  # fmt: skip
    request.app.state.principals.forget(digest)


async def change_password(request: Request, principal: Principal, *, old: str, new: str) -> str:
    """Change one's own password; every session ends, and the secret of a new one is returned.

    Raises
    ------
    SignInError
        The old password is wrong.
    InputError
        The new one is weak, or the same.
    """
    databases: Databases = request.app.state.databases
    passwords: Passwords = request.app.state.passwords
    await take(databases, (LOGIN_BY_ACCOUNT, principal.login))
    async with databases.rows(NOBODY) as rows:
        row = await fetch_one(rows, "account_by_login", {"login": principal.login})
    if row is None or not await passwords.check(row[1], old):
        raise SignInError(WRONG, code="wrong-password")
    check_strength(new, login=principal.login)
    if new == old:
        raise InputError("新旧密码相同 / the new password is the old one", code="password-same")
    digest = await passwords.digest(new)
    async with databases.rows(NOBODY) as rows:
        values = {"account": principal.account_id, "digest": digest}
        await fetch_one(rows, "password_change", values)
        secret = await open_session(request, rows, int(principal.account_id or 0))
        await write_entry(
            rows, Entry("password changed", principal.login, principal.account_id,
                        address=address_of(request))
        )  # fmt: skip
    request.app.state.principals.forget()
    return secret


def set_session_cookie(response: Response, secret: str, *, max_age_s: int | None = None) -> None:
    """Give the browser its session: this host's alone, out of scripts' reach, over TLS only."""
    response.set_cookie(
        SESSION_COOKIE, secret, max_age=max_age_s, path="/", secure=True, httponly=True,
        samesite="lax",
    )  # fmt: skip


def drop_session_cookie(response: Response) -> None:
    """Take it away again."""
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
