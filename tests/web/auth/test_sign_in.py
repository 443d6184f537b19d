"""Signing in and out, passwords, other sites, limits: as a browser does it."""

from __future__ import annotations

import re

import httpx
import pytest

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.district import PASSWORD
from web.auth.principal import SESSION_COOKIE
from web.commands.serve import introduce, refuse_plain_network
from web.settings import OidcSettings, WebSettings

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def _full_buckets(own_service: Service) -> None:
    with connect(own_service.database) as connection:
        connection.execute("DELETE FROM rate_bucket")


def signed_in(service: Service, login: str = "planner") -> httpx.Client:
    client = service.client()
    answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 204
    return client


def test_the_cookie_is_of_this_host_alone_and_out_of_reach_of_scripts(
    own_service: Service,
) -> None:
    answer = own_service.client().post(
        "/login", data={"login": "Planner ", "password": PASSWORD, "to": "/account"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_only_digests_of_sessions_and_tokens_are_kept(own_service: Service) -> None:
    client = signed_in(own_service)
    secret = client.cookies[SESSION_COOKIE]
    with connect(own_service.database) as connection:
        rows = connection.execute("SELECT s::text FROM web_session s").fetchall()
        rows += connection.execute("SELECT t::text FROM api_token t").fetchall()
    kept = " ".join(row[0] for row in rows)
    assert secret not in kept
    assert secret.encode().hex() not in kept
    assert own_service.tokens["planner"] not in kept


@pytest.mark.parametrize(("login", "password"), [("planner", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    own_service: Service, login: str, password: str
) -> None:
    answer = own_service.client().post(
        "/api/v1/session", json={"login": login, "password": password}
    )
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers
    assert answer.json()["detail"].endswith("the name or the password is wrong")


def test_signing_out_ends_the_session_at_once_also_for_a_copied_cookie(
    own_service: Service,
) -> None:
    client = signed_in(own_service)
    copied = {SESSION_COOKIE: client.cookies[SESSION_COOKIE]}
    seen = client.get("/api/v1/session").json()
    assert seen["login"] == "planner"
    left = client.delete("/api/v1/session", headers={"X-CSRF-Token": seen["csrf"]})
    assert left.status_code == 204
    header = {"Cookie": f"{SESSION_COOKIE}={copied[SESSION_COOKIE]}"}
    assert own_service.client(headers=header).get("/account").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_act_in_a_signed_in_browser(
    own_service: Service, headers: dict[str, str]
) -> None:
    client = signed_in(own_service)
    csrf = client.get("/api/v1/session").json()["csrf"]
    sent = headers if "X-CSRF-Token" in headers or not headers else {"X-CSRF-Token": csrf} | headers
    assert client.delete("/api/v1/session", headers=sent).status_code == 403
    assert client.get("/api/v1/session").json()["login"] == "planner"


def test_a_form_without_its_token_is_refused(own_service: Service) -> None:
    client = signed_in(own_service)
    assert client.post("/logout", data={"csrf": "0"}).status_code == 403
    page = client.get("/account").text
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found is not None
    assert client.post("/logout", data={"csrf": found[1]}).status_code == 303


def test_the_eleventh_try_for_one_account_has_to_wait(own_service: Service) -> None:
    client = own_service.client()
    wrong = {"login": "watch", "password": "wrong"}
    answers = [client.post("/api/v1/session", json=wrong).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    refused = client.post("/api/v1/session", json=wrong | {"password": PASSWORD})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_a_one_time_password_opens_nothing_but_the_way_to_change_it(
    own_service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = WebSettings(hash_memory_kib=19_456)
    with connect(own_service.database) as connection:
        connection.execute("UPDATE account SET login = 'planner2' WHERE login = 'planner'")
        connection.execute("UPDATE account SET must_change = true WHERE login = 'planner2'")
    introduce(own_service.database, settings)
    assert capsys.readouterr().out == ""  # there are accounts: no first administrator
    try:
        client = signed_in(own_service, "planner2")
        assert client.get("/account").headers["location"] == "/account/password"
        opened = {"sec-fetch-mode": "navigate", "accept": "text/html"}
        assert client.get("/plan").status_code == 403
        assert client.get("/plan", headers=opened).headers["location"] == "/account/password"
        csrf = client.get("/api/v1/session").json()["csrf"]
        fields = {"csrf": csrf, "old": PASSWORD, "new": "violet harbour 77 moss"}
        weak = client.post(
            "/account/password", data=fields | {"new": "gridbeat1234", "again": "gridbeat1234"}
        )
        assert (weak.status_code, 'role="alert"' in weak.text) == (400, True)
        unlike = client.post("/account/password", data=fields | {"again": "other"})
        assert unlike.status_code == 400
        done = client.post("/account/password", data=fields | {"again": fields["new"]})
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert 'href="/plan"' in client.get("/account").text
        assert client.get("/").headers["location"] == "/wall"
        refused = client.get("/desk", headers=opened)  # a person is told in a page, not in JSON
        assert (refused.status_code, 'role="alert"' in refused.text) == (403, True)
        old = own_service.client().post(
            "/api/v1/session", json={"login": "planner2", "password": PASSWORD}
        )
        assert old.status_code == 401
    finally:
        with connect(own_service.database) as connection:
            connection.execute(
                "UPDATE account SET login = 'planner', must_change = false, password_hash = "
                "(SELECT password_hash FROM account WHERE login = 'watch') "
                "WHERE login = 'planner2'"
            )


def test_the_first_start_makes_an_administrator_and_shows_the_password_once(
    fresh_database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = WebSettings(hash_memory_kib=19_456)
    introduce(fresh_database, settings)
    assert re.search(r"one-time password 一次性密码: (\w{5}-){4}\w{5}\n", capsys.readouterr().out)
    introduce(fresh_database, settings)
    assert capsys.readouterr().out == ""
    with connect(fresh_database) as connection:
        row = connection.execute("SELECT login, must_change FROM account").fetchall()
    assert row == [("admin", True)]


def test_a_disabled_account_is_out_everywhere(own_service: Service) -> None:
    client = signed_in(own_service, "dispatcher")
    with connect(own_service.database) as connection:
        connection.execute("UPDATE account SET disabled_at = now() WHERE login = 'dispatcher'")
    own_service.app.state.principals.forget()
    assert client.get("/account").status_code == 401
    bearer = own_service.client(headers=own_service.bearer("dispatcher"))
    assert bearer.get("/api/v1/session").status_code == 401
    again = {"login": "dispatcher", "password": PASSWORD}
    assert own_service.client().post("/api/v1/session", json=again).status_code == 401


def test_the_page_speaks_both_languages_and_runs_no_script(own_service: Service) -> None:
    client = own_service.client()
    chinese = client.get("/login", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    english = client.get("/login", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert 'lang="zh-CN"' in chinese.text
    assert "密码" in chinese.text
    assert "Password" in english.text
    assert "<script" not in english.text
    policy = english.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert english.headers["x-content-type-options"] == "nosniff"
    assert client.get("/login?lang=en").cookies["gridbeat_lang"] == "en"
    assert "Password" in client.get("/login", headers={"Accept-Language": "zh"}).text


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(own_service: Service, to: str) -> None:
    fields = {"login": "planner", "password": PASSWORD, "to": to}
    answer = own_service.client().post("/login", data=fields)
    assert answer.headers["location"] == "/account"


def test_a_foreign_host_name_is_not_answered(own_service: Service) -> None:
    answer = own_service.client().get("/healthz", headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_known_and_short_secrets_are_refused() -> None:
    for secret in ("changeme", "too-short"):
        with pytest.raises(ValueError, match="known or short secret"):
            OidcSettings(issuer="https://id.example", client_id="g", client_secret=secret)


def test_passwords_do_not_pass_a_network_in_plain_text() -> None:
    with pytest.raises(ValueError, match="plain text"):
        refuse_plain_network(WebSettings(), host="0.0.0.0", certificate=None)
    refuse_plain_network(WebSettings(), host="127.0.0.1", certificate=None)
    public = WebSettings(public_url="https://grid.example")
    refuse_plain_network(public, host="0.0.0.0", certificate=None)


def test_the_auditor_reads_the_log_and_leaves_an_entry(own_service: Service) -> None:
    client = signed_in(own_service, "auditor")
    listed = client.get("/api/v1/audit", params={"action": "sign-in", "limit": 1}).json()
    assert listed["entries"][0]["actor"] == "auditor"
    earlier = client.get("/api/v1/audit", params={"before": listed["next"]}).json()["entries"]
    assert earlier[0]["seq"] < listed["next"]
    newest = client.get("/api/v1/audit").json()["entries"][0]
    assert (newest["action"], newest["details"]["asked"]) == (
        "audit log read", {"before": str(listed["next"])},
    )  # fmt: skip
    assert signed_in(own_service, "analyst").get("/api/v1/audit").status_code == 403
