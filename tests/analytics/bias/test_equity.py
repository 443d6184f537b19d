from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.bias.effort import EffortParams
from analytics.bias.equity import HEADINGS, equity_table
from analytics.cube import Cube, Units
from analytics.steps import make_steps
from geo.errors import InputError

STEPS = make_steps(date(2024, 1, 1), date(2024, 1, 8), step="week", time_zone="Asia/Shanghai")


def table_of(reported, found, patrol_h, groups, **more):
    counts = np.stack([reported, found], axis=-1).astype(np.uint32)[:, None, None, :]
    units = Units("area", np.arange(len(reported)), {"patrol_hours": np.asarray(patrol_h, float)})
    cube = Cube(counts, units, STEPS, ("dump",), ("resident", "patrol"))
    return equity_table(cube, groups, **more).set_index("group")


def test_the_table_shows_both_sources_before_and_after_the_correction():
    """The east is watched four times as much; what is there is the same."""
    table = table_of(
        [10, 10, 10, 10], [80, 80, 20, 20], [40, 40, 10, 10], ["east"] * 2 + ["west"] * 2,
        hours=np.array([15.0, 15.0, 5.0, 5.0]),
    )  # fmt: skip
    assert table["reported"].tolist() == [20, 20]
    assert table["found"].tolist() == [160, 40]
    assert table["found_corrected"].tolist() == [100, 100]
    assert table["effort_h"].tolist() == [80, 20]
    assert table["share_before"].tolist() == [180 / 240, 60 / 240]
    assert table["share_after"].tolist() == [0.5, 0.5]
    assert table["hours_share"].tolist() == [0.75, 0.25]
    assert table["hours_per_need"].tolist() == [1.5, 0.5]
    assert list(table.reset_index().columns) == list(HEADINGS)


def test_a_community_that_reports_half_as_often_stands_out_by_its_ratio():
    table = table_of([40, 40, 20], [60, 60, 60], [30, 30, 30], ["a", "b", "quiet"])
    assert table["reporting_ratio"].tolist() == pytest.approx([1.2, 1.2, 0.6])
    assert table.loc["quiet", "reporting_ratio"] / table.loc["a", "reporting_ratio"] == 0.5


def test_unwatched_grids_are_counted_as_unknown():
    table = table_of([5, 5, 5], [9, 0, 0], [9, 0, np.nan], ["east", "east", "west"])
    assert table["unknown_units"].tolist() == [1, 1]
    assert table["units"].tolist() == [2, 1]
    assert table["effort_h"].tolist()[0] == 9
    assert np.isnan(table.loc["west", "effort_h"])
    assert np.isnan(table.loc["west", "reporting_ratio"])


def test_the_table_does_not_depend_on_how_need_is_signalled():
    given = ([5, 5], [9, 3], [9, 3], ["a", "b"])
    one = table_of(*given, params=EffortParams("leave-out"))
    two = table_of(*given, params=EffortParams("thinned"))
    np.testing.assert_array_equal(one, two)


def test_without_a_plan_hours_are_empty_and_without_units_so_is_the_table():
    table = table_of([5], [9], [9], ["a"])
    assert np.isnan(
        table.loc["a", ["hours", "hours_share", "hours_per_need"]].to_numpy(float)
    ).all()
    assert table_of([], [], [], []).empty


def test_a_cube_of_reports_alone_gives_a_table_of_reports():
    counts = np.array([[[[3]]], [[[1]]]], dtype=np.uint32)
    cube = Cube(counts, Units("area", np.arange(2)), STEPS, ("dump",), ("resident",))
    table = equity_table(cube, ["a", "b"])
    assert table["share_after"].tolist() == [0.75, 0.25]
    assert table["found"].tolist() == [0, 0]
    assert table["unknown_units"].tolist() == [1, 1]


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="groups has 1 entries for 2 units"):
        table_of([1, 1], [1, 1], [1, 1], ["a"])
    with pytest.raises(InputError, match="hours has 3 entries"):
        table_of([1, 1], [1, 1], [1, 1], ["a", "b"], hours=np.ones(3))


def test_every_column_has_a_heading_in_both_languages():
    for zh, en in HEADINGS.values():
        assert zh != en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
