"""`gridbeat plan` from a night to a printed sheet, as a planner types it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from geo.database.connect import Database, connect
from tests.conftest import created
from tests.web.district import write_district
from tests.web.plans.ground import add_ground

pytestmark = pytest.mark.db
PLAN = ("--date", "2026-02-10", "--weeks", 13)


@pytest.fixture(scope="module")
def town(server: Database, template: Database) -> Iterator[Database]:
    with created(server, name=f"gridbeat_plan_{uuid4().hex[:12]}", template=template.name) as made:
        with connect(made) as connection:
            write_district(connection)
            add_ground(connection)
        yield made


@pytest.fixture
def plan(
    town: Database, gridbeat: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    url = town.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    return lambda *arguments: gridbeat("plan", *arguments)


def test_a_night_an_edit_an_approval_and_a_sheet(
    plan: Callable[..., Any], town: Database, tmp_path: Path
) -> None:
    night = plan("--hours", 12, *PLAN, "--top", 1)
    assert night.code == 0, night.err
    assert "plan 方案 1 (draft 草案)" in night.out
    assert "routes done: routes 1" in night.out
    assert "drone missions failed" in night.out
    assert "no plan is published at present" in night.out
    assert " 65 %  巡逻路线 routes" in night.err
    again = plan("--hours", 12, *PLAN, "--leave-out", "routes", "--leave-out", "flights")
    assert "hotspots and trends as stored" in again.out
    assert "plan 方案 1 " in again.out  # the same draft is no new version

    named = ("--by", "王敏", "--reason", "temple fair")
    tried = plan("edit", 1, *named, "--set", "w1=0.5", "--balance", "--try")
    assert "expected coverage" in tried.out
    assert "plan 方案 2" not in tried.out
    made = plan("edit", 1, *named, "--set", "w1=0.5", "--pin", "121.005,35.61,20", "--balance")
    assert "plan 方案 2 (edited 已修改), parent 上一版 1" in made.out, made.err
    lost = plan("edit", 1, *named, "--set", "w1=1")
    assert lost.code == 6
    assert "version 2 replaced it" in lost.err
    for wrong, said in (("--set w9=1", "'w9' is not in plan 2"), ("--set w1=x", "CODE=HOURS"),
                        ("--pin 1,2", "LON,LAT,MINUTES"), ("--lift v9.9", "no forbidden ground")):  # fmt: skip
        bad = plan("edit", 2, *named, *wrong.split())
        assert bad.code == 2
        assert said in bad.err

    diff = plan("diff", 2, 1)
    assert "edited by hand" in diff.out
    assert "人工调整" in diff.out
    early = plan("publish", 2, *named)
    assert early.code == 6
    assert "is edited; only approved plans can be published" in early.err
    assert plan("approve", 2, *named).code == 0
    assert plan("publish", 2, *named).code == 0
    known = plan("compare", 2)
    assert "unknown, not undone" in known.out
    shown = plan("show", 2)
    assert [line.split()[3] for line in shown.out.splitlines()[1:]] == [
        "edit", "approve", "publish", "execute", "compare",
    ]  # fmt: skip

    sheet = tmp_path / "sheet.html"
    assert plan("sheets", 1, "--out", sheet, "--lang", "zh").code == 0
    text = sheet.read_text("utf-8")
    assert "未经批准" in text
    assert "<style>" in text  # a file stands alone
    assert "任务单" in text
    assert "Shift sheet" not in text
    day = plan("sheets", 1, "--out", sheet, "--day", "2026-02-10", "--lang", "zh")
    assert day.code == 0, day.err
    assert "任务单" in sheet.read_text("utf-8")
    other = plan("export", 1, "routes.gpx", "--day", "2026-02-11", "--out", tmp_path / "r.gpx")
    assert other.code == 5
    assert "has no routes on 2026-02-11" in other.err
    refused = plan("sheets", 1, "--out", tmp_path / "sheet.doc")
    assert refused.code == 2
    assert plan("export", 1, "calendar.ics", "--out", tmp_path / "c.ics").code == 0
    none = plan("export", 2, "routes.gpx")
    assert none.code == 5
    assert "has no routes yet" in none.err
    with connect(town) as connection:
        log = connection.execute("SELECT action FROM audit_entry ORDER BY seq").fetchall()
    assert [row[0] for row in log] == [
        "plan edited", "plan approved", "plan published", "plan compared",
    ]  # fmt: skip


def test_a_night_without_hours_to_give_leaves_what_is_published_and_says_so(
    plan: Callable[..., Any],
) -> None:
    failed = plan("--hours", 1, "--date", "2026-02-11", "--weeks", 13, "--floor", 60)
    assert failed.code == 1
    assert "allocation failed" in failed.out
    assert "the plan of 2026-02-10 stays published" in failed.out
    assert "no new plan" in failed.out
    strange = plan("--hours", 1, "--leave-out", "lunch")
    assert strange.code == 2
