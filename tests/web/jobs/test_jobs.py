"""Long work: asked for over HTTP, done by a worker, cancelled, and not lost with a killed one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from geo.database.connect import connect
from tests.web.conftest import Service
from web.auth.permissions import Permission
from web.jobs.processes import HotspotInputs, Process, Tell
from web.jobs.queue import WorkerParams, work

pytestmark = pytest.mark.db
ONCE = WorkerParams(wait=False, heartbeat_s=0.2, stalled_s=1.0)


@pytest.fixture
def planner(own_service: Service) -> httpx.Client:
    with connect(own_service.database) as connection:
        connection.execute("DELETE FROM rate_bucket")
    return own_service.client(headers=own_service.bearer("planner"))


def ask(client: httpx.Client, name: str, **inputs: Any) -> str:
    answer = client.post(f"/ogc/processes/{name}/execution", json={"inputs": inputs})
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "accepted"
    return answer.headers["location"]


def do_work(service: Service, find: Callable[[str], Process] | None = None) -> None:
    asyncio.run(work(service.database, ONCE, find) if find else work(service.database, ONCE))


def test_hotspots_are_computed_and_can_be_read(own_service: Service, planner: httpx.Client) -> None:
    job = ask(planner, "hotspots", weeks=4, cell_m=200)
    assert planner.get(f"{job}/results").status_code == 404
    do_work(own_service)
    status = planner.get(job).json()
    assert (status["status"], status["progress"]) == ("successful", 100)
    results = next(link["href"] for link in status["links"] if link["rel"].endswith("results"))
    runs = planner.get(results).json()["result"]["result_runs"]
    found = planner.get(
        "/ogc/collections/results/items",
        params={"filter": f"result_run_id = {runs['hotspots']}", "limit": 1},
    ).json()["features"][0]
    assert found["properties"]["kind"] == "hotspots"
    assert found["geometry"]["type"] == "MultiPolygon"
    assert planner.get("/ogc/jobs").json()["jobs"][0]["jobID"] == status["jobID"]
    assert planner.delete(job).status_code == 409


def test_a_plan_is_drafted(own_service: Service, planner: httpx.Client) -> None:
    job = ask(planner, "plan", weeks=13, hours=12, plan_date="2026-02-10")
    do_work(own_service)
    status = planner.get(job).json()
    assert status["status"] == "successful", status
    number = planner.get(f"{job}/results").json()["result"]["plan"]
    with connect(own_service.database) as connection:
        row = connection.execute(
            "SELECT status, sum(minutes) FROM plan JOIN plan_item USING (plan_id) "
            "WHERE plan_id = %s GROUP BY status", [number],
        ).fetchone()  # fmt: skip
    assert row == ("draft", 720)


def test_a_plan_of_shifts_and_kinds_is_drafted_with_the_hours_of_each(
    own_service: Service, planner: httpx.Client
) -> None:
    job = ask(
        planner, "plan", weeks=13, plan_date="2026-02-10", shifts=["08:00-16:00", "16:00-24:00"],
        units={"foot": [8, 6], "volunteer": [1]}, floor_min=15,
    )  # fmt: skip
    do_work(own_service)
    status = planner.get(job).json()
    assert status["status"] == "successful", status.get("message")
    number = planner.get(f"{job}/results").json()["result"]["plan"]
    with connect(own_service.database) as connection:
        rows = connection.execute(
            "SELECT shift_no, unit_kind, sum(minutes) FROM plan_item WHERE plan_id = %s "
            "GROUP BY shift_no, unit_kind ORDER BY shift_no, unit_kind", [number],
        ).fetchall()  # fmt: skip
        parameters, starts = connection.execute(
            "SELECT p.parameters, min(s.starts_at) FROM plan p JOIN plan_shift s USING (plan_id) "
            "WHERE plan_id = %s GROUP BY p.plan_id", [number],
        ).fetchone()  # fmt: skip
    assert rows == [(1, "foot", 480), (1, "volunteer", 60), (2, "foot", 360), (2, "volunteer", 60)]
    assert parameters["shares"]["method"] == "exact"
    assert 0 < parameters["shares"]["covered"] < parameters["shares"]["need"]
    assert starts.timestamp() == datetime(2026, 2, 10, tzinfo=UTC).timestamp()  # 08:00 there


def test_a_night_takes_what_a_plan_takes(own_service: Service, planner: httpx.Client) -> None:
    told = [planner.get(f"/ogc/processes/{name}").json()["inputs"] for name in ("plan", "night")]
    assert {name: told[1][name] for name in told[0]} == told[0]
    job = ask(
        planner, "night", weeks=13, plan_date="2026-02-11", shifts=["08:00-16:00", "16:00-24:00"],
        units={"foot": [8, 6]}, objective="fair", surprise_share=0.2, seed=7, floor_min=15,
        routes=False, rounds=False, flights=False,
    )  # fmt: skip
    do_work(own_service)
    status = planner.get(job).json()
    assert status["status"] == "successful", status.get("message")
    number = planner.get(f"{job}/results").json()["result"]["plan"]
    with connect(own_service.database) as connection:
        rows = connection.execute(
            "SELECT shift_no, unit_kind, sum(minutes) FROM plan_item WHERE plan_id = %s "
            "GROUP BY shift_no, unit_kind ORDER BY shift_no", [number],
        ).fetchall()  # fmt: skip
        (rules,) = connection.execute(
            "SELECT parameters -> 'allocation' FROM plan WHERE plan_id = %s", [number]
        ).fetchone()
    assert rows == [(1, "foot", 480), (2, "foot", 360)]
    assert (rules["fairness"], rules["surprise_share"], rules["seed"]) == (1.0, 0.2, 7)


def test_what_nobody_saw_is_mapped_and_stored(own_service: Service, planner: httpx.Client) -> None:
    job = ask(planner, "coverage", weeks=4, days=14)
    do_work(own_service)
    status = planner.get(job).json()
    assert status["status"] == "successful", status.get("message")
    result = planner.get(f"{job}/results").json()["result"]
    assert set(result["result_runs"]) == {"coverage", "area_protection"}
    # Nobody walked, flew or looked in this district: all of its ground is unseen, not safe.
    assert result["unseen_share"] == 1.0
    assert [spot["rank"] for spot in result["spots"]] == list(range(1, len(result["spots"]) + 1))
    assert result["spots"]
    grids = {own_service.areas[code] for code in ("w1", "w2", "e1", "e2")}
    found = {spot["area_id"] for spot in result["spots"]}
    assert grids & found
    assert found <= grids | {None}  # ground at the border lies in no grid
    for spot in result["spots"]:
        assert (spot["area_id"] is None) == (spot["no_area_en"] == "lies in no grid")
    assert all("not safe" in spot["reason_en"] for spot in result["spots"])
    with connect(own_service.database) as connection:
        kinds = connection.execute(
            "SELECT kind FROM result_run WHERE result_run_id = ANY (%s) ORDER BY kind",
            [list(result["result_runs"].values())],
        ).fetchall()
    assert [kind for (kind,) in kinds] == ["coverage", "protection"]


def test_a_job_that_cannot_be_done_says_why(own_service: Service, planner: httpx.Client) -> None:
    job = ask(planner, "hotspots", jurisdiction="nowhere")
    do_work(own_service)
    status = planner.get(f"{job}?lang=en").json()
    assert status["status"] == "failed"
    assert "nowhere" in status["message"]
    chinese = planner.get(f"{job}?lang=zh").json()["message"]
    assert chinese.startswith("没有该辖区")
    assert planner.get("/ogc/jobs?lang=zh").json()["jobs"][0]["message"] == chinese
    assert planner.get(f"{job}/results").status_code == 409


def test_a_cancelled_job_is_not_done(own_service: Service, planner: httpx.Client) -> None:
    job = ask(planner, "hotspots", weeks=4)
    assert planner.delete(job).json()["status"] == "dismissed"
    before = planner.get("/ogc/collections/results/items?limit=1").json()["features"]
    do_work(own_service)
    assert planner.get(job).json()["status"] == "dismissed"
    after = planner.get("/ogc/collections/results/items?limit=1").json()["features"]
    assert before == after


def test_a_job_cancelled_while_it_runs_leaves_nothing(
    own_service: Service, planner: httpx.Client
) -> None:
    job = ask(planner, "hotspots")

    def run(connection: Connection, _given: Any, _now: datetime, tell: Tell) -> dict[str, Any]:
        connection.execute(text("INSERT INTO feed (jurisdiction_id, source) VALUES (1, 'job')"))
        assert planner.delete(job).status_code == 200
        tell(50, "half")
        return {}

    process = Process("hotspots", "", "", HotspotInputs, run, Permission.JOBS_RUN)
    do_work(own_service, lambda _name: process)
    assert planner.get(job).json()["status"] == "dismissed"
    with connect(own_service.database) as connection:
        assert connection.execute("SELECT FROM feed WHERE source = 'job'").fetchone() is None


def do_work_until(service: Service, condition: Callable[[], bool]) -> None:
    """Look into the queue again and again: a silent worker's jobs come back to it by themselves."""
    for _ in range(500):
        do_work(service)
        if condition():
            return
    pytest.fail(f"still in the queue: {queued(service)}")


