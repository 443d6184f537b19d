"""The night as something that can be asked for as a job: whole, or for a stored plan alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from analytics.queries import CubeRequest
from patrol.allocate import AllocationParams
from patrol.planning.gather import GatherParams
from patrol.planning.store import read_desk
from web.jobs.asked import DayInputs
from web.night.run import Night, NightParams, NightRun, Tell, next_day
from web.subject import About, data_window, read_about


class Ways(BaseModel):
    """How routes, rounds and flights are made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift_from: Annotated[time, Field(description="Where the day is one shift.")] = time(8)
    shift_hours: Annotated[float, Field(gt=0, le=12)] = 8.0
    dwell_min: Annotated[float, Field(gt=0, le=120)] = 15.0
    watchers: Annotated[int, Field(ge=1, le=50)] = 2
    spots: Annotated[int, Field(ge=1, le=200, description="Hotspots that drones look at.")] = 12
    routes: bool = True
    rounds: bool = True
    flights: bool = True

    def left_out(self) -> frozenset[str]:
        """Return the parts that are not wanted."""
        return frozenset(n for n in ("routes", "rounds", "flights") if not getattr(self, n))

    def gather(self) -> GatherParams:
        """Return it as the plan's desk takes it."""
        return GatherParams(
            starts=self.shift_from.replace(tzinfo=None), hours=self.shift_hours,
            dwell_min=self.dwell_min, watchers=self.watchers, spots=self.spots,
        )  # fmt: skip


class NightInputs(DayInputs, Ways):
    """What a night takes: what a draft of a day takes, and how the ways are made."""


class GatherInputs(Ways):
    """What making the ways of a stored plan takes."""

    plan: Annotated[int, Field(ge=1, lt=2**63, examples=[1])]
    day: Annotated[
        date | None, Field(description="Of a plan of several days this one alone; none: all.")
    ] = None


def run_whole(
    connection: Connection, given: NightInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Do a whole night; a part that fails leaves what is published as it is, and says so."""
    about = read_about(connection, given.jurisdiction)
    start, end = data_window(connection, about, until=given.until, weeks=given.weeks)
    plan_date = given.plan_date or next_day(now, about)
    params = NightParams(
        plan_date=plan_date, allocation=given.whole(),
        day=given.day(connection, about, plan_date), gather=given.gather(),
        leave_out=given.left_out(),
    )  # fmt: skip
    request = CubeRequest(about.number, start, end)
    return told(Night(connection, about, request, params, now=now, tell=tell).run())


def gather_again(
    connection: Connection, given: GatherInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Make routes, rounds and flights of a stored plan anew, as after an edit."""
    desk = read_desk(connection, given.plan)
    about = about_number(connection, desk.plan.head["jurisdiction_id"])
    start, end = data_window(connection, about, until=None, weeks=26)
    params = NightParams(
        plan_date=desk.plan.head["plan_date"],
        allocation=AllocationParams(total_h=float(round(desk.plan.head["hours"] * 4) / 4) or 0.25),
        gather=replace(given.gather(), day=given.day), leave_out=given.left_out(),
    )  # fmt: skip
    request = CubeRequest(about.number, start, end)
    return told(Night(connection, about, request, params, now=now, tell=tell).gather(desk))


def about_number(connection: Connection, number: int) -> About:
    """Return the jurisdiction of a number."""
    code = connection.exec_driver_sql(
        "SELECT code FROM jurisdiction WHERE jurisdiction_id = %s", (number,)
    ).scalar_one()
    return read_about(connection, code)


def told(night: NightRun) -> dict[str, Any]:
    """Return what the result of the job says."""
    return {
        "plan": night.plan_id, "night": night.night_id, "outcome": night.outcome,
        "parts": [vars(part) for part in night.parts],
    }  # fmt: skip
