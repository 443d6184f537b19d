"""Mission files: what is written is read again, by us and by others; what is wrong is refused."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymavlink import mavwp

from geo.errors import FormatError, InputError
from patrol.drones.check import check_mission
from patrol.drones.formats.files import WRITTEN, read_mission, write_mission
from patrol.drones.mission import Mission, action, place

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def codes(mission, severity="error"):
    return {one.code for one in check_mission(mission) if one.severity == severity}


@pytest.mark.parametrize("suffix", WRITTEN)
def test_places_come_back_from_every_format(mission, tmp_path, suffix):
    file = tmp_path / f"square{suffix}"
    write_mission(mission, file, now=NOW)
    again = read_mission(file)
    ours = [i for i in mission.places() if i.command == 16]
    theirs = [i for i in again.places() if i.command == 16][-len(ours) :]
    for a, b in zip(ours, theirs, strict=True):
        assert (b.lon, b.lat) == pytest.approx((a.lon, a.lat), abs=1e-7)
        assert b.height_m == pytest.approx(a.height_m, abs=0.01)
        assert b.frame == a.frame


@pytest.mark.parametrize("suffix", [".plan", ".waypoints", ".kmz"])
def test_commands_come_back_from_formats_that_have_them(mission, tmp_path, suffix):
    file = tmp_path / f"square{suffix}"
    write_mission(mission, file, now=NOW)
    again = read_mission(file)
    assert [i.command for i in again.items] == [i.command for i in mission.items]
    assert [i.params[0] for i in again.items if i.command in (16, 206)] == [
        i.params[0] for i in mission.items if i.command in (16, 206)
    ]
    assert again.home == pytest.approx(mission.home)


def test_a_plan_keeps_fences_and_speed(mission, tmp_path):
    write_mission(mission, tmp_path / "a.plan", now=NOW)
    again = read_mission(tmp_path / "a.plan")
    assert again.speed_m_s == mission.speed_m_s
    for ours, theirs in zip(mission.fences, again.fences, strict=True):
        np.testing.assert_array_equal(ours.points, theirs.points)
        assert (ours.keep_in, ours.radius_m) == (theirs.keep_in, theirs.radius_m)


def test_the_same_mission_gives_the_same_bytes(mission, tmp_path):
    for suffix in WRITTEN:
        for name in ("a", "b"):
            write_mission(mission, tmp_path / f"{name}{suffix}", now=NOW)
        a, b = (tmp_path / f"{name}{suffix}" for name in ("a", "b"))
        assert a.read_bytes().replace(b"a", b"b") == b.read_bytes().replace(b"a", b"b")


def test_pymavlink_reads_the_waypoints_that_we_wrote(mission, tmp_path):
    file = tmp_path / "a.waypoints"
    write_mission(mission, file, now=NOW)
    loader = mavwp.MAVWPLoader()
    assert loader.load(str(file)) == len(mission.items) + 1
    theirs = [loader.wp(n) for n in range(1, loader.count())]
    assert [w.command for w in theirs] == [i.command for i in mission.items]
    np.testing.assert_allclose(
        [(w.y, w.x, w.z) for w in theirs], [(i.lon, i.lat, i.height_m) for i in mission.items]
    )


def test_mavsdk_reads_the_plan_that_we_wrote(mission, tmp_path, mavsdk):
    file = tmp_path / "a.plan"
    write_mission(mission, file, now=NOW)
    theirs = mavsdk.import_qgroundcontrol_mission_from_string(file.read_text())
    assert [i.command for i in theirs.mission_items] == [i.command for i in mission.items]
    np.testing.assert_allclose(
        [(i.y / 1e7, i.x / 1e7) for i in theirs.mission_items],
        [(i.lon, i.lat) for i in mission.items], atol=1e-7,
    )  # fmt: skip
    assert len(theirs.geofence_items) == 4 + 1


def test_mavsdk_reads_the_waypoints_that_we_wrote(mission, tmp_path, mavsdk):
    file = tmp_path / "a.waypoints"
    write_mission(mission, file, now=NOW)
    theirs = mavsdk.import_mission_planner_mission_from_string(file.read_text())
    assert [i.command for i in theirs.mission_items][-len(mission.items) :] == [
        i.command for i in mission.items
    ]


SAMPLES = {
    "qgc_sample.plan": (6, set(), set()),
    "qgc_survey.plan": (85, set(), {"no_takeoff", "no_landing"}),
    "dronekit_square.waypoints": (6, set(), {"above_sea", "no_landing"}),
    "mission_planner_sample.waypoints": (4, set(), {"above_sea", "no_home"}),
    "mavlink_survey.waypoints": (120, {"sequence"}, {"no_home"}),
    "dji_waypoint.kmz": (11, set(), set()),
    "dji_fly_waylines.wpml": (39, set(), {"no_home"}),
}


@pytest.mark.data
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gets_the_answer_that_it_deserves(shared_data, name):
    mission = read_mission(shared_data / "missions" / name)
    number, errors, warnings = SAMPLES[name]
    assert len(mission.items) == number
    assert codes(mission) == errors
    assert codes(mission, "warning") == warnings


@pytest.mark.data
def test_survey_of_an_unknown_version_is_refused_by_name(shared_data):
    with pytest.raises(FormatError, match=r"items\[1\].*survey version 9 is not known"):
        read_mission(shared_data / "missions/qgc_survey_bad_version.plan")


@pytest.mark.data
def test_mavsdk_and_we_read_a_survey_alike(shared_data, mavsdk):
    file = shared_data / "missions/qgc_survey.plan"
    theirs = mavsdk.import_qgroundcontrol_mission_from_string(file.read_text()).mission_items
    ours = read_mission(file).items
    assert [i.command for i in ours] == [i.command for i in theirs]


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["qgc_sample.plan", "dji_waypoint.kmz", "dji_fly_waylines.wpml", "qgc_survey.plan"]
)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused_with_its_name(shared_data, tmp_path, name, share):
    content = (shared_data / "missions" / name).read_bytes()
    file = tmp_path / name
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FormatError, match=name):
        read_mission(file)


def test_a_row_cut_short_is_refused_with_its_line(mission, tmp_path):
    file = tmp_path / "a.waypoints"
    write_mission(mission, file, now=NOW)
    file.write_text(file.read_text()[:-25])
    with pytest.raises(FormatError, match=r"a\.waypoints, line 10: a row has 12 columns"):
        read_mission(file)


@pytest.fixture
def plan(mission, tmp_path):
    """Give what writes a changed plan and reads it."""
    write_mission(mission, tmp_path / "a.plan", now=NOW)
    root = json.loads((tmp_path / "a.plan").read_text())

    def changed(path, value):
        node = json.loads(json.dumps(root))
        *way, last = path
        here = node
        for key in way:
            here = here[key]
        if value is KeyError:
            del here[last]
        else:
            here[last] = value
        (tmp_path / "b.plan").write_text(json.dumps(node))
        return read_mission(tmp_path / "b.plan")

    return changed


ITEM = ("mission", "items", 1)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("fileType",), KeyError, "fileType is missing"),
        (("version",), 2, "version 1"),
        (("mission", "version"), 1, "version 1 is not known"),
        (("geoFence", "version"), 1, "version 1 is not known"),
        (("mission", "plannedHomePosition"), KeyError, "plannedHomePosition is missing"),
        (("mission", "plannedHomePosition"), [1.0, 2.0], "must have 3 numbers"),
        ((*ITEM, "params"), [0, 0, 0, 0, 35.6, 121.0], "must have 7 numbers, it has 6"),
        ((*ITEM, "params", 4), "35.6", "a number was expected"),
        ((*ITEM, "frame"), KeyError, "frame is missing"),
        ((*ITEM, "command"), True, "int was expected"),
        (("mission", "items"), {"a": 1}, "list was expected"),
        (("geoFence", "polygons", 0, "polygon"), [[1, 2, 3], [4, 5]], "pairs of latitude"),
    ],
)
def test_a_plan_that_others_let_pass_is_refused(plan, path, value, words):
    with pytest.raises(FormatError, match=words):
        plan(path, value)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("mission", "items"), [], "no_items"),
        ((*ITEM, "params", 4), 131.0, "off_earth"),
        ((*ITEM, "params", 5), None, "no_position"),
        ((*ITEM, "params", 6), None, "no_height"),
        ((*ITEM, "params", 6), -5.0, "height"),
        ((*ITEM, "params", 4), -35.6, "far"),
        ((*ITEM, "command"), 9999, "unknown_command"),
        ((*ITEM, "frame"), 77, "unknown_frame"),
        ((*ITEM, "doJumpId"), 7, "sequence"),
        (("mission", "cruiseSpeed"), 0, "speed"),
        (("mission", "plannedHomePosition", 0), 95.0, "home"),
        (("geoFence", "polygons", 0, "polygon"), [[35.6, 121.0], [35.7, 121.0]], "fence"),
        (
            ("geoFence", "polygons", 0, "polygon"),
            [[35.59, 121.04], [35.61, 121.06], [35.59, 121.06], [35.61, 121.04]],
            "fence",
        ),
        (("geoFence", "polygons", 0, "inclusion"), False, "fence"),
        (("geoFence", "circles", 0, "circle", "radius"), -1, "fence"),
    ],
)
def test_the_checker_names_what_parsers_let_pass(plan, path, value, code):
    assert code in codes(plan(path, value))


def test_a_sound_mission_has_no_findings(mission):
    assert check_mission(mission) == []


def test_a_place_in_the_middle_of_nowhere_and_a_jump_to_nowhere_are_errors(mission):
    items = (*mission.items[:2], place(3, 0.0, 0.0, 50.0), action(4, 177, 99, 2))
    assert {"null_position", "jump"} <= codes(Mission("x", items, home=mission.home))


def test_heights_above_120_m_are_pointed_out(mission):
    items = (*mission.items[:7], place(8, 121.05, 35.6, 121.0))
    assert codes(Mission("x", items, home=mission.home), "warning") >= {"above_120", "no_landing"}


def test_unsound_missions_are_not_written(mission, tmp_path):
    broken = Mission("x", (place(1, 121.0, 131.0, 50.0),), home=mission.home)
    with pytest.raises(InputError, match="off_earth"):
        write_mission(broken, tmp_path / "a.plan", now=NOW)
    assert not (tmp_path / "a.plan").exists()


def test_what_a_dji_route_lacks_is_refused_not_dropped(mission, tmp_path):
    items = (*mission.items[:2], action(3, 183, 5, 1500), *mission.items[3:])
    with pytest.raises(InputError, match="no command 183"):
        write_mission(Mission("x", items, home=mission.home), tmp_path / "a.kmz", now=NOW)


def test_entities_and_bombs_are_refused(tmp_path):
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><kml>&b;</kml>'
    for name in ("a.kml", "a.gpx", "a.wpml"):
        (tmp_path / name).write_bytes(bomb)
        with pytest.raises(FormatError, match="entities"):
            read_mission(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "b.kmz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wpmz/waylines.wpml", b"0" * 70_000_000)
    with pytest.raises(FormatError, match="too large"):
        read_mission(tmp_path / "b.kmz")


@given(content=st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("suffix", [".plan", ".waypoints", ".kmz", ".wpml", ".kml", ".gpx"])
def test_any_bytes_give_a_mission_or_a_format_error(tmp_path, suffix, content):
    file = tmp_path / f"a{suffix}"
    file.write_bytes(content)
    with pytest.raises(FormatError):
        read_mission(file)
