"""The demo district goes on living: its last weeks happen again, now, as live reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from geo.database.connect import Database
from geo.hexagons import refresh_hexagon_ground, refresh_in_steps
from geo.incidents import NewIncident, record_incident
from geo.store import set_live
from patrol.track_devices import read_devices
from patrol.track_files import read_fixes
from patrol.track_store import IntakeParams, take_fixes
from patrol.tracks.fixes import Fixes
from patrol.tracks.reading import ReadParams
from patrol.watched import Watched, watch_place
from web.demo_tracks import take_looks, take_shifts
from web.opening import begin, open_connection
from web.subject import About, read_about

Say = Callable[[str, str], None]
WEEK = timedelta(weeks=1)
# Reports of eight weeks, so that four weeks beside the four before are not the same ones again;
# of tracks there are four weeks less some hours where the data end today.
REPORTS, TRACKS, LOOKS = 8 * WEEK, 3 * WEEK, WEEK
TRACKS_BACK = timedelta(hours=26)
EVERY_S = 30.0
AT_ONCE = 500
MARK = "again-"
_TOLD = text(
    "SELECT i.incident_id, f.source, i.occurred_at, i.category_id, i.found_by, "
    "ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat FROM incident i JOIN feed f USING (feed_id) "
    "WHERE f.jurisdiction_id = :place AND i.occurred_at >= :since AND i.occurred_at < :until "
    "AND NOT starts_with(i.source_ref, :mark) ORDER BY i.occurred_at, i.incident_id"
)


@dataclass(frozen=True, eq=False)
class Script:
    """What happened in the weeks until `end`, to happen again; of each a whole period.

    Attributes
    ----------
    end
        When the data were handed over: midnight after their last day, or today.
    incidents
        ``incident_id, source, occurred_at, category_id, found_by, lon, lat``.
    shifts, looks
        Of units, and of the desks that watch cameras: the demo's files of these names.
    """

    end: datetime
    incidents: pd.DataFrame
    fixes: Fixes
    shifts: pd.DataFrame
    looks: pd.DataFrame


def happen_again(
    times: pd.Series, period: timedelta, *, since: datetime, until: datetime
) -> Iterator[tuple[int, NDArray[np.int64], pd.Series]]:
    """Yield how many periods later something happens again, which rows, and their new times.

    Parameters
    ----------
    times
        When things happened, aware.
    since, until
        What happens after the one and up to the other is given, each thing once a period.
    """
    if times.empty:
        return
    first = max(1, int((since - times.max()) // period))
    for periods in range(first, int((until - times.min()) // period) + 1):
        later = times + periods * period
        rows = np.flatnonzero((later > since) & (later <= until))
        if len(rows):
            yield periods, rows, later.iloc[rows]


def read_script(connection: Connection, about: About, folder: Path, *, end: datetime) -> Script:
    """Read the last weeks of a district that `gridbeat demo` made in `folder`."""
    asked: dict[str, Any] = {
        "place": about.number, "mark": MARK, "since": end - REPORTS, "until": end,
    }  # fmt: skip
    found = pd.read_sql(_TOLD, connection, params=asked)
    fixes = read_fixes(folder / "tracks.parquet", ReadParams(now=end, time_zone=about.time_zone))
    walked = fixes.time_us / 1e6
    shifts = pd.read_csv(folder / "track_shifts.csv", parse_dates=["starts_at", "ends_at"])
    looks = pd.read_csv(folder / "camera_looks.csv", parse_dates=["looked_at"])
    return Script(
        end, found.assign(occurred_at=pd.to_datetime(found["occurred_at"], utc=True)),
        fixes.take(np.flatnonzero(
            (walked >= (end - TRACKS).timestamp()) & (walked < end.timestamp())
        )),
        shifts[(shifts["ends_at"] > end - TRACKS) & (shifts["starts_at"] < end)],
        looks[(looks["looked_at"] >= end - LOOKS) & (looks["looked_at"] < end)],
    )  # fmt: skip


def catch_up(database: Database, code: str, script: Script, *, now: datetime, say: Say) -> None:
    """Let everything happen that lies between the end of the data and now."""
    with begin(database) as connection:
        about = read_about(connection, code)
    sources = sorted(set(script.incidents["source"]))
    with open_connection(database) as raw:
        for source in sources:
            set_live(raw, about.number, source, script.end.astimezone(about.zone).date())
    n = tell_incidents(database, about, script, since=script.end, until=now)
    say("again 重演", f"{n:,} reports 报告, {script.end:%Y-%m-%d} .. "
        f"{now.astimezone(about.zone):%Y-%m-%d %H:%M}")  # fmt: skip
    refresh_in_steps(partial(begin, database))
    with begin(database) as connection:
        watched = watch_place(connection, code, now=now)
        _add_shifts(connection, about, script, now)
        since = max(now - TRACKS_BACK, script.end)  # what the files have does not happen twice
        n = walk(connection, about, watched, script, since=since, until=now)
        say("again 重演", f"{n:,} fixes 定位点")
        looks = [
            script.looks.iloc[rows].assign(looked_at=at)
            for _, rows, at in happen_again(
                script.looks["looked_at"], LOOKS, since=since, until=now
            )
        ]
        if looks:
            take_looks(connection, about, watched, pd.concat(looks), say)
        refresh_hexagon_ground(connection)


def tell_incidents(
    database: Database, about: About, script: Script, *, since: datetime, until: datetime
) -> int:
    """Report what happens again, as a live source would; return how many.

    Each copy has a name of its own, so that told twice it is one incident.
    """
    told = [
        (periods, int(row), at.to_pydatetime())
        for periods, rows, times in happen_again(
            script.incidents["occurred_at"], REPORTS, since=since, until=until
        )
        for row, at in zip(rows, times, strict=True)
    ]
    told.sort(key=lambda one: one[2])
    for first in range(0, len(told), AT_ONCE):
        with begin(database) as connection:
            for periods, row, at in told[first : first + AT_ONCE]:
                was = script.incidents.iloc[row]
                record_incident(connection, about.number, NewIncident(
                    source=was["source"], source_ref=f"{MARK}{periods}-{was['incident_id']}",
                    occurred_at=at, category_id=int(was["category_id"]),
                    found_by=was["found_by"], lon=float(was["lon"]), lat=float(was["lat"]),
                    reported_at=at, attributes={"simulated": True},
                ))  # fmt: skip
    return len(told)


def walk(
    connection: Connection, about: About, watched: Watched, script: Script, *,
    since: datetime, until: datetime,
) -> int:  # fmt: skip
    """Let units walk and drones fly as they did; return how many positions were taken in."""
    fixes = script.fixes
    times = pd.Series(pd.to_datetime(fixes.time_us, unit="us", utc=True))
    devices = {d.ref: d for d in read_devices(connection, about.number, refs=fixes.devices)}
    n = 0
    for periods, rows, _ in happen_again(times, TRACKS, since=since, until=until):
        part = fixes.take(rows)
        later = part.time_us + periods * int(TRACKS.total_seconds()) * 1_000_000
        made = take_fixes(
            connection, watched, replace(part, time_us=later), devices,
            params=IntakeParams(keep_raw=False),
        )  # fmt: skip
        n += made.fixes - made.known - made.off_duty
    return n


def _add_shifts(connection: Connection, about: About, script: Script, now: datetime) -> None:
    day = timedelta(days=1)
    begins, span = script.shifts["starts_at"], {"since": now - 2 * day, "until": now + day}
    for periods, rows, later in happen_again(begins, TRACKS, **span):
        part = script.shifts.iloc[rows]
        take_shifts(connection, about, pd.DataFrame({
            "unit_ref": part["unit_ref"],
            "starts_at": later.map(pd.Timestamp.isoformat),
            "ends_at": (part["ends_at"] + periods * TRACKS).map(pd.Timestamp.isoformat),
        }))  # fmt: skip


def keep_living(
    database: Database, code: str, script: Script, *, since: datetime, say: Say,
    wait: Callable[[float], None] = time.sleep, clock: Callable[[], datetime] | None = None,
) -> None:  # fmt: skip
    """Go on until stopped: every half minute what is due happens."""
    clock = clock or (lambda: datetime.now(UTC))
    with begin(database) as connection:
        about = read_about(connection, code)
        watched = watch_place(connection, code, now=since)
    while True:
        wait(EVERY_S)
        now = clock()
        told = tell_incidents(database, about, script, since=since, until=now)
        with begin(database) as connection:
            _add_shifts(connection, about, script, now)
            moved = walk(connection, about, watched, script, since=since, until=now)
        if told or moved:
            say(
                f"{now.astimezone(about.zone):%H:%M:%S}",
                f"{told} reports 报告, {moved} fixes 定位点",
            )
        since = now
