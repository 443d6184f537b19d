"""The session as scripts see it: who is signed in, signing in and out, wall screens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from web.audit.log import Entry, address_of, write_entry
from web.auth.limits import LOGIN_BY_ADDRESS, take
from web.auth.permissions import Permission
from web.auth.principal import (
    Identified,
    Principal,
    digest_secret,
    needs,
)
from web.auth.sign_in import (
    drop_session_cookie,
    open_session,
    set_session_cookie,
    sign_in,
    sign_out,
)
from web.database import NOBODY, Databases, fetch_one
from web.errors import SignInError
from web.pages.built import permitted_pages

router = APIRouter(prefix="/api/v1", tags=["session"])
NUL_FREE = r"^[^\x00]*$"
SECONDS_OF_A_YEAR = 31_536_000


class SignIn(BaseModel):
    """A name and a password."""

    login: Annotated[str, Field(min_length=1, max_length=64, pattern=NUL_FREE, examples=["ann"])]
    password: Annotated[str, Field(min_length=1, max_length=256, examples=["one-time-password"])]


class WallKey(BaseModel):
    """The token of a wall screen."""

    token: Annotated[str, Field(min_length=1, max_length=200, examples=["gbt_..."])]


class SessionView(BaseModel):
    """Who is signed in; `csrf` goes back as ``X-CSRF-Token`` with each change."""

    login: str | None
    name: str | None
    roles: list[str]
    permissions: list[str]
    areas: list[int] | None = Field(description="Areas with all below them; null: every area.")
    screen: str | None = Field(description="The wall screen that this session is bound to.")
    must_change_password: bool
    pages: list[str] = Field(description="Names of the pages that the caller may open.")
    csrf: str | None


def view(principal: Principal) -> SessionView:
    """Return what a script may know of the caller."""
    return SessionView(
        login=principal.login or None,
        name=principal.name or None,
        roles=list(principal.roles),
        permissions=sorted(principal.permissions),
        areas=None if principal.scope.sees_all else list(principal.scope.roots),
        screen=principal.screen,
        must_change_password=principal.must_change,
        pages=permitted_pages(principal),
        csrf=principal.csrf or None,
    )


@router.get("/session", dependencies=[needs(Permission.PUBLIC)])
async def show(principal: Identified) -> SessionView:
    """Say who the caller is; nobody is an answer, too."""
    return view(principal)


@router.post("/session", status_code=204, dependencies=[needs(Permission.PUBLIC)])
async def begin(request: Request, given: SignIn) -> Response:
    """Sign in; the cookie comes with the answer."""
    answer = Response(status_code=204)
    set_session_cookie(answer, await sign_in(request, login=given.login, password=given.password))
    return answer


@router.delete("/session", status_code=204, dependencies=[needs(Permission.SIGNED_IN)])
async def end(request: Request, principal: Identified) -> Response:
    """Sign out."""
    await sign_out(request, principal)
    answer = Response(status_code=204)
    drop_session_cookie(answer)
    return answer


@router.post("/session/wall", status_code=204, dependencies=[needs(Permission.PUBLIC)])
async def begin_wall(request: Request, given: WallKey) -> Response:
    """Turn a wall token into the session of that screen, which lasts as long as the token."""
    databases: Databases = request.app.state.databases
    await take(databases, (LOGIN_BY_ADDRESS, address_of(request)))
    async with databases.rows(NOBODY) as rows:
        row = await fetch_one(rows, "wall_token", {"digest": digest_secret(given.token)})
        if row is None:
            raise SignInError(
                "this is no wall token, or it is revoked or over: make another", code="no-token"
            )
        number, account, login, screen, until = row
        secret = await open_session(request, rows, account, token=(number, until))
        entry = Entry("wall screen signed in", login, account, object=screen,
                      address=address_of(request))  # fmt: skip
        await write_entry(rows, entry)
    answer = Response(status_code=204)
    set_session_cookie(answer, secret, max_age_s=SECONDS_OF_A_YEAR)
    return answer
