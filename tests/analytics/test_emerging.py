from __future__ import annotations

import re
import warnings
from itertools import pairwise

import libpysal.weights
import numpy as np
import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm

from analytics.emerging import (
    PATTERNS,
    EmergingParams,
    classify,
    find_emerging,
    score_bins,
)
from analytics.emerging_words import explain, history
from analytics.permutation import exact_tails
from analytics.results import LABELS
from geo.errors import InputError

SIGNS = {"+": 1, "-": -1, ".": 0}
UP, FLAT, DOWN = 1, 0, -1

# Ten steps or more, written as + hot, - cold, . neither; the trend of z; the class.
TRUTH = [
    (".........+", FLAT, "new_hot"),
    (".........+", UP, "new_hot"),
    ("---......+", FLAT, "new_hot"),
    ("--.-.-...++", FLAT, "consecutive_hot"),
    ("........++", UP, "consecutive_hot"),
    ("..++++++++", FLAT, "consecutive_hot"),
    ("++++++++++", UP, "intensifying_hot"),
    (".+++++++++", UP, "intensifying_hot"),
    ("-+++++++++", UP, "intensifying_hot"),
    ("++++++++++", FLAT, "persistent_hot"),
    ("++++++++.+", FLAT, "persistent_hot"),
    ("++++++++++", DOWN, "diminishing_hot"),
    ("++++++++.+", DOWN, "diminishing_hot"),
    (".+..+....+", FLAT, "sporadic_hot"),
    ("+++++++..+", UP, "sporadic_hot"),
    (".+......++", DOWN, "sporadic_hot"),
    ("-+..+....+", FLAT, "oscillating_hot"),
    ("+-+-+-+-++", UP, "oscillating_hot"),
    ("+++++++++.", FLAT, "historical_hot"),
    ("+++++++++.", UP, "historical_hot"),
    ("+++++++++-", FLAT, "new_cold"),
    ("---------+", FLAT, "new_hot"),
    ("-----------------+--+", FLAT, "oscillating_hot"),
    ("++++++++..", FLAT, "none"),
    ("..........", UP, "none"),
    (".+.-.+.-..", DOWN, "none"),
]


def spots_of(text):
    return np.array([[SIGNS[mark] for mark in text]], dtype=np.int8)


def class_of(text, trend):
    return str(classify(spots_of(text), np.array([trend], dtype=np.int8))[0])


def mirrored(text, trend, label):
    swapped = text.translate(str.maketrans("+-", "-+"))
    name = re.sub("hot|cold", lambda m: "cold" if m[0] == "hot" else "hot", label)
    return swapped, -trend, name


@pytest.mark.parametrize(("text", "trend", "label"), TRUTH)
def test_each_history_has_the_class_of_the_published_rules(text, trend, label):
    assert class_of(text, trend) == label


@pytest.mark.parametrize(("text", "trend", "label"), [mirrored(*row) for row in TRUTH])
def test_each_cold_history_is_the_mirror_of_a_hot_one(text, trend, label):
    assert class_of(text, trend) == label


def test_truth_table_meets_all_seventeen_classes():
    met = {label for *_, label in TRUTH} | {mirrored(*row)[2] for row in TRUTH}
    assert met == {f"{p}_{side}" for p in PATTERNS for side in ("hot", "cold")} | {"none"}
    assert met <= set(LABELS)


def rules(text, trend):
    """Return every pattern of hot spots whose definition a history meets, each read alone."""
    n, hot = len(text), text.count("+")
    tail = len(text) - len(text.rstrip("+"))
    before = text[: n - tail]
    met = set()
    if text[-1] == "+" and "+" not in text[:-1]:
        met.add("new")
    if tail >= 2 and "+" not in before and hot / n < 0.9:
        met.add("consecutive")
    if text[-1] == "+" and hot / n >= 0.9 and n > 1:
        met.add({UP: "intensifying", FLAT: "persistent", DOWN: "diminishing"}[trend])
    if text[-1] == "+" and "+" in before and hot / n < 0.9:
        met.add("oscillating" if "-" in text else "sporadic")
    if text[-1] != "+" and hot / n >= 0.9:
        met.add("historical")
    return met


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text("+-.", min_size=10, max_size=24),
        st.text(st.sampled_from("+" * 19 + "-."), min_size=10, max_size=24),
        st.text(st.sampled_from("-" * 19 + "+."), min_size=10, max_size=24),
    ),
    st.sampled_from([UP, FLAT, DOWN]),
)
def test_a_history_meets_at_most_one_definition_and_gets_that_class(text, trend):
    met = {f"{name}_hot" for name in rules(text, trend)}
    mirror, against, _ = mirrored(text, trend, "none")
    met |= {f"{name}_cold" for name in rules(mirror, against)}
    if text[-1] != ".":  # what a place is now counts before what it was
        met = {name for name in met if not name.startswith("historical")}
    assert len(met) <= 1
    assert class_of(text, trend) == (met.pop() if met else "none")


