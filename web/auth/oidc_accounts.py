"""The account of somebody who signed in at the identity provider: made once, granted each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from geo.errors import NotFoundError
from web.auth.accounts import NewAccount, read_login, write_account, write_grants
from web.auth.permissions import Role
from web.errors import ForbiddenError, SignInError
from web.models import Account
from web.settings import OidcSettings

EVERY_AREA = "*"
NO_ROLE = "此账户尚未授予任何角色 / the provider gives this account no role here"


def ensure_oidc_account(
    connection: Connection, claims: Mapping[str, Any], settings: OidcSettings
) -> tuple[int, str]:
    """Return number and login of the account of checked claims.

    The provider's subject is the key, never its user name: a name that is taken here by another
    account is refused, not joined.

    Raises
    ------
    ForbiddenError
        The claims name no role of ours.
    ConflictError
        The user name belongs to another account.
    SignInError
        The account is shut.
    """
    roles = tuple(role for role in Role if role.value in _listed(claims, settings.roles_claim))
    if not roles:
        raise ForbiddenError(NO_ROLE, code="no-role-given")
    named = _listed(claims, settings.areas_claim)
    everywhere, areas = EVERY_AREA in named, tuple(sorted(named - {EVERY_AREA}))
    subject = (str(settings.issuer), str(claims["sub"]))
    found = connection.execute(
        select(Account.account_id, Account.login, Account.disabled_at).where(
            Account.oidc_issuer == subject[0], Account.oidc_subject == subject[1]
        )
    ).one_or_none()
    if found is None:
        login = read_login(str(claims.get("preferred_username") or claims["sub"])[:64])
        name = str(claims.get("name") or login)[:200]
        new = NewAccount(
            login=login, name=name, roles=roles, password_hash=None, areas=areas,
            all_areas=everywhere, must_change=False, oidc=subject,
        )  # fmt: skip
        return write_account(connection, new), login
    if found.disabled_at is not None:
        raise SignInError("此账户已停用 / this account is shut", code="account-shut")
    try:
        write_grants(connection, found.account_id, roles=roles, areas=areas, all_areas=everywhere)
    except NotFoundError as error:
        raise ForbiddenError(str(error), code="no-role-given") from error
    return found.account_id, found.login


def _listed(claims: Mapping[str, Any], name: str) -> set[str]:
    value = claims.get(name, [])
    return {str(item) for item in value} if isinstance(value, list) else set(str(value).split())
