"""Splitting and merging grids over HTTP: previewed with findings, confirmed with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST

pytestmark = pytest.mark.db
ON = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


def line_across(column: int) -> dict:
    middle = WEST + (column + 0.4) * STEP
    return {
        "type": "LineString",
        "coordinates": [[middle, SOUTH - 0.001], [middle, SOUTH + 2 * STEP + 0.001]],
    }


def test_grids_come_with_code_and_households(service: Service) -> None:
    client = service.client(headers=service.bearer("planner"))
    found = client.get("/api/v1/grids").json()
    by_code = {one["id"]: one["properties"] for one in found["features"]}
    assert set(by_code) == {"w1", "w2", "e1", "e2"}
    assert by_code["w1"]["households"] == 450
    checked = client.get("/api/v1/grids/findings", params={"lang": "en"}).json()["findings"]
    assert {one["severity"] for one in checked} == {"warning"}
    assert any("sliver" in one["words"] for one in checked)


def test_a_split_is_previewed_confirmed_and_logged(own_service: Service) -> None:
    client = own_service.client(headers=own_service.bearer("planner"))
    wish = {"kind": "split", "codes": ["w1"], "on": ON, "geometries": [line_across(0)]}
    shown = client.post("/api/v1/grids/preview", json=wish)
    assert shown.status_code == 200, shown.text
    begun = shown.json()["begun"]["features"]
    assert len(begun) == 2
    assert shown.json()["ended"] == ["w1"]
    assert not shown.json()["homes_known"]
    assert sum(one["share"] for one in shown.json()["lineage"]) == pytest.approx(1.0, abs=1e-4)
    assert len(client.get("/api/v1/grids", params={"on": ON}).json()["features"]) == 4

    watch = own_service.client(headers=own_service.bearer("watch"))
    assert watch.post("/api/v1/grids/preview", json=wish).status_code == 403
    assert client.post("/api/v1/grids/changes", json=wish).status_code == 400  # no reason
    done = client.post("/api/v1/grids/changes", json=wish | {"reason": "too many households"})
    assert done.status_code == 201, done.text
    after = client.get("/api/v1/grids", params={"on": ON}).json()["features"]
    codes = {one["id"] for one in after}
    assert len(after) == 5
    assert "w1" not in codes
    again = client.post("/api/v1/grids/preview", json=wish)
    assert again.status_code == 409

    pair = sorted(codes - {"w2", "e1", "e2"})
    back = {"kind": "merge", "codes": pair, "on": ON}
    refused = client.post("/api/v1/grids/preview", json=back)
    assert refused.status_code in (400, 409)  # they begin on that very day
    wrong = client.post(
        "/api/v1/grids/preview", json={"kind": "merge", "codes": ["w2", "e1"], "on": ON}
    )
    assert wrong.status_code == 400
    assert wrong.json()["detail"]


def test_a_line_that_parts_nothing_says_so(service: Service) -> None:
    client = service.client(headers=service.bearer("planner"))
    aside = {"type": "LineString", "coordinates": [[120.0, 35.0], [120.1, 35.0]]}
    wish = {"kind": "split", "codes": ["w1"], "on": ON, "geometries": [aside]}
    answer = client.post("/api/v1/grids/preview", json=wish)
    assert answer.status_code == 400
    assert "is not parted" in answer.json()["detail"]
    west = service.client(headers=service.bearer("west"))
    assert west.post("/api/v1/grids/preview", json=wish).status_code == 403
