"""Which language a request wants: its `lang` parameter, its cookie, or its browser's."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends
from starlette.requests import HTTPConnection

PageLang = Literal["zh", "en"]
LANGUAGE_COOKIE = "gridbeat_lang"


def choose_language(request: HTTPConnection) -> PageLang:
    """Return ``zh`` or ``en``; Chinese where nothing is said."""
    for wish in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wish == "zh":
            return "zh"
        if wish == "en":
            return "en"
    return read_accept_language(request.headers.get("accept-language", ""))


def read_accept_language(header: str) -> PageLang:
    """Return the better liked of the two languages in an ``Accept-Language`` header."""
    liking = {"zh": 0.0, "en": 0.0}
    for part in header.lower().split(",")[:20]:
        name, _, rest = part.strip().partition(";")
        primary = name.split("-")[0]
        if primary in liking:
            liking[primary] = max(liking[primary], _weight(rest))
    return "en" if liking["en"] > liking["zh"] else "zh"


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


Language = Annotated[PageLang, Depends(choose_language)]
