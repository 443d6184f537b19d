"""Map files, workbooks, Parquet and OSM extracts open the same way, and fail with a reason."""

from __future__ import annotations

import datetime
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geo.crs.systems import parse_crs
from geo.errors import FormatError
from geo.formats.open import open_table
from geo.formats.table import GEOMETRY, RawTable
from geo.imports.values import as_text

POINTS = gpd.GeoDataFrame(
    {"name": ["甲", "乙"]}, geometry=[shapely.Point(1, 2), shapely.Point(3, 4)], crs=32650
)
WHEN = datetime.datetime(2024, 1, 2, 3, 4)  # noqa: DTZ001 - as workbooks and files have it
FEATURES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "a", "n": 1},
            "geometry": {"type": "Point", "coordinates": [1, 2]},
        },
        {"type": "Feature", "properties": {"name": None, "n": 2}, "geometry": None},
    ],
}


def texts(table: RawTable, column: str) -> list[str | None]:
    return [v for b in table.batches for v in as_text(b.columns.column(column))[0].to_pylist()]


def shapes(table: RawTable) -> list[str | None]:
    wkb = [v for b in table.batches for v in b.columns.column(GEOMETRY).to_pylist()]
    return [None if v is None else shapely.from_wkb(v).wkt for v in wkb]


def workbook(path: Path, rows: list[list[object]], **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    for name, others in sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    book.save(path)
    return path


def zipped_shapefile(folder: Path, *names: str, inside: str = "") -> Path:
    path = folder / "shapes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            POINTS.to_file(folder / f"{name}.shp", encoding="utf-8")
            for part in folder.glob(f"{name}.*"):
                archive.write(part, f"{inside}{part.name}")
    return path


class TestVector:
    @pytest.mark.parametrize("packed", [False, True])
    def test_geojson_is_wgs84_and_keeps_features_without_geometry(
        self, tmp_path: Path, packed: bool
    ) -> None:
        path = tmp_path / ("a.geojson.gz" if packed else "a.geojson")
        text = json.dumps(FEATURES).encode()
        path.write_bytes(gzip.compress(text) if packed else text)
        table = open_table(path, kind="stations")
        assert table.crs == "EPSG:4326"
        assert texts(table, "n") == ["1", "2"]
        assert shapes(open_table(path, kind="stations")) == ["POINT (1 2)", None]

    def test_empty_collection_has_no_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "a.geojson"
        path.write_text('{"type": "FeatureCollection", "features": []}')
        assert sum(b.columns.num_rows for b in open_table(path, kind="stations").batches) == 0

    def test_layer_must_be_named_where_there_are_two(self, tmp_path: Path) -> None:
        path = tmp_path / "a.gpkg"
        POINTS.to_file(path, layer="one")
        POINTS.to_file(path, layer="two")
        with pytest.raises(FormatError, match=r"2 layers \(one, two\): name one as `layer`"):
            open_table(path, kind="stations")
        with pytest.raises(FormatError, match="no layer 'three'; it has one, two"):
            open_table(path, kind="stations", layer="three")
        table = open_table(path, kind="stations", layer="two")
        assert (table.crs, texts(table, "name")) == ("EPSG:32650", ["甲", "乙"])

    @pytest.mark.parametrize("inside", ["", "some/folder/"])
    def test_zipped_shapefile_is_found_wherever_it_lies_in_the_archive(
        self, tmp_path: Path, inside: str
    ) -> None:
        path = zipped_shapefile(tmp_path, "only", inside=inside)
        table = open_table(path, kind="stations")
        assert parse_crs(str(table.crs)).srid == 32650
        assert shapes(table) == ["POINT (1 2)", "POINT (3 4)"]

    def test_archive_of_several_shapefiles_wants_a_layer(self, tmp_path: Path) -> None:
        path = zipped_shapefile(tmp_path, "one", "two")
        with pytest.raises(FormatError, match="holds 2 map files"):
            open_table(path, kind="stations")
        assert texts(open_table(path, kind="stations", layer="two"), "name") == ["甲", "乙"]

    def test_archive_without_a_map_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
        with pytest.raises(FormatError, match="the archive holds none"):
            open_table(path, kind="stations")

    def test_shapefile_without_its_parts_is_refused(self, tmp_path: Path) -> None:
        POINTS.to_file(tmp_path / "a.shp")
        (tmp_path / "a.shx").unlink()
        with pytest.raises(FormatError, match=r"a\.shp: cannot be read as a map file"):
            open_table(tmp_path / "a.shp", kind="stations")

    def test_cut_geojson_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.geojson").write_text(json.dumps(FEATURES)[:-60])
        with pytest.raises(FormatError, match="cannot be read as a map file"):
            open_table(tmp_path / "a.geojson", kind="stations")


class TestParquet:
    def test_geoparquet_names_its_system(self, tmp_path: Path) -> None:
        POINTS.to_parquet(tmp_path / "a.parquet")
        table = open_table(tmp_path / "a.parquet", kind="stations")
        assert (table.crs, table.has_geometry) == ("EPSG:32650", True)
        assert shapes(table) == ["POINT (1 2)", "POINT (3 4)"]

    def test_geometry_column_of_any_name_is_recognised(self, tmp_path: Path) -> None:
        POINTS.to_crs(4326).rename_geometry("where").to_parquet(tmp_path / "a.parquet")
        table = open_table(tmp_path / "a.parquet", kind="stations")
        assert (table.crs, table.column_names) == ("EPSG:4326", ("name", GEOMETRY))

    def test_plain_parquet_keeps_types_and_nulls(self, tmp_path: Path) -> None:
        columns = {"n": [14.0, None], "at": [WHEN, None], "tags": [["a"], None], "code": [7, 8]}
        pq.write_table(pa.table(columns), tmp_path / "a.parquet")
        found = {
            name: texts(open_table(tmp_path / "a.parquet", kind="incidents"), name)
            for name in columns
        }
        assert found["n"] == ["14", None]
        assert found["tags"] == ['["a"]', None]
        assert found["code"] == ["7", "8"]

    def test_cut_or_damaged_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"a": list(range(300_000))}), path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FormatError, match="not a readable Parquet file"):
            open_table(path, kind="incidents")
        path.write_bytes(whole[:3000] + bytes(1000) + whole[4000:])
        with pytest.raises(FormatError, match="unreadable after row"):
            list(open_table(path, kind="incidents").batches)


