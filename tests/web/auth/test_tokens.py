"""Tokens for notebooks and wall screens: scoped, expiring, revocable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.pool import NullPool

from geo.database.connect import connect, make_engine
from geo.errors import InputError
from tests.web.conftest import Service
from web.auth.accounts import find_account, revoke_token, write_token
from web.auth.permissions import WALL_PERMISSIONS, Permission

pytestmark = pytest.mark.db
UNTIL = datetime.now(UTC) + timedelta(days=1)


def make(service: Service, login: str, *wanted: Permission, screen: str | None = None) -> str:
    engine = make_engine(service.database, pool=NullPool)
    with engine.begin() as connection:
        number = find_account(connection, login)
        return write_token(
            connection, number, name="x", permissions=wanted, expires_at=UNTIL, screen=screen
        )


def seen(service: Service, secret: str) -> dict:
    return (
        service.client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/session").json()
    )


def test_a_token_may_do_only_what_it_was_made_for(own_service: Service) -> None:
    secret = make(own_service, "analyst", Permission.RESULTS_READ)
    assert set(seen(own_service, secret)["permissions"]) == {"results.read", "public", "signed-in"}


def test_a_token_cannot_hold_more_than_its_account_or_what_needs_a_person(
    own_service: Service,
) -> None:
    with pytest.raises(InputError, match="account itself does not hold"):
        make(own_service, "officer", Permission.RESULTS_READ)
    with pytest.raises(InputError, match="needs a person"):
        make(own_service, "administrator", Permission.USERS_MANAGE)


def test_a_token_loses_what_its_account_loses(own_service: Service) -> None:
    secret = make(own_service, "planner", Permission.PLANS_WRITE)
    with connect(own_service.database) as connection:
        connection.execute(
            "UPDATE account_role SET role = 'auditor' FROM account a "
            "WHERE a.account_id = account_role.account_id AND a.login = 'planner'"
        )
    assert "plans.write" not in seen(own_service, secret)["permissions"]


def test_revoked_and_expired_tokens_are_refused(own_service: Service) -> None:
    secret = make(own_service, "supervisor", Permission.MAP_READ)
    assert seen(own_service, secret)["login"] == "supervisor"
    engine = make_engine(own_service.database, pool=NullPool)
    with engine.begin() as connection:
        assert revoke_token(connection, find_account(connection, "supervisor"), "x") == 1
    own_service.app.state.principals.forget()
    assert seen(own_service, secret)["status"] == 401
    assert seen(own_service, "gbt_guessed")["status"] == 401


def test_a_wall_screen_looks_and_nothing_else(own_service: Service) -> None:
    secret = make(own_service, "watch", *WALL_PERMISSIONS, screen="2of6")
    client = own_service.client()
    answer = client.post("/api/v1/session/wall", json={"token": secret})
    assert answer.status_code == 204
    view = client.get("/api/v1/session").json()
    assert view["screen"] == "2of6"
    assert set(view["permissions"]) == {*WALL_PERMISSIONS, "public", "signed-in"}
    other = own_service.tokens["watch"]
    assert client.post("/api/v1/session/wall", json={"token": other}).status_code in {401, 403}
