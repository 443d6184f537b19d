"""What patrols found by their hours, and stored results of any shape, as tiles and on the wall."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from geo.database.connect import connect
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST
from tests.web.tiles.test_tiles import get, refresh, tile_of

pytestmark = pytest.mark.db
HOUR = datetime(2026, 2, 3, 6, tzinfo=UTC)
SPOT = f"ST_SetSRID(ST_MakePoint({WEST + STEP / 2}, {SOUTH + STEP}), 4326)"


def walk(connection: psycopg.Connection, source: str, seconds: float) -> None:
    """Let a source spend time at the spot in w1 in the last hour of the data."""
    connection.execute("SELECT ensure_effort_partitions(ARRAY['2026-02-03']::date[])")
    connection.execute(
        "INSERT INTO ground_cell (jurisdiction_id, i, j, area_id, ground_m2, geom) "
        f"SELECT 1, 7, 7, 0, 2500, ST_Multi(ST_Expand({SPOT}, 0.0003)) ON CONFLICT DO NOTHING"
    )
    connection.execute(
        "INSERT INTO effort (jurisdiction_id, hour, source, i, j, area_id, seconds, visits) "
        "SELECT 1, %s, %s, 7, 7, area_id, %s, 1 FROM area WHERE code = 'w1'",
        [HOUR, source, seconds],
    )


def find(connection: psycopg.Connection, n: int, found_by: str, at: str) -> None:
    """Write what somebody found at the spot."""
    connection.execute(
        "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, time_precision, "
        "category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
        f"SELECT 1, %s || i, %s, %s, 'exact', 1, %s, {SPOT}, ST_X(ST_Transform({SPOT}, 4549)), "
        f"ST_Y(ST_Transform({SPOT}, 4549)), (SELECT area_id FROM area WHERE code = 'w1'), i "
        "FROM generate_series(1, %s) i",
        [f"{found_by}{at}", at, at, found_by, n],
    )


def test_finds_and_hours_are_of_patrols_in_the_same_days(own_service: Service) -> None:
    with connect(own_service.database) as connection:
        walk(connection, "foot", 3 * 3600)
        walk(connection, "vehicle", 3600)
        walk(connection, "drone", 9 * 3600)  # divides what drones find, not this
        find(connection, 6, "patrol", "2026-02-01 08:00+00")
        find(connection, 5, "patrol", "2026-01-04 08:00+00")  # before the 28 days of the hours
        find(connection, 4, "camera", "2026-02-01 08:00+00")
        connection.execute("SELECT refresh_hexagon_ground()")
        connection.commit()
    refresh(own_service.database)
    client = own_service.client(headers=own_service.bearer("analyst"))
    x, y = tile_of(10, WEST + 2 * STEP, SOUTH + STEP)
    for query in ({}, {"since": "2026-01-01", "until": "2026-03-01"}):
        cells = get(client, "incidents", 10, x, y, **query)["hexagons"]
        (walked,) = [cell for cell in cells if cell.get("p")]
        assert (walked["finds"], walked["p"]) == (6, 4.0)
        assert all(cell.get("p") is None for cell in cells if cell is not walked)


def store(connection: psycopg.Connection, kind: str, unit: str, shape: str, lattice: Any) -> int:
    """Store a result of two units of one shape: one that stands out, one that does not."""
    row = connection.execute(
        "INSERT INTO result_run (jurisdiction_id, kind, unit, parameters, window_from, window_to, "
        "code_version, summary) VALUES (1, %s, %s, %s, '2026-01-01', '2026-02-01', 'test', %s) "
        "RETURNING result_run_id",
        [kind, unit, Jsonb({"lattice": lattice}), Jsonb({"labels": {"hot": 1, "none": 1}})],
    ).fetchone()
    assert row is not None
    for n, label in enumerate(("hot", "none")):
        connection.execute(
            "INSERT INTO result_row (result_run_id, unit_no, geom, observed, score, label) "
            "VALUES (%s, %s, ST_Multi(ST_GeomFromText(%s, 4326)), 9, 3.5, %s)",
            [row[0], n, shape, label],
        )
    return int(row[0])


def test_results_on_streets_and_hexagons_are_listed_for_the_wall_and_drawn(
    own_service: Service,
) -> None:
    x0, y0 = WEST + STEP / 2, SOUTH + STEP / 2
    line = f"LINESTRING({x0} {y0}, {x0 + STEP} {y0})"
    with connect(own_service.database) as connection:
        hexagon = connection.execute(
            "SELECT ST_AsText(ST_Transform(ST_Hexagon(300, 0, 0, ST_Transform("
            "ST_SetSRID(ST_MakePoint(%s, %s), 4326), 3857)), 4326))", [x0, y0],
        ).fetchone()  # fmt: skip
        assert hexagon is not None
        store(connection, "streets", "segment", line, None)
        streets = store(connection, "streets", "segment", line, None)
        cells = store(connection, "hotspots", "cell", hexagon[0], {"kind": "hexagon"})
        connection.commit()
    analyst = own_service.client(headers=own_service.bearer("analyst"))
    x, y = tile_of(14, x0, y0)
    for run in (streets, cells):
        drawn = get(analyst, "results", 14, x, y, run=run)["results"]
        assert sorted(feature["label"] for feature in drawn) == ["hot", "none"]
    told = listed(own_service.client(headers=own_service.bearer("watch")))
    assert told["streets", "segment", ""]["run"] == streets  # the newest
    assert told["hotspots", "cell", "hexagon"]["run"] == cells
    assert {"label": "hot", "n": 1, "zh": "热点", "en": "hot spot"} in (
        told["streets", "segment", ""]["labels"]
    )


def listed(client: httpx.Client) -> dict[tuple[str, str, str], dict[str, Any]]:
    found = client.get("/api/v1/wall/state").json()["results"]
    return {(one["kind"], one["unit"], one["shape"]): one for one in found}


@pytest.mark.parametrize("zoom", [10, 12, 14, 16])
def test_a_flight_that_leaves_a_tile_and_comes_home_is_drawn_in_all_that_it_crosses(
    own_service: Service, zoom: int
) -> None:
    corners = [(0.2, 0.2), (1.2, 1.8), (3.8, 1.2), (3.0, 0.1), (0.2, 0.2)]
    way = [(WEST + x * STEP, SOUTH + y * STEP) for x, y in corners]
    line = ", ".join(f"{lon} {lat} 80" for lon, lat in way)
    with connect(own_service.database) as connection:
        connection.execute(
            "INSERT INTO drone (feed_id, source_ref, content_hash, name, size_class, endurance_s, "
            f"speed_m_s, geom) VALUES (1, %s, 0, '一号', 'light', 1800, 10, {SPOT})", [f"d{zoom}"],
        )  # fmt: skip
        connection.execute(
            "INSERT INTO drone_route (jurisdiction_id, drone_id, mission, flight_no, geom, "
            "camera_on, duration_s, speed_m_s, code_version) SELECT 1, drone_id, %s, 1, "
            "ST_GeomFromText(%s, 4326), '{t,t,t,t}', 900, 10, 't' FROM drone "
            "WHERE source_ref = %s",
            [f"m{zoom}", f"LINESTRING Z ({line})", f"d{zoom}"],
        )  # fmt: skip
        connection.commit()
    planner = own_service.client(headers=own_service.bearer("planner"))
    for lon, lat in way:
        found = get(planner, "drone_routes", zoom, *tile_of(zoom, lon, lat))["drone_routes"]
        assert f"m{zoom}" in {one["mission"] for one in found}
