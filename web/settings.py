"""What the web service is told by `GRIDBEAT_WEB_*` variables; read once at the edge."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
KNOWN_SECRETS = frozenset(
    {"secret", "changeme", "changethis", "change-me", "password", "gridbeat", "client-secret"}
)
SHORTEST_SECRET = 16
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class OidcSettings(BaseSettings):
    """An identity provider that people may sign in with; none by default.

    Attributes
    ----------
    issuer
        Its address, as in its ``iss`` claims. HTTPS, except on this machine.
    roles_claim
        The claim that lists roles of ours; those alone are given at each sign-in.
    areas_claim
        The claim that lists codes of areas; ``*`` means all.
    """

    model_config = SettingsConfigDict(
        env_prefix="GRIDBEAT_WEB_OIDC_", frozen=True, extra="ignore", populate_by_name=True
    )

    issuer: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    roles_claim: str = "gridbeat_roles"
    areas_claim: str = "gridbeat_areas"
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        if value is not None and not is_https_or_loopback(value):
            raise ValueError("an identity provider is reached by https only")
        return value

    @field_validator("client_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            refuse_known_secret(value.get_secret_value(), name="GRIDBEAT_WEB_OIDC_CLIENT_SECRET")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> OidcSettings:
        if (self.issuer is None) != (self.client_id is None):
            raise ValueError("name both GRIDBEAT_WEB_OIDC_ISSUER and GRIDBEAT_WEB_OIDC_CLIENT_ID")
        return self


class BasemapSettings(BaseSettings):
    """What is drawn below the maps besides our own roads, water and buildings; nothing by default.

    Attributes
    ----------
    file
        A PMTiles archive on this machine, in the schema of Protomaps.
    tianditu_key
        Key of the national map service Tianditu: browsers then ask that service, and no other.
    tianditu_host
        A regional node of Tianditu, or a copy in one's own network, that speaks its WMTS; by
        default the eight national hosts.
    """

    model_config = SettingsConfigDict(
        env_prefix="GRIDBEAT_WEB_BASEMAP_", frozen=True, extra="ignore", populate_by_name=True
    )

    file: Path | None = None
    tianditu_key: Annotated[str, Field(pattern="^[0-9A-Za-z]{16,64}$")] | None = None
    tianditu_host: str | None = None

    @field_validator("file")
    @classmethod
    def _is_archive(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        if not value.is_file():
            raise ValueError(f"GRIDBEAT_WEB_BASEMAP_FILE: there is no file {value}")
        with value.open("rb") as file:
            if file.read(7) != b"PMTiles":
                raise ValueError(f"GRIDBEAT_WEB_BASEMAP_FILE: {value} is no PMTiles archive")
        return value.resolve()

    @field_validator("tianditu_host")
    @classmethod
    def _is_one_origin(cls, value: str | None) -> str | None:
        # It goes into the content policy as it stands: an origin, and nothing after it.
        if value is None:
            return None
        if not is_https_or_loopback(value) or not _ORIGIN.fullmatch(value):
            raise ValueError(
                "GRIDBEAT_WEB_BASEMAP_TIANDITU_HOST is of the form https://name, without a path"
            )
        return value

    def hosts(self) -> tuple[str, ...]:
        """Return the origins besides this service that a browser asks for tiles."""
        if self.tianditu_key is None:
            return ()
        if self.tianditu_host is not None:
            return (self.tianditu_host,)
        return tuple(f"https://t{n}.tianditu.gov.cn" for n in range(8))


class WebSettings(BaseSettings):
    """How the service is reached and how long sign-ins last.

    Attributes
    ----------
    public_url
        The address in people's browsers when a proxy ends TLS before this service.
    trusted_proxies
        Addresses whose ``X-Forwarded-For`` is believed.
    pool_size
        Connections of each of the two pools to the database.
    largest_body, largest_file
        Bytes of a request's body, and of one that brings a whole file.
    """

    model_config = SettingsConfigDict(
        env_prefix="GRIDBEAT_WEB_", frozen=True, extra="ignore", populate_by_name=True
    )

    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    session_length: timedelta = timedelta(hours=12)
    session_idle: timedelta = timedelta(hours=2)
    pool_size: int = Field(default=8, ge=1, le=100)
    hashes_at_once: int = Field(default=2, ge=1, le=16)
    hash_memory_kib: int = Field(default=65_536, ge=19_456)
    largest_body: int = Field(default=2_000_000, ge=1000)
    largest_file: int = Field(default=32_000_000, ge=1000)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    basemap: BasemapSettings = Field(default_factory=BasemapSettings)

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if not is_https_or_loopback(value) or parts.path not in {"", "/"}:
            raise ValueError("GRIDBEAT_WEB_PUBLIC_URL is of the form https://name, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    def hosts(self) -> frozenset[str]:
        """Return the names, without port, under which the service answers."""
        named = {urlsplit(self.public_url).hostname or ""} if self.public_url else set()
        return frozenset({*LOOPBACK_NAMES, *self.allowed_hosts, *named})


def is_https_or_loopback(address: str) -> bool:
    """Return whether `address` is of https, or of http on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine's own name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_known_secret(secret: str, *, name: str) -> None:
    """Refuse a secret that everybody knows or can guess.

    Raises
    ------
    ValueError
        It is a documentation's example, or shorter than 16 characters.
    """
    if secret.lower() in KNOWN_SECRETS or len(secret) < SHORTEST_SECRET:
        raise ValueError(
            f"{name} is a known or short secret: make one with "
            '`python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'
        )
