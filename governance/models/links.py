"""The tables of links to other platforms and the messages over them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import LEVELS, Base, identity_key, one_of


class Link(Base):
    """Another platform that cases go out to and messages come in from; its secret is a setting."""

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "code"),
        CheckConstraint(one_of("from_level", LEVELS), name="from_level"),
    )
    link_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    code: Mapped[str]
    name: Mapped[str]
    url: Mapped[str]
    from_level: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class Outbox(Base):
    """A message that a transition wrote in its own transaction, until the other side took it."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(one_of("status", ("waiting", "sent", "given_up")), name="status"),
        Index("ix_outbox_link", "link_id", "status"),
    )
    outbox_id: Mapped[int] = identity_key()
    link_id: Mapped[int] = mapped_column(ForeignKey("link.link_id"))
    key: Mapped[Any] = mapped_column(UUID)
    body: Mapped[dict[str, Any]]
    written_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    status: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]


class Inbox(Base):
    """A message that was taken in, by its key, with what was answered."""

    __tablename__ = "inbox"
    link_id: Mapped[int] = mapped_column(ForeignKey("link.link_id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    received_at: Mapped[datetime]
    answer: Mapped[dict[str, Any]]
