"""No other site may make a signed-in browser do something."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from web.errors import ForbiddenError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"


def check_same_site(request: Request, *, cookie_csrf: str | None) -> None:
    """Refuse a change that another site may have made.

    ``Sec-Fetch-Site`` and ``Origin`` are checked where a browser sends them. Where the cookie is
    the credential, the header ``X-CSRF-Token`` has to be this session's as well; a form's field
    is checked by `check_form`.

    Raises
    ------
    ForbiddenError
        The request comes from elsewhere, or the token is absent or wrong.
    """
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("the request comes from another site", code="other-site")
    origin = request.headers.get("origin")
    if origin is not None and origin != own_origin(request):
        raise ForbiddenError("the request comes from another site", code="other-site")
    if cookie_csrf is not None and not is_form(request):
        check_token(request.headers.get(CSRF_HEADER, ""), cookie_csrf)


def own_origin(request: Request) -> str:
    """Return the origin that pages of this service have in the browser."""
    public: str | None = request.app.state.settings.public_url
    if public is not None:
        return public
    return (
        f"{request.url.scheme}://{request.headers.get('host', urlsplit(str(request.url)).netloc)}"
    )


def is_form(request: Request) -> bool:
    """Return whether the body is an HTML form, whose field carries the token."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"application/x-www-form-urlencoded", "multipart/form-data"}


def check_token(given: str, wanted: str) -> None:
    """Refuse a token that is not this session's.

    Raises
    ------
    ForbiddenError
        It is absent or another's.
    """
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise ForbiddenError("the page is out of date: load it again", code="page-old")
