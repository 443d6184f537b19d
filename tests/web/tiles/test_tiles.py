"""Tiles as a map asks for them: right counts at every zoom, kept, refreshed, and within scope."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import Connection, create_engine, text

from geo.database.connect import Database, connect
from geo.hexagons import EDGES_M, level_of, refresh_hexagons, span_of
from tests.web.conftest import Service
from tests.web.district import CAMERAS, INCIDENTS, SOUTH, STEP, WEST
from web.jobs.hexagons import keep_counting

pytestmark = pytest.mark.db


def read_mvt(body: bytes) -> dict[str, list[dict[str, Any]]]:
    """Return the properties of every feature by layer (Mapbox Vector Tile 2.1)."""
    layers = {}
    for number, value in fields(body):
        assert number == 3
        parts = list(fields(value))
        keys = [part.decode() for field, part in parts if field == 3]
        values = [mvt_value(part) for field, part in parts if field == 4]
        name = next(part for field, part in parts if field == 1).decode()
        layers[name] = []
        for field, part in parts:
            if field == 2:
                tags = next((numbers(p) for f, p in fields(part) if f == 2), [])
                layers[name].append(
                    {keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)}
                )
    return layers


def varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (body[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if body[at - 1] < 128:
            return value, at


def fields(body: bytes):
    at = 0
    while at < len(body):
        key, at = varint(body, at)
        if key & 7 == 2:
            length, at = varint(body, at)
            yield key >> 3, body[at : at + length]
            at += length
        elif key & 7 == 0:
            value, at = varint(body, at)
            yield key >> 3, value
        else:
            width = {1: 8, 5: 4}[key & 7]
            yield key >> 3, body[at : at + width]
            at += width


def numbers(body: bytes) -> list[int]:
    found, at = [], 0
    while at < len(body):
        value, at = varint(body, at)
        found.append(value)
    return found


def mvt_value(body: bytes) -> Any:
    field, value = next(fields(body))
    if field == 1:
        return value.decode()
    if field in (2, 3):
        return float(np.frombuffer(value, "<f4" if field == 2 else "<f8")[0])
    return (value >> 1) ^ -(value & 1) if field == 6 else value


def tile_of(zoom: int, lon: float, lat: float) -> tuple[int, int]:
    n = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * n), int(y * n)


def tiles_over(zoom: int) -> list[tuple[int, int]]:
    x0, y1 = tile_of(zoom, WEST - 0.02, SOUTH - 0.02)
    x1, y0 = tile_of(zoom, WEST + 4 * STEP + 0.02, SOUTH + 2 * STEP + 0.02)
    return [(x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]


def get(client: httpx.Client, layer: str, zoom: int, x: int, y: int, **query: Any):
    answer = client.get(f"/tiles/{layer}/{zoom}/{x}/{y}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return read_mvt(answer.content)


def count(client: httpx.Client, zoom: int, **query: Any) -> int:
    """Add up what the tiles over the district show; what lies at an edge is in both tiles."""
    if zoom >= 14:
        spots = {
            feature["id"]: feature["n"]
            for x, y in tiles_over(zoom)
            for feature in get(client, "incidents", zoom, x, y, **query).get("incidents", [])
        }
        return sum(spots.values())
    # One tile that holds all of it.
    x, y = tile_of(zoom, WEST + 2 * STEP, SOUTH + STEP)
    return sum(f["n"] for f in get(client, "incidents", zoom, x, y, **query).get("hexagons", []))


@pytest.fixture(scope="module")
def analyst(service: Service) -> httpx.Client:
    refresh(service.database)
    return service.client(headers=service.bearer("analyst"))


def refresh(database: Database) -> int:
    engine = create_engine(database.app_url)
    with engine.begin() as connection:
        days = refresh_hexagons(connection)
    engine.dispose()
    return days


class TestHexagons:
    @pytest.mark.parametrize(("lon", "lat"), [(121.3, 31.2), (-87.63, 41.88), (-70.6, -33.4)])
    def test_incident_counts_where_the_centre_of_its_finest_hexagon_lies(
        self, service: Service, lon: float, lat: float
    ) -> None:
        with connect(service.database) as connection:
            for level, edge in enumerate(EDGES_M):
                row = connection.execute(
                    "SELECT ST_Intersects(fine, p), ST_Distance(ST_Centroid(fine), coarse) FROM "
                    "(SELECT ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 3857) AS p, "
                    "'SRID=3857;POINT(0 0)'::geometry AS zero) m, "
                    "LATERAL hexagon_of(3, %s, %s) f, LATERAL hexagon_of(%s, %s, %s) h, "
                    "LATERAL ST_Hexagon(150, f.i, f.j, zero) fine, "
                    "LATERAL ST_Hexagon(%s, h.i, h.j, zero) coarse",
                    [lon, lat, lon, lat, level, lon, lat, edge],
                ).fetchone()
                assert row == (True, pytest.approx(0, abs=1e-6)), level

    def test_levels_follow_the_zoom(self) -> None:
        assert [level_of(zoom) for zoom in (0, 7, 8, 9, 10, 11, 12, 13, 14)] == [
            0, 0, 1, 1, 2, 2, 3, 3, None,
        ]  # fmt: skip

    @pytest.mark.parametrize("zoom", [5, 8, 10, 12, 13])
    def test_span_of_a_tile_holds_every_hexagon_that_touches_it(
        self, db: Connection, zoom: int
    ) -> None:
        x, y = tile_of(zoom, 121.02, 35.61)
        level = level_of(zoom)
        touching = db.execute(
            text(
                "SELECT h.i, h.j FROM ST_TileEnvelope(:z, :x, :y) e, "
                "LATERAL ST_HexagonGrid(:edge, e) h WHERE ST_Intersects(h.geom, e)"
            ),
            {"z": zoom, "x": x, "y": y, "edge": EDGES_M[level]},
        ).all()
        i0, i1, j0, j1 = span_of(zoom, x, y, level)
        assert touching
        assert all(i0 <= i <= i1 and j0 <= j <= j1 for i, j in touching)

    def test_each_incident_is_counted_in_the_hexagon_that_holds_it(
        self, service: Service, analyst: httpx.Client
    ) -> None:
        with connect(service.database) as connection:
            rows = connection.execute(
                "SELECT c.n, (SELECT count(*) FROM incident i WHERE ST_Covers(ST_Hexagon("
                "150, (h.block_i << 6) + (cell >> 6), (h.block_j << 6) + (cell & 63), "
                "'SRID=3857;POINT(0 0)'::geometry), ST_Transform(i.geom, 3857))) "
                "FROM hexagon_total h, unnest(cells, counts) AS c (cell, n) "
                "WHERE category_id = 0 AND level = 3"
            ).fetchall()
        assert sum(n for n, _ in rows) == INCIDENTS
        assert all(n == held for n, held in rows)


class TestTiles:
    @pytest.mark.parametrize("zoom", [8, 10, 14, 17])
    def test_every_incident_is_shown_once_at_every_zoom(
        self, analyst: httpx.Client, zoom: int
    ) -> None:
        assert count(analyst, zoom) == INCIDENTS

    @pytest.mark.parametrize("zoom", [10, 15])
    def test_class_and_days_are_filtered_alike(
        self, service: Service, analyst: httpx.Client, zoom: int
    ) -> None:
        with connect(service.database) as connection:
            row = connection.execute(
                "SELECT count(*) FROM incident WHERE category_id = 2 AND "
                "(occurred_at AT TIME ZONE 'Asia/Shanghai')::date "
                "BETWEEN '2026-01-10' AND '2026-01-19'"
            ).fetchone()
        query = {"class": 2, "since": "2026-01-10", "until": "2026-01-20"}
        assert row is not None
        assert count(analyst, zoom, **query) == row[0] > 0
        assert count(analyst, zoom, **{"class": [1, 3]}) == INCIDENTS - count(
            analyst, zoom, **{"class": 2}
        )

    @pytest.mark.parametrize("zoom", [8, 10, 15])
    def test_scope_of_the_west_sees_the_west(self, service: Service, analyst, zoom: int) -> None:
        west = service.client(headers=service.bearer("west"))
        assert count(west, zoom) == INCIDENTS // 2
        assert count(west, zoom, since="2026-01-01") == INCIDENTS // 2
        assert count(service.client(headers=service.bearer("nowhere")), zoom) == 0

    def test_area_of_a_hexagon_is_that_on_the_ground(self, analyst: httpx.Client) -> None:
        x, y = tile_of(10, WEST, SOUTH)
        feature = get(analyst, "incidents", 10, x, y)["hexagons"][0]
        flat = 1.5 * math.sqrt(3) * 0.6**2
        assert feature["km2"] == pytest.approx(flat * math.cos(math.radians(35.6)) ** 2, rel=1e-3)

    def test_grids_cameras_and_their_words_are_tiles_too(self, service: Service, analyst) -> None:
        planner = service.client(headers=service.bearer("planner"))
        x, y = tile_of(10, WEST + 2 * STEP, SOUTH + STEP)
        areas = get(analyst, "areas", 10, x, y)["areas"]
        assert {(a["code"], a["community"], a["households"]) for a in areas} == {
            ("w1", "west", 450), ("w2", "west", 450), ("e1", "east", 450), ("e2", "east", 450),
        }  # fmt: skip
        communities = get(analyst, "areas", 10, x, y, level="community")["areas"]
        assert {a["code"] for a in communities} == {"west", "east"}
        assert len(get(planner, "cameras", 10, x, y)["cameras"]) == CAMERAS

    def test_layer_that_a_role_may_not_see_is_refused(self, service: Service, analyst) -> None:
        assert analyst.get("/tiles/cameras/12/1/1").status_code == 403
        names = {layer["name"] for layer in analyst.get("/tiles").json()["layers"]}
        assert "cameras" not in names
        assert "incidents" in names
        assert service.client().get("/tiles/areas/1/0/0").status_code == 401

    @pytest.mark.parametrize(
        ("path", "status", "words"),
        [
            ("incidents/3/8/0", 400, "zoom 3 has tiles 0 to 7"),
            ("nothing/3/0/0", 404, "there is no layer 'nothing'"),
            ("results/3/0/0", 400, "need run="),
            ("incidents/3/0/x", 400, "valid integer"),
            ("incidents/10/0/0?since=yesterday", 400, "since"),
        ],
    )
    def test_bad_request_says_what_is_wrong(self, analyst, path, status, words) -> None:
        answer = analyst.get(f"/tiles/{path}", headers={"Accept-Language": "en"})
        assert answer.status_code == status
        assert words in answer.text

    def test_tilejson_leads_to_tiles(self, analyst: httpx.Client) -> None:
        described = analyst.get("/tiles/incidents").json()
        assert described["bounds"] == pytest.approx([WEST, SOUTH, WEST + 0.04, SOUTH + 0.02])
        x, y = tile_of(11, WEST, SOUTH)
        url = described["tiles"][0].format(z=11, x=x, y=y)
        assert "hexagons" in read_mvt(analyst.get(url).content)

    def test_tile_that_did_not_change_is_not_sent_again(self, analyst: httpx.Client) -> None:
        x, y = tile_of(10, WEST, SOUTH)
        first = analyst.get(f"/tiles/incidents/10/{x}/{y}")
        assert first.headers["content-encoding"] == "gzip"
        tag = {"If-None-Match": first.headers["etag"]}
        again = analyst.get(f"/tiles/incidents/10/{x}/{y}", headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        plain = analyst.get(f"/tiles/incidents/10/{x}/{y}", headers={"Accept-Encoding": "identity"})
        assert plain.content == first.content


class TestChanges:
    def test_new_incident_reaches_points_at_once_and_hexagons_after_counting(
        self, own_service: Service
    ) -> None:
        refresh(own_service.database)
        analyst = own_service.client(headers=own_service.bearer("analyst"))
        assert count(analyst, 10) == count(analyst, 15) == INCIDENTS
        with connect(own_service.database) as connection:
            connection.execute(
                "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, "
                "time_precision, category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
                "SELECT feed_id, 'new', occurred_at, occurred_at, 'exact', category_id, found_by, "
                "geom, x_m, y_m, area_id, 0 FROM incident LIMIT 1"
            )
        wait_for(lambda: count(analyst, 15) == INCIDENTS + 1)
        assert refresh(own_service.database) == 2  # a day of UTC lies in two local days
        wait_for(lambda: count(analyst, 10) == INCIDENTS + 1)
        assert refresh(own_service.database) == 0

    def test_worker_counts_by_itself_what_came_in(self, own_service: Service) -> None:
        with counting(own_service.database), connect(own_service.database) as connection:
            copy_incident(connection, "worker")
            connection.commit()
            row = connection.execute("SELECT count(*) FROM incident").fetchone()
            wait_for(lambda: total(connection) == row[0])

    def test_every_count_stays_exact_through_updates_moves_and_deletes(
        self, own_service: Service
    ) -> None:
        elsewhere = "ST_SetSRID(ST_MakePoint(ST_X(geom) + 0.013, ST_Y(geom) - 0.004), 4326)"
        for change in (
            "DELETE FROM incident WHERE source_ref < 'i2'",
            "UPDATE incident SET occurred_at = occurred_at + interval '3 days', "
            "occurred_until = occurred_until + interval '3 days' WHERE source_ref > 'i5'",
            f"UPDATE incident SET geom = {elsewhere} WHERE source_ref BETWEEN 'i3' AND 'i4'",
            "UPDATE incident SET category_id = 1 WHERE source_ref > 'i8'",
            "UPDATE incident SET area_id = NULL WHERE source_ref < 'i3'",
            "UPDATE incident SET area_id = (SELECT min(area_id) FROM area) WHERE area_id IS NULL",
            "DELETE FROM incident WHERE source_ref > 'i6'",
        ):
            with connect(own_service.database) as connection:
                assert connection.execute(change.encode()).rowcount > 0
            refresh(own_service.database)
            with connect(own_service.database) as connection:
                assert counted(connection) == truth(connection), change

    def test_tile_that_holds_too_much_says_how_much_it_left_out(
        self, own_service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("web.tiles.draw.MOST_POINTS", 7)
        monkeypatch.setattr("web.tiles.draw.MOST_SHAPES", 2)
        planner = own_service.client(headers=own_service.bearer("planner"))
        x, y = tile_of(14, WEST + STEP / 2, SOUTH + STEP / 2)
        layers = get(planner, "incidents", 14, x, y, since="2025-01-01")
        shown = sum(feature["n"] for feature in layers["incidents"])
        assert shown == 7
        assert layers["left_out"][0]["n"] > 0
        x, y = tile_of(11, WEST + 2 * STEP, SOUTH + STEP)
        assert get(planner, "cameras", 11, x, y)["left_out"] == [{"more": True}]

    def test_server_that_lost_its_listener_draws_anew(self, own_service: Service) -> None:
        analyst = own_service.client(headers=own_service.bearer("analyst"))
        before = count(analyst, 15)
        with connect(own_service.database, role="owner") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
            connection.execute("DELETE FROM incident WHERE source_ref = 'i20'")
        wait_for(lambda: count(analyst, 15) == before - 1)


@contextmanager
def counting(database: Database):
    """Run the worker's counting in a thread of its own."""
    engine = create_engine(database.app_url)
    loop = asyncio.new_event_loop()
    task = loop.create_task(keep_counting(database, engine))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        # A count that runs in a thread ends before its connections are closed.
        loop.run_until_complete(loop.shutdown_default_executor())

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
        engine.dispose()


