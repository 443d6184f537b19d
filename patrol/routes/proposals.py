"""Routes planned anew: what they change for whom, and how a person puts them into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select, text, update

from geo.errors import ConflictError, NotFoundError
from patrol.models import Plan, RouteRun
from patrol.planning.states import IN_FORCE, Act
from patrol.routes.store import REST, StoredRoutes

# Units walk on while somebody thinks: after this the places that were planned from are not true.
HOLDS = timedelta(minutes=10)

_OPEN = """
SELECT r.route_run_id FROM route_run r
WHERE r.plan_id = :plan AND r.is_proposal AND r.created_at > :since AND NOT EXISTS (
    SELECT FROM route_run c WHERE c.parent_run_id = r.parent_run_id AND NOT c.is_proposal)
ORDER BY r.route_run_id DESC
"""


@dataclass(frozen=True)
class UnitChange:
    """What new routes change for one unit.

    Attributes
    ----------
    before, after
        The visits that it had still to begin, and those that it has now, in order: ``stop_ref``,
        ``area_id``, ``start_at``, ``leave_at``.
    dropped
        Of `before`, those that nobody makes any more.
    given
        Of `before`, those that another unit makes, by its name.
    gets
        Of `after`, those that it did not have.
    """

    unit: str
    mode: str
    before: tuple[Mapping[str, Any], ...]
    after: tuple[Mapping[str, Any], ...]
    dropped: tuple[str, ...]
    given: Mapping[str, str]
    gets: tuple[str, ...]

    @property
    def moves(self) -> bool:
        """Return whether the unit makes other visits than before."""
        return bool(self.dropped or self.given or self.gets)


def compare_routes(old: StoredRoutes, new: StoredRoutes, *, at: datetime) -> list[UnitChange]:
    """Say for each unit what it drops, gives and gets when `new` replaces `old` at a time."""
    ahead = old.stops[(old.stops["stop_ref"] != REST) & (old.stops["start_at"] > at)]
    later = new.stops[new.stops["stop_ref"] != REST]
    who = dict(zip(later["stop_ref"], later["unit"], strict=True))
    changes = []
    for unit, mode in zip(new.routes["unit"], new.routes["mode"], strict=True):
        before, after = _visits(ahead, unit), _visits(later, unit)
        had = [str(one["stop_ref"]) for one in before]
        changes.append(
            UnitChange(
                str(unit), str(mode), before, after,
                dropped=tuple(ref for ref in had if ref not in who),
                given={ref: str(who[ref]) for ref in had if who.get(ref, unit) != unit},
                gets=tuple(str(one["stop_ref"]) for one in after if one["stop_ref"] not in had),
            )
        )  # fmt: skip
    return changes


def _visits(stops: pd.DataFrame, unit: str) -> tuple[Mapping[str, Any], ...]:
    mine = stops[stops["unit"] == unit]
    rows = mine[["stop_ref", "area_id", "start_at", "leave_at"]].to_dict("records")
    return tuple({str(name): value for name, value in row.items()} for row in rows)


def find_proposals(connection: Connection, plan_id: int, *, now: datetime) -> list[int]:
    """Return the numbers of a plan's routes that wait for a person, the newest first."""
    found = connection.execute(text(_OPEN), {"plan": plan_id, "since": now - HOLDS})
    return [int(number) for number in found.scalars()]


def read_confirmed(connection: Connection, plan_id: int) -> list[dict[str, Any]]:
    """Read which routes of a plan were planned anew and put into force, by whom and why."""
    found = connection.execute(
        select(RouteRun.route_run_id, RouteRun.planned_at, RouteRun.confirmed_by,
               RouteRun.confirmed_why, RouteRun.confirmed_at)
        .where(RouteRun.plan_id == plan_id, RouteRun.confirmed_at.is_not(None))
        .order_by(RouteRun.confirmed_at)
    )  # fmt: skip
    return [dict(row) for row in found.mappings()]


def confirm_routes(connection: Connection, route_run_id: int, act: Act) -> None:
    """Put routes that were planned anew into force, in a person's name, who says why.

    Raises
    ------
    NotFoundError
        There are no such routes.
    ConflictError
        They are no proposal, it is too old, its plan is not published, or what it replaces was
        replaced already.
    """
    run = connection.execute(
        select(RouteRun.parent_run_id, RouteRun.plan_id, RouteRun.created_at, RouteRun.is_proposal)
        .where(RouteRun.route_run_id == route_run_id)
    ).one_or_none()  # fmt: skip
    if run is None:
        raise NotFoundError(f"there are no routes {route_run_id}; run `gridbeat routes replan`")
    # Two who confirm at once: the second waits here, and then sees what the first did.
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('gridbeat routes ' || :old, 0))"),
        {"old": str(run.parent_run_id)},
    )
    replaced = connection.execute(
        select(RouteRun.route_run_id)
        .where(RouteRun.parent_run_id == run.parent_run_id, ~RouteRun.is_proposal)
    ).scalar()  # fmt: skip
    if not run.is_proposal or replaced == route_run_id:
        raise ConflictError(f"routes {route_run_id} are in force already", code="no-proposal")
    if replaced is not None:
        raise ConflictError(
            f"routes {run.parent_run_id} were replaced by routes {replaced} meanwhile: plan anew",
            code="routes-replaced",
        )
    if act.at - run.created_at > HOLDS:
        minutes = int(HOLDS.total_seconds() // 60)
        raise ConflictError(
            f"routes {route_run_id} were planned more than {minutes} minutes ago: units are "
            "elsewhere by now; plan anew", code="routes-old",
        )  # fmt: skip
    _require_published(connection, run.plan_id)
    connection.execute(
        update(RouteRun)
        .where(RouteRun.route_run_id == route_run_id)
        .values(is_proposal=False, confirmed_by=act.person.strip(),
                confirmed_why=act.reason.strip(), confirmed_at=act.at)
    )  # fmt: skip


def _require_published(connection: Connection, plan_id: int | None) -> None:
    status = None if plan_id is None else connection.execute(
        select(Plan.status).where(Plan.plan_id == plan_id)
    ).scalar()  # fmt: skip
    if status is not None and status not in IN_FORCE:
        raise ConflictError(
            f"plan {plan_id} is {status}: nobody walks by it, so there is nothing to put into "
            "force; publish it first", code="plan-not-published",
        )  # fmt: skip
