from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cube import Cube, Units
from analytics.scan import find_scan_clusters
from analytics.scan_discs import COLUMNS
from analytics.scan_field import lay_field
from analytics.scan_kernel import (
    best_of_each_centre,
    disc_half_widths,
    expect,
    leave_out,
    log_ratio,
    sum_along,
)
from analytics.scan_params import ScanParams
from analytics.scan_search import Search, fewest_counts, largest_expected
from analytics.steps import make_steps
from geo.errors import InputError
from geo.lattice.lattice import make_lattice


@pytest.fixture
def days():
    """Return a builder of a cube of days on a lattice from ``(n_cells, n_steps)``."""

    def build(series, lattice):
        series = np.asarray(series)
        start = date(2026, 3, 1)
        end = date.fromordinal(start.toordinal() + series.shape[1])
        steps = make_steps(start, end, step="day", time_zone="Asia/Shanghai")
        units = Units("cell", lattice.cells)
        counts = series.astype(np.uint32)[:, :, None, None]
        return Cube(counts, units, steps, ("dump",), ("resident",))

    return build


def quiet_town(rng, n_rows, n_columns, n_steps, *, mean=0.15):
    """Return counts with places and days that always have more, and no cluster."""
    place = rng.gamma(2, 0.5, n_rows * n_columns)
    day = 1 + 0.4 * np.sin(np.arange(n_steps) * 2 * np.pi / 7)
    return rng.poisson(mean * place[:, None] * day[None, :])


def by_hand(series, mean, n_rows, n_columns, windows, largest, most):
    """Return the best ratio around each centre by loops over everything."""
    total = series.sum()
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    best = np.zeros(len(series))
    for i in range(len(series)):
        for k in range(largest + 1):
            inside = (row - row[i]) ** 2 + (column - column[i]) ** 2 <= k * k
            for a, b in windows:
                c, e = series[inside, a:b].sum(), mean[inside, a:b].sum()
                if c > e and 0 < e <= most:
                    rest = (total - c) * np.log((total - c) / (total - e)) if c < total else 0
                    best[i] = max(best[i], c * np.log(c / e) + rest)
    return best


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 7), st.integers(2, 7), st.integers(1, 6), st.integers(0, 3), st.integers(0, 99)
)
def test_the_kernel_finds_what_loops_over_all_cylinders_find(
    n_rows, n_columns, n_steps, largest, seed
):
    rng = np.random.default_rng(seed)
    series = rng.poisson(0.6, (n_rows * n_columns, n_steps)).astype(float)
    series[0, 0] += 1
    mean = np.outer(series.sum(axis=1), series.sum(axis=0)) / series.sum()
    windows = [(a, b) for b in range(1, n_steps + 1) for a in range(b)]
    half = disc_half_widths(largest)
    tables = [
        sum_along(np.ascontiguousarray(part.T.reshape(n_steps, n_rows, n_columns)), largest)
        for part in (series, mean)
    ]
    spans, total = np.array(windows), series.sum()
    expected = expect(tables[1], spans, half, n_columns)
    expected = leave_out(expected, total=total, most=0.5 * total)
    found, window, radius = best_of_each_centre(tables[0], expected, spans, half, total)
    hand = by_hand(series, mean, n_rows, n_columns, windows, largest, 0.5 * total)
    np.testing.assert_allclose(found.ravel(), hand, atol=1e-9)
    assert window.max() < len(windows)
    assert radius.max() <= largest


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 19), st.integers(1, 6), st.integers(1, 6), st.integers(0, 3), st.integers(0, 99),
    st.sampled_from([[4.0, 0.0], [0.0], [1e6, 0.5, 0.0]]), st.sampled_from([0.0, 0.3, 40_000.0]),
)  # fmt: skip
def test_a_run_finds_the_best_ratio_to_the_last_bit_whatever_the_floors(
    n_columns, n_rows, n_steps, largest, seed, floors, many
):
    rng = np.random.default_rng(seed)
    volume = rng.poisson(0.6, (n_steps, n_rows, n_columns))
    volume[0, 0, 0] += 1 + int(many)
    how = ScanParams(mode="retrospective", radius_cells=largest, longest_steps=n_steps)
    mean = np.einsum("trc,s->src", volume, volume.sum(axis=(1, 2))) / volume.sum()
    field = lay_field(volume.astype(float), mean, how)
    other = rng.permutation(volume.ravel()).reshape(volume.shape)
    table = field.table(other.astype(float))
    each, _, _ = best_of_each_centre(table, field.expected, field.windows, field.half, field.total)
    assert Search(field, floors).best(other) == each.max()


