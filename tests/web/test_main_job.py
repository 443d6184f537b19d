"""The product from the outside, as a newcomer runs it: demo, real files, errors."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import sql

from geo.cluster.layout import Cluster
from geo.database.connect import Database, connect, private_database
from web.demo_today import plan_today
from web.opening import begin
from web.subject import read_about

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ROOT / "docs/chicago"
pytestmark = pytest.mark.db


def gridbeat(home: Path, *arguments: str | Path, cwd: Path | None = None) -> str:
    """Run the command as its own process; it must succeed."""
    done = run(home, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(
    home: Path, *arguments: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from web.cli import main; main()", *map(str, arguments)],
        env=os.environ | {"GRIDBEAT_HOME": str(home), "PYTHONPATH": str(ROOT)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(database: Database) -> dict[str, int]:
    """Return a checksum of every table."""
    with connect(database, role="owner") as connection:
        tables = [
            str(row[0])
            for row in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
                "AND relnamespace = 'public'::regnamespace AND relname <> 'spatial_ref_sys'"
            )
        ]
        return {
            name: connection.execute(
                sql.SQL("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} t").format(
                    sql.Identifier(name)
                )
            ).fetchone()
            for name in tables
        }


def publish_day(database: Database) -> list[str]:
    """Plan a day as `gridbeat demo --until today` does, twice; return what it says."""
    said: list[str] = []
    noon = datetime(2026, 11, 3, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    for _ in range(2):
        with begin(database) as connection:
            plan_today(connection, read_about(connection, "990101"), hours=60.0, weeks=26,
                       now=noon, say=lambda _, words: said.append(words))  # fmt: skip
    return said


def test_demo_makes_map_and_plan_and_a_second_run_changes_nothing_but_its_day_is_published_once(
    cluster_home: Path, tmp_path: Path
) -> None:
    first = gridbeat(cluster_home, "demo", "--out", tmp_path / "demo")
    assert "SIMULATED" in first
    page = (tmp_path / "demo/map.html").read_text("utf-8")
    assert "模拟" in page
    plan = json.loads((tmp_path / "demo/plan.geojson").read_text("utf-8"))
    hours = [feature["properties"]["hours"] for feature in plan["features"]]
    assert sum(hours) == pytest.approx(120.0)
    assert min(hours) >= 0.5
    database = private_database(Cluster(cluster_home))
    before = contents(database)
    files = {p: p.read_bytes() for p in (tmp_path / "demo").rglob("*") if p.is_file()}
    second = gridbeat(cluster_home, "demo", "--out", tmp_path / "demo")
    assert "imported already" in second
    assert contents(database) == before
    assert {p: p.read_bytes() for p in (tmp_path / "demo").rglob("*") if p.is_file()} == files
    published, again = publish_day(database)
    assert re.search(r"published .*simulated planner.*; routes \d+", published)
    assert "as before" in again


@pytest.mark.data
def test_a_police_district_of_chicago_goes_from_open_data_to_a_plan_and_a_map(
    cluster_home: Path, tmp_path: Path, shared_data: Path
) -> None:
    for mapping in MAPPINGS.glob("*.toml"):
        shutil.copy(mapping, tmp_path)
        (source,) = (shared_data / "chicago").glob(f"{mapping.stem}.*")
        shutil.copy(source, tmp_path)
    imports = (
        ("boundaries", "police_districts.geojson"),
        ("grids", "police_beats.geojson"),
        ("cameras", "red_light_cameras.csv"),
        ("cameras", "speed_cameras.csv"),
        ("stations", "police_stations.csv"),
        ("roads", "logan_square.osm"),
        ("incidents", "incidents_district014_2013_2014.csv.gz"),
    )
    reports = {file: gridbeat(cluster_home, "import", *pair, cwd=tmp_path) for *pair, file in [
        (kind, file, file) for kind, file in imports
    ]}  # fmt: skip
    assert figure(reports["police_beats.geojson"], "new") == 12
    assert figure(reports["red_light_cameras.csv"], "left out") == 122
    incidents = reports["incidents_district014_2013_2014.csv.gz"]
    assert figure(incidents, "read") == 20_260
    assert figure(incidents, "new") == 20_195
    assert figure(incidents, "quarantined") == 65
    found = gridbeat(cluster_home, "hotspots", "--weeks", "52")
    assert "hot spot" in found
    # Wicker Park, where Milwaukee, Damen and North Avenue meet, is the district's hotspot.
    strongest = found.split("lon        lat")[1].splitlines()[1].split()
    assert float(strongest[0]) == pytest.approx(-87.677, abs=0.004)
    assert float(strongest[1]) == pytest.approx(41.910, abs=0.004)
    plan = gridbeat(
        cluster_home, "plan", "--hours", "120", "--date", "2015-01-02", "--weeks", "52",
        "--out", tmp_path / "plan",
    )  # fmt: skip
    assert "120 h over 12 grids" in plan
    made = gridbeat(cluster_home, "map", "--out", tmp_path / "map.html")
    assert "wrote" in made
    assert "Chicago police district 014" in (tmp_path / "map.html").read_text("utf-8")


def figure(report: str, name: str) -> int:
    """Return the figure of one line of an import's report."""
    (line,) = [line for line in report.splitlines() if line.strip().startswith(f"{name} ")]
    return int(line.split()[-1].replace(",", ""))


def test_commands_without_data_say_what_to_do_first(cluster_home: Path) -> None:
    for arguments in (("hotspots",), ("plan", "--hours", "10"), ("map",)):
        done = run(cluster_home, *arguments)
        assert done.returncode == 5
        assert "there is no jurisdiction" in done.stderr
        assert "Traceback" not in done.stderr