def by_hand(series, links, *, lag, reference, alpha):
    """Return z, spots and classes by loops over places, steps and neighbours."""
    n, n_steps = series.shape
    z, p = np.full(series.shape, np.nan), np.ones(series.shape)
    for t in range(n_steps):
        first = max(0, t - lag)
        pool = series if reference == "cube" else series[:, first : t + 1]
        mean, var, size = pool.mean(), pool.var(), pool.size
        for i in range(n):
            members = [series[j, u] for u in range(first, t + 1) for j in [i, *links[i]]]
            w = len(members)
            z[i, t] = (sum(members) - w * mean) / np.sqrt(var * w * (size - w) / (size - 1))
            p[i, t] = 2 * norm.sf(abs(z[i, t]))
    q = false_discovery_control(p.ravel()).reshape(p.shape)
    spots = np.where(q <= alpha, np.sign(z), 0).astype(int)
    labels = []
    for i in range(n):
        test = pymannkendall.original_test(z[i], alpha=0.05)
        trend = {"increasing": UP, "decreasing": DOWN, "no trend": FLAT}[test.trend]
        text = "".join({1: "+", -1: "-", 0: "."}[v] for v in spots[i])
        mirror, against, _ = mirrored(text, trend, "none")
        hot, cold = rules(text, trend), rules(mirror, against)
        names = [f"{name}_hot" for name in hot] + [f"{name}_cold" for name in cold]
        names = [name for name in names if text[-1] == "." or "historical" not in name]
        labels.append(names[0] if names else "none")
    return z, q, spots, labels


def growing_town(rng, n_rows=12, n_columns=12, n_steps=14):
    """Return counts with a growing, a fading, a new, a former and a restless corner."""
    mean = np.full((n_rows, n_columns, n_steps), 2.0)
    ramp = np.linspace(0, 1, n_steps)
    mean[:3, :3] += 18 + 20 * ramp
    mean[:3, -3:] += 38 - 20 * ramp
    mean[-3:, :3, -1] += 25
    mean[-3:, -3:, ::4] += 25
    mean[-3:, -3:, -1] += 25
    mean[4:8, 3:9, 5:9] = 0
    return rng.poisson(mean.reshape(-1, n_steps))


@pytest.mark.parametrize("lag", [0, 1, 2])
@pytest.mark.parametrize("reference", ["cube", "window"])
def test_classes_agree_with_a_run_step_by_step(near, cube_of, lag, reference):
    series = growing_town(np.random.default_rng(3))
    indptr, indices = near(12, 12)
    links = [indices[a:b] for a, b in pairwise(indptr)]
    params = EmergingParams(lag_steps=lag, reference=reference, chance="normal")
    found = find_emerging(cube_of(series), (indptr, indices), params)
    z, q, spots, labels = by_hand(series, links, lag=lag, reference=reference, alpha=0.05)
    np.testing.assert_allclose(found.bins.z, z, atol=1e-9)
    np.testing.assert_allclose(found.bins.q, q, atol=1e-9)
    np.testing.assert_array_equal(found.bins.spots, spots)
    assert found.result.label.tolist() == labels
    assert len(set(labels)) > 4


def test_a_single_step_as_reference_gives_the_z_of_esda_on_each_slice(near):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local

        series = growing_town(np.random.default_rng(5))
        weights = libpysal.weights.lat2W(12, 12, rook=False)
        theirs = [
            G_Local(column.astype(float), weights, star=True, transform="B", permutations=0).Zs
            for column in series.T
        ]
    params = EmergingParams(lag_steps=0, reference="step", chance="normal")
    ours = score_bins(series, near(12, 12), params)
    np.testing.assert_allclose(ours.z, np.array(theirs).T, atol=1e-9)


