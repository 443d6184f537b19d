"""The tables of cases, their steps, and the rules that the database holds them to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import LEVELS, Base, identity_key, one_of
from governance.cases.states import OUTCOMES, State

NOTICES = ("due_soon", "overdue")
SATISFACTION = ("satisfied", "neutral", "dissatisfied", "not_reached")


class CaseFile(Base):
    """A case as it stands; only a transition moves it, which triggers hold to."""

    __tablename__ = "case_file"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "number"),
        CheckConstraint(one_of("state", get_args(State)), name="state"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
        CheckConstraint("version >= 0", name="version"),
        CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged"),
        CheckConstraint("merged_into <> case_id", name="merged_into"),
        Index("ix_case_file_place_time", "geom", "opened_at", postgresql_using="gist"),
        Index("ix_case_file_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_case_file_area", "area_id", "state"),
        Index(
            "ix_case_file_open", "due_at", "case_id",
            postgresql_where=text("state NOT IN ('closed', 'rejected', 'void', 'merged')"),
        ),
    )  # fmt: skip
    case_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    number: Mapped[str]
    opened_at: Mapped[datetime]
    words: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.category_id"))
    level: Mapped[str] = mapped_column(server_default="grid")
    state: Mapped[str] = mapped_column(server_default="reported")
    state_since: Mapped[datetime]
    version: Mapped[int] = mapped_column(server_default="0")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.department_id"))
    handler: Mapped[str | None]
    due_at: Mapped[datetime | None]
    due_provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    handle_due_at: Mapped[datetime | None]
    first_due_at: Mapped[datetime | None]
    extension_asked_by: Mapped[str | None]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("case_file.case_id"))
    first_department_id: Mapped[int | None] = mapped_column(ForeignKey("department.department_id"))
    may_object: Mapped[bool] = mapped_column(server_default=text("true"))
    last_at: Mapped[datetime | None]


class CaseRule(Base):
    """The table of allowed transitions, as the database enforces it."""

    __tablename__ = "case_rule"
    action: Mapped[str] = mapped_column(primary_key=True)
    from_state: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str]


class CaseNeed(Base):
    """What a transition of an action must carry, as the database enforces it."""

    __tablename__ = "case_need"
    action: Mapped[str] = mapped_column(primary_key=True)
    need: Mapped[str] = mapped_column(primary_key=True)


class CaseNotice(Base):
    """That somebody was told of a stage's lateness, once for each stage and kind."""

    __tablename__ = "case_notice"
    __table_args__ = (CheckConstraint(one_of("kind", NOTICES), name="kind"),)
    case_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("case_file.case_id"), primary_key=True, autoincrement=False
    )
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]


class CaseTransition(Base):
    """One step of a case: who, when, why, from where to where. Never changed, never deleted."""

    __tablename__ = "case_transition"
    __table_args__ = (
        UniqueConstraint("request_id"),
        Index("ix_case_transition_recorded", "recorded_at", postgresql_using="brin"),
        CheckConstraint("actor <> ''", name="actor"),
        CheckConstraint(one_of("outcome", tuple(OUTCOMES)), name="outcome"),
        CheckConstraint(one_of("satisfaction", SATISFACTION), name="satisfaction"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
    )
    case_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("case_file.case_id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    request_id: Mapped[Any] = mapped_column(UUID)
    action: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    reason: Mapped[str | None]
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.department_id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.category_id"))
    level: Mapped[str | None]
    outcome: Mapped[str | None]
    satisfaction: Mapped[str | None]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("case_file.case_id"))
    evidence: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    due_at: Mapped[datetime | None]
    due_provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    handle_due_at: Mapped[datetime | None]
    binding: Mapped[bool] = mapped_column(server_default=text("false"))
    claimed_at: Mapped[datetime | None]
