"""One table from errors to answers (RFC 9457 problem details)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import psycopg
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from psycopg_pool import PoolTimeout, TooManyRequests
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException

from geo.errors import (
    ConflictError,
    DatabaseError,
    GridbeatError,
    InputError,
    MissingDependencyError,
    NotFoundError,
)
from governance.cases.steps import StepNeedsError
from web.language import PageLang, choose_language
from web.pages.page import page
from web.pages.words import word
from web.refusals import chinese_of, tell_field

PROBLEM = "application/problem+json"
LOG = logging.getLogger("gridbeat.web")


class SignInError(GridbeatError):
    """Nobody is signed in, or the name, password or token does not hold."""


class ForbiddenError(GridbeatError, PermissionError):
    """The account may not do this, or the request may come from another site."""


class PasswordChangeError(ForbiddenError):
    """A one-time password opens nothing until it was changed."""


class TooManyError(GridbeatError):
    """Too many tries from one account or address; `retry_after_s` says when to come again."""

    code = "too-many"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StaleError(GridbeatError):
    """What a change was made to has changed meanwhile: read it again first."""


class TooLargeError(InputError):
    """The body of a request is larger than the service takes."""


class MovedOnError(ConflictError):
    """Somebody else was faster, or the step does not fit any more; says what happened meanwhile.

    Attributes
    ----------
    told
        The message in Chinese and English.
    happened
        The steps that the caller had not seen, first to last.
    """

    code = "moved-on"

    def __init__(
        self, told: tuple[str, str], *, version: int, state: str, happened: list[dict[str, object]]
    ) -> None:
        super().__init__(told[1])
        self.told = told
        self.more: dict[str, object] = {"version": version, "state": state, "happened": happened}


class PlaceUnsureError(InputError):
    """A report gives an address alone: a person takes one of the places that it may be.

    Attributes
    ----------
    candidates
        Each with its point and how sure it is, the surest first.
    """

    code = "place-unsure"

    def __init__(self, candidates: list[dict[str, object]]) -> None:
        super().__init__("an address is no place yet: send the point of one of its candidates")
        self.candidates = candidates


@dataclass(frozen=True)
class Answer:
    """How one kind of error is answered."""

    status: int
    slug: str
    title_zh: str
    title_en: str
    tells: bool = True


ANSWERS: tuple[tuple[type[Exception], Answer], ...] = (
    (SignInError, Answer(401, "sign-in", "请先登录", "Sign in first")),
    (ForbiddenError, Answer(403, "forbidden", "无权访问", "Not allowed")),
    (TooManyError, Answer(429, "too-many", "请求过于频繁", "Too many requests")),
    (StaleError, Answer(412, "stale", "内容已被他人修改", "Changed by somebody else")),
    (TooLargeError, Answer(413, "too-large", "内容过大", "Too large")),
    (RequestValidationError, Answer(400, "bad-request", "请求有误", "Bad request")),
    (InputError, Answer(400, "bad-request", "请求有误", "Bad request")),
    (NotFoundError, Answer(404, "not-found", "未找到", "Not found")),
    (ConflictError, Answer(409, "conflict", "与现有数据冲突", "Conflict")),
    (MissingDependencyError, Answer(501, "not-installed", "未安装", "Not installed")),
    (PoolTimeout, Answer(503, "busy", "系统繁忙", "Busy", tells=False)),
    (TooManyRequests, Answer(503, "busy", "系统繁忙", "Busy", tells=False)),
    (DatabaseError, Answer(503, "database", "数据库不可用", "Database unavailable", tells=False)),
    (
        psycopg.errors.InsufficientPrivilege,
        Answer(403, "forbidden", "无权访问", "Not allowed", tells=False),
    ),
    (
        psycopg.errors.QueryCanceled,
        Answer(503, "busy", "查询超时", "The query took too long", tells=False),
    ),
    (psycopg.DataError, Answer(400, "bad-request", "请求有误", "Bad request", tells=False)),
    (psycopg.IntegrityError, Answer(409, "conflict", "与现有数据冲突", "Conflict", tells=False)),
    (
        psycopg.OperationalError,
        Answer(503, "database", "数据库不可用", "Database unavailable", tells=False),
    ),
)
FAULT = Answer(500, "fault", "系统故障", "A fault in Gridbeat", tells=False)
TITLES = {
    405: ("不支持的方法", "Method not allowed"),
    404: ("未找到", "Not found"),
    406: ("格式不支持", "Not acceptable"),
    415: ("媒体类型不支持", "Unsupported media type"),
}


def find_answer(error: Exception) -> Answer:
    """Return how `error` is answered: the first row of the table that fits."""
    return next((answer for kind, answer in ANSWERS if isinstance(error, kind)), FAULT)


def problem(request: Request, error: Exception) -> Response:
    """Answer `error` with problem details in the language of the request.

    What the database says may hold confidential values: it goes to the log, never to the caller.
    """
    if isinstance(error, DBAPIError) and isinstance(error.orig, Exception):
        error = error.orig
    if isinstance(error, HTTPException):
        return _http_problem(request, error)
    if isinstance(error, SignInError) and is_navigation(request):
        # Somebody opened a page: after signing in they come back to it.
        return RedirectResponse(f"/login?to={quote(_own_path(request))}", 303)
    if isinstance(error, PasswordChangeError) and is_navigation(request):
        return RedirectResponse("/account/password", 303)
    answer = find_answer(error)
    lang = choose_language(request)
    if isinstance(error, ForbiddenError) and is_navigation(request):
        return refusal_page(answer.title_en if lang == "en" else answer.title_zh, lang)
    body: dict[str, object] = {
        "type": f"/problems/{answer.slug}",
        "title": answer.title_en if lang == "en" else answer.title_zh,
        "status": answer.status,
        "detail": str(error) if answer.tells else (
            answer.title_en if lang == "en" else answer.title_zh
        ),
    }  # fmt: skip
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, GridbeatError) and answer.tells:
        # What lies below has no words of its own: then the kind has, and the detail follows.
        body["code"] = error.code or answer.slug
        if lang == "zh":
            body["detail"] = chinese_of(error) or f"{answer.title_zh}（{error}）"
    if isinstance(error, PlaceUnsureError):
        body["candidates"] = error.candidates
    if isinstance(error, StepNeedsError):
        body["needs"] = list(error.needs)
    if isinstance(error, RequestValidationError):
        body["code"] = answer.slug
        body["detail"] = "; ".join(tell_field(item, lang) for item in error.errors()[:20])
    if isinstance(error, MovedOnError):
        body |= {"detail": error.told[lang == "en"], **error.more}
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(error.retry_after_s)
    if answer.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="gridbeat"'
    if answer.status >= 500:
        body["instance"] = f"urn:uuid:{uuid4()}"
        LOG.error("%s %s: %s", request.method, body["instance"], type(error).__name__,
                  exc_info=error)  # fmt: skip
    return JSONResponse(body, answer.status, headers, media_type=PROBLEM)


def refusal_page(title: str, lang: PageLang) -> Response:
    """Tell a person at a browser that a page is not theirs, and where theirs are."""
    way = f'<p><a href="/account">{word("account", lang)}</a></p>'
    return page("problem", way, lang=lang, path="/account", alert=title, status=403)


def is_navigation(request: Request) -> bool:
    """Tell whether a browser opens a page, rather than a script asking for data."""
    return (
        request.method == "GET"
        and request.headers.get("sec-fetch-mode") == "navigate"
        and "text/html" in request.headers.get("accept", "")
    )


def _own_path(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query


def _http_problem(request: Request, error: HTTPException) -> Response:
    zh, en = TITLES.get(error.status_code, ("请求有误", "Bad request"))
    title = en if choose_language(request) == "en" else zh
    body = {"type": "about:blank", "title": title, "status": error.status_code}
    return JSONResponse(
        body, error.status_code, {"Cache-Control": "no-store", **(error.headers or {})},
        media_type=PROBLEM,
    )  # fmt: skip


HANDLED = (
    HTTPException, RequestValidationError, GridbeatError, psycopg.Error, SQLAlchemyError,
    PoolTimeout, TooManyRequests, Exception,
)  # fmt: skip
