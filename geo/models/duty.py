"""The tables of units, staff, posts and shifts."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import UNIT_KINDS, Base, Imported, identity_key, one_of


class Unit(Imported, Base):
    """A team or vehicle that can be sent out."""

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("feed_id", "source_ref"),
        CheckConstraint(one_of("kind", UNIT_KINDS), name="kind"),
        CheckConstraint("headcount > 0", name="headcount"),
    )
    unit_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    name: Mapped[str]
    headcount: Mapped[int] = mapped_column(server_default="1")
    home_station: Mapped[str | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))


class Person(Base):
    """A member of staff on duty, known by staff number and post title only."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "staff_no"),)
    person_id: Mapped[int] = identity_key()
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    staff_no: Mapped[str]
    title: Mapped[str | None]


class Post(Base):
    """A person's role in an area or unit during a time; a person may hold several."""

    __tablename__ = "post"
    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="validity"),
        CheckConstraint("area_id IS NOT NULL OR unit_id IS NOT NULL", name="place"),
        ExcludeConstraint(
            ("person_id", "="),
            ("role", "="),
            (text("coalesce(area_id, 0)"), "="),
            (text("coalesce(unit_id, 0)"), "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_post_validity",
            using="gist",
        ),
    )
    post_id: Mapped[int] = identity_key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.person_id"))
    role: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.area_id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.unit_id"))
    valid_from: Mapped[date] = mapped_column(server_default=text("'-infinity'::date"))
    valid_to: Mapped[date] = mapped_column(server_default=text("'infinity'::date"))


class Shift(Base):
    """When a unit is on duty."""

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="interval"),
        ExcludeConstraint(
            ("unit_id", "="),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_shift_interval",
            using="gist",
        ),
    )
    shift_id: Mapped[int] = identity_key()
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.unit_id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
