"""A wrong mapping is refused with a message that says what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geo.errors import MappingError
from geo.imports.mapping import check_columns, make_mapping, read_mapping

GOOD: dict[str, Any] = {
    "kind": "incidents",
    "source": "s",
    "category_scheme": "c",
    "columns": {"occurred_at": "t", "category": "k", "x": "x", "y": "y"},
    "constants": {"found_by": "patrol"},
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "cats"}, "there is no kind 'cats'; kinds are incidents, boundaries"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"time_zone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ({"midnight": "noon"}, "midnight: Input should be 'exact' or 'unknown'"),
        ({"time_format": "%Q"}, "no strptime format"),
        ({"date_format": "%H:%E"}, "no strptime format"),
        ({"outside_margin_m": -1}, "outside_margin_m: Input should be greater"),
        ({"columns": {"occurred_at": "t", "x": "x", "y": "y"}}, "incidents need category"),
        ({"constants": {}}, "incidents need found_by"),
        ({"columns": {**GOOD["columns"], "colour": "c"}}, "no field 'colour'; they have: occurred_at"),
        ({"columns": {"occurred_at": "t", "category": "k", "x": "x"}}, "x and y go together"),
        ({"constants": {"found_by": "patrol", "x": "1"}}, "no field 'x'"),
        ({"category_scheme": None}, "incidents need a category_scheme"),
        ({"attributes": ["姓名"]}, "姓名 looks like a person's identity"),
        ({"attributes": ["Contact_Phone"]}, "looks like a person's identity"),
        ({"columns": {**GOOD["columns"], "source_ref": "身份证号"}}, "looks like a person's identity"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        make_mapping({**GOOD, **changes})


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(MappingError, match=r"mine\.toml: .*colour.*; .*size|size.*; .*colour"):
        make_mapping({**GOOD, "colour": 1, "size": 2}, name="mine.toml")


def test_missing_file_and_bad_toml_are_told(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such mapping file; `gridbeat import inspect FILE`"):
        read_mapping(tmp_path / "none.toml")
    path = tmp_path / "bad.toml"
    path.write_text('kind = "incidents\n')
    with pytest.raises(MappingError, match=r"bad\.toml: not readable as TOML: .*line 1"):
        read_mapping(path)
    path.write_bytes(b"kind = '\xff'")
    with pytest.raises(MappingError, match=r"bad\.toml: not readable as TOML"):
        read_mapping(path)


def test_missing_columns_are_listed_with_those_that_are_there() -> None:
    mapping = make_mapping({**GOOD, "attributes": ["note"], "where": {"city": ["A"]}})
    with pytest.raises(MappingError, match=r"f\.csv: the mapping names 'city', 'k', 'note'"):
        check_columns(mapping, ("t", "x", "y"), file="f.csv")


def test_templates_need_each_of_their_columns() -> None:
    columns = {**GOOD["columns"], "occurred_at": "{year}-{month}"}
    with pytest.raises(MappingError, match="names 'month', but the file has 'year'"):
        check_columns(make_mapping({**GOOD, "columns": columns}), ("year", "k", "x", "y"), file="f")
