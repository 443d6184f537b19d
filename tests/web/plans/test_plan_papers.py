"""What a plan hands out over HTTP: mission files in every form, and a week as one plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect, make_engine
from patrol.drones.formats.files import read_mission
from patrol.planning.gather import GatherParams, Where, gather_flights
from patrol.planning.store import read_desk
from tests.web.conftest import Service, serving
from tests.web.district import STEP, WEST
from tests.web.plans.ground import add_ground, do_work

pytestmark = pytest.mark.db
DAY = date(2026, 2, 9)
ZONE = (
    "INSERT INTO airspace_zone (feed_id, source_ref, content_hash, kind, name, floor_m, geom) "
    "SELECT 1, 'school', 0, 'prohibited', 'school', 0, ST_Multi(geom) FROM jurisdiction"
)


def asked(service: Service, process: str, **inputs: object) -> dict:
    client = service.client(headers=service.bearer("planner"))
    job = client.post(f"/ogc/processes/{process}/execution", json={"inputs": inputs})
    assert job.status_code == 201, job.text
    do_work(service.database)
    answer = client.get(f"{job.headers['location']}/results")
    assert answer.status_code == 200, client.get(job.headers["location"]).text
    return answer.json()["result"]


@pytest.fixture(scope="module")
def planned(server: Database, template: Database) -> Iterator[tuple[Service, int]]:
    """Give a service and a plan of a day, with a drone that flies over three spots."""
    with serving(server, template) as running:
        with connect(running.database) as connection:
            add_ground(connection)
            connection.execute(
                "INSERT INTO drone (feed_id, source_ref, content_hash, name, size_class, "
                "registration_no, network_relay, speed_m_s, endurance_s, max_wind_m_s, geom) "
                "VALUES (1, 'D1', 0, 'D1', 'light', 'UAS1', false, 10, 1800, 10, "
                "ST_SetSRID(ST_MakePoint(%s, 35.61), 4326))", [WEST + STEP],
            )  # fmt: skip
            connection.commit()
        number = asked(running, "plan", hours=12, plan_date=str(DAY), weeks=13)["plan"]
        engine = make_engine(running.database, pool=NullPool)
        with engine.begin() as connection:
            xs = [WEST + STEP * part for part in (0.6, 1.2, 1.8)]
            spots = gpd.GeoDataFrame(
                {"prize": [3.0, 2.0, 1.0]}, geometry=gpd.points_from_xy(xs, [35.612] * 3), crs=4326
            )
            gather_flights(
                connection, read_desk(connection, number), Where(1, 4549, "Asia/Shanghai"),
                GatherParams(), spots=spots, code_version="test",
            )  # fmt: skip
        engine.dispose()
        yield running, number


def test_a_mission_goes_out_in_every_form_and_reads_as_it_was_planned(
    planned: tuple[Service, int], tmp_path: Path
) -> None:
    service, number = planned
    client = service.client(headers=service.bearer("planner"))
    flights = client.get(f"/api/v1/plans/{number}/flights").json()["flights"]
    flight = flights[0]["flight_id"]
    seen = {}
    for form in ("plan", "waypoints", "kmz", "kml", "gpx"):
        answer = client.get(f"/api/v1/plans/{number}/flights/{flight}/mission.{form}")
        assert answer.status_code == 200, answer.text
        assert f'filename="flight-{flight}.{form}"' in answer.headers["content-disposition"]
        path = tmp_path / f"flight.{form}"
        path.write_bytes(answer.content)
        seen[form] = [
            (round(item.lon, 5), round(item.lat, 5))
            for item in read_mission(path).items
            if item.is_place
        ]
    for spot in (WEST + STEP * 0.6, WEST + STEP * 1.2, WEST + STEP * 1.8):
        for form, places in seen.items():
            assert any(abs(lon - spot) < 1e-4 for lon, _ in places), (form, places)
    strange = client.get(f"/api/v1/plans/{number}/flights/{flight + 99}/mission.plan")
    assert strange.status_code == 404
    assert client.get(f"/api/v1/plans/{number}/flights/{flight}/mission.exe").status_code == 400


def test_a_mission_that_the_airspace_forbids_is_refused_with_its_rule(
    planned: tuple[Service, int],
) -> None:
    service, number = planned
    client = service.client(headers=service.bearer("planner"))
    flight = client.get(f"/api/v1/plans/{number}/flights").json()["flights"][0]["flight_id"]
    with connect(service.database) as connection:
        connection.execute(ZONE)
        connection.commit()
    answer = client.get(f"/api/v1/plans/{number}/flights/{flight}/mission.plan")
    with connect(service.database) as connection:
        connection.execute("DELETE FROM airspace_zone")
        connection.commit()
    assert answer.status_code == 409
    assert "school" in answer.json()["detail"]


def test_a_week_is_asked_for_and_read_as_one_plan(planned: tuple[Service, int]) -> None:
    service, number = planned
    made = asked(
        service, "plan", days=7, plan_date=str(DAY), weeks=13, units={"foot": [4], "drone": [1]},
        shifts=["08:00-16:00=早班/early", "16:00-24:00=晚班/late"],
    )["plan"]  # fmt: skip
    client = service.client(headers=service.bearer("planner"))
    found = client.get(f"/api/v1/plans/{made}").json()
    assert (found["plan"]["days"], found["plan"]["version"], found["plan"]["hours"]) == (7, 1, 70)
    assert [shift["name_en"] for shift in found["shifts"]][:3] == [
        "Mon early",
        "Mon late",
        "Tue early",
    ]
    assert len(found["shifts"]) == 14
    listed = {row["plan_id"]: row["days"] for row in client.get("/api/v1/plans").json()["plans"]}
    assert (listed[number], listed[made]) == (1, 7)
    table = client.get(f"/api/v1/plans/{made}/files/areas.csv").content.decode("utf-8-sig")
    assert "an hour more +" in table
    refused = client.post(
        "/ogc/processes/plan/execution", json={"inputs": {"hours": 12, "days": 7, "weeks": 13}}
    )
    assert refused.status_code == 400
    assert "shared by units or on_duty" in refused.text
