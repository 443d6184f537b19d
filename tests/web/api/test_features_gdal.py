"""Every collection as GDAL's own client reads it (`ogrinfo OAPIF:`): pages, systems, filters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.district import CAMERAS, INCIDENTS, SOUTH, STEP, WEST
from web.features.collections import COLLECTIONS

pytestmark = pytest.mark.db
STATIONS, ROADS, ROUTES, RESULTS = 5, 4, 3, 9
HOLDS = {
    "areas": 6, "cameras": CAMERAS, "stations": STATIONS, "roads": ROADS, "routes": ROUTES,
    "incidents": INCIDENTS, "results": RESULTS,
}  # fmt: skip
POINT = f"ST_SetSRID(ST_MakePoint({WEST} + {STEP} * (n %% 4 + 0.5), {SOUTH} + {STEP} * 0.5), 4326)"
LINE = (
    f"ST_SetSRID(ST_MakeLine(ST_MakePoint({WEST}, {SOUTH} + 0.001 * n), "
    f"ST_MakePoint({WEST} + {STEP} * 4, {SOUTH} + 0.001 * n)), 4326)"
)
GROUND = f"""
INSERT INTO station (feed_id, source_ref, content_hash, kind, name, geom)
    SELECT 1, 's' || n, 0, CASE WHEN n = 1 THEN 'police' ELSE 'service' END, '站' || n, {POINT}
    FROM generate_series(1, {STATIONS}) n;
INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom)
    SELECT 1, 'r' || n, 0, CASE WHEN n = 1 THEN 'primary' ELSE 'service' END, '路' || n,
    {LINE} FROM generate_series(1, {ROADS}) n;
INSERT INTO unit (feed_id, source_ref, content_hash, kind, name)
    SELECT 1, 'u' || n, 0, 'vehicle', '车' || n FROM generate_series(1, {ROUTES}) n;
INSERT INTO route_run (jurisdiction_id, starts_at, ends_at, on_roads, prize, parameters, code_version)
    VALUES (1, '2026-01-05 00:00Z', '2026-01-05 04:00Z', true, 1, '{{}}', '0');
INSERT INTO route (route_run_id, unit_id, mode, starts_at, ends_at, travel_s, travel_m, geom)
    SELECT 1, n, CASE WHEN n = 1 THEN 'foot' ELSE 'car' END, '2026-01-05 00:00Z',
    '2026-01-05 04:00Z', 60, 500 * n, {LINE} FROM generate_series(1, {ROUTES}) n;
INSERT INTO result_run (jurisdiction_id, kind, unit, parameters, window_from, window_to, code_version)
    VALUES (1, 'hotspots', 'cell', '{{}}', '2026-01-01', '2026-02-01', '0');
INSERT INTO result_row (result_run_id, unit_no, geom, score, label)
    SELECT 1, n, ST_Expand({POINT}, 0.001), n, CASE WHEN n <= 2 THEN 'hot' ELSE 'none' END
    FROM generate_series(1, {RESULTS}) n;
"""
# One condition a collection, and how many features fulfil it.
FILTERED = {
    "areas": ("level = 'grid'", 4),
    "cameras": ("azimuth_deg >= 200", 3),
    "stations": ("kind = 'police'", 1),
    "roads": ("kind IN ('primary', 'tertiary')", 1),
    "routes": ("mode = 'car' AND travel_m > 1200", 1),
    "incidents": ("category = 'noise'", 134),
    "results": ("label = 'hot'", 2),
}
GDAL = """
import json, sys, pyogrio
source, asked = sys.argv[1], json.loads(sys.argv[2])
found = {"layers": {str(name): str(kind) for name, kind in pyogrio.list_layers(source)}}
for key, ask in asked.items():
    if "bbox" in ask:
        ask["bbox"] = tuple(ask["bbox"])
    meta, ids, shapes, _ = pyogrio.raw.read(source, **ask)
    found[key] = {"n": len(shapes), "crs": meta["crs"], "box": None}
    if len(shapes):
        import shapely
        found[key]["box"] = list(shapely.total_bounds(shapely.from_wkb(shapes)))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def filled(own_service: Service) -> Service:
    with connect(own_service.database) as connection:
        for statement in GROUND.replace("%%", "%").split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
    return own_service


def ask_gdal(service: Service, asked: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Ask in a process of its own, for GDAL keeps Python's lock while it waits; and its requests."""
    done = subprocess.run(
        [sys.executable, "-c", GDAL, f"OAPIF:{service.origin}/ogc", json.dumps(asked)],
        env=os.environ
        | {"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": service.tokens["planner"],
           "CPL_DEBUG": "ON"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout), done.stderr


def test_every_collection_is_read_to_its_end_page_by_page(filled: Service) -> None:
    asked = {name: {"layer": name, "PAGE_SIZE": 2 if n < 20 else 150} for name, n in HOLDS.items()}
    found, requests = ask_gdal(filled, asked)
    assert set(found["layers"]) == {item.name for item in COLLECTIONS} == set(HOLDS)
    assert {name: found[name]["n"] for name in HOLDS} == HOLDS
    assert all('"OGC","CRS84"' in found[name]["crs"] for name in HOLDS)
    assert requests.count("cursor=") >= len(HOLDS)  # there was more than one page of each


def test_every_collection_is_filtered_alike_by_gdal_and_by_cql2(filled: Service) -> None:
    """GDAL speaks only the draft before CQL2 and filters for itself; the server has to agree."""
    asked = {name: {"layer": name, "where": where} for name, (where, _) in FILTERED.items()}
    found, _ = ask_gdal(filled, asked)
    wanted = {name: n for name, (_, n) in FILTERED.items()}
    assert {name: found[name]["n"] for name in FILTERED} == wanted
    planner = filled.client(headers=filled.bearer("planner"))
    for name, (where, n) in FILTERED.items():
        page = planner.get(f"/ogc/collections/{name}/items", params={"filter": where, "limit": 999})
        assert page.json()["numberReturned"] == n, name
        with_area = f"({where}) AND S_INTERSECTS(geometry, BBOX(120.9,35.5,121.2,35.7))"
        page = planner.get(
            f"/ogc/collections/{name}/items", params={"filter": with_area, "limit": 999}
        )
        assert page.json()["numberReturned"] == n, name


def test_every_collection_is_cut_by_a_box(filled: Service) -> None:
    west = (WEST + 0.0001, SOUTH + 0.0005, WEST + STEP * 0.9, SOUTH + STEP * 0.9)
    found, _ = ask_gdal(filled, {name: {"layer": name, "bbox": west} for name in HOLDS})
    assert {name: found[name]["n"] for name in ("areas", "cameras", "roads", "routes")} == {
        "areas": 2, "cameras": CAMERAS // 4, "roads": ROADS, "routes": ROUTES,
    }  # fmt: skip
    assert 0 < found["incidents"]["n"] < INCIDENTS
    assert 0 < found["stations"]["n"] < STATIONS
    assert 0 < found["results"]["n"] < RESULTS


def test_every_collection_comes_in_the_jurisdictions_metres(filled: Service) -> None:
    asked = {
        name: {"layer": name, "CRS": "http://www.opengis.net/def/crs/EPSG/0/4549"} for name in HOLDS
    }
    found, _ = ask_gdal(filled, asked)
    for name, n in HOLDS.items():
        assert found[name]["n"] == n
        assert "4549" in found[name]["crs"], name
        left, bottom, right, top = found[name]["box"]
        # A degree east of the meridian whose easting is 500 km, at 35.6 degrees north.
        assert 589_000 < left <= right < 596_000, name
        assert 3_930_000 < bottom <= top < 3_950_000, name
