"""Mission files and flight logs that somebody brings: each gets the answer that it deserves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from geo.database.connect import Database, connect
from tests.web.conftest import Service, serving
from tests.web.district import STEP, WEST

pytestmark = pytest.mark.db
PLACES = tuple((WEST + STEP * part, 35.612) for part in (0.4, 1.0, 1.6))
DRONE = (
    "INSERT INTO drone (feed_id, source_ref, content_hash, name, size_class, registration_no, "
    "network_relay, speed_m_s, endurance_s, max_wind_m_s, geom) VALUES (1, %s, 0, 'D1', 'micro', "
    "'UAS1', false, 10, 1800, 10, ST_SetSRID(ST_MakePoint(121.01, 35.61), 4326)) RETURNING drone_id"
)


@pytest.fixture(scope="module")
def town(server: Database, template: Database) -> Iterator[Service]:
    with serving(server, template) as running:
        yield running


def brought(
    service: Service, name: str, content: bytes, *, lang: str = "en", **form: Any
) -> httpx.Response:
    client = service.client(headers=service.bearer("planner"))
    # Two days ahead: of tomorrow, an application would be too late from noon on.
    data = {"takes_off_at": (datetime.now(UTC) + timedelta(days=2)).isoformat(), **form}
    return client.post(
        f"/api/v1/missions/check?lang={lang}", files={"file": (name, content)}, data=data
    )


def waypoints(*, height: float = 60.0, frame: int = 3, home: float = 20.0) -> bytes:
    """Return a mission over three places of the district as QGC WPL 110, home in its first row."""
    lon, lat = PLACES[0]
    rows = ["QGC WPL 110", f"0\t1\t0\t16\t0\t0\t0\t0\t{lat}\t{lon}\t{home}\t1",
            f"1\t0\t3\t22\t0\t0\t0\t0\t{lat}\t{lon}\t{height if frame == 3 else 30}\t1"]  # fmt: skip
    rows += [f"{n}\t0\t{frame}\t16\t5\t0\t0\t0\t{y}\t{x}\t{height}\t1"
             for n, (x, y) in enumerate(PLACES, start=2)]  # fmt: skip
    rows.append("5\t0\t3\t20\t0\t0\t0\t0\t0\t0\t0\t1")
    return "\n".join(rows).encode()


def test_a_sound_mission_in_free_air_may_fly_and_says_how_long(town: Service) -> None:
    answer = brought(town, "round.waypoints", waypoints())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["kind"], found["sound"], found["may_fly"]) == ("mission", True, True)
    assert (found["places"], found["findings"], found["airspace"]["breaches"]) == (4, [], [])
    # 1.09 km at 10 m/s, 60 m up, and three holds of 5 s.
    assert found["flight_s"] == pytest.approx(109 + 6 + 15, abs=3)
    assert len(found["geometry"]["coordinates"]) == 5
    assert "flat ground" in found["airspace"]["ground"]


def test_what_stands_against_a_mission_names_leg_and_rule_in_both_languages(town: Service) -> None:
    with connect(town.database) as connection:
        connection.execute(
            "INSERT INTO airspace_zone (feed_id, source_ref, content_hash, kind, name, floor_m, "
            "geom) SELECT 1, 'school', 0, 'prohibited', '学校', 0, ST_Multi(ST_Buffer("
            "ST_SetSRID(ST_MakePoint(%s, %s), 4326), 0.0005))", PLACES[2],
        )  # fmt: skip
        connection.commit()
    try:
        found = brought(town, "round.waypoints", waypoints()).json()
        zh = brought(town, "round.waypoints", waypoints(), lang="zh").json()
    finally:
        with connect(town.database) as connection:
            connection.execute("DELETE FROM airspace_zone")
            connection.commit()
    assert not found["may_fly"]
    (breach,) = found["airspace"]["breaches"]
    assert (breach["weight"], breach["rule"], breach["legs"]) == (
        "refused",
        "zone_prohibited",
        [4, 5],
    )
    assert breach["words"].startswith("It enters")
    assert zh["airspace"]["breaches"][0]["words"] == "进入空中禁区“学校”。"


def test_rules_of_the_drone_and_of_height_are_held_to_the_file(town: Service) -> None:
    with connect(town.database) as connection:
        number = connection.execute(DRONE, [uuid4().hex]).fetchone()[0]
        connection.commit()
    micro = brought(town, "round.waypoints", waypoints(), drone_id=number).json()
    assert [one["rule"] for one in micro["airspace"]["breaches"]] == ["micro_above_50"]
    high = brought(town, "round.waypoints", waypoints(height=130)).json()
    assert [one["rule"] for one in high["airspace"]["breaches"]] == ["above_120"]
    assert high["airspace"]["due_at"] is not None
    assert [one["code"] for one in high["findings"]] == ["above_120"] * 4
    strange = brought(town, "round.waypoints", waypoints(), drone_id=number + 1000)
    assert strange.status_code == 400
    assert f"has no drone {number + 1000}" in strange.json()["detail"]


def test_heights_above_sea_are_known_by_the_height_of_home_alone(town: Service) -> None:
    known = brought(town, "sea.waypoints", waypoints(frame=0, height=80, home=20)).json()
    assert known["may_fly"], known
    lines = waypoints(frame=0, height=80).decode().splitlines()
    unknown = brought(town, "sea.waypoints", "\n".join([lines[0], *(
        f"{n}\t{line.partition(chr(9))[2]}" for n, line in enumerate(lines[2:], start=1)
    )]).encode()).json()  # fmt: skip
    assert not unknown["may_fly"]
    assert [one["rule"] for one in unknown["airspace"]["breaches"]] == ["heights_unknown"]


def test_a_file_that_cannot_be_read_says_where(town: Service) -> None:
    cut = brought(town, "round.waypoints", waypoints()[:-20])
    assert cut.status_code == 400
    assert "round.waypoints, line 7: a row has 12 columns" in cut.json()["detail"]
    chinese = brought(town, "round.waypoints", waypoints()[:-20], lang="zh").json()["detail"]
    assert chinese.startswith("任务文件或飞行日志无法读取（round.waypoints, line 7")
    for name, said in (("a.exe", ".exe is neither mission nor log"), ("a.kmz", "a.kmz"),
                       ("a.plan", "a.plan"), ("a.ulg", "a.ulg"), ("a.tlog", "a.tlog"),
                       ("../../etc/pass<wd>.srt", "pass_wd_.srt")):  # fmt: skip
        refused = brought(town, name, b"")
        assert refused.status_code == 400, (name, refused.text)
        assert said in refused.json()["detail"]


def test_only_a_file_may_be_larger_than_other_bodies_and_it_has_a_limit_too(town: Service) -> None:
    read = brought(town, "big.tlog", bytes(2_500_000))
    assert read.status_code == 400  # read, and found to be no log
    assert "big.tlog" in read.json()["detail"]
    client = town.client(headers=town.bearer("planner"))
    too_large = bytes(32_100_000)
    assert brought(town, "big.tlog", too_large).status_code == 413
    other = client.post("/api/v1/plans/1/cost", content=bytes(2_500_000))
    assert other.status_code == 413


def test_who_plans_may_ask_and_the_log_knows_the_name_of_the_file(town: Service) -> None:
    watch = town.client(headers=town.bearer("watch"))
    refused = watch.post("/api/v1/missions/check", files={"file": ("a.plan", b"")})
    assert refused.status_code == 403
    assert brought(town, "noted.waypoints", waypoints()).status_code == 200
    with connect(town.database) as connection:
        row = connection.execute(
            "SELECT object FROM audit_entry WHERE action = 'mission file checked' ORDER BY seq DESC"
        ).fetchone()
    assert row[0] == "noted.waypoints"


# File -> errors, warnings; what a log holds. All lie far from the district.
MISSIONS = {
    "qgc_sample.plan": (set(), set()),
    "qgc_survey.plan": (set(), {"no_takeoff", "no_landing"}),
    "dronekit_square.waypoints": (set(), {"above_sea", "no_landing"}),
    "mission_planner_sample.waypoints": (set(), {"above_sea", "no_home"}),
    "mavlink_survey.waypoints": ({"sequence"}, {"no_home"}),
    "dji_waypoint.kmz": (set(), set()),
    "dji_fly_waylines.wpml": (set(), {"no_home"}),
}
LOGS = {
    "dronekit_flight.tlog": ("2015-07-05T00:2", 149.165),
    "px4_sample_small.ulg": ("2021-04-21T06:30:58Z", 10.408),
    "dji_mavic_pro.srt": ("2017-08-05T06:11:51Z", 149.025),
    "dji_mavic_air2.srt": ("2022-05-01T07:01:58Z", 2.162),
    "flighttrack.gpx": ("2017-05-10T15:24:54Z", 8.906),
}


@pytest.mark.data
@pytest.mark.parametrize("name", MISSIONS)
def test_a_sample_mission_gets_the_answer_that_it_deserves(
    town: Service, shared_data: Path, name: str
) -> None:
    answer = brought(town, name, (shared_data / "missions" / name).read_bytes())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    errors, warnings = MISSIONS[name]
    told = {kind: {one["code"] for one in found["findings"] if one["severity"] == kind}
            for kind in ("error", "warning")}  # fmt: skip
    assert (told["error"], told["warning"]) == (errors, warnings)
    assert found["sound"] is not bool(errors)
    assert found["may_fly"] is False
    if errors:
        assert found["airspace"] is None
    else:
        rules = {one["rule"] for one in found["airspace"]["breaches"]}
        assert "outside" in rules
        assert ("heights_unknown" in rules) == (name == "mission_planner_sample.waypoints")


@pytest.mark.data
@pytest.mark.parametrize("name", LOGS)
def test_a_sample_log_tells_when_and_where_it_was_flown(
    town: Service, shared_data: Path, name: str
) -> None:
    answer = brought(town, name, (shared_data / "missions" / name).read_bytes())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    begins, lon = LOGS[name]
    assert found["kind"] == "log"
    assert found["begins"].startswith(begins)
    assert found["geometry"]["coordinates"][0][0] == pytest.approx(lon, abs=2e-3)
    assert found["inside_share"] == 0
    assert found["positions"] > 20
    assert len(found["geometry"]["coordinates"]) <= 2000


@pytest.mark.data
@pytest.mark.parametrize("name", [*MISSIONS, *LOGS, "qgc_survey_bad_version.plan"])
def test_a_sample_that_is_cut_off_is_refused_by_name(
    town: Service, shared_data: Path, name: str
) -> None:
    content = (shared_data / "missions" / name).read_bytes()
    whole = name == "qgc_survey_bad_version.plan"
    # Text formats are cut within a row, a telemetry log within its first frame.
    share = {".waypoints": 0.99, ".tlog": 0.0}.get(Path(name).suffix, 0.7)
    answer = brought(town, name, content if whole else content[: int(len(content) * share)])
    assert answer.status_code == 400, answer.text
    assert name in answer.json()["detail"]
    if whole:
        assert "survey version 9 is not known" in answer.json()["detail"]
