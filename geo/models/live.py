"""The tables of what happens, of alerts that wait for somebody, and of what walls are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

EVENT_KINDS = ("incident", "case", "plan", "alert")
ALERT_KINDS = ("burst", "late_case", "coverage_drop", "feed_silent", "filing_due")


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


class Alert(Base):
    """Something that a person has to look at; raised by the database's ``raise_alert``.

    Open until ``ended_at``; acknowledged by a named account, which ends nothing.
    """

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint(one_of("kind", ALERT_KINDS), name="kind"),
        CheckConstraint("severity BETWEEN 1 AND 3", name="severity"),
        CheckConstraint(
            "(acknowledged_by IS NULL) = (acknowledged_at IS NULL)", name="acknowledged"
        ),
        Index(
            "ix_alert_open", "jurisdiction_id", "kind", "subject", unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip
    alert_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    subject: Mapped[str]
    severity: Mapped[int]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    body: Mapped[dict[str, Any]]
    raised_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    last_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    times: Mapped[int] = mapped_column(server_default=text("1"))
    ended_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_note: Mapped[str | None]


class AlertWatch(Base):
    """When the worker last looked for alerts; without a row nobody ever did."""

    __tablename__ = "alert_watch"
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id", ondelete="CASCADE"), primary_key=True
    )
    watched_at: Mapped[datetime]


class WallDirection(Base):
    """The view that a desk steers the screens of a wall to, until it lets them go."""

    __tablename__ = "wall_direction"
    __table_args__ = (CheckConstraint("wall ~ '^[a-z0-9-]{1,40}$'", name="wall"),)
    wall: Mapped[str] = mapped_column(primary_key=True)
    view: Mapped[dict[str, Any]]
    directed_by: Mapped[str]
    directed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
