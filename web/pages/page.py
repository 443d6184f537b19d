"""Writes a page: plain HTML that needs no script, every value escaped."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from fastapi.responses import HTMLResponse

from web.language import PageLang
from web.pages.words import word


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    name: str
    label: str
    kind: str = "text"
    autocomplete: str = "off"
    value: str = ""


def form(
    action: str, fields: list[Field], *, button: str, lang: PageLang, csrf: str = "",
    hidden: dict[str, str] | None = None,
) -> str:  # fmt: skip
    """Return a form; labels belong to their fields, so that a screen reader says them."""
    given = {**(hidden or {}), **({"csrf": csrf} if csrf else {})}
    parts = [f'<form method="post" action="{escape(action)}">']
    parts += [
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in given.items()
    ]
    for place, field in enumerate(fields):
        focus = " autofocus" if place == 0 else ""
        parts.append(
            f'<p><label for="{field.name}">{escape(word(field.label, lang))}</label>'
            f'<input id="{field.name}" name="{field.name}" type="{field.kind}" '
            f'autocomplete="{field.autocomplete}" value="{escape(field.value)}" required{focus}>'
            "</p>"
        )
    parts.append(f"<p><button>{escape(word(button, lang))}</button></p></form>")
    return "".join(parts)


def page(
    title: str, body: str, *, lang: PageLang, path: str, alert: str = "", status: int = 200,
    wide: bool = False,
) -> HTMLResponse:  # fmt: skip
    """Return a whole page with its language switch."""
    other = "zh" if lang == "en" else "en"
    code = "en" if lang == "en" else "zh-CN"
    heading = escape(word(title, lang))
    said = f'<p role="alert" class="alert">{escape(alert)}</p>' if alert else ""
    look = ' class="wide"' if wide else ""
    return HTMLResponse(
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{heading} · {escape(word('product', lang))}</title>"
        '<link rel="stylesheet" href="/static/pages.css"></head><body>'
        f'<header><span class="name">{escape(word("product", lang))}</span>'
        f'<a href="{escape(path)}?lang={other}" lang="{other}" hreflang="{other}">'
        f"{escape(word('other_language', lang))}</a></header>"
        f"<main{look}><h1>{heading}</h1>{said}{body}</main></body></html>",
        status_code=status,
        headers={"Content-Language": code, "Vary": "Accept-Language, Cookie"},
    )