def queued(service: Service) -> list[tuple[Any, ...]]:
    with connect(service.database) as connection:
        return connection.execute(
            "SELECT status, attempts, worker_id FROM jobs.procrastinate_jobs "
            "WHERE status IN ('todo', 'doing')"
        ).fetchall()


WORKER = """
import asyncio, sys
from geo.cluster.layout import Cluster
from geo.database.connect import Database, locate, private_database
from geo.settings import DatabaseSettings
from pathlib import Path
from sqlalchemy import text
from web.auth.permissions import Permission
from web.jobs.processes import HotspotInputs, Process
from web.jobs.queue import WorkerParams, work

def run(connection, given, now, tell):
    connection.execute(text("INSERT INTO feed (jurisdiction_id, source) VALUES (1, 'killed')"))
    tell(40, "in the middle")
    print("in the middle", flush=True)
    sys.stdin.read()  # until it is killed

home, name = sys.argv[1:]
database = private_database(Cluster(Path(home)), name=name)
process = Process("hotspots", "", "", HotspotInputs, run, Permission.JOBS_RUN)
asyncio.run(work(database, WorkerParams(heartbeat_s=0.2, stalled_s=1.0), lambda _name: process))
"""


def test_nothing_is_lost_or_done_twice_when_the_worker_is_killed(
    own_service: Service, planner: httpx.Client
) -> None:
    cluster = own_service.database.cluster
    if cluster is None:
        pytest.skip("the tests' server is not a private one")
    job = ask(planner, "hotspots", weeks=4, cell_m=200)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(cluster.home), own_service.database.name],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with worker:
        assert worker.stdout is not None
        said = worker.stdout.readline()  # it says so in the middle, or its end ends the line
        worker.kill()
    assert said == "in the middle\n"
    status = planner.get(job).json()
    assert (status["status"], status["message"]) == ("running", "in the middle")
    do_work_until(own_service, lambda: planner.get(job).json()["status"] != "running")
    assert planner.get(job).json()["status"] == "successful"
    with connect(own_service.database) as connection:
        assert connection.execute("SELECT FROM feed WHERE source = 'killed'").fetchone() is None
    assert queued(own_service) == []


