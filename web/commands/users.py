"""`gridbeat users`: accounts, roles, areas and tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import Connection

from geo.errors import InputError
from web.audit.log import command_line_entry, write_entry_of_store
from web.auth.accounts import (
    NewAccount,
    find_account,
    read_accounts,
    read_login,
    read_roles,
    revoke_token,
    set_disabled,
    set_password,
    write_account,
    write_departments,
    write_grants,
    write_token,
)
from web.auth.passwords import Passwords, one_time_password
from web.auth.permissions import PERMISSIONS, WALL_PERMISSIONS, Permission
from web.auth.staff import areas_of_staff, link_staff
from web.opening import begin, open_database

app = typer.Typer(
    help="Accounts, roles, areas and tokens.", no_args_is_help=True, add_completion=False,
    rich_markup_mode=None,
)  # fmt: skip
Login = Annotated[str, typer.Argument(help="Name to sign in with.")]
Roles = Annotated[list[str], typer.Option("--role", help=f"One of {', '.join(PERMISSIONS)}.")]
Areas = Annotated[list[str], typer.Option("--area", help="Code of an area; all below it count.")]
All = Annotated[bool, typer.Option("--all-areas", help="May see every area.")]
EVER_IN_DAYS = 366


@app.command()
def add(
    login: Login,
    role: Roles,
    area: Areas = [],  # noqa: B006 - Typer reads it, nobody changes it
    all_areas: All = False,
    name: Annotated[str | None, typer.Option(help="Name to show; default: the login.")] = None,
    staff_no: Annotated[
        str | None, typer.Option(help="Staff number: whose it is; areas are those of the posts.")
    ] = None,
    department: Annotated[
        list[str], typer.Option("--department", help="Code of a department; repeat it.")
    ] = [],  # noqa: B006 - likewise
) -> None:
    """Make an account with a one-time password, which is printed once."""
    password = one_time_password()
    new = NewAccount(
        login=read_login(login), name=name or login, roles=read_roles(role),
        password_hash=Passwords(at_once=1).digest_now(password), areas=tuple(area),
        all_areas=all_areas,
    )  # fmt: skip
    with begin(open_database()) as connection:
        if staff_no is not None and not area and not all_areas:
            # Posts are dated; a day's difference of zones does not matter for who works where.
            on = datetime.now(UTC).date()
            new = replace(new, areas=areas_of_staff(connection, staff_no, on=on))
        number = write_account(connection, new)
        if staff_no is not None:
            link_staff(connection, number, staff_no)
        if department:
            write_departments(connection, number, department)
        _log(connection, "account made", new.login, roles=role, areas=new.areas,
             all_areas=all_areas, staff_no=staff_no, departments=department)  # fmt: skip
    typer.echo(f"{new.login}: one-time password 一次性密码 {password}")


@app.command()
def grant(
    login: Login,
    role: Roles,
    area: Areas = [],  # noqa: B006 - likewise
    all_areas: All = False,
) -> None:
    """Give an account these roles and areas, and no others."""
    with begin(open_database()) as connection:
        number = find_account(connection, login)
        write_grants(connection, number, roles=read_roles(role), areas=area, all_areas=all_areas)
        _log(connection, "account granted", login, roles=role, areas=area, all_areas=all_areas)
    typer.echo(f"{login}: {', '.join(role)}")


@app.command()
def departments(
    login: Login,
    department: Annotated[
        list[str], typer.Option("--department", help="Code of a department; repeat it.")
    ] = [],  # noqa: B006 - likewise
) -> None:
    """Say which departments an account works for; none: its tablet shows all of its areas."""
    with begin(open_database()) as connection:
        write_departments(connection, find_account(connection, login), department)
        _log(connection, "account's departments", login, departments=department)
    typer.echo(
        f"{login}: {', '.join(department) or 'every department of its areas 辖区内全部部门'}"
    )


@app.command("list")
def list_accounts() -> None:
    """Show who may sign in, and what they are."""
    with begin(open_database()) as connection:
        lines = read_accounts(connection)
    for line in lines:
        seen = "*" if line.all_areas else ", ".join(line.areas) or "no area"
        last = f"{line.signed_in_at:%Y-%m-%d %H:%M}" if line.signed_in_at else "never"
        state = "  DISABLED 已停用" if line.disabled else ""
        typer.echo(f"{line.login:<20} {', '.join(line.roles):<30} {seen:<24} {last}{state}")


@app.command()
def password(login: Login) -> None:
    """Give a one-time password to somebody who forgot theirs; their sessions end."""
    fresh = one_time_password()
    digest = Passwords(at_once=1).digest_now(fresh)
    with begin(open_database()) as connection:
        number = find_account(connection, login)
        set_password(connection, number, password_hash=digest, must_change=True)
        _log(connection, "password reset", login)
    typer.echo(f"{login}: one-time password 一次性密码 {fresh}")


@app.command()
def disable(login: Login) -> None:
    """Shut an account: its sessions end and its tokens stop."""
    _set_disabled(login, disabled=True)


@app.command()
def enable(login: Login) -> None:
    """Open a shut account again."""
    _set_disabled(login, disabled=False)


def _set_disabled(login: str, *, disabled: bool) -> None:
    with begin(open_database()) as connection:
        set_disabled(connection, find_account(connection, login), disabled=disabled)
        _log(connection, "account disabled" if disabled else "account enabled", login)
    typer.echo(f"{login}: {'disabled 已停用' if disabled else 'enabled 已启用'}")


@app.command()
def token(
    login: Login,
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    permission: Annotated[
        list[str], typer.Option("--permission", help="What it may do; repeat it.")
    ] = [],  # noqa: B006 - likewise
    days: Annotated[int, typer.Option(min=1, max=EVER_IN_DAYS, help="How long it holds.")] = 90,
    screen: Annotated[
        str | None, typer.Option(help="Bind it to this wall screen, to look only.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke the tokens so named.")] = False,
) -> None:
    """Make a token for a notebook or a wall screen; it is printed once."""
    with begin(open_database()) as connection:
        number = find_account(connection, login)
        if revoke:
            count = revoke_token(connection, number, name)
            _log(connection, "token revoked", login, name=name, count=count)
            typer.echo(f"{count} revoked 已撤销")
            return
        wanted = sorted(WALL_PERMISSIONS) if screen else _permissions(permission)
        secret = write_token(
            connection, number, name=name, permissions=wanted, screen=screen,
            expires_at=datetime.now(UTC) + timedelta(days=days),
        )  # fmt: skip
        _log(connection, "token made", login, name=name, screen=screen, days=days,
             permissions=[p.value for p in wanted])  # fmt: skip
    typer.echo(secret)


def _permissions(names: list[str]) -> list[Permission]:
    unknown = sorted(set(names) - {p.value for p in Permission})
    if unknown or not names:
        listed = ", ".join(sorted(set(Permission) - {Permission.PUBLIC, Permission.SIGNED_IN}))
        raise InputError(f"name what it may do with --permission, of: {listed}")
    return [Permission(name) for name in dict.fromkeys(names)]


def _log(connection: Connection, action: str, about: str, **details: object) -> None:
    write_entry_of_store(connection, command_line_entry(action, about=about, **details))
