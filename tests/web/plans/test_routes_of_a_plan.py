"""Which plan `gridbeat routes` takes, and what it says where a plan has no shift at that time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from geo.errors import NotFoundError
from patrol.routes.draft import ShiftParams
from patrol.shifts import parse_shifts
from patrol.store import StoredPlan
from web.commands.routes import shifts_at, span_of_days

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 12, 5)


def planned(days: int = 1) -> StoredPlan:
    # Named by hand, the shift of the night last, although it is the day's first.
    named = ["08:00-16:00=早班/early", "16:00-24:00=晚班/late", "00:00-08:00=夜班/night"]
    shifts = parse_shifts(named, day=DAY, zone=ZONE)
    head = {"plan_id": 7, "plan_date": DAY, "days": days}
    return cast(StoredPlan, SimpleNamespace(head=head, shifts=shifts))


def at(day: date, hour: int) -> ShiftParams:
    first = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
    return ShiftParams(starts_at=first, ends_at=first + timedelta(hours=8))


def test_the_shifts_of_the_time_are_taken():
    assert shifts_at(planned(), at(DAY, 8)) == {1}
    assert shifts_at(planned(), at(DAY, 12)) == {1, 2}


def test_a_time_without_shift_is_told_with_the_whole_span_of_the_plan():
    with pytest.raises(NotFoundError) as caught:
        shifts_at(planned(), at(date(2026, 12, 9), 8))
    assert "from 2026-12-05 00:00 to 2026-12-06 00:00" in str(caught.value)


@pytest.mark.parametrize(
    ("days", "said"), [(1, "2026-12-05"), (7, "2026-12-05 .. 2026-12-11")]
)  # fmt: skip
def test_a_plan_says_of_which_days_it_is(days: Any, said: str):
    assert span_of_days(planned(days)) == said
