"""Who is asking, and the permission that every page and endpoint has to name."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.params import Depends as DependsMark
from sqlalchemy import Connection
from starlette.requests import HTTPConnection

from web.auth.csrf import check_same_site
from web.auth.permissions import PERSONAL, WALL_PERMISSIONS, Permission, permissions_of
from web.database import NOBODY, Databases, Rows, Scope, fetch_one
from web.errors import ForbiddenError, PasswordChangeError, SignInError

SESSION_COOKIE = "__Host-gridbeat"
TOKEN_PREFIX = "gbt_"  # noqa: S105 - lets people and scanners know one when they see it
REMEMBERED_S = 5.0
REMEMBERED_AT_MOST = 5000


@dataclass(frozen=True)
class Principal:
    """Somebody who asks: who, with which permissions, over which ground.

    Attributes
    ----------
    screen
        The wall screen that the token is bound to; None for people and notebooks.
    by_cookie
        Whether a browser sends the credential by itself, so that other sites could make it.
    """

    account_id: int | None = None
    login: str = ""
    name: str = ""
    roles: tuple[str, ...] = ()
    permissions: frozenset[Permission] = frozenset({Permission.PUBLIC})
    scope: Scope = NOBODY
    must_change: bool = False
    screen: str | None = None
    by_cookie: bool = False
    csrf: str = ""

    def may(self, permission: Permission) -> bool:
        """Return whether this is permitted."""
        return permission in self.permissions


ANONYMOUS = Principal()


@dataclass
class PrincipalMemory:
    """Who lately proved to be who, so that a tile costs no look-up; for five seconds."""

    found: dict[bytes, tuple[float, Principal]] = field(default_factory=dict)

    def get(self, digest: bytes) -> Principal | None:
        """Return what is remembered and still fresh."""
        until, principal = self.found.get(digest, (0.0, ANONYMOUS))
        return principal if time.monotonic() < until else None

    def put(self, digest: bytes, principal: Principal) -> None:
        """Remember somebody."""
        if len(self.found) >= REMEMBERED_AT_MOST:
            self.found.clear()
        self.found[digest] = (time.monotonic() + REMEMBERED_S, principal)

    def forget(self, digest: bytes | None = None) -> None:
        """Forget one, or everybody when an account was changed."""
        if digest is None:
            self.found.clear()
        else:
            self.found.pop(digest, None)


def digest_secret(secret: str) -> bytes:
    """Return what the database keeps of a session or token: 256 random bits need no salt."""
    return sha256(secret.encode()).digest()


def csrf_of(secret: str) -> str:
    """Return the token that a page of this session sends back with each change."""
    return sha256(b"csrf:" + secret.encode()).hexdigest()


def read_credential(request: HTTPConnection) -> tuple[str, bool] | None:
    """Return the token or session of a request, and whether it came by cookie."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip(), False
    cookie = request.cookies.get(SESSION_COOKIE)
    return (cookie, True) if cookie else None


async def identify(request: HTTPConnection) -> Principal:
    """Return who makes a request, or `ANONYMOUS`; a credential that does not hold is refused.

    Raises
    ------
    SignInError
        A token is unknown, expired or revoked.
    """
    credential = read_credential(request)
    if credential is None:
        return ANONYMOUS
    secret, by_cookie = credential
    digest = digest_secret(secret)
    memory: PrincipalMemory = request.app.state.principals
    known = memory.get(digest)
    if known is None:
        known = await _look_up(request, secret, digest, by_cookie=by_cookie)
        if known is not None:
            memory.put(digest, known)
    if known is None and not by_cookie:
        raise SignInError("the token is unknown, expired or revoked: make another", code="no-token")
    return known or ANONYMOUS


async def _look_up(
    request: HTTPConnection, secret: str, digest: bytes, *, by_cookie: bool
) -> Principal | None:
    name = "session_principal" if by_cookie else "token_principal"
    databases: Databases = request.app.state.databases
    async with databases.rows(NOBODY) as rows:
        idle = request.app.state.settings.session_idle
        row = await fetch_one(rows, name, {"digest": digest, "idle": idle})
    if row is None:
        return None
    number, login, title, roles, sees_all, roots, areas, must_change, screen, granted = row
    permissions = permissions_of(roles)
    if screen is not None:
        permissions &= WALL_PERMISSIONS | {Permission.PUBLIC, Permission.SIGNED_IN}
    if granted is not None:
        permissions = (permissions - PERSONAL) & {
            *map(Permission, granted), Permission.PUBLIC, Permission.SIGNED_IN,
        }  # fmt: skip
    return Principal(
        account_id=number, login=login, name=title, roles=tuple(roles), permissions=permissions,
        scope=Scope(sees_all, tuple(roots), tuple(areas)), must_change=must_change,
        screen=screen, by_cookie=by_cookie, csrf=csrf_of(secret) if by_cookie else "",
    )  # fmt: skip


Identified = Annotated[Principal, Depends(identify)]


class Needs:
    """The dependency that guards a route: its permission, and that no other site made the call."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, principal: Identified) -> Principal:
        """Return the caller, or refuse."""
        check_same_site(request, cookie_csrf=principal.csrf if principal.by_cookie else None)
        if principal.may(self.permission):
            if principal.must_change and self.permission not in OPEN_BEFORE_CHANGE:
                raise PasswordChangeError(
                    "change the one-time password first: /account/password", code="change-password"
                )
            return principal
        if principal.account_id is None:
            raise SignInError(
                f"this needs {self.permission}: sign in, or send a token", code="sign-in-first"
            )
        raise ForbiddenError(f"your roles do not include {self.permission}", code="not-your-role")


OPEN_BEFORE_CHANGE = frozenset({Permission.PUBLIC, Permission.SIGNED_IN})


def needs(permission: Permission) -> DependsMark:
    """Return the guard for ``dependencies=[...]`` of a route."""
    mark: DependsMark = Depends(Needs(permission))
    return mark


async def _rows(request: Request, principal: Identified) -> AsyncIterator[Rows]:
    async with request.app.state.databases.rows(principal.scope) as rows:
        yield rows


def _store(request: Request, principal: Identified) -> Iterator[Connection]:
    with request.app.state.databases.store(principal.scope) as connection:
        yield connection


# A transaction in the caller's scope; it commits before the answer is sent.
ScopedRows = Annotated[Rows, Depends(_rows, scope="function")]
ScopedStore = Annotated[Connection, Depends(_store, scope="function")]


def guards(call: Any) -> Iterator[Permission]:
    """Yield the permissions that a route's tree of dependencies names."""
    if isinstance(call.call, Needs):
        yield call.call.permission
    for part in call.dependencies:
        yield from guards(part)
