"""The traps of real open data come out right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from geo.errors import CrsError
from geo.imports.mapping import make_mapping
from geo.imports.report import ImportReport
from tests.geo.imports.conftest import Desk, balance, feature, square

pytestmark = [pytest.mark.db, pytest.mark.data]


def classes(*values: str) -> dict[str, str]:
    return {value: value for value in values}


def found(desk: Desk, file: Path, code: str, zone: str, **mapping: Any) -> ImportReport:
    """Found a jurisdiction on a file of boundaries."""
    plan = {
        "kind": "boundaries", "source": f"{code}-areas", "constants": {"level": "community"},
        "new_jurisdiction": {"code": code, "name": code, "time_zone": zone}, **mapping,
    }  # fmt: skip
    return desk.take(file, make_mapping(plan))


def incidents(desk: Desk, *files: Path, **mapping: Any) -> list[ImportReport]:
    plan = make_mapping(
        {"kind": "incidents", "source": "s", "category_scheme": "s",
         "constants": {"found_by": "resident"}, **mapping}
    )  # fmt: skip
    return [desk.take(file, plan) for file in files]


@pytest.fixture
def chicago(bare_desk: Desk, shared_data: Path) -> tuple[Desk, Path]:
    folder = shared_data / "chicago"
    columns = {"code": "community_area", "name": "name"}
    found(bare_desk, folder / "community_areas.geojson", "chi", "America/Chicago", columns=columns)
    columns = {"code": "beat", "name": "beat"}
    beats = make_mapping({"kind": "grids", "source": "beats", "columns": columns})
    report = bare_desk.take(folder / "police_beats.geojson", beats)
    assert (report.read, report.new, report.quarantined) == (277, 275, {"duplicate_ref": 2})
    return bare_desk, folder


def test_chicago_two_years_of_incidents(chicago: tuple[Desk, Path]) -> None:
    desk, folder = chicago
    files = sorted(folder.glob("incidents_201?_h?.parquet"))
    given = pd.concat([pd.read_parquet(file) for file in files])
    plan = {
        "midnight": "unknown",
        "columns": {
            "source_ref": "id", "occurred_at": "occurred_at", "category": "primary_type",
            "x": "lon", "y": "lat",
        },
        "categories": classes(*given["primary_type"].unique()),
    }  # fmt: skip
    reports = incidents(desk, *files, **plan)
    total = {name: sum(r.quarantined.get(name, 0) for r in reports) for name in REASONS_SEEN}
    assert sum(report.read for report in reports) == 582_230
    assert sum(report.new for report in reports) == 580_041
    assert total == {"no_position": 2_175, "far_outside": 14}
    assert all(set(report.quarantined) <= set(REASONS_SEEN) for report in reports)
    assert desk.one("SELECT count(*) FROM quarantine WHERE kind = 'incidents'") == 2_189
    (places, located) = desk.rows("SELECT count(DISTINCT geom), count(*) FROM incident")[0]
    kept = given[given["lon"].notna() & (given["lat"] > 40)]
    assert (places, located) == (len(kept[["lon", "lat"]].drop_duplicates()), len(kept))
    midnight = (kept["occurred_at"].dt.hour == 0) & (kept["occurred_at"].dt.minute == 0)
    precisions = dict(
        desk.rows("SELECT time_precision, count(*) FROM incident GROUP BY time_precision")
    )
    assert precisions["day"] == int(midnight.sum())
    assert sum(precisions.values()) == 580_041
    assert set(precisions) == {"day", "minute", "interval"}
    assert incidents(desk, files[0], **plan)[0].new == 0


REASONS_SEEN = ("no_position", "far_outside")


def test_chicago_police_districts_have_one_code_three_times(
    bare_desk: Desk, shared_data: Path
) -> None:
    file = shared_data / "chicago/police_districts.geojson"
    columns = {"code": "district", "name": "label"}
    report = found(bare_desk, file, "chi", "America/Chicago", columns=columns)
    assert (report.new, report.quarantined, balance(report)) == (23, {"duplicate_ref": 2}, 25)
    assert {bad[2] for bad in bare_desk.bad_rows()} == {"31"}


def test_chicago_cameras_and_stations(chicago: tuple[Desk, Path]) -> None:
    desk, folder = chicago
    cameras = {"kind": "cameras", "source": "speed", "date_format": "%Y-%m-%d"}
    columns = {"source_ref": "id", "name": "address", "x": "lon", "y": "lat"}
    report = desk.take(folder / "speed_cameras.csv", make_mapping({**cameras, "columns": columns}))
    assert (report.new, balance(report)) == (160, 160)
    columns = {"name": "intersection", "in_use_on": "go_live_date", "x": "lon", "y": "lat"}
    plan = make_mapping({**cameras, "source": "red", "columns": columns})
    assert desk.take(folder / "red_light_cameras.csv", plan).new == 149
    assert desk.take(folder / "red_light_cameras.csv", plan).same == 149
    assert desk.one("SELECT min(in_use_on)::text FROM camera") == "2003-10-31"
    stations = {
        "kind": "stations", "source": "stations", "constants": {"kind": "police"},
        "columns": {
            "source_ref": "name", "name": "name", "address": "address", "x": "lon", "y": "lat",
        },
    }  # fmt: skip
    assert desk.take(folder / "police_stations.csv", make_mapping(stations)).new == 23


def test_vancouver_withholds_places_as_zero_and_has_no_references(
    bare_desk: Desk, shared_data: Path
) -> None:
    folder = shared_data / "vancouver"
    columns = {"code": "mapid", "name": "name"}
    found(bare_desk, folder / "neighbourhoods.geojson", "van", "America/Vancouver", columns=columns)
    file = folder / "incidents_2020.csv.gz"
    given = pd.read_csv(file)
    plan = {
        "crs": "EPSG:32610", "time_format": "%Y-%m-%d %H:%M", "attributes": ["hundred_block"],
        "columns": {
            "occurred_at": "{year}-{month}-{day} {hour}:{minute}", "category": "type",
            "x": "x", "y": "y",
        },
        "categories": classes(*given["type"].unique()),
    }  # fmt: skip
    (report,) = incidents(bare_desk, file, **plan)
    assert report.quarantined["no_position"] == 3_751
    assert set(report.quarantined) <= {"no_position", "far_outside"}
    assert balance(report) == report.read == 37_512
    assert (report.same, report.changed) == (0, 0)
    rows = given[given["x"].fillna(0) > 0]
    withheld = given[given["x"].fillna(0) == 0]
    assert withheld.duplicated().sum() > 100
    assert bare_desk.one("SELECT count(*) FROM quarantine WHERE reason = 'no_position'") == 3_751
    assert report.new + report.quarantined.get("far_outside", 0) == len(rows)
    (again,) = incidents(bare_desk, file, **plan)
    assert (again.new, again.same) == (0, report.new)


def test_vancouver_in_the_wrong_system_is_named(bare_desk: Desk, shared_data: Path) -> None:
    folder = shared_data / "vancouver"
    columns = {"code": "mapid", "name": "name"}
    found(bare_desk, folder / "neighbourhoods.geojson", "van", "America/Vancouver", columns=columns)
    before = bare_desk.dump()
    columns = {"occurred_at": "{year}-{month}-{day}", "category": "type", "x": "x", "y": "y"}
    with pytest.raises(CrsError, match="EPSG:32610"):
        incidents(
            bare_desk, folder / "incidents_2020.csv.gz", columns=columns, categories=classes("a")
        )
    assert bare_desk.dump() == before


def test_west_yorkshire_knows_months_only(bare_desk: Desk, shared_data: Path) -> None:
    box = bare_desk.geojson([feature(square(-2.3, 53.4, -1.1, 54.1), code="wy", name="wy")])
    columns = {"code": "code", "name": "name"}
    found(bare_desk, box, "wy", "Europe/London", columns=columns)
    file = shared_data / "west_yorkshire/street_crime_2016_2018_july.csv.gz"
    given = pd.read_csv(file)
    kinds = given["crime_type"].unique()
    columns = {"occurred_at": "month", "category": "crime_type", "x": "lon", "y": "lat"}
    plan = {"attributes": ["lsoa_code"], "columns": columns, "categories": classes(*kinds)}
    (report,) = incidents(bare_desk, file, **plan)
    assert report.quarantined["no_position"] == 3_771
    assert balance(report) == report.read == 87_348
    located = given[given["lon"].notna()]
    assert located.duplicated().sum() > 1000
    assert report.new == len(located) - report.quarantined.get("far_outside", 0)
    assert bare_desk.rows(
        "SELECT time_precision, occurred_at::text, occurred_until::text FROM incident "
        "GROUP BY 1, 2, 3 ORDER BY 2"
    ) == [
        ("month", f"{year}-06-30 23:00:00+00", f"{year}-07-31 23:00:00+00")
        for year in (2016, 2017, 2018)
    ]


def test_portland_is_in_feet_and_knows_days_only(bare_desk: Desk, shared_data: Path) -> None:
    box = bare_desk.geojson([feature(square(-122.9, 45.4, -122.4, 45.7), code="p", name="p")])
    found(bare_desk, box, "p", "America/Los_Angeles", columns={"code": "code", "name": "name"})
    file = shared_data / "portland/vehicle_theft_calls_2012_2017.csv.gz"
    columns = {"occurred_at": "occurred_on", "x": "x_ft", "y": "y_ft"}
    (report,) = incidents(
        bare_desk, file, crs="EPSG:2913", columns=columns,
        constants={"found_by": "resident", "category": "theft"}, categories=classes("theft"),
    )  # fmt: skip
    assert (report.new, report.read, report.quarantined) == (9_842, 9_842, {})
    assert bare_desk.rows("SELECT DISTINCT time_precision FROM incident") == [("day",)]
    days = bare_desk.rows("SELECT DISTINCT occurred_until - occurred_at FROM incident")
    assert {day.total_seconds() / 3600 for (day,) in days} == {23.0, 24.0, 25.0}


def test_seoul_cameras(bare_desk: Desk, shared_data: Path) -> None:
    box = bare_desk.geojson([feature(square(126.76, 37.41, 127.19, 37.71), code="s", name="s")])
    found(bare_desk, box, "s", "Asia/Seoul", columns={"code": "code", "name": "name"})
    columns = {"x": "lon", "y": "lat"}
    plan = make_mapping(
        {"kind": "cameras", "source": "seoul", "columns": columns,
         "attributes": ["district", "address", "cameras"]}
    )  # fmt: skip
    report = bare_desk.take(shared_data / "seoul/cctv.csv.gz", plan)
    assert balance(report) == report.read == 83_734
    assert report.new > 83_000
    assert (report.same, report.changed) == (0, 0)


@pytest.mark.parametrize(
    ("file", "box", "roads", "buildings"),
    [
        ("helsinki_centre.osm.pbf", (24.93, 60.16, 24.96, 60.19), 2519, 446),
        ("monaco.osm.gz", (7.40, 43.72, 7.45, 43.76), 866, 966),
    ],
)
def test_osm_roads_and_buildings(
    bare_desk: Desk, shared_data: Path, file: str, box: tuple[float, ...], roads: int,
    buildings: int,
) -> None:  # fmt: skip
    area = bare_desk.geojson([feature(square(*box), code="o", name="o")])
    found(bare_desk, area, "o", "Europe/Paris", columns={"code": "code", "name": "name"})
    for kind, number in (("roads", roads), ("buildings", buildings)):
        names = {"source_ref": "osm_id", "kind": "kind", "name": "name"}
        more = {"oneway": "oneway"} if kind == "roads" else {"levels": "levels"}
        plan = make_mapping({"kind": kind, "source": f"osm-{kind}", "columns": {**names, **more}})
        report = bare_desk.take(shared_data / "osm" / file, plan)
        assert balance(report) == report.read == number
        assert report.new >= 0.97 * number, json.dumps(report.quarantined)
        assert bare_desk.take(shared_data / "osm" / file, plan).same == report.new
