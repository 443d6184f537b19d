"""`gridbeat grids` from the outside, on the simulated district's boundaries in a real PostGIS."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from psycopg import sql

from geo.database.connect import Database, connect
from geo.grids.policy import HouseholdPolicy
from geo.grids.validate import validate_grids
from geo.imports.mapping import make_mapping
from geo.imports.run import import_file

pytestmark = pytest.mark.db

BOUNDARIES = Path(__file__).resolve().parents[2] / "data/boundaries"
CODE, SRID = "990101", 4549
BARE = "990101001002"  # its grids are left out of the import
OTHER = "990101001003"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
NUMBERS = count(1)
AREA = {
    "code": "code", "name": "name", "name_en": "name_en", "households": "households",
    "parent_code": "parent_code", "valid_from": "valid_from",
}  # fmt: skip


def read(name: str) -> gpd.GeoDataFrame:
    return gpd.read_file(BOUNDARIES / f"{name}.geojson")


def spots_in(shape: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return `n` random points in a polygon, longitude and latitude, shape (n, 2)."""
    west, south, east, north = shape.bounds
    xy = rng.uniform((west, south), (east, north), (40 * n + 200, 2))
    return xy[shapely.contains_xy(shape, xy[:, 0], xy[:, 1])][:n]


def load(database: Database, folder: Path) -> None:
    """Import the district through the users' own path, with homes, roads and incidents."""
    rng = np.random.default_rng(7)
    grids = read("grids")
    take = partial(_take, database, folder)
    new = {
        "code": CODE, "name": "澜海区（模拟）", "name_en": "Lanhai District (simulated)",
        "time_zone": "Asia/Shanghai", "code_scheme": "cn", "metric_srid": SRID, "simulated": True,
    }  # fmt: skip
    outline = {"kind": "boundaries", "source": "areas", "crs": "wgs84"}
    areas = pd.concat([read(name) for name in ("district", "streets", "communities")])
    take(areas, {**outline, "columns": AREA | {"level": "level"}, "new_jurisdiction": new})
    kinds = {name: name for name in ("grid_kind", "host_unit", "exempt_reason")}
    take(
        grids[grids["parent_code"] != BARE],
        {"kind": "grids", "source": "grids", "crs": "wgs84", "columns": AREA | kinds,
         "attributes": ["host_kind"]},
    )  # fmt: skip
    take(
        gpd.GeoDataFrame(
            {"kind": "primary", "source_ref": grids["code"]}, geometry=grids.exterior, crs=4326
        ),
        {"kind": "roads", "source": "roads", "crs": "wgs84",
         "columns": {"kind": "kind", "source_ref": "source_ref"}},
    )  # fmt: skip
    homes = []
    for row in grids[grids["grid_kind"] == "basic"].itertuples():
        places = spots_in(row.geometry, row.households // 10, rng)
        sizes = np.full(len(places), 10)
        sizes[0] += row.households - sizes.sum()
        homes += [
            (f"{row.code}-{k}", *xy, n) for k, (xy, n) in enumerate(zip(places, sizes, strict=True))
        ]
    xy = {"x": "lon", "y": "lat"}
    take(
        pd.DataFrame(homes, columns=["ref", "lon", "lat", "households"]),
        {"kind": "households", "source": "homes", "crs": "wgs84",
         "columns": xy | {"source_ref": "ref", "households": "households"}},
    )  # fmt: skip
    # One a day where a grid is split, and then one a day where there are no grids yet.
    shapes = grids.set_index("code").geometry
    places = [spots_in(shapes[f"{OTHER}001"], 90, rng), spots_in(shapes[f"{BARE}001"], 10, rng)]
    reports = pd.DataFrame(np.vstack(places), columns=["lon", "lat"])
    days = [pd.date_range("2026-08-01 12:00", periods=len(xy)) for xy in places]
    reports = reports.assign(ref=np.arange(100), at=np.concatenate(days), category="0102")
    take(
        reports,
        {"kind": "incidents", "source": "reports", "crs": "wgs84", "category_scheme": "demo",
         "columns": xy | {"source_ref": "ref", "occurred_at": "at", "category": "category"},
         "constants": {"found_by": "resident"},
         "categories": {"0102": {"name": "暴露垃圾", "name_en": "Exposed rubbish"}}},
    )  # fmt: skip


def _take(database: Database, folder: Path, table: pd.DataFrame, plan: dict[str, Any]) -> None:
    name = f"{plan['kind']}.{'geojson' if isinstance(table, gpd.GeoDataFrame) else 'csv'}"
    if isinstance(table, gpd.GeoDataFrame):
        table.to_file(folder / name, driver="GeoJSON")
    else:
        table.to_csv(folder / name, index=False)
    report = import_file(partial(connect, database), folder / name, make_mapping(plan), now=NOW)
    assert report.quarantined == {}
    assert report.new == len(table)


@pytest.fixture(scope="module")
def copied(server: Database) -> Callable[..., Any]:
    """Give what makes a database from another one, for one `with`."""

    @contextmanager
    def copy(of: Database) -> Iterator[Database]:
        name = f"gridbeat_test_grids_{os.getpid()}_{next(NUMBERS)}"
        words = {"name": sql.Identifier(name), "of": sql.Identifier(of.name)}
        with connect(server, role="owner", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {of}").format(**words))
            try:
                yield server.renamed(name)
            finally:
                connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**words))

    return copy


