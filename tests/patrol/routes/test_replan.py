"""Stored routes planned anew: what was done stays, units go on from where they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from geo.errors import InputError
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.check import check_routes
from patrol.routes.replan import NewIncident, replan_stored
from patrol.routes.search import SearchParams
from patrol.routes.store import REST, read_routes, write_routes
from tests.patrol.routes.test_route_store import SHIFT, START, drafted, town  # noqa: F401

pytestmark = pytest.mark.db
QUICK = SearchParams(iterations=300, hot=0.05, chains=1)
HERE = NewIncident("incident 1", 120.0081, 31.0079, within_s=1800.0)


@pytest.fixture
def stored(db, town):  # noqa: F811
    number, items = town
    made = drafted(db, number, visits_of_plan(items, params=VisitParams()))
    return read_routes(
        db, write_routes(db, made, jurisdiction_id=number, plan_id=None, code_version="1")
    )


def test_an_incident_is_reached_and_what_was_begun_is_not_visited_again(db, stored):
    now = START + timedelta(hours=1)
    again = replan_stored(db, stored, [HERE], now=now, srid=4549, search=QUICK)
    plan = again.routes.plan
    assert check_routes(plan.problem, plan.routes) == []
    assert again.missed == ()
    work = stored.stops[stored.stops["stop_ref"] != REST]
    begun = set(work[work["start_at"] <= now]["stop_ref"])
    assert again.done == len(begun)
    number = write_routes(
        db, again.routes, jurisdiction_id=stored.run["jurisdiction_id"], plan_id=None,
        code_version="1", parent_run_id=stored.run["route_run_id"],
    )  # fmt: skip
    new = read_routes(db, number)
    assert new.run["parent_run_id"] == stored.run["route_run_id"]
    assert not begun & set(new.stops["stop_ref"])
    reached = new.stops[new.stops["stop_ref"] == "incident 1"].iloc[0]
    assert now <= reached["start_at"] <= now + timedelta(seconds=1800)
    assert reached["must"]
    assert (new.stops["arrive_at"] >= now).all()
    assert (new.stops["leave_at"] <= SHIFT.ends_at).all()
    rests = new.stops[new.stops["stop_ref"] == REST]
    assert rests["unit"].is_unique  # nobody rests twice


def test_a_unit_goes_on_from_where_its_track_says(db, stored):
    begins = stored.stops.groupby("unit")["start_at"].min()
    name = begins.idxmax()  # on its way still while the track is read
    now = begins[name].to_pydatetime() - timedelta(seconds=1)
    assert now >= START
    unit = db.execute(
        text("SELECT unit_id FROM unit WHERE name = :name"), {"name": name}
    ).scalar_one()
    device = db.execute(
        text("INSERT INTO track_device (jurisdiction_id, device_ref, source, unit_id, sight_m) "
             "VALUES (:place, 'car', 'vehicle', :unit, 30) RETURNING track_device_id"),
        {"place": stored.run["jurisdiction_id"], "unit": unit},
    ).scalar_one()  # fmt: skip
    db.execute(
        text("INSERT INTO track_segment (track_device_id, jurisdiction_id, source, starts_at, "
             "ends_at, n_points, length_m, geom) VALUES (:device, :place, 'vehicle', :a, :b, 2, 9, "
             "ST_GeomFromText('LINESTRINGM(120.001 31.001 0, 120.0121 31.0119 9)', 4326))"),
        {"device": device, "place": stored.run["jurisdiction_id"],
         "a": now - timedelta(minutes=4), "b": now - timedelta(minutes=1)},
    )  # fmt: skip
    again = replan_stored(db, stored, [], now=now, srid=4549, search=QUICK)
    assert again.tracked == 1
    plan, n = again.routes.plan, again.routes.plan.problem.n_stops
    row = again.routes.units["unit_id"].tolist().index(unit)
    here = plan.travel.xy[n + plan.problem.units[row].start]
    lon, lat = db.execute(
        text("SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(ST_SetSRID(ST_MakePoint(:x, :y), "
             "4549), 4326) AS p) q"),
        {"x": float(here[0]), "y": float(here[1])},
    ).one()  # fmt: skip
    assert (lon, lat) == pytest.approx((120.0121, 31.0119), abs=1e-6)
    later = now + timedelta(minutes=20)  # by then the position is old
    assert replan_stored(db, stored, [], now=later, srid=4549, search=QUICK).tracked == 0


def test_what_nobody_reaches_is_said_and_a_time_outside_the_shift_refused(db, stored):
    soon = NewIncident("far", 120.0081, 31.0079, within_s=0.01)
    again = replan_stored(db, stored, [soon], now=START + timedelta(hours=1), srid=4549,
                          search=QUICK)  # fmt: skip
    assert again.missed == ("far",)
    with pytest.raises(InputError, match="not within the shift"):
        replan_stored(db, stored, [HERE], now=START - timedelta(hours=1), srid=4549)