def copy_incident(connection, name: str) -> None:
    connection.execute(
        "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, "
        "time_precision, category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
        "SELECT feed_id, %s, occurred_at, occurred_at, 'exact', category_id, found_by, "
        "geom, x_m, y_m, area_id, 0 FROM incident ORDER BY source_ref LIMIT 1",
        [name],
    )


def counted(connection) -> dict[str, list[tuple]]:
    """Return every count that is not zero, one a row, by table."""
    spot = "(block_i << 6) + (cell >> 6) AS i, (block_j << 6) + (cell & 63) AS j, c.n"
    block = "unnest(cells, counts) AS c (cell, n)"
    area = "unnest(category_ids, cells, counts) AS c (category_id, cell, n)"
    return {
        name: sorted(connection.execute(query.encode()).fetchall())
        for name, query in {
            "day": f"SELECT level, category_id, day, {spot} FROM hexagon_day, {block}",
            "total": f"SELECT level, category_id, {spot} FROM hexagon_total, {block}",
            "area_day": f"SELECT area_id, c.category_id, day, {spot} FROM hexagon_area_day, {area}",
            "area_total": f"SELECT area_id, c.category_id, {spot} FROM hexagon_area_total, {area}",
            "month": f"SELECT level, category_id, month, {spot} FROM hexagon_month, {block}",
            "area_month": f"SELECT area_id, c.category_id, month, {spot} "
            f"FROM hexagon_area_month, {area}",
            "areas": "SELECT area_id, sum(n)::int FROM hexagon_area_day GROUP BY 1",
        }.items()
    }


