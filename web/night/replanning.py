"""The rest of a shift planned anew around what has happened, for the command and the process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, text

from geo.errors import NotFoundError
from patrol.planning.states import Act
from patrol.routes.proposals import confirm_routes
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
    """Something that has happened, and how soon somebody is to be there: a place, or a report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    incident: Annotated[
        int | None, Field(ge=1, lt=2**63, description="Number of a report, instead of a place.")
    ] = None
    within_min: Annotated[float, Field(gt=0, le=1440, description="Minutes to be there in.")] = 15.0
    stay_min: Annotated[float, Field(gt=0, le=1440, description="Minutes that it takes.")] = 20.0

    @model_validator(mode="after")
    def has_one_place(self) -> IncidentInput:
        """Refuse what says no place, or two."""
        if (self.lon is None) != (self.lat is None) or (self.lon is None) == (
            self.incident is None
        ):
            raise ValueError("say lon and lat, or the number of an incident")
        return self


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
    refs
        What the incidents are called on them: numbered through the shift.
    """

    old: StoredRoutes
    made: Replanned
    number: int
    refs: tuple[str, ...]


def replan_shift(
    connection: Connection, about: About, incidents: list[NewIncident], *, at: datetime,
    routes: int | None = None, seed: int = 1, act: Act | None = None,
) -> NewRounds:  # fmt: skip
    """Plan the rest of a shift anew and store it; the plan that it is of stays the same.

    Parameters
    ----------
    at
        With time zone, or local time without one.
    act
        Who puts it into force at once, and why; None: it is a proposal.
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
    first = _incidents_of_shift(connection, old) + 1
    incidents = [replace(one, ref=f"incident {k}") for k, one in enumerate(incidents, first)]
    made = replan_stored(connection, old, incidents, now=at, srid=about.srid, seed=seed)
    number = write_routes(
        connection, made.routes, jurisdiction_id=about.number, plan_id=old.run["plan_id"],
        code_version=version("gridbeat"), parent_run_id=old.run["route_run_id"], planned_at=at,
    )  # fmt: skip
    if act is not None:
        confirm_routes(connection, number, act)
    return NewRounds(old, made, number, tuple(one.ref for one in incidents))


_NUMBERED = """
SELECT coalesce(max(substring(s.stop_ref FROM '^incident ([0-9]{1,6})$')::int), 0)
FROM route_stop s JOIN route w USING (route_id) JOIN route_run r USING (route_run_id)
WHERE r.jurisdiction_id = :place AND r.starts_at = :starts
"""


def _incidents_of_shift(connection: Connection, old: StoredRoutes) -> int:
    run = old.run
    values = {"place": run["jurisdiction_id"], "starts": run["starts_at"]}
    return int(connection.execute(text(_NUMBERED), values).scalar_one())


def replan_as_asked(
    connection: Connection, given: ReplanInputs, now: datetime, tell: Any
) -> dict[str, Any]:
    """Do what the process was asked for, and say who would go; a person puts it into force."""
    about = read_about(connection, given.jurisdiction)
    tell(10, "re-planning 重新规划")
    happened = [happened_as_asked(connection, about, each) for each in given.incidents]
    new = replan_shift(
        connection, about, happened, at=given.at or now, routes=given.routes, seed=given.seed
    )
    stops = read_routes(connection, new.number).stops
    return {
        "routes": new.number, "proposal": True, "replaces": int(new.old.run["route_run_id"]),
        "plan": new.old.run["plan_id"], "visits_done": new.made.done,
        "units_tracked": new.made.tracked, "nobody_reaches": list(new.made.missed),
        "goes": [
            {"incident": row["stop_ref"], "unit": row["unit"],
             "arrives_at": row["arrive_at"].isoformat()}
            for row in stops[stops["stop_ref"].isin(new.refs)].to_dict("records")
        ],
    }  # fmt: skip


_INCIDENT = """
SELECT ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, c.name AS zh, coalesce(c.name_en, c.name) AS en
FROM incident i JOIN feed f USING (feed_id) LEFT JOIN category c USING (category_id)
WHERE f.jurisdiction_id = :place AND i.incident_id = :number
  AND i.occurred_at = (SELECT occurred_at FROM incident_key WHERE incident_id = :number)
"""


def happened_as_asked(connection: Connection, about: About, asked: IncidentInput) -> NewIncident:
    """Return what has happened, with the class of its report where it has one.

    Raises
    ------
    NotFoundError
        There is no such incident.
    """
    within_s, dwell_s = asked.within_min * 60, asked.stay_min * 60
    if asked.lon is not None and asked.lat is not None:
        return NewIncident("", asked.lon, asked.lat, within_s, dwell_s)
    row = connection.execute(
        text(_INCIDENT), {"place": about.number, "number": asked.incident}
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no incident {asked.incident} here", code="no-incident")
    return NewIncident(
        "", row.lon, row.lat, within_s, dwell_s, reason_zh=f"突发事件：{row.zh or '未分类'}",
        reason_en=f"incident: {row.en or 'no class'}",
    )  # fmt: skip
