"""What a plan gathers: routes of its shifts, camera rounds, drone flights. Never commits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection, insert, select

from geo.errors import NotFoundError
from geo.visibility.cameras import LookParams
from patrol.camera_store import write_round
from patrol.camera_survey import SurveyRequest, describe_round, read_survey, survey_round
from patrol.drones.hotspots import HotspotParams
from patrol.drones.missions import MissionRequest, plan_spot_mission
from patrol.models import CameraRound, PlanFlight, RouteRun
from patrol.planning.edits import change_visits
from patrol.planning.store import Desk
from patrol.rounds.schedule import RoundParams
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.balance import BalanceParams
from patrol.routes.draft import MODE_OF_KIND, ShiftParams, draft_routes
from patrol.routes.store import read_units, write_routes
from patrol.shifts import PlanShift

# A shift longer than this is a whole day that tells no shifts apart: people walk a part of it.
LONGEST_WALK_H = 12.0


@dataclass(frozen=True)
class Where:
    """The jurisdiction: number, metric system and time zone."""

    jurisdiction_id: int
    srid: int
    time_zone: str

    @property
    def zone(self) -> ZoneInfo:
        """Return its time zone."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True)
class GatherParams:
    """How what a plan gathers is made.

    Attributes
    ----------
    starts, hours
        The part of a whole day that routes and rounds are for, local time.
    dwell_min, rest_min
        Of routes.
    iterations
        Length of the search for routes.
    watchers
        People at the camera desk.
    spots
        Hotspots that drones look at, at most.
    takes_off
        Local time of the first flight.
    """

    starts: time = time(8)
    hours: float = 8.0
    dwell_min: float = 15.0
    rest_min: float = 30.0
    iterations: int = 3000
    watchers: int = 2
    spots: int = 12
    takes_off: time = time(14)
    seed: int = 1


def gather_routes(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, *,
    hotspots: gpd.GeoDataFrame | None, code_version: str,
) -> list[int]:  # fmt: skip
    """Make and store the routes of each shift that has minutes on the ground.

    Pinned stops are musts, forbidden ground is left out.

    Returns
    -------
    list of int
        Numbers of the runs.

    Raises
    ------
    NotFoundError
        No unit with a base is on duty, or no shift has minutes on the ground.
    InputError
        A pinned stop cannot be reached; by name.
    """
    made = []
    for shift, begins, ends in work_times(desk, where, params):
        items = ground_items(desk, shift)
        if items.empty:
            continue
        visits = visits_of_plan(
            items, params=VisitParams(dwell_min=params.dwell_min), hotspots=hotspots
        )
        shapes = dict(zip(items["area_id"], items.geometry, strict=True))
        visits = change_visits(visits, desk.marks, shapes=shapes)
        units = read_units(connection, where.jurisdiction_id, starts_at=begins, ends_at=ends)
        asked = ShiftParams(begins, ends, seed=params.seed, iterations=params.iterations,
                            rest_min=params.rest_min)  # fmt: skip
        found = draft_routes(
            connection, where.jurisdiction_id, visits, units, params=asked, srid=where.srid,
            balance=BalanceParams(),
        )  # fmt: skip
        made.append(write_routes(
            connection, found, jurisdiction_id=where.jurisdiction_id,
            plan_id=desk.plan.head["plan_id"], code_version=code_version,
        ))  # fmt: skip
    if not made:
        raise NotFoundError("no shift of the plan has minutes on foot or by vehicle")
    return made


def ground_items(desk: Desk, shift: PlanShift) -> gpd.GeoDataFrame:
    """Return the areas with hours on the ground in a shift, as `visits_of_plan` takes them."""
    rows = desk.plan.rows
    mine = rows[(rows["shift_no"] == shift.shift_no) & rows["unit_kind"].isin(MODE_OF_KIND)]
    hours = mine.groupby("area_id")["minutes"].sum() / 60
    longest = mine.sort_values("minutes", ascending=False).drop_duplicates("area_id")
    words = longest.set_index("area_id")[["reason_zh", "reason_en"]]
    areas = desk.plan.items[["area_id", "code", "name", "geometry"]]
    items = areas.assign(hours=areas["area_id"].map(hours).fillna(0.0)).join(words, on="area_id")
    return items[items["hours"] > 0].reset_index(drop=True)


