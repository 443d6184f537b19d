"""What a hand changes in a plan, what that costs, and what is told of it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from geo.errors import InputError
from patrol.planning.changes import compare_plans
from patrol.planning.cover import (
    CoverParams,
    balance_minutes,
    covered_share,
    edit_cost,
    expected_coverage,
)
from patrol.planning.done import by_source, compare_done
from patrol.planning.edits import Edit, Mark, apply_edits, change_visits, fold_marks, name_marks

SHIFTS = pd.DataFrame({"shift_no": [1, 2], "minutes": [480.0, 480.0], "need_share": [1 / 3, 1 / 3]})


@pytest.fixture
def items():
    """Three areas; the last is unknown. The first has two kinds in the first shift."""
    return pd.DataFrame(
        [
            (1, 1, "foot", 60, 6.0), (1, 1, "vehicle", 30, 6.0), (1, 2, "foot", 30, 6.0),
            (2, 1, "foot", 30, 1.0), (3, 1, "foot", 30, np.nan),
        ],
        columns=["area_id", "shift_no", "unit_kind", "minutes", "need_day"],
    ).assign(reason_zh="原因", reason_en="because", reason=[{}] * 5)  # fmt: skip


def sets(area, minutes, *, shift=1, kind="foot", why="fair tomorrow"):
    return Edit("set_minutes", area, shift, kind, minutes, reason=why)


def test_minutes_are_set_and_the_reason_names_who_and_why(items):
    made = apply_edits(items, [sets(1, 90)], marks={}, person="王敏")
    row = made[(made["area_id"] == 1) & (made["unit_kind"] == "foot")].iloc[0]
    assert row["minutes"] == 90
    assert row["reason_en"] == "edited by hand 1 -> 1.5 h (王敏): fair tomorrow; because"
    assert "人工调整 1 → 1.5 小时（王敏）" in row["reason_zh"]
    assert items["minutes"].tolist() == [60, 30, 30, 30, 30]  # what was handed in stays
    assert apply_edits(items, [sets(2, 30)], marks={}, person="a").equals(items)


def test_a_kind_that_an_area_did_not_have_gets_a_row(items):
    made = apply_edits(items, [sets(2, 45, shift=2, kind="drone")], marks={}, person="a")
    assert len(made) == 6
    row = made[made["unit_kind"] == "drone"].iloc[0]
    assert (row["area_id"], row["shift_no"], row["minutes"]) == (2, 2, 45)
    assert row["reason_en"] == "edited by hand 0 -> 0.75 h (a): fair tomorrow"


def test_forbidden_ground_keeps_no_minutes_until_it_is_allowed(items):
    forbid = Edit("forbid_area", 1, reason="blasting")
    made = apply_edits(items, [forbid], marks={}, person="a")
    assert made.loc[made["area_id"] == 1, "minutes"].tolist() == [0, 0, 0]
    held = {"v2.1": Mark("v2.1", forbid, "a")}
    with pytest.raises(InputError, match="area 1 is forbidden; allow it first"):
        apply_edits(made, [sets(1, 15)], marks=held, person="a")
    allowed = [Edit("allow", mark="v2.1", reason="over"), sets(1, 15)]
    assert apply_edits(made, allowed, marks=held, person="a")["minutes"].max() == 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "set_minutes", "area_id": 1, "reason": "x"}, "needs shift_no, unit_kind, minutes"),
        ({"kind": "forbid_area", "area_id": 1, "reason": " "}, "say why"),
        ({"kind": "pin_stop", "minutes": 9000, "geom": Point(0, 0), "reason": "x"}, "0 and 6,000"),
        ({"kind": "pin_stop", "minutes": 5, "geom": Point(0, 99), "reason": "x"}, "sound Point"),
        ({"kind": "forbid_cell", "geom": Point(0, 0), "reason": "x"}, "sound Polygon"),
    ],
)  # fmt: skip
def test_an_edit_that_cannot_be_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        Edit(**arguments)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (sets(9, 15), "edit 1: area 9 is not in this plan"),
        (Edit("unpin_stop", mark="v1.1", reason="x"), "there is no pin 'v1.1'"),
        (Edit("allow", mark="v1.1", reason="x"), "no forbidden ground 'v1.1'"),
    ],
)
def test_an_edit_that_does_not_fit_the_plan_is_refused(items, edit, said):
    with pytest.raises(InputError, match=said):
        apply_edits(items, [edit], marks={}, person="a")


def test_marks_hold_until_they_are_lifted():
    pin = Edit("pin_stop", minutes=20, geom=Point(0.5, 0.5), reason="overdue case")
    shut = Edit("forbid_cell", geom=box(0, 0, 0.4, 1), reason="road works")
    named = name_marks([pin, shut, sets(1, 15)], version=2)
    assert [edit.mark for edit in named] == ["v2.1", "v2.2", None]
    history = [(str(edit.mark), edit, "王敏") for edit in named]
    assert set(fold_marks(history)) == {"v2.1", "v2.2"}
    lifted = ("v3.1", Edit("unpin_stop", mark="v2.1", reason="done"), "李雷")
    assert set(fold_marks([*history, lifted])) == {"v2.2"}


def test_visits_leave_forbidden_ground_and_pins_must_be_made():
    visits = gpd.GeoDataFrame(
        {"stop_ref": ["a/1", "b/1"], "area_id": [1, 2], "prize": 30.0, "dwell_s": 900.0,
         "reason_zh": "z", "reason_en": "e"},
        geometry=[Point(0.2, 0.5), Point(1.5, 0.5)], crs=4326,
    )  # fmt: skip
    marks = fold_marks(
        [
            ("v2.1", Edit("forbid_cell", geom=box(0, 0, 0.4, 1), reason="road works"), "a"),
            ("v2.2", Edit("pin_stop", minutes=20, geom=Point(1.2, 0.5), reason="overdue"), "a"),
        ]
    )
    made = change_visits(visits, marks, shapes={1: box(0, 0, 1, 1), 2: box(1, 0, 2, 1)})
    assert made["stop_ref"].tolist() == ["b/1", "pin/v2.2"]
    assert made["must"].tolist() == [False, True]
    assert made["area_id"].tolist() == [2, 2]
    assert made["dwell_s"].tolist() == [900.0, 1200.0]
    shut = fold_marks([("v2.1", Edit("forbid_area", 2, reason="x"), "a")])
    assert change_visits(visits, shut, shapes={})["stop_ref"].tolist() == ["a/1"]


def test_coverage_is_larsons_patrol_frequency():
    share = covered_share(np.array([0.0, 60.0]), np.full(2, 480.0), CoverParams(15, 30))
    assert share == pytest.approx([0.0, 1 - np.exp(-(60 / 15 / 480) * 45)])


def test_coverage_sums_kinds_and_leaves_the_unknown_unknown(items):
    table = expected_coverage(items, SHIFTS).set_index(["area_id", "shift_no"])
    assert table.loc[(1, 1), "minutes"] == 90
    assert table.loc[(1, 1), "need"] == pytest.approx(2.0)
    assert np.isnan(table.loc[(3, 1), "covered"])
    assert table.loc[(2, 2), "covered"] == 0.0


def test_an_edit_shows_its_cost_by_area_and_in_words(items):
    after = apply_edits(items, [sets(1, 0), sets(2, 90)], marks={}, person="a")
    cost = edit_cost(items, after, SHIFTS)
    assert cost.minutes_before == cost.minutes_after == 180
    assert cost.change < 0  # from the needier to the less needy
    assert cost.by_area["area_id"].tolist() == [1, 2]
    assert cost.change == pytest.approx(cost.by_area["change"].sum())
    zh, en = cost.words()
    assert f"({cost.change:+.2f}, " in en
    assert "预计覆盖" in zh
    blind = edit_cost(items, apply_edits(items, [sets(3, 0)], marks={}, person="a"), SHIFTS)
    assert blind.unknown_areas == (3,)
    assert "cannot be told" in blind.words()[1]


def test_rows_of_a_shift_plan_are_judged_by_the_need_they_were_planned_for():
    hours = CoverParams(cover_h=1.0)
    rows = pd.DataFrame(
        [
            (1, 1, "foot", 60, 6.0, 0.5), (1, 1, "vehicle", 60, 6.0, 1.0),
            (1, 2, "foot", 60, 6.0, 3.0), (2, 1, "foot", 60, 6.0, 1.0),
        ],
        columns=["area_id", "shift_no", "unit_kind", "minutes", "need_day", "need_row"],
    ).assign(reason_zh="", reason_en="", reason=[{"need": n} for n in (0.5, 1.0, 3.0, 1.0)])  # fmt: skip
    share = 1 - np.exp(-1)
    table = expected_coverage(rows, SHIFTS, hours).set_index(["area_id", "shift_no"])
    assert table["covered"].tolist() == pytest.approx([1.5 * share, 3 * share, share, 0.0])
    # Of shift 1 two reports are expected, of which half a one is nobody's; shift 2 has more.
    assert table["need"].tolist() == pytest.approx([2.0, 3.0, 2.0, 2.0])

    def cost(*edits):
        made = apply_edits(rows, edits, marks={}, person="a")
        return edit_cost(rows, made, SHIFTS, hours).change

    assert cost(sets(1, 0)) == pytest.approx(-0.5 * share)
    assert cost(sets(1, 0, kind="vehicle")) == pytest.approx(-1.0 * share)
    assert cost(sets(1, 0, shift=2)) == pytest.approx(-3.0 * share)
    # A kind that comes new sees to what the others leave, and keeps no other row's figures.
    assert cost(sets(1, 60, kind="drone")) == pytest.approx(0.5 * share)
    made = apply_edits(rows, [sets(1, 60, kind="drone")], marks={}, person="a")
    assert made.loc[made["unit_kind"] == "drone", "reason"].tolist() == [{"need": None}]
    # The hour that is to be won goes where most is expected.
    more = balance_minutes(rows, SHIFTS, total_min=255, fixed=(), params=hours)
    assert (more["minutes"] - rows["minutes"]).tolist() == [0, 0, 15, 0]


@settings(max_examples=40, deadline=None)
@given(
    needs=st.lists(st.floats(0, 20), min_size=3, max_size=8),
    start=st.lists(st.integers(0, 8), min_size=8, max_size=8),
    total=st.integers(0, 60),
)
def test_balanced_minutes_sum_to_the_total_and_no_single_step_is_better(needs, start, total):
    n = len(needs)
    items = pd.DataFrame(
        {"area_id": range(n), "shift_no": 1, "unit_kind": "foot",
         "minutes": [15 * x for x in start[:n]], "need_day": needs}
    )  # fmt: skip
    fixed = {(0, 1, "foot")}
    most = 15 * total + int(items["minutes"].iloc[0])
    made = balance_minutes(items, SHIFTS, total_min=most, fixed=fixed)
    assert made["minutes"].sum() == most
    assert made["minutes"].iloc[0] == items["minutes"].iloc[0]
    grown = made["minutes"].sum() >= items["minutes"].sum()
    move = made["minutes"] - items["minutes"]
    assert ((move >= 0) if grown else (move <= 0)).all()
    # Undoing a step at one place to make it at another never helps.
    best = expected_coverage(made, SHIFTS)["covered"].sum()
    for give in np.flatnonzero(move.to_numpy()):
        for take in range(1, n):
            other = made.copy()
            step = 15 if grown else -15
            other.loc[give, "minutes"] -= step
            other.loc[take, "minutes"] += step
            if (other["minutes"] >= 0).all():
                assert expected_coverage(other, SHIFTS)["covered"].sum() <= best + 1e-9


def test_what_cannot_be_balanced_says_how_much_is_left(items):
    fixed = set(items[["area_id", "shift_no", "unit_kind"]].itertuples(index=False, name=None))
    with pytest.raises(InputError, match=r"cannot take -1 h"):
        balance_minutes(items, SHIFTS, total_min=120, fixed=fixed)


def plan_rows(*rows):
    return pd.DataFrame(rows, columns=["area_id", "code", "name", "community", "minutes", "reason"])


def test_two_plans_differ_in_words_with_the_figures_that_moved():
    old = plan_rows(
        (1, "g1", "甲", "东", 60, {"expected": 4.1, "driver_zh": "垃圾", "driver_en": "dumping"}),
        (2, "g2", "乙", "东", 60, {"expected": 2.0}), (3, "g3", "丙", "西", 30, {"level": 1.0}),
    )  # fmt: skip
    new = plan_rows(
        (1, "g1", "甲", "东", 150, {"expected": 6.3, "driver_zh": "违停", "driver_en": "parking"}),
        (2, "g2", "乙", "东", 60, {"expected": 2.0}), (4, "g4", "丁", "西", 30, {"level": 1.0}),
    )  # fmt: skip
    change = compare_plans(old, new)
    assert (change.before_min, change.after_min, change.same) == (150, 240, 1)
    assert (change.begun, change.ended) == (("g4",), ("g3",))
    zh, en = zip(*change.sentences, strict=True)
    assert en[0] == "2.5 -> 4 h in all (+1.5); 2 grids get more, 1 less, 1 the same"
    assert en[1] == (
        "甲 +1.5 h (1 → 2.5): expected next week 4.1 -> 6.3, driven by parking, before dumping"
    )
    assert zh[1] == "甲 +1.5 小时（1 → 2.5）：预计下周 4.1 → 6.3 件，主因 垃圾 → 违停"
    assert en[-1] == "1 grids began, 1 ended"
    assert compare_plans(new, new).rows.empty


def test_done_is_set_beside_planned_and_the_unknown_stays_unknown():
    planned = pd.DataFrame(
        {
            "area_id": [1, 1, 2, 3],
            "shift_no": [1, 1, 1, 1],
            "source": ["foot"] * 4,
            "minutes": [60, 30, 60, 60],
        }
    )
    done = pd.DataFrame(
        {"area_id": [1, 2], "shift_no": [1, 1], "source": ["foot"] * 2, "minutes": [120.0, 0.0]}
    )
    found = compare_done(planned, done)
    assert (found.planned_min, found.known_planned_min) == (210.0, 150.0)
    assert (found.done_min, found.met_min, found.unknown) == (120.0, 90.0, 1)
    assert found.met_share == pytest.approx(0.6)  # the surplus in 1 makes not up for 2
    assert np.isnan(found.rows.set_index("area_id").loc[3, "short_min"])
    assert "1 places are unknown" in found.words()[1]
    nothing = compare_done(planned, done.iloc[:0])
    assert nothing.met_share is None
    assert "unknown, not undone" in nothing.words()[1]
    with pytest.raises(InputError, match="comes twice"):
        compare_done(planned, pd.concat([done, done]))


def test_done_tells_means_apart_where_the_plan_does():
    rows = pd.DataFrame(
        {"area_id": [1, 1, 1, 2], "shift_no": 1, "minutes": [60, 30, 15, 45],
         "unit_kind": ["foot", "drone", "volunteer", "camera_desk"]}
    )  # fmt: skip
    done = pd.DataFrame(
        {"area_id": [1, 1, 2], "shift_no": 1, "source": ["foot", "vehicle", "camera"],
         "minutes": [50.0, 40.0, 60.0]}
    )  # fmt: skip
    found = compare_done(by_source(rows), done)
    table = found.rows.set_index(["area_id", "source"])
    assert table.loc[(1, "foot"), ["planned_min", "done_min"]].tolist() == [75, 50]
    assert np.isnan(table.loc[(1, "drone"), "done_min"])  # a car that came is no drone that flew
    assert table.loc[(1, "vehicle"), "planned_min"] == 0
    assert (found.met_min, found.unknown) == (95.0, 1)
    said = dict(zip(found.rows["source"].drop_duplicates(), found.by_source(), strict=True))
    assert said["foot"] == (
        "步巡：计划 1.25 小时，就地完成 0.8，共记录 0.8；0 处不明",
        "on foot: 1.25 h planned, 0.8 done where planned, 0.8 in all; 0 places unknown",
    )
    assert said["drone"][1].endswith("1 places unknown")
    # A plan that tells no means apart counts all that was done.
    together = compare_done(rows.assign(source="any"), done)
    assert (together.done_min, together.met_min) == (150.0, 135.0)
