"""From a stored plan, units and roads to stored routes, GeoJSON and GPX, on a real PostGIS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import gpxpy
import pytest
from shapely.geometry import Point, box
from sqlalchemy import text

from geo.errors import InputError, NotFoundError
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.balance import BalanceParams
from patrol.routes.check import check_routes
from patrol.routes.draft import ShiftParams, draft_routes
from patrol.routes.exports import routes_geojson, routes_gpx
from patrol.routes.store import read_newest_routes, read_routes, read_units, write_routes
from web.commands.routes import describe
from web.maps.layers import MapLayers
from web.maps.payloads import layer_payload
from web.route_map import drawn_routes
from web.subject import read_about

START = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
SHIFT = ShiftParams(START, START + timedelta(hours=8), iterations=300)
WEST, SOUTH, STEP = 120.0, 31.0, 0.004


def cell(i, j):
    return box(WEST + STEP * i, SOUTH + STEP * j, WEST + STEP * (i + 1), SOUTH + STEP * (j + 1))


@pytest.fixture
def town(db):
    """Give a jurisdiction of 4 x 4 grids with streets on their borders, two cars and a team."""
    one = lambda statement, **values: db.execute(text(statement), values).scalar_one()  # noqa: E731
    number = one(
        "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone, simulated) "
        "VALUES ('T', '测试区', 'Test', ST_Multi(ST_MakeEnvelope(120, 31, 120.016, 31.016, 4326)), "
        "4549, 'Asia/Shanghai', true) RETURNING jurisdiction_id"
    )
    feed = one(
        "INSERT INTO feed (jurisdiction_id, source) VALUES (:n, 't') RETURNING feed_id", n=number
    )
    areas = {}
    for i in range(4):
        for j in range(4):
            areas[i, j] = one(
                "INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, level, "
                "grid_kind, code, name, geom) VALUES (:n, :f, :c, 0, 'grid', 'basic', :c, :c, "
                "ST_Multi(ST_GeomFromText(:g, 4326))) RETURNING area_id",
                n=number, f=feed, c=f"g{i}{j}", g=cell(i, j).wkt,
            )  # fmt: skip
    for k in range(5):
        for name, line in (
            (f"e{k}", [(WEST, SOUTH + STEP * k), (WEST + 4 * STEP, SOUTH + STEP * k)]),
            (f"n{k}", [(WEST + STEP * k, SOUTH), (WEST + STEP * k, SOUTH + 4 * STEP)]),
        ):
            wkt = "LINESTRING(" + ", ".join(f"{x} {y}" for x, y in line) + ")"
            one(
                "INSERT INTO road (feed_id, source_ref, content_hash, kind, geom) VALUES "
                "(:f, :r, 0, 'residential', ST_GeomFromText(:g, 4326)) RETURNING road_id",
                f=feed, r=name, g=wkt,
            )  # fmt: skip
    one(
        "INSERT INTO station (feed_id, source_ref, content_hash, kind, name, geom) VALUES (:f, 's', "
        "0, 'police', '派出所', ST_SetSRID(ST_MakePoint(120.008, 31.008), 4326)) RETURNING station_id",
        f=feed,
    )
    for ref, kind in (("c1", "vehicle"), ("c2", "vehicle"), ("t1", "foot"), ("d1", "drone")):
        one(
            "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name, home_station) VALUES "
            "(:f, :r, 0, :k, :r, 's') RETURNING unit_id", f=feed, r=ref, k=kind,
        )  # fmt: skip
    items = gpd.GeoDataFrame(
        {
            "area_id": list(areas.values()), "code": [f"g{i}{j}" for i, j in areas],
            "name": "网格", "hours": [1.0] * 15 + [0.0], "reason_zh": "达下限",
            "reason_en": "floor met",
        },
        geometry=[cell(i, j) for i, j in areas], crs=4326,
    )  # fmt: skip
    return number, items


def drafted(db, number, visits, *, params=SHIFT, balance=None):
    units = read_units(db, number, starts_at=params.starts_at, ends_at=params.ends_at)
    return draft_routes(db, number, visits, units, params=params, srid=4549, balance=balance)


class TestVisits:
    def test_hours_become_visits_of_a_dwell_each_and_none_become_none(self, town):
        visits = visits_of_plan(town[1], params=VisitParams(dwell_min=20, most=3))
        assert len(visits) == 45
        assert visits["stop_ref"].is_unique
        assert visits["prize"].sum() == pytest.approx(15 * 60)
        assert "g33/1" not in set(visits["stop_ref"])

    def test_the_hottest_cells_of_a_grid_are_visited_first(self, town):
        hot = gpd.GeoDataFrame(
            {"score": [2.0, 5.0, -4.0]},
            geometry=[Point(120.001, 31.001).buffer(1e-4), Point(120.003, 31.003).buffer(1e-4),
                      Point(120.002, 31.002).buffer(1e-4)], crs=4326,
        )  # fmt: skip
        visits = visits_of_plan(town[1], params=VisitParams(most=3), hotspots=hot)
        mine = visits[visits["stop_ref"].str.startswith("g00/")]
        assert [round(p.x, 3) for p in mine.geometry[:2]] == [120.003, 120.001]
        assert "z=5.0" in mine["reason_en"].iloc[0]
        assert "热点" in mine["reason_zh"].iloc[0]
        assert "z=" not in mine["reason_en"].iloc[2]

    def test_a_visit_without_length_is_refused(self):
        with pytest.raises(InputError, match="0 to 480"):
            VisitParams(dwell_min=0)


@pytest.mark.db
class TestStoredRoutes:
    def test_routes_are_stored_along_roads_with_times_and_reasons(self, db, town):
        number, items = town
        visits = visits_of_plan(items, params=VisitParams())
        made = drafted(db, number, visits, balance=BalanceParams())
        assert made.plan.routes.on_roads
        assert check_routes(made.plan.problem, made.plan.routes) == []
        run = write_routes(db, made, jurisdiction_id=number, plan_id=None, code_version="1")
        stored = read_routes(db, run)
        assert set(stored.routes["unit"]) == {"c1", "c2", "t1"}  # the drone flies its own missions
        work = stored.stops[stored.stops["stop_ref"] != "rest"]
        assert set(work["stop_ref"]) == set(visits["stop_ref"]) - {
            visits["stop_ref"].iloc[v] for v in made.plan.routes.left_out
        }
        assert (work["leave_at"] - work["start_at"] >= timedelta(minutes=15)).all()
        assert (stored.stops["start_at"] >= SHIFT.starts_at).all()
        assert (stored.stops["leave_at"] <= SHIFT.ends_at).all()
        assert work["reason_zh"].str.contains("达下限").all()
        drawn = stored.routes.to_crs(4549).length.to_numpy()
        assert drawn == pytest.approx(stored.routes["travel_m"].to_numpy(), abs=5.0)
        words = "\n".join(describe(stored, made, read_about(db, "T")))
        assert "along roads 沿道路" in words
        assert "08:00" in words

    def test_the_same_seed_gives_the_same_routes(self, db, town):
        visits = visits_of_plan(town[1], params=VisitParams())
        first, second = (drafted(db, town[0], visits).plan.routes for _ in range(2))
        assert first == second

    def test_without_roads_the_result_says_that_ways_are_straight(self, db, town):
        db.execute(text("DELETE FROM road"))
        made = drafted(db, town[0], visits_of_plan(town[1], params=VisitParams()))
        number = write_routes(db, made, jurisdiction_id=town[0], plan_id=None, code_version="1")
        assert read_routes(db, number).run["on_roads"] is False
        assert "NO ROADS" in "\n".join(describe(read_routes(db, number), made, read_about(db, "T")))

    def test_only_units_on_duty_are_sent_where_there_is_a_calendar(self, db, town):
        db.execute(
            text("INSERT INTO shift (unit_id, starts_at, ends_at) SELECT unit_id, :a, :b FROM unit "
                 "WHERE name = 'c1'"), {"a": SHIFT.starts_at, "b": SHIFT.ends_at},
        )  # fmt: skip
        units = read_units(db, town[0], starts_at=SHIFT.starts_at, ends_at=SHIFT.ends_at)
        assert units["name"].tolist() == ["c1"]

    def test_a_must_that_no_road_reaches_is_named(self, db, town):
        visits = visits_of_plan(town[1], params=VisitParams()).assign(must=False)
        visits.loc[0, "must"] = True
        visits.loc[0, "geometry"] = Point(121.0, 31.0)
        with pytest.raises(InputError, match=r"stop g00/1 must be visited: no road"):
            drafted(db, town[0], visits)

    def test_a_visit_that_no_road_reaches_is_left_out_and_named(self, db, town):
        visits = visits_of_plan(town[1], params=VisitParams())
        visits.loc[0, "geometry"] = Point(121.0, 31.0)
        assert drafted(db, town[0], visits).unplaced == ("g00/1",)

    def test_exports_hold_ways_visits_and_times(self, db, town):
        made = drafted(db, town[0], visits_of_plan(town[1], params=VisitParams()))
        write_routes(db, made, jurisdiction_id=town[0], plan_id=None, code_version="1")
        stored = read_newest_routes(db, town[0])
        features = json.loads(routes_geojson(stored))["features"]
        kinds = [feature["properties"]["kind"] for feature in features]
        assert kinds.count("route") == 3
        assert kinds.count("stop") == len(stored.stops)
        west, south = features[0]["geometry"]["coordinates"][0]
        assert 119 < west < 121
        assert 30 < south < 32
        gpx = gpxpy.parse(routes_gpx(stored))
        assert [len(route.points) for route in gpx.routes] == stored.stops.groupby(
            "route_id"
        ).size().tolist()
        assert gpx.routes[0].points[0].time == stored.stops["start_at"].iloc[0]
        assert gpx.tracks[0].length_2d() == pytest.approx(
            stored.routes["travel_m"].iloc[0], rel=0.01
        )

    def test_a_map_shows_ways_and_numbered_visits_in_local_time(self, db, town):
        made = drafted(db, town[0], visits_of_plan(town[1], params=VisitParams()))
        write_routes(db, made, jurisdiction_id=town[0], plan_id=None, code_version="1")
        frame = drawn_routes(read_newest_routes(db, town[0]), "Asia/Shanghai")
        payload = layer_payload("routes", MapLayers(routes=frame).present()["routes"], lang="both")
        assert payload["signs"].count("") == 3
        assert payload["signs"].count("1") == 3
        assert len({tuple(row) for row in payload["rows"]}) == len(frame)
        assert frame["times"].min() >= "08:00"

    def test_nothing_stored_and_nobody_to_send_are_said(self, db, town):
        with pytest.raises(NotFoundError, match="gridbeat routes"):
            read_newest_routes(db, town[0])
        db.execute(text("DELETE FROM unit"))
        with pytest.raises(NotFoundError, match="units with a base"):
            drafted(db, town[0], visits_of_plan(town[1], params=VisitParams()))


def test_a_shift_needs_its_time_zone_and_an_end_after_its_begin():
    with pytest.raises(InputError, match="time zone"):
        ShiftParams(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001
    with pytest.raises(InputError, match="ends after"):
        replace(SHIFT, ends_at=SHIFT.starts_at)
