"""The administrators' pages: who may sign in, and each account's roles, areas and departments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from geo.errors import GridbeatError
from web.audit.log import entry_of, write_entry_of_store
from web.auth.accounts import read_accounts
from web.auth.csrf import check_token
from web.auth.grants import (
    Granted,
    change_grants,
    read_area_choices,
    read_department_choices,
    read_granted,
)
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, needs
from web.database import EVERYTHING
from web.errors import find_answer
from web.language import Language, PageLang
from web.pages.page import page
from web.pages.people import account_form, account_table

router = APIRouter(
    prefix="/account/people", include_in_schema=False,
    dependencies=[needs(Permission.USERS_MANAGE)],
)  # fmt: skip
Number = Annotated[int, Path(ge=1, lt=2**63)]
Code = Annotated[str, Form(max_length=100)]


@router.get("")
def show_people(request: Request, lang: Language) -> Response:
    """List the accounts."""
    with request.app.state.databases.store(EVERYTHING) as connection:
        lines = read_accounts(connection)
    return page("people", account_table(lines, lang), lang=lang, path="/account/people", wide=True)


@router.get("/{number}")
def show_person(
    request: Request, number: Number, principal: Identified, lang: Language
) -> Response:
    """Show an account's roles, areas and departments, to be changed."""
    with request.app.state.databases.store(EVERYTHING) as connection:
        granted = read_granted(connection, number)
    return _form(request, granted, principal, lang)


@router.post("/{number}")
def change_person(
    request: Request, number: Number, principal: Identified, lang: Language,
    role: Annotated[list[Code] | None, Form()] = None,
    area: Annotated[list[Code] | None, Form()] = None,
    department: Annotated[list[Code] | None, Form()] = None,
    all_areas: Annotated[bool, Form()] = False, csrf: Code = "",
) -> Response:  # fmt: skip
    """Give an account what was chosen, and no more; it is in the log by whom."""
    check_token(csrf, principal.csrf)
    chosen = {"roles": role or [], "areas": area or [], "departments": department or []}
    databases = request.app.state.databases
    with databases.store(EVERYTHING) as connection:
        granted = read_granted(connection, number)
    try:
        with databases.store(EVERYTHING) as connection:
            change_grants(
                connection, granted, by=principal.account_id, all_areas=all_areas, **chosen
            )
            entry = entry_of(
                request, principal, "account granted", about=granted.login, all_areas=all_areas,
                **chosen,
            )  # fmt: skip
            write_entry_of_store(connection, entry)
    except GridbeatError as error:
        zh, slash, en = str(error).partition(" / ")
        alert = (en if lang == "en" else zh) if slash else str(error)
        status = find_answer(error).status
        return _form(request, granted, principal, lang, alert=alert, status=status)
    return RedirectResponse("/account/people", 303)


def _form(
    request: Request, granted: Granted, principal: Principal, lang: PageLang, *, alert: str = "",
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    with request.app.state.databases.store(EVERYTHING) as connection:
        areas, departments = read_area_choices(connection), read_department_choices(connection)
    body = account_form(granted, areas, departments, csrf=principal.csrf, lang=lang)
    path = f"/account/people/{granted.account_id}"
    return page("person", body, lang=lang, path=path, alert=alert, status=status, wide=True)
