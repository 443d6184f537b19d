"""`gridbeat tracks`, `coverage` and the camera desk from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from geo.crs.systems import unproject
from geo.database.connect import Database, make_engine
from tests.web.test_cli_cameras import SRID, district  # noqa: F401 - a fixture

pytestmark = pytest.mark.db


@pytest.fixture
def on_duty(district: Database) -> Database:  # noqa: F811
    """Add a team and its shift of the morning of 15 November."""
    engine = make_engine(district, role="owner", pool_size=1)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO unit (feed_id, source_ref, content_hash, kind, name) "
                 "SELECT feed_id, 'u1', 0, 'foot', '一组' FROM feed LIMIT 1")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO shift (unit_id, starts_at, ends_at) SELECT unit_id, "
                 "'2026-11-15 08:00+08', '2026-11-15 12:00+08' FROM unit")
        )  # fmt: skip
    engine.dispose()
    return district


def write_walk(path: Path) -> None:
    """Write a walk along the street, and rows that nobody can take in."""
    n = 200
    lon, lat = unproject(500_000 + np.linspace(50, 700, n), np.full(n, 4_420_505.0), srid=SRID)
    rows = [f"REC,2026-11-15 08:{k // 4:02d}:{k % 4 * 15:02d},{lon[k]:.7f},{lat[k]:.7f}"
            for k in range(n)]  # fmt: skip
    rows += ["REC,2026-11-15 20:00:00,117.0,39.9", "XXX,2026-11-15 08:00:00,117.0,39.9", "REC,,1,1"]
    path.write_text("device,time,lon,lat\n" + "\n".join(rows) + "\n", "utf-8")


def test_from_fixes_to_what_nobody_saw(gridbeat, on_duty: Database, tmp_path: Path) -> None:
    write_walk(tmp_path / "walk.csv")
    refused = gridbeat("tracks", "device", "REC", "--unit", "nobody")
    assert refused.code == 5
    assert "import units" in refused.err
    assert gridbeat("tracks", "device", "REC", "--unit", "u1").code in (0, None)
    assert "REC" in gridbeat("tracks", "devices").out
    bad = gridbeat("tracks", "import", tmp_path / "walk.csv", "--column", "when=time")
    assert bad.code == 2
    assert "no 'when'" in bad.err
    taken = gridbeat("tracks", "import", tmp_path / "walk.csv", "--match", "all")
    assert taken.code in (0, None), taken.err
    assert "201 fixes" in taken.out
    assert "1 off duty, not kept" in taken.out
    assert "1 matched to roads" in taken.out
    assert "quarantined 隔离 1: 取值不在列表中" in taken.out
    again = gridbeat("tracks", "import", tmp_path / "walk.csv")
    assert "200 known 已有" in again.out
    retried = gridbeat("import", "quarantine", "retry")
    assert retried.code == 2
    assert "gridbeat tracks import" in retried.err

    told = gridbeat("tracks", "effort", "--from", "2026-11-15", "--days", "1").out
    assert "G1" in told
    assert "0.83" in told

    seen = gridbeat("coverage", "--at", "2026-11-16T08:00", "--weeks", "4", "--out",
                    tmp_path / "spots.geojson")  # fmt: skip
    assert seen.code in (0, None), seen.err
    assert "never seen, unknown 情况不明" in seen.out
    assert "stored 已存" in seen.out
    spots = json.loads((tmp_path / "spots.geojson").read_text("utf-8"))["features"]
    assert spots[0]["properties"]["code"] == "G1"  # the reports lie beyond the walk's end
    assert "not safe" in spots[0]["properties"]["reason_en"]
    page = gridbeat("coverage", "--at", "2026-11-16T08:00", "--weeks", "4", "--no-store", "--out",
                    tmp_path / "map.html")  # fmt: skip
    assert page.code in (0, None), page.err
    assert "从未看到" in (tmp_path / "map.html").read_text("utf-8")

    exported = gridbeat("tracks", "export", tmp_path / "t.geojson", "--from", "2026-11-15")
    assert "1 stretches" in exported.out
    asked = (
        "tracks",
        "fixes",
        tmp_path / "raw.csv",
        "--from",
        "2026-11-15",
        "--reason",
        "dispute 7",
    )
    assert "no device 'X'" in gridbeat(*asked, "--device", "X").err
    assert "200 fixes" in gridbeat(*asked, "--device", "REC").out
    assert "200 known 已有" in gridbeat("tracks", "import", tmp_path / "raw.csv").out
    assert "--reason is empty" in gridbeat(*asked[:-1], " ", "--device", "REC").err
    assert gridbeat("tracks", "purge", "--raw-days", "40").code == 2
    assert "would delete" in gridbeat("tracks", "purge", "--dry-run").out
    engine = make_engine(on_duty, role="owner", pool_size=1)
    with engine.connect() as connection:
        actions = set(connection.execute(text("SELECT action FROM audit_entry")).scalars())
    engine.dispose()
    assert {"track device", "tracks.read", "tracks.fixes"} <= actions


def test_the_desk_notes_a_look_and_reports_what_it_saw(gridbeat, on_duty: Database) -> None:
    assert gridbeat("cameras", "views").code in (0, None)
    assert gridbeat("cameras", "rounds", "--start", "2026-11-20T08:00", "--hours", "1",
                    "--watchers", "1", "--screens", "1").code in (0, None)  # fmt: skip
    early = gridbeat("cameras", "look", "1", "--at", "2126-11-20T08:00")
    assert early.code == 2
    assert "ahead" in early.err
    noted = gridbeat("cameras", "look", "1", "2", "--at", "2026-11-20T08:05")
    assert noted.code in (0, None), noted.err
    assert "2 of 2 looks noted" in noted.out
    assert "0 of 1 looks noted" in gridbeat("cameras", "look", "1", "--at", "2026-11-20T08:07").out
    lon, lat = unproject(np.array([500_140.0]), np.array([4_420_505.0]), srid=SRID)
    found = gridbeat("cameras", "find", "3", "dump", f"{lon[0]:.6f},{lat[0]:.6f}", "--at",
                     "2026-11-20T08:10")  # fmt: skip
    assert found.code in (0, None), found.err
    assert "found by camera" in found.out
    assert gridbeat("cameras", "find", "3", "dump", "here").code == 2
    engine = make_engine(on_duty, pool_size=1)
    with engine.connect() as connection:
        found_by = connection.execute(
            text("SELECT found_by FROM incident WHERE source_ref = 'look-3'")
        ).scalar_one()
        seen = connection.execute(
            text("SELECT sum(seconds) FROM effort WHERE source = 'camera'")
        ).scalar_one()
    engine.dispose()
    assert found_by == "camera"
    assert seen == pytest.approx(3 * 5 * 60)  # three looks of five minutes at one screen
