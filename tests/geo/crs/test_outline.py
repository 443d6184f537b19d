from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from geo.crs.outline import diagnose_outline
from geo.crs.systems import convert_geometries
from geo.errors import CrsError, GeometryError

DISTRICT = shapely.Polygon([
    (116.32, 39.87), (116.36, 39.866), (116.39, 39.89), (116.393, 39.93),
    (116.375, 39.97), (116.34, 39.968), (116.315, 39.92),
])  # fmt: skip


@pytest.mark.parametrize("true", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("declared", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_a_layer_tells_its_system(true, declared):
    drawn = DISTRICT.segmentize(0.002).simplify(0.0005)
    layer = convert_geometries([drawn], crs="wgs84", to=true)[0]
    found = diagnose_outline(layer, boundary=DISTRICT, crs=declared, place="西城区")
    assert found.fits[0].crs.name == true
    assert found.fits[0].iou > 0.98
    if true == declared or (true == "wgs84" and declared == "cgcs2000"):
        assert found.better is None
        assert found.message() == "the outline shows no shift"
    else:
        assert found.better == found.fits[0]
        assert f'set crs = "{true}" in the mapping' in found.message()
        assert f'crs = "{true}"' in found.message("zh")


def test_the_message_gives_the_gaps():
    layer = convert_geometries([DISTRICT], crs="wgs84", to="gcj02")[0]
    message = diagnose_outline(layer, boundary=DISTRICT, place="西城区").message()
    assert message.startswith(
        "the outline fits 西城区 better read as GCJ-02 (mean gap 0 m, as WGS-84 "
    )


def test_a_part_of_the_district_cannot_tell():
    part = convert_geometries([DISTRICT.centroid.buffer(0.01)], crs="wgs84", to="gcj02")[0]
    assert diagnose_outline(part, boundary=DISTRICT).better is None


def test_outside_china_there_is_nothing_to_tell():
    box = shapely.box(-87.94, 41.64, -87.52, 42.02)
    found = diagnose_outline(box, boundary=box)
    assert (found.fits, found.better) == ((), None)


def test_a_projected_layer_is_refused():
    with pytest.raises(CrsError, match="EPSG:4548 is not one of"):
        diagnose_outline(DISTRICT, boundary=DISTRICT, crs=4548)


def test_a_line_is_refused():
    with pytest.raises(GeometryError, match="polygon"):
        diagnose_outline(DISTRICT.exterior, boundary=DISTRICT)


@pytest.mark.data
@pytest.mark.parametrize("code_order", range(16))
def test_amap_outlines_of_beijing_are_recognised_against_tianditu(shared_data: Path, code_order):
    def read(name: str) -> shapely.Geometry:
        text = (shared_data / "china" / name).read_text(encoding="utf-8")
        return shapely.get_parts(shapely.from_geojson(text))[code_order]

    amap = read("beijing_districts_amap_gcj02.geojson")
    tianditu = read("beijing_districts_tianditu_wgs84.geojson")
    undeclared = diagnose_outline(amap, boundary=tianditu)
    assert undeclared.better is not None
    assert undeclared.better.crs.name == "gcj02"
    assert diagnose_outline(amap, boundary=tianditu, crs="gcj02").better is None
    assert diagnose_outline(tianditu, boundary=tianditu).better is None
