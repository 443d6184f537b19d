from __future__ import annotations

import warnings

import libpysal.weights
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cube import Cube, Units
from analytics.hotspots import HotspotParams, find_hotspots, local_g
from analytics.results import label_text
from geo.errors import InputError

NORMAL = HotspotParams(chance="normal")


def draw_values(name, n, rng):
    if name == "sparse counts":
        return rng.poisson(0.2, n)
    if name == "crowded counts":
        return rng.poisson(rng.gamma(0.5, 40, n))
    if name == "rates":
        return rng.gamma(2.0, 0.01, n)
    return rng.normal(1000.0, 1.0, n)


@pytest.fixture(scope="module")
def esda_g():
    """Return esda's local G without its permutations, whose compiling takes long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local

    def run(y, weights, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return G_Local(np.asarray(y, dtype=float), weights, **options)

    return run


@pytest.mark.parametrize("values", ["sparse counts", "crowded counts", "rates", "far from zero"])
@pytest.mark.parametrize("weights", ["binary", "row"])
@pytest.mark.parametrize("star", [True, False])
@pytest.mark.parametrize("contiguity", ["queen", "rook"])
def test_z_is_that_of_esda_on_all_cells_with_the_border(
    near, esda_g, values, weights, star, contiguity
):
    y = draw_values(values, 17 * 23, np.random.default_rng(11))
    lat = libpysal.weights.lat2W(17, 23, rook=contiguity == "rook")
    theirs = esda_g(
        y, lat, star=star, transform="B" if weights == "binary" else "R", permutations=0
    )
    params = HotspotParams(star=star, weights=weights, chance="normal")
    ours = local_g(y, near(17, 23, contiguity=contiguity), params)
    tolerance = 1e-6 if values == "far from zero" else 1e-9  # esda squares uncentred values
    np.testing.assert_allclose(ours.z, theirs.Zs, rtol=0, atol=tolerance)
    np.testing.assert_allclose(
        np.minimum(ours.tails.upper, ours.tails.lower), theirs.p_norm, rtol=0, atol=tolerance
    )


def test_z_is_that_of_esda_on_irregular_neighbours_with_an_island(esda_g):
    links = {0: [1, 2], 1: [0], 2: [0, 3, 4], 3: [2], 4: [2], 5: []}
    y = np.array([3, 0, 4, 9, 1, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = esda_g(y, libpysal.weights.W(links), star=True, transform="B", permutations=0)
    indptr = np.cumsum([0] + [len(links[i]) for i in range(6)])
    indices = np.array([j for i in range(6) for j in links[i]])
    ours = local_g(y, (indptr, indices))
    np.testing.assert_allclose(ours.z, theirs.Zs, rtol=0, atol=1e-9)
    assert (ours.tails.upper[5], ours.tails.lower[5]) == (1.0, 1.0)


def test_three_by_three_lattice_by_hand(near):
    """One incident in a corner: mean 1/9, variance 8/81; a corner's star holds 4 of 9 cells."""
    y = np.zeros(9, dtype=int)
    y[0] = 1
    found = local_g(y, near(3, 3))
    corner = (1 - 4 / 9) / np.sqrt(8 / 81 * 4 * 5 / 8)
    assert found.z[0] == pytest.approx(corner, abs=1e-12)
    assert np.isnan(found.z[4])  # the centre's neighbourhood is everything
    assert found.z[8] == pytest.approx(-4 / 9 / np.sqrt(8 / 81 * 4 * 5 / 8), abs=1e-12)
    # Cell 1 has 5 neighbours of 8 others; the one incident is among them with chance 5/8.
    assert found.tails.upper[1] == pytest.approx(5 / 8, abs=1e-14)
    assert found.tails.lower[1] == pytest.approx(1.0, abs=1e-14)
    # Cell 8 has 3, none of them the incident: chance 5/8 to see none.
    assert found.tails.lower[8] == pytest.approx(5 / 8, abs=1e-14)
    # The incident's own cell has nothing to deal out.
    assert (found.tails.upper[0], found.tails.lower[0]) == (1.0, 1.0)


def test_star_and_weights_do_not_change_the_permutation_law(near):
    y = np.random.default_rng(2).poisson(1.0, 30)
    first, second = (
        local_g(y, near(5, 6), HotspotParams(star=star, weights=weights)).tails
        for star, weights in ((True, "binary"), (False, "row"))
    )
    np.testing.assert_array_equal(first.upper, second.upper)


def test_a_planted_spot_is_hot_a_planted_gap_is_cold_and_the_rest_is_neither(near, cube_of):
    rng = np.random.default_rng(8)
    grid = rng.poisson(4.0, (30, 30))
    grid[5:9, 5:9] = rng.poisson(20.0, (4, 4))
    grid[20:26, 20:26] = 0
    result = find_hotspots(cube_of(grid.reshape(-1, 1)), near(30, 30))
    labels = result.label.reshape(30, 30)
    assert (labels[5:9, 5:9] == "hot").all()
    assert (labels[21:25, 21:25] == "cold").all()
    away = np.ones((30, 30), bool)
    away[4:10, 4:10] = away[19:27, 19:27] = False
    assert (labels[away] == "none").mean() > 0.99
    assert result.parameters["chance"] == "exact"
    assert sum(result.count_labels().values()) == 900


