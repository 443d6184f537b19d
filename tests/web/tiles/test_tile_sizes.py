"""No tile passes 500 kB, however dense the data, and each says what it left out."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from geo.database.connect import connect
from geo.hexagons import refresh_in_steps
from tests.web.conftest import Service
from tests.web.district import INCIDENTS, SOUTH, STEP, WEST
from tests.web.tiles.test_tiles import read_mvt, tile_of
from web.tiles import draw

pytestmark = pytest.mark.db
MANY, SHAPES = 12_000, 21_000
X, Y = tile_of(14, WEST + STEP / 2, SOUTH + STEP / 3)


def corner(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a corner of the tiles of zoom 14."""
    turn = math.pi * (1 - 2 * y / 2**14)
    return x / 2**14 * 360 - 180, math.degrees(math.atan(math.sinh(turn)))


# All within one tile of zoom 14, no two at the same place, every number its own.
(LEFT, TOP), (RIGHT, BOTTOM) = corner(X + 0.05, Y + 0.05), corner(X + 0.95, Y + 0.95)
SPOT = (
    f"ST_SetSRID(ST_MakePoint({LEFT} + {RIGHT - LEFT} * random(), "
    f"{BOTTOM} + {TOP - BOTTOM} * random()), 4326)"
)
FILL = f"""
SELECT setseed(0.5);
INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, time_precision, category_id,
    found_by, geom, x_m, y_m, content_hash)
    SELECT 1, 'm' || n, at, at, 'exact', 1 + n % 3, 'resident', {SPOT}, 0, 0, n
    FROM generate_series(1, {MANY}) n,
    LATERAL (SELECT timestamptz '2026-01-02' + n * interval '90 seconds' AS at) t;
INSERT INTO result_run (jurisdiction_id, kind, unit, parameters, window_from, window_to, code_version)
    VALUES (1, 'hotspots', 'cell', '{{}}', '2026-01-01', '2026-02-01', '0');
INSERT INTO result_row (result_run_id, unit_no, geom, observed, score, q_value, slope, label)
    SELECT 1, n, ST_Expand({SPOT}, 0.0005 * random()), random(), random(), random(), random(),
    md5(n::text) FROM generate_series(1, {SHAPES}) n;
"""


@pytest.fixture(scope="module")
def dense(own_service: Service) -> httpx.Client:
    with connect(own_service.database) as connection:
        for statement in FILL.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
    return own_service.client(headers=own_service.bearer("analyst"))


def fetch(client: httpx.Client, layer: str, zoom: int, **query: Any) -> tuple[int, dict[str, Any]]:
    x, y = tile_of(zoom, WEST + STEP / 2, SOUTH + STEP / 3)
    answer = client.get(f"/tiles/{layer}/{zoom}/{x}/{y}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-encoding"] == "gzip"
    return int(answer.headers["content-length"]), read_mvt(answer.content)


def test_dense_points_fit_and_what_is_left_out_is_counted(dense: httpx.Client) -> None:
    size, layers = fetch(dense, "incidents", 14)
    assert size <= 500_000
    shown = sum(feature["n"] for feature in layers["incidents"])
    assert shown >= 5_000  # not by showing next to nothing
    (left_out,) = layers["left_out"]
    assert MANY <= shown + left_out["n"] <= MANY + INCIDENTS


@pytest.mark.parametrize("zoom", [11, 14])
def test_dense_shapes_are_drawn_until_they_fit(dense: httpx.Client, zoom: int) -> None:
    size, layers = fetch(dense, "results", zoom, run=1)
    assert size <= 500_000
    assert len(layers["results"]) >= 2_000
    assert layers["left_out"] == [{"more": True}]


def test_they_would_not_fit_without_the_limit(
    dense: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "MOST_BYTES", 10**9)
    size, layers = fetch(dense, "results", 14, run=1, level="district")  # not the kept tile
    assert size > 500_000
    assert len(layers["results"]) > 0.9 * draw.MOST_SHAPES  # the smallest are no shape any more


def test_overview_of_the_same_ground_is_small_and_whole(
    own_service: Service, dense: httpx.Client
) -> None:
    engine = create_engine(own_service.database.app_url)
    refresh_in_steps(engine.begin)
    engine.dispose()
    size, layers = fetch(dense, "incidents", 10, since="2025-12-01")
    assert size <= 50_000
    assert sum(feature["n"] for feature in layers["hexagons"]) >= MANY
    assert "left_out" not in layers
