"""Every process that can be asked for, done to its result, with its progress, and cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.plans.ground import add_ground
from web.jobs.processes import PROCESSES
from web.jobs.queue import WorkerParams, work

pytestmark = pytest.mark.db
ONCE = WorkerParams(wait=False, heartbeat_s=0.2, stalled_s=1.0)
# What each is asked for, and what its result has to say besides the jurisdiction.
ASKED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "hotspots": ({"weeks": 26, "cell_m": 200}, ("result_runs",)),
    "forecast": ({"weeks": 26, "history_weeks": 26}, ("result_runs",)),
    "coverage": ({"weeks": 4}, ("result_runs", "unseen_share", "spots")),
    "blind_spots": ({"weeks": 4, "top": 5}, ("result_runs", "spots", "grids")),
    "plan": ({"weeks": 26, "hours": 8, "plan_date": "2026-02-10"}, ("plan",)),
    "night": (
        {"weeks": 26, "hours": 8, "plan_date": "2026-02-11", "routes": False, "rounds": False,
         "flights": False},
        ("plan", "outcome", "parts"),
    ),
    "plan_ways": ({"flights": False, "rounds": False}, ("plan", "outcome", "parts")),
    "replan": (
        {"at": "2026-02-11T09:00:00", "incidents": [{"lon": 121.012, "lat": 35.61}]},
        ("routes", "replaces", "goes", "nobody_reaches"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def planner(own_service: Service) -> httpx.Client:
    """Half a year of the district's incidents, roads, a station and units."""
    with connect(own_service.database) as connection:
        connection.execute(
            "SELECT ensure_incident_partitions(array_agg(d::date)) FROM "
            "generate_series(date '2025-07-01', date '2025-12-01', interval '1 month') d"
        )
        for months in range(1, 6):
            connection.execute(
                "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, "
                "time_precision, category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
                "SELECT feed_id, source_ref || '-' || %s::text, occurred_at - %s * interval "
                "'33 days', occurred_until - %s * interval '33 days', time_precision, "
                "category_id, found_by, geom, x_m, y_m, area_id, content_hash FROM incident "
                "WHERE source_ref NOT LIKE '%%-%%'",
                [months, months, months],
            )
        add_ground(connection)
        connection.execute("DELETE FROM rate_bucket")
    return own_service.client(headers=own_service.bearer("planner"))


def ask(client: httpx.Client, name: str, inputs: dict[str, Any]) -> str:
    answer = client.post(f"/ogc/processes/{name}/execution", json={"inputs": inputs})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def rows_of(client: httpx.Client, run: int) -> list[dict[str, Any]]:
    asked = {"filter": f"result_run_id = {run}", "limit": 1000}
    answer = client.get("/ogc/collections/results/items", params=asked)
    found: list[dict[str, Any]] = answer.json()["features"]
    return found


def test_every_process_is_asked_for_here(planner: httpx.Client) -> None:
    listed = {item["id"] for item in planner.get("/ogc/processes").json()["processes"]}
    assert set(ASKED) == {item.name for item in PROCESSES} == listed


@pytest.mark.parametrize("name", ASKED)
def test_it_is_done_to_its_result(own_service: Service, planner: httpx.Client, name: str) -> None:
    inputs, says = ASKED[name]
    if name == "plan_ways":
        with connect(own_service.database) as connection:
            row = connection.execute("SELECT max(plan_id) FROM plan").fetchone()
        inputs = {**inputs, "plan": row[0]}
    with connect(own_service.database) as connection:
        before = {run for (run,) in connection.execute("SELECT result_run_id FROM result_run")}
    job = ask(planner, name, inputs)
    assert planner.get(job).json()["progress"] == 0
    asyncio.run(work(own_service.database, ONCE))
    status = planner.get(job).json()
    assert (status["status"], status["progress"]) == ("successful", 100), status
    result = planner.get(f"{job}/results").json()["result"]
    assert set(says) <= set(result)
    runs = result.get("result_runs", {}).values()
    assert set(runs) & before == set()
    if "hotspots" in result.get("result_runs", {}) or name in {"forecast", "coverage"}:
        assert sum(len(rows_of(planner, run)) for run in runs) > 0
    if "outcome" in says:
        assert result["outcome"] in {"complete"}, result


@pytest.mark.parametrize("name", ASKED)
def test_it_can_be_cancelled(own_service: Service, planner: httpx.Client, name: str) -> None:
    inputs, _ = ASKED[name]
    with connect(own_service.database) as connection:
        connection.execute("DELETE FROM rate_bucket")
    job = ask(planner, name, {**inputs, "plan": 1} if name == "plan_ways" else inputs)
    assert planner.delete(job).json()["status"] == "dismissed"
    asyncio.run(work(own_service.database, ONCE))
    assert planner.get(job).json()["status"] == "dismissed"
    assert planner.get(f"{job}/results").status_code == 404


@pytest.mark.usefixtures("planner")
def test_the_forecast_that_was_asked_for_is_of_every_grid(own_service: Service) -> None:
    grids = {own_service.areas[code] for code in ("w1", "w2", "e1", "e2")}
    with connect(own_service.database) as connection:
        rows = connection.execute(
            "SELECT r.area_id, r.score FROM result_row r JOIN result_run n USING (result_run_id) "
            "WHERE n.kind = 'forecast'"
        ).fetchall()
    assert {area for area, _ in rows} >= grids
    assert sum(score for _, score in rows if score is not None) > 0
