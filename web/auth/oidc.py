"""Signing in at an identity provider: OpenID Connect by authorization code with PKCE.

References
----------
OpenID Connect Core 1.0; RFC 7636 (PKCE); RFC 9700 (best current practice), doi:10.17487/RFC9700.
"""

from __future__ import annotations

import hmac
import secrets
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from geo.errors import DatabaseError
from web.auth.principal import digest_secret
from web.errors import SignInError
from web.settings import OidcSettings, is_https_or_loopback

with warnings.catch_warnings():  # it asks for httpx's successor, which it does not need yet
    warnings.simplefilter("ignore")
    from authlib.integrations.httpx_client import AsyncOAuth2Client

FLOW_COOKIE = "__Host-gridbeat-flow"
FLOW_LENGTH_S = 600
KEPT_S = 3600.0
ASKED_AGAIN_S = 60.0
LEEWAY_S = 60
TIMEOUT_S = 10.0
FAILED = "统一身份认证登录失败 / signing in at the identity provider failed"


@dataclass(frozen=True)
class Flow:
    """One sign-in under way; `secret` is the browser's alone."""

    secret: str
    nonce: str
    verifier: str

    @property
    def state(self) -> str:
        """What the provider gives back: proof that the same browser began."""
        return digest_secret(f"state:{self.secret}").hex()


def new_flow() -> Flow:
    """Return a flow of fresh secrets."""
    return Flow(*(secrets.token_urlsafe(48) for _ in range(3)))


@dataclass
class Provider:
    """An identity provider: its addresses and keys, asked for when needed and kept an hour."""

    settings: OidcSettings
    addresses: dict[str, Any] = field(default_factory=dict)
    keys: KeySet | None = None
    addresses_until: float = 0.0
    keys_until: float = 0.0
    keys_asked: float = float("-inf")

    async def start_url(self, flow: Flow, *, redirect_uri: str) -> str:
        """Return where the browser goes to sign in."""
        addresses = await self._addresses()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                addresses["authorization_endpoint"],
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=create_s256_code_challenge(flow.verifier),
                code_challenge_method="S256",
            )
        return str(url)

    async def claims(self, flow: Flow, *, code: str, redirect_uri: str) -> Mapping[str, Any]:
        """Exchange a code for the checked claims about who signed in.

        Raises
        ------
        SignInError
            The provider refuses the code, or the ID token does not hold.
        """
        addresses = await self._addresses()
        try:
            async with self._client(redirect_uri) as client:
                token = await client.fetch_token(
                    addresses["token_endpoint"], code=code, code_verifier=flow.verifier
                )
        except (httpx.HTTPError, OAuthError) as error:
            raise SignInError(FAILED, code="sign-in-refused") from error
        return await self._checked(str(token.get("id_token", "")), nonce=flow.nonce)

    def _client(self, redirect_uri: str) -> AsyncOAuth2Client:
        secret = self.settings.client_secret
        return AsyncOAuth2Client(
            client_id=self.settings.client_id,
            client_secret=secret.get_secret_value() if secret else None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope="openid profile",
            redirect_uri=redirect_uri,
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def _checked(self, token: str, *, nonce: str) -> Mapping[str, Any]:
        algorithms = list(self.settings.algorithms)
        try:
            try:
                found = jwt.decode(token, await self._keys(), algorithms=algorithms)
            except InvalidKeyIdError:  # the provider may have turned its keys over
                fresh = await self._keys(again=True)
                found = jwt.decode(token, fresh, algorithms=algorithms)
            self._check_claims(found.claims, nonce=nonce)
        except (JoseError, ValueError) as error:
            raise SignInError(FAILED, code="sign-in-refused") from error
        return found.claims

    def _check_claims(self, claims: Mapping[str, Any], *, nonce: str) -> None:
        """Refuse a token that is another's, for another, old, or of another sign-in."""
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": str(self.settings.issuer)},
            aud={"essential": True, "value": str(self.settings.client_id)},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        registry.validate(dict(claims))
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") is None:
            raise ValueError("a token for several audiences names no authorised party")
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise ValueError("the token was given to another party")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise ValueError("the token is of another sign-in")

    async def _addresses(self) -> dict[str, Any]:
        if time.monotonic() > self.addresses_until:
            issuer = str(self.settings.issuer)
            found = await _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            named = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            safe = all(is_https_or_loopback(str(found.get(name, ""))) for name in named)
            if found.get("issuer") != issuer or not safe:
                raise SignInError(FAILED, code="sign-in-refused")
            self.addresses, self.addresses_until = found, time.monotonic() + KEPT_S
        return self.addresses

    async def _keys(self, *, again: bool = False) -> KeySet:
        now = time.monotonic()
        asks = now > self.keys_until or (again and now > self.keys_asked + ASKED_AGAIN_S)
        if self.keys is None or asks:
            self.keys_asked = now
            found = await _get((await self._addresses())["jwks_uri"])
            self.keys, self.keys_until = KeySet.import_key_set(found), now + KEPT_S  # type: ignore[arg-type]
        return self.keys


async def _get(url: str) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url)
            answer.raise_for_status()
            found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise DatabaseError(
            f"the identity provider does not answer: {url}", code="provider-away"
        ) from error
    if not isinstance(found, dict):
        raise SignInError(FAILED, code="sign-in-refused")
    return found
