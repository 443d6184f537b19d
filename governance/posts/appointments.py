"""Giving and ending posts, and putting units on duty, one by one. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from geo.errors import ConflictError, InputError, NotFoundError

LONGEST_SHIFT_H = 24.0


@dataclass(frozen=True)
class NewPost:
    """Who is to hold which role where, from when; `end` is the first day after it, or open.

    Attributes
    ----------
    title
        What a person is called at work; only somebody with a title is taken on anew.
    """

    staff_no: str
    role: str
    begin: date
    area_code: str | None = None
    unit_ref: str | None = None
    end: date | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        if self.area_code is None and self.unit_ref is None:
            raise InputError("a post needs a grid or a unit", code="no-area")
        if self.end is not None and self.end <= self.begin:
            msg = f"a post that begins on {self.begin} ends after that day, not on {self.end}"
            raise InputError(msg, code="ends-before-start")


def appoint(connection: Connection, jurisdiction_id: int, new: NewPost) -> int:
    """Give somebody a post and return its number; several posts at once are as good as one.

    Raises
    ------
    NotFoundError
        No such grid or unit, or a staff number that nobody has and no title to take one on.
    ConflictError
        That person holds this very post in that time.
    """
    here: dict[str, Any] = {"j": jurisdiction_id}
    area = unit = None
    if new.area_code is not None:
        given = here | {"code": new.area_code, "day": new.begin}
        area = connection.execute(_AREA, given).scalar_one_or_none()
        if area is None:
            msg = f"there is no grid {new.area_code!r} on {new.begin}"
            raise NotFoundError(msg, code="no-area")
    if new.unit_ref is not None:
        unit = find_unit(connection, jurisdiction_id, new.unit_ref)
    values = {
        "person": _find_person(connection, jurisdiction_id, new), "role": new.role, "area": area,
        "unit": unit, "begin": new.begin, "end": str(new.end) if new.end else "infinity",
    }  # fmt: skip
    if connection.execute(_OVERLAPS, values).scalar_one():
        msg = f"{new.staff_no} holds this post in that time already"
        raise ConflictError(msg, code="post-held")
    return int(connection.execute(_APPOINT, values).scalar_one())


def end_post(connection: Connection, post_id: int, *, on: date) -> Mapping[str, Any]:
    """End a post: `on` is the first day without it. Return what it was.

    Raises
    ------
    NotFoundError
        There is no such post, or it is not this account's to see.
    InputError
        It begins on that day or later.
    ConflictError
        It ended before.
    """
    post = connection.execute(_POST, {"post": post_id}).mappings().one_or_none()
    if post is None:
        raise NotFoundError(f"there is no post {post_id}", code="no-post")
    if not connection.execute(_BEGAN, {"post": post_id, "on": on}).scalar_one():
        msg = f"the post begins on {on} or later: name a later day"
        raise InputError(msg, code="ends-before-start")
    if not connection.execute(_END, {"post": post_id, "on": on}).rowcount:
        raise ConflictError(f"the post ended by {on} already", code="post-ended")
    return dict(post)


def read_team(
    connection: Connection, jurisdiction_id: int, code: str, *, on: date
) -> list[dict[str, Any]]:
    """Read the posts of a grid that are in force on a day or begin later, by role and number.

    Returns
    -------
    list of dict
        ``post_id``, ``staff_no``, ``title``, ``role``, ``unit``, ``valid_from`` and ``valid_to``
        (None where open), and ``elsewhere``: names of other grids where the person holds that
        role on that day.
    """
    rows = connection.execute(_TEAM, {"j": jurisdiction_id, "code": code, "day": on})
    return [dict(row) for row in rows.mappings()]


def put_on_duty(
    connection: Connection, jurisdiction_id: int, *, unit_ref: str, starts_at: datetime,
    ends_at: datetime,
) -> int:  # fmt: skip
    """Add a shift to the roster and return its number.

    Raises
    ------
    InputError
        It ends before it begins, or lasts longer than a day.
    ConflictError
        The unit is on duty in a part of that time.
    """
    hours = (ends_at - starts_at).total_seconds() / 3600
    if not 0 < hours <= LONGEST_SHIFT_H:
        raise InputError(
            f"a shift ends after it begins, within {LONGEST_SHIFT_H:.0f} hours", code="bad-shift"
        )
    unit = find_unit(connection, jurisdiction_id, unit_ref)
    values = {"unit": unit, "begin": starts_at, "end": ends_at}
    if connection.execute(_CLASHES, values).scalar_one():
        raise ConflictError(f"{unit_ref} is on duty in that time already", code="shift-overlaps")
    return int(connection.execute(_PUT_ON, values).scalar_one())


def take_off_duty(connection: Connection, shift_id: int, *, now: datetime) -> Mapping[str, Any]:
    """Take a shift that has not begun off the roster; return what it was.

    Raises
    ------
    NotFoundError
        There is no such shift, or it is not this account's to see.
    ConflictError
        It has begun: what was done stays written down.
    """
    shift = connection.execute(_SHIFT, {"shift": shift_id}).mappings().one_or_none()
    if shift is None:
        raise NotFoundError(f"there is no shift {shift_id}", code="no-shift")
    if shift["starts_at"] <= now:
        raise ConflictError("the shift has begun and stays in the roster", code="shift-begun")
    connection.execute(_TAKE_OFF, {"shift": shift_id})
    return dict(shift)


def find_unit(connection: Connection, jurisdiction_id: int, unit_ref: str) -> int:
    """Return the number of a unit.

    Raises
    ------
    NotFoundError
        There is none of that reference, or it is not this account's to see.
    """
    values = {"j": jurisdiction_id, "ref": unit_ref}
    unit = connection.execute(_UNIT, values).scalar_one_or_none()
    if unit is None:
        raise NotFoundError(f"there is no unit {unit_ref!r}", code="no-unit")
    return int(unit)


def read_units(connection: Connection, jurisdiction_id: int) -> list[dict[str, Any]]:
    """Read the units that can be put on duty: ``ref``, ``name``, ``kind``, ``area``."""
    return [dict(row) for row in connection.execute(_UNITS, {"j": jurisdiction_id}).mappings()]


def _find_person(connection: Connection, jurisdiction_id: int, new: NewPost) -> int:
    values = {"j": jurisdiction_id, "no": new.staff_no, "title": new.title}
    person = connection.execute(_PERSON, values).scalar_one_or_none()
    if person is None and new.title is None:
        msg = f"nobody has the staff number {new.staff_no!r}: give a title to take somebody on"
        raise NotFoundError(msg, code="no-person")
    if person is None:
        person = connection.execute(_HIRE, values).scalar_one()
    return int(person)


_AREA = text(
    "SELECT area_id FROM area WHERE jurisdiction_id = :j AND code = :code "
    "AND valid_from <= CAST(:day AS date) AND CAST(:day AS date) < valid_to"
)
_UNIT = text(
    "SELECT u.unit_id FROM unit u JOIN feed f USING (feed_id) "
    "WHERE f.jurisdiction_id = :j AND u.source_ref = :ref ORDER BY u.unit_id LIMIT 1"
)
_UNITS = text(
    "SELECT u.source_ref AS ref, u.name, u.kind, a.name AS area FROM unit u JOIN feed f "
    "USING (feed_id) LEFT JOIN area a ON a.area_id = u.area_id WHERE f.jurisdiction_id = :j "
    "ORDER BY u.kind, u.name"
)
_PERSON = text("SELECT person_id FROM person WHERE jurisdiction_id = :j AND staff_no = :no")
_HIRE = text(
    "INSERT INTO person (jurisdiction_id, staff_no, title) VALUES (:j, :no, :title) "
    "RETURNING person_id"
)
_OVERLAPS = text(
    "SELECT EXISTS (SELECT FROM post WHERE person_id = :person AND role = :role "
    "AND area_id IS NOT DISTINCT FROM CAST(:area AS bigint) "
    "AND unit_id IS NOT DISTINCT FROM CAST(:unit AS bigint) "
    "AND daterange(valid_from, valid_to) && daterange(CAST(:begin AS date), CAST(:end AS date)))"
)
_APPOINT = text(
    "INSERT INTO post (person_id, role, area_id, unit_id, valid_from, valid_to) VALUES "
    "(:person, :role, :area, :unit, CAST(:begin AS date), CAST(:end AS date)) RETURNING post_id"
)
_POST = text(
    "SELECT n.staff_no, p.role, a.code, a.name FROM post p JOIN person n USING (person_id) "
    "JOIN area a USING (area_id) WHERE p.post_id = :post"
)
_BEGAN = text("SELECT valid_from < CAST(:on AS date) FROM post WHERE post_id = :post")
_END = text(
    "UPDATE post SET valid_to = CAST(:on AS date) WHERE post_id = :post "
    "AND valid_to > CAST(:on AS date)"
)
_TEAM = text(
    "SELECT p.post_id, n.staff_no, n.title, p.role, u.name AS unit, "
    "nullif(p.valid_from, '-infinity') AS valid_from, nullif(p.valid_to, 'infinity') AS valid_to, "
    "coalesce((SELECT array_agg(b.name ORDER BY b.code) FROM post o JOIN area b USING (area_id) "
    "WHERE o.person_id = p.person_id AND o.role = p.role AND o.area_id <> p.area_id "
    "AND b.level = 'grid' AND o.valid_from <= CAST(:day AS date) "
    "AND CAST(:day AS date) < o.valid_to), '{}') AS elsewhere "
    "FROM post p JOIN person n USING (person_id) JOIN area a USING (area_id) "
    "LEFT JOIN unit u ON u.unit_id = p.unit_id WHERE a.jurisdiction_id = :j AND a.code = :code "
    "AND CAST(:day AS date) < p.valid_to ORDER BY p.role, n.staff_no, p.valid_from"
)
_CLASHES = text(
    "SELECT EXISTS (SELECT FROM shift WHERE unit_id = :unit "
    "AND tstzrange(starts_at, ends_at) && tstzrange(:begin, :end))"
)
_PUT_ON = text(
    "INSERT INTO shift (unit_id, starts_at, ends_at) VALUES (:unit, :begin, :end) "
    "RETURNING shift_id"
)
_SHIFT = text(
    "SELECT u.source_ref AS unit, s.starts_at, s.ends_at FROM shift s JOIN unit u USING (unit_id) "
    "WHERE s.shift_id = :shift"
)
_TAKE_OFF = text("DELETE FROM shift WHERE shift_id = :shift")