def test_what_a_cylinder_needs_is_the_fewest_that_lift_its_ratio_above_the_floor():
    total = 200.0
    expected = np.random.default_rng(3).uniform(0.001, 0.5, (2, 3, 4, 5)) * total
    expected[0, 0, 0, 0] = total  # left out
    for floor in (0.0, 1.5, 9.0):
        limits = largest_expected(floor, total)
        need = fewest_counts(expected, limits, np.int16)[:, :, :, :5].transpose(2, 0, 1, 3)
        passes = np.array(
            [[log_ratio(float(c), e, total) > floor for c in range(201)] for e in expected.ravel()]
        )
        fewest = np.where(passes.any(axis=1), passes.argmax(axis=1), 201)
        np.testing.assert_array_equal(need.ravel(), fewest)


def test_runs_end_when_enough_of_them_reached_what_was_seen_whoever_made_them(lattice, days):
    grid = lattice(8, 8)
    cube = days(quiet_town(np.random.default_rng(8), 8, 8, 14), grid)
    full, *short = (
        find_scan_clusters(
            cube, grid, ScanParams(radius_cells=3, replicates=99, enough=enough),
            rng=np.random.default_rng(9), workers=workers,
        )
        for enough, workers in ((0, 1), (5, 1), (5, 3))
    )  # fmt: skip
    seen = full.result.score.max()
    reached = np.flatnonzero(full.replicates >= seen - 1e-9)
    assert len(reached) > 5
    for found in short:
        np.testing.assert_array_equal(found.replicates, full.replicates[: reached[4] + 1])
        assert found.clusters["p_value"].iloc[0] == 6 / (reached[4] + 2)
        assert found.result.parameters["runs"] == reached[4] + 1


def test_an_outbreak_is_never_cut_short(lattice, days):
    grid = lattice(8, 8)
    series = quiet_town(np.random.default_rng(8), 8, 8, 14)
    series[20, -1] += 15
    told = []
    found = find_scan_clusters(
        days(series, grid), grid, ScanParams(radius_cells=3, replicates=50, enough=5),
        rng=np.random.default_rng(9), tell=told.append,
    )  # fmt: skip
    assert found.clusters["p_value"].iloc[0] == 1 / 51
    assert [stage.done for stage in told] == [0, 16, 32, 48]
    assert {(stage.replicates, stage.cylinders) for stage in told} == {(50, 14 * 4 * 9 * 9)}


@pytest.mark.parametrize("model", ["permutation", "poisson"])
@pytest.mark.parametrize("mode", ["prospective", "retrospective"])
def test_a_planted_outbreak_is_found_where_and_when_it_is(lattice, days, model, mode):
    rng = np.random.default_rng(2)
    grid = lattice(16, 18)
    series = rng.poisson(0.15, (16 * 18, 20))
    row, column = np.divmod(np.arange(16 * 18), 18)
    inside = (row - 9) ** 2 + (column - 5) ** 2 <= 4
    when = slice(16, 20) if mode == "prospective" else slice(8, 12)
    series[inside, when] += rng.poisson(1.2, (inside.sum(), 4))
    params = ScanParams(model=model, mode=mode, radius_cells=4, longest_steps=7, replicates=99)
    base = np.ones(len(series)) if model == "poisson" else None
    found = find_scan_clusters(
        days(series, grid), grid, params, baseline=base, rng=np.random.default_rng(3)
    )
    assert tuple(found.clusters.columns) == COLUMNS
    top = found.clusters.iloc[0]
    assert top["p_value"] == 0.01
    assert np.hypot(top["x_m"] - 550, top["y_m"] - 950) <= 150
    assert abs(top["first_step"] - when.start) <= 1
    assert abs(top["last_step"] - (when.stop - 1)) <= 1
    assert top["ratio"] > 2  # by permutation the outbreak raises its own expectation
    hot = found.result.label == "hot"
    assert (hot & inside).sum() > 0.6 * inside.sum()
    assert (found.clusters["p_value"].iloc[1:] > 0.01).all()
    assert np.isnan(top["recurrence_days"]) == (mode == "retrospective")
    if mode == "prospective":
        assert top["recurrence_days"] == pytest.approx(100)


