"""`gridbeat prescriptions` and plans of shifts as their users type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo.database.connect import Database
from tests.web.test_cli_cases import Gridbeat, district

__all__ = ["district"]
pytestmark = pytest.mark.db


def test_prescription_is_listed_changed_and_told_by_version(
    gridbeat: Gridbeat, district: Database
) -> None:
    assert "0504" in gridbeat("prescriptions", "list").out
    before = gridbeat("prescriptions", "show", "0102").out
    assert "06:00-09:30; 12 min" in before
    assert "shipped 出厂" in before
    changed = gridbeat(
        "prescriptions", "edit", "0102", "--by", "李主任", "--reason", "晚间也多", "--dwell", "20",
        "--window", "06:00-20:00", "--means", "foot", "--from", "2026-03-01",
    )  # fmt: skip
    assert changed.code == 0, changed.err
    assert "0102 v1 from 2026-03-01" in changed.out
    history = gridbeat("prescriptions", "history", "0102").out
    assert "v0 shipped" in history
    assert "步巡 foot; 06:00-20:00; 20 min" in history
    assert "李主任: 晚间也多" in history
    assert "12 min" in gridbeat("prescriptions", "show", "0102", "--day", "2026-02-01").out
    assert "by group 按大类 01" in gridbeat("prescriptions", "show", "0118").out


def test_prescriptions_go_out_and_come_in_as_a_file(
    gridbeat: Gridbeat, district: Database, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    assert gridbeat("prescriptions", "export", str(path)).code == 0
    text = path.read_text("utf-8-sig")
    path.write_text(text.replace("0508,foot|joint", "0508,joint"), "utf-8")
    taken = gridbeat("prescriptions", "import", str(path), "--by", "王", "--reason", "联合执法")
    assert "1 new versions 新版本, 41 as they stand" in taken.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("show", "9901"), 5, "nothing is prescribed for class '9901'"),
        (("edit", "0102", "--by", "a", "--reason", "b", "--means", "horse"), 2, "no means"),
        (("edit", "0102", "--by", " ", "--reason", "b", "--dwell", "9"), 2, "named person"),
        (("export", "mine.doc"), 2, "TOML or CSV"),
        (("effect", "0102"), 5, "still has the shipped prescription"),
        (("effect", "0102", "--from", "2026-03-01"), 5, "no plan in force"),
    ],
)
def test_what_cannot_be_is_told(
    gridbeat: Gridbeat, district: Database, arguments, code, message
) -> None:
    refused = gridbeat("prescriptions", *arguments)
    assert refused.code == code
    assert message in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say how many hours there are: --hours 120; or who goes when"),
        (("--hours", "12", "--unit", "foot=4"), "or who goes when"),
        (("--shift", "08:00-16:00"), "say who goes: --unit foot=40"),
        (("--unit", "foot=much"), "no kind of unit with hours"),
        (("--unit", "foot=4", "--on-duty"), "not both"),
    ],
)
def test_plan_of_shifts_needs_to_know_who_goes(
    gridbeat: Gridbeat, district: Database, arguments, message
) -> None:
    refused = gridbeat("plan", *arguments)
    assert refused.code == 2
    assert message in " ".join(refused.err.split())
