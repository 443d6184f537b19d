"""Shifts are read from clock times, go past midnight, and do not overlap."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from geo.errors import InputError
from patrol.shifts import PlanShift, parse_shifts, whole_day

DAY = date(2026, 11, 23)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_the_whole_day_runs_from_local_midnight_to_midnight():
    day = whole_day(DAY, SHANGHAI)
    assert day.starts_at == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert (day.hours, day.shift_no) == (24.0, 1)


def test_a_day_of_a_clock_change_has_its_real_length():
    assert whole_day(date(2026, 3, 8), ZoneInfo("America/Chicago")).hours == 23.0


def test_a_shift_past_midnight_ends_on_the_next_day():
    early, night = parse_shifts(["06:00-14:00", "22:00-06:00=夜班/night"], day=DAY, zone=SHANGHAI)
    assert (early.name_zh, early.name_en) == ("06:00-14:00", "06:00-14:00")
    assert (night.name_zh, night.name_en, night.hours) == ("夜班", "night", 8.0)
    assert night.ends_at.date() == date(2026, 11, 24)
    assert (early.shift_no, night.shift_no) == (1, 2)


def test_a_shift_may_end_at_24_and_another_begin_there():
    late = parse_shifts(["16:00-24:00", "00:00-08:00"], day=DAY, zone=SHANGHAI)
    assert [shift.hours for shift in late] == [8.0, 8.0]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["8-16"], "is no shift; write it as"),
        (["08:00-25:00"], "time that no clock shows"),
        (["08:00-16:00", "15:00-23:00"], "overlap"),
    ],
)
def test_what_is_no_shift_is_refused_by_name(texts, words):
    with pytest.raises(InputError, match=words):
        parse_shifts(texts, day=DAY, zone=SHANGHAI)


def test_a_shift_without_a_zone_or_a_length_is_refused():
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with pytest.raises(InputError, match="without its zone"):
        PlanShift(1, "a", "a", noon.replace(tzinfo=None), noon)
    with pytest.raises(InputError, match="end after it begins"):
        PlanShift(1, "a", "a", noon, noon)
