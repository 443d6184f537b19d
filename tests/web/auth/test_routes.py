"""No page or endpoint without a named permission, tried as nobody and as every role."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter

from tests.web.conftest import Service
from web import app as web_app
from web.app import create_app, named_permissions
from web.auth.permissions import PERMISSIONS, PERSONAL, Permission, Role
from web.settings import WebSettings

pytestmark = pytest.mark.db
EXAMPLES = {"name": "pages.css"}
# Other platforms sign their messages instead of signing in: 401 without (tests/web/links).
SIGNED = {"/api/v1/links/{code}/inbox"}


def address(path: str) -> str:
    """Fill the parameters of a path."""
    return re.sub(r"{(\w+)[^}]*}", lambda found: EXAMPLES.get(found[1], "1"), path)


def test_every_route_names_exactly_one_permission(service: Service) -> None:
    found = [(route.path, permissions) for route, permissions in named_permissions(service.app)]
    assert len(found) > 10
    assert [path for path, permissions in found if len(set(permissions)) != 1] == []


def test_a_route_without_permission_stops_the_service(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()
    router.add_api_route("/forgotten", lambda: None)
    monkeypatch.setattr(web_app, "ROUTERS", (*web_app.ROUTERS, router))
    with pytest.raises(RuntimeError, match=r"/forgotten names no permission"):
        create_app(WebSettings(), service.database)


def test_browsers_find_an_icon_by_themselves(service: Service) -> None:
    answer = service.client().get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg")


@pytest.mark.parametrize("role", [None, *Role])
def test_every_route_as_every_role(service: Service, role: Role | None) -> None:
    client = service.client(headers=service.bearer(role.value) if role else {})
    held = set(Permission) & (
        {Permission.PUBLIC}
        if role is None
        else (PERMISSIONS[role] - PERSONAL) | {Permission.PUBLIC, Permission.SIGNED_IN}
    )
    wrong = []
    for route, permissions in named_permissions(service.app):
        for method in sorted(route.methods - {"HEAD"}):
            with client.stream(method, address(route.path)) as answer:  # /live never ends
                status = answer.status_code
            if route.path in SIGNED:
                assert (permissions[0], status) == (Permission.PUBLIC, 401)
                continue
            refused = 401 if role is None else 403
            if (status == refused) != (permissions[0] not in held):
                wrong.append((method, route.path, permissions[0].value, status))
    assert wrong == []
