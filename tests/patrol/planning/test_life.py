"""A plan lives by its steps: versions stay, one is published a day, and nothing is skipped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from shapely.geometry import Point
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, InputError
from patrol.models import PlanRule, PlanStep
from patrol.planning.done import compare_done
from patrol.planning.edits import Edit
from patrol.planning.states import RULES, STATUSES, Act, next_status
from patrol.planning.steps import (
    approve_plan,
    publish_plan,
    read_head,
    read_steps,
    withdraw_plan,
    write_step,
)
from patrol.planning.store import (
    find_before,
    find_in_force,
    list_plans,
    read_desk,
    read_done,
    read_edits,
    read_marks,
    write_done,
    write_version,
)
from patrol.store import read_plan, write_plan

pytestmark = pytest.mark.db
NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
WANG = Act("王敏", "as the forecast says", NOW)


@pytest.fixture
def plan_id(db, jurisdiction_id, draft):
    return write_plan(db, draft, jurisdiction_id=jurisdiction_id)


def status(db, plan_id):
    return read_head(db, plan_id)["status"]


def test_the_rules_in_the_code_are_those_in_the_database(db):
    kept = set(db.execute(select(PlanRule.action, PlanRule.from_status, PlanRule.to_status)))
    assert kept == {(a, before, after) for a, rules in RULES.items() for before, after in rules}


def test_every_step_that_is_no_rule_is_refused_by_the_code_and_by_the_database(db, plan_id):
    for action, rules in RULES.items():
        for before in STATUSES:
            if before not in {rule[0] for rule in rules}:
                with pytest.raises(ConflictError, match=f"plan 7 is {before}; only "):
                    next_status(before, action, plan_id=7)
    for action in ("publish", "execute", "compare"):
        step = {"plan_id": plan_id, "seq": 2, "action": action, "from_status": "draft",
                "to_status": RULES[action][0][1], "actor": "a", "reason": "b", "at": NOW}  # fmt: skip
        with pytest.raises(DBAPIError, match="is not allowed"), db.begin_nested():
            db.execute(insert(PlanStep).values(step))
    assert status(db, plan_id) == "draft"


def test_a_plan_goes_from_draft_to_compared_and_keeps_who_did_what(db, plan_id, draft):
    approve_plan(db, plan_id, person="王敏", reason="fits", now=NOW)
    assert publish_plan(db, plan_id, WANG) is None
    planned = read_plan(db, plan_id).rows.assign(source="any")
    area = int(planned["area_id"].iloc[0])
    seen = pd.DataFrame({"area_id": [area], "shift_no": [1], "source": ["foot"], "minutes": [45.0]})
    found = compare_done(planned, seen)
    write_done(db, plan_id, found, Act("Gridbeat", "tracks of the day", NOW + timedelta(days=2)))
    assert status(db, plan_id) == "compared"
    assert [step["action"] for step in read_steps(db, plan_id)] == [
        "draft", "approve", "publish", "execute", "compare",
    ]  # fmt: skip
    kept = read_done(db, plan_id).set_index("area_id")["done_min"]
    assert kept[area] == 45.0
    assert kept.isna().sum() == len(planned) - 1
    with pytest.raises(ConflictError, match="is compared; only "):
        withdraw_plan(db, plan_id, WANG)
    write_done(db, plan_id, found, Act("Gridbeat", "more tracks came", NOW + timedelta(days=3)))
    assert len(read_done(db, plan_id)) == len(planned)


def test_an_edit_makes_a_version_with_a_parent_and_the_old_one_stays(db, plan_id):
    desk = read_desk(db, plan_id)
    area = int(desk.items["area_id"].iloc[0])
    edits = [
        Edit("set_minutes", area, 1, "foot", 240, reason="fair tomorrow"),
        Edit("pin_stop", minutes=20, geom=Point(121.5, 31.0), reason="overdue case"),
        Edit("forbid_area", int(desk.items["area_id"].iloc[1]), reason="blasting"),
    ]
    made = write_version(db, desk, edits, WANG)
    head = read_head(db, made)
    assert (head["version"], head["parent_id"], head["status"]) == (2, plan_id, "edited")
    rows = read_plan(db, made).rows.set_index("area_id")
    assert rows.loc[area, "minutes"] == 240
    assert head["hours"] == pytest.approx(rows["minutes"].sum() / 60)
    assert read_plan(db, plan_id).rows["minutes"].equals(desk.plan.rows["minutes"])
    kept = read_edits(db, made)
    before = int(desk.items["minutes"].iloc[0])
    assert [edit["kind"] for edit in kept] == ["set_minutes", "pin_stop", "forbid_area"]
    assert (kept[0]["minutes_before"], kept[0]["minutes"]) == (before, 240)
    assert kept[0]["edited_by"] == "王敏"
    assert set(read_marks(db, made)) == {"v2.2", "v2.3"}
    again = write_version(
        db, read_desk(db, made), [Edit("unpin_stop", mark="v2.2", reason="done")], WANG
    )
    assert set(read_marks(db, again)) == {"v2.3"}
    with pytest.raises(ConflictError, match="version 3 replaced it"):
        write_version(db, desk, edits, WANG)


def test_what_was_written_is_changed_by_nobody(db, plan_id):
    for statement in (
        "UPDATE plan_item SET minutes = 1", "DELETE FROM plan_item",
        "UPDATE plan SET hours = 1", "UPDATE plan SET status = 'published'",
    ):  # fmt: skip
        with pytest.raises(DBAPIError), db.begin_nested():
            db.execute(text(f"{statement} WHERE plan_id = {plan_id}"))
    with pytest.raises(DBAPIError, match="a change makes a new version"), db.begin_nested():
        db.execute(text(
            "INSERT INTO plan_item SELECT plan_id, area_id, minutes, reason, reason_zh, reason_en, "
            f"shift_no, 'drone' FROM plan_item WHERE plan_id = {plan_id}"
        ))  # fmt: skip
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text("UPDATE plan_step SET actor = 'x'"))


def test_publishing_replaces_what_was_published_for_the_day(db, plan_id):
    approve_plan(db, plan_id, person="王敏", reason="ok", now=NOW)
    publish_plan(db, plan_id, WANG)
    desk = read_desk(db, plan_id)
    area = int(desk.items["area_id"].iloc[0])
    second = write_version(db, desk, [Edit("set_minutes", area, 1, "foot", 15, reason="x")], WANG)
    with pytest.raises(ConflictError, match="is edited; only approved plans can be published"):
        publish_plan(db, second, WANG)
    approve_plan(db, second, person="李雷", reason="better", now=NOW)
    assert publish_plan(db, second, replace(WANG, reason="rain")) == plan_id
    assert (status(db, plan_id), status(db, second)) == ("withdrawn", "published")
    assert "replaces it" in read_steps(db, plan_id)[-1]["reason"]


def test_the_database_admits_one_published_plan_a_day(db, jurisdiction_id, draft, plan_id):
    for number in (plan_id, None):
        if number is None:
            other = replace(draft, params=replace(draft.params, explore_share=0.2))
            number = write_plan(db, other, jurisdiction_id=jurisdiction_id)
        approve_plan(db, number, person="a", reason="b", now=NOW)
        if number == plan_id:
            write_step(db, number, "publish", WANG)
    with pytest.raises(ConflictError, match="uq_plan_published"):
        write_step(db, number, "publish", WANG)


def test_yesterdays_plan_stays_in_force_until_another_is_published(
    db, jurisdiction_id, draft, plan_id
):
    today = draft.context.plan_date
    assert find_in_force(db, jurisdiction_id, day=today) is None
    approve_plan(db, plan_id, person="a", reason="b", now=NOW)
    publish_plan(db, plan_id, WANG)
    context = replace(draft.context, plan_date=today + timedelta(days=1))
    tomorrow = write_plan(db, replace(draft, context=context), jurisdiction_id=jurisdiction_id)
    assert find_in_force(db, jurisdiction_id, day=context.plan_date) == plan_id
    assert find_before(db, read_head(db, tomorrow)) == plan_id
    assert find_before(db, read_head(db, plan_id)) is None


def test_plans_are_listed_newest_first_and_by_key(db, jurisdiction_id, draft, plan_id):
    later = replace(draft.context, plan_date=date(2026, 12, 1))
    second = write_plan(db, replace(draft, context=later), jurisdiction_id=jurisdiction_id)
    found = list_plans(db, jurisdiction_id)
    assert [row["plan_id"] for row in found] == [second, plan_id]
    first = found[0]
    rest = list_plans(db, jurisdiction_id, after=(first["plan_date"], first["plan_id"]))
    assert [row["plan_id"] for row in rest] == [plan_id]
    assert list_plans(db, jurisdiction_id, status="published") == []
    assert len(list_plans(db, jurisdiction_id, day=later.plan_date, most=5)) == 1


def test_an_edit_that_leaves_nothing_or_changes_nothing_is_refused(db, plan_id):
    desk = read_desk(db, plan_id)
    with pytest.raises(InputError, match="nothing to change"):
        write_version(db, desk, [], WANG)
    areas = desk.items["area_id"].unique()
    with pytest.raises(InputError, match="withdraw it instead"):
        write_version(db, desk, [Edit("forbid_area", int(a), reason="x") for a in areas], WANG)
