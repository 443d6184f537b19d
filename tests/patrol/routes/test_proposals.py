"""Routes planned anew: what they change for whom, and who puts them into force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from geo.errors import ConflictError, NotFoundError
from patrol.planning.states import Act
from patrol.routes.assignments import VisitParams, visits_of_plan
from patrol.routes.proposals import HOLDS, compare_routes, confirm_routes
from patrol.routes.replan import NewIncident, replan_stored
from patrol.routes.search import SearchParams
from patrol.routes.store import (
    REST,
    read_newest_routes,
    read_routes,
    read_standing_routes,
    write_routes,
)
from tests.patrol.routes.test_route_store import START, drafted, town  # noqa: F401

pytestmark = pytest.mark.db
QUICK = SearchParams(iterations=300, hot=0.05, chains=1)
HERE = NewIncident("incident 1", 120.0081, 31.0079, within_s=1800.0)
NOW = START + timedelta(hours=1)


@pytest.fixture
def stored(db, town):  # noqa: F811
    number, items = town
    made = drafted(db, number, visits_of_plan(items, params=VisitParams()))
    return read_routes(
        db, write_routes(db, made, jurisdiction_id=number, plan_id=None, code_version="1")
    )


def proposed(db, stored, *, at=NOW, incident=HERE):
    again = replan_stored(db, stored, [incident], now=at, srid=4549, search=QUICK)
    return write_routes(
        db, again.routes, jurisdiction_id=stored.run["jurisdiction_id"], plan_id=None,
        code_version="1", parent_run_id=stored.run["route_run_id"], planned_at=at,
    )  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


def test_a_proposal_changes_nothing_until_a_person_puts_it_into_force(db, stored):
    place = stored.run["jurisdiction_id"]
    number = proposed(db, stored)
    old = stored.run["route_run_id"]
    assert read_standing_routes(db, place, at=NOW).run["route_run_id"] == old
    assert read_newest_routes(db, place).run["route_run_id"] == old
    confirm_routes(db, number, Act("王敏", "fire at the market", now()))
    standing = read_standing_routes(db, place, at=NOW).run
    assert (standing["route_run_id"], standing["confirmed_by"]) == (number, "王敏")
    assert standing["confirmed_why"] == "fire at the market"
    with pytest.raises(ConflictError, match="in force already"):
        confirm_routes(db, number, Act("王敏", "again", now()))


def test_of_two_proposals_one_alone_comes_into_force(db, stored):
    first, second = proposed(db, stored), proposed(db, stored)
    confirm_routes(db, first, Act("王敏", "fire", now()))
    with pytest.raises(ConflictError, match=f"replaced by routes {first} meanwhile"):
        confirm_routes(db, second, Act("李强", "fire too", now()))


def test_an_old_proposal_is_refused_since_units_are_elsewhere(db, stored):
    number = proposed(db, stored)
    with pytest.raises(ConflictError, match="planned more than 10 minutes ago"):
        confirm_routes(db, number, Act("王敏", "late", now() + HOLDS + timedelta(minutes=1)))


def test_routes_that_replace_none_are_confirmed_by_nobody(db, stored):
    with pytest.raises(ConflictError, match="in force already"):
        confirm_routes(db, stored.run["route_run_id"], Act("王敏", "why", now()))
    with pytest.raises(NotFoundError):
        confirm_routes(db, 2**40, Act("王敏", "why", now()))


def test_what_each_unit_drops_gives_and_gets_adds_up_to_the_new_routes(db, stored):
    new = read_routes(db, proposed(db, stored))
    changes = compare_routes(stored, new, at=NOW)
    assert [one.unit for one in changes] == new.routes["unit"].tolist()
    begun = stored.stops[(stored.stops["stop_ref"] != REST) & (stored.stops["start_at"] <= NOW)]
    for one in changes:
        had = [visit["stop_ref"] for visit in one.before]
        has = [visit["stop_ref"] for visit in one.after]
        assert not set(had) & set(begun["stop_ref"])
        kept = [ref for ref in had if ref not in one.dropped and ref not in one.given]
        assert sorted(has) == sorted([*kept, *one.gets])
    given = {ref: to for one in changes for ref, to in one.given.items()}
    gets = {ref: one.unit for one in changes for ref in one.gets}
    assert gets == given | {"incident 1": gets["incident 1"]}
    dropped = {ref for one in changes for ref in one.dropped}
    assert not dropped & set(new.stops["stop_ref"])


def test_a_unit_whose_visits_are_made_starts_from_its_base_and_not_from_its_last_visit(db, stored):
    late = stored.routes["ends_at"].max() + timedelta(minutes=5)
    far = NewIncident("incident 1", 120.0081, 31.0079, within_s=1e4, must=False, prize=0.0)
    new = read_routes(db, proposed(db, stored, at=late.to_pydatetime(), incident=far))
    idle = set(new.routes["unit"]) - set(new.stops["unit"])
    assert idle
    for unit in idle:
        way = new.routes[new.routes["unit"] == unit].iloc[0]
        assert way["travel_m"] == pytest.approx(0, abs=1)


def test_the_web_service_may_put_a_proposal_into_force_and_change_nothing_else_of_it(db):
    allowed = db.execute(
        text("SELECT column_name FROM information_schema.columns WHERE table_name = 'route_run' "
             "AND has_column_privilege('gridbeat_web', 'route_run', column_name, 'UPDATE')")
    ).scalars()  # fmt: skip
    assert set(allowed) == {"is_proposal", "confirmed_by", "confirmed_why", "confirmed_at"}
