"""`gridbeat results` from the outside: where a result comes from, and whether it comes out alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo.database.connect import Database, connect

WEST, SOUTH, STEP = 116.40, 39.90, 0.01
FOUND = """
kind = "boundaries"
source = "outline"
[new_jurisdiction]
code = "T"
name = "测试区"
name_en = "Test district"
time_zone = "Asia/Shanghai"
[columns]
code = "code"
name = "name"
[constants]
level = "district"
"""
GRIDS = """
kind = "grids"
source = "grids"
[columns]
code = "code"
name = "name"
"""
INCIDENTS = """
kind = "incidents"
source = "hotline"
crs = "wgs84"
category_scheme = "t"
[columns]
source_ref = "id"
occurred_at = "at"
category = "class"
found_by = "found_by"
x = "lon"
y = "lat"
[values.found_by]
"resident" = "resident"
"patrol" = "patrol"
[categories]
"noise" = "noise"
"""


Gridbeat = Callable[..., Any]


def square(code: str, column: int, row: int, size: int = 1) -> dict[str, object]:
    x, y, d = WEST + column * STEP, SOUTH + row * STEP, size * STEP
    ring = [[x, y], [x + d, y], [x + d, y + d], [x, y + d], [x, y]]
    return {
        "type": "Feature",
        "properties": {"code": code, "name": f"格{code}"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def tickets(rng: np.random.Generator, n: int, *, first: int = 0) -> str:
    """Return incidents of 20 weeks in the district, a third of them around one corner."""
    spread = np.where(rng.random(n) < 1 / 3, 0.1, 1.0)
    lon = WEST + 2 * STEP * rng.random(n) * spread
    lat = SOUTH + 2 * STEP * rng.random(n) * spread
    day = rng.integers(0, 140, n)
    found = np.where(rng.random(n) < 0.2, "patrol", "resident")
    lines = [
        f"{first + i},{np.datetime64('2024-01-01') + day[i]} 09:30,noise,{found[i]},"
        f"{lon[i]:.6f},{lat[i]:.6f}"
        for i in range(n)
    ]
    return "\n".join(["id,at,class,found_by,lon,lat", *lines]) + "\n"


@pytest.fixture
def city(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gridbeat: Gridbeat
) -> Path:
    """Import a district of four grids and 600 incidents, and find its hotspots."""
    url = fresh_database.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    with connect(fresh_database) as connection:
        connection.execute(
            "WITH s AS (INSERT INTO category_scheme (scheme, version) VALUES ('t', '1') "
            "RETURNING scheme_id) INSERT INTO category (scheme_id, code, name, name_en) "
            "SELECT scheme_id, 'noise', '噪声', 'noise' FROM s"
        )
    grids = [square(f"G{i}", i % 2, i // 2) for i in range(4)]
    for name, mapping, features in (
        ("boundaries", FOUND, [square("T1", 0, 0, 2)]),
        ("grids", GRIDS, grids),
    ):
        file = tmp_path / f"{name}.geojson"
        file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        file.with_suffix(".toml").write_text(mapping, "utf-8")
        done = gridbeat("import", name, file)
        assert done.code == 0, done.err
    (tmp_path / "incidents.toml").write_text(INCIDENTS, "utf-8")
    (tmp_path / "incidents.csv").write_text(tickets(np.random.default_rng(3), 600), "utf-8")
    done = gridbeat("import", "incidents", tmp_path / "incidents.csv")
    assert done.code == 0, done.err
    done = gridbeat("hotspots", "--until", "2024-05-19", "--weeks", "20")
    assert done.code == 0, done.err
    return tmp_path


def numbers(gridbeat: Gridbeat) -> list[tuple[int, str, str]]:
    listed = gridbeat("results", "list").out.splitlines()[1:]
    return [(int(line.split()[0]), *line.split()[1:3]) for line in listed]


@pytest.mark.db
def test_results_say_where_they_come_from_and_come_out_the_same_again(
    city: Path, gridbeat: Gridbeat
) -> None:
    found = numbers(gridbeat)
    by_week = {
        ("hotspots", "cell"), ("trends", "cell"), ("density", "cell"), ("trends", "area")
    }  # fmt: skip
    more = {("emerging", "cell"), ("changes", "area"), ("scan", "zone")}
    assert {(kind, unit) for _, kind, unit in found} >= by_week | more
    for number, kind, unit in found:
        shown = gridbeat("results", "show", number, "--again")
        assert (shown.code, shown.err) == (0, "")
        assert "identical 完全一致" in shown.out
        assert "newer import" not in shown.out
        if (kind, unit) not in by_week:
            continue
        assert "2024-01-01 00:00 .. 2024-05-20 00:00 (Asia/Shanghai), 20 x week" in shown.out
        assert "found by: resident" in shown.out
        assert "seed: 20260101" in shown.out
        assert re.search(r"versions: gridbeat \S+, .*numpy \d", shown.out)
        assert re.search(r"incidents, hotline: incidents.csv \(sha256 [0-9a-f]{12}\)", shown.out)
        assert ("格G" in shown.out) == (unit == "area")
        assert ("Gi*" in shown.out) == (kind == "hotspots")


@pytest.mark.db
def test_the_strongest_rows_come_first(city: Path, gridbeat: Gridbeat) -> None:
    (number,) = (n for n, kind, _ in numbers(gridbeat) if kind == "hotspots")
    shown = gridbeat("results", "show", number, "--top", "3").out
    rows = [line.split() for line in shown.split("slope  label\n")[1].splitlines()]
    assert len(rows) == 3
    scores = [float(row[3]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    lon, lat = float(rows[0][0]), float(rows[0][1])
    assert WEST < lon < WEST + 0.2 * STEP + 0.002
    assert SOUTH < lat < SOUTH + 0.2 * STEP + 0.002
    assert "热点 hot spot" in shown
    assert "again" not in shown


@pytest.mark.db
def test_newer_data_are_said_and_change_what_comes_out(city: Path, gridbeat: Gridbeat) -> None:
    (number,) = (n for n, kind, unit in numbers(gridbeat) if (kind, unit) == ("trends", "area"))
    late = city / "late.csv"
    late.write_text(tickets(np.random.default_rng(9), 40, first=1000), "utf-8")
    late.with_suffix(".toml").write_text(INCIDENTS, "utf-8")
    assert gridbeat("import", "incidents", late).code == 0
    shown = gridbeat("results", "show", number, "--again")
    assert shown.code == 1
    assert "NOT identical 不一致" in shown.out
    assert "1 newer import runs" in shown.out
    assert "hotline: late.csv" in shown.out
    assert "40 rows new or changed" in shown.out
    assert re.search(r"^ +\d+ observed +\d+\.0 +\d+\.0$", shown.out, re.MULTILINE)
    # The stored rows themselves are as they were.
    assert gridbeat("results", "show", number).code == 0


@pytest.mark.db
def test_figures_that_were_tampered_with_are_found(
    city: Path, gridbeat: Gridbeat, fresh_database: Database
) -> None:
    (number,) = (n for n, kind, _ in numbers(gridbeat) if kind == "density")
    with connect(fresh_database, role="owner") as connection:
        connection.execute(
            "UPDATE result_row SET score = score + 1e-9 WHERE result_run_id = %s AND unit_no = "
            "(SELECT min(unit_no) FROM result_row WHERE result_run_id = %s)",
            (number, number),
        )
        connection.execute(
            "UPDATE result_run SET code_version = '0.0.1' WHERE result_run_id = %s", (number,)
        )
    shown = gridbeat("results", "show", number, "--again")
    assert shown.code == 1
    assert "1 of " in shown.out
    assert "newer import" not in shown.out
    assert "gridbeat was 0.0.1, is " in shown.out


@pytest.mark.db
def test_what_is_not_there_is_said(city: Path, gridbeat: Gridbeat) -> None:
    missing = gridbeat("results", "show", "999")
    assert missing.code == 5
    assert "no result 999" in missing.err
    none = gridbeat("results", "list", "--kind", "effect")
    assert none.code == 0
    assert "no results yet" in none.out
    assert [n for n, *_ in numbers(gridbeat)] == sorted(
        (n for n, *_ in numbers(gridbeat)), reverse=True
    )