def test_false_discoveries_keep_to_alpha_where_nothing_is_planted(near, cube_of):
    """Without any structure the chance of calling even one unit is at most alpha."""
    rng = np.random.default_rng(3)
    neighbours = near(15, 15)
    alarms = [
        (find_hotspots(cube_of(rng.poisson(1.0, (225, 1))), neighbours).label != "none").any()
        for _ in range(200)
    ]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_equal_counts_everywhere_are_no_hotspot(near, cube_of):
    for level in (0, 3):
        result = find_hotspots(cube_of(np.full((12, 2), level)), near(3, 4))
        assert np.isnan(result.score).all()
        assert (result.p == 1).all()
        assert (result.label == "none").all()
    flat = local_g(np.full(12, 0.1), near(3, 4), NORMAL)
    assert np.isnan(flat.z).all()


def test_no_units_give_empty_arrays():
    empty = np.array([0]), np.array([], dtype=np.int64)
    found = local_g(np.array([], dtype=int), empty)
    assert found.z.shape == found.tails.upper.shape == (0,)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 6))
def test_z_and_p_do_not_depend_on_the_order_of_the_units(seed, n_rows, n_columns):
    rng = np.random.default_rng(seed)
    n = n_rows * n_columns
    y = rng.poisson(1.5, n)
    linked = np.triu(rng.random((n, n)) < 0.3, 1)
    linked |= linked.T
    order = rng.permutation(n)
    plain = local_g(y, as_csr(linked))
    mixed = local_g(y[order], as_csr(linked[np.ix_(order, order)]))
    np.testing.assert_allclose(mixed.z, plain.z[order], atol=1e-10)
    np.testing.assert_allclose(mixed.tails.upper, plain.tails.upper[order], atol=1e-12)


def as_csr(linked):
    rows, columns = np.nonzero(linked)
    return np.searchsorted(rows, np.arange(len(linked) + 1)), columns


def test_rates_need_a_seeded_generator_and_then_repeat_exactly(near):
    y = np.random.default_rng(5).gamma(2.0, size=20)
    with pytest.raises(InputError, match="hand in rng"):
        local_g(y, near(4, 5))
    with pytest.raises(InputError, match='not counts; use chance="simulated"'):
        local_g(y, near(4, 5), HotspotParams(chance="exact"))
    runs = [local_g(y, near(4, 5), rng=np.random.default_rng(1)).tails.upper for _ in range(2)]
    np.testing.assert_array_equal(*runs)


def test_counts_too_large_for_the_exact_law_are_simulated(near):
    y = np.arange(1, 21) * 100_000_003
    found = local_g(y, near(4, 5), rng=np.random.default_rng(1))
    assert found.chance == "simulated"


def test_malformed_neighbours_are_refused(near):
    y = np.arange(4)
    indptr = np.array([0, 1, 2, 3, 4])
    with pytest.raises(InputError, match="describe 3 units, the values are 4"):
        local_g(y, (np.array([0, 1, 2, 3]), np.array([1, 0, 3])))
    with pytest.raises(InputError, match="its own neighbour"):
        local_g(y, (indptr, np.array([0, 0, 3, 2])))
    with pytest.raises(InputError, match="outside the units"):
        local_g(y, (indptr, np.array([1, 0, 4, 2])))
    with pytest.raises(InputError, match="named twice"):
        local_g(y, (np.array([0, 2, 3, 4, 5]), np.array([1, 1, 0, 3, 2])))
    with pytest.raises(InputError, match="missing or infinite"):
        local_g(np.array([1.0, np.nan, 0, 0]), (indptr, np.array([1, 0, 3, 2])))
    with pytest.raises(InputError, match="alpha"):
        HotspotParams(alpha=5)


def test_counts_of_patrols_do_not_make_a_hotspot_unless_asked(near, cube_of):
    plain = cube_of(np.random.default_rng(8).poisson(2.0, (100, 1)))
    counts = np.concatenate((plain.counts, np.zeros_like(plain.counts)), axis=3)
    counts[[44, 45, 54, 55], 0, 0, 1] = 90
    cube = Cube(
        counts, Units("cell", np.arange(100)), plain.steps, ("dump",), ("resident", "patrol")
    )
    reported = find_hotspots(cube, near(10, 10))
    both = find_hotspots(cube, near(10, 10), HotspotParams(found_by=("resident", "patrol")))
    assert "hot" not in reported.label
    assert both.label[44] == "hot"
    assert reported.parameters["found_by"] == ["resident"]


def test_labels_have_words_in_both_languages():
    assert label_text("hot", "zh") == "热点"
    assert label_text("cold", "en") == "cold spot"
    with pytest.raises(InputError, match="unknown"):
        label_text("warm", "en")
