"""A window of days is cut into whole months and the days at its ends, none twice and none left out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.hexagons import whole_months

DAYS = st.dates(date(1999, 1, 1), date(2101, 12, 31))


@given(DAYS, st.integers(0, 800))
def test_months_and_the_days_at_the_ends_are_the_window(since: date, n: int) -> None:
    until = since + timedelta(days=n)
    first, end = whole_months(since, until)
    assert since <= first <= end <= until
    if first < end:
        assert first.day == end.day == 1
        assert (first - since).days <= 30
        assert (until - end).days <= 30
    else:
        assert first == end == since
        assert n < 62  # two months' days and no whole month between their ends


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        (date(2028, 2, 1), date(2028, 3, 1), (date(2028, 2, 1), date(2028, 3, 1))),
        (date(2028, 2, 1), date(2028, 2, 29), (date(2028, 2, 1), date(2028, 2, 1))),
        (date(2025, 12, 31), date(2027, 1, 1), (date(2026, 1, 1), date(2027, 1, 1))),
        (date.min, date(2026, 5, 3), (date.min, date(2026, 5, 1))),
        (date(2026, 5, 3), date.max, (date(2026, 6, 1), date(9999, 12, 1))),
        (date(2026, 5, 3), date(2026, 5, 3), (date(2026, 5, 3), date(2026, 5, 3))),
        (date(2026, 5, 9), date(2026, 5, 3), (date(2026, 5, 9), date(2026, 5, 9))),
    ],
)
def test_only_months_that_lie_in_the_window_whole_are_taken(
    since: date, until: date, months: tuple[date, date]
) -> None:
    assert whole_months(since, until) == months
