from __future__ import annotations

from analytics.scan_null import Stage
from web.commands.scan import Ahead


def told(seconds, runs=999):
    """Return what is shown when runs 0, 16, 32 and so on are due at these seconds."""
    lines, clock = [], iter(seconds)
    ahead = Ahead(lines.append, clock=lambda: next(clock))
    for i in range(len(seconds)):
        ahead(Stage(16 * i, runs, 54_729_675))
    return lines


def test_a_long_scan_says_after_its_first_runs_how_long_the_others_will_take():
    assert told([100.0, 116.0]) == [
        "scan 扫描: 54,729,675 cylinders 圆柱, 16 / 999 runs 次模拟, about 983 s to go 约余 983 秒"
    ]


def test_a_scan_of_seconds_says_nothing():
    assert told([0.0, 0.01, 0.02, 0.03]) == []


def test_lines_of_progress_do_not_follow_each_other_too_fast():
    lines = told([0.0, 1.0, 2.0, 3.0, 6.5, 7.0, 12.0])
    assert [line.split(" / ")[0].split()[-1] for line in lines] == ["16", "64", "96"]
