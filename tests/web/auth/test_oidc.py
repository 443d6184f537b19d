"""Signing in at an identity provider that runs here, honest and otherwise."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from geo.database.connect import Database, connect
from tests.web.conftest import Service, listening, serving
from web.settings import OidcSettings, WebSettings

pytestmark = pytest.mark.db
SECRET = "a-long-client-secret-of-the-test"


@dataclass
class FakeProvider:
    """A provider with a key of its own, that says what a test wants it to say."""

    origin: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    pending: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def configuration() -> dict[str, str]:
            return {
                "issuer": self.origin,
                "authorization_endpoint": f"{self.origin}/authorize",
                "token_endpoint": f"{self.origin}/token",
                "jwks_uri": f"{self.origin}/jwks",
            }

        @app.get("/jwks")
        def jwks() -> dict[str, Any]:
            return KeySet([self.key]).as_dict(private=False)

        @app.post("/token")
        async def token(request: Request) -> dict[str, Any]:
            form = parse_qs((await request.body()).decode())
            asked = self.pending.pop(form["code"][0])
            digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert challenge == asked["code_challenge"]
            assert form["redirect_uri"][0] == asked["redirect_uri"]
            basic = base64.b64encode(f"gridbeat:{SECRET}".encode()).decode()
            assert request.headers["authorization"] == f"Basic {basic}"
            now = int(time.time())
            said = {
                "iss": self.origin, "aud": "gridbeat", "sub": "u-17", "nonce": asked["nonce"],
                "iat": now, "exp": now + 300, "preferred_username": "Wang.Fang",
                "gridbeat_roles": ["planner", "king"], "gridbeat_areas": ["west"],
            } | self.claims  # fmt: skip
            said = {name: value for name, value in said.items() if value is not None}
            signed = self.sign(said) if self.sign else self.signed(said)
            return {"access_token": "x", "token_type": "Bearer", "id_token": signed}

        return app

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    provider = FakeProvider()
    with listening(provider.app()) as origin:
        provider.origin = origin
        yield provider


@pytest.fixture(scope="module")
def joined(server: Database, template: Database, fake: FakeProvider) -> Iterator[Service]:
    oidc = OidcSettings(issuer=fake.origin, client_id="gridbeat", client_secret=SECRET)
    settings = WebSettings(hash_memory_kib=19_456, pool_size=4, oidc=oidc)
    with serving(server, template, settings) as running:
        yield running


@pytest.fixture(autouse=True)
def _honest(fake: FakeProvider, joined: Service) -> Iterator[None]:
    with connect(joined.database) as connection:
        connection.execute("DELETE FROM rate_bucket")
    yield
    fake.claims, fake.sign = {}, None


def sign_in(joined: Service, fake: FakeProvider, **changed: str) -> tuple[httpx.Client, Any]:
    """Go the whole way as a browser does; `changed` parameters come back from the provider."""
    client = joined.client()
    away = client.get("/login/oidc", params={"to": "/account"})
    assert away.status_code == 303
    asked = {
        name: values[0]
        for name, values in parse_qs(urlsplit(away.headers["location"]).query).items()
    }
    assert asked["code_challenge_method"] == "S256"
    fake.pending["c0de"] = asked
    back = {"code": "c0de", "state": asked["state"]} | changed
    return client, client.get("/login/oidc/callback", params=back)


def test_claims_become_an_account_with_roles_and_areas(joined: Service, fake: FakeProvider) -> None:
    client, answer = sign_in(joined, fake)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    view = client.get("/api/v1/session").json()
    assert (view["login"], view["roles"]) == ("wang.fang", ["planner"])
    assert view["areas"] == [joined.areas["west"]]
    fake.claims = {"gridbeat_roles": ["analyst"], "gridbeat_areas": "*"}
    client, _ = sign_in(joined, fake)
    view = client.get("/api/v1/session").json()
    assert (view["login"], view["roles"], view["areas"]) == ("wang.fang", ["analyst"], None)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["gridbeat", "other"]},
        {"aud": ["gridbeat", "other"], "azp": "other"},
        {"nonce": "other"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
    ],
)
def test_a_token_that_does_not_hold_signs_nobody_in(
    joined: Service, fake: FakeProvider, claims: dict[str, Any]
) -> None:
    fake.claims = claims
    client, answer = sign_in(joined, fake)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert client.get("/api/v1/session").json()["login"] is None


def unsigned(claims: dict[str, Any]) -> str:
    def part(value: str) -> str:
        return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")

    return f"{part(json.dumps({'alg': 'none'}))}.{part(json.dumps(claims))}."


def test_other_keys_and_algorithms_are_refused(joined: Service, fake: FakeProvider) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    public = fake.key.as_pem(private=False)
    for sign in (
        unsigned,
        lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, stranger),
        lambda claims: jwt.encode(
            {"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(hashlib.sha256(public).digest()),
            algorithms=["HS256"],
        ),
        lambda _claims: "not.a.token",
    ):  # fmt: skip
        fake.sign = sign
        assert sign_in(joined, fake)[1].status_code == 401


def test_the_way_back_is_of_the_browser_that_began_and_works_once(
    joined: Service, fake: FakeProvider
) -> None:
    assert sign_in(joined, fake, state="0" * 64)[1].status_code == 401
    client, answer = sign_in(joined, fake)
    assert answer.status_code == 303
    again = client.get(str(answer.request.url))
    assert again.status_code == 401
    elsewhere = joined.client().get(str(answer.request.url))
    assert elsewhere.status_code == 401


def test_the_provider_may_refuse_or_know_no_role(joined: Service, fake: FakeProvider) -> None:
    assert sign_in(joined, fake, error="access_denied")[1].status_code == 401
    fake.claims = {"gridbeat_roles": ["king"]}
    assert sign_in(joined, fake)[1].status_code == 403


def test_a_name_that_is_taken_is_not_joined(joined: Service, fake: FakeProvider) -> None:
    fake.claims = {"sub": "u-99", "preferred_username": "administrator"}
    assert sign_in(joined, fake)[1].status_code == 409


def test_keys_that_were_turned_over_are_asked_for_again(
    joined: Service, fake: FakeProvider
) -> None:
    assert sign_in(joined, fake)[1].status_code == 303
    fake.key = RSAKey.generate_key(2048, {"kid": "two"})
    joined.app.state.provider.keys_asked = float("-inf")
    assert sign_in(joined, fake)[1].status_code == 303


def test_a_disabled_account_stays_out(joined: Service, fake: FakeProvider) -> None:
    assert sign_in(joined, fake)[1].status_code == 303
    with connect(joined.database) as connection:
        connection.execute("UPDATE account SET disabled_at = now() WHERE oidc_subject = 'u-17'")
    assert sign_in(joined, fake)[1].status_code == 401


def test_without_a_provider_there_is_no_way_to_it(service: Service) -> None:
    assert service.client().get("/login/oidc").status_code == 404
    assert "/login/oidc" not in service.client().get("/login").text


def test_a_provider_is_reached_by_https_only() -> None:
    with pytest.raises(ValueError, match="https only"):
        OidcSettings(issuer="http://id.example", client_id="x")
    with pytest.raises(ValueError, match="name both"):
        OidcSettings(issuer="https://id.example")
