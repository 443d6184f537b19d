"""The tables of patrol plans and what they ask of whom."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import UNIT_KINDS, Base, identity_key, one_of, shape

PLAN_STATUSES = (
    "draft", "edited", "approved", "published", "executed", "compared", "withdrawn",
)  # fmt: skip
# By what a place was watched; "any" where a plan tells no means apart.
DONE_SOURCES = ("any", "foot", "vehicle", "drone", "camera")
EDIT_KINDS = (
    "set_minutes", "pin_stop", "unpin_stop", "forbid_area", "forbid_cell", "allow",
)  # fmt: skip


class Plan(Base):
    """Patrol hours for one day or several; nobody goes out before a named person approved it."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("hours > 0", name="hours"),
        CheckConstraint("days BETWEEN 1 AND 7", name="days"),
        CheckConstraint(one_of("status", PLAN_STATUSES), name="status"),
        CheckConstraint(
            "status NOT IN ('approved', 'published', 'executed', 'compared') OR "
            "(approved_by IS NOT NULL AND approved_at IS NOT NULL AND approval_reason IS NOT NULL)",
            name="approval",
        ),
        UniqueConstraint("jurisdiction_id", "plan_date", "days", "version"),
        Index(
            "uq_plan_published", "jurisdiction_id", "plan_date", "days", unique=True,
            postgresql_where=text("status IN ('published', 'executed', 'compared')"),
        ),
    )  # fmt: skip
    plan_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("plan.plan_id"))
    plan_date: Mapped[date]
    days: Mapped[int] = mapped_column(server_default=text("1"))
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


class PlanShift(Base):
    """A shift of a plan; a plan that tells no shifts apart has one, the whole day."""

    __tablename__ = "plan_shift"
    __table_args__ = (
        CheckConstraint("shift_no > 0", name="shift_no"),
        CheckConstraint("ends_at > starts_at", name="interval"),
    )
    plan_id: Mapped[int] = mapped_column(
        ForeignKey("plan.plan_id", ondelete="CASCADE"), primary_key=True
    )
    shift_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class PlanItem(Base):
    """The minutes of one kind of unit in one area and shift, and the reason of them.

    An area that gets nothing has one item of 0 minutes, which says why.
    """

    __tablename__ = "plan_item"
    __table_args__ = (
        CheckConstraint("minutes >= 0", name="minutes"),
        CheckConstraint(one_of("unit_kind", UNIT_KINDS), name="unit_kind"),
        ForeignKeyConstraint(
            ["plan_id", "shift_no"],
            ["plan_shift.plan_id", "plan_shift.shift_no"],
            ondelete="CASCADE",
        ),
    )
    plan_id: Mapped[int] = mapped_column(
        ForeignKey("plan.plan_id", ondelete="CASCADE"), primary_key=True
    )
    area_id: Mapped[int] = mapped_column(ForeignKey("area.area_id"), primary_key=True)
    shift_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_kind: Mapped[str] = mapped_column(primary_key=True)
    minutes: Mapped[int]
    reason: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    reason_zh: Mapped[str]
    reason_en: Mapped[str]


class PlanRule(Base):
    """Which step leads from which status to which; empty is before the plan was born."""

    __tablename__ = "plan_rule"
    action: Mapped[str] = mapped_column(primary_key=True)
    from_status: Mapped[str] = mapped_column(primary_key=True)
    to_status: Mapped[str] = mapped_column(primary_key=True)


class PlanStep(Base):
    """One step in the life of a plan: who took it, why and when; never changed."""

    __tablename__ = "plan_step"
    __table_args__ = (
        CheckConstraint("seq > 0", name="seq"),
        CheckConstraint("actor ~ '\\S' AND reason ~ '\\S'", name="named"),
    )
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.plan_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    action: Mapped[str]
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class PlanEdit(Base):
    """One change by hand that made a version out of its parent; never changed."""

    __tablename__ = "plan_edit"
    __table_args__ = (
        CheckConstraint("ordinal > 0", name="ordinal"),
        CheckConstraint(one_of("kind", EDIT_KINDS), name="kind"),
        CheckConstraint(one_of("unit_kind", UNIT_KINDS), name="unit_kind"),
        CheckConstraint("minutes >= 0 AND minutes_before >= 0", name="minutes"),
        CheckConstraint("edited_by ~ '\\S' AND reason ~ '\\S'", name="named"),
        CheckConstraint("(kind = 'set_minutes') = (minutes_before IS NOT NULL)", name="before"),
    )
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.plan_id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    shift_no: Mapped[int | None]
    unit_kind: Mapped[str | None]
    minutes_before: Mapped[int | None]
    minutes: Mapped[int | None]
    mark: Mapped[str | None]
    geom: Mapped[Any | None] = mapped_column(
        Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=True
    )
    edited_by: Mapped[str]
    reason: Mapped[str]
    edited_at: Mapped[datetime]


