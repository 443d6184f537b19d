"""The night as something that can be asked for as a job: whole, or for a stored plan alone."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from analytics.queries import CubeRequest
from geo.errors import InputError
from patrol.allocate import AllocationParams
from patrol.allocation.day import DayRules
from patrol.drafting import DayRequest
from patrol.duty_store import DutyRequest
from patrol.planning.gather import GatherParams
from patrol.planning.store import read_desk
from web.lot import choose_seed
from web.night.run import Night, NightParams, NightRun, Tell, next_day
from web.subject import About, data_window, read_about

ShiftText = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]
Kind = Annotated[str, Field(max_length=20, pattern="^[a-z_]+$")]
Hours = Annotated[float, Field(ge=0, le=100_000, multiple_of=0.25)]


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


class NightInputs(Ways):
    """What a night takes."""

    jurisdiction: Annotated[
        str | None, Field(max_length=40, pattern=r"^[^\x00]*$", description="Its code.")
    ] = None
    until: Annotated[date | None, Field(description="Last day; default: the last incident's.")] = (
        None
    )
    weeks: Annotated[int, Field(ge=4, le=520, description="Length of the data window.")] = 26
    hours: Annotated[float, Field(gt=0, le=100_000, multiple_of=0.25, examples=[120])]
    plan_date: Annotated[date | None, Field(description="Default: tomorrow.")] = None
    floor_min: Annotated[int, Field(ge=0, le=1440, description="Minutes of every grid.")] = 30
    cap_h: Annotated[float | None, Field(gt=0, le=24, description="Most hours of a grid.")] = None
    explore_share: Annotated[float, Field(ge=0, le=1)] = 0.10
    shifts: Annotated[
        tuple[ShiftText, ...], Field(max_length=12, description="As 08:00-16:00=早班/early.")
    ] = ()
    units: Annotated[
        dict[Kind, tuple[Hours, ...]],
        Field(max_length=6, description="Hours of each kind in every shift, or one for all."),
    ] = {}

    def day(self, *, seed: int) -> DayRequest | None:
        """Return what is asked of shifts and kinds; None where they are not told apart."""
        if not self.units:
            if self.shifts:
                raise InputError("say who goes in the shifts: units, such as {'foot': [40]}")
            return None
        rules = DayRules(floor_min=self.floor_min, cap_h=self.cap_h,
                         explore_share=self.explore_share, seed=seed)  # fmt: skip
        return DayRequest(self.shifts, DutyRequest(self.units), rules)


class GatherInputs(Ways):
    """What making the ways of a stored plan takes."""

    plan: Annotated[int, Field(ge=1, lt=2**63, examples=[1])]


def run_whole(
    connection: Connection, given: NightInputs, now: datetime, tell: Tell
) -> dict[str, Any]:
    """Do a whole night; a part that fails leaves what is published as it is, and says so."""
    about = read_about(connection, given.jurisdiction)
    start, end = data_window(connection, about, until=given.until, weeks=given.weeks)
    plan_date = given.plan_date or next_day(now, about)
    day = given.day(seed=choose_seed(connection, about.number, plan_date, None))
    whole = None if day is not None else AllocationParams(
        total_h=given.hours, floor_min=given.floor_min, cap_h=given.cap_h,
        explore_share=given.explore_share,
    )  # fmt: skip
    params = NightParams(plan_date=plan_date, allocation=whole, day=day, gather=given.gather(),
                         leave_out=given.left_out())  # fmt: skip
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
        gather=given.gather(), leave_out=given.left_out(),
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