class TestWorkbook:
    def test_values_become_texts_and_blank_rows_are_passed_over(self, tmp_path: Path) -> None:
        rows = [
            ["id", "when"],
            [1, WHEN],
            [],
            [2.5, datetime.time(9, 30)],
            [True, "007"],
        ]
        table = open_table(workbook(tmp_path / "a.xlsx", rows), kind="incidents")  # type: ignore[arg-type]
        batch = next(table.batches)
        assert batch.row_no.to_pylist() == [1, 3, 4]
        assert batch.columns.to_pydict() == {
            "id": ["1", "2.5", "true"],
            "when": ["2024-01-02 03:04:00", "09:30:00", "007"],
        }

    def test_sheet_is_chosen_by_name(self, tmp_path: Path) -> None:
        path = workbook(tmp_path / "a.xlsx", [["a"]], other=[["b"], ["x"]])
        assert texts(open_table(path, kind="incidents", layer="other"), "b") == ["x"]
        with pytest.raises(FormatError, match="no sheet 'third'; it has Sheet, other"):
            open_table(path, kind="incidents", layer="third")

    @pytest.mark.parametrize("header", [[], ["a", None, "b"], ["a", "a"]])
    def test_header_with_holes_or_repeats_is_refused(
        self, tmp_path: Path, header: list[object]
    ) -> None:
        with pytest.raises(FormatError, match="the first row must name each column once"):
            open_table(workbook(tmp_path / "a.xlsx", [header]), kind="incidents")

    def test_cut_and_damaged_workbooks_are_refused(self, tmp_path: Path) -> None:
        path = workbook(tmp_path / "a.xlsx", [["a"], ["x"], ["y"]])
        whole = path.read_bytes()
        cut, damaged = tmp_path / "cut.xlsx", tmp_path / "damaged.xlsx"
        cut.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FormatError, match=r"cut\.xlsx: not a readable workbook"):
            open_table(cut, kind="incidents")
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(damaged, "w") as target:
            for name in source.namelist():
                content = source.read(name)
                target.writestr(name, content[:-40] if name.endswith("sheet1.xml") else content)
        with pytest.raises(FormatError, match="unreadable after row"):
            list(open_table(damaged, kind="incidents").batches)


