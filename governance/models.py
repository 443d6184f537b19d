"""The tables of departments, work calendars, reports and cases."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, get_args

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import LEVELS, Base, identity_key, one_of
from governance.cases.states import OUTCOMES, Stage, State
from governance.clock.deadlines import TimeUnit

CHANNELS = ("hotline", "tablet", "drone", "camera", "open311", "feed", "counter")
DAY_KINDS = ("workday", "weekend", "holiday", "swapped")
PARTNER_KINDS = ("seconded", "social", "volunteer", "enterprise", "institution", "other")
NOTICES = ("due_soon", "overdue")
PHOTO_KINDS = ("near", "far", "before", "after", "other")
SATISFACTION = ("satisfied", "neutral", "dissatisfied", "not_reached")


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


class Department(Base):
    """Who may be sent a case."""

    __tablename__ = "department"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "code"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
    )
    department_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str]


class RoutingRule(Base):
    """Which department a class of problems goes to, in an area or everywhere."""

    __tablename__ = "routing_rule"
    __table_args__ = (
        UniqueConstraint(
            "jurisdiction_id",
            "scheme",
            "category_code",
            "area_id",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(one_of("level", LEVELS), name="level"),
    )
    routing_rule_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    scheme: Mapped[str | None]
    category_code: Mapped[str | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.department_id"))
    level: Mapped[str | None]
    basis: Mapped[str] = mapped_column(server_default="")


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
        Index("ix_case_file_geom", "geom", postgresql_using="gist"),
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


class Report(Base):
    """What one caller, officer, camera or system said; one or more of them make a case."""

    __tablename__ = "report"
    __table_args__ = (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint("words <> ''", name="words"),
        CheckConstraint("geom IS NOT NULL OR area_id IS NOT NULL", name="place"),
        UniqueConstraint("jurisdiction_id", "channel", "source_ref"),
        Index("ix_report_geom", "geom", postgresql_using="gist"),
        Index("ix_report_case", "case_id"),
    )
    report_id: Mapped[Any] = mapped_column(UUID, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    channel: Mapped[str]
    source_ref: Mapped[str | None]
    received_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    words: Mapped[str]
    address: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False), nullable=True
    )
    accuracy_m: Mapped[float | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.category_id"))
    suggested: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    photos: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    taken_by: Mapped[str]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.case_id"))


class Classifier(Base):
    """One trained version of the classifier of reports, with what was measured of it."""

    __tablename__ = "classifier"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "scheme", "version"),)
    classifier_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    scheme: Mapped[str]
    version: Mapped[int]
    trained_at: Mapped[datetime]
    settings: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any]]
    threshold: Mapped[float | None]
    model: Mapped[bytes]
    sha256: Mapped[str]


class CasePhoto(Base):
    """A picture of a report or case: made anew without metadata; time and position stand here."""

    __tablename__ = "case_photo"
    __table_args__ = (
        CheckConstraint(one_of("kind", PHOTO_KINDS), name="kind"),
        CheckConstraint("case_id IS NOT NULL OR report_id IS NOT NULL", name="subject"),
        CheckConstraint("width > 0 AND height > 0", name="size"),
        CheckConstraint(one_of("placed_by", ("device", "picture", "case")), name="placed_by"),
        Index("ix_case_photo_case", "case_id"),
        Index("ix_case_photo_report", "report_id"),
    )
    photo_id: Mapped[Any] = mapped_column(UUID, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.case_id"))
    report_id: Mapped[Any | None] = mapped_column(UUID, ForeignKey("report.report_id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    kind: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    placed_by: Mapped[str]
    accuracy_m: Mapped[float | None]
    taken_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    taken_by: Mapped[str]
    source_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int]
    height: Mapped[int]
    picture: Mapped[bytes] = mapped_column(LargeBinary)


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


class PostRequirement(Base):
    """How many of a role every basic grid needs, where a district has its own word."""

    __tablename__ = "post_requirement"
    __table_args__ = (CheckConstraint("least BETWEEN 0 AND 100", name="least"),)
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)
    least: Mapped[int] = mapped_column(Integer)


class Partner(Base):
    """A seconded unit or partner organisation: what it offers, where it is."""

    __tablename__ = "partner"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "code"),
        CheckConstraint(one_of("kind", PARTNER_KINDS), name="kind"),
        CheckConstraint("headcount >= 0", name="headcount"),
        Index("ix_partner_geom", "geom", postgresql_using="gist"),
    )
    partner_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False), nullable=True
    )
    headcount: Mapped[int] = mapped_column(Integer, server_default="0")
    services: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))


class IndicatorGrade(Base):
    """From which value on an indicator has a grade, where a district has its own words."""

    __tablename__ = "indicator_grade"
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    grade: Mapped[str] = mapped_column(primary_key=True)
    at_least: Mapped[float]
