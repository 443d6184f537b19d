from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from analytics.privacy.counts import publish_counts
from geo.errors import InputError

NAN = np.nan


def could_be(published, counts, groups, *, least):
    """Return the least and most that each cell could be for all that is published, ``(n, 2)``.

    The attacker's own calculation, one linear programme for each end.
    """
    n = len(counts)
    sums, known = [], []
    for (names, totals), labels in zip(published.totals, groups, strict=True):
        for name, total in zip(names, totals, strict=True):
            if not np.isnan(total):
                sums.append(np.asarray(labels) == name)
                known.append(total)
    if not np.isnan(published.overall):
        sums.append(np.ones(n))
        known.append(float(published.overall))
    bounds = [(v, v) if v == v else (least, None) for v in published.cells]
    ends = np.empty((n, 2))
    for i in range(n):
        for j, sign in enumerate((1.0, -1.0)):
            found = linprog(
                sign * np.eye(n)[i],
                A_eq=np.array(sums, dtype=float) if sums else None,
                b_eq=known if sums else None,
                bounds=bounds,
            )
            ends[i, j] = sign * np.inf * -1 if found.status == 3 else sign * found.fun
    return ends


@st.composite
def districts(draw):
    """Counts of cells in communities in streets, many of them small."""
    n = draw(st.integers(1, 14))
    counts = draw(
        st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 9, 40]), min_size=n, max_size=n)
    )
    community = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    street = [c // 2 for c in community]
    return np.array(counts), community, street


@settings(max_examples=150, deadline=None)
@given(districts(), st.booleans(), st.booleans())
def test_nobody_can_work_out_that_a_withheld_number_is_small(case, overall, show_zeros):
    counts, *groups = case
    published = publish_counts(counts, groups=groups, overall=overall, show_zeros=show_zeros)
    ends = could_be(published, counts, groups, least=int(show_zeros))
    withheld = np.isnan(published.cells)
    assert (ends[withheld, 1] >= published.k - 1e-6).all()
    assert (ends[withheld, 0] <= counts[withheld]).all()
    assert (ends[withheld, 1] >= counts[withheld]).all()


@settings(max_examples=100, deadline=None)
@given(districts(), st.booleans())
def test_no_small_number_is_shown_and_what_is_shown_is_true(case, show_zeros):
    counts, *groups = case
    published = publish_counts(counts, groups=groups, show_zeros=show_zeros)
    shown = [published.cells, *(totals for _, totals in published.totals)]
    for values in [*shown, published.overall]:
        small = values < published.k
        assert (values[small] == 0).all() if show_zeros else not small.any()
    kept = ~np.isnan(published.cells)
    assert (published.cells[kept] == counts[kept]).all()
    for (names, totals), labels in zip(published.totals, groups, strict=True):
        true = np.array([counts[np.asarray(labels) == name].sum() for name in names])
        there = ~np.isnan(totals)
        assert (totals[there] == true[there]).all()


def test_one_small_cell_of_a_group_takes_the_smallest_other_with_it():
    published = publish_counts(np.array([2, 9, 30, 8, 50]), groups=[list("aaabb")], overall=False)
    np.testing.assert_array_equal(published.cells, [NAN, NAN, 30, 8, 50])
    assert published.small.tolist() == [True, False, False, False, False]
    assert published.protecting.tolist() == [False, True, False, False, False]
    ((names, totals),) = published.totals
    assert (names.tolist(), totals.tolist()) == (["a", "b"], [41, 58])


def test_two_small_cells_whose_sum_is_small_are_not_told_by_it():
    """1 + 1 = 2 would say that both are small; 20 joins them."""
    published = publish_counts(np.array([1, 1, 20, 30]))
    np.testing.assert_array_equal(published.cells, [NAN, NAN, NAN, 30])
    assert published.overall == 52


def test_a_small_group_is_not_told_by_the_total_over_groups():
    """Group a holds 3 in all: the total less group b would be 3."""
    published = publish_counts(np.array([1, 2, 30, 20]), groups=[list("aabb")])
    ((_, totals),) = published.totals
    assert np.isnan(totals).all()
    assert published.overall == 53
    np.testing.assert_array_equal(published.cells, [NAN, NAN, 30, NAN])


def test_without_totals_only_small_numbers_are_withheld():
    published = publish_counts(np.array([0, 4, 5, 60]), overall=False)
    np.testing.assert_array_equal(published.cells, [NAN, NAN, 5, 60])
    assert published.text(published.cells).tolist() == ["<5", "<5", "5", "60"]
    assert np.isnan(published.overall)
    assert published.legend("en") == "<5: fewer than 5"


def test_with_totals_one_mark_stands_for_both_reasons():
    published = publish_counts(np.array([2, 9, 30]))
    assert published.text(published.cells).tolist() == ["*", "*", "30"]
    assert "worked out" in published.legend("en")
    assert "推算" in published.legend("zh")


def test_steps_are_protected_each_by_itself():
    published = publish_counts(np.array([[2, 7], [9, 8], [30, 40]]), groups=[["a", "a", "a"]])
    np.testing.assert_array_equal(published.cells, [[NAN, 7], [NAN, 8], [30, 40]])
    assert published.overall.tolist() == [41, 55]
    assert published.totals[0][1].tolist() == [[41, 55]]


def test_zeros_may_be_shown():
    counts = np.array([0, 0, 3, 12, 50])
    published = publish_counts(counts, show_zeros=True)
    np.testing.assert_array_equal(published.cells, [0, 0, NAN, NAN, 50])
    hidden = publish_counts(counts)
    assert np.isnan(hidden.cells[:3]).all()


def test_zeros_shown_give_a_least_of_one_to_what_is_withheld():
    """Three withheld cells of at least 1 that sum to 6: none can be more than 4."""
    published = publish_counts(np.array([2, 2, 2, 9, 70]), show_zeros=True)
    np.testing.assert_array_equal(published.cells, [NAN, NAN, NAN, NAN, 70])


def test_nothing_is_withheld_where_nothing_is_small():
    published = publish_counts(np.array([5, 6, 7]), groups=[["a", "a", "b"]])
    assert published.cells.tolist() == [5, 6, 7]
    assert not (published.small | published.protecting).any()


def test_no_cells_give_an_empty_publication():
    published = publish_counts(np.zeros(0, dtype=np.int64), groups=[[]])
    assert published.cells.shape == (0,)
    assert published.totals[0][1].shape == (0,)


def test_a_lattice_of_a_city_with_a_year_of_weeks_is_protected():
    rng = np.random.default_rng(3)
    counts = rng.poisson(rng.gamma(0.3, 8.0, (2000, 1)), (2000, 52))
    community = np.arange(2000) // 25
    published = publish_counts(counts, groups=[community, community // 8])
    withheld = np.isnan(published.cells)
    assert published.small.sum() < withheld.sum() < published.cells.size
    # By step and community with a shown total: none, or at least two that sum to at least 5.
    for step in (0, 30, 51):
        shown = ~np.isnan(published.totals[0][1][:, step])
        n = np.bincount(community, weights=withheld[:, step])
        total = np.bincount(community, weights=np.where(withheld, counts, 0)[:, step])
        assert ((n == 0) | ((n >= 2) & (total >= 5)))[shown].all()


def test_what_cannot_be_protected_is_refused():
    with pytest.raises(InputError, match="several groups"):
        publish_counts(np.array([9, 9]), groups=[["a", "a"], ["x", "y"]])
    with pytest.raises(InputError, match="1 labels for 2 cells"):
        publish_counts(np.array([9, 9]), groups=[["a"]])
    with pytest.raises(InputError, match="whole"):
        publish_counts(np.array([0.5]))
    with pytest.raises(InputError, match="whole"):
        publish_counts(np.array([-1]))
    with pytest.raises(InputError, match="k is 1"):
        publish_counts(np.array([1]), k=1)
