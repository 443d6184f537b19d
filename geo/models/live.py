"""The table of what happens, in the order in which it became visible."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

EVENT_KINDS = ("incident", "case", "plan", "alert")


class LiveEvent(Base):
    """One event; written by the database's ``emit_event`` alone."""

    __tablename__ = "live_event"
    __table_args__ = (
        CheckConstraint(one_of("kind", EVENT_KINDS), name="kind"),
        Index("ix_live_event_at", "at", postgresql_using="brin"),
    )
    event_id: Mapped[int] = identity_key()
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    kind: Mapped[str]
    jurisdiction_id: Mapped[int] = mapped_column(Integer)
    area_id: Mapped[int | None] = mapped_column(BigInteger)
    category_id: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[dict[str, Any]]
