"""The airspace preflight on a real PostGIS: zones, heights, times, deadlines, approvals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from geo.errors import ConflictError, CrsError, FormatError, InputError, NotFoundError
from patrol.drones.aircraft import Wind
from patrol.drones.application import ITEMS, application_html, application_items
from patrol.drones.check import check_mission
from patrol.drones.export import flight_mission
from patrol.drones.missions import MissionRequest, plan_area_mission
from patrol.drones.preflight import check_flight
from patrol.drones.rules import Flying, application_due, spans
from patrol.drones.store import (
    StoredRoute,
    decide_application,
    read_drone,
    read_drones,
    read_route,
    write_application,
    write_mission_routes,
)
from patrol.drones.sweep import SweepParams
from patrol.drones.terrain import Terrain, read_terrain, true_heights

SHANGHAI = ZoneInfo("Asia/Shanghai")
TAKES_OFF = datetime(2026, 11, 24, 14, tzinfo=SHANGHAI)
NOW = datetime(2026, 11, 23, 9, tzinfo=SHANGHAI)
BASE = (121.050, 35.600)


@pytest.fixture
def place(db):
    """Give a jurisdiction with a feed and one light drone that is not relayed."""
    number = db.execute(text(
        "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES "
        "('T', '测试区', 'Test', ST_Multi(ST_MakeEnvelope(121, 35.55, 121.1, 35.65, 4326)), "
        "4549, 'Asia/Shanghai') RETURNING jurisdiction_id"
    )).scalar_one()  # fmt: skip
    db.execute(text("INSERT INTO feed (jurisdiction_id, source) VALUES (:n, 'air')"), {"n": number})
    add_drone(db)
    return number


def add_drone(db, ref="U1", **changes):
    facts = {"size_class": "light", "registration_no": "UAS1", "network_relay": False} | changes
    return db.execute(
        text(
            "INSERT INTO drone (feed_id, source_ref, content_hash, name, size_class, "
            "registration_no, network_relay, speed_m_s, endurance_s, max_wind_m_s, geom) "
            "SELECT max(feed_id), :ref, 1, :ref, :size_class, :registration_no, :network_relay, "
            "10, 1800, 10, ST_Point(121.05, 35.6, 4326) FROM feed RETURNING drone_id"
        ),
        facts | {"ref": ref},
    ).scalar_one()


def add_zone(db, kind, shape, *, floor=0.0, ceiling=None, begins="-infinity", ends="infinity"):
    db.execute(
        text(
            "INSERT INTO airspace_zone (feed_id, source_ref, content_hash, kind, name, floor_m, "
            "ceiling_m, valid_from, valid_to, geom) SELECT max(feed_id), gen_random_uuid()::text, "
            "1, :kind, :name, :floor, :ceiling, CAST(:begins AS timestamptz), "
            "CAST(:ends AS timestamptz), ST_Multi(ST_GeomFromWKB(:shape, 4326)) FROM feed"
        ),
        {"kind": kind, "name": f"the {kind}", "floor": floor, "ceiling": ceiling,
         "begins": begins, "ends": ends, "shape": shapely.to_wkb(shape)},
    )  # fmt: skip


def make_route(place, drone_id, *, height=80.0, points=None):
    corners = points or [BASE, (121.052, 35.602), (121.056, 35.602), BASE]
    xyz = np.array([(*corner, height) if len(corner) == 2 else corner for corner in corners])
    return StoredRoute(
        0, place, drone_id, "m", 1, xyz, np.ones(len(xyz) - 1, dtype=bool), 600.0, 10.0, {}
    )


@pytest.fixture
def ask(db, place):
    """Give what stores a route and checks a flight of it."""

    def asked(*, now=NOW, terrain=None, drone=None, height=80.0, points=None, **changes):
        craft = read_drone(db, drone or read_drones(db, place)[0].drone_id)
        made = make_route(place, craft.drone_id, height=height, points=points)
        (number,) = write_mission_routes(db, [made], code_version="test")
        flying = Flying(**({"takes_off_at": TAKES_OFF, "duration_s": 600.0} | changes))
        route = read_route(db, number)
        return route, check_flight(
            db, route, craft, flying, zone=SHANGHAI, now=now, terrain=terrain
        )

    return asked


def rules(answer):
    return {breach.rule: breach for breach in answer.breaches}


def test_a_light_drone_below_120_m_in_free_air_needs_nothing(ask):
    _, answer = ask()
    assert (answer.breaches, answer.due_at, answer.may_fly) == ((), None, True)
    assert "assume flat ground" in answer.ground[1]


def test_a_route_comes_back_as_it_was_stored(ask, place):
    route, _ = ask()
    np.testing.assert_allclose(route.points, make_route(place, 0).points, atol=1e-9)
    assert route.camera_on.tolist() == [True] * 3


def test_above_120_m_true_height_needs_an_application_and_names_the_legs(ask):
    points = [(*BASE, 100.0), (121.052, 35.602, 100.0), (121.056, 35.602, 121.0), (*BASE, 100.0)]
    _, answer = ask(points=points)
    breach = rules(answer)["above_120"]
    assert (breach.weight, breach.legs, breach.article) == ("application", (2, 3), "19")
    assert answer.due_at == datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)
    assert answer.confirm_at == TAKES_OFF - timedelta(hours=1)
    assert not answer.may_fly


def test_exactly_120_m_is_allowed(ask):
    assert ask(height=120.0)[1].may_fly


@pytest.mark.parametrize(
    ("kind", "weight", "article"),
    [("airport", "application", "19"), ("temporary", "application", "20"),
     ("crowd", "application", "31"), ("prohibited", "refused", "19")],
)  # fmt: skip
def test_a_zone_on_the_way_is_found_with_its_leg(ask, db, place, kind, weight, article):
    add_zone(db, kind, box(121.0531, 35.6018, 121.0535, 35.6022))
    _, answer = ask()
    breach = rules(answer)[f"zone_{kind}"]
    assert (breach.weight, breach.legs, breach.article) == (weight, (2,), article)
    assert f"the {kind}" in breach.en


@pytest.mark.parametrize(
    ("floor", "ceiling", "met"),
    [(0, 80, False), (0, 80.1, True), (80, None, True), (80.1, None, False), (60, 100, True)],
)
def test_zones_count_at_the_heights_of_the_flight_only(ask, db, place, floor, ceiling, met):
    add_zone(
        db, "restricted", box(121.0535, 35.6015, 121.0545, 35.6025), floor=floor, ceiling=ceiling
    )
    assert bool(ask()[1].breaches) is met


def test_a_low_zone_at_the_base_is_met_by_climb_and_descent(ask, db, place):
    add_zone(db, "key_site", box(121.0499, 35.5999, 121.0501, 35.6001), ceiling=30.0)
    assert rules(ask()[1])["zone_key_site"].legs == (0, 4)


@pytest.mark.parametrize(
    ("begins", "ends", "met"),
    [
        ("2026-11-24 14:05+08", "2026-11-24 16:00+08", True),
        ("2026-11-24 12:00+08", "2026-11-24 14:00+08", False),
        ("2026-11-24 14:10+08", "2026-11-24 16:00+08", False),
        ("2026-11-24 13:00+08", "2026-11-24 14:00:01+08", True),
    ],
)
def test_temporary_control_counts_while_it_is_valid(ask, db, place, begins, ends, met):
    add_zone(db, "temporary", box(121.0535, 35.6015, 121.0545, 35.6025), begins=begins, ends=ends)
    assert bool(ask()[1].breaches) is met


@pytest.mark.parametrize(("kind", "away_m", "met"), [
    ("crowd", 45, True), ("crowd", 55, False), ("military", 8, True), ("military", 12, False),
])  # fmt: skip
def test_crowds_are_kept_away_from_further_than_other_zones(ask, db, place, kind, away_m, met):
    south = 35.602 + away_m / 110_950
    add_zone(db, kind, box(121.053, south, 121.055, south + 0.001))
    assert bool(ask()[1].breaches) is met


def test_zones_of_another_jurisdiction_do_not_count(ask, db, place):
    add_zone(db, "prohibited", box(121.0535, 35.6015, 121.0545, 35.6025))
    other = db.execute(text(
        "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) SELECT 'O', "
        "'乙', 'Other', geom, metric_srid, time_zone FROM jurisdiction WHERE code = 'T' "
        "RETURNING jurisdiction_id"
    )).scalar_one()  # fmt: skip
    db.execute(text("UPDATE feed SET jurisdiction_id = :n"), {"n": other})
    drone = db.execute(text("SELECT drone_id FROM drone")).scalar_one()
    assert ask(drone=drone)[1].may_fly


@pytest.mark.parametrize(
    ("changes", "rule", "weight"),
    [
        ({"network_relay": True}, "relay", "application"),
        ({"size_class": "medium"}, "size", "application"),
        ({"registration_no": None}, "not_registered", "refused"),
        ({"size_class": "micro"}, "micro_above_50", "refused"),
    ],
)
def test_the_aircraft_itself_may_need_an_application(ask, db, place, changes, rule, weight):
    answer = ask(drone=add_drone(db, "U2", **changes))[1]
    assert {name: one.weight for name, one in rules(answer).items()} == {rule: weight}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"together": 2}, "together"),
        ({"wind_m_s": 11.0}, "wind"),
        ({"duration_s": 1900.0}, "endurance"),
    ],
)
def test_the_manner_of_flying_is_held_to_rules_too(ask, changes, rule):
    assert set(rules(ask(**changes)[1])) == {rule}


def test_too_late_is_refused_unless_it_is_an_emergency(ask):
    late = datetime(2026, 11, 23, 12, 1, tzinfo=SHANGHAI)
    assert "too_late" in rules(ask(now=late, together=2)[1])
    answer = ask(now=late, together=2, emergency=True)[1]
    assert "too_late" not in rules(answer)
    assert answer.due_at == TAKES_OFF - timedelta(minutes=30)


@given(
    moment=st.integers(1_704_067_200, 1_893_456_000),
    zone=st.sampled_from(["Asia/Shanghai", "America/Chicago", "Asia/Urumqi", "UTC"]),
)
def test_the_deadline_is_noon_of_the_local_day_before(moment, zone):
    local = ZoneInfo(zone)
    takes_off = datetime.fromtimestamp(moment, UTC)
    due = application_due(takes_off, zone=local, emergency=False)
    assert (due.hour, due.minute) == (12, 0)
    assert takes_off.astimezone(local).date() - due.date() == timedelta(days=1)
    assert due < takes_off


def test_an_approval_lifts_what_needs_one_for_its_time_only(ask, db, place):
    add_zone(db, "restricted", box(121.0535, 35.6015, 121.0545, 35.6025))
    route, answer = ask()
    number = write_application(
        db, route_id=route.route_id, takes_off_at=TAKES_OFF, lands_at=TAKES_OFF + timedelta(hours=1),
        due_at=answer.due_at, emergency=False, items={}, reasons=[],
    )  # fmt: skip
    craft, late = read_drone(db, route.drone_id), datetime(2026, 11, 24, 9, tzinfo=SHANGHAI)

    def again(begins=TAKES_OFF):
        flying = Flying(begins, 600.0)
        return check_flight(db, route, craft, flying, zone=SHANGHAI, now=late)

    assert "too_late" in rules(again())
    decide_application(db, number, status="sent")
    assert (again().may_fly, "too_late" in rules(again())) == (False, False)
    decide_application(db, number, status="approved", approval_no="A-7")
    assert (again().may_fly, again().approval_no) == (True, "A-7")
    assert not again(TAKES_OFF + timedelta(minutes=55)).may_fly
    with pytest.raises(ConflictError, match="is approved"):
        decide_application(db, number, status="refused")


def test_an_approval_does_not_open_a_prohibited_area(ask, db, place):
    add_zone(db, "prohibited", box(121.0535, 35.6015, 121.0545, 35.6025))
    route, _ = ask()
    number = write_application(
        db, route_id=route.route_id, takes_off_at=TAKES_OFF, lands_at=TAKES_OFF + timedelta(hours=1),
        due_at=NOW, emergency=False, items={}, reasons=[],
    )  # fmt: skip
    decide_application(db, number, status="approved", approval_no="A-8")
    flying = Flying(TAKES_OFF, 600.0)
    drone = read_drone(db, route.drone_id)
    assert not check_flight(db, route, drone, flying, zone=SHANGHAI, now=NOW).may_fly


def test_approvals_have_numbers_and_missions_with_applications_stay(ask, db, place):
    route, _ = ask()
    number = write_application(
        db, route_id=route.route_id, takes_off_at=TAKES_OFF, lands_at=TAKES_OFF + timedelta(hours=1),
        due_at=NOW, emergency=False, items={}, reasons=[],
    )  # fmt: skip
    with pytest.raises(InputError, match="approval-no"):
        decide_application(db, number, status="approved")
    with pytest.raises(ConflictError, match="another name"):
        write_mission_routes(db, [route], code_version="test")
    with pytest.raises(NotFoundError):
        decide_application(db, 999_999, status="sent")
    with pytest.raises(NotFoundError):
        read_route(db, 999_999)
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(text("UPDATE flight_application SET status = 'approved'"))


def test_an_application_has_the_thirteen_items_in_both_languages(ask, db, place):
    route, answer = ask(together=2)
    drone = read_drone(db, route.drone_id)
    items = application_items(
        route=route.points, craft=drone.craft, flying=Flying(TAKES_OFF, 600.0, together=2),
        purpose=("巡查", "patrol <1>"), speed_m_s=10.0, zone=SHANGHAI, operator="Unit & Co",
        registration_no="UAS1", ground=answer.ground,
    )  # fmt: skip
    assert len(items) == len(ITEMS) == 13
    assert "2026-11-24 14:00" in items["times"]["en"]
    page = application_html(items, answer, zone=SHANGHAI, lang="both")
    assert "2026-11-23 12:00" in page
    assert "集群" in page
    assert "Unit &amp; Co" in page
    assert "<1>" not in page
    assert "飞行" not in application_html(items, answer, zone=SHANGHAI, lang="en")


def test_a_planned_sweep_flies_around_the_zones_that_the_check_knows(db, place):
    add_zone(db, "crowd", box(121.0535, 35.6015, 121.0545, 35.6025))
    add_zone(db, "airport", box(121.05, 35.60, 121.06, 35.61), floor=100.0)
    request = MissionRequest(place, 4549, "s", TAKES_OFF, wind=Wind(3.0, 90.0))
    area = box(121.0505, 35.6002, 121.0575, 35.6048)
    numbers, plan = plan_area_mission(db, request, area, params=SweepParams(), code_version="test")
    assert plan.covered > 0.995
    drone = read_drones(db, place)[0]
    for number in numbers:
        route = read_route(db, number)
        flying = Flying(TAKES_OFF, route.duration_s)
        answer = check_flight(db, route, drone, flying, zone=SHANGHAI, now=NOW)
        assert answer.breaches == ()
        mission = flight_mission(
            route.points, route.camera_on, name="s", speed_m_s=8.0, trigger_m=30.0
        )
        assert check_mission(mission) == []


def test_too_few_drones_are_said_to_be_too_few(db, place):
    request = MissionRequest(place, 4549, "s", TAKES_OFF, drones=2)
    with pytest.raises(NotFoundError, match="2 drones are asked for and 1"):
        plan_area_mission(
            db, request, box(121.05, 35.6, 121.06, 35.61), params=SweepParams(), code_version="t"
        )


# Terrain: a ramp of 100 m a hundredth of a degree to the east, with a gap in one corner.
RAMP = Terrain(
    np.repeat(np.arange(0.0, 1100.0, 10.0)[None], 30, axis=0), 121.0, 35.614, 0.001, 0.001
)


def test_true_height_is_measured_between_corners_too(ask):
    hill = np.zeros((30, 110))
    hill[:, 54] = 60.0
    terrain = Terrain(hill, 121.0, 35.614, 0.001, 0.001)
    _, answer = ask(terrain=terrain, height=50.0)
    assert rules(answer)["into_ground"].legs == (2, 3)
    valley = Terrain(60.0 - hill, 121.0, 35.614, 0.001, 0.001)
    _, answer = ask(terrain=valley, height=100.0)
    assert 2 in rules(answer)["above_120"].legs
    assert "rest on the terrain" in answer.ground[1]


def test_heights_over_a_slope_are_given_above_take_off():
    points = np.array([(121.01, 35.6, 50.0), (121.02, 35.6, 50.0), (121.01, 35.6, 50.0)])
    mission = flight_mission(points, np.zeros(2, bool), name="m", speed_m_s=9.0, terrain=RAMP)
    assert [i.height_m for i in mission.places()] == pytest.approx([50.0, 150.0])
    assert mission.home[2] == pytest.approx(100.0)
    (leg, _) = true_heights(points, RAMP)
    np.testing.assert_allclose(leg[:, 2], 50.0, atol=1e-6)


def test_terrain_that_does_not_cover_the_route_is_refused():
    with pytest.raises(InputError, match="no height at longitude 122"):
        true_heights(np.array([(122.0, 35.6, 50.0), (121.02, 35.6, 50.0)]), RAMP)


def test_an_ascii_grid_is_read_with_its_gaps(tmp_path):
    file = tmp_path / "a.asc"
    file.write_text(
        "ncols 3\nnrows 2\nxllcorner 121.0\nyllcorner 35.0\ncellsize 0.5\nNODATA_value -9999\n"
        "1 2 3\n4 5 -9999\n"
    )
    terrain = read_terrain(file)
    found = terrain.at(np.array([121.25, 121.5]), np.array([35.75, 35.5]))
    np.testing.assert_allclose(found, [1.0, 3.0])
    with pytest.raises(InputError):
        terrain.at(np.array([122.2]), np.array([35.2]))
    file.write_text("ncols 3\nnrows 2\n1 2 3\n")
    with pytest.raises(FormatError, match=r"a\.asc"):
        read_terrain(file)


@pytest.mark.parametrize(("epsg", "ok"), [(4326, True), (4490, True), (3857, False)])
def test_a_geotiff_is_read_if_it_is_in_degrees(tmp_path, epsg, ok):
    from PIL import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags.tagtype |= {33550: 12, 33922: 12, 34735: 3}
    tags[33550], tags[33922] = (0.01, 0.01, 0.0), (0.0, 0.0, 0.0, 121.0, 36.0, 0.0)
    kind = (1024, 0, 1, 2) if ok else (1024, 0, 1, 1)
    tags[34735] = (1, 1, 0, 3, *kind, 1025, 0, 1, 1, 2048 if ok else 3072, 0, 1, epsg)
    heights = np.arange(12, dtype=np.float32).reshape(3, 4)
    Image.fromarray(heights).save(tmp_path / "a.tif", tiffinfo=tags)
    if not ok:
        with pytest.raises(CrsError, match="gdalwarp"):
            read_terrain(tmp_path / "a.tif")
        return
    terrain = read_terrain(tmp_path / "a.tif")
    assert terrain.at(np.array([121.005]), np.array([35.995]))[0] == pytest.approx(0.0)
    assert terrain.at(np.array([121.035]), np.array([35.975]))[0] == pytest.approx(11.0)


def test_runs_of_legs_are_shortened():
    assert spans((1, 2, 3, 7, 9, 10)) == "1-3, 7, 9-10"
