"""A cube kept in a file is, after any import, what a full count would give."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from analytics.cube import Cube
from analytics.cube_cache import read_cached_cube
from analytics.cube_file import ABOUT, copy_with_holes, make_counts, open_counts, prune_cubes
from analytics.cube_store import read_cell_cube, read_lattice
from analytics.queries import CubeRequest
from geo.database.connect import connect, make_engine
from geo.errors import CrsError, InputError
from geo.imports.mapping import make_mapping
from geo.imports.run import import_file
from geo.lattice.lattice import make_lattice
from geo.models.incidents import FOUND_BY

pytestmark = pytest.mark.db

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEST, SOUTH, SIDE = -87.72, 41.88, 0.04
INCIDENTS = {
    "kind": "incidents",
    "source": "desk",
    "category_scheme": "test",
    "columns": {"source_ref": "id", "occurred_at": "time", "category": "class", "found_by": "by", "x": "lon", "y": "lat"},
    "categories": {"THEFT": "Theft", "NOISE": "Noise", "PARK": "Parking"},
}  # fmt: skip
BOUNDARY = {
    "kind": "boundaries",
    "source": "outline",
    "new_jurisdiction": {"code": "T", "name": "Testville", "time_zone": "America/Chicago"},
    "columns": {"code": "code", "name": "name"},
    "constants": {"level": "district"},
}


def make_rows(rng, numbers, *, year=2024):
    """Rows of a year; every third time is known to the day and every seventh to the month only."""
    rows = []
    for number in numbers:
        day = f"{year}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
        clock = f" {rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}"
        time = day[:7] if number % 7 == 0 else day if number % 3 == 0 else day + clock
        lon, lat = (
            WEST + rng.uniform(-0.001, SIDE + 0.001),
            SOUTH + rng.uniform(0.001, SIDE - 0.001),
        )
        lon = WEST + SIDE / 2 if number == 5 else lon  # one that is surely inside
        rows.append(
            {
                "id": f"R{number}",
                "time": time,
                "class": rng.choice(["THEFT", "NOISE"]),
                "by": rng.choice(["resident", "patrol"]),
                "lon": f"{lon:.6f}",
                "lat": f"{lat:.6f}",
            }
        )
    return rows


class Town:
    """A jurisdiction that takes files, and two ways to count it."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        ring = [
            [WEST, SOUTH],
            [WEST + SIDE, SOUTH],
            [WEST + SIDE, SOUTH + SIDE],
            [WEST, SOUTH + SIDE],
            [WEST, SOUTH],
        ]
        shape = {"type": "Polygon", "coordinates": [ring]}
        feature = {"type": "Feature", "properties": {"code": "T1", "name": "T"}, "geometry": shape}
        path = folder / "outline.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        self._import(path, BOUNDARY)
        self.engine = make_engine(database)

    def _import(self, path, mapping):
        return import_file(lambda: connect(self.database), path, make_mapping(mapping), now=NOW)

    def take(self, rows, **changes):
        path = self.folder / "rows.csv"
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return self._import(path, {**INCIDENTS, **changes})

    def count(self, *, how="week", kind="square", **changes):
        """Return the cached cube and the one counted anew."""
        plain = {
            "start": date(2024, 1, 1),
            "end": date(2025, 1, 6),
            "step": how,
            "found_by": FOUND_BY,
        }
        with self.engine.connect() as connection:
            number = connection.execute(
                text("SELECT jurisdiction_id FROM jurisdiction")
            ).scalar_one()
            request = CubeRequest(number, **(plain | changes))
            lattice = read_lattice(connection, number, cell_size_m=400.0, kind=kind)
            cached = read_cached_cube(connection, request, lattice, directory=self.folder / "cubes")
            return cached, read_cell_cube(connection, request, lattice)

    def run(self, statement, **values):
        engine = make_engine(self.database, role="owner")
        with engine.begin() as connection:
            connection.execute(text(statement), values)
        engine.dispose()


@pytest.fixture
def town(fresh_database, tmp_path):
    made = Town(fresh_database, tmp_path)
    yield made
    made.engine.dispose()


def assert_same(cached, anew):
    assert (cached.classes, cached.found_by) == (anew.classes, anew.found_by)
    np.testing.assert_allclose(np.asarray(cached.counts), anew.counts, rtol=0, atol=1e-12)
    assert dict(cached.left_out) == pytest.approx(dict(anew.left_out), abs=1e-9)
    assert cached.counts.sum(dtype=float) > 0


