"""The database counts as Python does: intervals, hours of the week and hexagons too."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pandas as pd
import pytest
from psycopg.types.numeric import Float8
from sqlalchemy import text

from analytics.cube import Units, cube_from_events
from analytics.cube_queries import Counting
from analytics.cube_store import (
    count,
    read_area_cube,
    read_cell_cube,
    read_lattice,
)
from analytics.queries import CubeRequest
from analytics.steps import make_steps
from geo.hexagons import refresh_hexagons
from geo.lattice.lattice import cell_of
from geo.models.incidents import FOUND_BY

pytestmark = pytest.mark.db

ZONE = "America/Chicago"
WINDOWS = {
    "hour": (date(2020, 10, 20), date(2020, 11, 10)),
    "hour_of_week": (date(2020, 2, 20), date(2020, 11, 10)),
    "day": (date(2020, 2, 20), date(2020, 11, 10)),
    "week": (date(2020, 2, 20), date(2020, 11, 10)),
    "month": (date(2020, 2, 1), date(2020, 11, 1)),
}


def blur(db, district, *, seed=5):
    """Let two of three incidents be known to the day, the month or a longer interval only."""
    rng = np.random.default_rng(seed)
    events = district["events"].copy()
    start = events["occurred_at"]
    kind = rng.choice(
        ["exact", "day", "month", "odd", "long"], len(events), p=[0.3, 0.3, 0.2, 0.18, 0.02]
    )
    day = start.dt.normalize()
    local = start.dt.tz_localize(None)
    month = local.dt.to_period("M").dt.to_timestamp()
    widths = pd.to_timedelta(rng.integers(1, 86_400_000_000, len(events)), unit="us")
    begin = start.where(kind != "day", day).where(kind != "month", month.dt.tz_localize(ZONE))
    day_after = (day.dt.tz_localize(None) + pd.Timedelta(1, "D")).dt.tz_localize(ZONE)
    month_after = (month + pd.offsets.MonthBegin(1)).dt.tz_localize(ZONE)
    until = begin.copy()
    until = until.where(kind != "day", day_after).where(kind != "month", month_after)
    until = until.where(kind != "odd", begin + widths)
    until = until.where(kind != "long", begin + pd.Timedelta(40, "D"))
    refs = [f"r{i + 1}" for i in range(len(events))]
    db.execute(
        text(
            "UPDATE incident i SET occurred_at = s.a, occurred_until = s.b, time_precision = "
            "'interval' FROM unnest(CAST(:r AS text[]), CAST(:a AS timestamptz[]), "
            "CAST(:b AS timestamptz[])) AS s (r, a, b) WHERE i.source_ref = s.r AND i.feed_id = :f"
        ),
        {
            "r": refs, "f": district["feed"],
            "a": begin.dt.to_pydatetime().tolist(), "b": until.dt.to_pydatetime().tolist(),
        },
    )  # fmt: skip
    return events.assign(occurred_at=begin, occurred_until=until)


@pytest.fixture(params=["nothing packed", "all packed", "some noted again"])
def settle(db, request):
    """Return what brings the days' packed columns, after the last change, into a state."""

    def run():
        if request.param != "nothing packed":
            assert refresh_hexagons(db) > 0
        if request.param == "some noted again":
            # Columns that are out of date would be seen if anybody looked at them.
            day = "extract(day FROM {} AT TIME ZONE 'America/Chicago')::int % 4"
            db.execute(text("UPDATE incident_day SET xs = ys, ys = xs, areas = xs "
                            f"WHERE {day.format('since')} < 2"))  # fmt: skip
            db.execute(text("UPDATE incident SET accuracy_m = 1 "
                            f"WHERE {day.format('occurred_at')} = 0"))  # fmt: skip
            db.execute(text("INSERT INTO hexagon_dirty (jurisdiction_id, day) SELECT jurisdiction_id, "
                            f"day FROM incident_day WHERE {day.format('since')} = 1"))  # fmt: skip

    return run


def in_cells(events, lattice):
    cells = cell_of(lattice, events["x_m"].to_numpy(), events["y_m"].to_numpy())
    return events.assign(unit_id=np.where(cells >= 0, lattice.cells[cells], -1))


