"""Administrators give roles, areas and departments on a page; nobody else does, and it is logged."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import expect

from geo.database.connect import connect
from tests.web.browsing import check_axe, chromium, signed_in, watch
from tests.web.conftest import Service
from tests.web.district import PASSWORD
from web.auth.grants import OWN
from web.auth.permissions import Permission, Role
from web.pages.role_words import PERMISSION_WORDS, ROLE_WORDS

pytestmark = pytest.mark.db


def number_of(service: Service, login: str) -> int:
    with connect(service.database) as connection:
        row = connection.execute(
            "SELECT account_id FROM account WHERE login = %s", [login]
        ).fetchone()
    assert row is not None
    return int(row[0])


def signed(service: Service, login: str) -> tuple[httpx.Client, str]:
    """Return a client with somebody's session, and the token that its changes carry."""
    client = service.client(headers={"Origin": service.origin, "Accept-Language": "en"})
    client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    return client, client.get("/api/v1/session").json()["csrf"]


def change(client: httpx.Client, number: int, **fields: object) -> httpx.Response:
    return client.post(
        f"/account/people/{number}", content=urlencode(fields, doseq=True),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip


def test_each_role_and_permission_has_words_in_both_languages() -> None:
    assert set(ROLE_WORDS) == set(Role)
    assert set(PERMISSION_WORDS) == set(Permission)
    assert all(zh and en and zh != en for zh, en in PERMISSION_WORDS.values())


def test_others_neither_see_nor_change_accounts(own_service: Service) -> None:
    number = number_of(own_service, "officer")
    for login in ("supervisor", "auditor", "officer"):
        client, csrf = signed(own_service, login)
        assert client.get("/account/people").status_code == 403
        assert change(client, number, csrf=csrf, role="administrator").status_code == 403
    client, _ = signed(own_service, "administrator")
    assert change(client, number, csrf="", role="administrator").status_code == 403
    assert read(own_service, "officer")[0] == ["officer"]


def test_what_cannot_be_granted_is_refused_and_changes_nothing(own_service: Service) -> None:
    client, csrf = signed(own_service, "administrator")
    number = number_of(own_service, "officer")
    before = read(own_service, "officer")
    for fields, status in (
        ({"role": "chief"}, 400), ({"role": "officer", "area": "moon"}, 404),
        ({"role": "officer", "department": "moon"}, 404),
    ):  # fmt: skip
        refused = change(client, number, csrf=csrf, **fields)
        assert refused.status_code == status
        assert "moon" in refused.text or "chief" in refused.text
    own = number_of(own_service, "administrator")
    refused = change(client, own, csrf=csrf, role="watch", all_areas="true")
    assert OWN.partition(" / ")[2] in refused.text
    assert client.get("/account/people/999999").status_code == 404
    assert read(own_service, "officer") == before
    assert read(own_service, "administrator")[0] == ["administrator"]


def read(service: Service, login: str) -> tuple[list[str], list[str], list[str], bool]:
    """Return the roles, areas and departments of an account, and whether it sees every area."""
    with connect(service.database) as connection:
        row = connection.execute(
            "SELECT ARRAY(SELECT role FROM account_role r WHERE r.account_id = a.account_id "
            "ORDER BY 1), ARRAY(SELECT code FROM account_area JOIN area USING (area_id) WHERE "
            "account_area.account_id = a.account_id ORDER BY 1), ARRAY(SELECT code FROM "
            "account_department d JOIN department USING (department_id) WHERE d.account_id = "
            "a.account_id ORDER BY 1), all_areas FROM account a WHERE login = %s", [login],
        ).fetchone()  # fmt: skip
    assert row is not None
    return row[0], row[1], row[2], row[3]


@pytest.mark.browser
def test_an_administrator_gives_roles_areas_and_a_department_by_keyboard_and_it_is_logged(
    page_service: Service,
) -> None:
    with connect(page_service.database) as connection:
        connection.execute(
            "INSERT INTO department (jurisdiction_id, code, name, name_en, level) "
            "VALUES (1, 'water', '水务', 'Water', 'district'), (1, 'road', '道路', 'Roads', 'street')"
        )
        connection.commit()
    with chromium() as browser:
        context = signed_in(browser, page_service, "administrator", lang="zh")
        page = context.new_page()
        wrong = watch(page, page_service)
        page.goto("/account")
        expect(page.locator("main")).to_contain_text("管理账户")
        expect(page.locator("main")).not_to_contain_text("users.manage")
        page.get_by_role("link", name="账户与权限").click()
        page.wait_for_url("**/account/people")
        assert check_axe(page) == []
        page.get_by_role("link", name="officer").click()
        page.wait_for_url("**/account/people/*")
        expect(page.get_by_label("网格员")).to_be_checked()
        assert check_axe(page) == []
        for label in ("受理派单", "全部区域", "网格 w2", "水务"):
            page.get_by_label(label).press("Space")
        page.get_by_role("button", name="保存").press("Enter")
        page.wait_for_url("**/account/people")
        row = page.locator("tr", has_text="officer").first
        expect(row).to_contain_text("受理派单")
        expect(row).to_contain_text("w2")
        page.emulate_media(color_scheme="dark")
        assert check_axe(page) == []
        assert wrong == []
    assert read(page_service, "officer") == (["dispatcher", "officer"], ["w2"], ["water"], False)
    with connect(page_service.database) as connection:
        entry = connection.execute(
            "SELECT actor, object, details FROM audit_entry WHERE action = 'account granted' "
            "ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert entry is not None
    assert entry[:2] == ("administrator", "officer")
    assert entry[2]["departments"] == ["water"]