def test_job_that_another_worker_holds_stays_in_the_queue_for_when_that_one_is_killed(
    own_service: Service, planner: httpx.Client
) -> None:
    job = ask(planner, "hotspots", weeks=4, cell_m=200)
    number = planner.get(job).json()["jobID"]
    with connect(own_service.database) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 5))", [number])
        do_work(own_service)
        assert planner.get(job).json()["status"] == "accepted"
        assert [row[0] for row in queued(own_service)] == ["todo"]
    do_work_until(own_service, lambda: planner.get(job).json()["status"] == "successful")
    assert queued(own_service) == []


@pytest.mark.parametrize(
    ("name", "inputs", "status"),
    [
        ("hotspots", {"weeks": 3}, 400),
        ("hotspots", {"cell": 100}, 400),
        ("plan", {}, 400),
        ("plan", {"hours": "many"}, 400),
        ("plan", {"weeks": 8}, 400),
        ("plan", {"hours": 12, "on_duty": True}, 400),
        ("plan", {"hours": 12, "shifts": ["08:00-16:00"]}, 400),
        ("night", {}, 400),
        ("night", {"hours": 12, "on_duty": True}, 400),
        ("night", {"hours": 12, "units": {"foot": [8]}}, 400),
        ("night", {"shifts": ["08:00-16:00"]}, 400),
        ("nothing", {}, 404),
    ],
)
def test_bad_inputs_are_refused_before_they_are_queued(
    planner: httpx.Client, name: str, inputs: dict[str, Any], status: int
) -> None:
    answer = planner.post(f"/ogc/processes/{name}/execution", json={"inputs": inputs})
    assert answer.status_code == status


