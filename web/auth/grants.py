"""What an administrator sees of accounts and changes in them: roles, areas, departments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.places import Area
from governance.models.departments import Department
from web.auth.accounts import read_roles, write_departments, write_grants
from web.auth.permissions import Role
from web.models import Account, AccountArea, AccountDepartment, AccountRole

OWN = "不能取消自己的系统管理员角色 / nobody takes the role of administrator from oneself"
PROVIDED = (
    "此账户的角色和区域由统一身份认证授予 / "
    "the identity provider grants this account's roles and areas"
)


@dataclass(frozen=True)
class Granted:
    """What an account was given.

    Attributes
    ----------
    areas, departments
        Codes.
    provided
        Whether roles and areas come from the identity provider at each sign-in.
    """

    account_id: int
    login: str
    name: str
    roles: frozenset[str]
    areas: frozenset[str]
    departments: frozenset[str]
    all_areas: bool
    provided: bool


@dataclass(frozen=True)
class Choice:
    """An area or department that may be chosen."""

    code: str
    name: str
    name_en: str
    level: str


def read_granted(connection: Connection, account_id: int) -> Granted:
    """Return what an account was given.

    Raises
    ------
    NotFoundError
        There is none of that number.
    """
    row = connection.execute(select(Account).where(Account.account_id == account_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"没有账户 {account_id} / there is no account {account_id}", code="no-account"
        )
    roles = select(AccountRole.role).where(AccountRole.account_id == account_id)
    areas = select(Area.code).join(AccountArea, AccountArea.area_id == Area.area_id)
    held = select(Department.code).join(
        AccountDepartment, AccountDepartment.department_id == Department.department_id
    )
    return Granted(
        account_id, row.login, row.name, frozenset(connection.scalars(roles)),
        frozenset(connection.scalars(areas.where(AccountArea.account_id == account_id))),
        frozenset(connection.scalars(held.where(AccountDepartment.account_id == account_id))),
        row.all_areas, row.oidc_issuer is not None,
    )  # fmt: skip


def read_area_choices(connection: Connection) -> list[Choice]:
    """Return the areas of now, districts first and grids last."""
    order = func.array_position(["district", "street", "community", "grid"], Area.level)
    found = connection.execute(
        select(Area.code, Area.name, Area.name_en, Area.level)
        .where(Area.valid_from <= func.current_date(), func.current_date() < Area.valid_to)
        .order_by(order, Area.code)
    )
    return [Choice(row.code, row.name, row.name_en or row.name, row.level) for row in found]


def read_department_choices(connection: Connection) -> list[Choice]:
    """Return the departments by code."""
    found = connection.execute(select(Department).order_by(Department.code))
    return [Choice(row.code, row.name, row.name_en or row.name, row.level) for row in found]


def change_grants(
    connection: Connection, granted: Granted, *, by: int | None, roles: Sequence[str],
    areas: Sequence[str], all_areas: bool, departments: Sequence[str],
) -> None:  # fmt: skip
    """Give an account these roles, areas and departments, and no others.

    Raises
    ------
    InputError
        An administrator would lose that role by the own hand, or there is no such role.
    ConflictError
        The identity provider grants the roles and areas.
    NotFoundError
        There is no area or department of a code.
    """
    given = read_roles(roles)
    if by == granted.account_id and Role.ADMINISTRATOR not in given:
        raise InputError(OWN, code="own-grants")
    changed = (set(roles), set(areas), all_areas) != (
        set(granted.roles), set(granted.areas), granted.all_areas,
    )  # fmt: skip
    if granted.provided and changed:
        raise ConflictError(PROVIDED, code="provided-grants")
    if changed:
        write_grants(connection, granted.account_id, roles=given, areas=areas, all_areas=all_areas)
    write_departments(connection, granted.account_id, departments)