@pytest.mark.parametrize("step", list(WINDOWS))
@pytest.mark.parametrize("spread", [None, True])
def test_intervals_are_spread_alike_in_the_database_and_in_python(
    db, district, settle, step, spread
):
    events = blur(db, district)
    settle()
    lattice = read_lattice(db, district["id"], cell_size_m=250.0)
    request = CubeRequest(
        district["id"], *WINDOWS[step], step=step, found_by=FOUND_BY, by_class=True, spread=spread
    )
    ours = read_cell_cube(db, request, lattice)
    theirs = cube_from_events(
        in_cells(events, lattice),
        Units("cell", lattice.cells),
        make_steps(*WINDOWS[step], step=step, time_zone=ZONE),
        found_by=ours.found_by, classes=ours.classes, spread=spread,
    )  # fmt: skip
    assert ours.counts.dtype == theirs.counts.dtype
    np.testing.assert_allclose(ours.counts, theirs.counts, rtol=0, atol=1e-12)
    assert ours.counts.sum() > 0
    spreading = spread or step in ("hour", "hour_of_week")
    assert ("vague_time" in ours.left_out) == bool(spreading)


def test_spreading_over_hours_loses_and_doubles_nothing(db, district, settle):
    blur(db, district)
    settle()
    window = (date(2019, 12, 1), date(2021, 3, 1))
    request = CubeRequest(district["id"], *window, step="hour", found_by=FOUND_BY)
    cube, _ = read_area_cube(db, request)
    left = dict(cube.left_out)
    assert left["vague_time"] > 0
    assert left["outside_window"] == pytest.approx(0, abs=1e-9)
    assert cube.counts.sum() + sum(left.values()) == pytest.approx(3000, abs=1e-9)


def test_incidents_that_began_before_the_window_reach_into_it(db, district, settle):
    blur(db, district)
    settle()
    window = (date(2020, 6, 10), date(2020, 6, 20))
    request = CubeRequest(district["id"], *window, step="hour", found_by=FOUND_BY)
    cube, _ = read_area_cube(db, request)
    assert cube.left_out["outside_window"] > 1
    overlapping = db.execute(
        text(
            "SELECT count(*) FROM incident WHERE occurred_at < timestamptz '2020-06-20 00:00-05' "
            "AND (occurred_at >= timestamptz '2020-06-10 00:00-05' OR "
            "(occurred_until > timestamptz '2020-06-10 00:00-05' "
            " AND occurred_at >= timestamptz '2020-06-10 00:00-05' - interval '32 days'))"
        )
    ).scalar_one()
    assert cube.counts.sum() + sum(cube.left_out.values()) == pytest.approx(overlapping, abs=1e-9)


def edge_points(lattice, rng, n):
    """Points anywhere, on corners, on sides, and a float's breadth beside them."""
    size, height = lattice.cell_size_m, lattice.row_height_m
    column = rng.integers(-1, lattice.n_columns + 1, n)
    row = rng.integers(-1, lattice.n_rows + 1, n)
    x = lattice.x0 + column * size + rng.choice([0, 0.25, 0.5, 1], n) * size
    y = lattice.y0 + row * height + rng.integers(0, 7, n) * (height / 6)
    side = rng.choice([-np.inf, 0, np.inf], (2, n))
    x = np.where(side[0] == 0, x, np.nextafter(x, side[0]))
    y = np.where(side[1] == 0, y, np.nextafter(y, side[1]))
    anywhere = rng.random(n) < 0.5
    x[anywhere] = rng.uniform(lattice.x0, lattice.x0 + lattice.n_columns * size, anywhere.sum())
    y[anywhere] = rng.uniform(lattice.y0, lattice.y0 + lattice.n_rows * height, anywhere.sum())
    return x, y


@pytest.mark.parametrize("kind", ["hexagon", "square"])
def test_cells_of_a_hundred_thousand_points_are_the_same_bit_by_bit(db, district, settle, kind):
    rng = np.random.default_rng(3)
    lattice = read_lattice(db, district["id"], cell_size_m=37.3, kind=kind)
    x, y = edge_points(lattice, rng, 100_000)
    db.execute(
        text(
            "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, "
            "source_ref, category_id, found_by, geom, x_m, y_m, content_hash) "
            "SELECT t, t, 'minute', :feed, 'p' || n, (SELECT min(category_id) FROM category "
            "JOIN category_scheme USING (scheme_id) WHERE scheme = 'test'), 'resident', "
            "ST_SetSRID(ST_MakePoint(-87.7, 41.9), 4326), x, y, 0 "
            "FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY AS p (x, y, n), "
            "LATERAL (SELECT timestamptz '2020-12-01 06:00Z' + n * interval '20 seconds') AS s (t)"
        ),
        {"feed": district["feed"], "x": list(map(Float8, x)), "y": list(map(Float8, y))},
    )
    settle()
    window = (date(2020, 12, 1), date(2020, 12, 31))
    request = CubeRequest(district["id"], *window, step="day", found_by=("resident",))
    cube = read_cell_cube(db, request, lattice)
    when = pd.Timestamp("2020-12-01 06:00Z") + pd.to_timedelta(np.arange(1, 100_001) * 20, unit="s")
    ours = pd.DataFrame(
        {"x_m": x, "y_m": y, "occurred_at": when, "found_by": "resident", "category": "all"}
    )
    old = district["events"].assign(category="all")
    old = old[old["found_by"] == "resident"]
    old["occurred_at"] = old["occurred_at"].dt.tz_convert("UTC")
    events = in_cells(pd.concat([ours, old]), lattice)
    theirs = cube_from_events(
        events, Units("cell", lattice.cells), cube.steps, found_by=("resident",), spread=False
    )
    np.testing.assert_array_equal(cube.counts, theirs.counts)
    assert cube.left_out["no_unit"] == theirs.left_out["no_unit"] > 0
    assert cube.counts.sum() > 50_000