@pytest.fixture(scope="module")
def loaded(
    template: Database, copied: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Give the imported district; for commands that write nothing."""
    with copied(template) as database:
        load(database, tmp_path_factory.mktemp("files"))
        yield database


@pytest.fixture
def own(loaded: Database, copied: Callable[..., Any]) -> Iterator[Database]:
    """Give a copy of the district to write to."""
    with copied(loaded) as database:
        yield database


Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, gridbeat: Run) -> Run:
    """Give what runs `gridbeat grids` on a database."""

    def call(database: Database, *arguments: object) -> Any:
        address = database.owner_url.render_as_string(hide_password=False)
        monkeypatch.setenv("GRIDBEAT_DATABASE_URL", address)
        return gridbeat("grids", *arguments)

    return call


def stored(database: Database) -> list[Any]:
    """Return a checksum of all grids and of the grids of all incidents."""
    with connect(database) as connection:
        return connection.execute(
            "SELECT (SELECT sum(hashtextextended(a::text, 0)) FROM area a), "
            "(SELECT sum(hashtextextended(incident_id::text || coalesce(area_id, 0), 0)) "
            "FROM incident), (SELECT count(*) FROM feed)"
        ).fetchall()


def ask(database: Database, query: str) -> list[Any]:
    with connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def line_through(code: str, folder: Path, name: str = "line.geojson") -> Path:
    """Write a line that crosses a grid from south to north, and return its file."""
    shape = read("grids").set_index("code").geometry[code]
    _, south, _, north = shape.bounds
    x = shape.representative_point().x
    line = shapely.LineString([(x, south - 1e-4), (x, north + 1e-4)])
    gpd.GeoDataFrame(geometry=[line], crs=4326).to_file(folder / name)
    return folder / name


class TestList:
    def test_grids_of_a_day_are_listed_with_households_and_names(
        self, run: Run, loaded: Database
    ) -> None:
        listed = run(loaded, "list", "--on", "2026-10-01")
        expected = read("grids")
        expected = expected[expected["parent_code"] != BARE]
        assert listed.code == 0
        assert "SIMULATED 模拟" in listed.out
        assert f"{len(expected)} grids 网格 on 2026-10-01" in listed.out
        lines = {line.split()[0]: line for line in listed.out.splitlines()}
        for row in expected.itertuples():
            assert f" {row.households:,} " in lines[row.code]
            assert row.name in lines[row.code]

    def test_day_before_the_first_grid_has_none(self, run: Run, loaded: Database) -> None:
        assert "0 grids 网格 on 2020-01-01" in run(loaded, "list", "--on", "2020-01-01").out


class TestCheck:
    def test_errors_are_told_written_drawn_and_end_with_exit_code_1(
        self, run: Run, loaded: Database, tmp_path: Path
    ) -> None:
        files = {"--out": tmp_path / "new/findings.geojson", "--map": tmp_path / "new/map.html"}
        done = run(loaded, "check", "--on", "2026-10-01", *[x for p in files.items() for x in p])
        assert done.code == 1
        assert f"m2 inside {BARE} belong to no grid" in done.out
        assert f"- [错误] {BARE} 内有" in done.out
        content = json.loads(files["--out"].read_text("utf-8"))
        assert content["gridbeat"]["policy"]["minimum"] == 300
        (feature,) = content["features"]
        assert feature["properties"]["rule"] == "gap"
        assert feature["properties"]["code"] == BARE
        community = read("communities").set_index("code").geometry[BARE]
        gap = shapely.geometry.shape(feature["geometry"])
        assert gap.symmetric_difference(community).area < 1e-9
        page = files["--map"].read_text("utf-8")
        assert f"inside {BARE} belong to no grid" in page
        assert "责任网格检查 / Check of the grids" in page
        assert "模拟数据 / SIMULATED" in page
        assert "Content-Security-Policy" in page

    def test_one_language_and_households_of_the_jurisdictions_own_policy(
        self, run: Run, own: Database
    ) -> None:
        with connect(own, role="owner") as connection:
            connection.execute(
                "UPDATE jurisdiction SET household_min = 470, household_tolerance = 100"
            )
        done = run(own, "check", "--on", "2026-10-01", "--lang", "zh")
        grids = read("grids")
        few = grids[(grids["grid_kind"] == "basic") & (grids["households"] < 470)]
        few = few[few["parent_code"] != BARE]
        assert f"1 个错误,{len(few)} 个提醒" in done.out
        assert "少于 470 户" in done.out
        assert "error" not in done.out

    def test_place_without_grids_and_communities_is_told_what_to_import(
        self, run: Run, loaded: Database
    ) -> None:
        done = run(loaded, "check", "--on", "2020-01-01")
        assert done.code == 5
        assert "neither grids nor communities on 2020-01-01: import them" in done.err

    def test_place_with_its_own_levels_is_checked_against_the_lowest_of_them(
        self, run: Run, fresh_database: Database, tmp_path: Path
    ) -> None:
        new = {"code": "T", "name": "Testville", "time_zone": "Asia/Shanghai", "metric_srid": SRID}
        take = partial(_take, fresh_database, tmp_path)
        columns = {"code": "code", "name": "name"}
        common = {"source": "police", "crs": "wgs84"}
        take(
            read("district"),
            {**common, "kind": "boundaries", "columns": columns, "new_jurisdiction": new,
             "constants": {"level": "district"}},
        )  # fmt: skip
        beats = read("grids").assign(parent=CODE)
        plan = {**common, "kind": "grids", "columns": {**columns, "parent_code": "parent"},
                "constants": {"grid_kind": "basic"}}  # fmt: skip
        take(beats.iloc[1:], plan)
        done = run(fresh_database, "check", "--lang", "en")
        assert "grids were checked against 没有社区，按此级检查: district" in done.out
        assert "no grid has a number of households: not checked" in done.out
        assert "1 errors, 0 warnings" in done.out
        assert f"m2 inside {CODE} belong to no grid" in done.out
        assert done.code == 1

    def test_empty_database_is_told_what_to_import(
        self, run: Run, fresh_database: Database
    ) -> None:
        for command in (["list"], ["check"], ["divide"], ["merge", "1", "2", "--on", "2026-01-01"]):
            done = run(fresh_database, *command)
            assert done.code == 5
            assert "there is no jurisdiction" in done.err


class TestDivide:
    def test_preview_writes_a_file_that_passes_the_check_and_nothing_else(
        self, run: Run, loaded: Database, tmp_path: Path
    ) -> None:
        before = stored(loaded)
        files = [tmp_path / f"{n}.geojson" for n in (1, 2)]
        for file in files:
            done = run(loaded, "divide", "--community", BARE, "--seed", 5, "--out", file)
            assert done.code == 0, done.err
            assert "nothing written 预览" in done.out
        assert stored(loaded) == before
        assert "basic grids and 0 exclusive grids, 950 households" in done.out
        first, second = (json.loads(file.read_text("utf-8")) for file in files)
        assert first["features"] == second["features"]
        assert first["gridbeat"]["seed"] == 5
        grids = gpd.read_file(files[0], columns=None).to_crs(SRID)
        parents = read("communities").to_crs(SRID)
        parents = parents[parents["code"] == BARE]
        found = validate_grids(grids, parents=parents, policy=HouseholdPolicy(), srid=SRID)
        assert found == []
        assert grids["name"].tolist()[0] == "桐荫社区第1网格"

    def test_written_grids_close_the_gap_and_are_not_written_twice(
        self, run: Run, own: Database
    ) -> None:
        words = ("divide", "--community", BARE, "--write", "--on", "2026-10-01")
        done = run(own, *words)
        assert done.code == 0, done.err
        assert "written 已写入: new grids 新网格 2, valid from 启用日期 2026-10-01" in done.out
        assert run(own, "check", "--on", "2026-10-01").code == 0
        assert run(own, "check", "--on", "2026-09-30").code == 1
        before = stored(own)
        again = run(own, *words)
        assert again.code == 6
        assert f"the first is {BARE} with 2: nothing was written" in again.err
        earlier = run(own, *words[:-1], "2025-01-01")
        assert earlier.code == 6
        assert stored(own) == before

    def test_grids_of_a_past_day_take_the_incidents_since_then(
        self, run: Run, own: Database
    ) -> None:
        words = ("divide", "--community", BARE, "--write", "--on", "2026-08-03", "--retag")
        done = run(own, *words)
        assert done.code == 0, done.err
        assert "incidents tagged anew 事件重新归入网格: 8" in done.out
        assert ask(own, "SELECT count(*) FROM incident WHERE area_id IS NULL") == [(2,)]

    def test_exclusive_ground_and_other_bounds_are_taken_into_account(
        self, run: Run, loaded: Database, tmp_path: Path
    ) -> None:
        grids = read("grids")
        hosts = grids[(grids["parent_code"] == BARE) & (grids["grid_kind"] == "exclusive")]
        assert len(hosts) == 1
        hosts[["host_unit", "host_kind", "geometry"]].to_file(tmp_path / "hosts.gpkg")
        done = run(
            loaded, "divide", "--community", BARE, "--exclusive", tmp_path / "hosts.gpkg",
            "--minimum", 200, "--target", 240, "--maximum", 300, "--lang", "en",
            "--out", tmp_path / "grids.geojson",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert "4 basic grids and 1 exclusive grids, 950 households" in done.out
        assert "4 within 200–300" in done.out
        made = gpd.read_file(tmp_path / "grids.geojson")
        kept = made[made["grid_kind"] == "exclusive"]
        assert kept["host_unit"].tolist() == hosts["host_unit"].tolist()
        assert kept["name"].tolist() == hosts["name"].tolist()

    def test_grids_out_of_bounds_carry_the_reason_so_that_the_check_lets_them_pass(
        self, run: Run, own: Database
    ) -> None:
        with connect(own) as connection:
            connection.execute("UPDATE household_point SET households = 1")
        words = ("divide", "--community", BARE, "--write", "--on", "2026-10-01")
        done = run(own, *words)
        assert "94 households: the whole community has only 94 households" in done.out
        checked = run(own, "check", "--on", "2026-10-01", "--lang", "en")
        assert checked.code == 0
        assert "out of bounds, with the reason: 整个社区只有 94 户 / the whole" in checked.out

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            (["--write"], 2, "--write needs the first day of the grids"),
            (["--retag"], 2, "it goes with --write only"),
            (["--community", "12"], 5, "there is no community 12 on"),
            (["--community", BARE, "--maximum", "300"], 2, "minimum <= target <= maximum"),
            (["--community", BARE, "--exclusive", "none.gpkg"], 2, "none.gpkg: no such file"),
            (["--on", "2020-01-01"], 5, "has no communities on 2020-01-01"),
        ],
    )
    def test_refusal_says_what_to_do(
        self, run: Run, loaded: Database, words: list[str], code: int, message: str
    ) -> None:
        done = run(loaded, "divide", *words)
        assert done.code == code
        assert message in done.err

    def test_place_without_households_is_told_what_to_import(self, run: Run, own: Database) -> None:
        with connect(own) as connection:
            connection.execute("DELETE FROM household_point")
        done = run(own, "divide", "--community", BARE)
        assert done.code == 5
        assert "`gridbeat import households`" in done.err


class TestSplit:
    def test_preview_shows_codes_households_and_what_hangs_on_the_grid(
        self, run: Run, loaded: Database, tmp_path: Path
    ) -> None:
        before = stored(loaded)
        line = line_through(f"{OTHER}001", tmp_path)
        done = run(loaded, "split", f"{OTHER}001", "--by", line, "--on", "2026-09-15")
        assert done.code == 0, done.err
        assert stored(loaded) == before
        old = read("grids").set_index("code").loc[f"{OTHER}001"]
        lines = done.out.splitlines()
        (ends,) = [line for line in lines if line.startswith("- ends")]
        assert f"{OTHER}001  {old.households} households" in ends
        begins = [line for line in lines if line.startswith("+ begins")]
        assert [line.split()[3][:12] for line in begins] == [OTHER, OTHER]
        homes = [int(line.split()[4]) for line in begins]
        assert sum(homes) == old.households
        assert all(("fewer than 少于 300" in line) == (n < 300)
                   for line, n in zip(begins, homes, strict=True))  # fmt: skip
        assert "45 incidents from that day on keep the ended grids" in done.out
        assert "nothing written 预览" in done.out

    def test_written_split_retags_later_incidents_and_keeps_the_past(
        self, run: Run, own: Database, tmp_path: Path
    ) -> None:
        line = line_through(f"{OTHER}001", tmp_path, "line.gpkg")
        done = run(
            own, "split", f"{OTHER}001", "--by", line, "--on", "2026-09-15", "--write", "--retag"
        )
        assert done.code == 0, done.err
        assert "incidents tagged anew 事件重新归入网格: 45" in done.out
        rows = ask(
            own,
            "SELECT a.code, count(*), min(i.occurred_at AT TIME ZONE 'Asia/Shanghai')::date::text "
            "FROM incident i JOIN area a USING (area_id) GROUP BY 1 ORDER BY 1",
        )
        assert rows[0] == (f"{OTHER}001", 45, "2026-08-01")
        assert sum(n for _, n, _ in rows[1:]) == 45
        assert len(rows) == 3
        assert min(day for _, _, day in rows[1:]) == "2026-09-15"
        assert f"{OTHER}001 " in run(own, "list", "--on", "2026-09-14").out
        after = run(own, "list", "--on", "2026-09-15").out
        assert f"{OTHER}001 " not in after
        assert rows[1][0] in after
        again = run(own, "split", f"{OTHER}001", "--by", line, "--on", "2026-12-01")
        assert again.code == 6
        assert "has an end already, 2026-09-15" in again.err

    def test_failure_while_incidents_are_retagged_undoes_the_split(
        self, run: Run, own: Database, tmp_path: Path
    ) -> None:
        with connect(own, role="owner") as connection:
            connection.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$BEGIN RAISE 'the disk is full'; END$$"
            )
            connection.execute(
                "CREATE TRIGGER refuse BEFORE UPDATE ON incident "
                "FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        before = stored(own)
        line = line_through(f"{OTHER}001", tmp_path)
        done = run(
            own, "split", f"{OTHER}001", "--by", line, "--on", "2026-09-15", "--write", "--retag"
        )
        assert done.code == 3
        assert "the disk is full" in done.err
        assert "written" not in done.out
        assert stored(own) == before

    def test_parts_of_a_grid_without_stored_homes_have_unknown_households(
        self, run: Run, own: Database, tmp_path: Path
    ) -> None:
        with connect(own) as connection:
            connection.execute("DELETE FROM household_point")
        line = line_through(f"{OTHER}001", tmp_path)
        done = run(own, "split", f"{OTHER}001", "--by", line, "--on", "2026-09-15", "--write")
        assert done.code == 0, done.err
        assert "the households of its parts are unknown" in done.out
        made = ask(own, "SELECT households FROM area WHERE valid_from = '2026-09-15'")
        assert made == [(None,), (None,)]
        assert run(own, "list", "--on", "2026-09-15").code == 0

    def test_units_of_an_ended_grid_are_named(
        self, run: Run, own: Database, tmp_path: Path
    ) -> None:
        with connect(own) as connection:
            connection.execute(
                "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name, area_id) "
                "SELECT feed_id, 'u', 0, 'foot', 'team', area_id FROM area WHERE code = %s",
                (f"{OTHER}001",),
            )
        line = line_through(f"{OTHER}001", tmp_path)
        done = run(own, "split", f"{OTHER}001", "--by", line, "--on", "2026-09-15")
        assert "units 队伍 1, posts 岗位 0 still belong to the ended grids" in done.out

    def test_line_that_does_not_cross_is_refused(
        self, run: Run, loaded: Database, tmp_path: Path
    ) -> None:
        line = line_through(f"{OTHER}002", tmp_path)
        done = run(loaded, "split", f"{OTHER}001", "--by", line, "--on", "2026-09-15")
        assert done.code == 2
        assert "no line crosses it from border to border" in done.err

    def test_day_before_the_grid_begins_is_refused(
        self, run: Run, loaded: Database, tmp_path: Path
    ) -> None:
        line = line_through(f"{OTHER}001", tmp_path)
        done = run(loaded, "split", f"{OTHER}001", "--by", line, "--on", "2023-11-01")
        assert done.code == 6
        assert "Choose a later day" in done.err


class TestMerge:
    def test_merged_grid_has_the_households_of_both_and_a_new_code(
        self, run: Run, own: Database
    ) -> None:
        codes = (f"{OTHER}001", f"{OTHER}002")
        preview = run(own, "merge", *codes, "--on", "2026-12-01")
        assert preview.code == 0, preview.err
        assert len(ask(own, "SELECT FROM area WHERE valid_from = '2026-12-01'")) == 0
        done = run(own, "merge", *codes, "--on", "2026-12-01", "--write")
        assert done.code == 0, done.err
        old = read("grids").set_index("code").loc[list(codes), "households"].sum()
        made = ask(own, "SELECT code, households FROM area WHERE valid_from = '2026-12-01'")
        ever = read("grids")["code"]
        assert made[0][1] == old
        assert made[0][0] not in set(ever)
        assert made[0][0].startswith(OTHER)
        assert made[0][0] in done.out
        assert f"{old} households" in done.out
        assert "more than 多于 500" in done.out

    def test_households_that_are_not_known_stay_unknown(self, run: Run, own: Database) -> None:
        with connect(own) as connection:
            connection.execute(
                "UPDATE area SET households = NULL WHERE code = %s", (f"{OTHER}002",)
            )
        codes = (f"{OTHER}001", f"{OTHER}002")
        done = run(own, "merge", *codes, "--on", "2026-12-01", "--write")
        assert done.code == 0, done.err
        made = ask(own, "SELECT households FROM area WHERE valid_from = '2026-12-01'")
        assert made == [(None,)]

    @pytest.mark.parametrize(
        ("codes", "code", "message"),
        [
            ([f"{OTHER}001"], 2, "a merge takes two grids or more"),
            ([f"{OTHER}001", f"{OTHER}001"], 2, "a merge takes two grids or more"),
            ([f"{OTHER}001", "990101001001001"], 2, "grids of one parent_code"),
            ([f"{OTHER}001", f"{OTHER}099"], 5, f"there is no grid {OTHER}099"),
        ],
    )
    def test_refusal_says_what_is_wrong(
        self, run: Run, loaded: Database, codes: list[str], code: int, message: str
    ) -> None:
        done = run(loaded, "merge", *codes, "--on", "2026-12-01", "--write")
        assert done.code == code
        assert message in done.err


def test_grids_of_one_community_that_do_not_touch_are_not_merged(
    run: Run, loaded: Database
) -> None:
    grids = read("grids").query("grid_kind == 'basic'").to_crs(SRID)
    pairs = grids.merge(grids, on="parent_code")
    apart = shapely.distance(pairs["geometry_x"], pairs["geometry_y"]) > 10
    codes = pairs.loc[apart & (pairs["parent_code"] != BARE), ["code_x", "code_y"]].iloc[0]
    done = run(loaded, "merge", *codes, "--on", "2026-12-01", "--write")
    assert done.code == 2
    assert "do not share borders" in done.err


def test_help_tells_the_commands_and_the_exit_code_of_a_check(run: Run, loaded: Database) -> None:
    outcome = run(loaded, "--help")
    for name in ("list", "check", "divide", "split", "merge"):
        assert f"  {name} " in outcome.out
    assert "Exit code 1 where there are errors" in run(loaded, "check", "--help").out


def test_reading_commands_leave_the_database_as_it_was(
    run: Run, loaded: Database, tmp_path: Path
) -> None:
    before = hashlib.sha256(repr(stored(loaded)).encode()).hexdigest()
    run(loaded, "list")
    run(loaded, "check", "--out", tmp_path / "a.geojson")
    run(loaded, "merge", f"{OTHER}001", f"{OTHER}002", "--on", "2026-12-01")
    assert hashlib.sha256(repr(stored(loaded)).encode()).hexdigest() == before
