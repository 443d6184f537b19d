"""A plan of shifts and kinds says who goes where, when, and why, and survives the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from geo.errors import InputError
from patrol.allocation.day import DayRules, Duty
from patrol.exports import plan_parameters
from patrol.planning.changes import compare_plans
from patrol.planning.cover import edit_cost, expected_coverage
from patrol.planning.edits import Edit
from patrol.planning.paper import plan_items_csv
from patrol.planning.states import Act
from patrol.planning.steps import approve_plan, publish_plan, read_head
from patrol.planning.store import find_in_force, read_desk, write_version
from patrol.prescribe.files import shipped
from patrol.shift_plans import Roster, draft_shift_plan
from patrol.shifts import parse_shifts, repeat_shifts
from patrol.store import read_last_plan, read_newest_plan, read_plan, write_plan

SHIFTS = ["08:00-16:00=早班/early", "16:00-24:00=晚班/late"]


@pytest.fixture
def roster(context):
    duty = Duty(
        ("foot", "camera_desk"), np.array([[8.0, 1.0], [6.0, 2.0]]), np.array([8.0, 8.0]),
        np.ones((6, 2), dtype=np.bool_), np.zeros((6, 2)),
    )  # fmt: skip
    shifts = parse_shifts(SHIFTS, day=context.plan_date, zone=context.data_from.tzinfo)
    return Roster(shifts, duty, np.full((2, 7, 24), 1 / 168), shipped())


@pytest.fixture
def drafted(grids, signals, roster, context):
    rules = DayRules(cap_h=8.0, hold_out=("990101001000000",), asked_by="王")
    return draft_shift_plan(grids, signals, roster, context=context, rules=rules)


def test_rows_sum_to_the_hours_on_duty_of_each_shift_and_kind(drafted, roster):
    table = drafted.rows.pivot_table(
        index="shift_no", columns="unit_kind", values="minutes", aggfunc="sum", fill_value=0
    )
    given = table[["foot", "camera_desk"]].to_numpy() / 60
    np.testing.assert_allclose(given, roster.duty.hours)
    assert drafted.items["hours"].sum() == roster.duty.hours.sum()
    assert not drafted.rows.duplicated(["code", "shift_no", "unit_kind"]).any()


def test_each_row_says_when_by_whom_and_what_it_covers(drafted):
    row = drafted.rows[(drafted.rows["code"] == drafted.items["code"][1])].iloc[0]
    assert "early on foot" in row["reason_en"] or "late on foot" in row["reason_en"]
    assert "reports expected then" in row["reason_en"]
    assert "dumping" in row["reason_en"]
    assert "本班预计" in row["reason_zh"]
    assert row["reason"]["driver"] == "dump"
    assert 0 <= row["reason"]["covered"] <= row["reason"]["need"]


def test_a_grid_held_out_says_by_whom(drafted):
    row = drafted.rows[drafted.rows["code"] == "990101001000000"].iloc[0]
    assert "to compare with, by 王" in row["reason_en"]
    assert "应王要求" in row["reason_zh"]


def test_a_grid_of_several_rows_says_who_goes_when_first(drafted):
    counts = drafted.rows.groupby("code").size()
    code = counts.index[counts > 1][0]
    words = drafted.items.set_index("code").loc[code]
    assert words["reason_en"].startswith(f"{words['hours']:.2f} h (")
    assert words["reason_zh"].startswith(f"共{words['hours']:.2f}小时（")


def test_what_an_hour_changes_and_how_good_it_is_stand_in_the_parameters(drafted):
    shares = plan_parameters(drafted)["shares"]
    assert shares["method"] == "exact"
    assert shares["value"] <= shares["bound"] + 1e-9
    assert {row["unit_kind"] for row in shares["hours"]} == {"foot", "camera_desk"}
    # No class of this district falls to the desk, so that an hour there covers nothing more.
    more = {(row["unit_kind"], row["one_more"] > 0) for row in shares["hours"]}
    assert more == {("foot", True), ("camera_desk", False)}
    assert sum(row["covered"] for row in shares["communities"]) == pytest.approx(shares["covered"])
    assert plan_parameters(drafted)["allocation"]["hold_out"] == ["990101001000000"]


def test_the_same_input_gives_the_same_plan(grids, signals, roster, context, drafted):
    again = draft_shift_plan(grids, signals, roster, context=context, rules=drafted.params)
    assert again.rows.equals(drafted.rows)


@pytest.mark.db
def test_on_the_desk_a_plan_covers_what_it_was_drafted_to_cover(
    db, jurisdiction_id, stored_grids, signals, roster, context
):
    rules = DayRules(cap_h=8.0, cover_h=1.5)
    made = draft_shift_plan(stored_grids, signals, roster, context=context, rules=rules)
    desk = read_desk(db, write_plan(db, made, jurisdiction_id=jurisdiction_id))
    table = expected_coverage(desk.items, desk.shifts, desk.cover)
    # What a plan takes an unknown grid to need is no expectation, and stays unknown on the desk.
    known = sum(r["covered"] for r in made.rows["reason"] if not r["unknown"])
    assert table["covered"].sum() == pytest.approx(known)
    assert 0 < known < made.shares["covered"]
    cost = edit_cost(desk.items, desk.items.assign(minutes=0), desk.shifts, desk.cover)
    assert cost.change == pytest.approx(-known)
    assert len(cost.unknown_areas) == 1


def test_a_profile_of_other_classes_is_refused(grids, signals, roster, context):
    wrong = Roster(roster.shifts, roster.duty, np.full((3, 7, 24), 1 / 168), roster.prescriptions)
    with pytest.raises(InputError, match="the profile has shape"):
        draft_shift_plan(grids, signals, wrong, context=context, rules=DayRules())


@pytest.mark.db
def test_a_week_is_one_plan_beside_those_of_its_days(
    db, jurisdiction_id, stored_grids, signals, roster, context
):
    day = context.plan_date
    shifts = repeat_shifts(SHIFTS, day=day, zone=context.data_from.tzinfo, days=7)
    duty = replace(roster.duty, hours=np.tile(roster.duty.hours, (7, 1)), shift_h=np.full(14, 8.0))
    rules = DayRules(cap_h=8.0, days=7)
    week = draft_shift_plan(
        stored_grids, signals, replace(roster, shifts=shifts, duty=duty), context=context,
        rules=rules,
    )  # fmt: skip
    assert (len(week.shifts), week.days) == (14, 7)
    assert (week.items["hours"] >= 7 * 0.25).all()  # a visit a day
    assert week.items["hours"].sum() == 7 * roster.duty.hours.sum()
    one = draft_shift_plan(
        stored_grids, signals, roster, context=context, rules=DayRules(cap_h=8.0)
    )
    number, daily = (write_plan(db, plan, jurisdiction_id=jurisdiction_id) for plan in (week, one))
    stored = read_newest_plan(db, jurisdiction_id, plan_date=day, days=7)
    assert (stored.head["plan_id"], stored.head["days"], stored.head["version"]) == (number, 7, 1)
    assert read_newest_plan(db, jurisdiction_id, plan_date=day).head["plan_id"] == daily
    assert stored.shifts == shifts

    # The same life: edited with its cost, approved, published, exported, compared with another.
    desk = read_desk(db, number)
    first = desk.items[desk.items["minutes"] > 0].iloc[0]
    edit = Edit("set_minutes", area_id=int(first["area_id"]), shift_no=int(first["shift_no"]),
                unit_kind=str(first["unit_kind"]), minutes=0, reason="fair")  # fmt: skip
    cost = edit_cost(desk.items, desk.edited([edit], person="王"), desk.shifts, desk.cover)
    assert "in 7 days" in cost.words()[1]
    act = Act("王", "market week", context.made_at)
    assert read_last_plan(db, jurisdiction_id).head["plan_id"] == daily
    edited = write_version(db, desk, [edit], act)
    assert read_head(db, edited)["days"] == 7
    # What was made last is the newest, be it of one day or of several.
    assert read_last_plan(db, jurisdiction_id).head["plan_id"] == edited
    approve_plan(db, daily, person="王", reason="ok", now=context.made_at)
    approve_plan(db, edited, person="王", reason="ok", now=context.made_at)
    assert publish_plan(db, edited, act) is None
    assert publish_plan(db, daily, act) is None  # neither replaces the other
    assert find_in_force(db, jurisdiction_id, day=day) == daily
    assert find_in_force(db, jurisdiction_id, day=day + timedelta(days=3)) == edited
    lines = plan_items_csv(read_plan(db, edited)).decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(read_plan(db, edited).rows)
    names = stored_grids.set_index("area_id")[["name", "community"]]
    change = compare_plans(
        *(read_plan(db, n).rows.join(names, on="area_id") for n in (number, edited))
    )
    assert change.before_min - change.after_min == first["minutes"]
