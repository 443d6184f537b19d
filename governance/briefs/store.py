"""What a brief tells of a grid's month, out of the database. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, text

from geo.errors import NotFoundError
from governance.indicators.measure import measure
from governance.indicators.store import Period, month_of, read_facts, read_grades
from governance.posts.store import read_staffing


@dataclass(frozen=True)
class Brief:
    """One area's month.

    Attributes
    ----------
    classes
        ``name``, ``name_en``, ``incidents`` of the month, ``before``: mean of the three months
        before (missing where the data begin later), surest rise first.
    open_cases
        ``number``, ``class``, ``state``, ``due_at``, ``late``; the latest first.
    vacant
        Roles of the grid that nobody holds.
    found_by
        Share of the incidents that patrols found; None without incidents.
    """

    code: str
    name: str
    name_en: str
    households: int | None
    period: Period
    simulated: bool
    written_at: datetime
    classes: pd.DataFrame
    indicators: pd.DataFrame
    open_cases: pd.DataFrame
    vacant: tuple[str, ...]
    found_by_patrol: float | None


def read_brief(
    connection: Connection, jurisdiction_id: int, area_code: str, *, year: int, month: int,
    zone: ZoneInfo, now: datetime,
) -> Brief:  # fmt: skip
    """Read all that the brief of an area's month tells.

    Raises
    ------
    NotFoundError
        There is no such area.
    """
    area = connection.execute(_AREA, {"j": jurisdiction_id, "code": area_code}).one_or_none()
    if area is None:
        raise NotFoundError(f"there is no area with the code {area_code}", code="no-area")
    period = month_of(year, month)
    begin = period.start
    for _ in range(3):
        begin = (begin - timedelta(days=1)).replace(day=1)
    start, end = period.moments(zone)
    values = {
        "j": jurisdiction_id, "area": area.area_id, "start": start, "end": end,
        "before": datetime.combine(begin, datetime.min.time(), zone), "now": now,
    }  # fmt: skip
    classes = _frame(connection, _CLASSES, values)
    first = connection.execute(_FIRST, values).scalar_one_or_none()
    if first is None or first.astimezone(zone).date() > begin:
        classes = classes.assign(before=None)
    facts = read_facts(
        connection, jurisdiction_id, period, zone=zone, now=now, level=area.level,
        area_id=area.area_id,
    )  # fmt: skip
    return Brief(
        code=area_code, name=area.name, name_en=area.name_en or area.name,
        households=area.households, period=period, simulated=area.simulated, written_at=now,
        classes=classes, indicators=measure(facts, grades=read_grades(connection, jurisdiction_id)),
        open_cases=_frame(connection, _OPEN, values),
        vacant=_vacant(connection, jurisdiction_id, area_code, on=min(period.end, now.date())),
        found_by_patrol=connection.execute(_PATROL, values).scalar_one(),
    )  # fmt: skip


def _vacant(
    connection: Connection, jurisdiction_id: int, area_code: str, *, on: date
) -> tuple[str, ...]:
    gaps = read_staffing(connection, jurisdiction_id, on=on).gaps
    return tuple(gaps.loc[gaps["code"] == area_code, "role"])


def _frame(connection: Connection, query: object, values: dict[str, object]) -> pd.DataFrame:
    found = connection.execute(query, values)  # type: ignore[call-overload]
    return pd.DataFrame(found.all(), columns=list(found.keys()))


_AREA = text(
    "SELECT a.area_id, a.level, a.name, a.name_en, a.households, j.simulated FROM area a "
    "JOIN jurisdiction j USING (jurisdiction_id) WHERE a.jurisdiction_id = :j AND a.code = :code"
)
_BELOW = (
    "WITH RECURSIVE below AS (SELECT area_id FROM area WHERE area_id = :area UNION ALL "
    "SELECT a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id) "
)
_CLASSES = text(
    f"{_BELOW} SELECT c.name, c.name_en, "  # noqa: S608 - constants
    "count(*) FILTER (WHERE i.occurred_at >= :start) AS incidents, "
    "count(*) FILTER (WHERE i.occurred_at < :start) / 3.0 AS before "
    "FROM incident i JOIN category c USING (category_id) "
    "WHERE i.area_id IN (SELECT area_id FROM below) AND i.occurred_at >= :before "
    "AND i.occurred_at < :end GROUP BY c.category_id, c.name, c.name_en "
    "ORDER BY count(*) FILTER (WHERE i.occurred_at >= :start) "
    "- count(*) FILTER (WHERE i.occurred_at < :start) / 3.0 DESC, c.name"
)
_FIRST = text(
    "SELECT min(i.occurred_at) FROM incident i JOIN feed f USING (feed_id) "
    "WHERE f.jurisdiction_id = :j"
)
_PATROL = text(
    f"{_BELOW} SELECT avg((i.found_by = 'patrol')::int) FROM incident i "  # noqa: S608 - constants
    "WHERE i.area_id IN (SELECT area_id FROM below) AND i.occurred_at >= :start "
    "AND i.occurred_at < :end".replace("::", "\\:\\:")
)
_OPEN = text(
    f"{_BELOW} SELECT c.number, g.name AS class, g.name_en AS class_en, c.state, c.due_at, "  # noqa: S608
    "coalesce(c.due_at < :now, false) AS late FROM case_file c "
    "LEFT JOIN category g USING (category_id) WHERE c.area_id IN (SELECT area_id FROM below) "
    "AND c.state NOT IN ('closed', 'rejected', 'void', 'merged') AND c.opened_at < :end "
    "ORDER BY late DESC, c.due_at NULLS LAST, c.number"
)
