"""Accounts in the database: made, listed, shut; nothing here commits."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.places import Area
from governance.models.departments import Department
from web.auth.permissions import PERSONAL, Permission, Role, permissions_of
from web.auth.principal import TOKEN_PREFIX, digest_secret
from web.models import Account, AccountArea, AccountDepartment, AccountRole, ApiToken, WebSession

LOGIN_LENGTH = 64


@dataclass(frozen=True)
class NewAccount:
    """What an account is made of; `areas` are codes, and ``all_areas`` stands for every one."""

    login: str
    name: str
    roles: tuple[Role, ...]
    password_hash: str | None
    areas: tuple[str, ...] = ()
    all_areas: bool = False
    must_change: bool = True
    oidc: tuple[str, str] | None = None


@dataclass(frozen=True)
class AccountLine:
    """One account in a list."""

    account_id: int
    login: str
    name: str
    roles: tuple[str, ...]
    areas: tuple[str, ...]
    all_areas: bool
    disabled: bool
    signed_in_at: datetime | None


def read_roles(names: Sequence[str]) -> tuple[Role, ...]:
    """Return the roles of those names.

    Raises
    ------
    InputError
        There is no such role.
    """
    unknown = sorted(set(names) - {role.value for role in Role})
    if unknown:
        raise InputError(
            f"there is no role {unknown[0]!r}: choose of {', '.join(Role)}", code="no-such-role"
        )
    return tuple(Role(name) for name in dict.fromkeys(names))


def read_login(text: str) -> str:
    """Return a login as it is kept: lower case, without spaces around it.

    Raises
    ------
    InputError
        It is empty, too long or holds control characters.
    """
    login = text.strip().lower()
    if not login or len(login) > LOGIN_LENGTH or not login.isprintable() or " " in login:
        raise InputError(
            f"a login is 1 to {LOGIN_LENGTH} characters without spaces: {text!r}", code="bad-login"
        )
    return login


def write_account(connection: Connection, new: NewAccount) -> int:
    """Make an account and return its number.

    Raises
    ------
    ConflictError
        The login is taken.
    NotFoundError
        There is no area of a code.
    """
    if connection.scalar(select(exists().where(Account.login == new.login))):
        raise ConflictError(f"there is an account {new.login!r} already", code="login-taken")
    issuer, subject = new.oidc or (None, None)
    number = connection.execute(
        insert(Account)
        .values(
            login=new.login, name=new.name, password_hash=new.password_hash,
            must_change=new.must_change, all_areas=new.all_areas,
            oidc_issuer=issuer, oidc_subject=subject,
        )
        .returning(Account.account_id)
    ).scalar_one()  # fmt: skip
    write_grants(connection, number, roles=new.roles, areas=new.areas, all_areas=new.all_areas)
    return int(number)


def write_grants(
    connection: Connection, account_id: int, *, roles: Sequence[Role], areas: Sequence[str],
    all_areas: bool,
) -> None:  # fmt: skip
    """Give an account these roles and areas and no others.

    Raises
    ------
    NotFoundError
        There is no area of a code.
    """
    connection.execute(delete(AccountRole).where(AccountRole.account_id == account_id))
    connection.execute(delete(AccountArea).where(AccountArea.account_id == account_id))
    if roles:
        rows = [{"account_id": account_id, "role": role.value} for role in roles]
        connection.execute(insert(AccountRole), rows)
    numbers = _area_numbers(connection, areas)
    if numbers:
        rows = [{"account_id": account_id, "area_id": number} for number in numbers]
        connection.execute(insert(AccountArea), rows)
    connection.execute(
        update(Account).where(Account.account_id == account_id).values(all_areas=all_areas)
    )


def _area_numbers(connection: Connection, codes: Sequence[str]) -> list[int]:
    if not codes:
        return []
    found = connection.execute(select(Area.code, Area.area_id).where(Area.code.in_(codes))).all()
    missing = sorted(set(codes) - {row.code for row in found})
    if missing:
        raise NotFoundError(f"there is no area of the code {missing[0]!r}", code="no-area")
    return [row.area_id for row in found]


def write_departments(connection: Connection, account_id: int, codes: Sequence[str]) -> None:
    """Say which departments an account works for, and no others; none: its areas alone count.

    Raises
    ------
    NotFoundError
        There is no department of a code.
    """
    found = connection.execute(
        select(Department.code, Department.department_id).where(Department.code.in_(codes))
    ).all()
    missing = sorted(set(codes) - {row.code for row in found})
    if missing:
        raise NotFoundError(
            f"there is no department of the code {missing[0]!r}", code="no-department"
        )
    connection.execute(delete(AccountDepartment).where(AccountDepartment.account_id == account_id))
    rows = [{"account_id": account_id, "department_id": row.department_id} for row in found]
    if rows:
        connection.execute(insert(AccountDepartment), rows)


def read_accounts(connection: Connection) -> list[AccountLine]:
    """Return all accounts by login."""
    roles = (
        select(func.array_agg(AccountRole.role.distinct()))
        .where(AccountRole.account_id == Account.account_id)
        .scalar_subquery()
    )
    areas = (
        select(func.array_agg(Area.code))
        .join(AccountArea, AccountArea.area_id == Area.area_id)
        .where(AccountArea.account_id == Account.account_id)
        .scalar_subquery()
    )
    query = select(Account, roles.label("roles"), areas.label("areas")).order_by(Account.login)
    return [
        AccountLine(
            row.account_id, row.login, row.name, tuple(row.roles or ()), tuple(row.areas or ()),
            row.all_areas, row.disabled_at is not None, row.signed_in_at,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def find_account(connection: Connection, login: str) -> int:
    """Return the number of an account.

    Raises
    ------
    NotFoundError
        There is none of that login.
    """
    number = connection.scalar(select(Account.account_id).where(Account.login == login.lower()))
    if number is None:
        raise NotFoundError(
            f"there is no account {login!r}: `gridbeat users list`", code="no-account"
        )
    return int(number)


def set_password(
    connection: Connection, account_id: int, *, password_hash: str, must_change: bool
) -> None:
    """Give an account another password; its sessions end."""
    connection.execute(
        update(Account)
        .where(Account.account_id == account_id)
        .values(password_hash=password_hash, must_change=must_change)
    )
    connection.execute(
        delete(WebSession).where(
            WebSession.account_id == account_id, WebSession.api_token_id.is_(None)
        )
    )


def set_disabled(connection: Connection, account_id: int, *, disabled: bool) -> None:
    """Shut an account or open it again; its sessions end and its tokens stop at once."""
    now = func.now() if disabled else None
    connection.execute(
        update(Account).where(Account.account_id == account_id).values(disabled_at=now)
    )
    if disabled:
        connection.execute(delete(WebSession).where(WebSession.account_id == account_id))


def write_token(
    connection: Connection, account_id: int, *, name: str, permissions: Sequence[Permission],
    expires_at: datetime, screen: str | None = None,
) -> str:  # fmt: skip
    """Make an API token, or a wall screen's; return it: it is not kept and never shown again.

    Raises
    ------
    InputError
        A token may not hold such a permission, or its account does not.
    """
    personal = sorted(set(permissions) & PERSONAL)
    if personal:
        raise InputError(
            f"a token cannot hold {personal[0]}: that needs a person at a browser",
            code="personal-permission",
        )
    roles = connection.scalars(
        select(AccountRole.role).where(AccountRole.account_id == account_id)
    ).all()
    beyond = sorted(set(permissions) - permissions_of(roles))
    if beyond:
        raise InputError(f"the account itself does not hold {beyond[0]}", code="beyond-account")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(ApiToken).values(
            account_id=account_id, name=name, kind="wall" if screen else "api", screen=screen,
            token_hash=digest_secret(secret), permissions=[p.value for p in permissions],
            expires_at=expires_at,
        )
    )  # fmt: skip
    return secret


def revoke_token(connection: Connection, account_id: int, name: str) -> int:
    """Revoke the tokens of that name; return how many there were."""
    done = connection.execute(
        update(ApiToken)
        .where(
            ApiToken.account_id == account_id,
            ApiToken.name == name,
            ApiToken.revoked_at.is_(None),
        )
        .values(revoked_at=func.now())
    )
    return int(done.rowcount)


def has_administrator(connection: Connection) -> bool:
    """Return whether anybody can give others their accounts."""
    role = AccountRole.role == Role.ADMINISTRATOR.value
    return bool(connection.scalar(select(exists().where(role))))
