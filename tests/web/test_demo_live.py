"""The demo's last weeks happen again: each thing once a period, up to now and on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.database.connect import Database, connect
from patrol.track_devices import register_device
from tests.web.district import INCIDENTS, SOUTH, STEP, WEST, write_district
from web.demo_live import (
    EVERY_S,
    REPORTS,
    TRACKS,
    Script,
    catch_up,
    happen_again,
    keep_living,
    read_script,
)
from web.opening import begin
from web.subject import read_about

END = datetime(2026, 2, 3, 16, tzinfo=UTC)  # midnight in Shanghai
DAYS = st.floats(min_value=0, max_value=100, allow_nan=False).map(lambda d: timedelta(days=d))


@given(st.lists(DAYS, max_size=6), DAYS, DAYS, DAYS)
def test_each_thing_happens_once_a_period_whatever_the_steps(
    ago: list[timedelta], gap: timedelta, one: timedelta, two: timedelta
) -> None:
    """Two steps that meet give what one step over both gives: nothing twice, nothing lost."""
    period = timedelta(weeks=4)
    times = pd.Series([END - each % period for each in ago], dtype="datetime64[us, UTC]")
    start = END + gap

    def told(since: datetime, until: datetime) -> list[tuple[int, int]]:
        found = happen_again(times, period, since=since, until=until)
        return [(periods, int(row)) for periods, rows, _ in found for row in rows]

    whole = told(start, start + one + two)
    assert sorted(whole) == sorted(told(start, start + one) + told(start + one, start + one + two))
    assert len(set(whole)) == len(whole)
    due = [
        (n, row)
        for row, at in enumerate(times)
        for n in range(1, 12)
        if start < at + n * period <= start + one + two
    ]
    assert sorted(whole) == sorted(due)


@pytest.fixture
def district(fresh_database: Database) -> Database:
    """Give a district with a unit on foot and its device."""
    with connect(fresh_database, role="owner") as owner:
        write_district(owner)
        owner.execute(
            "INSERT INTO unit (feed_id, source_ref, content_hash, name, kind) "
            "VALUES (1, 'u1', 0, 'foot 1', 'foot')"
        )
        owner.commit()
    with begin(fresh_database) as connection:
        register_device(connection, 1, ref="d1", unit="u1")
    return fresh_database


@pytest.fixture
def script(district: Database, tmp_path: Path) -> Script:
    """Give its incidents, and of the last day a walk with a fix each half minute and one look."""
    begins = END - timedelta(days=1)
    at = pd.date_range(begins, END, freq="30s", inclusive="left")
    way = np.abs(np.sin(np.arange(len(at)) / 400))
    pd.DataFrame({
        "device": "d1", "time": at, "lon": WEST + STEP * (0.2 + 3 * way), "lat": SOUTH + STEP,
        "height_m": np.nan,
    }).to_parquet(tmp_path / "tracks.parquet")  # fmt: skip
    shift = {"unit_ref": ["u1"], "starts_at": [begins.isoformat()], "ends_at": [END.isoformat()]}
    pd.DataFrame(shift).to_csv(tmp_path / "track_shifts.csv", index=False)
    look = {"camera_ref": "c0", "looked_at": (END - timedelta(hours=2)).isoformat(), "watcher": 1}
    pd.DataFrame([look]).to_csv(tmp_path / "camera_looks.csv", index=False)
    with begin(district) as connection:
        return read_script(connection, read_about(connection, "d1"), tmp_path, end=END)


def copies(database: Database) -> tuple[int, datetime, int, int]:
    """Return how many reports were told again, the last's time, events, and stretches of tracks."""
    with connect(database, role="owner") as owner:
        row = owner.execute(
            "SELECT count(*), max(occurred_at), "
            "(SELECT count(*) FROM live_event WHERE kind = 'incident'), "
            "(SELECT count(*) FROM track_segment) "
            "FROM incident WHERE starts_with(source_ref, 'again-')"
        ).fetchone()
    assert row is not None
    return row


@pytest.mark.db
def test_district_lives_up_to_now_and_on_and_told_twice_is_told_once(
    district: Database, script: Script
) -> None:
    assert len(script.incidents) == INCIDENTS
    said: list[str] = []
    # Weeks on, the walk is of the day before; the look happens each week.
    now = END + 2 * TRACKS - timedelta(hours=1)
    catch_up(district, "d1", script, now=now, say=lambda *line: said.append(" ".join(line)))
    told, last, events, stretches = copies(district)
    due = script.incidents["occurred_at"] + REPORTS
    assert told == events == int((due <= now).sum()) > 0
    assert now - timedelta(hours=2) < last <= now
    assert stretches > 0
    assert any("1 looks" in line for line in said)
    catch_up(district, "d1", script, now=now, say=lambda *_: None)
    assert copies(district) == (told, last, events, stretches)

    times = iter([now + timedelta(hours=3), now + timedelta(hours=6)])
    rounds: list[float] = []

    def wait(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_living(
            district, "d1", script, since=now, say=lambda *_: None, wait=wait,
            clock=lambda: next(times),
        )  # fmt: skip
    assert rounds == [EVERY_S] * 3
    assert copies(district)[0] == int((due <= now + timedelta(hours=6)).sum()) > told
