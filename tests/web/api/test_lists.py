"""Every list has pages that end, one after the other; every tag spares a second answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from geo.database.connect import connect
from tests.web.conftest import Service
from web.auth.permissions import Role

pytestmark = pytest.mark.db
# Lists that are whole by what they are, and why they do not grow with the data.
WHOLE = {
    "/ogc": "links", "/ogc/conformance": "classes in the code", "/ogc/collections": "in the code",
    "/ogc/processes": "in the code", "/tiles": "layers in the code", "/api/v1/session": "of one's own",
    "/api/v1/case-words": "in the code", "/api/v1/alerts": "the gravest 200 that are open",
    "/api/v1/wall/state": "of a wall", "/api/v1/wall/cases": "of a wall, the latest",
    "/api/v1/wall/days": "of grids", "/api/v1/wall/points": "of some hours, at most 5000",
    "/api/v1/field/today": "of one's own day", "/api/v1/plans/desk": "of units",
    "/api/v1/posts": "of grids", "/api/v1/posts/vacancies": "of grids",
    "/api/v1/posts/duty": "of units on duty", "/api/v1/posts/stations": "of stations",
    "/api/v1/posts/partners": "of partners", "/api/v1/grids": "of grids",
    "/api/v1/grids/findings": "of grids", "/api/v1/effort": "a square and hour of a day",
    "/open311/v2/services.json": "of classes", "/open311/v2/requests.json": "1000, by its standard",
    "/api/v1/places": "the likeliest, of a search", "/api/v1/tracks/units": "of units",
    "/openapi.json": "in the code", "/api/v1/indicators": "of groups of one jurisdiction",
    "/field.webmanifest": "in the code",
}  # fmt: skip
PAGED_BY = {"cursor", "before", "after"}


def routes(service: Service) -> list[APIRoute]:
    return [one for one in service.app.routes if isinstance(one, APIRoute) and "GET" in one.methods]


def asks(route: APIRoute) -> dict[str, Any]:
    return {one.alias: one for one in route.dependant.query_params}


def test_whoever_takes_a_limit_goes_on_by_a_key(service: Service) -> None:
    limited = [one for one in routes(service) if "limit" in asks(one) and one.path not in WHOLE]
    assert {one.path for one in limited} >= {"/ogc/jobs", "/api/v1/reports", "/api/v1/audit"}
    for route in limited:
        assert len(PAGED_BY & set(asks(route))) == 1, route.path
        assert not {"offset", "page", "skip"} & set(asks(route)), route.path


def test_an_answer_that_lists_has_a_limit_or_is_whole_for_a_reason(service: Service) -> None:
    seen = set()
    for role in Role:
        client = service.client(headers=service.bearer(role.value))
        for route in routes(service):
            path = route.path.replace("{form}", "json")
            if "{" in path or path == "/live":
                continue
            answer = client.get(path)
            if answer.status_code != 200 or "json" not in answer.headers["content-type"]:
                continue
            body = answer.json()
            if isinstance(body, list) or any(isinstance(part, list) for part in body.values()):
                seen.add(path)
                assert path in WHOLE or "limit" in asks(route), path
    assert len(seen) > 15


def test_what_has_a_tag_is_not_sent_twice(service: Service) -> None:
    tagged = set()
    for role in (Role.PLANNER, Role.ANALYST, Role.SUPERVISOR):
        client = service.client(headers=service.bearer(role.value))
        for route in routes(service):
            if "{" in route.path or route.path == "/live":
                continue
            first = client.get(route.path)
            if first.status_code != 200 or "etag" not in first.headers:
                continue
            again = client.get(route.path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b""), route.path
            tagged.add(route.path)
    assert tagged >= {"/api/v1/alerts", "/api/v1/wall/days"}


def test_no_answer_to_a_stranger_or_to_nonsense_is_anything_but_a_problem(service: Service) -> None:
    stranger, planner = service.client(), service.client(headers=service.bearer("planner"))
    for route in routes(service):
        path = route.path.replace("{form}", "json").replace("{name:path}", "none")
        # Pages answer in HTML, Open311 by its own standard, and a stream does not end.
        if not path.startswith(("/api/", "/ogc", "/tiles")):
            continue
        nonsense = planner.get(path.replace("{", "no-").replace("}", ""), params={"limit": "many"})
        for answer in (stranger.get(path.replace("{", "no-").replace("}", "")), nonsense):
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", path
                told = answer.json()
                assert told["status"] == answer.status_code < 500, (path, told)
                assert told["detail"], path


def follow(client: httpx.Client, path: str, rows: str, limit: int) -> list[Any]:
    """Read a list to its end, page by page."""
    found: list[Any] = []
    url: str | None = f"{path}?limit={limit}"
    while url:
        page = client.get(url).json()
        assert len(page[rows]) <= limit
        found += page[rows]
        links = [one["href"] for one in page.get("links", []) if one["rel"] == "next"]
        key = page.get("next")
        url = links[0] if links else f"{path}?limit={limit}&cursor={key}" if key else None
    return found


def test_jobs_and_reports_follow_page_by_page_without_gap_or_repeat(
    own_service: Service,
) -> None:
    planner = own_service.client(headers=own_service.bearer("planner"))
    with connect(own_service.database) as connection:
        for _ in range(5):
            connection.execute("DELETE FROM rate_bucket")
            connection.commit()
            asked = planner.post("/ogc/processes/hotspots/execution", json={"inputs": {}})
            assert asked.status_code == 201
        connection.execute(
            "INSERT INTO report (report_id, jurisdiction_id, channel, received_at, seen_at, words, "
            "area_id, taken_by) SELECT gen_random_uuid(), 1, 'hotline', at, at, 'noise ' || n, "
            "%s, 'desk' FROM generate_series(1, 7) n, LATERAL (SELECT timestamptz '2026-01-01' "
            "+ n %% 3 * interval '1 hour' AS at) t",
            [own_service.areas["w1"]],
        )
    for role, path, rows, key, least in (
        ("planner", "/ogc/jobs", "jobs", "jobID", 5),
        ("dispatcher", "/api/v1/reports", "reports", "report_id", 7),
    ):
        client = own_service.client(headers=own_service.bearer(role))
        whole = [one[key] for one in client.get(path, params={"limit": 200}).json()[rows]]
        assert len(whole) == len(set(whole)) >= least
        for limit in (1, 2, 3, 7):
            assert [one[key] for one in follow(client, path, rows, limit)][: len(whole)] == whole
    nobody = "00000000-0000-0000-0000-000000000000"
    assert planner.get("/ogc/jobs", params={"cursor": nobody}).status_code == 404