def test_figures_of_a_cluster_add_up(lattice, days):
    grid = lattice(9, 9)
    series = quiet_town(np.random.default_rng(4), 9, 9, 15)
    series[40, -2:] += 5
    found = find_scan_clusters(
        days(series, grid), grid, ScanParams(radius_cells=3, replicates=19),
        rng=np.random.default_rng(5),
    )  # fmt: skip
    for _, row in found.clusters.iterrows():
        assert row["log_likelihood_ratio"] == pytest.approx(
            log_ratio(row["observed"], row["expected"], float(series.sum()))
        )
    x, y = found.clusters["x_m"].to_numpy(), found.clusters["y_m"].to_numpy()
    reach = found.clusters["radius_m"].to_numpy()
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(len(x))
    assert (apart > np.maximum(reach[:, None], reach)).all()


def test_places_that_always_have_more_raise_no_alarm_by_permutation(lattice, days):
    grid = lattice(10, 10)
    rng = np.random.default_rng(6)
    params = ScanParams(radius_cells=3, longest_steps=7, replicates=39)
    p = []
    for _ in range(60):
        series = quiet_town(rng, 10, 10, 21)
        found = find_scan_clusters(days(series, grid), grid, params, rng=rng)
        p.append(found.clusters["p_value"].iloc[0])
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.1)


def test_poisson_alarms_come_at_the_level_asked_for(lattice, days):
    grid = lattice(8, 8)
    rng = np.random.default_rng(7)
    base = rng.gamma(2, 0.5, 64)
    params = ScanParams(model="poisson", radius_cells=3, longest_steps=5, replicates=39)
    p = [
        find_scan_clusters(
            days(rng.poisson(0.3 * base[:, None], (64, 10)), grid), grid, params,
            baseline=base, rng=rng,
        ).clusters["p_value"].iloc[0]
        for _ in range(60)
    ]  # fmt: skip
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.1)


def test_workers_and_seeds_change_nothing_but_the_time(lattice, days):
    grid = lattice(8, 8)
    cube = days(quiet_town(np.random.default_rng(8), 8, 8, 14), grid)
    params = ScanParams(radius_cells=3, replicates=20)
    one, two = (
        find_scan_clusters(cube, grid, params, rng=np.random.default_rng(9), workers=w)
        for w in (1, 2)
    )
    np.testing.assert_array_equal(one.replicates, two.replicates)
    np.testing.assert_array_equal(one.result.p, two.result.p)


def test_a_boundary_of_any_shape_keeps_cells_in_their_places(days):
    shape = shapely.Point(600, 600).buffer(600)
    grid = make_lattice(shape, cell_size_m=100, srid=32650)
    series = np.random.default_rng(10).poisson(0.2, (grid.n_cells, 14))
    centre = int(np.argmin(np.abs(np.arange(grid.n_cells) - grid.n_cells // 2)))
    series[centre, -1] += 12
    found = find_scan_clusters(
        days(series, grid), grid, ScanParams(radius_cells=2, replicates=39),
        rng=np.random.default_rng(11),
    )  # fmt: skip
    assert found.result.label[centre] == "hot"
    assert found.clusters["unit_id"].isin(grid.cells).all()


def test_no_incidents_give_no_clusters(lattice, days):
    grid = lattice(4, 4)
    found = find_scan_clusters(
        days(np.zeros((16, 5)), grid), grid, ScanParams(replicates=9), rng=np.random.default_rng(1)
    )
    assert len(found.clusters) == 0
    assert (found.result.p == 1).all()
    assert set(found.result.label) == {"none"}


def test_what_cannot_be_scanned_is_refused(lattice, days):
    grid, rng = lattice(4, 4), np.random.default_rng(1)
    cube = days(np.ones((16, 5)), grid)
    with pytest.raises(InputError, match="another lattice"):
        find_scan_clusters(cube, lattice(4, 5), rng=rng)
    with pytest.raises(InputError, match="needs a baseline"):
        find_scan_clusters(cube, grid, ScanParams(model="poisson"), rng=rng)
    with pytest.raises(InputError, match="takes no baseline"):
        find_scan_clusters(cube, grid, baseline=np.ones(16), rng=rng)
    with pytest.raises(InputError, match="0 where incidents"):
        find_scan_clusters(cube, grid, ScanParams(model="poisson"), baseline=np.zeros(16), rng=rng)
    with pytest.raises(InputError, match="cylinders"):
        find_scan_clusters(
            days(np.ones((10000, 40)), lattice(100, 100)), lattice(100, 100),
            ScanParams(mode="retrospective", longest_steps=30), rng=rng,
        )  # fmt: skip
    with pytest.raises(InputError, match="mode"):
        ScanParams(mode="daily")
