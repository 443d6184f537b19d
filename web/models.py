"""The tables of accounts, sessions, tokens, the audit log and long jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

TOKEN_KINDS = ("api", "wall")
ENTRY_KINDS = ("report", "step", "arrive", "leave", "duty")
ENTRY_OUTCOMES = ("done", "conflict", "rejected")
JOB_STATUSES = ("accepted", "running", "successful", "failed", "dismissed")


class Account(Base):
    """Somebody who may sign in: by password, by the identity provider, or both.

    `person_id` says which member of staff it is, where it is one.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("login = lower(login) AND login <> ''", name="login"),
        UniqueConstraint("oidc_issuer", "oidc_subject"),
    )
    account_id: Mapped[int] = identity_key()
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    must_change: Mapped[bool] = mapped_column(server_default=text("false"))
    all_areas: Mapped[bool] = mapped_column(server_default=text("false"))
    person_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.person_id", ondelete="SET NULL")
    )
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AccountRole(Base):
    """A role of an account; what it permits stands in `web.auth.permissions`."""

    __tablename__ = "account_role"
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)


class AccountArea(Base):
    """An area that an account may see, with everything below it."""

    __tablename__ = "account_area"
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True
    )
    area_id: Mapped[int] = mapped_column(ForeignKey("area.area_id"), primary_key=True)


class AccountDepartment(Base):
    """A department that an account works for; without one it works for all of its areas."""

    __tablename__ = "account_department"
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True
    )
    department_id: Mapped[int] = mapped_column(
        ForeignKey("department.department_id", ondelete="CASCADE"), primary_key=True
    )


class AccountDevice(Base):
    """A device whose fixes an account may send: those of its own duty, and no others."""

    __tablename__ = "account_device"
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True
    )
    track_device_id: Mapped[int] = mapped_column(
        ForeignKey("track_device.track_device_id", ondelete="CASCADE"), primary_key=True
    )


class ApiToken(Base):
    """A key for a notebook or a wall screen: only its digest, what it may do, until when."""

    __tablename__ = "api_token"
    __table_args__ = (
        CheckConstraint(one_of("kind", TOKEN_KINDS), name="kind"),
        CheckConstraint("(kind = 'wall') = (screen IS NOT NULL)", name="screen"),
        CheckConstraint("expires_at > created_at", name="expiry"),
    )
    api_token_id: Mapped[int] = identity_key()
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="api")
    screen: Mapped[str | None]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    permissions: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser; the cookie holds what this digest is of."""

    __tablename__ = "web_session"
    session_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), index=True
    )
    api_token_id: Mapped[int | None] = mapped_column(
        ForeignKey("api_token.api_token_id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OidcFlow(Base):
    """A sign-in that is under way at the identity provider."""

    __tablename__ = "oidc_flow"
    flow_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    nonce: Mapped[str]
    code_verifier: Mapped[str]
    return_to: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RateBucket(Base):
    """How many more tries a key has; lost in a crash, which harms nobody."""

    __tablename__ = "rate_bucket"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy's own protocol
    bucket: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Double)
    filled_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AuditEntry(Base):
    """Who did what: append-only, each entry holding the digest of the one before it."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_actor", "account_id", "seq"),
        Index("ix_audit_entry_action", "action", "seq"),
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str | None]
    address: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditDraft(Base):
    """An entry until its transaction commits, which chains it; nobody ever reads one."""

    __tablename__ = "audit_draft"
    draft_id: Mapped[int] = identity_key()
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str | None]
    address: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class Job(Base):
    """A long piece of work that somebody asked for; the queue's own tables are in `jobs`."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(one_of("status", JOB_STATUSES), name="status"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        Index("ix_job_account", "account_id", "created_at"),
    )
    job_id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("gen_random_uuid()")
    )
    process: Mapped[str]
    inputs: Mapped[dict[str, Any]]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.account_id"))
    status: Mapped[str] = mapped_column(server_default="accepted")
    progress: Mapped[int] = mapped_column(server_default="0")
    message: Mapped[str | None]
    message_zh: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    queue_job_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FieldEntry(Base):
    """What became of one entry that a tablet made, so that sending it again gives the same."""

    __tablename__ = "field_entry"
    __table_args__ = (
        CheckConstraint(one_of("kind", ENTRY_KINDS), name="kind"),
        CheckConstraint(one_of("outcome", ENTRY_OUTCOMES), name="outcome"),
        Index("ix_field_entry_account", "account_id", "received_at"),
    )
    entry_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.account_id"))
    device_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    device_at: Mapped[datetime]
    skew_s: Mapped[float]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    outcome: Mapped[str]
    answer: Mapped[dict[str, Any]]
