"""The pages for signing in, the account, and changing one's password."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from geo.errors import GridbeatError, InputError
from web.auth.csrf import check_token
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, needs
from web.auth.sign_in import (
    change_password,
    drop_session_cookie,
    set_session_cookie,
    sign_in,
    sign_out,
)
from web.errors import find_answer
from web.language import LANGUAGE_COOKIE, Language, PageLang
from web.pages.built import permitted_pages
from web.pages.page import Field, form, page
from web.pages.role_words import permission_word, role_word
from web.pages.words import word

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=1000)]
LOGIN = Field("login", "login", autocomplete="username")
PASSWORD = Field("password", "password", "password", "current-password")
CHANGES = [
    Field("old", "old_password", "password", "current-password"),
    Field("new", "new_password", "password", "new-password"),
    Field("again", "again", "password", "new-password"),
]


def safe_return(path: str) -> str:
    """Return `path` if it leads into this service, and the start page if elsewhere."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if inside and path.isprintable() else "/account"


def login_page(
    request: Request, lang: PageLang, *, alert: str = "", to: str = "", status: int = 200
) -> HTMLResponse:
    """Return the page with the form and, where there is one, the way to the provider."""
    body = form("/login", [LOGIN, PASSWORD], button="sign_in", lang=lang, hidden={"to": to})
    if request.app.state.settings.oidc.issuer:
        body += f'<p><a class="button" href="/login/oidc">{word("with_provider", lang)}</a></p>'
    return page("sign_in", body, lang=lang, path="/login", alert=alert, status=status)


@router.get("/login", dependencies=[needs(Permission.PUBLIC)])
async def show_login(request: Request, lang: Language, to: str = "") -> Response:
    """Show the form, and remember the language that was asked for."""
    answer = login_page(request, lang, to=safe_return(to) if to else "")
    if "lang" in request.query_params:
        answer.set_cookie(
            LANGUAGE_COOKIE, lang, max_age=31_536_000, secure=True, samesite="lax"
        )  # fmt: skip
    return answer


@router.post("/login", dependencies=[needs(Permission.PUBLIC)])
async def do_login(
    request: Request, lang: Language, login: Text, password: Text, to: Text = ""
) -> Response:
    """Sign in and go on, or show the form with what is wrong."""
    try:
        secret = await sign_in(request, login=login, password=password)
    except GridbeatError as error:
        status = find_answer(error).status
        return login_page(request, lang, alert=_in(str(error), lang), to=to, status=status)
    answer = RedirectResponse(safe_return(to), 303)
    set_session_cookie(answer, secret)
    return answer


@router.post("/logout", dependencies=[needs(Permission.SIGNED_IN)])
async def do_logout(request: Request, principal: Identified, csrf: Text = "") -> Response:
    """Sign out."""
    check_token(csrf, principal.csrf)
    await sign_out(request, principal)
    answer = RedirectResponse("/login", 303)
    drop_session_cookie(answer)
    return answer


@router.get("/", dependencies=[needs(Permission.SIGNED_IN)])
async def show_start(principal: Identified) -> Response:
    """Lead to the first page that somebody may open."""
    names = [name for name in permitted_pages(principal) if name != "screen"]
    return RedirectResponse(f"/{names[0]}" if names else "/account", 303)


@router.get("/account", dependencies=[needs(Permission.SIGNED_IN)])
async def show_account(principal: Identified, lang: Language) -> Response:
    """Show who is signed in and what they may do."""
    if principal.must_change:
        return RedirectResponse("/account/password", 303)
    shown = sorted(principal.permissions - {Permission.PUBLIC, Permission.SIGNED_IN})
    may = "".join(f"<li>{escape(permission_word(p, lang))}</li>" for p in shown)
    roles = ", ".join(role_word(role, lang) for role in principal.roles)
    body = (
        f"<p>{word('signed_in_as', lang)}: <strong>{escape(principal.name)}</strong> "
        f"({escape(principal.login)}; {escape(roles)})</p>"
        f"<p>{word('may', lang)}:</p><ul>{may}</ul>"
        f'<p><a href="/account/password">{word("change_password", lang)}</a></p>'
    )
    if principal.may(Permission.USERS_MANAGE):
        body += f'<p><a href="/account/people">{word("people", lang)}</a></p>'
    out = form("/logout", [], button="sign_out", lang=lang, csrf=principal.csrf)
    body = _page_links(principal, lang) + body + out
    return page("account", body, lang=lang, path="/account")


@router.get("/account/password", dependencies=[needs(Permission.SIGNED_IN)])
async def show_password(principal: Identified, lang: Language) -> Response:
    """Show the form for another password."""
    return _password_page(lang, principal.csrf, must=principal.must_change)


@router.post("/account/password", dependencies=[needs(Permission.SIGNED_IN)])
async def do_password(
    request: Request, principal: Identified, lang: Language, old: Text, new: Text, again: Text,
    csrf: Text = "",
) -> Response:  # fmt: skip
    """Change the password; every other session of the account ends."""
    check_token(csrf, principal.csrf)
    try:
        if new != again:
            raise InputError(word("not_alike", lang), code="not-alike")
        secret = await change_password(request, principal, old=old, new=new)
    except GridbeatError as error:
        return _password_page(
            lang, principal.csrf, alert=_in(str(error), lang), status=find_answer(error).status
        )
    answer = RedirectResponse("/account", 303)
    set_session_cookie(answer, secret)
    return answer


def _page_links(principal: Principal, lang: PageLang) -> str:
    names = [name for name in permitted_pages(principal) if name != "screen"]
    links = "".join(f'<li><a href="/{n}">{word(f"page_{n}", lang)}</a></li>' for n in names)
    return f"<nav><h2>{word('pages', lang)}</h2><ul>{links}</ul></nav>" if links else ""


def _password_page(
    lang: PageLang, csrf: str, *, must: bool = False, alert: str = "", status: int = 200
) -> HTMLResponse:
    body = f"<p>{word('first_change', lang)}</p>" if must else ""
    body += form("/account/password", CHANGES, button="change_password", lang=lang, csrf=csrf)
    where = "/account/password"
    return page("change_password", body, lang=lang, path=where, alert=alert, status=status)


def _in(text: str, lang: PageLang) -> str:
    """Return the half of a text in two languages that was asked for."""
    zh, slash, en = text.partition(" / ")
    return (en if lang == "en" else zh) if slash else text


@router.get("/static/pages.css", dependencies=[needs(Permission.PUBLIC)])
async def style() -> Response:
    """Give the pages' look."""
    text = files("web").joinpath("pages", "pages.css").read_text("utf-8")
    return Response(text, media_type="text/css", headers={"Cache-Control": "max-age=3600"})