def test_exact_p_of_a_bin_is_that_of_its_neighbours_in_the_whole_cube(near):
    series = np.random.default_rng(6).poisson(1.0, (20, 10))
    indptr, indices = near(4, 5)
    bins = score_bins(series, (indptr, indices), EmergingParams(lag_steps=1))
    assert bins.chance == "exact"
    i, t = 7, 4
    around = [i, *indices[indptr[i] : indptr[i + 1]]]
    total = series[around][:, t - 1 : t + 1].sum() - series[i, t]
    k, sums = np.zeros(200, dtype=np.int64), np.zeros(200, dtype=np.int64)
    k[i * 10 + t], sums[i * 10 + t] = 2 * len(around) - 1, total
    expected = exact_tails(series.ravel(), k, sums).two_sided[i * 10 + t]
    assert bins.p[i, t] == pytest.approx(expected, abs=1e-12)


def test_pure_chance_is_rarely_called_with_exact_p(near):
    rng = np.random.default_rng(8)
    called = 0
    for _ in range(40):
        bins = score_bins(rng.poisson(0.3, (144, 12)), near(12, 12))
        called += bool((bins.spots != 0).any())
    assert called <= 6  # 2 expected at a false discovery rate of 5 %


def test_what_was_planted_is_found_and_told_in_both_languages(near, cube_of):
    series = growing_town(np.random.default_rng(3))
    found = find_emerging(cube_of(series), near(12, 12))
    label = found.result.label.reshape(12, 12)
    assert label[1, 1] == "intensifying_hot"
    assert label[1, 10] == "diminishing_hot"
    assert label[10, 1] == "new_hot"
    facts = history(found)
    assert facts["hot_steps"].tolist() == (found.bins.spots == 1).sum(axis=1).tolist()
    english, chinese = explain(found, "en"), explain(found, "zh")
    assert english[121].startswith(
        "new hot spot: hot in the last of 14 months and never before (last z "
    )
    assert chinese[121].startswith("新增热点：14个月中仅最近一个月显著为热点，此前从未出现")
    assert "growing stronger" in english[13]
    assert all(re.search(r"[一-鿿]", line) for line in chinese)
    assert not any("{" in line for line in english + chinese)


@pytest.mark.parametrize(("text", "trend", "label"), TRUTH)
def test_every_class_has_its_reason(near, cube_of, text, trend, label):
    found = find_emerging(
        cube_of(growing_town(np.random.default_rng(3), n_steps=len(text))), near(12, 12)
    )
    found.bins.spots[0], found.result.label[0] = spots_of(text)[0], label
    line = explain(found, "en")[0]
    assert line.startswith(LABELS[label]["en"] + ": ")
    side = "cold" if label.endswith("cold") else "hot"
    many = text.count("-" if side == "cold" else "+")
    if not label.startswith(("new", "none")):
        assert f" {many} of {len(text)} months" in line


def test_equal_counts_everywhere_give_no_class(near, cube_of):
    found = find_emerging(cube_of(np.full((20, 10), 3)), near(4, 5))
    assert set(found.result.label) == {"none"}
    assert np.isnan(found.bins.z).all()
    assert explain(found, "en")[0] == ("not significant: neither hot nor cold in any of 10 months")


def test_empty_input_gives_empty_output(cube_of):
    nobody = (np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64))
    found = find_emerging(cube_of(np.zeros((0, 12))), nobody)
    assert found.result.label.shape == (0,)
    assert explain(found, "zh") == []


def test_short_cubes_and_mixed_references_are_refused(near, cube_of):
    with pytest.raises(InputError, match="9 steps; emerging hot spots need 10"):
        find_emerging(cube_of(np.ones((20, 9))), near(4, 5))
    with pytest.raises(InputError, match="lag_steps=0"):
        EmergingParams(reference="step")
    with pytest.raises(InputError, match="alpha"):
        EmergingParams(alpha=1.5)
    with pytest.raises(InputError, match="known values"):
        score_bins(np.full((20, 10), np.nan), near(4, 5))
