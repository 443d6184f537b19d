"""How far back the data of a jurisdiction reach, and what window a question needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Connection

from analytics.cube_store import read_jurisdiction
from analytics.emerging import FEWEST_STEPS
from analytics.queries import CubeRequest, select_first_day

LONGEST_MONTHS = 24


def read_first_day(connection: Connection, jurisdiction_id: int) -> date | None:
    """Return the local day of a jurisdiction's first incident; None without any."""
    zone = read_jurisdiction(connection, jurisdiction_id)["time_zone"]
    query = select_first_day(jurisdiction_id, time_zone=zone)
    found: date | None = connection.execute(query).scalar_one()
    return found


def long_request(connection: Connection, request: CubeRequest) -> CubeRequest | None:
    """Return the longest window that emerging hot spots should look at; None if data are too few.

    Two years by month, as far as there are data: months before the first incident would make
    everything new. Where there are fewer than `FEWEST_STEPS` months, by week.
    """
    first = read_first_day(connection, request.jurisdiction_id)
    if first is None:
        return None
    months = [_months_before(request.end, n) for n in range(LONGEST_MONTHS + 1)]
    whole = [day for day in months if day >= first]
    if len(whole) > FEWEST_STEPS:
        return replace(request, start=whole[-1], step="month")
    if request.end - timedelta(weeks=FEWEST_STEPS + 1) >= first:
        return replace(request, start=first, step="week")
    return None


def last_weeks(request: CubeRequest, weeks: int) -> CubeRequest:
    """Return the request for its last weeks alone."""
    return replace(request, start=request.end - timedelta(weeks=weeks))


def _months_before(end: date, n: int) -> date:
    """Return the first day of the month n months before the one that `end` lies in."""
    months = end.year * 12 + end.month - 1 - n
    return date(months // 12, months % 12 + 1, 1)
