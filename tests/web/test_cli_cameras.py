"""`gridbeat cameras` from the outside: from files to views, lists, sites, rounds and a map."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from geo.crs.systems import unproject
from geo.database.connect import Database, connect, make_engine

pytestmark = pytest.mark.db
SRID = 32650


@pytest.fixture
def district(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Give a square kilometre with one grid, a street, a house, two cameras and 30 reports."""
    url = fresh_database.owner_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)

    def at(*xy: tuple[float, float]) -> str:
        x, y = np.array(xy, dtype=float).T
        lon, lat = unproject(500_000 + x, 4_420_000 + y, srid=SRID)
        return ", ".join(f"{a:.8f} {b:.8f}" for a, b in zip(lon, lat, strict=True))

    square = at((0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0))
    house = at((130, 480), (140, 480), (140, 520), (130, 520), (130, 480))
    values = {
        "square": f"SRID=4326;MULTIPOLYGON((({square})))",
        "house": f"SRID=4326;MULTIPOLYGON((({house})))",
        "street": f"SRID=4326;LINESTRING({at((0, 505), (1000, 505))})",
        "one": f"SRID=4326;POINT({at((100, 500))})", "two": f"SRID=4326;POINT({at((600, 500))})",
        "spot": f"SRID=4326;POINT({at((800, 505))})",
    }  # fmt: skip
    script = """
    INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone)
        VALUES ('T', '测试区', 'Test', %(square)s, 32650, 'Asia/Shanghai');
    INSERT INTO feed (jurisdiction_id, source) SELECT jurisdiction_id, 'f' FROM jurisdiction;
    INSERT INTO area (jurisdiction_id, level, grid_kind, code, name, geom, feed_id, source_ref,
        content_hash) SELECT jurisdiction_id, 'grid', 'basic', 'G1', '一格', %(square)s, feed_id,
        'G1', 1 FROM feed;
    INSERT INTO building (feed_id, source_ref, content_hash, geom) SELECT feed_id, 'h', 1, %(house)s
        FROM feed;
    INSERT INTO road (feed_id, source_ref, content_hash, kind, geom) SELECT feed_id, 'r', 1,
        'residential', %(street)s FROM feed;
    INSERT INTO camera (feed_id, source_ref, name, content_hash, geom, azimuth_deg, fov_deg,
        range_m, status, retention_days) SELECT feed_id, 'C1', '东看', 1, %(one)s, 90, 60, 80,
        'online', 10 FROM feed;
    INSERT INTO camera (feed_id, source_ref, content_hash, geom) SELECT feed_id, 'C2', 1, %(two)s
        FROM feed;
    INSERT INTO category_scheme (scheme, version) VALUES ('t', '1');
    INSERT INTO category (scheme_id, code, name, name_en) SELECT scheme_id, 'dump', '暴露垃圾',
        'Dumping' FROM category_scheme;
    SELECT ensure_incident_partitions(ARRAY['2026-11-01'::date]);
    INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref,
        category_id, found_by, geom, x_m, y_m, content_hash)
        SELECT t, t, 'minute', feed_id, n::text, category_id, 'resident', %(spot)s, 500800,
               4420505, 1
        FROM feed, category, generate_series(1, 30) n,
             LATERAL (SELECT '2026-11-10 09:00+08'::timestamptz + n * interval '1 hour' AS t) s;
    """
    with connect(fresh_database, role="owner") as owner:
        for statement in script.split(";\n"):
            if statement.strip():
                owner.execute(statement.encode(), values)
    return fresh_database


def test_cameras_from_views_to_rounds(gridbeat, district: Database, tmp_path: Path) -> None:
    first = gridbeat("cameras", "views", "--out", tmp_path / "views.geojson")
    assert first.code in (0, None), first.err
    assert "2 cameras 摄像机; views 视域: 1 new" in first.out
    assert "1 cameras of unknown direction" in first.out
    assert "1 same" in gridbeat("cameras", "views").out
    (view,) = json.loads((tmp_path / "views.geojson").read_text())["features"]
    assert view["geometry"]["type"] == "MultiPolygon"

    cover = gridbeat("cameras", "coverage", "--out", tmp_path / "cover.csv").out
    said = " ".join(cover.split())
    assert "事件 reports seen 可见 0.0%" in said
    assert "30 0.0% 暴露垃圾 Dumping" in said
    assert (
        (tmp_path / "cover.csv").read_text("utf-8-sig").startswith("code,name,cameras,area_total")
    )
    lon, lat = view["geometry"]["coordinates"][0][0][0]
    more = gridbeat("cameras", "coverage", "--add", f"{lon + 0.0075},{lat},0,360,100").out
    assert "reports 0.00% -> 100.00%" in more

    spots = gridbeat(
        "cameras", "blind-spots", "--top", "1", "--out", tmp_path / "blind.geojson"
    ).out
    assert "led by 暴露垃圾 Dumping" in spots
    assert "以“暴露垃圾 Dumping”为主" in spots
    sites = gridbeat("cameras", "sites", "1", "--range-m", "60").out
    assert "proved within 已证明差距 0.00%" in sites

    listed = gridbeat("cameras", "compliance", "--out", tmp_path / "list.csv").out
    assert "2 to mend" in listed
    assert "keeps pictures 10 days, under 30" in listed
    assert "少于30天" in (tmp_path / "list.csv").read_text("utf-8-sig")

    looks = gridbeat("cameras", "rounds", "--start", "2026-11-20T08:00", "--hours", "1",
                     "--watchers", "1", "--screens", "1", "--out", tmp_path / "round.html").out  # fmt: skip
    assert "round 轮巡 1: 12 looks 查看 at 1 cameras" in looks
    assert "视频巡查轮巡表" in (tmp_path / "round.html").read_text()
    engine = make_engine(district)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM camera_look")).scalar_one() == 12
    engine.dispose()

    page = gridbeat("cameras", "map", "--out", tmp_path / "map.html")
    assert page.code in (0, None), page.err
    assert "盲区" in (tmp_path / "map.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("coverage", "--add", "1,2,3"), "is not LON,LAT,AZIMUTH,FOV,RANGE"),
        (("coverage", "--move", "7"), "is not CAMERA:LON,LAT,AZIMUTH"),
        (("views", "--purpose", "spy"), "no class 'spy'; it has monitor"),
        (("views", "--edition", "2025", "--purpose", "observe"), "2025 has no class 'observe'"),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_one_message(
    gridbeat, district: Database, arguments: tuple[str, ...], says: str
) -> None:
    outcome = gridbeat("cameras", *arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert "Traceback" not in outcome.err


def test_unknown_camera_ends_with_5(gridbeat, district: Database) -> None:
    outcome = gridbeat("cameras", "coverage", "--off", "999")
    assert outcome.code == 5
    assert "no camera 999" in outcome.err
