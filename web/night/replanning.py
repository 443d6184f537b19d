"""The rest of a shift planned anew around what has happened, for the command and the process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from patrol.routes.replan import NewIncident, Replanned, replan_stored
from patrol.routes.store import (
    StoredRoutes,
    read_newest_routes,
    read_routes,
    read_standing_routes,
    write_routes,
)
from web.subject import About, read_about


class IncidentInput(BaseModel):
    """Something that has happened, and how soon somebody is to be there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    within_min: Annotated[float, Field(gt=0, le=1440, description="Minutes to be there in.")] = 15.0
    stay_min: Annotated[float, Field(gt=0, le=1440, description="Minutes that it takes.")] = 20.0


class ReplanInputs(BaseModel):
    """What planning the rest of a shift anew takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jurisdiction: Annotated[
        str | None, Field(max_length=40, pattern=r"^[^\x00]*$", description="Its code.")
    ] = None
    incidents: Annotated[tuple[IncidentInput, ...], Field(min_length=1, max_length=50)]
    routes: Annotated[
        int | None,
        Field(ge=1, lt=2**63, description="Number; default: those that stand at the time."),
    ] = None
    at: Annotated[datetime | None, Field(description="Without zone: local time. Default: now.")] = (
        None
    )
    seed: Annotated[int, Field(ge=0, lt=2**31, description="Decides the search.")] = 1


@dataclass(frozen=True, eq=False)
class NewRounds:
    """The rest of a shift as it was stored anew.

    Attributes
    ----------
    old
        The routes that were replaced.
    made
        What was found.
    number
        The number of the new routes.
    """

    old: StoredRoutes
    made: Replanned
    number: int


def replan_shift(
    connection: Connection, about: About, incidents: list[NewIncident], *, at: datetime,
    routes: int | None = None, seed: int = 1,
) -> NewRounds:  # fmt: skip
    """Plan the rest of a shift anew and store it; the plan that it is of stays the same.

    Parameters
    ----------
    at
        With time zone, or local time without one.
    routes
        Number; None: those that tablets show at the time, or else the newest.

    Raises
    ------
    NotFoundError
        There are no routes.
    InputError
        The time is not within the shift.
    """
    at = at if at.tzinfo is not None else at.replace(tzinfo=about.zone)
    old = read_routes(connection, routes) if routes else (
        read_standing_routes(connection, about.number, at=at)
        or read_newest_routes(connection, about.number)
    )  # fmt: skip
    made = replan_stored(connection, old, incidents, now=at, srid=about.srid, seed=seed)
    number = write_routes(
        connection, made.routes, jurisdiction_id=about.number, plan_id=old.run["plan_id"],
        code_version=version("gridbeat"), parent_run_id=old.run["route_run_id"],
    )  # fmt: skip
    return NewRounds(old, made, number)


def replan_as_asked(
    connection: Connection, given: ReplanInputs, now: datetime, tell: Any
) -> dict[str, Any]:
    """Do what the process was asked for, and say who goes."""
    about = read_about(connection, given.jurisdiction)
    tell(10, "re-planning 重新规划")
    happened = [
        NewIncident(f"incident {k}", each.lon, each.lat, within_s=each.within_min * 60,
                    dwell_s=each.stay_min * 60)
        for k, each in enumerate(given.incidents, start=1)
    ]  # fmt: skip
    new = replan_shift(
        connection, about, happened, at=given.at or now, routes=given.routes, seed=given.seed
    )
    stops = read_routes(connection, new.number).stops
    refs = {each.ref for each in happened}
    return {
        "routes": new.number, "replaces": int(new.old.run["route_run_id"]),
        "plan": new.old.run["plan_id"], "visits_done": new.made.done,
        "units_tracked": new.made.tracked, "nobody_reaches": list(new.made.missed),
        "goes": [
            {"incident": row["stop_ref"], "unit": row["unit"],
             "arrives_at": row["arrive_at"].isoformat()}
            for row in stops[stops["stop_ref"].isin(refs)].to_dict("records")
        ],
    }  # fmt: skip
