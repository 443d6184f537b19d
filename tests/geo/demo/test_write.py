"""The files that a district hands over: readable with their mappings, dirt as counted."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.crs.systems import to_wgs84
from geo.demo.categories import CLASSES
from geo.demo.district import District
from geo.demo.toml import write_toml
from geo.demo.write import write_boundary_files, write_district
from geo.formats.open import open_table
from geo.imports.mapping import PERSONAL_NAMES, Mapping, check_columns, read_mapping

Written = tuple[Path, dict[str, Any]]
ROOT = Path(__file__).resolve().parents[3]


def names_and_rows(path: Path, mapping: Mapping) -> tuple[tuple[str, ...], int]:
    """Return column names and number of rows, workbooks aside as the importer reads them."""
    if path.suffix == ".xlsx":
        sheet = pd.read_excel(path)
        return tuple(sheet.columns), len(sheet)
    table = open_table(path, kind=mapping.kind, encoding=mapping.encoding, layer=mapping.layer)
    rows = sum(batch.columns.num_rows for batch in table.batches)
    return table.column_names, rows


def test_every_file_has_a_mapping_that_fits_it(handed_over: Written) -> None:
    folder, manifest = handed_over
    assert {entry["kind"] for entry in manifest["files"]} == {
        "boundaries", "grids", "buildings", "roads", "water", "households", "stations", "cameras",
        "units", "airspace", "drones", "incidents",
    }  # fmt: skip
    for entry in manifest["files"]:
        mapping = read_mapping(folder / entry["mapping"])
        assert mapping.kind == entry["kind"]
        names, rows = names_and_rows(folder / entry["file"], mapping)
        check_columns(mapping, names, file=entry["file"])
        assert rows == entry["rows"]
        digest = hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest()
        assert digest == entry["sha256"]


def test_formats_differ_as_they_do_in_real_offices(handed_over: Written) -> None:
    folder, manifest = handed_over
    suffixes = {"".join(Path(entry["file"]).suffixes) for entry in manifest["files"]}
    assert {".geojson", ".gpkg", ".shp.zip", ".csv", ".csv.gz", ".parquet", ".xlsx"} <= suffixes
    systems = {read_mapping(folder / entry["mapping"]).crs for entry in manifest["files"]}
    assert {"wgs84", "gcj02", "bd09", "cgcs2000", "EPSG:4549"} <= systems


def test_manifest_says_simulated_and_names_files_that_are_there(handed_over: Written) -> None:
    folder, manifest = handed_over
    assert manifest["simulated"] is True
    assert "模拟" in manifest["title"]
    assert manifest == json.loads((folder / "manifest.json").read_text("utf-8"))
    for name in manifest["beside"]:
        assert (folder / name).stat().st_size > 0


def test_writing_again_gives_the_same_text_files(
    district: District, handed_over: Written, tmp_path: Path
) -> None:
    folder, manifest = handed_over
    write_district(district, tmp_path)
    names = [entry["file"] for entry in manifest["files"]] + manifest["beside"]
    stable = [name for name in names if not name.endswith((".xlsx", ".gpkg", ".zip"))]
    for name in [*stable, *(entry["mapping"] for entry in manifest["files"])]:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_cameras_come_in_gb18030_and_gcj02_and_go_back_to_where_they_are(
    district: District, handed_over: Written
) -> None:
    path = handed_over[0] / "cameras.csv"
    with pytest.raises(UnicodeDecodeError):
        path.read_text("utf-8")
    table = pd.read_csv(path, encoding="gb18030", dtype={"国标编码": str})
    lon, lat = to_wgs84(table["经度"].to_numpy(), table["纬度"].to_numpy(), crs="gcj02")
    assert np.abs(lon - district.cameras.geometry.x).max() < 2e-7
    assert np.abs(lat - district.cameras.geometry.y).max() < 2e-7
    shift = np.hypot(table["经度"] - lon, table["纬度"] - lat)
    assert shift.min() > 1e-3
    assert table["国标编码"].tolist() == district.cameras["gb28181_id"].tolist()


def test_buildings_and_households_go_back_to_where_they_are(
    district: District, handed_over: Written
) -> None:
    folder = handed_over[0]
    buildings = gpd.read_file(folder / "buildings.shp.zip")
    assert buildings.crs.to_epsg() == 4549
    back = buildings.to_crs(4326).geometry.to_numpy()
    assert shapely.hausdorff_distance(back, district.buildings.geometry.to_numpy()).max() < 1e-7
    table = pd.read_csv(folder / "households.csv")
    lon, lat = to_wgs84(table["lon"].to_numpy(), table["lat"].to_numpy(), crs="bd09")
    assert np.abs(lon - district.households.geometry.x).max() < 2e-7
    assert np.abs(lat - district.households.geometry.y).max() < 2e-7


def read_hotline(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "incidents_hotline.csv.gz", dtype={"小类代码": str})


def test_the_hotline_file_holds_as_much_dirt_as_the_truth_says(
    district: District, handed_over: Written
) -> None:
    table = read_hotline(handed_over[0])
    clean = district.incidents[district.incidents["source"] == "hotline-12345"]
    truth = district.truth.summary()["dirt"]["hotline-12345"]
    codes = {item.code for item in CLASSES}
    exact = table.duplicated()
    again = table["工单编号"].duplicated() & ~exact
    assert table["经度"].isna().sum() == truth["null_position"]
    assert (table["纬度"] > 90).sum() == truth["swapped_x_y"]
    assert (~table["小类代码"].isin(codes)).sum() == truth["unknown_category"]
    assert ((table["经度"] == 122.5) & (table["纬度"] == 33.5)).sum() == truth["fallback_point"]
    assert exact.sum() == truth["exact_duplicate"]
    assert again.sum() == truth["same_ref_other_content"] == 1
    midnight = table["发生时间"].str.endswith("00:00")
    by_chance = clean["occurred_at"].dt.strftime("%H:%M").eq("00:00")
    repeated = midnight[exact | again].sum()
    lost = truth["unknown_hour"]
    assert lost <= midnight.sum() - repeated <= lost + by_chance.sum()
    assert len(table) == len(clean) + truth["exact_duplicate"] + 1


def test_clean_rows_of_the_hotline_file_are_the_districts_incidents(
    district: District, handed_over: Written
) -> None:
    table = read_hotline(handed_over[0]).drop_duplicates("工单编号")
    spoilt = set(district.truth.dirt["source_ref"])
    rows = table[~table["工单编号"].isin(spoilt)].reset_index(drop=True)
    clean = district.incidents[
        (district.incidents["source"] == "hotline-12345")
        & ~district.incidents["source_ref"].isin(spoilt)
    ].reset_index(drop=True)
    assert rows["工单编号"].tolist() == clean["source_ref"].tolist()
    assert rows["小类代码"].tolist() == clean["category"].tolist()
    assert np.array_equal(rows["经度"], clean["lon"])
    assert np.array_equal(rows["纬度"], clean["lat"])
    stamp = pd.to_datetime(rows["发生时间"]).dt.tz_localize("Asia/Shanghai")
    assert (stamp == clean["occurred_at"].dt.floor("min")).all()


def test_other_feeds_hold_every_report_of_their_finders(
    district: District, handed_over: Written
) -> None:
    folder = handed_over[0]
    count = district.incidents["found_by"].value_counts()
    video = pd.read_csv(folder / "incidents_video.csv", dtype={"category": str})
    repeats = district.truth.summary()["dirt"]["video-patrol"]["exact_duplicate"]
    assert video.duplicated().sum() == repeats
    once = video.drop_duplicates()["channel"].value_counts()
    assert once.to_dict() == {"视频巡查": count["camera"], "无人机": count["drone"]}
    assert len(pd.read_parquet(folder / "incidents_patrol.parquet")) == count["patrol"]
    assert len(gpd.read_file(folder / "incidents_sensors.geojson")) == count["sensor"]
    moved = pd.read_excel(folder / "incidents_departments.xlsx", dtype={"小类代码": str})
    lon, lat = to_wgs84(moved["横坐标"].to_numpy(), moved["纵坐标"].to_numpy(), crs="EPSG:4549")
    mine = district.incidents[district.incidents["found_by"] == "other"]
    assert np.abs(lon - mine["lon"].to_numpy()).max() < 1e-6
    assert np.abs(lat - mine["lat"].to_numpy()).max() < 1e-6


def test_no_file_has_a_column_for_a_persons_identity(handed_over: Written) -> None:
    folder, manifest = handed_over
    for entry in manifest["files"]:
        mapping = read_mapping(folder / entry["mapping"])
        names, _ = names_and_rows(folder / entry["file"], mapping)
        for name in names:
            assert not any(mark in name.lower() for mark in PERSONAL_NAMES), (entry["file"], name)


def test_the_truth_can_be_read_back(district: District, handed_over: Written) -> None:
    folder = handed_over[0]
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    assert [item["hotspot_id"] for item in truth["hotspots"]] == (
        district.truth.hotspots["hotspot_id"].tolist()
    )
    assert {item["category"] for item in truth["near_repeat"]} == {"0103", "0201", "2101"}
    cells = pd.read_parquet(folder / "truth.parquet")
    total = cells.filter(like="happen_").to_numpy().sum()
    assert total == pytest.approx(district.truth.intensity.expected().sum())
    days = pd.read_parquet(folder / "truth_days.parquet")
    assert len(days) == district.size.days
    assert days.to_numpy().sum() == pytest.approx(total)


def test_toml_reads_back_as_it_was_written() -> None:
    content = {
        "kind": "units",
        "flag": True,
        "rows": 3,
        "attributes": ["甲", 'a "b"'],
        "columns": {"name": "名称"},
        "values": {"kind": {"步巡": "foot"}},
        "categories": {"0102": {"name": "暴露垃圾"}},
    }
    assert tomllib.loads(write_toml(content)) == content


@pytest.mark.parametrize("name", ["district", "streets", "communities", "grids"])
def test_committed_boundary_files_are_what_the_seed_makes(
    name: str, district: District, tmp_path: Path
) -> None:
    write_boundary_files(district, tmp_path)
    kept = ROOT / "data" / "boundaries" / f"{name}.geojson"
    assert kept.stat().st_size < 300_000
    made, committed = gpd.read_file(tmp_path / kept.name), gpd.read_file(kept)
    assert made.drop(columns="geometry").equals(committed.drop(columns="geometry"))
    # Another processor may round the last digit another way.
    apart = shapely.hausdorff_distance(made.geometry.to_numpy(), committed.geometry.to_numpy())
    assert apart.max() < 2e-7
    assert committed["simulated"].all()