class PlanFlight(Base):
    """A drone flight that a plan gathers, and when it takes off."""

    __tablename__ = "plan_flight"
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.plan_id"), primary_key=True)
    route_id: Mapped[int] = mapped_column(
        ForeignKey("drone_route.route_id", ondelete="CASCADE"), primary_key=True
    )
    takes_off_at: Mapped[datetime]


class PlanNight(Base):
    """One night's run: its parts, which of them failed and why, and what stays in force."""

    __tablename__ = "plan_night"
    __table_args__ = (
        CheckConstraint(one_of("outcome", ("complete", "partial", "failed")), name="outcome"),
        CheckConstraint("(outcome = 'failed') = (plan_id IS NULL)", name="plan"),
        Index("ix_plan_night_place", "jurisdiction_id", "plan_night_id"),
    )
    plan_night_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    plan_date: Mapped[date]
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.plan_id"))
    in_force_id: Mapped[int | None] = mapped_column(ForeignKey("plan.plan_id"))
    outcome: Mapped[str]
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]


class PlanDone(Base):
    """Minutes done beside those planned, by area, shift and means; NULL where nobody knows."""

    __tablename__ = "plan_done"
    __table_args__ = (
        CheckConstraint("planned_min >= 0 AND done_min >= 0", name="minutes"),
        CheckConstraint(one_of("source", DONE_SOURCES), name="source"),
    )
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.plan_id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.area_id"), primary_key=True)
    shift_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(primary_key=True, server_default="any")
    planned_min: Mapped[float]
    done_min: Mapped[float | None]
    compared_at: Mapped[datetime]


class PrescriptionRow(Base):
    """One version of what a district does about a class of problems; never changed."""

    __tablename__ = "prescription"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("dwell_min BETWEEN 1 AND 480", name="dwell_min"),
        CheckConstraint(
            f"cardinality(means) > 0 AND means <@ ARRAY[{', '.join(map(repr, UNIT_KINDS))}]",
            name="means",
        ),
        CheckConstraint("(window_from IS NULL) = (window_to IS NULL)", name="window"),
        CheckConstraint("changed_by ~ '\\S' AND reason ~ '\\S'", name="named"),
    )
    jurisdiction_id: Mapped[int] = mapped_column(
        ForeignKey("jurisdiction.jurisdiction_id"), primary_key=True
    )
    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    valid_from: Mapped[date]
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
    means: Mapped[list[str]] = mapped_column(ARRAY(Text))
    window_from: Mapped[time | None]
    window_to: Mapped[time | None]
    dwell_min: Mapped[int]
    checklist_zh: Mapped[list[str]] = mapped_column(ARRAY(Text))
    checklist_en: Mapped[list[str]] = mapped_column(ARRAY(Text))
    evidence_zh: Mapped[str]
    evidence_en: Mapped[str]
    changed_by: Mapped[str]
    reason: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CameraRound(Base):
    """Which cameras a desk looks at during a shift, and by which rule they were chosen."""

    __tablename__ = "camera_round"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="interval"),
        CheckConstraint("watchers > 0", name="watchers"),
        Index("ix_camera_round_plan", "plan_id"),
    )
    camera_round_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.plan_id", ondelete="SET NULL"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    watchers: Mapped[int]
    parameters: Mapped[dict[str, Any]]
    code_version: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CameraLook(Base):
    """One look at one camera: when it was due, when it was done, and what was found."""

    __tablename__ = "camera_look"
    __table_args__ = (
        CheckConstraint("watcher > 0", name="watcher"),
        CheckConstraint("found_incident_id IS NULL OR looked_at IS NOT NULL", name="finding"),
        UniqueConstraint("camera_round_id", "camera_id", "due_at"),
    )
    camera_look_id: Mapped[int] = identity_key()
    camera_round_id: Mapped[int] = mapped_column(
        ForeignKey("camera_round.camera_round_id", ondelete="CASCADE")
    )
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.camera_id", ondelete="CASCADE"))
    watcher: Mapped[int]
    due_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    found_incident_id: Mapped[int | None] = mapped_column(
        ForeignKey("incident_key.incident_id", ondelete="SET NULL")
    )