def test_jobs_are_their_owners_and_need_the_whole_ground(
    own_service: Service, planner: httpx.Client
) -> None:
    job = ask(planner, "hotspots", weeks=4)
    analyst = own_service.client(headers=own_service.bearer("analyst"))
    assert analyst.get(job).status_code == 404
    assert analyst.delete(job).status_code == 404
    west = own_service.client(headers=own_service.bearer("west"))
    assert west.post("/ogc/processes/hotspots/execution", json={}).status_code == 403
    assert analyst.post("/ogc/processes/plan/execution", json={}).status_code == 403
    assert planner.delete(job).status_code == 200


def test_each_process_describes_its_inputs(planner: httpx.Client) -> None:
    for process in planner.get("/ogc/processes").json()["processes"]:
        whole = planner.get(f"/ogc/processes/{process['id']}").json()
        least = {"weeks": 4, "plan": 1, "seed": 0}
        key = {"plan_ways": "plan", "replan": "seed"}.get(process["id"], "weeks")
        assert whole["inputs"][key]["schema"]["minimum"] == least[key]
        # Hours may be said by kind of unit and shift instead, of a plan as of a whole night.
        assert whole["inputs"].get("hours", {"minOccurs": 0})["minOccurs"] == 0


def test_what_cameras_miss_is_a_stored_result_that_the_wall_can_draw(
    own_service: Service, planner: httpx.Client
) -> None:
    where = ask(planner, "blind_spots", weeks=4, top=10, until="2026-02-03")
    asyncio.run(work(own_service.database, ONCE))
    done = planner.get(where).json()
    assert done["status"] == "successful", done
    result = planner.get(f"{where}/results").json()["result"]
    run = result["result_runs"]["blind_spots"]
    with connect(own_service.database) as connection:
        rows = connection.execute(
            "SELECT label, ST_IsValid(geom) FROM result_row WHERE result_run_id = %s", [run]
        ).fetchall()
    assert len(rows) == result["spots"]
    assert set(rows) <= {("blind", True)}
    assert {row["code"] for row in result["grids"]} == {"w1", "w2", "e1", "e2", "all"}


def test_a_forecast_of_too_little_data_says_how_much_is_needed(
    own_service: Service, planner: httpx.Client
) -> None:
    where = ask(planner, "forecast", weeks=4, until="2026-02-03")
    asyncio.run(work(own_service.database, ONCE))
    done = planner.get(f"{where}?lang=en").json()
    assert done["status"] == "failed"
    assert "14 weeks" in done["message"]
    assert "至少需要14周" in planner.get(f"{where}?lang=zh").json()["message"]