def gather_rounds(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, *,
    window: tuple[datetime, datetime], code_version: str,
) -> list[int]:  # fmt: skip
    """Make and store the camera rounds of each shift.

    Parameters
    ----------
    window
        First day and end of the incidents that needs are read from.

    Raises
    ------
    NotFoundError
        No working camera has a view.
    """
    first, end = (moment.astimezone(where.zone).date() for moment in window)
    request = SurveyRequest(where.jurisdiction_id, where.srid, where.time_zone, first, end, 25.0)
    survey = read_survey(connection, request, LookParams())
    how = RoundParams(watchers=params.watchers)
    made = []
    for _, begins, ends in work_times(desk, where, params):
        hours = (ends - begins).total_seconds() / 3600
        looks = survey_round(
            connection, survey, how, starts_at=begins, hours=hours, seed=params.seed
        )
        made.append(write_round(
            connection, where.jurisdiction_id, looks, starts_at=begins, ends_at=ends,
            watchers=params.watchers, parameters=describe_round(how, survey, params.seed),
            code_version=code_version, plan_id=desk.plan.head["plan_id"],
        ))  # fmt: skip
    return made


def gather_flights(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, *,
    spots: gpd.GeoDataFrame, code_version: str,
) -> list[int]:  # fmt: skip
    """Plan and store drone flights over the plan's hotspots, those on forbidden ground left out.

    Parameters
    ----------
    spots
        Points in EPSG:4326 with ``prize``.

    Raises
    ------
    NotFoundError
        There are no drones, or no hotspots to look at.
    """
    plan_id, day = desk.plan.head["plan_id"], desk.plan.head["plan_date"]
    spots = spots_allowed(spots, desk).nlargest(params.spots, "prize")
    if spots.empty:
        raise NotFoundError("no proven hotspot is left to look at from the air")
    takes_off = datetime.combine(day, params.takes_off, tzinfo=where.zone)
    request = MissionRequest(where.jurisdiction_id, where.srid, f"plan-{plan_id}", takes_off)
    numbers, found = plan_spot_mission(
        connection, request, spots, params=HotspotParams(), code_version=code_version,
        rng=np.random.default_rng(params.seed),
    )  # fmt: skip
    # One crew flies them one after another.
    begins = np.concatenate([[0.0], np.cumsum([f.duration_s for f in found.flights])[:-1]])
    rows = [
        {"plan_id": plan_id, "route_id": number,
         "takes_off_at": takes_off + timedelta(seconds=round(float(after)))}
        for number, after in zip(numbers, begins, strict=True)
    ]  # fmt: skip
    if rows:
        connection.execute(insert(PlanFlight), rows)
    return numbers


def spots_allowed(spots: gpd.GeoDataFrame, desk: Desk) -> gpd.GeoDataFrame:
    """Return the spots that lie on no forbidden ground."""
    shut = [mark.edit for mark in desk.marks.values() if not mark.is_pin]
    areas = desk.plan.items.set_index("area_id").geometry
    shapes = [edit.geom for edit in shut if edit.geom is not None]
    shapes += [areas[e.area_id] for e in shut if e.area_id is not None and e.area_id in areas.index]
    if not shapes:
        return spots
    return spots[~spots.intersects(gpd.GeoSeries(shapes, crs=4326).union_all())]


def work_times(
    desk: Desk, where: Where, params: GatherParams
) -> Iterator[tuple[PlanShift, datetime, datetime]]:
    """Yield each shift with when its work begins and ends, local time."""
    for shift in desk.plan.shifts:
        if shift.hours <= LONGEST_WALK_H:
            yield (
                shift,
                shift.starts_at.astimezone(where.zone),
                shift.ends_at.astimezone(where.zone),
            )
        else:
            begins = datetime.combine(desk.plan.head["plan_date"], params.starts, where.zone)
            yield shift, begins, begins + timedelta(hours=params.hours)


@dataclass(frozen=True)
class Gathered:
    """Numbers of what a plan gathers; of each shift what was made last."""

    routes: tuple[int, ...]
    rounds: tuple[int, ...]
    flights: tuple[tuple[int, datetime], ...]


def read_gathered(connection: Connection, plan_id: int) -> Gathered:
    """Read the numbers of routes, rounds and flights of a plan."""

    def newest(table: Any, key: Any) -> tuple[int, ...]:
        found = connection.execute(
            select(key, table.starts_at).where(table.plan_id == plan_id).order_by(key)
        )
        last = {row.starts_at: int(row[0]) for row in found}
        return tuple(last[moment] for moment in sorted(last))

    flights = connection.execute(
        select(PlanFlight.route_id, PlanFlight.takes_off_at)
        .where(PlanFlight.plan_id == plan_id)
        .order_by(PlanFlight.takes_off_at, PlanFlight.route_id)
    )
    return Gathered(
        newest(RouteRun, RouteRun.route_run_id),
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
