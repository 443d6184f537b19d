"""Open311 GeoReport v2: all six methods, in JSON and XML."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from xml.etree import ElementTree

import httpx
import pytest
from sqlalchemy import text

from geo.database.connect import connect, make_engine
from governance.calendar_store import read_work_clock, write_calendar
from governance.clock.calendar import library_calendar
from governance.intake.filing import file_report
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST

pytestmark = pytest.mark.db
HERE = {"service_code": "1", "lat": str(SOUTH + STEP / 2), "long": str(WEST + STEP * 1.5)}


@pytest.fixture
def desk(own_service: Service) -> httpx.Client:
    with connect(own_service.database) as connection:
        connection.execute("DELETE FROM rate_bucket")
    return own_service.client(headers=own_service.bearer("dispatcher"))


def test_services_are_the_classes_in_the_language_that_is_asked_for(desk: httpx.Client) -> None:
    listed = desk.get("/open311/v2/services.json", headers={"Accept-Language": "en"}).json()
    assert [item["service_name"] for item in listed] == ["dump", "noise", "park"]
    xml = desk.get("/open311/v2/services.xml", headers={"Accept-Language": "zh"})
    assert xml.headers["content-type"].startswith("text/xml")
    names = [item.text for item in ElementTree.fromstring(xml.content).iter("service_name")]
    assert names == ["垃圾", "噪音", "违停"]
    code = listed[0]["service_code"]
    assert desk.get(f"/open311/v2/services/{code}.json").json()["service_code"] == code
    assert desk.get(f"/open311/v2/services/{code}.xml").status_code == 200
    assert desk.get("/open311/v2/services/999.json").status_code == 404


def filed(service: Service, token: str) -> str:
    """File a report as a person at the desk would; return the number of its case."""
    engine = make_engine(service.database, pool_size=1)
    now = datetime.now(UTC)
    with engine.begin() as store:
        place = store.execute(text("SELECT jurisdiction_id FROM jurisdiction")).scalar_one()
        years = range(now.year, now.year + 2)
        write_calendar(store, place, library_calendar("CN", years), source="test")
        category = store.execute(
            text("SELECT category_id FROM report WHERE report_id = :t"), {"t": token}
        ).scalar_one()
        case = file_report(store, UUID(token), category_id=category, actor="desk", at=now,
                           clock=read_work_clock(store, place))  # fmt: skip
    engine.dispose()
    return case.number


def test_a_report_waits_for_a_person_and_is_read_again_without_its_reporter(
    own_service: Service, desk: httpx.Client
) -> None:
    personal = {"first_name": "Ann", "email": "ann@example.org", "phone": "1234567"}
    said = {"description": "垃圾 <b>&\x01"}
    answer = desk.post("/open311/v2/requests.json", data=HERE | personal | said)
    assert answer.status_code == 200, answer.text
    token = answer.json()[0]["token"]
    waiting = desk.get(f"/open311/v2/tokens/{token}.json").json()[0]
    assert waiting["service_request_id"] is None
    assert "not filed yet" in waiting["service_notice"]
    filed(own_service, token)
    number = desk.get(f"/open311/v2/tokens/{token}.json").json()[0]["service_request_id"]
    one = desk.get(f"/open311/v2/requests/{number}.json").json()[0]
    assert (one["status"], one["service_code"]) == ("open", "1")
    assert (one["lat"], one["long"]) == pytest.approx((float(HERE["lat"]), float(HERE["long"])))
    xml = desk.get(f"/open311/v2/requests/{number}.xml").content
    described = ElementTree.fromstring(xml).find("request/description")
    assert described is not None
    assert described.text == "垃圾 <b>&"
    with connect(own_service.database) as connection:
        row = connection.execute(
            "SELECT r.area_id, i.found_by, i::text || r::text FROM report r, incident i "
            "WHERE r.report_id = %s AND i.incident_id = %s",
            [token, number],
        ).fetchone()
        logged = connection.execute(
            "SELECT actor FROM audit_entry WHERE action = 'report taken in' AND object = %s",
            [token],
        ).fetchone()
    assert row is not None
    assert row[:2] == (own_service.areas["w2"], "resident")
    assert not any(value in row[2] for value in personal.values())
    assert logged == ("dispatcher",)


def test_reports_are_listed_by_class_time_and_status(
    own_service: Service, desk: httpx.Client
) -> None:
    made = desk.post("/open311/v2/requests.xml", data=HERE | {"service_code": "2"})
    token = ElementTree.fromstring(made.content).findtext("request/token")
    filed(own_service, token)
    number = desk.get(f"/open311/v2/tokens/{token}.json").json()[0]["service_request_id"]
    listed = desk.get("/open311/v2/requests.json", params={"service_code": "2"}).json()
    assert number in {item["service_request_id"] for item in listed}
    assert {item["service_code"] for item in listed} == {"2"}
    january = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-02T00:00:00Z"}
    assert len(desk.get("/open311/v2/requests.json", params=january).json()) == 13
    by_number = {"service_request_id": number}
    assert len(desk.get("/open311/v2/requests.json", params=by_number).json()) == 1
    assert desk.get("/open311/v2/requests.json", params={"status": "closed"}).json() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"lat": "0"}, {"lat": "91"}, {"lat": "nan"}, {"long": "x"}, {"service_code": "999"},
        {"service_code": "'; DROP TABLE incident"}, {"description": "x" * 5000},
        {"description": "a\x00b"},
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_taken_in_is_refused(
    desk: httpx.Client, changed: dict[str, str]
) -> None:
    assert desk.post("/open311/v2/requests.json", data=HERE | changed).status_code == 400


def test_a_window_of_over_ninety_days_is_refused(desk: httpx.Client) -> None:
    wide = {"start_date": "2025-01-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}
    assert desk.get("/open311/v2/requests.json", params=wide).status_code == 400


def test_somebody_who_only_looks_cannot_report(own_service: Service) -> None:
    looker = own_service.client(headers=own_service.bearer("analyst"))
    assert looker.post("/open311/v2/requests.json", data=HERE).status_code == 403
    assert own_service.client().post("/open311/v2/requests.json", data=HERE).status_code == 401
