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
