"""What a plan gathers: routes of its shifts, camera rounds, drone flights. Never commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection, insert

from geo.errors import InputError, NotFoundError
from geo.visibility.cameras import LookParams
from patrol.camera_store import write_round
from patrol.camera_survey import SurveyRequest, describe_round, read_survey, survey_round
from patrol.drones.hotspots import HotspotParams
from patrol.drones.missions import MissionRequest, plan_spot_mission
from patrol.models import PlanFlight
from patrol.planning.edits import change_visits
from patrol.planning.store import Desk
from patrol.rounds.schedule import RoundParams
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.balance import BalanceParams
from patrol.routes.draft import MODE_OF_KIND, ShiftParams, ShiftRoutes, draft_routes
from patrol.routes.store import read_units, write_routes
from patrol.shifts import PlanShift
from patrol.store import StoredPlan

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
        Local time of the first flight of each day.
    seed
        Of the first shift's and day's draws.
    day
        Of a plan of several days this one alone; None: all.
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
    day: date | None = None


TellShift = Callable[[PlanShift, float], None]
Overdue = Callable[[datetime], gpd.GeoDataFrame]


def tell_nobody(_shift: PlanShift, _share: float) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True)
class MadeRoutes:
    """Routes of a plan's shifts as they were stored.

    Attributes
    ----------
    runs
        Number of each run, by shift.
    unmanned
        Shifts with minutes on the ground in which no unit with a base is on duty.
    loosened
        Shifts whose overdue cases cannot all be made, with why: there they are visits that pay,
        but not musts.
    """

    runs: tuple[int, ...]
    unmanned: tuple[PlanShift, ...] = ()
    loosened: tuple[tuple[PlanShift, str], ...] = ()


def gather_routes(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, *,
    hotspots: gpd.GeoDataFrame | None, code_version: str, overdue: Overdue | None = None,
    tell: TellShift = tell_nobody,
) -> MadeRoutes:  # fmt: skip
    """Make and store the routes of each shift that has minutes on the ground.

    Pinned stops are musts of every shift, forbidden ground is left out. Every shift has a draw of
    its own, so that the days of a week do not repeat each other.

    Parameters
    ----------
    overdue
        Gives the visits that are overdue when a shift begins, musts of the first shift that can
        make them.
    tell
        Told each shift before its search, and which share of them is done.

    Raises
    ------
    NotFoundError
        No unit with a base is on duty, or no shift has minutes on the ground.
    InputError
        A pinned stop cannot be reached; by name.
    """
    made, unmanned, loosened = [], [], []
    seen: set[str] = set()
    times = list(work_times(desk, where, params))
    for done, (shift, begins, ends) in enumerate(times):
        tell(shift, done / len(times))
        items = ground_items(desk.plan, {shift.shift_no})
        if items.empty:
            continue
        units = read_units(connection, where.jurisdiction_id, starts_at=begins, ends_at=ends)
        if units.empty:
            unmanned.append(shift)
            continue
        visits = shift_visits(desk, items, params, hotspots)
        late = None if overdue is None else overdue(begins)
        late = None if late is None else late[~late["stop_ref"].isin(seen)]
        asked = ShiftParams(begins, ends, seed=params.seed + shift.shift_no - 1,
                            iterations=params.iterations, rest_min=params.rest_min)  # fmt: skip
        found, why = draft_with_overdue(connection, where, visits, late, units, asked)
        loosened += [(shift, why)] if why else []
        seen |= set() if late is None else set(late["stop_ref"])
        made.append(write_routes(
            connection, found, jurisdiction_id=where.jurisdiction_id,
            plan_id=desk.plan.head["plan_id"], code_version=code_version,
        ))  # fmt: skip
    if not made:
        raise NotFoundError(
            "no unit with a base is on duty in any shift: import units and their stations"
            if unmanned else "no shift of the plan has minutes on foot or by vehicle",
            code="no-duty" if unmanned else "no-minutes",
        )  # fmt: skip
    return MadeRoutes(tuple(made), tuple(unmanned), tuple(loosened))


def shift_visits(
    desk: Desk, items: gpd.GeoDataFrame, params: GatherParams, hotspots: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Return the visits of a shift: those of its hours, without forbidden ground, and the pins."""
    visits = visits_of_plan(
        items, params=VisitParams(dwell_min=params.dwell_min), hotspots=hotspots
    )
    shapes = dict(zip(desk.plan.items["area_id"], desk.plan.items.geometry, strict=True))
    changed: gpd.GeoDataFrame = change_visits(visits, desk.marks, shapes=shapes)
    return changed


def draft_with_overdue(
    connection: Connection, where: Where, visits: gpd.GeoDataFrame,
    late: gpd.GeoDataFrame | None, units: gpd.GeoDataFrame, asked: ShiftParams,
) -> tuple[ShiftRoutes, str]:  # fmt: skip
    """Find routes that make the overdue visits; where that cannot be, say why and let them pay.

    Returns
    -------
    ShiftRoutes, str
        The routes, and why the overdue visits are no musts; empty where they are.
    """

    def draft(more: gpd.GeoDataFrame | None) -> ShiftRoutes:
        both = visits if more is None or more.empty else gpd.GeoDataFrame(
            pd.concat([more, visits], ignore_index=True), geometry="geometry", crs=4326
        )  # fmt: skip
        return draft_routes(
            connection, where.jurisdiction_id, both, units, params=asked, srid=where.srid,
            balance=BalanceParams(),
        )  # fmt: skip

    try:
        return draft(late), ""
    except InputError as error:
        if late is None or late.empty:
            raise
        return draft(late.assign(must=False)), str(error)