OSM = """<?xml version='1.0'?><osm version="0.6">
<node id="1" lon="1" lat="1"/><node id="2" lon="2" lat="1"/><node id="3" lon="3" lat="1"/>
<node id="4" lon="3" lat="2"/><node id="5" lon="2" lat="2"/>
<way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="name" v="长安街"/>
  <tag k="oneway" v="yes"/></way>
<way id="11"><nd ref="1"/><nd ref="9"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="8"/>
  <tag k="highway" v="footway"/></way>
<way id="12"><nd ref="8"/><nd ref="9"/><tag k="highway" v="path"/></way>
<way id="13"><nd ref="1"/><nd ref="3"/><tag k="highway" v="proposed"/></way>
<way id="14"><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="5"/><nd ref="2"/>
  <tag k="building" v="school"/><tag k="building:levels" v="3"/></way>
</osm>"""


class TestOsm:
    def test_roads_keep_the_stretch_that_the_extract_knows(self, tmp_path: Path) -> None:
        path = tmp_path / "a.osm"
        path.write_text(OSM)
        assert texts(open_table(path, kind="roads"), "osm_id") == ["way/10", "way/11"]
        assert texts(open_table(path, kind="roads"), "name") == ["长安街", None]
        assert shapes(open_table(path, kind="roads")) == [
            "LINESTRING (1 1, 2 1)",
            "LINESTRING (2 1, 3 1, 3 2)",
        ]

    def test_buildings_are_areas_with_their_levels(self, tmp_path: Path) -> None:
        path = tmp_path / "a.osm.gz"
        path.write_bytes(gzip.compress(OSM.encode()))
        table = open_table(path, kind="buildings")
        rows = next(table.batches).columns.to_pylist()
        assert [(row["osm_id"], row["kind"], row["levels"]) for row in rows] == [
            ("way/14", "school", "3")
        ]
        assert shapely.from_wkb(rows[0][GEOMETRY]).equals(shapely.box(2, 1, 3, 2))

    def test_other_kinds_are_not_in_such_files(self, tmp_path: Path) -> None:
        (tmp_path / "a.osm").write_text(OSM)
        with pytest.raises(FormatError, match="give roads and buildings only"):
            open_table(tmp_path / "a.osm", kind="cameras")

    @pytest.mark.parametrize(
        ("name", "change"),
        [("a.osm", lambda raw: raw[:600]), ("a.osm.pbf", lambda _raw: b"junk" * 100)],
    )
    def test_cut_extract_is_refused(
        self, tmp_path: Path, name: str, change: Callable[[bytes], bytes]
    ) -> None:
        (tmp_path / name).write_bytes(change(OSM.encode()))
        with pytest.raises(FormatError, match="not a readable OpenStreetMap extract"):
            list(open_table(tmp_path / name, kind="roads").batches)

    @pytest.mark.data
    @pytest.mark.parametrize(
        ("name", "roads", "buildings"),
        [
            ("osm/helsinki_centre.osm.pbf", 2519, 446),
            ("osm/monaco.osm.gz", 866, 966),
        ],
    )
    def test_real_extracts_give_their_roads_and_buildings(
        self, shared_data: Path, name: str, roads: int, buildings: int
    ) -> None:
        for kind, number in (("roads", roads), ("buildings", buildings)):
            table = open_table(shared_data / name, kind=kind)
            assert sum(batch.columns.num_rows for batch in table.batches) == number

    @pytest.mark.data
    def test_unsorted_extract_gives_roads_and_says_what_buildings_need(
        self, shared_data: Path
    ) -> None:
        path = shared_data / "chicago/logan_square.osm"
        assert next(open_table(path, kind="roads").batches).columns.num_rows == 258
        with pytest.raises(FormatError, match=r"out of order.*sort it first"):
            list(open_table(path, kind="buildings").batches)

    @pytest.mark.data
    def test_cut_pbf_is_refused(self, shared_data: Path, tmp_path: Path) -> None:
        whole = (shared_data / "osm/helsinki_centre.osm.pbf").read_bytes()
        (tmp_path / "cut.osm.pbf").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FormatError, match="unexpected EOF"):
            list(open_table(tmp_path / "cut.osm.pbf", kind="roads").batches)
