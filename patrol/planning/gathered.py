"""What a plan has gathered, read back: its routes, camera rounds and drone flights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Date, cast, func, select, true

from geo.models.places import Jurisdiction
from patrol.models import CameraRound, Plan, PlanFlight, RouteRun


@dataclass(frozen=True)
class Gathered:
    """Numbers of what a plan gathers; of each shift what was made last."""

    routes: tuple[int, ...]
    rounds: tuple[int, ...]
    flights: tuple[tuple[int, datetime], ...]


def read_gathered(connection: Connection, plan_id: int, *, day: date | None = None) -> Gathered:
    """Read the numbers of routes, rounds and flights of a plan, or of what begins on one day."""
    zone = select(Jurisdiction.time_zone).join(Plan).where(Plan.plan_id == plan_id)

    def begins(moment: Any) -> Any:
        if day is None:
            return true()
        return cast(func.timezone(zone.scalar_subquery(), moment), Date) == day

    def newest(table: Any, key: Any, *conditions: Any) -> tuple[int, ...]:
        found = connection.execute(
            select(key, table.starts_at)
            .where(table.plan_id == plan_id, begins(table.starts_at), *conditions)
            .order_by(key)
        )
        last = {row.starts_at: int(row[0]) for row in found}
        return tuple(last[moment] for moment in sorted(last))

    flights = connection.execute(
        select(PlanFlight.route_id, PlanFlight.takes_off_at)
        .where(PlanFlight.plan_id == plan_id, begins(PlanFlight.takes_off_at))
        .order_by(PlanFlight.takes_off_at, PlanFlight.route_id)
    )
    return Gathered(
        newest(RouteRun, RouteRun.route_run_id, ~RouteRun.is_proposal),
        newest(CameraRound, CameraRound.camera_round_id),
        tuple((int(row.route_id), row.takes_off_at) for row in flights),
    )


def read_looks(connection: Connection, round_id: int) -> pd.DataFrame:
    """Read the looks of a stored round by time: camera, watcher, due, looked at, place."""
    found = connection.exec_driver_sql(
        "SELECT l.camera_id, coalesce(c.name, c.source_ref) AS camera_name, l.watcher, l.due_at, "
        "l.looked_at, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat FROM camera_look l "
        "JOIN camera c USING (camera_id) WHERE l.camera_round_id = %s "
        "ORDER BY l.due_at, l.watcher, l.camera_look_id",
        (round_id,),
    )
    return pd.DataFrame(found.all(), columns=list(found.keys()))
