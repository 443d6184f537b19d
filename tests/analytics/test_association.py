from __future__ import annotations

import warnings
from itertools import combinations, pairwise

import libpysal.weights
import numpy as np
import pytest

from analytics.association import join_counts, local_join_counts, local_moran
from analytics.hotspots import HotspotParams, local_g
from geo.errors import InputError


@pytest.fixture(scope="module")
def esda():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import esda as library
    return library


def patch(rng, n_rows=14, n_columns=15):
    mean = np.full((n_rows, n_columns), 2.0)
    mean[2:6, 2:6] = 20
    mean[9:13, 9:14] = 8
    mean[4, 4] = 0.01
    return rng.poisson(mean).ravel()


@pytest.mark.parametrize("weights", ["row", "binary"])
@pytest.mark.parametrize("contiguity", ["queen", "rook"])
def test_local_moran_is_that_of_esda(near, esda, weights, contiguity):
    y = patch(np.random.default_rng(1))
    w = libpysal.weights.lat2W(14, 15, rook=contiguity == "rook")
    w.transform = "R" if weights == "row" else "B"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = esda.Moran_Local(y.astype(float), w, transformation=w.transform, permutations=0)
    ours = local_moran(y, near(14, 15, contiguity=contiguity), weights=weights)
    np.testing.assert_allclose(ours.i, theirs.Is, atol=1e-9)
    names = {1: "high-high", 2: "low-high", 3: "low-low", 4: "high-low"}
    for i in np.flatnonzero(ours.label != "none"):
        assert ours.label[i] == names[int(theirs.q[i])]


def test_local_moran_has_the_chance_of_permuting_the_others(near):
    rng = np.random.default_rng(2)
    y = rng.poisson(3.0, 30)
    indptr, indices = near(5, 6)
    ours = local_moran(y, (indptr, indices), weights="row")
    z = y - y.mean()
    for i in (0, 7, 16):
        k = indptr[i + 1] - indptr[i]
        others = np.delete(z, i)
        draws = np.array([rng.permutation(others)[:k].mean() for _ in range(6000)])
        observed = z[indices[indptr[i] : indptr[i + 1]]].mean()
        tail = min((draws >= observed - 1e-9).mean(), (draws <= observed + 1e-9).mean())
        assert ours.p[i] == pytest.approx(min(1, 2 * tail), abs=0.04)


def test_planted_patch_and_its_hole_are_told_apart(near):
    found = local_moran(patch(np.random.default_rng(1)), near(14, 15))
    label = found.label.reshape(14, 15)
    assert label[3, 3] == "high-high"
    assert label[4, 4] == "low-high"
    star = local_g(patch(np.random.default_rng(1)), near(14, 15), HotspotParams(star=False))
    np.testing.assert_array_equal(found.p, star.tails.two_sided)


def test_equal_values_and_islands_have_no_association(near):
    flat = local_moran(np.full(20, 3), near(4, 5))
    assert np.isnan(flat.i).all()
    assert set(flat.label) == {"none"}
    alone = local_moran(np.array([1, 2, 9]), (np.array([0, 1, 2, 2]), np.array([1, 0])))
    assert np.isnan(alone.p[2])
    nobody = (np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert local_moran(np.zeros(0), nobody).i.shape == (0,)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_join_counts_are_those_of_esda(near, esda, share):
    y = (np.random.default_rng(3).random(14 * 15) < share).astype(int)
    w = libpysal.weights.lat2W(14, 15, rook=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.random.seed(1)  # noqa: NPY002 (esda draws from the old generator)
        theirs = esda.Join_Counts(y, w, permutations=999)
    ours = join_counts(y, near(14, 15, contiguity="rook"))
    assert [ours[name].count for name in ("marked", "unmarked", "mixed")] == [
        theirs.bb,
        theirs.ww,
        theirs.bw,
    ]
    error = 4 * np.sqrt(ours["marked"].variance / 999)
    assert ours["marked"].expected == pytest.approx(theirs.mean_bb, abs=error)
    error = 4 * np.sqrt(ours["mixed"].variance / 999)
    assert ours["mixed"].expected == pytest.approx(theirs.mean_bw, abs=error)


@pytest.mark.parametrize("n_marked", [0, 1, 3, 4, 8])
def test_moments_of_join_counts_are_those_of_all_arrangements(near, n_marked):
    around = near(2, 4)
    counts = {"marked": [], "unmarked": [], "mixed": []}
    for chosen in combinations(range(8), n_marked):
        y = np.isin(np.arange(8), chosen)
        found = join_counts(y, around)
        for name, values in counts.items():
            values.append(found[name].count)
    for name, values in counts.items():
        assert found[name].expected == pytest.approx(np.mean(values), abs=1e-9)
        assert found[name].variance == pytest.approx(np.var(values), abs=1e-9)
    assert 0 <= found["marked"].p <= 1


def test_local_join_counts_have_the_chance_of_all_arrangements(near):
    indptr, indices = near(3, 3)
    y = np.array([1, 1, 0, 0, 1, 0, 0, 0, 1])
    counts, p = local_join_counts(y, (indptr, indices))
    links = [indices[a:b] for a, b in pairwise(indptr)]
    assert counts.tolist() == [2, 2, 0, 0, 3, 0, 0, 0, 1]
    for i in np.flatnonzero(y):
        others = [j for j in range(9) if j != i]
        draws = [len(set(c) & set(links[i].tolist())) for c in combinations(others, 3)]
        assert p[i] == pytest.approx(np.mean(np.array(draws) >= counts[i]))
    assert np.isnan(p[y == 0]).all()


def test_marks_other_than_zero_and_one_are_refused(near):
    with pytest.raises(InputError, match="1 or 0"):
        join_counts(np.arange(20), near(4, 5))
