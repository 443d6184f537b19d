"""Local times become the right instants, with the interval in which each really lies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.imports.times import Times, read_dates, read_times
from geo.models.base import TIME_PRECISIONS

CHICAGO, LONDON, SHANGHAI = "America/Chicago", "Europe/London", "Asia/Shanghai"


def when(micro: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micro))).strftime(
        "%Y-%m-%d %H:%M:%S"
    )


def told(times: Times, at: int = 0) -> tuple[str, str, str]:
    """Return start, end and precision of one time."""
    assert times.known[at]
    precision = TIME_PRECISIONS[times.precision[at]]
    return when(times.start[at]), when(times.end[at]), precision


def read(*values: str | None, zone: str = CHICAGO, **more: object) -> Times:
    return read_times(pa.array(values, pa.string()), time_zone=zone, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2013-07-01 10:30", CHICAGO, ("2013-07-01 15:30:00", "2013-07-01 15:31:00", "minute")),
        ("2013-01-01 10:30", CHICAGO, ("2013-01-01 16:30:00", "2013-01-01 16:31:00", "minute")),
        ("2013-01-01T10:30:15", LONDON, ("2013-01-01 10:30:15", "2013-01-01 10:31:15", "minute")),
        ("2013-01-01 10", SHANGHAI, ("2013-01-01 02:00:00", "2013-01-01 03:00:00", "hour")),
        ("2013-01-01", SHANGHAI, ("2012-12-31 16:00:00", "2013-01-01 16:00:00", "day")),
        ("2016-07", LONDON, ("2016-06-30 23:00:00", "2016-07-31 23:00:00", "month")),
        ("2016-12", LONDON, ("2016-12-01 00:00:00", "2017-01-01 00:00:00", "month")),
        ("2020/1/5 7:05", SHANGHAI, ("2020-01-04 23:05:00", "2020-01-04 23:06:00", "minute")),
        ("2020-01-05 09:00", "Asia/Kolkata", ("2020-01-05 03:30:00", "2020-01-05 03:31:00", "minute")),
        ("2020-01-05 09", "Asia/Kolkata", ("2020-01-05 03:30:00", "2020-01-05 04:30:00", "hour")),
        ("2020-01-05", "Australia/Lord_Howe", ("2020-01-04 13:00:00", "2020-01-05 13:00:00", "day")),
        ("2024-01-01T00:00:00Z", CHICAGO, ("2024-01-01 00:00:00", "2024-01-01 00:01:00", "minute")),
        ("2024-01-01T08:00+08:00", CHICAGO, ("2024-01-01 00:00:00", "2024-01-01 00:01:00", "minute")),
        ("2024-01-01 08:00:00.1234567 +0800", CHICAGO, ("2024-01-01 00:00:00", "2024-01-01 00:01:00", "minute")),
        ("2024-06-30 19:00-05:00", SHANGHAI, ("2024-07-01 00:00:00", "2024-07-01 00:01:00", "minute")),
    ],
)  # fmt: skip
def test_iso_times_are_read_with_the_precision_they_are_written_in(
    text: str, zone: str, expected: tuple[str, str, str]
) -> None:
    assert told(read(text, zone=zone)) == expected


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        (CHICAGO, "2013-11-03 01:30", ("2013-11-03 06:30:00", "2013-11-03 07:31:00", "interval")),
        (CHICAGO, "2013-11-03 02:00", ("2013-11-03 08:00:00", "2013-11-03 08:01:00", "minute")),
        (LONDON, "2016-10-30 01:30", ("2016-10-30 00:30:00", "2016-10-30 01:31:00", "interval")),
    ],
)
def test_time_that_the_clock_showed_twice_lies_between_both(
    zone: str, text: str, expected: tuple[str, str, str]
) -> None:
    assert told(read(text, zone=zone)) == expected


@pytest.mark.parametrize(
    ("zone", "text", "jump"),
    [(CHICAGO, "2013-03-10 02:30", "08:00:00"), (LONDON, "2016-03-27 01:59", "01:00:00")],
)
def test_time_that_the_clock_skipped_lies_after_the_jump(zone: str, text: str, jump: str) -> None:
    start, _, precision = told(read(text, zone=zone))
    assert (start[11:], precision) == (jump, "interval")


def test_days_of_the_clock_changes_have_23_and_25_hours() -> None:
    times = read("2013-03-10", "2013-11-03", "2013-11-04")
    assert ((times.end - times.start) // 3_600_000_000).tolist() == [23, 25, 24]


@pytest.mark.parametrize("text", ["2024-01-01 00:00", "2024-01-01T06:00:00Z"])
def test_local_midnight_may_mean_that_only_the_day_is_known(text: str) -> None:
    expected = ("2024-01-01 06:00:00", "2024-01-02 06:00:00", "day")
    assert told(read(text, midnight_unknown=True)) == expected
    assert told(read(text))[2] == "minute"


def test_midnight_is_told_from_other_hours() -> None:
    times = read("2024-01-01 00:00", "2024-01-01 00:01", "2024-01", midnight_unknown=True)
    assert [TIME_PRECISIONS[code] for code in times.precision] == ["day", "minute", "month"]


@pytest.mark.parametrize(
    "text",
    [
        "2013-02-30 10:00", "2013-13-01", "2013-00-10", "2013-04-31", "2013-01-01 24:00",
        "2013-01-01 10:60", "2013-01-01 10:00:60", "01/02/2013", "yesterday", "2013", "20130101",
        "2013-01-01 10:00 x", "-", "2013-01-01 10:00+15:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_bad_and_never_guessed(text: str) -> None:
    times = read("2013-01-01 10:00", text, None)
    assert times.known.tolist() == [True, False, False]
    assert times.bad.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%d.%m.%Y %H:%M", "28.02.2013 10:00", ("2013-02-28 16:00:00", "minute")),
        ("%m/%d/%Y %I:%M:%S %p", "03/01/2013 01:05:00 PM", ("2013-03-01 19:05:00", "minute")),
        ("%Y年%m月%d日", "2013年03月02日", ("2013-03-02 06:00:00", "day")),
        ("%Y-%m-%d %H:%M", "2020-1-5 7:05", ("2020-01-05 13:05:00", "minute")),
        ("%Y-%m-%d %H", "2020-01-05 07", ("2020-01-05 13:00:00", "hour")),
        ("%Y-%m-%d %H:%M %z", "2020-01-05 07:00 +0800", ("2020-01-04 23:00:00", "minute")),
        ("%m/%Y", "03/2020", ("2020-03-01 06:00:00", "month")),
    ],
)
def test_named_format_is_followed(form: str, text: str, expected: tuple[str, str]) -> None:
    start, _, precision = told(read(text, time_format=form))
    assert (start, precision) == expected


def test_named_format_refuses_days_that_no_month_has() -> None:
    times = read("30.02.2013", "31.04.2013", "02.03.2013", time_format="%d.%m.%Y")
    assert times.bad.tolist() == [True, True, False]


def test_typed_columns_are_read_like_text() -> None:
    naive = datetime(2013, 7, 1, 10, 30)  # noqa: DTZ001 - as Parquet files have it
    zoned = naive.replace(tzinfo=ZoneInfo(SHANGHAI))
    for column in (
        pa.array([naive, None], pa.timestamp("ns")),
        pa.array(["2013-07-01 10:30", None]).dictionary_encode(),
    ):
        times = read_times(column, time_zone=CHICAGO)
        assert told(times) == ("2013-07-01 15:30:00", "2013-07-01 15:31:00", "minute")
        assert not times.bad.any()
    times = read_times(pa.array([zoned], pa.timestamp("ms", SHANGHAI)), time_zone=CHICAGO)
    assert told(times) == ("2013-07-01 02:30:00", "2013-07-01 02:31:00", "minute")
    times = read_times(pa.array([date(2013, 7, 1)]), time_zone=CHICAGO)
    assert told(times) == ("2013-07-01 05:00:00", "2013-07-02 05:00:00", "day")


def test_empty_column_has_no_times() -> None:
    for kind in (pa.string(), pa.timestamp("us"), pa.date32()):
        assert len(read_times(pa.array([], kind), time_zone=CHICAGO).start) == 0


WRITTEN = st.sampled_from(
    ["2013-01-01 10:00", "2013-01-01", "2016-07", "2013-07-01T10:00Z", "2013-02-30", "x", None,
     "2020/1/5 7:05", "2013-01-01 00:00", "2013-11-03 01:30", "2013-01-01 10:00:00.5+01:00",
     "2013-01-01T10:00:00+15:00", "2013-01-01T10:00:00-2300"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(values=st.lists(WRITTEN, min_size=1, max_size=8), unknown=st.booleans())
def test_a_value_means_the_same_whatever_stands_around_it(
    values: list[str | None], unknown: bool
) -> None:
    together = read(*values, midnight_unknown=unknown)
    for at, value in enumerate(values):
        alone = read(value, midnight_unknown=unknown)
        assert (alone.known[0], alone.bad[0]) == (together.known[at], together.bad[at])
        if alone.known[0]:
            assert told(alone) == told(together, at)


@settings(max_examples=200, deadline=None)
@given(
    moment=st.datetimes(datetime(1970, 1, 2), datetime(2037, 1, 1)),  # noqa: DTZ001
    zone=st.sampled_from([CHICAGO, LONDON, SHANGHAI, "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_every_clock_time_agrees_with_the_standard_library(moment: datetime, zone: str) -> None:
    moment = moment.replace(second=0, microsecond=0)
    times = read(moment.strftime("%Y-%m-%d %H:%M"), zone=zone)
    options = {moment.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    real = {
        option
        for option in options
        if option.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
    }
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    instants = sorted((option - epoch) // timedelta(microseconds=1) for option in real)
    if instants:
        assert times.start[0] == instants[0]
        assert times.end[0] == instants[-1] + 60_000_000
    else:  # the clock skipped it
        assert TIME_PRECISIONS[times.precision[0]] == "interval"
    assert (TIME_PRECISIONS[times.precision[0]] == "interval") == (len(instants) != 1)


def test_dates_are_read_in_any_usual_form() -> None:
    texts = ["2024-01-31", "2024/1/31", "20240131", "2024-01-31 12:30", "2024-02-30", "2024-01", ""]
    dates, bad = read_dates(pa.array(texts))
    assert dates.to_pylist() == [date(2024, 1, 31)] * 4 + [None] * 3
    assert bad.tolist() == [False] * 4 + [True, True, False]
    dates, bad = read_dates(pa.array(["31.01.2024", "31.04.2024"]), date_format="%d.%m.%Y")
    assert dates.to_pylist() == [date(2024, 1, 31), None]
    assert np.flatnonzero(bad).tolist() == [1]
