"""Deadlines by the calendar: properties that always hold, and dates that can be looked up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from governance.clock.calendar import CalendarDay, WorkCalendar, library_calendar
from governance.clock.deadlines import TimeLimit, make_work_clock
from governance.clock.hours import make_work_hours

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


CHICAGO = ZoneInfo("America/Chicago")
CHINA = library_calendar("CN", range(2024, 2028))
OFFICE = make_work_clock(CHINA, SHANGHAI)
NIGHT = make_work_clock(CHINA, SHANGHAI, ((time(22), time(6)),))
AMERICAN = make_work_clock(library_calendar("US", range(2024, 2028)), CHICAGO)
CLOCKS = {"office": OFFICE, "night": NIGHT, "american": AMERICAN}
MOMENTS = st.integers(int(at("2024-01-02").timestamp()), int(at("2026-06-01").timestamp())).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)
HOURS = st.integers(1, 400).map(lambda quarters: quarters / 4)


class TestCalendar:
    def test_swapped_sunday_of_2026_is_worked(self) -> None:
        swapped = CHINA[date(2026, 9, 20)]
        assert (swapped.is_workday, swapped.kind) == (True, "swapped")

    def test_national_day_has_its_name_and_is_off(self) -> None:
        found = library_calendar("CN", [2025], lang="zh_CN")[date(2025, 10, 2)]
        assert found == CalendarDay(
            date(2025, 10, 2), is_workday=False, kind="holiday", name="国庆节"
        )

    def test_year_without_published_swaps_is_provisional(self) -> None:
        assert CHINA.provisional_years == {2027}

    def test_country_that_swaps_no_days_is_never_provisional(self) -> None:
        assert library_calendar("US", range(2026, 2031)).provisional_years == frozenset()

    def test_day_outside_says_which_year_to_load(self) -> None:
        with pytest.raises(InputError, match="load the year 2031"):
            CHINA[date(2031, 1, 1)]

    def test_unknown_country_is_told(self) -> None:
        with pytest.raises(InputError, match="no calendar of 'XX'"):
            library_calendar("XX", [2026])

    def test_calendar_with_a_day_missing_is_refused(self) -> None:
        with pytest.raises(InputError, match="2024-03-05 is missing"):
            WorkCalendar(tuple(d for d in CHINA.days if d.day != date(2024, 3, 5)))


class TestKnownDates:
    @pytest.mark.parametrize(
        ("start", "value", "unit", "due"),
        [
            # Tuesday morning, four working hours: lunch does not count.
            ("2026-03-03 10:00", 4, "work_hour", "2026-03-03 16:00"),
            # Ends exactly at a closing, not at the next opening.
            ("2026-03-03 08:00", 4, "work_hour", "2026-03-03 12:00"),
            # Friday evening starts on Monday.
            ("2026-03-06 19:00", 1, "work_hour", "2026-03-09 09:00"),
            # Across the New Year's holiday of 2026; Sunday the 4th is worked.
            ("2025-12-31 17:30", 1, "work_hour", "2026-01-04 08:30"),
            ("2025-12-31 09:00", 1, "work_day", "2026-01-04 18:00"),
            # The day of the start does not count.
            ("2026-03-03 09:00", 2, "work_day", "2026-03-05 18:00"),
            # Urgent hours run through the night and the holiday.
            ("2026-10-01 23:00", 4, "urgent_hour", "2026-10-02 03:00"),
            ("2026-03-03 09:00", 3, "natural_day", "2026-03-07 00:00"),
            # The last natural day is a Sunday: put off to the end of Monday.
            ("2026-03-04 09:00", 4, "natural_day", "2026-03-10 00:00"),
        ],
    )
    def test_deadline_in_china(self, start: str, value: float, unit: str, due: str) -> None:
        assert OFFICE.due(at(start), TimeLimit(value, unit)).at == at(due)

    def test_night_shift_works_across_midnight_and_into_a_day_off(self) -> None:
        # Friday's shift from 22:00 ends on Saturday at 06:00; the next begins on Monday.
        assert NIGHT.due(at("2026-03-06 23:00"), TimeLimit(7, "work_hour")).at == at(
            "2026-03-07 06:00"
        )
        assert NIGHT.due(at("2026-03-06 23:00"), TimeLimit(8, "work_hour")).at == at(
            "2026-03-09 23:00"
        )

    def test_office_hour_is_by_the_wall_after_the_clock_is_put_forward(self) -> None:
        friday = at("2025-03-07 17:00", CHICAGO)
        due = AMERICAN.due(friday, TimeLimit(2, "work_hour")).at
        assert due == at("2025-03-10 09:00", CHICAGO)

    def test_urgent_hours_are_hours_of_the_clock_on_the_short_night(self) -> None:
        due = AMERICAN.due(at("2025-03-09 01:00", CHICAGO), TimeLimit(4, "urgent_hour")).at
        assert due == at("2025-03-09 06:00", CHICAGO)

    def test_deadline_that_reaches_an_unconfirmed_year_is_provisional(self) -> None:
        assert OFFICE.due(at("2026-12-30 09:00"), TimeLimit(5, "work_day")).provisional
        assert not OFFICE.due(at("2026-12-30 09:00"), TimeLimit(1, "work_day")).provisional


class TestProperties:
    @pytest.mark.parametrize("name", CLOCKS)
    @given(start=MOMENTS, later=MOMENTS, limit=HOURS)
    def test_later_start_is_never_due_earlier(self, name, start, later, limit) -> None:
        first, second = sorted((start, later))
        clock = CLOCKS[name]
        for unit in ("work_hour", "urgent_hour"):
            of = TimeLimit(limit, unit)
            assert clock.due(first, of).at <= clock.due(second, of).at

    @pytest.mark.parametrize("name", CLOCKS)
    @given(start=MOMENTS, days=st.integers(1, 60))
    def test_two_weeks_more_are_due_later(self, name, start, days) -> None:
        for unit in ("work_day", "natural_day"):
            less, more = TimeLimit(days, unit), TimeLimit(days + 14, unit)
            assert CLOCKS[name].due(start, less).at < CLOCKS[name].due(start, more).at

    @pytest.mark.parametrize("name", CLOCKS)
    @given(start=MOMENTS, first=HOURS, second=HOURS)
    def test_hours_add_up(self, name, start, first, second) -> None:
        clock = CLOCKS[name]
        middle = clock.due(start, TimeLimit(first, "work_hour")).at
        whole = clock.due(start, TimeLimit(first + second, "work_hour")).at
        assert clock.due(middle, TimeLimit(second, "work_hour")).at == whole

    # Not of the night shift, whose day ends on the day after.
    @pytest.mark.parametrize("name", ["office", "american"])
    @given(start=MOMENTS, first=st.integers(1, 40), second=st.integers(1, 40))
    def test_working_days_add_up(self, name, start, first, second) -> None:
        clock = CLOCKS[name]
        whole = clock.due(start, TimeLimit(first + second, "work_day")).at
        middle = clock.due(start, TimeLimit(first, "work_day")).at
        assert clock.due(middle, TimeLimit(second, "work_day")).at == whole

    @pytest.mark.parametrize("name", CLOCKS)
    @given(start=MOMENTS, limit=HOURS)
    def test_deadline_is_never_in_closed_time_and_all_of_the_limit_is_worked(
        self, name, start, limit
    ) -> None:
        clock = CLOCKS[name]
        due = clock.due(start, TimeLimit(limit, "work_hour")).at
        second = int(due.timestamp())
        inside = (clock.hours.opens < second) & (second <= clock.hours.closes)
        assert inside.sum() == 1
        assert clock.worked(start, due) == timedelta(hours=limit)


class TestBadInput:
    @pytest.mark.parametrize(
        ("value", "unit", "message"),
        [
            (0, "work_hour", "not above 0"),
            (-1, "work_day", "not above 0"),
            (float("nan"), "work_day", "not above 0"),
            (1.5, "work_day", "must be whole"),
            (1, "fortnight", "no unit"),
        ],
    )
    def test_limit_that_means_nothing_is_refused(self, value, unit, message) -> None:
        with pytest.raises(InputError, match=message):
            TimeLimit(value, unit)

    def test_moment_without_a_zone_is_refused(self) -> None:
        with pytest.raises(InputError, match="has no time zone"):
            OFFICE.due(datetime(2026, 3, 3, 9), TimeLimit(1, "work_hour"))  # noqa: DTZ001

    def test_limit_past_the_calendar_says_which_year_to_load(self) -> None:
        with pytest.raises(InputError, match="load the year 2028"):
            OFFICE.due(at("2027-12-30 09:00"), TimeLimit(90, "work_hour"))

    def test_hours_that_overlap_are_refused(self) -> None:
        with pytest.raises(InputError, match="overlap"):
            make_work_hours(CHINA, SHANGHAI, ((time(8), time(12)), (time(11), time(14))))

    def test_no_hours_at_all_are_refused(self) -> None:
        with pytest.raises(InputError, match="at least one spell"):
            make_work_hours(CHINA, SHANGHAI, ())


def test_open_seconds_of_a_year_are_its_working_days_times_eight_hours() -> None:
    hours = make_work_hours(library_calendar("CN", [2025]), SHANGHAI)
    workdays = sum(d.is_workday for d in library_calendar("CN", [2025]).days)
    assert workdays == 248
    assert int(np.sum(hours.closes - hours.opens)) == workdays * 8 * 3600
