"""The way to the identity provider and back."""

from __future__ import annotations

import hmac
from functools import partial
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from geo.errors import GridbeatError, NotFoundError
from web.audit.log import Entry, address_of, write_entry
from web.auth.csrf import own_origin
from web.auth.limits import LOGIN_BY_ADDRESS, take
from web.auth.oidc import FLOW_COOKIE, FLOW_LENGTH_S, Flow, Provider, new_flow
from web.auth.oidc_accounts import ensure_oidc_account
from web.auth.permissions import Permission
from web.auth.principal import digest_secret, needs
from web.auth.sign_in import open_session, set_session_cookie
from web.database import EVERYTHING, NOBODY, Databases, fetch_one
from web.errors import SignInError, find_answer
from web.language import Language
from web.routes.login import login_page, safe_return

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.PUBLIC)])
CALLBACK = "/login/oidc/callback"
Text = Annotated[str, Query(max_length=4000)]


def provider_of(request: Request) -> Provider:
    """Return the provider that the settings name.

    Raises
    ------
    NotFoundError
        They name none.
    """
    if request.app.state.settings.oidc.issuer is None:
        raise NotFoundError("no identity provider is set: GRIDBEAT_WEB_OIDC_ISSUER", code="not-set")
    found: Provider = request.app.state.provider
    return found


@router.get("/login/oidc")
async def start(request: Request, to: Text = "") -> Response:
    """Send the browser to the provider."""
    provider, databases = provider_of(request), request.app.state.databases
    await take(databases, (LOGIN_BY_ADDRESS, address_of(request)))
    flow = new_flow()
    url = await provider.start_url(flow, redirect_uri=own_origin(request) + CALLBACK)
    values = {
        "flow": digest_secret(flow.secret), "nonce": flow.nonce, "verifier": flow.verifier,
        "to": safe_return(to), "length": FLOW_LENGTH_S,
    }  # fmt: skip
    async with databases.rows(NOBODY) as rows:
        await fetch_one(rows, "oidc_flow_open", values)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        FLOW_COOKIE, flow.secret, max_age=FLOW_LENGTH_S, path="/", secure=True, httponly=True,
        samesite="lax",
    )  # fmt: skip
    return answer


@router.get(CALLBACK)
async def come_back(
    request: Request, lang: Language, code: Text = "", state: Text = "", error: Text = ""
) -> Response:
    """Take in who signed in, or show the form with what is wrong."""
    try:
        secret, to = await _finish(request, code=code, state=state, error=error)
    except GridbeatError as failure:
        said = str(failure).split(" / ")
        alert = said[-1] if lang == "en" else said[0]
        return login_page(request, lang, alert=alert, status=find_answer(failure).status)
    answer = RedirectResponse(to, 303)
    set_session_cookie(answer, secret)
    answer.delete_cookie(FLOW_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


async def _finish(request: Request, *, code: str, state: str, error: str) -> tuple[str, str]:
    provider = provider_of(request)
    databases: Databases = request.app.state.databases
    flow, to = await _take_flow(request, state)
    if error or not code:
        raise SignInError(
            "身份认证服务拒绝登录 / the identity provider refused", code="sign-in-refused"
        )
    redirect_uri = own_origin(request) + CALLBACK
    claims = await provider.claims(flow, code=code, redirect_uri=redirect_uri)

    def ensure() -> tuple[int, str]:
        with databases.store(EVERYTHING) as connection:
            return ensure_oidc_account(connection, claims, provider.settings)

    number, login = await anyio.to_thread.run_sync(partial(ensure))
    request.app.state.principals.forget()
    async with databases.rows(NOBODY) as rows:
        secret = await open_session(request, rows, number)
        entry = Entry("sign-in by provider", login, number, address=address_of(request))
        await write_entry(rows, entry)
    return secret, to


async def _take_flow(request: Request, state: str) -> tuple[Flow, str]:
    """Return the flow that this browser began, which works once."""
    secret = request.cookies.get(FLOW_COOKIE, "")
    async with request.app.state.databases.rows(NOBODY) as rows:
        row = await fetch_one(rows, "oidc_flow_take", {"flow": digest_secret(secret)})
    flow = Flow(secret, *row[:2]) if row else None
    if flow is None or row is None or not hmac.compare_digest(flow.state.encode(), state.encode()):
        raise SignInError(
            "登录已过期，请重试 / this sign-in is over: try again", code="sign-in-over"
        )
    return flow, str(row[2])
