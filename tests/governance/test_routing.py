"""The routing table is edited, proposes with a reason, and shows where it is objected to."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from geo.errors import InputError, NotFoundError
from governance.case_store import move_case, open_case
from governance.cases.steps import Step
from governance.intake.proposals import list_routes, propose_route
from governance.intake.routing import (
    NewRule,
    list_departments,
    list_objections,
    list_rules,
    remove_rule,
    write_department,
    write_rule,
)

pytestmark = pytest.mark.db
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_rule_of_the_same_class_and_area_is_written_over(db: Connection, place) -> None:
    write_department(db, place.jurisdiction, code="a", name="甲", name_en="A", level="street")
    write_department(db, place.jurisdiction, code="a", name="甲所", name_en="A", level="street")
    rule = NewRule("a", "t", "0102", "grid", level="community", basis="条例")
    first = write_rule(db, place.jurisdiction, rule)
    assert write_rule(db, place.jurisdiction, rule) == first
    (row,) = list_rules(db, place.jurisdiction)
    assert (row.category_code, row.area_code, row.department, row.level) == (
        "0102", "grid", "甲所", "community",
    )  # fmt: skip
    route = propose_route(db, place.jurisdiction, category_id=place.category,
                          area_id=place.areas["grid"])  # fmt: skip
    assert (route.name, route.level) == ("甲所", "community")
    assert route.reason_zh == "grid“暴露垃圾”由甲所负责（条例）"
    assert route.reason_en == "A is responsible for Exposed rubbish in grid (条例)"
    remove_rule(db, place.jurisdiction, first)
    assert list_rules(db, place.jurisdiction) == []
    with pytest.raises(NotFoundError, match=f"there is no rule {first}"):
        remove_rule(db, place.jurisdiction, first)


def test_alternatives_are_the_next_departments_and_none_twice(db: Connection, place) -> None:
    for code in ("a", "b"):
        write_department(db, place.jurisdiction, code=code, name=code, name_en=code, level="street")
    write_rule(db, place.jurisdiction, NewRule("a", "t", "0102", "grid"))
    write_rule(db, place.jurisdiction, NewRule("a", "t", "0102"))
    write_rule(db, place.jurisdiction, NewRule("b"))
    asked = {"category_id": place.category, "area_id": place.areas["grid"]}
    assert [r.name for r in list_routes(db, place.jurisdiction, **asked)] == ["a", "b"]
    other = {"category_id": None, "area_id": None}
    assert [r.name for r in list_routes(db, place.jurisdiction, **other)] == ["b"]


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (NewRule("nobody"), NotFoundError, "no department 'nobody'; there are env"),
        (NewRule("env", "t"), InputError, "both the scheme and the code"),
        (NewRule("env", "t", "9999"), NotFoundError, "no class 9999"),
        (NewRule("env", area="x"), NotFoundError, "no area with the code x"),
        (NewRule("env", level="moon"), InputError, "'moon' is no level"),
    ],
)
def test_rule_that_names_nothing_is_refused(db, place, rule, error, message) -> None:
    with pytest.raises(error, match=message):
        write_rule(db, place.jurisdiction, rule)


def test_department_needs_names_and_a_level(db: Connection, place) -> None:
    with pytest.raises(InputError, match="'x' is no level"):
        write_department(db, place.jurisdiction, code="a", name="a", name_en="a", level="x")
    with pytest.raises(InputError, match="a name in English"):
        write_department(db, place.jurisdiction, code="a", name="a", name_en=" ", level="grid")
    assert [row.code for row in list_departments(db, place.jurisdiction)] == ["env"]


def test_objections_are_counted_by_class_and_department(db: Connection, place, clock) -> None:
    for objects in (True, False, True):
        first = Step("report", "desk", NOON, uuid4(), category_id=place.category)
        case = open_case(db, jurisdiction_id=place.jurisdiction, words="w", lon=116.4, lat=39.9,
                         area_id=None, step=first, clock=clock)  # fmt: skip
        actions = ["accept", "dispatch", "receive", *(["object"] if objects else ["start"])]
        for number, action in enumerate(actions):
            given = {"department_id": place.department} if action == "dispatch" else {}
            step = Step(action, "x", NOON + timedelta(hours=number), uuid4(), reason="r", **given)
            move_case(db, case.case_id, step, clock=clock)
    (row,) = list_objections(db, place.jurisdiction)
    assert (row.code, row.department, row.dispatched, row.objected) == ("0102", "环卫所", 3, 2)
