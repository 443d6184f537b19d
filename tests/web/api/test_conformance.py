"""Each conformance class that the service declares is shown: by a request here, or a named test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.web.conftest import Service
from tests.web.district import INCIDENTS
from web.routes.features import CONFORMANCE

pytestmark = pytest.mark.db
FEATURES = "http://www.opengis.net/spec/ogcapi-features-"
PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ITEMS = "/ogc/collections/incidents/items"


@pytest.fixture(scope="module")
def planner(service: Service) -> httpx.Client:
    return service.client(headers=service.bearer("planner"))


def count(client: httpx.Client, text: str, **query: str) -> int:
    answer = client.get(ITEMS, params={"filter": text, "limit": "1000", **query})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["numberReturned"])


def rels(client: httpx.Client, path: str) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in client.get(path).json()["links"]}


def landing(client: httpx.Client) -> None:
    assert {"self", "service-desc", "conformance", "data"} <= set(rels(client, "/ogc"))


def core(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"limit": 10}).json()
    assert (page["type"], page["numberReturned"]) == ("FeatureCollection", 10)
    assert "next" in {link["rel"] for link in page["links"]}
    number = page["features"][0]["id"]
    assert client.get(f"{ITEMS}/{number}").json()["id"] == number
    assert client.get(ITEMS, params={"bbox": "0,0,1,1"}).json()["numberReturned"] == 0
    assert client.get(ITEMS, params={"datetime": "2026-01-02"}).json()["numberReturned"] == 12
    assert client.get(ITEMS, params={"nonsense": "1"}).status_code == 400


def geojson(client: httpx.Client) -> None:
    answer = client.get(ITEMS, params={"limit": 1})
    assert answer.headers["content-type"] == "application/geo+json"
    assert {"type", "id", "geometry", "properties"} <= set(answer.json()["features"][0])


def described(client: httpx.Client) -> None:
    answer = client.get(rels(client, "/ogc")["service-desc"])
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json;version=3.")
    assert "/ogc/collections/{name}/items" in answer.json()["paths"]


def systems(client: httpx.Client) -> None:
    listed = client.get("/ogc/collections/incidents").json()
    assert listed["storageCrs"] in listed["crs"]
    for uri in listed["crs"]:
        answer = client.get(ITEMS, params={"crs": uri, "limit": 1})
        assert answer.headers["content-crs"] == f"<{uri}>"
    assert client.get(ITEMS, params={"crs": f"{EPSG}2154"}).status_code == 400


def queryables(client: httpx.Client) -> None:
    where = rels(client, "/ogc/collections/incidents")[
        "http://www.opengis.net/def/rel/ogc/1.0/queryables"
    ]
    told = client.get(where).json()
    assert (told["type"], "category" in told["properties"]) == ("object", True)


def filters(client: httpx.Client) -> None:
    assert count(client, "category = 'noise'") == 134
    assert client.get(ITEMS, params={"filter": "secret = 1"}).status_code == 400


def filters_on_features(client: httpx.Client) -> None:
    parameters = client.get("/openapi.json").json()["paths"]["/ogc/collections/{name}/items"]
    names = {one["name"] for one in parameters["get"]["parameters"]}
    assert {"filter", "filter-lang", "filter-crs"} <= names
    box = "S_INTERSECTS(geometry, BBOX(35.6, 121.0, 35.63, 121.05))"
    assert count(client, box, **{"filter-crs": f"{EPSG}4326"}) == INCIDENTS


def text(client: httpx.Client) -> None:
    assert count(client, "category = 'noise'", **{"filter-lang": "cql2-text"}) == 134


def tree(client: httpx.Client) -> None:
    asked = json.dumps({"op": "=", "args": [{"property": "category"}, "noise"]})
    assert count(client, asked, **{"filter-lang": "cql2-json"}) == 134


def basic(client: httpx.Client) -> None:
    assert count(client, "NOT (category = 'noise' OR category <> 'park')") == 133
    assert count(client, "reported_at IS NULL AND accuracy_m IS NULL") == INCIDENTS
    assert count(client, "occurred_at < TIMESTAMP('2026-01-02T00:00:00Z')") == 12
    assert count(client, "occurred_at >= DATE('2026-01-01') AND true") == INCIDENTS


def advanced(client: httpx.Client) -> None:
    assert count(client, "category LIKE 'n%'") == 134
    assert count(client, "category IN ('noise', 'dump')") == 267
    assert count(client, "accuracy_m BETWEEN 0 AND 1") == 0


def any_case(client: httpx.Client) -> None:
    assert count(client, "CASEI(category) = CASEI('NOISE')") == 134


def in_space(client: httpx.Client) -> None:
    assert count(client, "S_INTERSECTS(geometry, POINT(0 0))") == 0
    assert count(client, "S_INTERSECTS(geometry, BBOX(121.0,35.6,121.05,35.63))") == INCIDENTS


def processes(client: httpx.Client) -> None:
    listed = client.get("/ogc/processes").json()["processes"]
    assert {"id", "version", "jobControlOptions", "links"} <= set(listed[0])
    one = client.get(f"/ogc/processes/{listed[0]['id']}").json()
    assert {"inputs", "outputs"} <= set(one)
    for told in one["inputs"].values():
        assert {"title", "schema", "minOccurs"} <= set(told)


def as_json(client: httpx.Client) -> None:
    for path in ("/ogc/processes", "/ogc/processes/hotspots", "/ogc/jobs"):
        assert client.get(path).headers["content-type"].startswith("application/json")


def asked(client: httpx.Client) -> str:
    answer = client.post("/ogc/processes/hotspots/execution", json={"inputs": {"weeks": 4}})
    assert (answer.status_code, answer.json()["status"]) == (201, "accepted")
    return str(answer.headers["location"])


def jobs(client: httpx.Client) -> None:
    job = asked(client)
    found = client.get("/ogc/jobs").json()["jobs"][0]
    assert {"jobID", "type", "status", "progress"} <= set(found)
    assert client.get(job).json()["jobID"] == found["jobID"]
    client.delete(job)


def dismissed(client: httpx.Client) -> None:
    assert client.delete(asked(client)).json()["status"] == "dismissed"


SHOWN: dict[str, Callable[[httpx.Client], None]] = {
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core": landing,
    f"{FEATURES}1/1.0/conf/core": core,
    f"{FEATURES}1/1.0/conf/geojson": geojson,
    f"{FEATURES}1/1.0/conf/oas30": described,
    f"{FEATURES}2/1.0/conf/crs": systems,
    f"{FEATURES}3/1.0/conf/queryables": queryables,
    f"{FEATURES}3/1.0/conf/filter": filters,
    f"{FEATURES}3/1.0/conf/features-filter": filters_on_features,
    f"{CQL2}cql2-text": text,
    f"{CQL2}cql2-json": tree,
    f"{CQL2}basic-cql2": basic,
    f"{CQL2}advanced-comparison-operators": advanced,
    f"{CQL2}case-insensitive-comparison": any_case,
    f"{CQL2}basic-spatial-functions": in_space,
    f"{PROCESSES}ogc-process-description": processes,
    f"{PROCESSES}json": as_json,
    f"{PROCESSES}job-list": jobs,
    f"{PROCESSES}dismiss": dismissed,
}


def test_every_class_that_is_declared_is_shown_here(planner: httpx.Client) -> None:
    declared = planner.get("/ogc/conformance").json()["conformsTo"]
    assert declared == list(CONFORMANCE)
    assert set(declared) == set(SHOWN)


@pytest.mark.parametrize("uri", SHOWN, ids=lambda uri: "/".join(Path(uri).parts[-4:]))
def test_it_is_conformed_to(planner: httpx.Client, uri: str) -> None:
    SHOWN[uri](planner)
