"""Features as a client reads them: pages, boxes, times, systems, filters, and GDAL's own client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import httpx
import numpy as np
import pytest

from tests.web.conftest import Service
from tests.web.district import CAMERAS, INCIDENTS, SOUTH, STEP, WEST
from web.features.collections import COLLECTIONS
from web.routes.features import CONFORMANCE

pytestmark = pytest.mark.db
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture(scope="module")
def analyst(service: Service) -> httpx.Client:
    return service.client(headers=service.bearer("analyst"))


def items(client: httpx.Client, name: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/ogc/collections/{name}/items", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    return answer.json()


def find(client: httpx.Client, text: str, name: str = "incidents", **query: Any) -> int:
    return items(client, name, filter=text, limit=1000, **query)["numberReturned"]


def refused(client: httpx.Client, name: str = "incidents", **query: Any) -> str:
    answer = client.get(f"/ogc/collections/{name}/items", params=query)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_the_landing_page_leads_to_description_conformance_and_data(service: Service) -> None:
    client = service.client()
    links = {link["rel"]: link["href"] for link in client.get("/ogc").json()["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(links)
    assert client.get(links["service-desc"]).json()["openapi"].startswith("3.")
    assert client.get(links["conformance"]).json()["conformsTo"] == list(CONFORMANCE)


def test_a_role_sees_the_collections_that_it_may_read(service: Service) -> None:
    def names(role: str) -> set[str]:
        client = service.client(headers=service.bearer(role))
        return {item["id"] for item in client.get("/ogc/collections").json()["collections"]}

    assert names("planner") == {item.name for item in COLLECTIONS}
    assert "cameras" not in names("analyst")
    assert "incidents" not in names("camera-administrator")
    officer = service.client(headers=service.bearer("officer"))
    assert officer.get("/ogc/collections/incidents/items").status_code == 403
    assert officer.get("/ogc/collections/none/items").status_code == 404


def test_pages_follow_each_other_without_gap_or_repeat(analyst: httpx.Client) -> None:
    seen, times, url = [], [], "/ogc/collections/incidents/items?limit=37"
    while url:
        page = analyst.get(url).json()
        assert page["numberReturned"] == len(page["features"]) <= 37
        assert "numberMatched" not in page
        seen += [feature["id"] for feature in page["features"]]
        times += [feature["properties"]["occurred_at"] for feature in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert len(seen) == len(set(seen)) == INCIDENTS
    assert times == sorted(times, reverse=True)


def test_a_last_page_that_is_full_has_no_next(analyst: httpx.Client) -> None:
    page = items(analyst, "areas", limit=6)
    assert page["numberReturned"] == 6
    assert "next" not in {link["rel"] for link in page["links"]}


def test_an_area_scope_is_kept_by_every_way_in(service: Service, analyst: httpx.Client) -> None:
    west = service.client(headers=service.bearer("west"))
    assert items(west, "incidents", limit=1000)["numberReturned"] == INCIDENTS // 2
    assert items(west, "areas")["numberReturned"] == 3
    east = items(analyst, "incidents", filter=f"area_id = {service.areas['e1']}", limit=1)
    number = east["features"][0]["id"]
    assert analyst.get(f"/ogc/collections/incidents/items/{number}").status_code == 200
    assert west.get(f"/ogc/collections/incidents/items/{number}").status_code == 404
    nowhere = service.client(headers=service.bearer("nowhere"))
    assert items(nowhere, "incidents")["features"] == []


def test_an_item_has_its_links_and_the_same_body_as_in_a_page(analyst: httpx.Client) -> None:
    feature = items(analyst, "incidents", limit=1)["features"][0]
    answer = analyst.get(f"/ogc/collections/incidents/items/{feature['id']}")
    alone = answer.json()
    assert {link["rel"] for link in alone.pop("links")} == {"self", "collection"}
    assert alone == feature
    for number in ("x", "999999", "1.2.3", "9" * 30):
        assert analyst.get(f"/ogc/collections/incidents/items/{number}").status_code == 404


def test_what_did_not_change_is_not_sent_again(analyst: httpx.Client) -> None:
    first = analyst.get("/ogc/collections/areas/items")
    again = analyst.get(
        "/ogc/collections/areas/items", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"].startswith("private")


def test_a_box_gives_what_lies_in_it(analyst: httpx.Client) -> None:
    box = (WEST, SOUTH, WEST + STEP, SOUTH + 2 * STEP)
    found = items(analyst, "incidents", bbox=",".join(map(str, box)), limit=1000)
    points = np.array([f["geometry"]["coordinates"] for f in found["features"]])
    assert 0 < len(points) < INCIDENTS
    everything = items(analyst, "incidents", limit=1000)["features"]
    inside = [f for f in everything if box[0] <= f["geometry"]["coordinates"][0] <= box[2]]
    assert len(points) == len(inside)
    around = items(analyst, "areas", bbox="170,-10,-170,10")
    assert around["features"] == []
    six = ",".join(map(str, (box[0], box[1], 0, box[2], box[3], 99)))
    assert items(analyst, "incidents", bbox=six, limit=1000)["numberReturned"] == len(points)


@pytest.mark.parametrize("srid", [4326, 4490, 3857, 4549])
def test_systems_keep_their_own_order_of_axes(analyst: httpx.Client, srid: int) -> None:
    uri = f"{EPSG}{srid}"
    answer = analyst.get("/ogc/collections/incidents/items", params={"crs": uri, "limit": 1})
    assert answer.headers["content-crs"] == f"<{uri}>"
    first, second = answer.json()["features"][0]["geometry"]["coordinates"]
    plain = items(analyst, "incidents", limit=1)["features"][0]["geometry"]["coordinates"]
    if srid in {4326, 4490}:
        assert [second, first] == pytest.approx(plain, abs=1e-5)
    elif srid == 4549:  # north before east
        assert (first > 3_900_000, 400_000 < second < 600_000) == (True, True)
    else:
        assert (first > 13_000_000, 4_000_000 < second < 5_000_000) == (True, True)
    around = f"{first - 0.001},{second - 0.001},{first + 0.001},{second + 0.001}"
    found = items(analyst, "incidents", bbox=around, **{"bbox-crs": uri}, limit=1000)
    assert answer.json()["features"][0]["id"] in {f["id"] for f in found["features"]}


def test_a_time_gives_what_happened_then(analyst: httpx.Client) -> None:
    day = items(analyst, "incidents", datetime="2026-01-02", limit=1000)
    assert day["numberReturned"] == 12
    assert (
        items(analyst, "incidents", datetime="../2026-01-01T23:59:59Z", limit=1000)[
            "numberReturned"
        ]
        == 12
    )
    assert items(analyst, "incidents", datetime="2026-01-01T02:00:00+00:00")["numberReturned"] == 1
    assert "ends before" in refused(analyst, datetime="2026-02-01/2026-01-01")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("category = 'noise'", 134),
        ("category <> 'noise'", 266),
        ("category = 'noise' AND found_by = 'resident'", 134),
        ("category = 'noise' OR category = 'park'", 267),
        ("NOT category = 'noise'", 266),
        ("NOT (category = 'noise' OR NOT category = 'park')", 133),
        ("category IN ('noise', 'dump')", 267),
        ("category NOT IN ('noise', 'dump')", 133),
        ("category LIKE 'n%'", 134),
        ("CASEI(category) = CASEI('NOISE')", 134),
        ("reported_at IS NULL", 400),
        ("accuracy_m IS NOT NULL", 0),
        ("accuracy_m > 1.5", 0),
        ("occurred_at < TIMESTAMP('2026-01-02T00:00:00Z')", 12),
        ("occurred_at BETWEEN TIMESTAMP('2026-01-01T00:00:00Z') AND "
         "TIMESTAMP('2026-01-01T04:00:00Z')", 3),
        ("S_INTERSECTS(geometry, BBOX(121.0,35.6,121.05,35.63))", 400),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))", 0),
        ("\"category\" = 'it''s'", 0),
        ("true", 400),
    ],
)  # fmt: skip
def test_filters_in_text(analyst: httpx.Client, text: str, count: int) -> None:
    assert find(analyst, text) == count


def test_a_filter_in_json_is_the_same(analyst: httpx.Client) -> None:
    tree = {"op": "and", "args": [
        {"op": "=", "args": [{"property": "category"}, "noise"]},
        {"op": ">=", "args": [{"property": "occurred_at"}, {"timestamp": "2026-01-02T00:00:00Z"}]},
    ]}  # fmt: skip
    assert find(analyst, json.dumps(tree), **{"filter-lang": "cql2-json"}) == 130


def test_a_filter_geometry_may_be_of_another_system(analyst: httpx.Client) -> None:
    text = "S_INTERSECTS(geometry, BBOX(35.6, 121.0, 35.63, 121.05))"
    assert find(analyst, text, **{"filter-crs": f"{EPSG}4326"}) == INCIDENTS
    assert find(analyst, text) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("secret = 1", "there is no property 'secret'"),
        ("category = 1", "compares '1' with string"),
        ("category = accuracy_m", "is number and is compared with string"),
        ("occurred_at > 'soon'", "no moment"),
        ("category = ", "needs a value at character 12"),
        ("category = 'a' category", "needs end at character 16"),
        ("category ~ 'a'", "cannot be read at character 9"),
        ("(" * 200 + "true" + ")" * 200, "nested deeper"),
        ("CASEI(" * 200 + "category" + ")" * 200 + " = 'a'", "nested deeper"),
        ("S_INTERSECTS(geometry, POINT(1 2", "not closed"),
        ("S_INTERSECTS(geometry, POLYGON((1 2, 3)))", "cannot be read"),
        ("x" * 10_001, "filter"),
    ],
)
def test_a_bad_filter_says_what_and_where(analyst: httpx.Client, text: str, words: str) -> None:
    detail = refused(analyst, filter=text)
    assert words in detail


@pytest.mark.parametrize(
    "text", ["[", "[]", '{"op": "="}', '{"op": "=", "args": [1, 2, 3]}', "NaN", '"a"',
             '{"op": "drop", "args": []}', "[" * 9000,
             '{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[1,2,"x",4]}]}'],
)  # fmt: skip
def test_bad_json_filters_are_refused(analyst: httpx.Client, text: str) -> None:
    refused(analyst, filter=text, **{"filter-lang": "cql2-json"})


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "x"}, {"bbox": "1,2,3"}, {"bbox": "1,2,3,nan"},
        {"bbox": "1,9,3,4"}, {"crs": f"{EPSG}2154"}, {"cursor": "AAAA"}, {"catgory": "noise"},
        {"filter-lang": "sql"}, {"datetime": "yesterday"}, {"filter": "category = 'a\x00'"},
        {"bbox": "1e300,0,1e301,1", "bbox-crs": f"{EPSG}3857"},
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(analyst: httpx.Client, query: dict[str, str]) -> None:
    refused(analyst, **query)


def test_a_limit_past_the_greatest_is_taken_as_that(analyst: httpx.Client) -> None:
    assert items(analyst, "incidents", limit=10_000_000)["numberReturned"] == INCIDENTS


def test_queryables_are_what_a_filter_may_name(analyst: httpx.Client) -> None:
    answer = analyst.get("/ogc/collections/incidents/queryables")
    assert answer.headers["content-type"] == "application/schema+json"
    for name, schema in answer.json()["properties"].items():
        if "geometry" in schema.get("format", ""):
            continue
        assert find(analyst, f"{name} IS NULL") >= 0


GDAL = """
import json, sys, pyogrio
source, west, south, east, north = sys.argv[1], *map(float, sys.argv[2:])
incidents = pyogrio.read_info(source, layer="incidents", force_feature_count=True)
noise = pyogrio.raw.read(source, layer="incidents", where="category = 'noise'")
cameras = pyogrio.raw.read(source, layer="cameras", bbox=(west, south, east, north))
print(json.dumps({
    "layers": [str(row[0]) for row in pyogrio.list_layers(source)],
    "incidents": incidents["features"], "crs": incidents["crs"],
    "noise": len(noise[2]), "cameras": len(cameras[2])}))
"""


def test_gdal_reads_every_collection(service: Service) -> None:
    """GDAL's own client, in a process of its own: it keeps Python's lock while it waits."""
    box = (WEST, SOUTH, WEST + STEP, SOUTH + 2 * STEP)
    done = subprocess.run(
        [sys.executable, "-c", GDAL, f"OAPIF:{service.origin}/ogc", *map(str, box)],
        env=os.environ | {"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": service.tokens["planner"]},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    seen = json.loads(done.stdout)
    assert set(seen["layers"]) == {item.name for item in COLLECTIONS}
    assert seen["incidents"] == INCIDENTS
    assert '"OGC","CRS84"' in seen["crs"]
    assert (seen["noise"], seen["cameras"]) == (134, CAMERAS // 4)
