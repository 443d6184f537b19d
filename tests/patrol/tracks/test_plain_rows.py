"""Plain rows are read as the readers that know all ways read them, and others are left to those."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.formats import line_blocks
from patrol import track_files
from patrol.track_files import read_fixes
from patrol.tracks.fixes import Fixes
from patrol.tracks.plain_rows import DEVICE, LAT, LON, SHORTEST, TIME, Columns, Runs, read_rows
from patrol.tracks.reading import ReadParams

NOW = datetime(2030, 1, 1, tzinfo=UTC)
COLUMNS = ("device", "time", "lon", "lat", "height_m", "note")
SOUND = {
    "device": ["T-1", "T-2", "终端3", "a b"],
    "time": ["2026-11-29T08:00:15Z"],
    "lon": ["116.5909341", "-0.5", "12", "116.59093410000001", "179.99999999999997"],
    "lat": ["39.7543663", "-89", "0.1234567890123456"],
    "height_m": ["", "3.5", "-12"],
    "note": ["", "x", "东"],
}
TIMES = ["2026-03-29{}02:30:00{}", "2026/02/28{}23:59:59.25{}", "2028-02-29{}00:00:00{}"]
ODD = {
    "device": ["", "  ", " T-1 ", 'T"1', "T\x7f1"],
    "time": ["", "soon", "2026-11-29", "2026-11-29 08:00", "2026-02-29T08:00:00Z", "2026-1-2 3:04:05",
             "1969-12-31T23:59:59Z", "2031-01-01T00:00:00Z", "2026-11-29T08:00:60Z",
             "2026-11-29T08:00:00.1234567Z", "2026-11-29T08:00:00+15:00", "2026-11-29T08:00:00+0800"],
    "lon": ["", "x", "1e2", "+5", ".5", "5.", "0", "181", "nan", "1234567890123456789", " 5", "１２"],
    "height_m": ["x", " ", "1e1"],
    "note": ['"', 'x"y', "\r", "\x00"],
}  # fmt: skip
ODD["lat"] = ODD["lon"]


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """Draw a text table, and how it is read: mostly plain rows, with others among them."""
    names = list(draw(st.permutations(COLUMNS)))
    names = [name for name in names if name in COLUMNS[1:4] or draw(st.booleans())]
    zone = draw(st.sampled_from(["Z", "", "+08:00", "-03:30"]))
    mark, newline = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\r\n"]))
    apart = draw(st.sampled_from(["T", " "]))
    sound = {**SOUND, "time": [*SOUND["time"], *(time.format(apart, zone) for time in TIMES)]}
    quoted, odd = draw(st.sampled_from(["", '"'])), draw(st.sampled_from([0, 0, 1, 4]))
    rows = [mark.join(names)]
    for _ in range(draw(st.integers(1, 30))):
        values = [
            quoted + draw(st.sampled_from(sound[name] if draw(st.integers(0, 30)) >= odd
                                          else ODD[name])) + quoted
            for name in names
        ]  # fmt: skip
        row = mark.join(values)
        if draw(st.integers(0, 60)) < odd:
            row = draw(st.sampled_from([row + mark + "more", "", row[: len(row) // 2], '"' + row]))
        rows.append(row)
    text = newline.join(rows) + draw(st.sampled_from([newline, ""]))
    how = {
        "time_zone": draw(st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin"])),
        "crs": draw(st.sampled_from(["wgs84", "gcj02", "EPSG:4490", "EPSG:32650"])),
        "clock_offset_s": draw(st.sampled_from([0.0, 12.5])),
        "device": None if "device" in names else "T-9",
    }
    return text, how


def told(fixes: Fixes) -> tuple[object, ...]:
    """Return all that was read, to the last bit."""
    columns = (fixes.device, fixes.time_us, fixes.lon, fixes.lat, fixes.height_m, fixes.row_no)
    bad = sorted((row.row_no, row.field, row.reason, repr(row.value), repr(row.raw))
                 for row in fixes.bad)  # fmt: skip
    return fixes.devices, [np.array(column).tobytes() for column in columns], bad


@given(tables(), st.sampled_from([64, 150, 4 << 20]))
@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_any_table_reads_the_same_with_and_without_the_way_for_plain_rows(
    tmp_path: Path, table: tuple[str, dict[str, object]], block: int
) -> None:
    text, how = table
    path, params = tmp_path / "fixes.csv", ReadParams(now=NOW, **how)  # type: ignore[arg-type]
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_blocks, "LINE_BYTES", block)
        found = told(read_fixes(path, params))
        patch.setattr(track_files, "plain_rows", lambda *_, **__: None)
        assert found == told(read_fixes(path, params))


def read(
    rows: list[str], layout: tuple[int, ...] = (DEVICE, TIME, LON, LAT)
) -> tuple[Columns, list[int]] | None:
    """Read rows by themselves, and where other devices begin; None where one is not plain."""
    text = np.frombuffer("".join(row + "\n" for row in rows).encode(), np.uint8)
    room = len(text) // SHORTEST + 1
    to = Columns(
        np.zeros(room, np.int32), np.zeros(room, np.int64), np.zeros(room), np.zeros(room),
        np.empty(0), np.zeros(room, np.int32),
    )  # fmt: skip
    runs = Runs(
        np.empty(len(text), np.uint8), np.zeros(room + 1, np.int32), np.zeros(room + 1, np.int64)
    )
    used, n_runs, _ = read_rows(text, ord(","), np.array(layout), 1, to, 0, runs)
    return None if used < 0 else (to, runs.firsts[:n_runs].tolist())


@given(
    st.lists(
        st.decimals(-180, 180, places=7) | st.floats(-180, 180).map(repr)
        | st.decimals(-180, 180, places=15) | st.integers(1, 10**18 - 1), min_size=1, max_size=40,
    )
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_numbers_of_up_to_eighteen_digits_are_the_nearest_doubles(values: list[object]) -> None:
    for value in map(str, values):
        found = read([f"T,2026-11-29T08:00:00Z,{value},1"])
        plain = len(value.strip("-").replace(".", "")) <= 18 and "e" not in value.lower()
        assert (found is not None) == plain
        assert found is None or found[0].lon[0] == float(value)


def test_plain_rows_of_a_large_file_are_all_read_in_the_quick_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n, left = 30_000, []
    rows = [f"t{k // 9000},2026-11-29 08:{k // 60 % 60:02d}:{k % 60:02d},{121 + k * 1e-6},31.5"
            for k in range(n)]  # fmt: skip
    rows[12_000] = "t1,2026-11-29 08:00,121,31"  # right, and not plain
    (tmp_path / "fixes.csv").write_text("device,time,lon,lat\n" + "\n".join(rows) + "\n")
    slow = track_files.read_batch
    monkeypatch.setattr(line_blocks, "LINE_BYTES", 100_000)
    monkeypatch.setattr(track_files, "read_batch", lambda batch, *rest: (
        left.append(batch.columns.num_rows), slow(batch, *rest))[1])  # fmt: skip
    fixes = read_fixes(tmp_path / "fixes.csv", ReadParams(now=NOW, time_zone="Asia/Shanghai"))
    assert len(fixes) == n
    assert fixes.row_no.tolist() == list(range(1, n + 1))
    assert fixes.lon.tolist() == [float(row.split(",")[2]) for row in rows]
    assert [fixes.devices[d] for d in fixes.device] == [row.split(",")[0] for row in rows]
    assert fixes.time_us[12_000] == int(datetime(2026, 11, 29, tzinfo=UTC).timestamp()) * 1_000_000
    assert len(left) == 1
    assert left[0] < 3_000


def test_interleaved_and_quoted_devices_are_told_apart() -> None:
    found = read(['a,2026-11-29T08:00:00Z,1,1', 'b,2026-11-29T08:00:00Z,1,1',
                  'a,2026-11-29T08:00:00Z,1,1', '"a",2026-11-29T08:00:00Z,1,1',
                  '"a",2026-11-29T08:00:00Z,1,1'])  # fmt: skip
    assert found is not None
    assert found[1] == [0, 1, 2, 3]
    assert read(['"a,b",2026-11-29T08:00:00Z,1,1', "a,b,2026-11-29T08:00:00Z,1,1"]) is None