CASES = [
    {"how": "week"},
    {"how": "day", "by_class": True},
    {"how": "month", "classes": ("THEFT",), "found_by": ("resident",)},
    {"how": "hour", "end": date(2024, 9, 1)},
    {"how": "day", "spread": True, "by_class": True, "kind": "hexagon"},
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_new_changed_and_moved_rows_are_in_the_cube_as_if_counted_anew(town, case):
    rng = np.random.default_rng(8)
    rows = make_rows(rng, range(1, 500))
    town.take(rows)
    assert_same(*town.count(**case))
    town.take(make_rows(rng, range(500, 540)))  # late rows
    assert_same(*town.count(**case))
    moved = make_rows(rng, range(1, 30))  # other times, classes and places
    town.take([*moved, *rows[29:100]])
    assert_same(*town.count(**case))
    town.take(make_rows(rng, range(540, 545), year=2020) + make_rows(rng, range(30, 33), year=2020))
    assert_same(*town.count(**case))


def test_two_runs_between_two_looks_are_both_seen(town):
    rng = np.random.default_rng(9)
    town.take(make_rows(rng, range(1, 200)))
    town.count(how="day")
    for _ in range(2):  # changed, and changed again, by different runs
        town.take(make_rows(rng, range(50, 80)))
    assert_same(*town.count(how="day"))


def test_only_touched_steps_are_counted_again(town):
    rng = np.random.default_rng(10)
    rows = make_rows(rng, range(1, 300))
    town.take(rows)
    before, _ = town.count(how="month")
    # Nobody may do this; it shows which months are looked at.
    town.run("DELETE FROM incident WHERE occurred_at < '2024-05-20'")
    town.take([{**rows[0], "id": "late", "time": "2024-08-15 10:00"}])
    after, anew = town.count(how="month")
    difference = np.asarray(after.counts).sum(axis=(0, 2, 3)) - np.asarray(before.counts).sum(
        axis=(0, 2, 3)
    )
    assert difference.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert anew.counts[:, :4].sum() == 0 < before.counts[:, :4].sum()


def test_without_news_the_same_file_is_used_and_with_news_older_cubes_stay_as_they_are(town):
    rng = np.random.default_rng(11)
    town.take(make_rows(rng, range(1, 100)))
    first, _ = town.count()
    files = sorted(town.folder.glob("cubes/*/counts-*"))
    again, _ = town.count()
    assert sorted(town.folder.glob("cubes/*/counts-*")) == files
    total = first.counts.sum()
    town.take(make_rows(rng, range(100, 150)))
    later, _ = town.count()
    assert sorted(town.folder.glob("cubes/*/counts-*")) != files
    assert first.counts.sum() == again.counts.sum() == total < later.counts.sum()


def test_a_class_or_source_seen_for_the_first_time_gets_its_layer(town):
    rng = np.random.default_rng(12)
    rows = [{**row, "class": "NOISE", "by": "resident"} for row in make_rows(rng, range(1, 60))]
    town.take(rows)
    cube, _ = town.count(by_class=True)
    assert (cube.classes, cube.found_by) == (("NOISE",), ("resident",))
    town.take([{**rows[0], "id": "a", "class": "PARK"}, {**rows[1], "id": "b", "by": "drone"}])
    cube, anew = town.count(by_class=True)
    assert (cube.classes, cube.found_by) == (("NOISE", "PARK"), ("resident", "drone"))
    assert_same(cube, anew)


def test_rows_written_without_an_import_run_are_seen_when_new(town):
    town.take(make_rows(np.random.default_rng(13), range(1, 60)))
    before, _ = town.count()
    town.run(
        "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref, "
        "category_id, found_by, geom, x_m, y_m, content_hash) SELECT occurred_at, occurred_until, "
        "'minute', feed_id, 'live', category_id, found_by, geom, x_m, y_m, 0 FROM incident "
        "WHERE source_ref = 'R5'"
    )
    after, anew = town.count()
    assert after.counts.sum() == before.counts.sum() + 1
    assert_same(after, anew)


def test_more_than_65535_in_one_place_widen_the_file(town):
    rows = make_rows(np.random.default_rng(14), range(1, 40))
    town.take(rows)
    cube, _ = town.count()
    assert cube.counts.dtype == np.uint16
    town.run("ALTER TABLE incident DISABLE TRIGGER USER")
    town.run(
        "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref, "
        "category_id, found_by, geom, x_m, y_m, content_hash, import_run_id) SELECT occurred_at, "
        "occurred_until, 'minute', feed_id, 'x' || n, category_id, found_by, geom, x_m, y_m, 0, "
        "import_run_id FROM incident, generate_series(1, 66000) n WHERE source_ref = 'R5'"
    )
    town.run("UPDATE import_run SET rows_new = rows_new + 66000 WHERE kind = 'incidents'")
    cube, anew = town.count()
    assert cube.counts.dtype == np.uint32
    assert cube.counts.max() > 66_000
    assert_same(cube, anew)


def test_a_damaged_account_is_counted_anew(town):
    town.take(make_rows(np.random.default_rng(15), range(1, 60)))
    town.count()
    (about,) = town.folder.glob(f"cubes/*/{ABOUT}")
    about.write_bytes(about.read_bytes()[:100])
    assert_same(*town.count())
    (counts,) = town.folder.glob("cubes/*/counts-*")
    counts.unlink()
    assert_same(*town.count())


def test_hours_of_the_week_are_counted_anew_and_other_systems_refused(town):
    town.take(make_rows(np.random.default_rng(16), range(1, 60)))
    assert_same(*town.count(how="hour_of_week"))
    assert not list(town.folder.glob("cubes/*"))
    with town.engine.connect() as connection:
        elsewhere = make_lattice(shapely.box(0, 0, 500, 500), cell_size_m=100, srid=32650)
        request = CubeRequest(1, date(2024, 1, 1), date(2025, 1, 1))
        with pytest.raises(CrsError, match="EPSG:32650"):
            read_cached_cube(connection, request, elsewhere, directory=town.folder)


def test_cubes_that_were_not_used_for_longest_are_removed_first(town):
    town.take(make_rows(np.random.default_rng(17), range(1, 60)))
    for how in ("week", "day", "month"):
        town.count(how=how)
    town.count(how="week")
    folder = town.folder / "cubes"
    used = {path.parent.name: path.stat().st_mtime_ns for path in folder.glob(f"*/{ABOUT}")}
    newest = max(used, key=lambda name: used[name])
    size = sum(file.stat().st_blocks * 512 for file in (folder / newest).glob("*.np[yz]"))
    assert prune_cubes(folder, most_bytes=size) == 2
    assert [path.parent.name for path in folder.glob(f"*/{ABOUT}")] == [newest]
    assert_same(*town.count(how="day"))


def test_parts_of_a_mapped_cube_add_up_as_those_of_one_in_memory(town):
    town.take(make_rows(np.random.default_rng(18), range(1, 400)))
    cached, anew = town.count(how="day", by_class=True)
    for choice in ({}, {"classes": ["THEFT"], "found_by": ["patrol"]}, {"found_by": FOUND_BY}):
        np.testing.assert_array_equal(cached.series(**choice), anew.series(**choice))
        np.testing.assert_array_equal(cached.totals(**choice), anew.totals(**choice))
        part = cached.series(**choice, units=slice(3, 9), steps=slice(50, 90))
        np.testing.assert_array_equal(part, anew.series(**choice)[3:9, 50:90])
    assert isinstance(cached, Cube)
    with pytest.raises(ValueError, match="read-only"):
        cached.counts[0, 0, 0, 0] = 1


def test_a_copy_keeps_the_holes_of_a_file(tmp_path):
    path, copy = tmp_path / "a.npy", tmp_path / "b.npy"
    make_counts(path, (2, 1, 100, 100_000), np.dtype(np.uint16), n=10)
    counts = open_counts(path, write=True)
    assert counts.shape == (100_000, 100, 2, 1)
    counts[[5, 99_999], [0, 99], [0, 1], 0] = [3, 4]
    del counts
    copy_with_holes(path, copy)
    assert copy.stat().st_size == path.stat().st_size == 2 * 100 * 100_000 * 2 + 128
    assert copy.stat().st_blocks * 512 < 1_000_000
    found = open_counts(copy)
    assert found.sum() == 7
    assert found[99_999, 99, 1, 0] == 4


def test_a_cube_that_the_disk_cannot_hold_is_refused_before_it_is_written(tmp_path):
    with pytest.raises(InputError, match="are free; make room"):
        make_counts(tmp_path / "a.npy", (1, 1, 10**9, 10**6), np.dtype(np.uint16), n=10**15)
    assert not list(tmp_path.iterdir())
