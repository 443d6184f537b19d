"""The first start: an administrator with a one-time password, shown once."""

from __future__ import annotations

from sqlalchemy import Connection

from web.audit.log import command_line_entry, write_entry_of_store
from web.auth.accounts import NewAccount, has_administrator, write_account
from web.auth.passwords import Passwords, one_time_password
from web.auth.permissions import Role

FIRST_LOGIN = "admin"


def ensure_administrator(connection: Connection, passwords: Passwords) -> str | None:
    """Make the account ``admin`` where there is no administrator; return its one-time password.

    Two first starts at once make one: the table is locked until the transaction ends.
    """
    connection.exec_driver_sql("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE")
    if has_administrator(connection):
        return None
    password = one_time_password()
    new = NewAccount(
        login=FIRST_LOGIN, name="Administrator", roles=(Role.ADMINISTRATOR,),
        password_hash=passwords.digest_now(password), all_areas=True,
    )  # fmt: skip
    write_account(connection, new)
    write_entry_of_store(connection, command_line_entry("first administrator", about=FIRST_LOGIN))
    return password
