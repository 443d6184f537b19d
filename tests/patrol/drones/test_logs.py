"""Flight logs into tracks and footprints."""

from __future__ import annotations

import numpy as np
import pytest

from geo.errors import FormatError, InputError
from patrol.drones.camera import Camera
from patrol.drones.logs.files import read_log
from patrol.drones.logs.footprints import track_footprint
from patrol.tracks.track import make_track

pytestmark = pytest.mark.data

# File -> positions, first time, first longitude and latitude.
LOGS = {
    "dronekit_flight.tlog": (None, "2015-07-05T00:2", 149.165, -35.363),
    "px4_sample_small.ulg": (32, "2021-04-21T06:30:58", 10.4082, 63.4171),
    "dji_mavic_pro.srt": (468, "2017-08-05T14:11:51", 149.0251, -20.2533),
    "dji_mavic_air2.srt": (25, "2022-05-01T15:01:58.531716", 2.1622, 41.4207),
    "flighttrack.gpx": (579, "2017-05-10T15:24:54", 8.9060, 51.1619),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_log_becomes_a_track_at_its_place_and_time(shared_data, name):
    track = read_log(shared_data / "missions" / name)
    number, begins, lon, lat = LOGS[name]
    assert number in (None, len(track))
    assert str(track.time[0]).startswith(begins)
    assert (track.lon[0], track.lat[0]) == pytest.approx((lon, lat), abs=2e-3)
    assert (np.diff(track.time) >= np.timedelta64(0)).all()


def test_positions_before_the_first_fix_are_left_out(shared_data):
    track = read_log(shared_data / "missions/dronekit_flight.tlog")
    assert 2000 < len(track) < 2833
    assert np.hypot(track.lon - 149.165, track.lat + 35.363).max() < 0.05


def test_local_clocks_are_read_in_their_zone(shared_data):
    file = shared_data / "missions/dji_mavic_pro.srt"
    here, there = read_log(file), read_log(file, time_zone="Australia/Brisbane")
    assert (here.time - there.time == np.timedelta64(10, "h")).all()


def test_barometer_heights_are_above_take_off_and_unclear_ones_are_not(shared_data):
    pro = read_log(shared_data / "missions/dji_mavic_pro.srt")
    air = read_log(shared_data / "missions/dji_mavic_air2.srt")
    assert pro.height_m[0] == pytest.approx(1.9)
    assert np.isnan(air.height_m).all()
    assert air.altitude_m[0] == pytest.approx(27.3)


@pytest.mark.parametrize("name", [name for name in LOGS if not name.endswith(".tlog")])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.997])
def test_a_truncated_log_is_refused_with_its_name(shared_data, tmp_path, name, share):
    content = (shared_data / "missions" / name).read_bytes()
    file = tmp_path / name
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FormatError, match=name):
        read_log(file)


def test_a_telemetry_log_that_stops_is_read_up_to_there(shared_data, tmp_path):
    content = (shared_data / "missions/dronekit_flight.tlog").read_bytes()
    (tmp_path / "a.tlog").write_bytes(content[: len(content) // 2 + 5])
    whole = read_log(shared_data / "missions/dronekit_flight.tlog")
    half = read_log(tmp_path / "a.tlog")
    assert 0 < len(half) < len(whole)
    np.testing.assert_array_equal(half.lon, whole.lon[: len(half)])


@pytest.mark.parametrize("suffix", [".tlog", ".ulg", ".srt", ".gpx", ".bin"])
def test_what_is_no_log_is_refused(tmp_path, suffix):
    file = tmp_path / f"a{suffix}"
    file.write_bytes(b"nothing of the kind, but long enough to look at")
    with pytest.raises(FormatError, match=r"a\."):
        read_log(file)


def test_the_footprint_is_as_wide_as_the_camera_sees():
    lon = 121.0 + np.linspace(0, 0.01, 50)
    start = np.datetime64("2026-11-23T08:00:00", "us")
    time = start + np.arange(50) * np.timedelta64(2, "s")
    track = make_track(time, lon, np.full(50, 35.6), height_m=np.full(50, 70.0), source="srt")
    camera = Camera(sensor_width_mm=10, focal_mm=10)
    strip = track_footprint(track, camera, srid=32651)
    west, south, east, north = strip.bounds
    assert north - south == pytest.approx(70.0, abs=25.0)
    assert strip.area == pytest.approx(70 * (east - west - 70) + np.pi * 35**2, rel=0.03)


def test_no_footprint_is_drawn_over_a_gap_or_without_a_height():
    start = np.datetime64("2026-11-23T08:00:00", "us")
    time = start + np.array([0, 5, 300, 305]) * np.timedelta64(1, "s")
    lon = np.array([121.0, 121.0005, 121.02, 121.0205])
    track = make_track(time, lon, np.full(4, 35.6), height_m=np.full(4, 50.0), source="gpx")
    assert len(track_footprint(track, Camera(), srid=32651).geoms) == 2
    unknown = make_track(time, lon, np.full(4, 35.6), source="gpx")
    with pytest.raises(InputError, match="give the height"):
        track_footprint(unknown, Camera(), srid=32651)


def test_a_track_with_an_impossible_position_is_refused():
    with pytest.raises(InputError, match="position 1"):
        make_track(None, np.array([121.0, 300.0]), np.array([35.0, 35.0]), source="gpx")
