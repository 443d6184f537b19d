from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sqlalchemy import text

from analytics.backtest_design import BacktestDesign
from analytics.backtest_store import ask_backtest, read_arena, read_choices, read_scores
from analytics.cube_parquet import read_arena_file, write_arena
from analytics.cube_store import read_lattice
from analytics.outlook_store import ForecastParams, read_outlook, store_outlook
from analytics.queries import CubeRequest
from analytics.recompute import compare, recompute
from analytics.store import Origin, read_result, write_listing
from analytics.street_store import read_streets
from geo.models.base import FOUND_BY

pytestmark = pytest.mark.db
FIRST, LAST = date(2020, 1, 1), date(2021, 1, 1)


@pytest.fixture
def origin(district):
    request = CubeRequest(district["id"], FIRST, LAST, by_class=True, found_by=FOUND_BY)
    return Origin(request, "0.1.0", seed=1, level="grid")


def test_a_stored_backtest_comes_out_the_same_again_bit_by_bit(db, origin):
    design = BacktestDesign(n_origins=4, suite="light", by=("class", "source", "community"))
    listing = ask_backtest(db, origin, design)
    number = write_listing(db, listing, origin)
    stored = read_result(db, number)
    assert stored.run["parameters"]["method"]["embargo_steps"] == 0
    compared = compare(stored.rows, recompute(db, stored))
    assert compared.n_rows == len(listing.rows)
    assert compared.identical
    areas = set(read_scores(db, number)["area"])
    assert areas == {"", "west", "east"}
    assert set(read_scores(db, number)["found_by"]) == {"reported", *FOUND_BY}


def test_the_newest_choice_over_the_same_units_is_read(db, district, origin):
    design = BacktestDesign(n_origins=4, suite="light")
    assert read_choices(db, origin) == {}
    write_listing(db, ask_backtest(db, origin, design), origin)
    second = write_listing(db, ask_backtest(db, origin, design), origin)
    choices = read_choices(db, origin)
    assert {chosen.result_run_id for chosen in choices.values()} == {second}
    assert set(choices) == {"all", "dump", "noise", "park"}
    assert all(chosen.why_zh and chosen.why_en for chosen in choices.values())
    lattice = read_lattice(db, district["id"], cell_size_m=250.0)
    cells = Origin(origin.request, "0.1.0", lattice=lattice)
    assert read_choices(db, cells) == {}


def test_streets_are_backtested_by_their_length_and_go_to_workers_as_they_are(
    db, roaded, origin, tmp_path
):
    streets = read_streets(db, roaded["id"])
    on_streets = replace(origin, level=None, streets=streets)
    arena = read_arena(db, on_streets)
    np.testing.assert_array_equal(arena.area, streets.length_m / 1000)
    np.testing.assert_array_equal(arena.places.x, streets.middles[0])
    again = read_arena_file(write_arena(tmp_path / "streets.parquet", arena))
    np.testing.assert_array_equal(again.cube.counts, arena.cube.counts)
    np.testing.assert_array_equal(again.area, arena.area)
    assert again.cube.units.kind == "segment"
    listing = ask_backtest(db, on_streets, BacktestDesign(n_origins=4, suite="light", by=()))
    number = write_listing(db, listing, on_streets)
    assert compare((stored := read_result(db, number)).rows, recompute(db, stored)).identical
    assert {one.result_run_id for one in read_choices(db, on_streets).values()} == {number}
    assert read_choices(db, origin) == {}


def test_cells_know_their_places_and_communities(db, district, origin):
    lattice = read_lattice(db, district["id"], cell_size_m=250.0)
    arena = read_arena(db, Origin(origin.request, "0.1.0", lattice=lattice), communities=True)
    assert len(arena.places) == len(arena.cube.units) == lattice.n_cells
    assert arena.cube.classes == ("dump", "noise", "park")
    west = arena.places.x[arena.groups["west"]] - district["corner"]["x"]
    assert (
        west.max() < 1000 < (arena.places.x[arena.groups["east"]] - district["corner"]["x"]).min()
    )
    rows = np.sort(np.concatenate(list(arena.groups.values())))
    np.testing.assert_array_equal(rows, np.arange(len(arena.places)))


def test_a_forecast_is_stored_with_its_interval_and_comes_out_the_same_again(db, district):
    request = CubeRequest(district["id"], date(2020, 10, 1), LAST)
    params = ForecastParams(n_origins=4)
    made = store_outlook(db, request, params, level="grid", code_version="0.1.0", seed=1)
    assert set(made) == {"forecast", "backtest"}
    stored = read_result(db, made["forecast"])
    assert compare(stored.rows, recompute(db, stored)).identical
    outlook = read_outlook(db, district["id"], level="grid", until=stored.run["window_to"])
    assert outlook is not None
    assert (outlook.total["low"] <= outlook.total["expected"]).all()
    assert (outlook.total["expected"] <= outlook.total["high"]).all()
    assert set(outlook.expected.columns) == {"dump", "noise", "park"}
    # Half of 3,000 incidents of a year were reported, none outside: some 27 a week.
    assert outlook.total["expected"].sum() == pytest.approx(27, rel=0.25)
    assert outlook.expected.to_numpy().sum() == pytest.approx(27, rel=0.25)
    assert outlook.why_en


def test_late_reports_raise_the_forecast_to_what_is_really_expected(db, district):
    """Two of three reports come two weeks late: what was not in yet is taken out, then forecast."""
    request = CubeRequest(district["id"], date(2020, 10, 1), LAST)
    params = ForecastParams(n_origins=4)
    seed = {"level": "grid", "code_version": "0.1.0", "seed": 1}
    full = store_outlook(db, request, params, **seed)["forecast"]
    db.execute(
        text(
            "UPDATE incident SET reported_at = occurred_at + "
            "CASE WHEN incident_id % 3 > 0 THEN interval '16 days' ELSE interval '0' END"
        )
    )
    db.execute(text("DELETE FROM incident WHERE reported_at >= '2021-01-01'"))
    db.execute(text("DELETE FROM result_run"))
    made = store_outlook(db, request, params, **seed)
    late = read_result(db, made["forecast"])
    assert late.run["parameters"]["method"]["embargo_steps"] == 3
    expected = read_result(db, made["forecast"]).rows["score"].astype(float).sum()
    assert expected == pytest.approx(27, rel=0.25)
    assert full < made["forecast"]
