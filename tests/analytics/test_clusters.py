from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.metrics import adjusted_rand_score

from analytics.clusters import (
    find_dense_clusters,
    find_nested_clusters,
    find_space_time_clusters,
    near_pairs,
    summarise_clusters,
)
from geo.errors import InputError


@pytest.fixture
def town():
    """Two knots of 80 and 50 points among 200 scattered ones, on whole metres."""
    rng = np.random.default_rng(1)
    knots = [rng.normal((500, 500), 25, (80, 2)), rng.normal((1500, 800), 25, (50, 2))]
    xy = np.vstack([*knots, rng.uniform(0, 2000, (200, 2))]).round()
    days = np.r_[rng.uniform(0, 5, 80), rng.uniform(0, 365, 250)]
    return xy[:, 0], xy[:, 1], days


def test_dense_clusters_are_those_of_dbscan_on_every_point(town):
    x, y, _ = town
    x, y = np.r_[x, x[:40]], np.r_[y, y[:40]]  # forty incidents at addresses already there
    ours = find_dense_clusters(x, y, radius_m=40, fewest=8)
    theirs = DBSCAN(eps=40, min_samples=8).fit(np.column_stack((x, y)))
    assert adjusted_rand_score(ours.label, theirs.labels_) == 1
    np.testing.assert_array_equal(np.flatnonzero(ours.core), theirs.core_sample_indices_)


def test_clusters_are_numbered_by_size_and_summarised(town):
    x, y, _ = town
    found = find_dense_clusters(x, y, radius_m=40, fewest=8)
    table = summarise_clusters(found, x, y)
    assert table["n_points"].is_monotonic_decreasing
    assert found.n_clusters == len(table) == 2
    assert np.hypot(table["x_m"][0] - 500, table["y_m"][0] - 500) < 15
    assert (table["radius_m"] < 120).all()


def test_nested_clusters_are_those_of_hdbscan(town):
    x, y, _ = town
    ours = find_nested_clusters(x, y, smallest=20, fewest=5)
    theirs = HDBSCAN(min_cluster_size=20, min_samples=5, copy=True).fit(np.column_stack((x, y)))
    assert adjusted_rand_score(ours.label, theirs.labels_) == 1
    assert ours.n_clusters >= 2


def by_hand(x, y, days, radius, reach, fewest):
    """Return the groups of core points and each point's near cores, by the definition."""
    n = len(x)
    near = [
        {j for j in range(n) if np.hypot(x[i] - x[j], y[i] - y[j]) <= radius
         and abs(days[i] - days[j]) <= reach}
        for i in range(n)
    ]  # fmt: skip
    core = {i for i in range(n) if len(near[i]) >= fewest}
    groups, left = [], set(core)
    while left:
        grown, edge = set(), {left.pop()}
        while edge:
            grown |= edge
            edge = {j for i in edge for j in near[i] & core} - grown
        groups.append(grown)
        left -= grown
    return near, core, groups


def test_space_time_clusters_meet_the_definition(town):
    x, y, days = town
    found = find_space_time_clusters(x, y, days, radius_m=60, reach_days=3, fewest=5)
    near, core, groups = by_hand(x, y, days, 60, 3, 5)
    assert set(np.flatnonzero(found.core)) == core
    assert found.n_clusters == len(groups)
    for group in groups:
        assert len({found.label[i] for i in group}) == 1
    for i in set(range(len(x))) - core:
        allowed = {found.label[j] for j in near[i] & core} or {-1}
        assert found.label[i] in allowed


def test_time_splits_what_space_alone_would_join(town):
    x, y, days = town
    found = find_space_time_clusters(x, y, days, radius_m=60, reach_days=3, fewest=8)
    assert found.n_clusters >= 1
    assert (found.label[:80] == 0).mean() > 0.9
    assert (found.label[80:] == -1).all()  # the second knot is spread over a year


def test_with_all_the_time_space_time_clusters_are_dbscan(town):
    x, y, days = town
    ours = find_space_time_clusters(x, y, days, radius_m=40, reach_days=1e6, fewest=8)
    space = find_dense_clusters(x, y, radius_m=40, fewest=8)
    np.testing.assert_array_equal(ours.core, space.core)
    assert adjusted_rand_score(ours.label[ours.core], space.label[space.core]) == 1


def test_pairs_at_exactly_the_limits_count():
    xy = np.array([[0.0, 0.0], [30.0, 40.0], [36.0, 48.0]])
    pairs = near_pairs(xy, np.array([0.0, 2.0, 2.0]), radius_m=50, reach_days=2)
    assert pairs.tolist() == [[0, 1], [1, 2]]


def test_few_and_no_points_make_no_cluster():
    none = np.empty(0)
    assert find_dense_clusters(none, none, radius_m=50).n_clusters == 0
    assert find_nested_clusters(none, none).n_clusters == 0
    assert find_space_time_clusters(none, none, none, radius_m=5, reach_days=1).n_clusters == 0
    assert len(summarise_clusters(find_dense_clusters(none, none, radius_m=5), none, none)) == 0


def test_bad_input_is_refused():
    one = np.ones(3)
    with pytest.raises(InputError, match="radius_m"):
        find_dense_clusters(one, one, radius_m=0)
    with pytest.raises(InputError, match="no coordinates"):
        find_dense_clusters(np.array([np.nan]), np.array([1.0]), radius_m=5)
    with pytest.raises(InputError, match="as many known times"):
        find_space_time_clusters(one, one, np.ones(2), radius_m=5, reach_days=1)
