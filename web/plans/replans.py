"""Routes that were planned anew, as the API shows them: who goes, and what each unit drops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from geo.errors import NotFoundError
from patrol.planning.paper import plain
from patrol.routes.exports import routes_geojson
from patrol.routes.proposals import HOLDS, UnitChange, compare_routes
from patrol.routes.store import REST, read_routes
from web.language import PageLang


def view_replan(
    connection: Connection, plan_id: int, route_run_id: int, lang: PageLang
) -> dict[str, Any]:
    """Return what new routes change for each unit, beside the routes that they replace.

    Raises
    ------
    NotFoundError
        The plan has no such routes, or they were not planned anew.
    """
    new = read_routes(connection, route_run_id)
    run = new.run
    if run["plan_id"] != plan_id or run["parent_run_id"] is None:
        raise NotFoundError(
            f"plan {plan_id} has no re-planned routes {route_run_id}", code="no-replan"
        )
    old = read_routes(connection, run["parent_run_id"])
    at = run["planned_at"] or run["created_at"]
    changes = compare_routes(old, new, at=at)
    known = {REST, *old.stops["stop_ref"]}
    return {
        "routes": route_run_id, "replaces": run["parent_run_id"], "at": at.isoformat(),
        "is_proposal": run["is_proposal"],
        "holds_until": (run["created_at"] + HOLDS).isoformat(),
        "confirmed_by": run["confirmed_by"], "confirmed_why": run["confirmed_why"],
        "goes": [_goer(row, lang) for row in new.stops.to_dict("records")
                 if row["stop_ref"] not in known],
        "nobody_reaches": run["parameters"].get("missed", []),
        "dropped": sum(len(one.dropped) for one in changes),
        "units": [_unit(one) for one in changes if one.moves],
        "same": sum(not one.moves for one in changes),
        "ways": json.loads(routes_geojson(new)),
    }  # fmt: skip


def _goer(row: Mapping[Any, Any], lang: PageLang) -> dict[str, Any]:
    return {
        "ref": row["stop_ref"], "unit": row["unit"], "arrives_at": plain(row["arrive_at"]),
        "words": row[f"reason_{lang}"], "lon": row["geometry"].x, "lat": row["geometry"].y,
    }  # fmt: skip


def _unit(change: UnitChange) -> dict[str, Any]:
    return {
        "unit": change.unit, "mode": change.mode, "dropped": list(change.dropped),
        "given": dict(change.given), "gets": list(change.gets),
        "before": [_visit(one) for one in change.before],
        "after": [_visit(one) for one in change.after],
    }  # fmt: skip


def _visit(row: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): plain(value) for name, value in row.items()}
