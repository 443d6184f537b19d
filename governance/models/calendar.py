"""The tables of work calendars, open hours and how long stages may take."""

from __future__ import annotations

from datetime import date, time
from typing import get_args

from sqlalchemy import CheckConstraint, ForeignKey, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of
from governance.cases.states import Stage
from governance.clock.deadlines import TimeUnit

DAY_KINDS = ("workday", "weekend", "holiday", "swapped")


class WorkCalendarDay(Base):
    """One day of a jurisdiction's work calendar; provisional until the year's notice is loaded."""

    __tablename__ = "work_calendar"
    __table_args__ = (CheckConstraint(one_of("kind", DAY_KINDS), name="kind"),)
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    is_workday: Mapped[bool]
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str]
    provisional: Mapped[bool] = mapped_column(server_default=text("false"))


class WorkSpell(Base):
    """One spell of open hours of every working day; past midnight if it closes before it opens."""

    __tablename__ = "work_spell"
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    opens: Mapped[time] = mapped_column(primary_key=True)
    closes: Mapped[time]


class StageLimit(Base):
    """How long a stage may take: for one class, or for all that have no limit of their own."""

    __tablename__ = "stage_limit"
    __table_args__ = (
        UniqueConstraint(
            "jurisdiction_id", "scheme", "category_code", "stage",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(one_of("stage", get_args(Stage)), name="stage"),
        CheckConstraint(one_of("unit", get_args(TimeUnit)), name="unit"),
        CheckConstraint("value > 0", name="value"),
    )  # fmt: skip
    stage_limit_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    scheme: Mapped[str | None]
    category_code: Mapped[str | None]
    stage: Mapped[str]
    value: Mapped[float]
    unit: Mapped[str]
