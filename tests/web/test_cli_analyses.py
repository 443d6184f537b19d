"""The analyst's commands on a real PostGIS: they find what was planted, and again the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.crs.systems import project
from geo.database.connect import Database, connect, make_engine
from geo.effort_store import write_effort
from tests.conftest import created
from tests.web.district import SOUTH, STEP, WEST, write_district

pytestmark = pytest.mark.db
SRID = 4549
LAST = "2026-02-01"  # a Sunday
CODES = ("noise", "park", "dump")
# Where parking broke out in the last week: in the middle of the grid e2.
CENTRE = (WEST + 3.5 * STEP, SOUTH + 0.5 * STEP)


def scattered(rng: np.random.Generator) -> pd.DataFrame:
    """Return half a year of noise and dumping anywhere, each dumping followed by another nearby."""
    n = 900
    lon, lat = WEST + 4 * STEP * rng.random(n), SOUTH + 2 * STEP * rng.random(n)
    day = rng.integers(0, 184, n)
    code = rng.choice(["noise", "dump"], n)
    calm = pd.DataFrame({"lon": lon, "lat": lat, "day": day, "code": code, "by": "resident"})
    first = calm[calm["code"] == "dump"]
    near = rng.uniform(-3e-4, 3e-4, (2, len(first)))
    follow = first.assign(
        lon=first["lon"] + near[0], lat=first["lat"] + near[1], day=first["day"] + 1
    )
    return pd.concat([calm, follow[follow["day"] < 184]], ignore_index=True)


def planted(rng: np.random.Generator) -> pd.DataFrame:
    """Return 60 parking reports of the last week around `CENTRE`, 10 of the 20 weeks before."""
    spread = rng.normal(0, 6e-4, (2, 70))
    day = np.r_[rng.integers(177, 184, 60), rng.integers(30, 170, 10)]
    return pd.DataFrame(
        {"lon": CENTRE[0] + spread[0], "lat": CENTRE[1] + spread[1], "day": day, "code": "park",
         "by": "resident"}
    )  # fmt: skip


def found_by_patrols(rng: np.random.Generator) -> pd.DataFrame:
    """Return 300 finds in the west, 30 in the east: patrols go west ten times as often."""
    column = np.r_[rng.uniform(0, 2, 300), rng.uniform(2, 4, 30)]
    lat = SOUTH + 2 * STEP * rng.random(330)
    return pd.DataFrame(
        {"lon": WEST + STEP * column, "lat": lat, "day": rng.integers(0, 184, 330),
         "code": "noise", "by": "patrol"}
    )  # fmt: skip


def write(database: Database, rows: pd.DataFrame, areas: dict[str, int]) -> None:
    """Write incidents at noon of their days, and where people live."""
    x, y = project(rows["lon"], rows["lat"], srid=SRID)
    at = pd.Timestamp("2025-08-02 12:00", tz="Asia/Shanghai") + pd.to_timedelta(rows["day"], "D")
    column = ((rows["lon"] - WEST) / STEP).astype(int).clip(0, 3)
    grid = [areas[("w1", "w2", "e1", "e2")[n]] for n in column]
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM incident")
        cursor.execute(
            "SELECT ensure_incident_partitions(array_agg(d::date)) FROM generate_series("
            "date '2025-08-01', date '2026-02-01', interval '1 month') d"
        )
        cursor.executemany(
            "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, "
            "time_precision, category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
            "SELECT 1, %s, %s, %s, 'minute', category_id, %s, "
            "ST_SetSRID(ST_MakePoint(%s, %s), 4326), %s, %s, %s, 0 FROM category WHERE code = %s",
            [
                (f"n{i}", at[i], at[i], by, lon, lat, float(x[i]), float(y[i]), grid[i], code)
                for i, (lon, lat, by, code) in enumerate(
                    zip(rows["lon"], rows["lat"], rows["by"], rows["code"], strict=True)
                )
            ],
        )
        homes = np.random.default_rng(4).random((200, 2))
        cursor.executemany(
            "INSERT INTO household_point (feed_id, source_ref, content_hash, households, geom) "
            "VALUES (1, %s, 0, 10, ST_SetSRID(ST_MakePoint(%s, %s), 4326))",
            [
                (f"h{i}", WEST + 4 * STEP * u, SOUTH + 2 * STEP * v)
                for i, (u, v) in enumerate(homes)
            ],
        )


@pytest.fixture(scope="module")
def town(server: Database, template: Database) -> Iterator[Database]:
    """Give a district of four grids with an outbreak, near repeats and uneven patrols."""
    with created(server, name=f"gridbeat_an_{uuid4().hex[:12]}", template=template.name) as made:
        with connect(made) as connection:
            areas = write_district(connection)
        rng = np.random.default_rng(12)
        rows = [scattered(rng), planted(rng), found_by_patrols(rng)]
        write(made, pd.concat(rows, ignore_index=True), areas)
        yield made


@pytest.fixture
def ask(town: Database, monkeypatch: pytest.MonkeyPatch, gridbeat: Any) -> Callable[..., str]:
    """Give what runs a command on the town, and holds what it stored to a second computation."""
    url = town.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)

    def run(*arguments: object) -> str:
        done = gridbeat(*arguments, "--until", LAST)
        assert (done.code, done.err) == (0, "")
        number = re.search(r"结果编号 (\d+)", done.out)[1]
        again = gridbeat("results", "show", number, "--again")
        assert again.code == 0, again.out
        assert "identical 完全一致" in again.out
        return done.out

    return run


def test_the_week_of_an_outbreak_is_named_with_class_grid_size_and_certainty(ask):
    out = ask("changes")
    assert "1 上升 rise" in out
    assert re.search(r"e2, park: up, 6\d this week against \d\.\d usual \(.*certainty high", out)
    assert "e2，违停：上升，本周6" in out
    assert "违停" not in ask("changes", "--lang", "en")
    assert "this week" not in ask("changes", "--lang", "zh")
    none = ask("changes", "--category", "dump")
    assert "nothing that chance would not explain" in none


def test_a_scan_raises_one_alarm_where_and_since_when_it_broke_out(ask):
    out = ask("scan", "--cell", "200", "--runs", "199", "--category", "park", "--category", "noise")
    assert "1 预警 alarm" in out
    first = next(line.split() for line in out.splitlines()[2:] if line.endswith("预警 alarm"))
    assert float(first[0]) == pytest.approx(CENTRE[0], abs=0.003)
    assert float(first[1]) == pytest.approx(CENTRE[1], abs=0.003)
    assert "2026-01-26 .. 2026-02-01" in out
    assert "0.005" in first
    again = ask("scan", "--cell", "200", "--runs", "99", "--model", "permutation", "--category",
                "noise", "--mode", "retrospective")  # fmt: skip
    assert "预警" not in again


def test_emerging_cells_say_why_in_the_language_asked_for(ask):
    out = ask("emerging", "--cell", "250")
    assert "新增热点 new hot spot" in out
    assert "in the last of 26 weeks and never before" in out
    assert "26周中仅最近一周显著为热点" in out
    assert (
        "为热点" not in ask("emerging", "--cell", "250", "--lang", "en").split("new hot spot:")[1]
    )


def test_trends_come_with_an_interval_and_by_the_test_asked_for(ask):
    plain = ask("trends", "--level", "community")
    assert "plain Mann-Kendall" in plain
    other = ask("trends", "--method", "hamed-rao", "--cell", "500")
    assert "hamed-rao" in other


def test_a_season_that_the_window_does_not_hold_twice_is_refused(ask, gridbeat):
    done = gridbeat("trends", "--method", "seasonal", "--until", LAST)
    assert done.code == 2
    assert "take a longer window" in done.err


@pytest.mark.parametrize(
    ("method", "which"),
    [("dbscan", "park"), ("space-time", "park"), ("hdbscan", None)],
)
def test_a_knot_is_found_as_a_cluster(ask, method, which):
    only = ("--category", which) if which else ("--together",)
    out = ask("clusters", "--method", method, "--radius", "150", *only)
    rows = [line.split() for line in out.splitlines() if " m  20" in line]
    near = [row for row in rows if abs(float(row[0]) - CENTRE[0]) < 0.002]
    assert any(int(row[2].replace(",", "")) >= 40 and "2026-02-01" in row for row in near)


def test_what_repeats_nearby_is_told_from_what_does_not(ask):
    out = ask("near-repeat")
    table = out.split("垃圾 dump")[1].split("\n\n")[0]
    assert re.search(r"<= 100 m +\d+\.\d\d\*", table)
    assert "噪音 noise" not in out


def test_rates_and_association_of_four_grids(ask):
    rates = ask("rates", "--per", "area_km2")
    assert "km2 每平方公里" in rates
    assert "  e2  高于正常范围 above the limits" in rates
    assert "join counts 连接计数" in ask("association", "--cell", "250")


def test_a_measure_is_judged_against_a_control_and_what_moved_next_door(ask, gridbeat):
    def effect(*arguments):
        return gridbeat(
            "effect", "--since", "2026-01-26", "--before", "8", "--after", "1", *arguments
        )

    out = effect("--treated", "e2", "--control", "w1", "--near-treated", "e1").out
    assert re.search(r"treated 采取措施 .*增多 more", out)
    assert re.search(r"difference 净差 +\+\d\d\.\d+ incidents a week .*增多 more", out)
    number = re.search(r"结果编号 (\d+)", out)[1]
    assert "identical" in gridbeat("results", "show", number, "--again").out
    for arguments, said in (
        (("--treated", "nowhere"), "no area has the code 'nowhere'"),
        (("--treated", "e2", "--control", "e2"), "named twice"),
    ):
        wrong = effect(*arguments)
        assert wrong.code == 2
        assert said in wrong.err


def test_without_hours_finds_count_for_nothing_and_places_are_unknown(ask, tmp_path):
    out = ask("bias")
    assert "2 情况不明 unknown" in out
    assert out.count("?") >= 4
    hours = tmp_path / "hours.csv"
    hours.write_text("code,hours\nw1,500\nw2,500\ne1,50\ne2,50\n", "utf-8")
    watched = ask("bias", "--effort", hours)
    assert "2 情况已知 known" in watched
    lines = [line.split() for line in watched.splitlines() if line.endswith("情况已知 known")]
    rows = {line[-3]: line for line in lines}
    # Found ten times as often where patrols were ten times as long: alike, once corrected.
    west, east = (float(rows[name][2].replace(",", "")) for name in ("west", "east"))
    assert west / east == pytest.approx(1.0, abs=0.25)


def test_hours_that_cannot_be_read_are_refused_by_row(ask, gridbeat, tmp_path):
    hours = tmp_path / "hours.csv"
    for written, said in (
        ("code,hours\nw1,-3\n", "row 2: hours is '-3'"),
        ("code,hours\nw1,3\nw1,4\n", "row 3: grid 'w1' comes twice"),
        ("grid;h\n", "needs the columns code and hours"),
    ):
        hours.write_text(written, "utf-8")
        done = gridbeat("bias", "--effort", hours)
        assert done.code != 0
        assert said in done.err


def test_a_plan_sets_its_hours_beside_need_by_both_sources(ask, gridbeat, tmp_path):
    hours = tmp_path / "hours.csv"
    hours.write_text("code,hours\nw1,500\nw2,500\ne1,50\n", "utf-8")
    plan = ("plan", "--hours", "20", "--date", "2026-02-02", "--until", LAST)
    assert "patrol hours are unknown" in gridbeat(*plan).out
    out = gridbeat(*plan, "--effort", hours).out
    (east,) = (line for line in out.splitlines() if re.search(r"\d/\d  east", line))
    (west,) = (line for line in out.splitlines() if re.search(r"\d/\d  west", line))
    assert "1/2" in east
    assert "0/2" in west
    share = [float(text.rstrip("%")) for text in re.findall(r"[\d.]+%", west)]
    assert share[1] > share[2]  # what was found only by looking more weighs less once corrected


def test_hours_of_patrols_are_those_of_tracks_where_no_file_is_named(ask, town):
    engine = make_engine(town, pool=NullPool)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT code, area_id FROM area WHERE level = 'grid'"))
        areas = {row.code: row.area_id for row in found}
        hour = pd.Timestamp("2026-01-20 02:00", tz="UTC")
        rows = [(hour, "foot", 0, 0, areas[code], 3600 * hours, 1)
                for code, hours in (("w1", 30), ("w2", 6))]  # fmt: skip
        columns = ["hour", "source", "i", "j", "area_id", "seconds", "visits"]
        effort = pd.DataFrame(rows, columns=columns).assign(i=[0, 1])
        write_effort(connection, 1, effort)
    out = ask("bias")
    (west,) = (line for line in out.splitlines() if " west " in line)
    assert " 36 " in west
    assert "0/2" in west
    (east,) = (line for line in out.splitlines() if " east " in line)
    assert "2/2" in east
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM effort"))
    engine.dispose()


def lay_streets(town):
    """Lay a street along each quarter of the district, and one in its middle."""
    with connect(town) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom) VALUES (1, %s, "
            "0, 'residential', %s, ST_SetSRID(ST_MakeLine(ST_MakePoint(%s, %s), "
            "ST_MakePoint(%s, %s)), 4326)) ON CONFLICT DO NOTHING",
            [
                (f"s{i}", f"第{i}街", WEST + x0 * STEP, SOUTH + y0 * STEP, WEST + x1 * STEP,
                 SOUTH + y1 * STEP)
                for i, (x0, y0, x1, y1) in enumerate(
                    [(0, y, 4, y) for y in (0.25, 0.75, 1.25, 1.75)]
                    + [(x, 0, x, 2) for x in (0.25, 1.25, 2.25, 3.25)]
                )
            ],
        )  # fmt: skip


def test_streets_are_ranked_by_what_their_length_does_not_explain(ask, gridbeat, town, tmp_path):
    refused = gridbeat("streets", "--until", LAST)
    assert refused.code == 5
    assert "import roads first" in refused.err
    lay_streets(town)
    out = ask("streets", "--reach", "300")
    assert "farther than 300 m from every street" in out
    assert re.search(r"bandwidth 带宽 \d+ m \(chosen 自动选取\)", out)
    # The outbreak lies in e2, the easternmost grid, on one corner.
    (first,) = re.findall(r"hot spot  (\S+) (\S+) \S+", out)[:1]
    assert float(first[0]) > WEST + 2.9 * STEP
    out = ask("streets", "--reach", "300", "--method", "gi", "--bandwidth", "200",
              "--split", "discontinuous", "--permutations", "499")  # fmt: skip
    assert "discontinuous, bandwidth 带宽 200 m\n" in out
    assert "Mann-Kendall" in ask("trends", "--streets")
    gridbeat("hotspots", "--until", LAST)
    page = tmp_path / "map.html"
    assert gridbeat("map", "--out", page).code == 0
    assert '"id":"streets"' in page.read_text("utf-8")


def test_hexagons_are_counted_stored_and_come_out_again(ask, gridbeat):
    assert "Mann-Kendall" in ask("trends", "--cell", "400", "--hexagons")
    wrong = gridbeat("trends", "--hexagons", "--until", LAST)
    assert wrong.code == 2
    assert "--cell" in wrong.err
    both = gridbeat("trends", "--cell", "300", "--streets", "--until", LAST)
    assert both.code == 2
    assert "cells or streets" in both.err


def test_the_week_of_classes_and_grids_is_drawn_and_said(ask):
    # All of them happen at noon, so that eleven to three holds everything.
    out = ask("profile")
    assert "周一 Mon" in out
    assert re.search(r"\d\d-\d\d h \(\d+%\)", out)
    assert "afternoon" in out
    assert " e2" in ask("profile", "--level", "grid", "--category", "park")


def test_join_counts_are_told_by_class(ask):
    out = ask("association", "--joins", "--cell", "250")
    assert "连接计数" in out
    (park,) = (line for line in out.splitlines() if line.endswith("park"))
    assert "cluster" in park


def test_public_counts_need_a_number_and_give_no_small_one_away(ask, gridbeat, tmp_path):
    out = tmp_path / "counts.csv"
    week = ("--until", "2026-01-25", "--weeks", "4", "--category", "park", "--out", out)
    refused = gridbeat("export", "counts", *week)
    assert refused.code == 2
    assert "审图号" in refused.err
    assert not out.exists()
    done = gridbeat("export", "counts", *week, "--approval-no", "GS(2026)1")
    assert done.code == 0, done.err
    table = pd.read_csv(out, comment="#", dtype=str)
    assert set(table["count"]) == {"*"}
    assert "GS(2026)1" in out.read_text("utf-8-sig")
    all_of_it = tmp_path / "all.csv"
    gridbeat("export", "counts", "--until", LAST, "--out", all_of_it, "--approval-no", "x")
    sums = pd.read_csv(tmp_path / "all_totals.csv", comment="#", dtype=str)
    counts = pd.read_csv(all_of_it, comment="#", dtype=str)["count"].astype(int)
    assert int(sums["count"].iloc[-1]) == counts.sum()


def test_points_for_research_lie_elsewhere_and_say_how_well_they_are_hidden(
    ask, gridbeat, tmp_path
):
    out = tmp_path / "points.geojson"
    done = gridbeat("export", "points", "--until", LAST, "--out", out, "--category", "park",
                    "--least-k", "20", "--approval-no", "x")  # fmt: skip
    assert done.code == 0, done.err
    page = json.loads(out.read_text("utf-8"))
    assert page["gridbeat"]["summary"]["smallest_k"] >= 20
    assert page["gridbeat"]["summary"]["points"] + page["gridbeat"]["summary"]["withheld"] == 70
    assert all(set(f["properties"]) == {"category", "month"} for f in page["features"])
    lon, lat = np.array([f["geometry"]["coordinates"] for f in page["features"]]).T
    rng = np.random.default_rng(12)
    scattered(rng)
    true = planted(rng)
    x, y = project(lon, lat, srid=SRID)
    tx, ty = project(true["lon"], true["lat"], srid=SRID)
    nearest = np.hypot(x[:, None] - np.asarray(tx), y[:, None] - np.asarray(ty)).min(axis=1)
    assert (nearest > 0).all()
    assert np.hypot(x - np.mean(tx), y - np.mean(ty)).mean() > 60


def test_the_map_shows_alarms_and_changes_and_a_public_one_does_not(ask, gridbeat, tmp_path):
    gridbeat("hotspots", "--until", LAST)
    ask("clusters", "--radius", "150")
    ask("rates")
    page = tmp_path / "map.html"
    done = gridbeat("map", "--out", page)
    assert done.code == 0, done.err
    html = page.read_text("utf-8")
    assert re.search(r'id="gb-changes".*e2, park: up', html, re.DOTALL)
    first = date.fromisoformat(LAST) - timedelta(weeks=26) + timedelta(days=1)
    assert f": {first} – {LAST}<" in html  # days of the place, not of UTC
    for layer in ("emerging", "clusters", "scan", "changes", "rates"):
        assert f'"id":"{layer}"' in html
    public = gridbeat("map", "--out", page, "--public", "--approval-no", "GS(2026)1")
    assert public.code == 0, public.err
    html = page.read_text("utf-8")
    assert "gb-changes" not in html.split("<body")[1]
    assert '"id":"counts"' in html
    shown = re.findall(r'"id":"(\w+)"', html)
    assert set(shown) <= {"counts", "boundary", "grids", "roads", "buildings"}
    (counts,) = re.findall(r'"id":"counts".*?"rows":(\[.*?\]\])', html)
    assert min(int(count) for (count,) in json.loads(counts)) >= 5
    refused = gridbeat("map", "--out", page, "--public")
    assert refused.code == 2
    assert "审图号" in refused.err


def test_a_question_about_one_class_does_not_change_the_map_of_all(ask, gridbeat, tmp_path):
    gridbeat("hotspots", "--until", LAST)
    before, after = tmp_path / "before.html", tmp_path / "after.html"
    gridbeat("map", "--out", before)
    ask("changes", "--category", "dump")
    ask("emerging", "--category", "dump", "--cell", "250")
    gridbeat("map", "--out", after)

    def strip(path: Path) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", path.read_text("utf-8"))

    assert strip(before) == strip(after)


def test_commands_without_incidents_say_what_to_do(gridbeat, monkeypatch, fresh_database):
    url = fresh_database.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    for name in ("trends", "emerging", "changes", "scan", "clusters", "near-repeat", "rates",
                 "association", "bias"):  # fmt: skip
        done = gridbeat(name)
        assert done.code == 5
        assert "there is no jurisdiction" in done.err
