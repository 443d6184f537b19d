"""Fixes of duty become tracks once, whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, text

from geo.effort_store import read_area_effort, read_effort, read_last_looks
from geo.errors import ConflictError, InputError, NotFoundError
from patrol.track_devices import Device, read_devices, register_device
from patrol.track_files import read_fixes
from patrol.track_import import import_tracks
from patrol.track_queries import purge_tracks, read_conformance, read_segments
from patrol.track_store import IntakeParams, take_fixes
from patrol.tracks.fixes import Fixes
from patrol.tracks.packing import unpack_fixes
from patrol.tracks.reading import ReadParams
from patrol.tracks.stays import join_stays
from patrol.watched import Watched, watch_place
from tests.web.district import SOUTH, STEP, WEST, write_district

pytestmark = pytest.mark.db
DAY = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = 1_000_000


@pytest.fixture
def place(owner_db: Connection) -> Iterator[Connection]:
    """Give the small district with a unit, its shift and its tablet; rolled back."""
    raw = owner_db.connection.driver_connection
    assert raw is not None
    for name in ("jurisdiction", "feed", "category_scheme", "category"):
        key = name.removeprefix("category_") + "_id"  # the district counts on numbers from 1
        raw.execute(f"ALTER SEQUENCE {name}_{key}_seq RESTART")
    commit, raw.commit = raw.commit, lambda: None
    try:
        areas = write_district(raw)
    finally:
        raw.commit = commit
    owner_db.execute(
        text(
            "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name) VALUES "
            "(1, 'u1', 0, 'foot', '一组'), (1, 'u2', 0, 'vehicle', '二组'), "
            "(1, 'desk', 0, 'camera_desk', '视频组')"
        )
    )
    owner_db.execute(
        text("INSERT INTO shift (unit_id, starts_at, ends_at) SELECT unit_id, :a, :b FROM unit"),
        {"a": DAY, "b": DAY + timedelta(hours=4)},
    )
    register_device(owner_db, 1, ref="t1", unit="u1", sight_m=60.0)
    owner_db.info["areas"] = areas
    return owner_db


def walk(n: int = 121, *, every_s: int = 15, from_s: int = 0, device: str = "t1") -> Fixes:
    """Walk east along the middle of the south row at about 1.2 m/s."""
    time = int(DAY.timestamp() + from_s) * SECOND + np.arange(n) * every_s * SECOND
    lon = WEST + 0.002 + np.arange(n) * 0.0002
    return Fixes((device,), np.zeros(n, np.int64), time, lon, np.full(n, SOUTH + STEP / 2),
                 np.full(n, np.nan), np.arange(1, n + 1))  # fmt: skip


def known(connection: Connection) -> tuple[Watched, dict[str, Device]]:
    return watch_place(connection, "d1", now=DAY), {d.ref: d for d in read_devices(connection, 1)}


def seconds(connection: Connection) -> float:
    found = read_effort(connection, 1, begins=DAY - timedelta(days=9), ends=DAY + timedelta(days=9))
    return float(found["seconds"].sum())


def test_a_walk_becomes_effort_looks_and_one_thin_track(place: Connection) -> None:
    watched, devices = known(place)
    made = take_fixes(place, watched, walk(), devices)
    assert (made.segments, made.off_duty, made.known) == (1, 0, 0)
    assert made.points < 10
    assert seconds(place) == pytest.approx(120 * 15)
    areas = place.info["areas"]
    by_area = read_area_effort(place, 1, begins=DAY, ends=DAY + timedelta(hours=1))
    assert set(by_area["area_id"]) == {areas["w1"], areas["w2"], areas["e1"]}
    looks = read_last_looks(place, 1)
    assert set(looks["source"]) == {"foot"}
    assert looks["last_at"].max() <= DAY + timedelta(seconds=1800)
    assert (np.stack(looks["by_hour"]) > 0).sum(axis=1).max() == 1
    packed = place.execute(text("SELECT points FROM track_raw")).scalar_one()
    assert len(unpack_fixes(bytes(packed))[0]) == 121
    track = read_segments(place, 1, begins=DAY, ends=DAY + timedelta(days=1))
    assert track["device_ref"].tolist() == ["t1"]


def test_batches_in_any_order_and_twice_make_the_same_effort(place: Connection) -> None:
    watched, devices = known(place)
    whole = walk()
    for begin, end in ((80, 121), (0, 40), (40, 80), (0, 121), (70, 90)):
        take_fixes(place, watched, whole.take(np.arange(begin, end)), devices)
    assert seconds(place) == pytest.approx(120 * 15)
    spans = place.execute(
        text("SELECT starts_at, ends_at FROM track_segment ORDER BY starts_at")
    ).all()
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_two_devices_of_a_unit_count_its_time_once_whatever_order_they_come_in(
    place: Connection,
) -> None:
    register_device(place, 1, ref="t1b", unit="u1", sight_m=60.0)
    watched, devices = known(place)
    take_fixes(place, watched, walk(61), devices)
    # The other tablet of the same unit: the same way and half an hour on, in two batches.
    beside = walk(121, device="t1b")
    for begin, end in ((50, 121), (0, 50)):
        take_fixes(place, watched, beside.take(np.arange(begin, end)), devices)
    assert seconds(place) == pytest.approx(120 * 15, abs=20)
    register_device(place, 1, ref="t3", unit="u2")
    watched, devices = known(place)
    take_fixes(place, watched, walk(device="t3"), devices)
    assert seconds(place) == pytest.approx(2 * 120 * 15, abs=20)  # another unit counts by itself


def test_a_stay_that_two_devices_of_a_unit_saw_is_one_visit() -> None:
    stays = pd.DataFrame(
        {"who": ["unit 1", "unit 1", "unit 2", "unit 1"], "area_id": [5, 5, 5, 5],
         "starts_us": [0, 10, 5, 100], "ends_us": [50, 60, 40, 120]}
    )  # fmt: skip
    joined = join_stays(stays)
    rows = joined[["who", "starts_us", "ends_us"]].to_numpy().tolist()
    assert rows == [["unit 1", 0, 60], ["unit 1", 100, 120], ["unit 2", 5, 40]]


def test_buildings_of_the_place_cut_sight_on_foot_and_none_leave_the_ground_open(
    place: Connection,
) -> None:
    watched, devices = known(place)
    assert watched.sight(place) is None
    take_fixes(place, watched, walk(), devices)
    open_ground = len(read_last_looks(place, 1))
    place.execute(text("DELETE FROM last_look"))
    place.execute(text("DELETE FROM track_segment"))
    north = SOUTH + STEP / 2 + 0.0002  # 22 m north of the way, 10 m deep
    place.execute(
        text(
            "INSERT INTO building (feed_id, source_ref, content_hash, geom) VALUES (1, 'b1', 0, "
            "ST_Multi(ST_MakeEnvelope(:w, :s, :e, :n, 4326)))"
        ),
        {"w": WEST, "e": WEST + 0.04, "s": north, "n": north + 0.0001},
    )
    watched, devices = known(place)
    take_fixes(place, watched, walk(), devices)
    behind = len(read_last_looks(place, 1))
    assert 0 < behind < open_ground


def test_what_is_off_duty_is_not_kept_at_all(place: Connection) -> None:
    watched, devices = known(place)
    made = take_fixes(place, watched, walk(from_s=4 * 3600 - 600), devices)
    late = int((4 * 3600 + 300 - (4 * 3600 - 600)) / 15) + 1
    assert made.off_duty == 121 - late
    last = place.execute(text("SELECT max(ends_at) FROM track_raw")).scalar_one()
    assert last <= DAY + timedelta(hours=4, minutes=5)
    far = take_fixes(place, watched, walk(from_s=-86_400), devices)
    assert far.off_duty == 121
    stated = take_fixes(
        place, watched, walk(from_s=-86_400), devices, params=IntakeParams(duty_known=False)
    )
    assert stated.off_duty == 0


def test_a_bad_row_is_kept_aside_with_its_reason_and_taken_in_when_mended(
    place: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    rows = [f"t1,2026-03-02T00:{n // 4:02d}:{n % 4 * 15:02d}Z,{WEST + 0.002 + n * 1e-4},"
            f"{SOUTH + 0.005}" for n in range(40)]  # fmt: skip
    rows += ["t1,not a time,121.0,35.6", "t1,2026-03-02T00:30:00Z,,35.6",
             "t1,2026-03-02T00:31:00Z,200,35.6", "t1,2026-03-02T00:32:00Z,100.0,35.6",
             "t9,2026-03-02T00:33:00Z,121.0,35.6", ",2026-03-02T00:34:00Z,121.0,35.6",
             "t1,2099-03-02T00:33:00Z,121.0,35.6"]  # fmt: skip
    file.write_text("设备,时间,经度,纬度\n" + "\n".join(rows) + "\n", "utf-8")
    read = read_fixes(file, ReadParams(now=DAY + timedelta(days=1)))
    watched, _ = known(place)
    report = import_tracks(place, watched, read, file_name="t.csv", sha256="x",
                           params=IntakeParams())  # fmt: skip
    assert report.quarantined == {
        "not_a_time": 1, "no_position": 1, "position_out_of_range": 1, "far_outside": 1,
        "unknown_value": 1, "missing_value": 1, "time_out_of_range": 1,
    }  # fmt: skip
    kept = place.execute(
        text("SELECT row_no, field, reason FROM quarantine WHERE kind = 'tracks' ORDER BY row_no")
    ).all()
    assert kept[0] == (41, "时间", "not_a_time")
    assert len(kept) == 7
    register_device(place, 1, ref="t9", unit="二组")
    again = import_tracks(place, watched, read, file_name="t.csv", sha256="x",
                          params=IntakeParams())  # fmt: skip
    assert again.mended == 1
    assert again.intake.known == 40
    assert sum(again.quarantined.values()) == 6


def test_geojson_and_gpx_read_alike(tmp_path: Path) -> None:
    times = [f"2026-03-02T00:00:{n:02d}Z" for n in range(0, 50, 10)]
    lons = [121.001 + n * 1e-4 for n in range(5)]
    points = ",".join(
        f'{{"type":"Feature","properties":{{"device":"t1","time":"{t}"}},'
        f'"geometry":{{"type":"Point","coordinates":[{x},35.605]}}}}'
        for t, x in zip(times, lons, strict=True)
    )
    (tmp_path / "p.geojson").write_text(f'{{"type":"FeatureCollection","features":[{points}]}}')
    listed = ",".join(f'"{t}"' for t in times)
    line = ",".join(f"[{x},35.605]" for x in lons)
    (tmp_path / "l.geojson").write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"device":"t1",'
        f'"coordTimes":[{listed}]}},"geometry":{{"type":"LineString","coordinates":[{line}]}}}}]}}'
    )
    track = "".join(f'<trkpt lat="35.605" lon="{x}"><time>{t}</time></trkpt>'
                    for t, x in zip(times, lons, strict=True))  # fmt: skip
    (tmp_path / "g.gpx").write_text(
        '<?xml version="1.0"?><gpx version="1.1" creator="t" '
        f'xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{track}</trkseg></trk></gpx>'
    )
    now = DAY + timedelta(days=1)
    read = [
        read_fixes(tmp_path / name, ReadParams(now=now, device=who))
        for name, who in (("p.geojson", None), ("l.geojson", None), ("g.gpx", "t1"))
    ]
    for fixes in read:
        assert fixes.devices == ("t1",)
        assert fixes.time_us.tolist() == read[0].time_us.tolist()
        assert np.allclose(fixes.lon, lons)
        assert not fixes.bad
    late = read_fixes(tmp_path / "g.gpx", ReadParams(now=now, device="t1", clock_offset_s=60))
    assert (late.time_us - read[0].time_us == 60 * SECOND).all()
    with pytest.raises(InputError, match="--device"):
        read_fixes(tmp_path / "g.gpx", ReadParams(now=now))


def test_a_device_goes_with_a_unit_that_makes_tracks(place: Connection) -> None:
    with pytest.raises(NotFoundError, match="import units"):
        register_device(place, 1, ref="t2", unit="nobody")
    with pytest.raises(InputError, match="camera_desk"):
        register_device(place, 1, ref="t2", unit="desk")
    with pytest.raises(InputError, match="either a unit or a drone"):
        register_device(place, 1, ref="t2")
    with pytest.raises(ConflictError, match="register another"):
        register_device(place, 1, ref="t1", unit="u2")
    with pytest.raises(InputError, match="sight"):
        register_device(place, 1, ref="t2", unit="u1", sight_m=0.0)


def test_fixes_go_after_thirty_days_tracks_later_and_effort_stays(place: Connection) -> None:
    watched, devices = known(place)
    take_fixes(place, watched, walk(), devices)
    with pytest.raises(InputError, match="30 days at most"):
        purge_tracks(place, now=DAY, raw_days=31)
    assert purge_tracks(place, now=DAY + timedelta(days=29))["raw"] == 0
    gone = purge_tracks(place, now=DAY + timedelta(days=31))
    assert (gone["raw"], gone["segments"]) == (1, 0)
    assert purge_tracks(place, now=DAY + timedelta(days=200))["segments"] == 1
    assert seconds(place) == pytest.approx(1800)


def test_a_plan_is_set_beside_what_was_done_by_shift_and_area(place: Connection) -> None:
    areas = place.info["areas"]
    plan = place.execute(
        text(
            "INSERT INTO plan (jurisdiction_id, plan_date, version, hours, parameters, "
            "code_version) VALUES (1, '2026-03-02', 1, 2, '{}', 'x') RETURNING plan_id"
        )
    ).scalar_one()
    place.execute(
        text(
            "INSERT INTO plan_shift (plan_id, shift_no, name_zh, name_en, starts_at, ends_at) "
            "VALUES (:plan, 1, '早', 'early', :a, :b)"
        ),
        {"plan": plan, "a": DAY, "b": DAY + timedelta(hours=4)},
    )
    for code in ("w1", "w2", "e2"):
        place.execute(
            text(
                "INSERT INTO plan_item (plan_id, area_id, shift_no, unit_kind, minutes, "
                "reason_zh, reason_en) VALUES (:plan, :area, 1, 'foot', 10, '', '')"
            ),
            {"plan": plan, "area": areas[code]},
        )
    watched, devices = known(place)
    stand = walk(41, every_s=15, from_s=3600)
    stand = Fixes(stand.devices, stand.device, stand.time_us, np.full(41, WEST + 0.005),
                  stand.lat, stand.height_m, stand.row_no)  # fmt: skip
    for fixes in (walk(), stand):
        take_fixes(place, watched, fixes, devices)
    table, stops = read_conformance(place, plan)
    found = table.set_index("area_id")
    assert found.loc[areas["w1"], "label"] == "served"
    assert found.loc[areas["w1"], "done_min"] == pytest.approx(10 + 10, abs=1)
    assert found.loc[areas["w1"], "visits"] == 1
    assert found.loc[areas["w1"], "dwell_min"] == pytest.approx(10)
    assert found.loc[areas["e2"], "label"] == "missed"
    assert found.loc[areas["e1"], "label"] == "unplanned"
    assert stops.empty
    assert not {"unit_id", "person_id", "device_ref"} & set(table.columns)