def test_counting_a_part_of_the_window_is_that_part_of_the_count(db, district, settle):
    settle()
    lattice = read_lattice(db, district["id"], cell_size_m=200.0, kind="hexagon")
    request = CubeRequest(
        district["id"], date(2020, 1, 1), date(2021, 1, 1), step="day", by_class=True
    )
    steps = make_steps(request.start, request.end, step="day", time_zone=ZONE)
    ids = [row[0] for row in db.execute(text("SELECT category_id FROM category")).all()]

    def read(within):
        counting = Counting(request, steps, (district["feed"],), tuple(ids), within)
        counted = count(db, counting, lattice)
        tally = counted.tally
        return Counter(
            zip(tally.unit, tally.step, tally.kind, tally.source, strict=True)
        ), counted.lost

    whole, whole_lost = read(None)
    part, part_lost = read((100, 130))
    assert part == {key: n for key, n in whole.items() if 100 <= key[1] < 130}
    np.testing.assert_array_equal(part_lost[100:130], whole_lost[100:130])
    assert part_lost.sum() == part_lost[100:130].sum() > 0
    assert len(part) > 0


def test_what_changes_after_days_were_packed_is_counted_at_once(db, district):
    lattice = read_lattice(db, district["id"], cell_size_m=200.0)
    request = CubeRequest(
        district["id"], date(2019, 12, 1), date(2021, 3, 1), step="month", found_by=FOUND_BY
    )
    before = read_cell_cube(db, request, lattice)
    assert refresh_hexagons(db) > 0
    packed = read_cell_cube(db, request, lattice)
    np.testing.assert_array_equal(packed.counts, before.counts)
    day = "occurred_at >= '2020-03-02' AND occurred_at < '2020-03-05'"
    gone = db.execute(text(f"DELETE FROM incident WHERE {day} AND found_by = 'resident'")).rowcount
    moved = db.execute(
        text(f"UPDATE incident SET occurred_at = occurred_at + interval '40 days', "
             f"occurred_until = occurred_until + interval '40 days' WHERE {day}")
    ).rowcount  # fmt: skip
    assert min(gone, moved) > 0
    after = read_cell_cube(db, request, lattice)
    db.execute(text("DELETE FROM incident_day"))
    by_row = read_cell_cube(db, request, lattice)
    np.testing.assert_array_equal(after.counts, by_row.counts)
    assert after.left_out == by_row.left_out
    assert after.counts[:, 3].sum() < before.counts[:, 3].sum()
    assert after.counts[:, 4].sum() > before.counts[:, 4].sum()


def test_several_processes_gather_the_rows_of_one_and_keep_columns_together(db):
    settings = {
        "parallel_setup_cost": "0",
        "min_parallel_table_scan_size": "0",
        "cpu_operator_cost": "1",
    }
    for name, value in settings.items():
        db.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
    ours = "SELECT gathered(attnum::integer), gathered(attnum * 2) FROM pg_attribute"
    plan = "\n".join(db.execute(text(f"EXPLAIN {ours}")).scalars())
    assert "Partial Aggregate" in plan, plan
    one, other = db.execute(text(ours)).one()
    theirs = db.execute(text("SELECT array_agg(attnum::integer) FROM pg_attribute")).scalar_one()
    assert sorted(one) == sorted(theirs)
    assert [2 * number for number in one] == other
    assert db.execute(text("SELECT gathered(1) FROM pg_attribute WHERE false")).scalar_one() == []


def test_a_count_is_planned_with_its_numbers_however_often_it_is_asked(db, district):
    request = CubeRequest(district["id"], date(2020, 1, 1), date(2020, 2, 1), step="week")
    lattice = read_lattice(db, district["id"], cell_size_m=200.0)
    for _ in range(2 * db.connection.driver_connection.prepare_threshold):
        read_cell_cube(db, request, lattice)
    known = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%gathered%(%CASE%'"
    assert db.execute(text(known)).all() == []
