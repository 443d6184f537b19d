"""`gridbeat backtest` from the outside: the table, the choice, and what uses it afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from geo.database.connect import Database, connect
from tests.web.district import SOUTH, STEP, WEST, write_district

Gridbeat = Callable[..., Any]
WEEKS = 40


@pytest.fixture
def city(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four grids, 40 weeks of reports; half way the busy grid becomes quiet and another busy."""
    url = fresh_database.app_url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRIDBEAT_DATABASE_URL", url)
    with connect(fresh_database) as connection:
        areas = write_district(connection)
        connection.execute("DELETE FROM incident")
        connection.execute(
            "SELECT ensure_incident_partitions(array_agg(d::date)) "
            "FROM generate_series(date '2025-01-01', date '2025-12-01', interval '1 month') d"
        )
        connection.execute(
            "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, "
            "time_precision, category_id, found_by, geom, x_m, y_m, area_id, content_hash, "
            "reported_at) "
            "SELECT 1, 'w' || n, at, at, 'exact', 1 + n %% 3, "
            "CASE WHEN n %% 7 = 0 THEN 'patrol' ELSE 'resident' END, point, "
            "ST_X(ST_Transform(point, 4549)), ST_Y(ST_Transform(point, 4549)), "
            "(%s::bigint[])[1 + place], n, at + (n %% 5) * interval '9 hours' "
            "FROM (SELECT n, timestamptz '2025-01-06 00:00+08' + n * interval '3 hours' AS at, "
            "CASE WHEN n %% 10 < 7 THEN (n > %s)::integer * 3 ELSE n %% 4 END AS place "
            "FROM generate_series(0, %s) n) e, LATERAL (SELECT ST_SetSRID(ST_MakePoint("
            "%s + %s * (place + 0.5), %s + %s), 4326) AS point) p",
            [
                [areas[code] for code in ("w1", "w2", "e1", "e2")],
                WEEKS * 28,
                WEEKS * 56 - 1,
                WEST,
                STEP,
                SOUTH,
                STEP,
            ],
        )
        connection.commit()


@pytest.mark.db
def test_a_backtest_is_printed_stored_and_used_by_night_plan_and_map(
    city: None, gridbeat: Gridbeat, tmp_path: Path
) -> None:
    out = tmp_path / "scores.csv"
    done = gridbeat(
        "backtest", "--light", "--origins", 10, "--by", "class", "--by", "source",
        "--by", "community", "--weeks", WEEKS, "--out", out,
    )  # fmt: skip
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert "at the end of a week" in done.out
    for name in ("blend", "EWMA", "all-history counts", "last window"):
        assert re.search(rf"^ (=>|  ) {name} ", done.out, re.M), name
    assert "=> all-history counts" not in done.out  # the busy place moved: counting is beaten
    assert "beats all-history counts by" in done.out
    assert "PAI 高于历史计数" in done.out
    assert "the hottest unit alone is more than 5 % of the area" in done.out  # four of them
    assert "noise 噪音" in done.out
    assert re.search(r"\bwest$", done.out, re.M)
    assert re.search(r"\bpatrol$", done.out, re.M)
    number = int(re.search(r"stored as result 结果编号: (\d+)", done.out)[1])
    scores = pd.read_csv(out)
    assert set(scores["found_by"]) == {"reported", "patrol", "resident"}
    assert scores.groupby(["category", "found_by", "method"])["origin"].nunique().min() == 10
    again = gridbeat("results", "show", number, "--again")
    assert again.code == 0, again.out
    assert "identical 完全一致" in again.out

    night = gridbeat("hotspots", "--weeks", WEEKS)
    assert night.code == 0, night.err
    assert "forecast " in night.out.splitlines()[-1]
    assert "backtest " not in night.out.splitlines()[-1]  # the stored choice is taken
    plan = gridbeat("plan", "--hours", 8, "--weeks", WEEKS, "--date", "2025-10-14")
    assert plan.code == 0, plan.err
    assert re.search(r"^预测 forecast: .* beats all-history counts by", plan.out, re.M)
    assert re.search(r"expected next week \(90%: \d+–\d+\)", plan.out)
    assert re.search(r"预计下周[\d.]+件（90%: \d+–\d+）", plan.out)
    page = tmp_path / "map.html"
    assert gridbeat("map", "--out", page).code == 0
    drawn = page.read_text("utf-8")
    assert "Forecast of next week" in drawn
    assert "Expected next week" in drawn
    assert "beats all-history counts by" in drawn


@pytest.mark.db
def test_too_few_weeks_and_a_cluster_that_is_not_there_are_said_in_one_line(
    city: None, gridbeat: Gridbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.backtest_dask.CONNECT_S", 1)
    short = gridbeat("backtest", "--weeks", 12, "--origins", 30)
    assert short.code == 2
    assert "take fewer, or more data" in short.err
    away = gridbeat("backtest", "--weeks", WEEKS, "--light", "--dask", "tcp://127.0.0.1:9")
    assert away.code == 2
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in away.err
