"""The tables of patrol plans and what they ask of whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of

PLAN_STATUSES = ("draft", "approved", "published", "withdrawn")


class Plan(Base):
    """Patrol hours for one day; nobody goes out before a named person approved it."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("hours > 0", name="hours"),
        CheckConstraint(one_of("status", PLAN_STATUSES), name="status"),
        CheckConstraint(
            "status NOT IN ('approved', 'published') OR "
            "(approved_by IS NOT NULL AND approved_at IS NOT NULL AND approval_reason IS NOT NULL)",
            name="approval",
        ),
        UniqueConstraint("jurisdiction_id", "plan_date", "version"),
    )
    plan_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    plan_date: Mapped[date]
    version: Mapped[int]
    hours: Mapped[float]
    status: Mapped[str] = mapped_column(server_default="draft")
    parameters: Mapped[dict[str, Any]]
    trend_run_id: Mapped[int | None] = mapped_column(ForeignKey("result_run.result_run_id"))
    hotspot_run_id: Mapped[int | None] = mapped_column(ForeignKey("result_run.result_run_id"))
    code_version: Mapped[str]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    approval_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PlanItem(Base):
    """The hours of one area in a plan, with the figures and words of the reason."""

    __tablename__ = "plan_item"
    __table_args__ = (CheckConstraint("minutes >= 0", name="minutes"),)
    plan_id: Mapped[int] = mapped_column(
        ForeignKey("plan.plan_id", ondelete="CASCADE"), primary_key=True
    )
    area_id: Mapped[int] = mapped_column(ForeignKey("area.area_id"), primary_key=True)
    minutes: Mapped[int]
    reason: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
