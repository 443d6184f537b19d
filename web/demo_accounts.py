"""Accounts for the demo district: who watches, plans, dispatches, supervises, and two officers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection, text

from web.audit.log import command_line_entry, write_entry_of_store
from web.auth.accounts import NewAccount, write_account, write_departments
from web.auth.passwords import Passwords, one_time_password
from web.auth.permissions import Role
from web.auth.staff import areas_of_staff, link_staff

DESKS = (
    ("sim-watch", Role.WATCH), ("sim-planner", Role.PLANNER), ("sim-dispatch", Role.DISPATCHER),
    ("sim-supervisor", Role.SUPERVISOR), ("sim-analyst", Role.ANALYST),
)  # fmt: skip
OFFICERS = ("LH0061", "LH0062")
DEPARTMENT = "grid"


def make_demo_accounts(
    connection: Connection, *, on: date, say: Callable[[str, str], None]
) -> None:
    """Make them once, each with a one-time password that is told and kept nowhere.

    An officer is the member of staff of the same number, works where that one holds a post, and
    for the grids' own department.
    """
    logins = [login for login, _ in DESKS] + [number.lower() for number in OFFICERS]
    if connection.execute(_THERE, {"logins": logins}).scalar_one():
        return
    passwords = Passwords(at_once=1)
    told = []
    for login, role in DESKS:
        password = one_time_password()
        new = NewAccount(login, login, (role,), passwords.digest_now(password), all_areas=True)
        write_account(connection, new)
        told.append(f"  {login:<14} {role.value:<11} {password}")
    for number in OFFICERS:
        password = one_time_password()
        new = NewAccount(
            number.lower(), number, (Role.OFFICER,), passwords.digest_now(password),
            areas=areas_of_staff(connection, number, on=on),
        )  # fmt: skip
        account = write_account(connection, new)
        link_staff(connection, account, number)
        write_departments(connection, account, [DEPARTMENT])
        told.append(f"  {new.login:<14} {Role.OFFICER.value:<11} {password}")
    write_entry_of_store(connection, command_line_entry("demo accounts made", logins=logins))
    say("accounts 账户", "one-time passwords, told once 一次性密码，仅显示一次\n" + "\n".join(told))


_THERE = text("SELECT EXISTS (SELECT FROM account WHERE login = ANY(:logins))")
