"""What a tablet shows of today: tasks by deadline, the routes and their stops, duty, choices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select, text

from geo.models.places import Jurisdiction
from governance.levels import read_first_level_names
from governance.models.cases import CaseFile
from governance.posts.roles import role_name
from web.auth.principal import Principal
from web.cases.clocks import ClockMemory, tell_clock
from web.cases.listing import select_rows, tell_row
from web.cases.steps import tell_actions
from web.database import packaged_sql
from web.models import AccountDepartment, FieldEntry

WAITING = ("dispatched",)
AT_WORK = ("received", "in_progress", "rework")
MOST_TASKS = 200


def read_today(
    connection: Connection, principal: Principal, clocks: ClockMemory, *, now: datetime
) -> dict[str, Any]:
    """Return all that a tablet needs to work through a day without a network."""
    place = connection.execute(
        select(Jurisdiction.jurisdiction_id, Jurisdiction.time_zone).order_by(
            Jurisdiction.jurisdiction_id
        )
    ).first()
    zone = ZoneInfo(place.time_zone) if place else ZoneInfo("UTC")
    clock = clocks.find(connection, place.jurisdiction_id) if place else None
    return {
        "now": now.isoformat(),
        "login": principal.login,
        "zone": zone.key,
        "clock": tell_clock(clock, now) if clock else None,
        "tasks": [
            {**tell_row(row, clock, now), "actions": tell_actions(principal, row)}
            for row in _tasks(connection, principal)
        ],
        "routes": _routes(connection, principal, zone, now),
        "duty": _duty(connection, principal, zone, now),
        "device": connection.execute(_DEVICE, {"account": principal.account_id}).scalar(),
        "classes": [
            dict(row) for row in connection.exec_driver_sql(packaged_sql("case_classes")).mappings()
        ],
        "posts": _posts(connection, principal, now.astimezone(zone).date()),
        "grids": _grids(connection),
        "levels": read_first_level_names(connection),
    }


def _tasks(connection: Connection, principal: Principal) -> list[Any]:
    """Read what waits for a signature of this account's departments, and what it has in hand.

    An account without a department sees what waits in its areas, whoever it was sent to.
    """
    mine = select(AccountDepartment.department_id).where(
        AccountDepartment.account_id == principal.account_id
    )
    for_me = or_(CaseFile.department_id.in_(mine), ~mine.exists())
    query = (
        select_rows()
        .where(
            or_(
                CaseFile.state.in_(WAITING) & for_me,
                CaseFile.state.in_(AT_WORK) & (CaseFile.handler == principal.login),
            )
        )
        .order_by(CaseFile.due_at.nulls_last(), CaseFile.case_id)
        .limit(MOST_TASKS)
    )
    return list(connection.execute(query).all())


def _routes(
    connection: Connection, principal: Principal, zone: ZoneInfo, now: datetime
) -> list[dict[str, Any]]:
    day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {"since": day, "until": day + timedelta(days=1), "visitor": principal.login}
    rows = connection.exec_driver_sql(packaged_sql("field_routes"), values).mappings()
    return [
        {name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
         for name, value in row.items()}
        for row in rows
    ]  # fmt: skip


def _duty(
    connection: Connection, principal: Principal, zone: ZoneInfo, now: datetime
) -> dict[str, Any]:
    """Return whether this account is on duty: by its last word of today."""
    day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    query = (
        select(FieldEntry.answer)
        .where(
            FieldEntry.account_id == principal.account_id,
            FieldEntry.kind == "duty",
            FieldEntry.outcome == "done",
            FieldEntry.received_at >= day - timedelta(hours=12),
        )
        .order_by(FieldEntry.received_at.desc(), FieldEntry.sequence.desc())
        .limit(1)
    )
    answer = connection.execute(query).scalar_one_or_none()
    return {"on": bool(answer and answer["on"]), "since": answer["at"] if answer else None}


def _posts(connection: Connection, principal: Principal, day: date) -> list[dict[str, Any]]:
    """Return how many hold which role in one's own grids, and which is one's own; no name."""
    rows = connection.execute(_POSTS, {"day": day, "account": principal.account_id}).all()
    return [
        {"area": row.area, "area_en": row.area_en, "role": row.role, "people": row.people,
         "mine": row.mine, **dict(zip(("zh", "en"), role_name(row.role), strict=True))}
        for row in rows
    ]  # fmt: skip


_POSTS = text(
    "SELECT a.name AS area, coalesce(a.name_en, a.name) AS area_en, p.role, count(*) AS people, "
    "coalesce(bool_or(p.person_id = (SELECT person_id FROM account "
    "WHERE account_id = :account)), false) AS mine "
    "FROM post p JOIN area a USING (area_id) WHERE a.level = 'grid' "
    "AND p.valid_from <= :day AND :day < p.valid_to "
    "GROUP BY a.name, a.name_en, p.role ORDER BY a.name, p.role LIMIT 200"
)
# The device that the account's tracks are taken in by; none: no track is kept.
_DEVICE = text(
    "SELECT d.device_ref FROM account_device a JOIN track_device d USING (track_device_id) "
    "WHERE a.account_id = :account AND d.retired_at IS NULL ORDER BY d.track_device_id LIMIT 1"
)


def _grids(connection: Connection) -> dict[str, Any]:
    rows = connection.exec_driver_sql(packaged_sql("field_grids")).all()
    features = [
        {"type": "Feature", "id": row[0], "properties": {"code": row[1], "name": row[2]},
         "geometry": row[7]}
        for row in rows
    ]  # fmt: skip
    if not rows:
        return {"bounds": None, "shapes": {"type": "FeatureCollection", "features": []}}
    bounds = [min(row[3] for row in rows), min(row[4] for row in rows),
              max(row[5] for row in rows), max(row[6] for row in rows)]  # fmt: skip
    return {"bounds": bounds, "shapes": {"type": "FeatureCollection", "features": features}}
