"""What a plan hands out over HTTP: mission files in every form, and a week as one plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import geopandas as gpd
import gpxpy
import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect, make_engine
from patrol.drones.formats.files import read_mission
from patrol.planning.gather import GatherParams, Where, gather_flights
from patrol.planning.paper import read_sheets
from patrol.planning.sheets import sheets_pdf
from patrol.planning.store import read_desk
from patrol.prescribe.prescription import Prescription
from patrol.prescribe.store import write_prescription
from patrol.store import read_plan
from tests.patrol.planning.pdf_text import pdf_text
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


TWO_DAYS = (DAY + timedelta(days=1), DAY + timedelta(days=2))
SHIFTS = ["08:00-16:00=早班/early", "16:00-24:00=晚班/late"]


@pytest.fixture(scope="module")
def days(planned: tuple[Service, int]) -> tuple[Service, int, dict[str, Any]]:
    """Give a night of two days, made while a case in the west is two days late."""
    service, _ = planned
    with connect(service.database) as connection:
        connection.execute(
            "INSERT INTO case_file (jurisdiction_id, number, opened_at, words, geom, area_id, "
            "state_since, due_at) SELECT 1, 'L1', '2026-02-01', 'noise', ST_PointOnSurface(geom), "
            "area_id, '2026-02-01', '2026-02-08' FROM area WHERE code = 'w1'"
        )
        connection.commit()
    result = asked(
        service, "night", days=2, plan_date=str(TWO_DAYS[0]), weeks=13, units={"foot": [4]},
        shifts=SHIFTS, flights=False,
    )  # fmt: skip
    return service, result["plan"], result


def files(service: Service, number: int, what: str, **query: str) -> httpx.Response:
    client = service.client(headers=service.bearer("planner"))
    return client.get(f"/api/v1/plans/{number}/files/{what}", params=query)


def test_each_shift_of_several_days_gets_its_routes_and_rounds(
    days: tuple[Service, int, dict[str, Any]],
) -> None:
    service, number, result = days
    parts = {part["name"]: part["outcome"] for part in result["parts"]}
    assert (parts["routes"], parts["rounds"], parts["flights"]) == ("done", "done", "left out")
    client = service.client(headers=service.bearer("planner"))
    found = client.get(f"/api/v1/plans/{number}").json()
    assert found["days"] == [str(day) for day in TWO_DAYS]
    assert len(found["gathered"]["routes"]) == len(found["gathered"]["rounds"]) == 4
    ways = files(service, number, "routes.geojson").json()
    assert [run["starts_at"][11:16] for run in ways["gridbeat"]] == ["00:00", "08:00"] * 2  # UTC
    only = files(service, number, "routes.geojson", day=str(TWO_DAYS[1])).json()
    assert [run["route_run_id"] for run in only["gridbeat"]] == found["gathered"]["routes"][2:]
    rounds = client.get(f"/api/v1/plans/{number}/rounds", params={"day": str(TWO_DAYS[0])}).json()
    assert [one["round_id"] for one in rounds["rounds"]] == found["gathered"]["rounds"][:2]
    absent = files(service, number, "routes.geojson", day="2026-03-01", lang="en")
    assert absent.status_code == 404
    assert "no routes on 2026-03-01" in absent.json()["detail"]


def test_an_overdue_case_is_a_must_of_the_first_shift_and_of_no_other(
    days: tuple[Service, int, dict[str, Any]],
) -> None:
    service, number, _ = days
    stops = [
        feature["properties"] for feature in files(service, number, "routes.geojson").json()
        ["features"] if feature["properties"].get("stop_ref") == "case/L1"
    ]  # fmt: skip
    assert [(stop["must"], stop["start_at"][:10]) for stop in stops] == [(True, str(TWO_DAYS[0]))]
    assert "case L1 is" in stops[0]["reason_en"]


def test_one_calendar_holds_every_shift_and_each_unit_its_sheet_of_a_day(
    days: tuple[Service, int, dict[str, Any]],
) -> None:
    service, number, _ = days
    calendar = Calendar.from_ical(files(service, number, "calendar.ics").content)
    events = list(calendar.walk("VEVENT"))
    shifts = [str(one["SUMMARY"]) for one in events if ": " not in str(one["SUMMARY"])]
    names = ("周二早班 Tue early", "周二晚班 Tue late", "周三早班 Wed early", "周三晚班 Wed late")
    assert all(sum(name in said for said in shifts) == 2 for name in names)  # of both units
    assert len({str(one["UID"]) for one in events}) == len(events)
    assert {one["DTSTART"].dt.date() for one in events} == set(TWO_DAYS)
    own = files(service, number, "sheets.html", unit="一队", day=str(TWO_DAYS[1]), lang="en").text
    assert own.count("<article>") == 2
    assert "Wed early 2026-02-11" in own
    assert "2026-02-10 – 2026-02-11 v1" in own
    assert files(service, number, "sheets.pdf", day=str(TWO_DAYS[1])).content.startswith(b"%PDF-")
    path = f"/api/v1/plans/{number}/files/sheets"
    n_sheets = files(service, number, "sheets.html").text.count("<article>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.routes.plans.MOST_SHEETS", n_sheets - 1)
        client = service.client(headers=service.bearer("planner"))
        refused = client.get(f"{path}.pdf", params={"lang": "en"})
        assert refused.status_code == 400
        assert f"{n_sheets} sheets are too many" in refused.json()["detail"]
        assert client.get(f"{path}.pdf", params={"day": str(TWO_DAYS[1])}).status_code == 200
        assert client.get(f"{path}.html").status_code == 200
    tracks = gpxpy.parse(files(service, number, "routes.gpx").text).tracks
    assert len({track.name for track in tracks}) == len(tracks) == 8


def test_the_routes_of_one_day_are_made_anew_and_the_others_stay(
    days: tuple[Service, int, dict[str, Any]],
) -> None:
    service, number, _ = days
    client = service.client(headers=service.bearer("planner"))
    before = client.get(f"/api/v1/plans/{number}").json()["gathered"]["routes"]
    asked(service, "plan_ways", plan=number, day=str(TWO_DAYS[1]), rounds=False, flights=False)
    after = client.get(f"/api/v1/plans/{number}").json()["gathered"]["routes"]
    assert after[:2] == before[:2]
    assert min(after[2:]) > max(before)
    wrong = asked(service, "plan_ways", plan=number, day="2026-03-01", rounds=False, flights=False)
    routes = next(part for part in wrong["parts"] if part["name"] == "routes")
    assert routes["outcome"] == "failed"
    assert "it holds 2026-02-10 .. 2026-02-11" in routes["message"]


def test_each_day_has_flights_of_its_own_and_a_second_try_takes_their_place(
    days: tuple[Service, int, dict[str, Any]],
) -> None:
    service, number, _ = days
    engine = make_engine(service.database, pool=NullPool)
    spots = gpd.GeoDataFrame(
        {"prize": [3.0]}, geometry=gpd.points_from_xy([WEST + STEP], [35.612]), crs=4326
    )
    with engine.begin() as connection:
        for _ in range(2):
            made = gather_flights(
                connection, read_desk(connection, number), Where(1, 4549, "Asia/Shanghai"),
                GatherParams(), spots=spots, code_version="test",
            )  # fmt: skip
    engine.dispose()
    client = service.client(headers=service.bearer("planner"))
    found = client.get(f"/api/v1/plans/{number}/flights").json()["flights"]
    assert [one["flight_id"] for one in found] == made
    assert [one["takes_off_at"][:10] for one in found] == [str(day) for day in TWO_DAYS]
    later = client.get(f"/api/v1/plans/{number}/flights", params={"day": str(TWO_DAYS[1])}).json()
    assert [one["flight_id"] for one in later["flights"]] == made[1:]


def test_a_sheet_tells_what_to_look_for_in_its_language_on_screen_and_on_paper(
    planned: tuple[Service, int],
) -> None:
    service, _ = planned
    lines = {
        code: Prescription(
            code, ("foot",), None, None, 15, (f"核对{zh}", f"拍照{zh}"),
            (f"check the {code} & its source", f"photograph {code}"), "照片", "photos",
        )
        for code, zh in (("noise", "噪音"), ("park", "违停"), ("dump", "垃圾"))
    }  # fmt: skip
    engine = make_engine(service.database, pool=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE area SET name_en = 'Grid ' || code WHERE level = 'grid'"))
        for item in lines.values():
            write_prescription(
                connection, 1, item, valid_from=DAY, person="王敏", reason="our ground",
                now=datetime(2026, 2, 1, tzinfo=UTC),
            )  # fmt: skip
    made = asked(service, "night", hours=12, plan_date=str(DAY), weeks=13, rounds=False,
                 flights=False)["plan"]  # fmt: skip
    with engine.connect() as connection:
        sheets = read_sheets(connection, made)
        items = read_plan(connection, made).items.set_index("name")
    engine.dispose()
    stops = [stop for sheet in sheets for stop in sheet.stops if stop.ref[0] in "we"]
    assert stops
    for stop in stops:
        rule = lines[items.loc[stop.place[0], "reason"]["driver"]]
        assert stop.checks == tuple(zip(rule.checklist_zh, rule.checklist_en, strict=True))
    told = {check for stop in stops for check in stop.checks}
    for lang, at in (("zh", 0), ("en", 1)):
        screen = files(service, made, "sheets.html", lang=lang).text
        paper = pdf_text(files(service, made, "sheets.pdf", lang=lang).content)
        # A grid is called by its name in the sheet's language, in its reason too.
        assert ("<strong>Grid " in screen) == (lang == "en")
        assert (re.search("Grid [we][12]: ", screen) is not None) == (lang == "en")
        for check in told:
            assert f"<li>{escape(check[at])}</li>" in screen
            assert escape(check[1 - at]) not in screen
            assert "".join(check[at].split()) in paper
            assert "".join(check[1 - at].split()) not in paper
    both = pdf_text(files(service, made, "sheets.pdf", both="true").content)
    assert all("".join(f"{zh}{en}".split()) in both for zh, en in told)
    heard: list[tuple[int, int]] = []
    content = sheets_pdf(sheets, tell=lambda done, of: heard.append((done, of)))
    assert heard == [(k, len(sheets)) for k in range(1, len(sheets) + 1)]
    # The pages of each sheet are counted by themselves, as each is handed to another unit.
    assert pdf_text(content).count("1/1") == len(sheets)
