"""Files of fixes are read a column at a time, and each row or point means what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from geo.errors import FormatError
from patrol.drones.logs.files import read_log
from patrol.track_files import read_fixes
from patrol.tracks.reading import ReadParams

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def test_devices_are_the_same_with_blanks_around_them_and_nobody_is_kept_aside(
    tmp_path: Path,
) -> None:
    path = tmp_path / "fixes.csv"
    path.write_text(
        "device,time,lon,lat\n"
        "b,2026-11-29T08:00:00Z,121.1,31.1\n"
        "a,2026-11-29T08:00:15Z,121.2,31.2\n"
        ",2026-11-29T08:00:30Z,121.3,31.3\n"
        " a ,2026-11-29T08:00:45Z,121.4,31.4\n",
        "utf-8",
    )
    fixes = read_fixes(path, ReadParams(now=NOW))
    assert [fixes.devices[n] for n in fixes.device] == ["b", "a", "a"]
    assert fixes.row_no.tolist() == [1, 2, 4]
    assert [(row.row_no, row.field, row.reason) for row in fixes.bad] == [
        (3, "device", "missing_value")
    ]


def test_batches_of_sound_rows_and_of_others_join_in_order(tmp_path: Path) -> None:
    n = 200_000  # more than one block of the reader
    rows = [f"t{k % 3},2026-11-29T08:00:{k % 60:02d}Z,{121 + k * 1e-6:.6f},31.5" for k in range(n)]
    rows[5] = "t1,soon,121.5,31.5"
    rows[-1] = "t1,2027-11-29T08:00:00Z,121.5,31.5"
    path = tmp_path / "fixes.csv"
    path.write_text("device,time,lon,lat\n" + "\n".join(rows) + "\n", "utf-8")
    fixes = read_fixes(path, ReadParams(now=NOW))
    assert len(fixes) == n - 2
    assert {(row.row_no, row.reason) for row in fixes.bad} == {
        (6, "not_a_time"), (n, "time_out_of_range")
    }  # fmt: skip
    k = fixes.row_no - 1
    assert np.allclose(fixes.lon, np.round(121 + k * 1e-6, 6), atol=1e-9)
    assert [fixes.devices[d] for d in fixes.device[:9]] == [f"t{m % 3}" for m in k[:9]]


_GPX = (
    '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
    '<trkpt lat="31.5" lon="121.25"><ele>3.5</ele><time>2026-11-30T08:00:00.5+08:00</time></trkpt>'
    '<trkpt lat="31.6" lon="121.5"/></trkseg></trk>'
    '<trk><trkseg><trkpt lat="31.7" lon="122"><time>2026-11-30T00:00:02Z</time></trkpt>'
    "</trkseg></trk></gpx>"
)


def test_a_gpx_track_has_all_points_in_order_with_unknown_times_as_unknown(tmp_path: Path) -> None:
    (tmp_path / "walk.gpx").write_text(_GPX, "utf-8")
    track = read_log(tmp_path / "walk.gpx")
    assert track.lon.tolist() == [121.25, 121.5, 122.0]
    assert track.lat.tolist() == [31.5, 31.6, 31.7]
    assert track.time[0] == np.datetime64("2026-11-30T00:00:00.5")
    assert np.isnat(track.time[1])
    assert track.time[2] == np.datetime64("2026-11-30T00:00:02")
    assert track.altitude_m[0] == 3.5
    assert np.isnan(track.altitude_m[1:]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("2026-11-30T00:00:02Z", "later"), "point 3: 'later' is no time"),
        (('lon="121.5"', 'lon="east"'), "point 2: lon is 'east', no number"),
        ((' lon="121.5"', ""), "point 2: lon is '', no number"),
        (("trkpt", "rtept"), "no recorded track"),
        (("gpx", "kml"), "no readable GPX: its outermost element is 'kml'"),
    ],
)
def test_a_gpx_track_that_is_not_whole_says_where(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    (tmp_path / "walk.gpx").write_text(_GPX.replace(*change), "utf-8")
    with pytest.raises(FormatError, match=words):
        read_log(tmp_path / "walk.gpx")


_POINTS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<g:gpx version="1.1" xmlns:g="urn:of-gpx">'
    '<g:wpt lat="1" lon="1"/><g:trk><g:extensions><g:trkseg><g:trkpt lat="9" lon="9"/></g:trkseg>'
    '</g:extensions><g:trkseg><g:trkpt lat="31" lon="121"><g:extensions>'
    "<g:time>2020-01-01T00:00:00Z</g:time></g:extensions><time>2021-01-01T00:00:00Z</time>"
    "<g:time> 2026-11-30T<!-- o'clock -->08:00:00Z <b>not this</b></g:time>"
    "<g:time>2022-01-01T00:00:00Z</g:time></g:trkpt>"
    '<g:trkpt lat="32" lon="122"><g:ele/><g:time>&#50;026-11-30T08:00</g:time></g:trkpt>'
    "</g:trkseg></g:trk></g:gpx>"
)


def test_a_gpx_point_says_what_stands_in_it_itself_and_first(tmp_path: Path) -> None:
    (tmp_path / "walk.gpx").write_text(_POINTS, "utf-8")
    track = read_log(tmp_path / "walk.gpx")
    assert track.lon.tolist() == [121.0, 122.0]
    assert track.time.tolist() == [datetime(2026, 11, 30, 8)] * 2  # noqa: DTZ001 - as NumPy has it
    assert np.isnan(track.altitude_m).all()


def test_a_gpx_track_that_is_cut_off_or_declares_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "walk.gpx"
    path.write_text(_GPX[:-20], "utf-8")
    with pytest.raises(FormatError, match=r"no readable XML .*is the file complete\?"):
        read_log(path)
    path.write_text('<!DOCTYPE gpx [<!ENTITY a "b">]>' + _GPX, "utf-8")
    with pytest.raises(FormatError, match="it declares entities"):
        read_log(path)