def truth(connection) -> dict[str, list[tuple]]:
    """Return what `counted` has to be, from the incidents one by one."""
    connection.execute(
        "CREATE TEMP TABLE one ON COMMIT DROP AS SELECT level, h.i, h.j, category_id, "
        "coalesce(area_id, 0) AS area_id, day, (day - extract(day FROM day)::int + 1) AS month "
        "FROM incident, generate_series(0, 3) level, "
        "LATERAL hexagon_of(level, ST_X(geom), ST_Y(geom)) h, "
        "LATERAL (SELECT (occurred_at AT TIME ZONE 'Asia/Shanghai')::date AS day) d"
    )
    classes = "CROSS JOIN LATERAL (VALUES (category_id), (0)) k (c)"
    found = {
        name: sorted(connection.execute(query.encode()).fetchall())
        for name, query in {
            "day": "SELECT level, c, day, i, j, count(*)::int "
            f"FROM one {classes} WHERE level < 3 GROUP BY 1, 2, 3, 4, 5",
            "total": f"SELECT level, c, i, j, count(*)::int FROM one {classes} GROUP BY 1, 2, 3, 4",
            "area_day": "SELECT area_id, category_id, day, i, j, count(*)::int "
            "FROM one WHERE level = 3 GROUP BY 1, 2, 3, 4, 5",
            "month": "SELECT level, c, month, i, j, count(*)::int "
            f"FROM one {classes} WHERE level < 3 GROUP BY 1, 2, 3, 4, 5",
            "area_month": "SELECT area_id, category_id, month, i, j, count(*)::int "
            "FROM one WHERE level = 3 GROUP BY 1, 2, 3, 4, 5",
            "area_total": "SELECT area_id, category_id, i, j, count(*)::int "
            "FROM one WHERE level = 3 AND area_id <> 0 GROUP BY 1, 2, 3, 4",
            "areas": "SELECT area_id, count(*)::int FROM one WHERE level = 3 GROUP BY 1",
        }.items()
    }
    # Every level adds up to all incidents, whatever the hexagons say.
    rows = connection.execute("SELECT count(*) FROM incident").fetchone()
    for level in range(4):
        sums = [row[-1] for row in found["total"] if row[0] == level and row[1] == 0]
        assert sum(sums) == rows[0]
    return found


def total(connection) -> int:
    row = connection.execute("SELECT coalesce(sum(n), 0) FROM hexagon_area_day").fetchone()
    connection.rollback()
    return int(row[0])


def wait_for(condition, seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
