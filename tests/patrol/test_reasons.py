"""A reason says in words what the figures say, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from patrol.reasons import Reason, explain

RISING = Reason(
    hours=3.5,
    explore_h=0.25,
    trend_h=1.5,
    floor_h=0.5,
    cap_h=8.0,
    at_floor=False,
    at_cap=False,
    level=12.3,
    driver_zh="暴露垃圾",
    driver_en="dumping",
    change=0.38,
    q_value=0.004,
    belief=0.88,
    recent_steps=6,
    step="week",
    unknown=False,
)


def test_a_proven_rise_names_class_size_time_and_proof():
    assert explain(RISING, "en").startswith(
        "3.50 h, of these +1.50 h by trend: dumping up 38 % in 6 weeks (q < 0.01); 12.3 reports"
    )
    assert explain(RISING, "zh").startswith(
        "3.50小时，其中趋势+1.50小时：暴露垃圾6周上升38%（q<0.01）；每周12.3件"
    )


def test_an_unknown_grid_is_called_unknown_and_never_safe():
    unknown = replace(RISING, unknown=True, driver_zh="", driver_en="", at_floor=True)
    assert "unknown, not zero and not safe" in explain(unknown, "en")
    assert "更不等于安全" in explain(unknown, "zh")
    assert "reports a week" not in explain(unknown, "en")


@pytest.mark.parametrize(
    ("change", "en", "zh"),
    [
        ({"change": -0.2}, "dumping down 20 % in 6 weeks", "6周下降20%"),
        ({"change": None}, "dumping up from nothing in 6 weeks", "6周内从无到有"),
        ({"change": 0.0}, "dumping moves, but its median change is 0 (q", "变化中位数为0"),
        (
            {"q_value": 0.43, "belief": 0.0},
            "dumping leads, no proven trend (q = 0.43)",
            "趋势不显著（q=0.43）",
        ),
        (
            {"q_value": 0.2},
            "up 38 % in 6 weeks (weak evidence, q = 0.20)",
            "上升38%（证据弱，q=0.20）",
        ),
        ({"belief": 0.0}, "+1.50 h through trends elsewhere", "其中受其他网格趋势影响+1.50小时"),
        ({"q_value": None}, "no proven trend (not tested)", "未检验"),
        ({"driver_en": "", "driver_zh": ""}, "no report in the last 6 weeks", "最近6周无上报"),
        ({"at_floor": True}, "held at the floor of 0.50 h", "保持下限0.50小时"),
        ({"at_cap": True}, "held at the cap of 8.00 h", "已到上限8.00小时"),
        ({}, "floor met, cap not reached; 0.25 h to explore", "未到上限；含探索0.25小时"),
        ({"recent_steps": 1, "step": "month"}, "in 1 month (q", "1个月上升38%"),
        ({"step": "hour"}, "12.3 reports an hour", "每小时12.3件"),
        ({"q_value": 0.0001}, "q < 0.001", "q<0.001"),
        ({"change": -1.0}, "down to hardly any in 6 weeks (q", "降至极少（q"),
    ],
)
def test_each_figure_has_its_words(change, en, zh):
    reason = replace(RISING, **change)
    assert en in explain(reason, "en")
    assert zh in explain(reason, "zh")


def test_nothing_is_said_of_exploring_or_trend_where_there_is_none():
    plain = replace(RISING, explore_h=0.0, trend_h=0.0)
    assert "explore" not in explain(plain, "en")
    assert "by trend" not in explain(plain, "en")
    assert "探索" not in explain(plain, "zh")


def test_a_row_says_what_an_hour_more_or_less_would_change():
    row = replace(
        RISING, when_zh="早班", when_en="early", unit_kind="foot", need=2.0, covered=1.25,
        hour_more=0.31, hour_less=0.44,
    )  # fmt: skip
    assert "covers 1.25 of 2.00 reports expected then (an hour more +0.31, less -0.44)" in explain(
        row, "en"
    )
    assert "可覆盖1.25件（多一小时+0.31，少一小时-0.44）" in explain(row, "zh")


def test_finds_are_named_where_counting_them_as_they_come_would_have_moved_the_hours():
    found = replace(RISING, found=12.0, share_before=0.021, share_after=0.014)
    said = "12 patrol finds set aside: 2.1% of need as they come, corrected for effort 1.4% of need"
    assert said in explain(found, "en")
    assert "巡查发现12件未直接计入：校正前占需求2.1%，按巡查时长校正后1.4%" in explain(found, "zh")
    blind = replace(found, share_after=None)
    assert "corrected for effort unknown, no hours recorded" in explain(blind, "en")
    for same in (replace(found, share_after=0.0211), replace(found, found=0.0), RISING):
        assert "patrol finds" not in explain(same, "en")
