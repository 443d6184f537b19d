"""A plan by the calendar of shifts, in a place that has grids and nothing above them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest

from geo.database.connect import Database, connect
from geo.demo.people import shift_table
from tests.conftest import created
from tests.web.district import write_district
from tests.web.plans.ground import add_ground

pytestmark = pytest.mark.db
DAY = date(2026, 2, 10)
PLAN = ("--date", DAY, "--weeks", 13, "--floor", 15, "--top", 1)
HOURS = """
SELECT shift_no, unit_kind, sum(minutes) / 60.0 FROM plan_item
WHERE plan_id = (SELECT max(plan_id) FROM plan) GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def town(server: Database, template: Database) -> Iterator[Database]:
    with created(server, name=f"gridbeat_duty_{uuid4().hex[:12]}", template=template.name) as made:
        with connect(made) as connection:
            write_district(connection)
            add_ground(connection)
        with connect(made, role="owner") as connection:
            connection.execute("UPDATE area SET parent_id = NULL")
            connection.execute(
                "UPDATE area SET valid_from = '1990-01-01', valid_to = '1990-01-02' "
                "WHERE level <> 'grid'"
            )
            connection.execute("UPDATE unit SET kind = 'vehicle' WHERE source_ref = 'u2'")
            connection.commit()
        yield made


def planned(town: Database) -> list[tuple[int, str, float]]:
    with connect(town) as connection:
        return [(no, kind, float(hours)) for no, kind, hours in connection.execute(HOURS)]


def test_imported_shifts_of_the_demo_decide_who_is_planned_for(
    town: Database, gridbeat: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = town.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    asked = ("plan", "--on-duty", "--shift", "08:00-16:00", "--shift", "16:00-24:00", *PLAN)
    ways = ("--leave-out", "routes", "--leave-out", "rounds", "--leave-out", "flights")

    # Without a calendar every unit works eight hours, of which three quarters are for patrol.
    first = gridbeat(*asked, *ways)
    assert first.code == 0, first.out + first.err
    assert planned(town) == [(1, "foot", 3.0), (1, "vehicle", 3.0), (2, "foot", 3.0),
                             (2, "vehicle", 3.0)]  # fmt: skip

    units = pd.DataFrame({"source_ref": ["u1", "u2"], "kind": ["foot", "vehicle"]})
    shifts = shift_table(units, DAY, days=1)
    shifts.to_csv(tmp_path / "shifts.csv", index=False)
    taken = gridbeat("posts", "import", "shifts", tmp_path / "shifts.csv")
    assert f"{len(shifts)} new" in taken.out, taken.err
    assert "0 quarantined" in taken.out

    again = gridbeat(*asked, *ways)
    assert again.code == 0, again.out + again.err
    # On foot 08:00-12:00 and 14:00-18:00, by car 08:00-16:00.
    assert planned(town) == [(1, "foot", 4.5), (1, "vehicle", 6.0), (2, "foot", 1.5)]

    nobody = gridbeat("plan", "--on-duty", "--shift", "08:00-16:00", "--date", "2026-03-10",
                      "--weeks", 13, *ways)  # fmt: skip
    assert nobody.code == 1
    assert "nobody is on duty in these shifts by the calendar" in nobody.out
