"""What a map holds, what it refuses, and that it carries everything inside."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import GeometryCollection, LineString, MultiPoint, Point, box

from geo.errors import CrsError, GeometryError, InputError, MissingDependencyError
from web.i18n import TEXTS, say
from web.maps import assets
from web.maps.layers import NEVER_PUBLIC, MapLayers, MapMeta
from web.maps.payloads import camera_views, layer_payload, to_script
from web.maps.render import render_map, write_map
from web.maps.style import NOT_DRAWN
from web.maps.styles import classify

META = MapMeta(
    name_zh="甲区",
    name_en="District A",
    data_from=datetime(2026, 5, 1, tzinfo=UTC),
    data_until=datetime(2026, 11, 22, tzinfo=UTC),
    made_at=datetime(2026, 11, 22, 20, tzinfo=UTC),
    metric_crs="EPSG:4549",
    code_version="0.1.0",
    parameters={"Gi*": {"permutations": 999, "note": "<b>7</b>"}},
)
PUBLIC = replace(META, audience="public", approval_no="GS(2026)1234号")


def cells(n=6, **columns):
    shapes = [box(500_000 + 100 * i, 3_460_000, 500_100 + 100 * i, 3_460_100) for i in range(n)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4549)


@pytest.fixture
def hotspots():
    return cells(
        score=[4.0, 2.5, 1.9, 0.3, -4.0, 2.0],
        q_value=[0.001, 0.02, 0.08, 0.7, 0.009, np.nan],
        observed=[40, 20, 3, 5, 0, 4],
    )


@pytest.fixture
def plan():
    return cells(
        n=2,
        code=["1", "2"],
        hours=[4.0, 1.0],
        unknown=[False, True],
        reason_zh=["理由一", "理由二"],
        reason_en=["first reason", "second reason"],
    )


def payload_of(name, frame, **more):
    placed = MapLayers(**{name: frame}).present()[name]
    return layer_payload(name, placed, **({"lang": "en"} | more))


def test_every_text_is_in_both_languages():
    assert all(zh.strip() and en.strip() for zh, en in TEXTS.values())
    assert all(re.search(r"[\u4e00-\u9fff]|Gi\*|%", zh) for zh, _ in TEXTS.values())
    assert say("hours", "both") == "小时 / Hours"
    with pytest.raises(InputError, match="language 'fr' is unknown"):
        say("hours", "fr")


def test_hotspots_are_classed_by_sign_and_q_and_the_rest_is_not_drawn(hotspots):
    classed = classify("hotspots", hotspots, "en")
    assert classed.rows.tolist() == [0, 1, 2, NOT_DRAWN, 3, NOT_DRAWN]
    assert [style.label for style in classed.styles][:4] == [
        "hot q < 0.01",
        "hot q < 0.05",
        "hot q < 0.10",
        "cold q < 0.01",
    ]
    payload = payload_of("hotspots", hotspots)
    assert payload["count"] == 4 == len(payload["geo"]) == len(payload["rows"])


def test_trends_tell_rising_falling_unproven_untested_and_unknown_apart():
    frame = cells(
        slope=[0.0, -0.3, 0.3, 0.0, np.nan, 0.0],
        score=[0.2, -0.3, 0.3, 0.0, np.nan, 0.0],
        q_value=[0.001, 0.03, 0.6, 0.001, np.nan, np.nan],
        observed=[9, 9, 9, 9, 2, 0],
    )
    classed = classify("trends", frame, "en")
    labels = [classed.styles[row].label for row in classed.rows]
    assert labels == [
        "▲ rising q < 0.01",
        "▼ falling q < 0.05",
        "no proven trend",
        "no proven trend",
        "too few reports to test",
        "? unknown (no reports)",
    ]
    bare = classify("trends", frame[["slope", "q_value", "geometry"]], "en")
    assert bare.rows[:2].tolist() == [6, 4]


@pytest.mark.parametrize("values", [[0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 7], [0] * 6, [2] * 6])
def test_density_classes_cover_every_cell_with_events(values):
    frame = cells(score=np.asarray(values, float))
    classed = classify("density", frame, "zh")
    drawn = classed.rows != NOT_DRAWN
    assert drawn.tolist() == [value > 0 for value in values]
    assert classed.rows.max() < len(classed.styles)


def test_coordinates_are_longitude_latitude_with_six_decimals(hotspots):
    ring = payload_of("hotspots", hotspots)["geo"][0]["coordinates"][0]
    assert all(119.9 < x < 120.1 and 31.2 < y < 31.3 for x, y in ring)
    assert all(round(value, 6) == value for point in ring for value in point)


def test_a_payload_cannot_close_its_script_whatever_a_name_holds():
    frame = cells(n=1, code=["1"], name=["</script><!-- & \u2028"])
    script = to_script(payload_of("grids", frame))
    assert "<" not in script
    assert ">" not in script
    assert "\u2028" not in script
    assert json.loads(script)["rows"][0][0] == "</script><!-- & \u2028"


def test_names_that_look_like_templates_are_not_run():
    hostile = ["{{ 7 * 7 }}", "{% raw %}", "{# gone #}", "{{{ 7 }}}", "{"]
    page = render_map(
        MapLayers(grids=cells(n=5, code=list("12345"), name=hostile)),
        meta=replace(META, name_zh='{{ 6 * 7 }}"', name_en="{% if x %} 🚓"),
    )
    assert "{{ 6 * 7 }}&quot;" in page
    assert "{% if x %} 🚓" in page
    shown = re.search(r'"rows":(\[\[.*?\]\])', page)
    assert [row[0] for row in json.loads(shown[1])] == hostile


def test_a_page_says_who_may_see_it_and_of_when_it_is(hotspots):
    page = render_map(MapLayers(hotspots=hotspots), meta=META, lang="en")
    assert "Internal: not for publication" in page
    assert "2026-05-01 – 2026-11-21" in page
    assert "EPSG:4549" in page
    assert "&lt;b&gt;7&lt;/b&gt;" in page
    assert "SIMULATED" not in page
    assert '<html lang="en">' in page


def test_a_simulated_map_says_so_in_both_languages_whatever_its_own(hotspots):
    for lang in ("zh", "en", "both"):
        page = render_map(
            MapLayers(hotspots=hotspots), meta=replace(META, simulated=True), lang=lang
        )
        assert page.count("模拟数据 / SIMULATED") == 2


def test_one_language_keeps_to_itself(hotspots, plan):
    layers = MapLayers(hotspots=hotspots, plan=plan)
    zh = render_map(layers, meta=replace(META, plan_date=date(2026, 11, 23)), lang="zh")
    assert "巡逻时长" in zh
    assert "理由一" in zh
    assert "Patrol hours" not in zh
    assert "first reason" not in zh
    assert "理由一" not in render_map(layers, meta=META, lang="en")


def test_the_same_map_is_the_same_file(hotspots, plan):
    layers = MapLayers(hotspots=hotspots, plan=plan)
    assert render_map(layers, meta=META) == render_map(layers, meta=META)


def test_rendering_leaves_the_layers_as_they_were(hotspots):
    before = hotspots.copy(deep=True)
    render_map(MapLayers(hotspots=hotspots), meta=META)
    assert hotspots.crs == before.crs
    assert hotspots.equals(before)


def test_a_map_is_written_whole_into_new_directories(tmp_path, hotspots):
    path = write_map(tmp_path / "out" / "map.html", MapLayers(hotspots=hotspots), meta=META)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [entry.name for entry in path.parent.iterdir()] == ["map.html"]


def test_the_frame_of_a_map_is_small(hotspots):
    assert len(render_map(MapLayers(hotspots=hotspots), meta=META).encode()) < 250_000


@pytest.fixture
def counts(hotspots):
    """Return counts as they may be published."""
    return hotspots.iloc[:4][["geometry"]].assign(observed=[40.0, 20.0, 5.0, np.nan])


def test_a_public_map_needs_an_approval_number(counts):
    for number in (None, "", "  "):
        with pytest.raises(InputError, match="审图号"):
            render_map(MapLayers(counts=counts), meta=replace(PUBLIC, approval_no=number))
    page = render_map(MapLayers(counts=counts), meta=PUBLIC)
    assert "审图号 / Map approval no.：GS(2026)1234号" in page
    assert "Internal" not in page


def test_a_public_map_refuses_all_but_counts_and_the_ground(hotspots, plan, counts):
    cameras = gpd.GeoDataFrame(geometry=[Point(120, 31)], crs=4326)
    with pytest.raises(InputError, match="must not show hotspots and cameras and plan"):
        render_map(MapLayers(hotspots=hotspots, cameras=cameras, plan=plan), meta=PUBLIC)
    points = gpd.GeoDataFrame({"observed": [9.0]}, geometry=[Point(120, 31)], crs=4326)
    with pytest.raises(GeometryError, match="'counts' must hold Polygon"):
        render_map(MapLayers(counts=points), meta=PUBLIC)
    ground = {"buildings", "roads", "boundary", "grids", "water"}
    allowed = {entry.name for entry in fields(MapLayers)} - set(NEVER_PUBLIC)
    assert allowed - ground == {"counts"}


def test_a_public_map_does_not_draw_what_is_withheld(counts):
    payload = payload_of("counts", counts, public=True)
    assert payload["fields"] == ["Reports"]
    assert [row[0] for row in payload["rows"]] == ["40", "20", "5"]
    page = render_map(MapLayers(counts=counts), meta=PUBLIC, lang="en")
    assert "Not coloured: fewer than 5 or none, withheld" in page


def test_cameras_see_a_sector_around_their_azimuth_of_true_length():
    frame = gpd.GeoDataFrame(
        {"azimuth": [90.0, np.nan], "fov": [60.0, 360.0], "range_m": [100.0, 50.0]},
        geometry=[Point(120, 31), Point(120.01, 31)],
        crs=4326,
    )
    east, around = camera_views(frame)
    areas = [abs(Geod(ellps="WGS84").geometry_area_perimeter(view)[0]) for view in (east, around)]
    assert areas[0] == pytest.approx(np.pi * 100**2 / 6, rel=0.01)
    assert areas[1] == pytest.approx(np.pi * 50**2, rel=0.01)
    assert east.centroid.x > 120
    assert shapely.contains_xy(around, 120.01, 31)


def test_a_camera_of_unknown_view_is_a_point_and_says_so():
    frame = gpd.GeoDataFrame(
        {"azimuth": [10.0, None], "fov": [60.0, 60.0], "range_m": [100.0, 90.0]},
        geometry=[Point(120, 31), Point(120.01, 31)],
        crs=4326,
    )
    payload = payload_of("cameras", frame)
    assert len(payload["views"]) == 1
    assert [row[-1] for row in payload["rows"]] == ["", "unknown, position only"]
    bare = gpd.GeoDataFrame(geometry=[Point(120, 31)], crs=4326)
    assert payload_of("cameras", bare)["views"] == []


@pytest.fixture
def findings():
    square = box(500_000, 3_460_000, 500_100, 3_460_100)
    gap = GeometryCollection(
        [box(500_200, 3_460_000, 500_201, 3_460_001), Point(500_150, 3_460_000)]
    )
    rows = [
        ("warning", "households_few", "1", "少", "few", square),
        ("error", "parent_level", "1", "层级", "level", square),
        ("error", "gap", "P", "空隙", "gap", gap),
        (
            "warning",
            "code_duplicate",
            "9",
            "重码",
            "twice",
            MultiPoint([(5e5, 3.46e6), (501e3, 3.46e6)]),
        ),
    ]
    columns = ("severity", "rule", "code", "message_zh", "message_en", "geometry")
    return gpd.GeoDataFrame(
        {name: list(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)},
        crs=4549,
    )


def test_findings_of_one_place_share_a_sign_that_tells_the_gravest_first(findings):
    payload = payload_of("findings", findings, lang="both")
    assert payload["count"] == 4
    assert payload["fields"] == ["编码 / Code", "问题", "Finding"]
    signs = [k for k, sign in enumerate(payload["signs"]) if sign]
    told = {payload["rows"][k][2]: payload["signs"][k] for k in signs}
    assert told == {
        "× error: level\n! warning: few": "×",
        "× error: gap": "×",
        "! warning: twice": "!",
    }
    # Two signs for the code that is in two places, and the same in the other language.
    assert len(signs) == 4
    assert "× 错误：层级\n! 提醒：少" in [payload["rows"][k][1] for k in signs]


def test_findings_show_their_extent_below_signs_that_need_no_colour(findings):
    payload = payload_of("findings", findings)
    styles = [payload["styles"][k] for k in payload["cls"]]
    extents = [k for k, sign in enumerate(payload["signs"]) if not sign]
    assert extents == [0, 1]
    assert {payload["geo"][k]["type"] for k in extents} == {"Polygon"}
    assert all(style["symbol"] == "circle" for style in styles[2:])
    # Errors are drawn last.
    assert payload["signs"][2:] == ["!", "!", "×", "×"]
    labels = [style["label"] for style in payload["styles"]]
    assert labels == ["× error", "! warning", "extent of an error", "extent of a warning"]
    dashes = [style.get("dash") for style in payload["styles"]]
    assert dashes[2] != dashes[3]
    assert payload["room"] == [360.0] * 6


@pytest.mark.parametrize("kept", [[0], [2], [3], [0, 1]])
def test_findings_of_points_or_areas_alone_are_drawn(findings, kept):
    payload = payload_of("findings", findings.iloc[kept])
    assert payload["count"] == len(kept)
    assert len(payload["geo"]) == len(payload["rows"]) == len(payload["cls"])
    assert len(payload["signs"]) == len(payload["at"]) == len(payload["radii"])


def test_a_map_of_findings_speaks_of_grids_and_not_of_hotspots(findings):
    grids = cells(n=2, code=["1", "2"], name=["一", "二"])
    day = datetime(2026, 11, 22, tzinfo=UTC)
    meta = replace(META, topic="grids", data_from=day, data_until=day + timedelta(days=1))
    page = render_map(MapLayers(grids=grids, findings=findings), meta=meta, lang="en")
    assert "District A · Check of the grids" in page
    assert "Grids valid on: 2026-11-22<" in page
    assert "Hotspots" not in page
    with pytest.raises(InputError, match="must not show findings"):
        render_map(MapLayers(findings=findings), meta=replace(PUBLIC, topic="grids"))
    with pytest.raises(InputError, match="topic must be"):
        replace(META, topic="weather")


def test_layers_that_cannot_be_drawn_are_refused_with_the_reason(hotspots):
    with pytest.raises(InputError, match="nothing to show"):
        render_map(MapLayers(hotspots=hotspots.iloc[:0]), meta=META)
    with pytest.raises(InputError, match="'hotspots' lacks the column 'score'"):
        render_map(MapLayers(hotspots=hotspots.drop(columns="score")), meta=META)
    with pytest.raises(CrsError, match="no coordinate reference system"):
        render_map(MapLayers(hotspots=hotspots.set_crs(None, allow_override=True)), meta=META)
    with pytest.raises(CrsError, match="no degrees"):
        render_map(MapLayers(hotspots=hotspots.set_crs(4326, allow_override=True)), meta=META)
    lines = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (1, 1)])], crs=4326)
    with pytest.raises(GeometryError, match="holds LineString"):
        render_map(MapLayers(boundary=lines), meta=META)
    with pytest.raises(InputError, match="audience must be"):
        replace(META, audience="everyone")
    with pytest.raises(InputError, match="made_at has no time zone"):
        replace(META, made_at=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/leaflet.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/a.css">',
        '<img src="http://tiles.example/1.png">',
        '<img srcset="a.png 2x">',
        "<style>@import 'a.css';</style>",
        "<style>p { background: url('https://cdn.example/a.png') }</style>",
        '<p style="background: url(a.png)">',
        '<meta http-equiv="Refresh" content="0; url=https://example.org">',
        '<form action="https://example.org">',
        '<a href="https://example.org">',
        '<svg><use xlink:href="https://example.org/a.svg#b"/></svg>',
    ],
)
def test_anything_from_outside_is_a_hard_error(html):
    with pytest.raises(InputError, match="asks for 1 things outside itself"):
        assets.refuse_external(f"<html><head></head><body>{html}</body></html>")


def test_a_plain_folium_map_would_be_refused():
    page = folium.Map([31, 120]).get_root().render()
    with pytest.raises(InputError, match="outside itself"):
        assets.refuse_external(page)


def test_the_page_forbids_the_browser_to_load_anything(hotspots):
    page = render_map(MapLayers(hotspots=hotspots), meta=META)
    policy = page.index("Content-Security-Policy")
    assert policy < page.index("<script>")
    assert policy < page.index("<style>")
    assert "default-src 'none'" in page
    assert "sourceMappingURL" not in page
    # The licence asks that its notice stays.
    assert "Vladimir Agafonkin" in page


def test_missing_browser_libraries_name_the_command_that_fetches_them(
    monkeypatch, tmp_path, hotspots
):
    real = assets.files
    monkeypatch.setattr(assets, "files", lambda room: tmp_path if room == "web" else real(room))
    with pytest.raises(MissingDependencyError, match="run 'make ui'"):
        render_map(MapLayers(hotspots=hotspots), meta=META)


def test_only_files_of_our_own_are_put_in():
    with pytest.raises(InputError, match="not one of its own files"):
        assets.inline_assets('<script src="https://cdn.example/x.js"></script>', html_lang="en")


def test_the_browser_libraries_are_exactly_those_of_the_lock():
    ui = Path(assets.__file__).parents[1] / "ui"
    wanted = json.loads((ui / "package.json").read_text("utf-8"))["dependencies"]
    packages = json.loads((ui / "package-lock.json").read_text("utf-8"))["packages"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert packages[f"node_modules/{name}"]["version"] == version
    assert not any("resolved" in package for package in packages.values())
    built = ui.parent / "assets"
    manifest = json.loads((built / "vendor" / "manifest.json").read_text("utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest
