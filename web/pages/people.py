"""The administrators' pages as HTML: a table of accounts, and a form that needs no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from web.auth.accounts import AccountLine
from web.auth.grants import Choice, Granted
from web.auth.permissions import Role
from web.language import PageLang
from web.pages.role_words import role_word
from web.pages.words import word


def account_table(lines: Sequence[AccountLine], lang: PageLang) -> str:
    """Return who may sign in, with roles and areas, each leading to its form."""
    heads = ("login", "name", "roles", "areas", "last_sign_in")
    head = "".join(f'<th scope="col">{escape(word(key, lang))}</th>' for key in heads)
    rows = "".join(_row(line, lang) for line in lines)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'</div><p><a href="/account">{escape(word("account", lang))}</a></p>'
    )


def _row(line: AccountLine, lang: PageLang) -> str:
    roles = ", ".join(role_word(role, lang) for role in line.roles) or "—"
    areas = word("all_areas", lang) if line.all_areas else ", ".join(line.areas) or "—"
    last = f"{line.signed_in_at:%Y-%m-%d %H:%M}" if line.signed_in_at else word("never", lang)
    shut = f" ({word('disabled', lang)})" if line.disabled else ""
    cells = (line.name, roles, areas, last)
    return (
        f'<tr><th scope="row"><a href="/account/people/{line.account_id}">{escape(line.login)}</a>'
        f"{escape(shut)}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    )


def account_form(
    granted: Granted, areas: Sequence[Choice], departments: Sequence[Choice], *, csrf: str,
    lang: PageLang,
) -> str:  # fmt: skip
    """Return the form of one account: its roles, its areas, the departments it works for."""
    roles = [(role.value, role_word(role, lang)) for role in Role]
    note = f"<p>{escape(word('from_provider', lang))}</p>" if granted.provided else ""
    held = {area.code: area for area in areas}
    # An area that is no more stays listed until it is taken away.
    gone = [(code, code) for code in sorted(granted.areas - set(held))]
    named_areas = [(one.code, _named(one, lang)) for one in areas] + gone
    offices = [(one.code, _named(one, lang)) for one in departments]
    everywhere = _box("all_areas", "true", word("all_areas", lang), checked=granted.all_areas)
    return (
        f"<p><strong>{escape(granted.name)}</strong> ({escape(granted.login)})</p>{note}"
        f'<form method="post" action="/account/people/{granted.account_id}">'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        + _boxes("roles", "role", roles, granted.roles, lang)
        + _boxes("areas", "area", named_areas, granted.areas, lang, first=everywhere)
        + _boxes("departments", "department", offices, granted.departments, lang,
                 hint="departments_hint")
        + f"<p><button>{escape(word('save', lang))}</button></p></form>"
        f'<p><a href="/account/people">{escape(word("people", lang))}</a></p>'
    )  # fmt: skip


def _named(choice: Choice, lang: PageLang) -> str:
    name = choice.name_en if lang == "en" else choice.name
    return f"{name} · {word(f'level_{choice.level}', lang)} {choice.code}"


def _boxes(
    title: str, name: str, choices: Iterable[tuple[str, str]], chosen: frozenset[str],
    lang: PageLang, *, first: str = "", hint: str = "",
) -> str:  # fmt: skip
    boxes = "".join(_box(name, code, text, checked=code in chosen) for code, text in choices)
    said = f'<p class="hint">{escape(word(hint, lang))}</p>' if hint else ""
    return (
        f"<fieldset><legend>{escape(word(title, lang))}</legend>{said}{first}"
        f'<div class="choices">{boxes or escape(word("none_there", lang))}</div></fieldset>'
    )


def _box(name: str, value: str, text: str, *, checked: bool) -> str:
    mark = " checked" if checked else ""
    return (
        f'<label class="choice"><input type="checkbox" name="{name}" value="{escape(value)}"{mark}>'
        f" {escape(text)}</label>"
    )
