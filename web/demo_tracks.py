"""The demo district's tracks, flights and camera looks, taken in the way that a user's are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from geo.camera_store import read_cameras, update_views
from geo.visibility.cameras import LookParams
from patrol.camera_store import write_round
from patrol.look_store import note_looks
from patrol.rounds.schedule import RoundParams
from patrol.track_devices import register_device
from patrol.track_files import read_fixes
from patrol.track_import import import_tracks
from patrol.track_store import IntakeParams
from patrol.tracks.reading import ReadParams
from patrol.watched import Watched, watch_place
from web.subject import About

Say = Callable[[str, str], None]


def take_demo_tracks(connection: Connection, about: About, folder: Path, say: Say) -> bool:
    """Take in four weeks of tracks and looks; return False where they are in already."""
    file = folder / "tracks.parquet"
    digest = sha256(file.read_bytes()).hexdigest()
    done = connection.execute(
        text(
            "SELECT 1 FROM import_run r JOIN feed f USING (feed_id) WHERE r.kind = 'tracks' "
            "AND r.file_sha256 = :digest AND r.status = 'finished' AND f.jurisdiction_id = :place"
        ),
        {"digest": digest, "place": about.number},
    ).first()
    if done:
        say("tracks 轨迹", "imported already 已导入")
        return False
    now = datetime.now(UTC)
    for name in ("track_shifts.csv", "shifts.csv"):  # the four weeks past, and the next one
        take_shifts(connection, about, pd.read_csv(folder / name))
    for row in pd.read_csv(folder / "track_devices.csv").to_dict("records"):
        carrier = "drone" if isinstance(row["drone_ref"], str) else "unit"
        register_device(
            connection, about.number, ref=str(row["device"]), sight_m=float(row["sight_m"]),
            **{carrier: str(row[f"{carrier}_ref"])},
        )  # fmt: skip
    watched = watch_place(connection, about.code, now=now)
    fixes = read_fixes(file, ReadParams(now=now, time_zone=about.time_zone))
    report = import_tracks(
        connection, watched, fixes, file_name=file.name, sha256=digest,
        params=IntakeParams(keep_raw=False), stated={"simulated": True},
    )  # fmt: skip
    made = report.intake
    say("tracks 轨迹", f"{made.fixes:,} fixes 定位点 -> {made.hours:,.0f} h in cells 计入网格单元, "
        f"{made.segments:,} stretches 轨迹段, {made.stays:,} stays 停留")  # fmt: skip
    take_looks(connection, about, watched, pd.read_csv(folder / "camera_looks.csv"), say)
    return True


def take_shifts(connection: Connection, about: About, shifts: pd.DataFrame) -> None:
    """Store the shifts of units: of each what lies after a shift that it crosses."""
    connection.execute(
        text(
            "INSERT INTO shift (unit_id, starts_at, ends_at) SELECT u.unit_id, free.a, t.b "
            "FROM unnest(CAST(:refs AS text[]), CAST(:begins AS timestamptz[]), "
            "CAST(:ends AS timestamptz[])) AS t (ref, a, b) JOIN unit u ON u.source_ref = t.ref "
            "JOIN feed f USING (feed_id) CROSS JOIN LATERAL (SELECT coalesce(max(s.ends_at), t.a) "
            "AS a FROM shift s WHERE s.unit_id = u.unit_id "
            "AND tstzrange(s.starts_at, s.ends_at) && tstzrange(t.a, t.b)) free "
            "WHERE f.jurisdiction_id = :place AND free.a < t.b"
        ),
        {"refs": shifts["unit_ref"].tolist(), "begins": shifts["starts_at"].tolist(),
         "ends": shifts["ends_at"].tolist(), "place": about.number},
    )  # fmt: skip


def take_looks(
    connection: Connection, about: About, watched: Watched, looks: pd.DataFrame, say: Say
) -> None:
    """Store the rounds of the camera desks, and their looks as done."""
    now, params = datetime.now(UTC), LookParams()
    update_views(connection, about.number, srid=about.srid, params=params, now=now,
                 code_version=version("gridbeat"))  # fmt: skip
    number_of = dict(
        zip(*(read_cameras(connection, about.number)[name] for name in ("source_ref", "camera_id")),
            strict=True)
    )  # fmt: skip
    looks = looks.assign(
        camera_id=looks["camera_ref"].map(number_of), due_at=pd.to_datetime(looks["looked_at"])
    ).dropna(subset=["camera_id"])
    cells = 0
    for _, found in looks.groupby(looks["due_at"].dt.date):
        starts = found["due_at"].min().to_pydatetime()
        due = [at.to_pydatetime() for at in found["due_at"]]
        number = write_round(
            connection, about.number, found.assign(due_at=due), starts_at=starts,
            ends_at=found["due_at"].max().to_pydatetime() + timedelta(minutes=5),
            watchers=2, parameters={"round": asdict(RoundParams()), "simulated": True},
            code_version=version("gridbeat"),
        )  # fmt: skip
        rows = connection.execute(
            text("SELECT camera_look_id, due_at FROM camera_look WHERE camera_round_id = :round"),
            {"round": number},
        ).all()
        noted = note_looks(
            connection, watched, [int(row[0]) for row in rows],
            looked_at=[row[1] for row in rows], now=now,
        )  # fmt: skip
        cells = max(cells, noted.cells)
    say(
        "camera looks 视频巡查", f"{len(looks):,} looks 次查看, {np.int64(cells):,} cells seen 单元"
    )
