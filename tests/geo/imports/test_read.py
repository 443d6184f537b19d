"""A file checked in memory: what is sound, what is held back and why, and nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import shapely

from geo.errors import InputError
from geo.imports.mapping import make_mapping
from geo.imports.read import check_file, mapping_beside
from geo.places import Place

NOW = datetime(2024, 6, 1, tzinfo=UTC)
MAPPING = """
kind = "incidents"
source = "hotline"
crs = "wgs84"
category_scheme = "t"
[columns]
source_ref = "id"
occurred_at = "at"
category = "class"
x = "lon"
y = "lat"
[constants]
found_by = "resident"
[categories]
"noise" = "noise"
"park" = "park"
"""
ROWS = """id,at,class,lon,lat
1,2024-03-01 09:30,noise,116.41,39.91
2,2024-03-02 10:00,park,116.42,39.92
2,2024-03-02 10:00,park,116.42,39.92
3,2025-01-01 00:30,noise,116.41,39.91
4,2024-03-03 10:00,noise,0,0
5,2024-03-03 10:00,smell,116.41,39.91
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(ROWS, "utf-8")
    path.with_suffix(".toml").write_text(MAPPING, "utf-8")
    return path


@pytest.fixture
def place():
    outline = shapely.box(116.4, 39.9, 116.5, 40.0)
    return Place(0, "t", "测试区", "local", 4548, "Asia/Shanghai", outline)


def test_each_row_is_sound_or_held_back_with_its_reason(file, place):
    checked = check_file(file, now=NOW, place=place)
    assert checked.rows["source_ref"].tolist() == ["1", "2"]
    assert checked.rows["category"].tolist() == ["noise", "park"]
    assert set(checked.rows["source"]) == {"hotline"}
    held = dict(zip(checked.held_back["source_ref"], checked.held_back["reason"], strict=True))
    assert set(held) == {"3", "4", "5"}
    assert held["4"] == "no_position"
    assert checked.held_back["why"].str.len().min() > 10
    count = checked.count
    assert (count["read"], count["taken in"], count["repeated"], count["held back"]) == (6, 2, 1, 3)


def test_positions_are_in_the_metres_of_the_place(file, place):
    rows = check_file(file, now=NOW, place=place).rows
    assert rows["x_m"].between(4e5, 7e5).all()
    assert rows["y_m"].between(4.3e6, 4.5e6).all()


def test_a_mapping_handed_in_goes_before_the_one_beside_the_file(file, place):
    other = make_mapping(
        {
            "kind": "incidents", "source": "other", "crs": "wgs84", "category_scheme": "t",
            "columns": {"source_ref": "id", "occurred_at": "at", "category": "class",
                        "x": "lon", "y": "lat"},
            "constants": {"found_by": "resident"}, "categories": {"noise": "noise", "*": "park"},
        }
    )  # fmt: skip
    checked = check_file(file, now=NOW, place=place, mapping=other)
    assert checked.mapping is other
    assert set(checked.rows["source"]) == {"other"}


def test_a_file_without_a_mapping_says_how_to_make_one(tmp_path):
    lone = tmp_path / "calls.csv.gz"
    with pytest.raises(InputError, match=r"import inspect .*calls.csv.gz > calls.toml"):
        mapping_beside(lone)
