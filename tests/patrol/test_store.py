"""Plans survive the database, keep their versions, and need a person's name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.incidents import Category, CategoryScheme
from geo.models.places import Area
from patrol.allocate import AllocationParams
from patrol.models import Plan as PlanRow
from patrol.models import PlanItem
from patrol.planning.steps import approve_plan
from patrol.plans import draft_plan
from patrol.store import (
    find_planning_level,
    read_class_names,
    read_last_plan,
    read_newest_plan,
    read_plan,
    read_planning_grids,
    write_plan,
)

pytestmark = pytest.mark.db
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)


def test_the_grids_of_a_day_are_those_valid_on_it_with_their_community(stored_grids, grids):
    assert stored_grids["code"].tolist() == grids["code"].tolist()
    assert stored_grids["community"].tolist() == grids["community"].tolist()
    assert stored_grids.crs == 4326
    assert stored_grids["households"].isna().tolist() == [False] * 5 + [True]


def test_the_day_before_the_old_grid_still_counts(db, jurisdiction_id):
    before = read_planning_grids(db, jurisdiction_id, day=date(2026, 11, 22))
    assert "old" in before["code"].tolist()
    with pytest.raises(NotFoundError, match="no grid is valid on"):
        read_planning_grids(db, -1, day=DAY)


def test_a_plan_comes_back_as_it_went_in(db, jurisdiction_id, draft):
    plan_id = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    found = read_plan(db, plan_id)
    assert found.head["status"] == "draft"
    assert found.head["version"] == 1
    assert found.head["hours"] == 18
    assert found.head["parameters"]["allocation"]["total_h"] == 18
    assert found.head["created_at"] == draft.context.made_at
    for column in ("code", "hours", "explore_h", "trend_h", "unknown", "reason_zh", "reason_en"):
        assert found.items[column].tolist() == draft.items[column].tolist()
    assert found.items["reason"][1]["q_value"] == 0.004
    assert found.items.crs == 4326


def test_writing_the_same_draft_again_changes_nothing(db, jurisdiction_id, draft):
    first = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    later = replace(draft, context=replace(draft.context, made_at=NOW))
    assert write_plan(db, later, jurisdiction_id=jurisdiction_id) == first
    assert db.execute(select(func.count()).select_from(PlanRow)).scalar_one() == 1
    assert db.execute(select(func.count()).select_from(PlanItem)).scalar_one() == 6


def test_other_hours_or_rules_make_a_new_version(
    db, jurisdiction_id, draft, stored_grids, signals, context
):
    write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    params = AllocationParams(total_h=24)
    more = draft_plan(stored_grids, signals, context=context, params=params)
    second = write_plan(db, more, jurisdiction_id=jurisdiction_id)
    newest = read_newest_plan(db, jurisdiction_id, plan_date=DAY)
    assert newest.head["plan_id"] == second
    assert newest.head["version"] == 2
    tomorrow = replace(more, context=replace(context, plan_date=date(2026, 11, 24)))
    third = write_plan(db, tomorrow, jurisdiction_id=jurisdiction_id)
    assert read_last_plan(db, jurisdiction_id).head["plan_id"] == third


def test_a_named_person_with_a_reason_approves_a_draft_once(db, jurisdiction_id, draft):
    plan_id = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    approve_plan(db, plan_id, person=" 王敏 ", reason="与各社区核对", now=NOW)
    head = read_plan(db, plan_id).head
    assert (head["status"], head["approved_by"]) == ("approved", "王敏")
    assert head["approval_reason"] == "与各社区核对"
    assert head["approved_at"] == NOW
    with pytest.raises(ConflictError, match="is approved; only draft"):
        approve_plan(db, plan_id, person="李雷", reason="again", now=NOW)


def test_an_approved_plan_is_never_overwritten(db, jurisdiction_id, draft):
    first = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    approve_plan(db, first, person="王敏", reason="ok", now=NOW)
    second = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    assert second != first
    assert read_plan(db, first).head["status"] == "approved"


def test_a_replaced_version_cannot_be_approved(
    db, jurisdiction_id, draft, stored_grids, signals, context
):
    first = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    params = AllocationParams(total_h=24)
    write_plan(
        db,
        draft_plan(stored_grids, signals, context=context, params=params),
        jurisdiction_id=jurisdiction_id,
    )
    with pytest.raises(ConflictError, match="version 2 replaced it"):
        approve_plan(db, first, person="王敏", reason="ok", now=NOW)


def test_nobody_and_no_reason_approve_nothing(db, jurisdiction_id, draft):
    plan_id = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    for person, reason in (("", "ok"), ("王敏", "  ")):
        with pytest.raises(InputError, match="named person who gives a reason"):
            approve_plan(db, plan_id, person=person, reason=reason, now=NOW)
    with pytest.raises(InputError, match="time zone"):
        approve_plan(db, plan_id, person="a", reason="b", now=datetime(2026, 1, 1))  # noqa: DTZ001
    assert read_plan(db, plan_id).head["status"] == "draft"


def test_the_database_itself_refuses_an_approval_that_is_no_step(db, jurisdiction_id, draft):
    plan_id = write_plan(db, draft, jurisdiction_id=jurisdiction_id)
    with pytest.raises(DBAPIError, match="moved by a step only"), db.begin_nested():
        db.execute(
            PlanRow.__table__.update().where(PlanRow.plan_id == plan_id).values(status="approved")
        )


def test_what_is_not_there_is_named(db, jurisdiction_id, plan):
    with pytest.raises(NotFoundError, match="there is no plan -1"):
        read_plan(db, -1)
    with pytest.raises(NotFoundError, match="no plan for 2026-11-23 yet"):
        read_newest_plan(db, jurisdiction_id, plan_date=DAY)
    with pytest.raises(InputError, match="no area_id"):
        write_plan(db, plan, jurisdiction_id=jurisdiction_id)


def test_classes_go_by_the_newest_names_of_their_scheme(db):
    for version, name in (("1", "旧名"), ("2", "新名")):
        start = date(2020 + int(version), 1, 1)
        scheme_id = db.execute(
            insert(CategoryScheme)
            .values(scheme="s", version=version, valid_from=start, valid_to=start.replace(month=6))
            .returning(CategoryScheme.scheme_id)
        ).scalar_one()
        db.execute(
            insert(Category).values(scheme_id=scheme_id, code="k", name=name, name_en=version)
        )
    names = read_class_names(db)
    assert names["k"] == names["s/k"] == ("新名", "2")
    assert names["all"][1] == "reports of all classes"


def test_a_place_without_grids_is_planned_by_its_finest_areas(db, jurisdiction_id, stored_grids):
    assert find_planning_level(db, jurisdiction_id, day=DAY) == "grid"
    db.execute(update(Area).where(Area.level == "grid").values(valid_to=date(2026, 1, 2),
                                                               valid_from=date(2026, 1, 1)))  # fmt: skip
    level = find_planning_level(db, jurisdiction_id, day=DAY)
    assert level == "community"
    found = read_planning_grids(db, jurisdiction_id, day=DAY, level=level)
    assert set(stored_grids["community"]) - {None} <= set(found["name"])
    assert find_planning_level(db, -1, day=DAY) == "grid"
