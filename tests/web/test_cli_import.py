"""`gridbeat import` from the outside: what it prints, what it exits with, what it leaves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geo.database.connect import Database, connect
from geo.imports.kinds import KINDS
from geo.imports.mapping import make_mapping, read_mapping

BOUNDARY = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"adcode": "T1", "名称": "测试区"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[116.3, 39.8], [116.5, 39.8], [116.5, 40.0], [116.3, 40.0], [116.3, 39.8]]
                ],
            },
        }
    ],
}
FOUND = """
kind = "boundaries"
source = "outline"
[new_jurisdiction]
code = "T"
name = "测试区"
time_zone = "Asia/Shanghai"
[columns]
code = "adcode"
name = "名称"
[constants]
level = "district"
"""
TICKETS = """工单编号,发生时间,类别,经度,纬度,联系电话,街道
A1,2024-03-01 10:00,噪声,116.40,39.90,13800000000,月坛
A2,2024-03-02 11:30,占道,116.41,39.91,13800000001,月坛
A3,2024-03-03 12:00,噪声,,,13800000002,展览路
"""


Gridbeat = Callable[..., Any]


@pytest.fixture
def city(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gridbeat: Gridbeat
) -> Path:
    """Found a jurisdiction by the command line; give the folder of files."""
    url = fresh_database.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    (tmp_path / "outline.geojson").write_text(json.dumps(BOUNDARY), "utf-8")
    (tmp_path / "outline.toml").write_text(FOUND, "utf-8")
    done = gridbeat("import", "boundaries", tmp_path / "outline.geojson")
    assert (done.code, done.err) == (0, "outline.geojson: 1 rows 行\n")
    assert "into T 测试区" in done.out
    return tmp_path


def test_help_names_every_kind_and_step(gridbeat: Gridbeat) -> None:
    done = gridbeat("import", "--help")
    assert done.code == 0
    for word in (*KINDS, "categories", "inspect", "quarantine"):
        assert f"  {word} " in done.out
    assert "goes on where it stopped" in " ".join(
        gridbeat("import", "incidents", "--help").out.split()
    )


@pytest.mark.db
def test_inspected_file_imports_with_the_mapping_that_was_printed(
    city: Path, gridbeat: Gridbeat
) -> None:
    file = city / "工单.csv"
    file.write_bytes(TICKETS.encode("gb18030"))
    seen = gridbeat("import", "inspect", file)
    assert seen.code == 0
    assert 'encoding = "gb18030"' in seen.out
    assert "联系电话 looked like a person's identity and was left out" in seen.out
    assert "1 of 3 rows have no position" in seen.out
    assert "# row 1: 工单编号=A1" in seen.out
    (city / "工单.toml").write_text(seen.out, "utf-8")
    done = gridbeat("import", "incidents", file)
    assert done.code == 0, done.err
    assert [line.split()[-1] for line in done.out.splitlines()[1:6]] == ["3", "2", "0", "0", "1"]
    assert "no_position 没有位置  1" in done.out
    again = gridbeat("import", "incidents", file)
    assert [line.split()[-1] for line in again.out.splitlines()[1:6]] == ["3", "0", "0", "2", "1"]


@pytest.mark.db
def test_quarantine_is_listed_exported_and_retried(
    city: Path, gridbeat: Gridbeat, fresh_database: Database
) -> None:
    file, bad = city / "t.csv", city / "bad.csv"
    file.write_text(TICKETS, "utf-8")
    (city / "t.toml").write_text(gridbeat("import", "inspect", file).out, "utf-8")
    gridbeat("import", "incidents", file)
    assert "no_position" in gridbeat("import", "quarantine", "list").out
    assert "1 rows in" in gridbeat("import", "quarantine", "export", bad).out
    with bad.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[0] |= {"经度": "116.42", "纬度": "39.92"}
    with bad.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = gridbeat("import", "quarantine", "retry", bad)
    assert done.code == 0, done.err
    assert "open rows 待处理: 0" in gridbeat("import", "quarantine", "list").out
    with connect(fresh_database) as connection:
        assert connection.execute("SELECT count(*) FROM incident").fetchone() == (3,)
    assert gridbeat("import", "quarantine", "retry", bad).code == 2
    assert gridbeat("import", "quarantine", "retry").code == 5


@pytest.mark.db
@pytest.mark.parametrize(
    ("name", "content", "mapping", "code", "message"),
    [
        ("none.csv", None, 'kind = "units"', 2, "the mapping"),
        ("a.csv", "a,b\n1,2\n", None, 2, "`gridbeat import inspect"),
        ("a.csv", "a,b\n1,2\n", "kind =", 2, "not readable as TOML"),
        ("a.csv", "a,b\n1,2\n", FOUND, 2, "its mapping is for boundaries, not for incidents"),
        ("a.docx", "x", None, 2, "no mapping given"),
    ],
)
def test_what_cannot_be_used_exits_with_2_and_one_message(
    city: Path, gridbeat: Gridbeat, name: str, content: str | None, mapping: str | None,
    code: int, message: str,
) -> None:  # fmt: skip
    if content is not None:
        (city / name).write_text(content)
    if mapping is not None:
        (city / "a.toml").write_text(mapping)
    done = gridbeat("import", "incidents", city / name)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("Error: ")
    assert message in done.err or content is None
    assert "Traceback" not in done.err


@pytest.mark.parametrize("kind", KINDS)
def test_guessed_mapping_of_every_kind_names_only_known_settings(
    tmp_path: Path, gridbeat: Gridbeat, kind: str
) -> None:
    columns = [field.name for field in KINDS[kind].fields] + ["source_ref", "lon", "lat"]
    file = tmp_path / "a.csv"
    file.write_text(",".join(columns) + "\n" + ",".join("1" for _ in columns) + "\n")
    done = gridbeat("import", "inspect", file, "--kind", kind)
    assert done.code == 0, done.err
    path = tmp_path / "a.toml"
    path.write_text(done.out.replace('crs = "EPSG:?"', 'crs = "wgs84"'))
    mapping = read_mapping(path)
    assert mapping.kind == kind
    assert make_mapping(mapping.model_dump(exclude_defaults=True)) == mapping
