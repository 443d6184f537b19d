"""Indicators of the process: shares of what was due, with definitions, by one thing or in all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection, text

from governance.indicators.definitions import INDICATORS
from governance.indicators.measure import measure
from governance.indicators.store import Period, read_facts, read_grades
from governance.posts.roles import role_name
from web.auth.permissions import Permission
from web.auth.principal import ScopedStore, needs
from web.subject import About, read_about

router = APIRouter(prefix="/api/v1/indicators", tags=["indicators"])
By = Literal["area", "department", "post", "class", "month"]
LONGEST_DAYS = 366


@router.get("", dependencies=[needs(Permission.POSTS_READ)], summary="Indicators of a period")
def indicators(
    connection: ScopedStore,
    by: Annotated[By | None, Query(description="By what; in all without.")] = None,
    since: Annotated[date | None, Query(description="First day; default: 30 days ago.")] = None,
    until: Annotated[date | None, Query(description="Last day; default: today there.")] = None,
    level: Annotated[
        Literal["grid", "community", "street", "district"], Query(description="Of the areas.")
    ] = "grid",
    jurisdiction: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
) -> dict[str, Any]:
    """Return each share with what was good and what was due; null where nothing was due.

    Definitions are printed with them. Nothing here is about a person: a post is a role.
    """
    about = read_about(connection, jurisdiction)
    now = datetime.now(UTC)
    last = until or now.astimezone(about.zone).date()
    first = since or last - timedelta(days=29)
    period = Period(max(first, last - timedelta(days=LONGEST_DAYS)), last + timedelta(days=1))
    facts = read_facts(connection, about.number, period, zone=about.zone, now=now, level=level)
    groups = _groups(connection, about, by, level)
    table = measure(facts, by=by, groups=groups, grades=read_grades(connection, about.number))
    return {
        "since": period.start.isoformat(), "until": last.isoformat(), "by": by,
        "indicators": [vars(one) for one in INDICATORS.values()],
        "groups": [
            {**_name(by, group), "values": [
                {name: row[name] for name in ("indicator", "good", "due", "value", "grade")}
                for row in rows.to_dict("records")
            ]}
            for group, rows in table.groupby("group", sort=False, dropna=False)
        ],
    }  # fmt: skip


def _groups(connection: Connection, about: About, by: str | None, level: str) -> list[str]:
    """Return the groups that are shown even where nothing was due in them."""
    if by == "area":
        query, values = _AREAS, {"j": about.number, "level": level}
    elif by == "department":
        query, values = _DEPARTMENTS, {"j": about.number}
    else:
        return []
    return [str(name) for name in connection.execute(query, values).scalars()]


def _name(by: str | None, group: Any) -> dict[str, Any]:
    if by is None:
        return {"group": None, "zh": "全部", "en": "All"}
    zh, en = role_name(str(group)) if by == "post" else (str(group), str(group))
    return {"group": str(group), "zh": zh, "en": en}


_AREAS = text(
    "SELECT name FROM area WHERE jurisdiction_id = :j AND level = :level "
    "AND grid_kind IS DISTINCT FROM 'micro' AND valid_from <= CURRENT_DATE "
    "AND CURRENT_DATE < valid_to ORDER BY code"
)
_DEPARTMENTS = text("SELECT name FROM department WHERE jurisdiction_id = :j ORDER BY code")
