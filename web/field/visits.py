"""Arrivals at the stops of a route and departures from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from geo.errors import InputError, NotFoundError
from patrol.models import StopVisit
from web.auth.principal import Principal
from web.database import packaged_sql
from web.field.entries import ArriveNoted, LeaveNoted


def arrive(
    connection: Connection, principal: Principal, entry: ArriveNoted, *, at: datetime
) -> dict[str, Any]:
    """Note an arrival; the same entry again is the same visit.

    Raises
    ------
    NotFoundError
        There is no such stop, or it lies in no grid of the account's.
    """
    values = {"route": entry.route_id, "ordinal": entry.ordinal, "lon": entry.lon,
              "lat": entry.lat}  # fmt: skip
    stop = connection.exec_driver_sql(packaged_sql("stop_to_visit"), values).first()
    if stop is None or stop.area_id is None:
        msg = f"there is no stop {entry.ordinal} on route {entry.route_id}"
        raise NotFoundError(msg, code="no-stop")
    connection.execute(
        insert(StopVisit)
        .values(
            visit_id=entry.entry_id, jurisdiction_id=stop.jurisdiction_id,
            route_id=entry.route_id, ordinal=entry.ordinal, stop_ref=stop.stop_ref,
            area_id=stop.area_id, visitor=principal.login, arrived_at=at,
            distance_m=stop.distance_m,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    distance = None if stop.distance_m is None else round(stop.distance_m)
    return {"visit_id": str(entry.entry_id), "distance_m": distance}


def leave(
    connection: Connection, principal: Principal, entry: LeaveNoted, *, at: datetime
) -> dict[str, Any]:
    """Note a departure of one's own; the first one counts.

    Raises
    ------
    NotFoundError
        There is no such visit of this account.
    InputError
        It was left at another time already.
    """
    query = select(StopVisit.arrived_at, StopVisit.left_at).where(
        StopVisit.visit_id == entry.visit_id, StopVisit.visitor == principal.login
    )
    visit = connection.execute(query).one_or_none()
    if visit is None:
        raise NotFoundError(f"there is no visit {entry.visit_id} of yours", code="no-visit")
    if visit.left_at is not None:
        msg = f"visit {entry.visit_id} was left at {visit.left_at:%H:%M} UTC already"
        raise InputError(msg, code="visit-over")
    moment = max(at, visit.arrived_at)
    connection.execute(
        update(StopVisit).where(StopVisit.visit_id == entry.visit_id).values(left_at=moment)
    )
    return {"visit_id": str(entry.visit_id)}
