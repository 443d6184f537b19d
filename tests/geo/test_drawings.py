"""Drawn files come into the metric system, or the refusal says what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo.crs.systems import from_wgs84
from geo.drawings import read_drawing
from geo.errors import CrsError, FormatError
from geo.places import Place

PLACE = Place(
    1, "990101", "Testville", "cn", 4549, "Asia/Shanghai", shapely.box(120, 31, 120.1, 31.1)
)
LINE = shapely.LineString([(120.02, 31.02, 7.0), (120.05, 31.06, 7.0)])


def drawn(shapes: list, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.parquet"])
def test_lines_of_every_format_come_out_in_metres_without_heights(
    tmp_path: Path, name: str
) -> None:
    frame = drawn([LINE], kind=["river"]).to_crs(4490)
    write = frame.to_parquet if name.endswith("parquet") else frame.to_file
    write(tmp_path / name)
    read = read_drawing(tmp_path / name, PLACE)
    assert read.crs.to_epsg() == 4549
    assert read["kind"].tolist() == ["river"]
    expected = gpd.GeoSeries([LINE], crs=4326).to_crs(4549)[0]
    assert read.geometry[0].hausdorff_distance(shapely.force_2d(expected)) < 0.02
    assert not read.has_z.any()


def test_named_system_overrules_that_of_the_file(tmp_path: Path) -> None:
    x, y = shapely.get_coordinates(LINE).T
    shifted = shapely.linestrings(*from_wgs84(x, y, crs="gcj02"))
    drawn([shifted]).to_file(tmp_path / "gcj.geojson")
    read = read_drawing(tmp_path / "gcj.geojson", PLACE, crs="gcj02")
    expected = gpd.GeoSeries([LINE], crs=4326).to_crs(4549)[0]
    assert read.geometry[0].hausdorff_distance(shapely.force_2d(expected)) < 0.01


def test_layer_of_several_is_taken_by_name(tmp_path: Path) -> None:
    drawn([LINE]).to_file(tmp_path / "a.gpkg", layer="lines")
    drawn([shapely.box(120, 31, 120.05, 31.05)]).to_file(tmp_path / "a.gpkg", layer="areas")
    assert read_drawing(tmp_path / "a.gpkg", PLACE, layer="areas").geom_type[0] == "Polygon"
    with pytest.raises(FormatError, match="has 2 layers"):
        read_drawing(tmp_path / "a.gpkg", PLACE)


def test_swapped_axes_are_named(tmp_path: Path) -> None:
    drawn([shapely.LineString([(31.02, 120.02), (31.05, 120.06)])]).to_file(tmp_path / "a.geojson")
    with pytest.raises(CrsError, match="with x and y swapped: put x"):
        read_drawing(tmp_path / "a.geojson", PLACE)


def test_metres_read_as_degrees_name_the_system_to_give(tmp_path: Path) -> None:
    metres = drawn([LINE]).to_crs(4549).set_crs(4326, allow_override=True)
    metres.to_file(tmp_path / "a.geojson")
    with pytest.raises(CrsError, match="give --crs EPSG:4549"):
        read_drawing(tmp_path / "a.geojson", PLACE)


def test_shapes_of_another_place_are_refused(tmp_path: Path) -> None:
    drawn([shapely.LineString([(2, 48), (2.1, 48.1)])]).to_file(tmp_path / "a.geojson")
    with pytest.raises(CrsError, match="nothing of it lies in Testville"):
        read_drawing(tmp_path / "a.geojson", PLACE)


def test_file_that_names_no_system_is_refused_until_one_is_given(tmp_path: Path) -> None:
    drawn([LINE]).to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    with pytest.raises(CrsError, match="name it with --crs"):
        read_drawing(tmp_path / "a.shp", PLACE)
    assert len(read_drawing(tmp_path / "a.shp", PLACE, crs="cgcs2000")) == 1


def test_file_without_shapes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("code,name\n1,a\n", "utf-8")
    with pytest.raises(FormatError, match="holds no shapes"):
        read_drawing(tmp_path / "a.csv", PLACE)
    drawn([]).to_file(tmp_path / "a.gpkg")
    with pytest.raises(FormatError, match="holds no shapes"):
        read_drawing(tmp_path / "a.gpkg", PLACE)
    drawn([LINE, None]).to_file(tmp_path / "b.gpkg")
    with pytest.raises(FormatError, match="row 2 has no shape"):
        read_drawing(tmp_path / "b.gpkg", PLACE)