class RouteRun(Base):
    """The routes of one shift: what was asked, how they were searched, and what they collect.

    Those that plan a shift anew are a proposal until a person puts them into force.
    """

    __tablename__ = "route_run"
    __table_args__ = (
        CheckConstraint(
            "num_nulls(confirmed_by, confirmed_why, confirmed_at) IN (0, 3) "
            "AND (confirmed_at IS NULL OR NOT is_proposal)",
            name="confirmed",
        ),
        CheckConstraint("ends_at > starts_at", name="interval"),
        CheckConstraint("prize >= 0", name="prize"),
        Index("ix_route_run_plan", "plan_id"),
    )
    route_run_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.plan_id", ondelete="SET NULL"))
    parent_run_id: Mapped[int | None] = mapped_column(
        ForeignKey("route_run.route_run_id", ondelete="SET NULL")
    )
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    on_roads: Mapped[bool]
    prize: Mapped[float]
    parameters: Mapped[dict[str, Any]]
    code_version: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    is_proposal: Mapped[bool] = mapped_column(server_default=false())
    planned_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    confirmed_why: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]


class Route(Base):
    """The way of one unit: from base to base, along the roads."""

    __tablename__ = "route"
    __table_args__ = (
        CheckConstraint("ends_at >= starts_at", name="interval"),
        CheckConstraint("travel_s >= 0 AND travel_m >= 0", name="travel"),
        UniqueConstraint("route_run_id", "unit_id"),
    )
    route_id: Mapped[int] = identity_key()
    route_run_id: Mapped[int] = mapped_column(
        ForeignKey("route_run.route_run_id", ondelete="CASCADE")
    )
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.unit_id"))
    mode: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    travel_s: Mapped[float]
    travel_m: Mapped[float]
    geom: Mapped[Any] = shape("LINESTRING")


class RouteStop(Base):
    """One visit on a route: where, when, for how long and why."""

    __tablename__ = "route_stop"
    __table_args__ = (
        CheckConstraint("ordinal > 0", name="ordinal"),
        CheckConstraint("arrive_at <= start_at AND start_at <= leave_at", name="order"),
        CheckConstraint("prize >= 0", name="prize"),
    )
    route_id: Mapped[int] = mapped_column(
        ForeignKey("route.route_id", ondelete="CASCADE"), primary_key=True
    )
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    stop_ref: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    must: Mapped[bool]
    prize: Mapped[float]
    arrive_at: Mapped[datetime]
    start_at: Mapped[datetime]
    leave_at: Mapped[datetime]
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    geom: Mapped[Any] = shape("POINT")


class StopVisit(Base):
    """One arrival at a stop of a route, as the visitor's tablet noted it.

    Where the visitor stood is not kept, only how far from the stop.
    """

    __tablename__ = "stop_visit"
    __table_args__ = (
        CheckConstraint("left_at >= arrived_at", name="interval"),
        CheckConstraint("distance_m >= 0", name="distance_m"),
        Index("ix_stop_visit_route", "route_id", "ordinal"),
        Index("ix_stop_visit_visitor", "visitor", "arrived_at"),
    )
    visit_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    route_id: Mapped[int | None] = mapped_column(ForeignKey("route.route_id", ondelete="SET NULL"))
    ordinal: Mapped[int]
    stop_ref: Mapped[str]
    area_id: Mapped[int] = mapped_column(ForeignKey("area.area_id"))
    visitor: Mapped[str]
    arrived_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    distance_m: Mapped[float | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