def ground_items(plan: StoredPlan, shifts: Collection[int]) -> gpd.GeoDataFrame:
    """Return the areas with hours on the ground in some shifts, as `visits_of_plan` takes them."""
    rows = plan.rows
    mine = rows[rows["shift_no"].isin(shifts) & rows["unit_kind"].isin(MODE_OF_KIND)]
    hours = mine.groupby("area_id")["minutes"].sum() / 60
    longest = mine.sort_values("minutes", ascending=False).drop_duplicates("area_id")
    words = longest.set_index("area_id")[["reason_zh", "reason_en"]]
    areas = plan.items[["area_id", "code", "name", "name_en", "geometry"]]
    items = areas.assign(hours=areas["area_id"].map(hours).fillna(0.0)).join(words, on="area_id")
    return items[items["hours"] > 0].reset_index(drop=True)


def gather_rounds(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, *,
    window: tuple[datetime, datetime], code_version: str, tell: TellShift = tell_nobody,
) -> list[int]:  # fmt: skip
    """Make and store the camera rounds of each shift.

    Parameters
    ----------
    window
        First day and end of the incidents that needs are read from.
    tell
        As of `gather_routes`.

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
    times = list(work_times(desk, where, params))
    for done, (shift, begins, ends) in enumerate(times):
        tell(shift, done / len(times))
        hours = (ends - begins).total_seconds() / 3600
        seed = params.seed + shift.shift_no - 1
        looks = survey_round(connection, survey, how, starts_at=begins, hours=hours, seed=seed)
        made.append(write_round(
            connection, where.jurisdiction_id, looks, starts_at=begins, ends_at=ends,
            watchers=params.watchers, parameters=describe_round(how, survey, seed),
            code_version=code_version, plan_id=desk.plan.head["plan_id"],
        ))  # fmt: skip
    return made


def gather_flights(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, *,
    spots: gpd.GeoDataFrame, code_version: str,
) -> list[int]:  # fmt: skip
    """Plan and store drone flights over the plan's hotspots, those on forbidden ground left out.

    Every day of the plan, or of `params`, has flights of its own, which take the place of what was
    planned for that day before.

    Parameters
    ----------
    spots
        Points in EPSG:4326 with ``prize``.

    Raises
    ------
    NotFoundError
        There are no drones, or no hotspots to look at.
    """
    spots = spots_allowed(spots, desk).nlargest(params.spots, "prize")
    if spots.empty:
        raise NotFoundError("no proven hotspot is left to look at from the air", code="no-spot")
    numbers = []
    for day in wanted_days(desk, where, params):
        numbers += _fly_day(connection, desk, where, params, day, spots=spots,
                            code_version=code_version)  # fmt: skip
    return numbers


def _fly_day(
    connection: Connection, desk: Desk, where: Where, params: GatherParams, day: date, *,
    spots: gpd.GeoDataFrame, code_version: str,
) -> list[int]:  # fmt: skip
    plan_id = desk.plan.head["plan_id"]
    takes_off = datetime.combine(day, params.takes_off, tzinfo=where.zone)
    number_of_day = (day - desk.plan.head["plan_date"]).days
    # A mission of the same name takes the place of the one before, so that each day has its own.
    name = f"plan-{plan_id}" if desk.plan.head["days"] == 1 else f"plan-{plan_id}-{day}"
    request = MissionRequest(where.jurisdiction_id, where.srid, name, takes_off)
    numbers, found = plan_spot_mission(
        connection, request, spots, params=HotspotParams(), code_version=code_version,
        rng=np.random.default_rng(params.seed + number_of_day),
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
    """Yield each wanted shift with when its work begins and ends, local time."""
    days = set(wanted_days(desk, where, params))
    for shift in desk.plan.shifts:
        starts, ends = (
            moment.astimezone(where.zone) for moment in (shift.starts_at, shift.ends_at)
        )
        if starts.date() not in days:
            continue
        if shift.hours > LONGEST_WALK_H:
            starts = datetime.combine(starts.date(), params.starts, where.zone)
            ends = starts + timedelta(hours=params.hours)
        yield shift, starts, ends


def wanted_days(desk: Desk, where: Where, params: GatherParams) -> tuple[date, ...]:
    """Return the local days on which the plan's shifts begin, or the wanted one of them.

    Raises
    ------
    NotFoundError
        No shift of the plan begins on the wanted day.
    """
    days = plan_days(desk.plan, where.zone)
    if params.day is None:
        return days
    if params.day not in days:
        raise NotFoundError(
            f"plan {desk.plan.head['plan_id']} has no {params.day}: it holds {days[0]} .. "
            f"{days[-1]}", code="no-day",
        )  # fmt: skip
    return (params.day,)


def plan_days(plan: StoredPlan, zone: ZoneInfo) -> tuple[date, ...]:
    """Return the local days on which the shifts of a plan begin, in order."""
    return tuple(sorted({shift.starts_at.astimezone(zone).date() for shift in plan.shifts}))
