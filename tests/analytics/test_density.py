from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from analytics.cube import Units
from analytics.density import (
    ADDED_UP,
    GAUSSIAN_REACH,
    DensityParams,
    _quartic_disc,
    _wide_smoother,
    adaptive_density,
    estimate_density,
    find_density,
)
from analytics.density_kernel import convolve_disc
from geo.errors import InputError
from geo.lattice.lattice import make_lattice


def density_by_sums(counts, share, *, cell, bandwidth, kernel):
    """Spread each cell's incidents over all cells, one by one."""
    rows, columns = np.indices(counts.shape)
    surface = np.zeros(counts.shape)
    for r, c in zip(*np.nonzero(counts), strict=True):
        dy, dx = (rows - r) * cell / bandwidth, (columns - c) * cell / bandwidth
        if kernel == "quartic":
            weight = np.maximum(0, 1 - dx**2 - dy**2) ** 2
        else:
            away = np.maximum(abs(rows - r), abs(columns - c))
            near = away <= np.ceil(GAUSSIAN_REACH * bandwidth / cell)
            weight = np.exp(-0.5 * (dx**2 + dy**2)) * near
        surface += counts[r, c] * weight / (weight * share).sum()
    return np.where(share > 0, surface / (cell / 1000) ** 2, np.nan)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kernel=st.sampled_from(["gaussian", "quartic"]),
    bandwidth=st.floats(100, 900),
)
def test_surface_is_the_sum_of_kernels_and_keeps_every_incident(seed, kernel, bandwidth):
    rng = np.random.default_rng(seed)
    share = np.where(rng.random((14, 19)) < 0.3, 0.0, rng.random((14, 19)))
    counts = rng.poisson(0.4, share.shape) * (share > 0)
    surface = estimate_density(
        counts, share, cell_size_m=100.0, bandwidth_m=bandwidth, kernel=kernel
    )
    expected = density_by_sums(counts, share, cell=100.0, bandwidth=bandwidth, kernel=kernel)
    np.testing.assert_allclose(surface, expected, atol=1e-10 * max(1, np.nanmax(expected)))
    assert np.nansum(surface * share) * 0.01 == pytest.approx(counts.sum(), abs=1e-9)
    assert np.nanmin(surface) >= 0
    assert (np.isnan(surface) == (share == 0)).all()


@pytest.mark.parametrize("reach", [1.0, 1.5, 4.2, 12.0, 15.3, 44.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (31, 17)])
def test_a_disc_added_up_is_the_one_from_fourier_space(reach, shape):
    grid = np.random.default_rng(4).poisson(0.5, shape).astype(float)
    disc = _quartic_disc(reach)
    expected = signal.convolve2d(grid, disc, mode="full")
    edge = len(disc) // 2
    inner = expected[edge : edge + shape[0], edge : edge + shape[1]]
    np.testing.assert_allclose(convolve_disc(grid, disc), inner, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(_wide_smoother(shape, disc)(grid), inner, rtol=0, atol=1e-14)


def test_a_wide_quartic_kernel_keeps_every_incident_inside_a_ragged_boundary():
    rng = np.random.default_rng(5)
    share = np.where(rng.random((40, 30)) < 0.3, 0.0, rng.random((40, 30)))
    counts = rng.poisson(0.4, share.shape) * (share > 0)
    bandwidth = 100.0 * (ADDED_UP + 5)
    surface = estimate_density(counts, share, cell_size_m=100.0, bandwidth_m=bandwidth)
    expected = density_by_sums(counts, share, cell=100.0, bandwidth=bandwidth, kernel="quartic")
    np.testing.assert_allclose(surface, expected, atol=1e-10 * np.nanmax(expected))
    assert np.nansum(surface * share) * 0.01 == pytest.approx(counts.sum(), abs=1e-9)


def test_a_lone_incident_far_from_the_boundary_has_the_kernel_of_the_books():
    counts = np.zeros((401, 401))
    counts[200, 200] = 1
    share = np.ones_like(counts)
    quartic = estimate_density(counts, share, cell_size_m=5, bandwidth_m=500)
    assert quartic[200, 200] == pytest.approx(3 / np.pi / 0.5**2, rel=1e-3)
    gaussian = estimate_density(counts, share, cell_size_m=5, bandwidth_m=200, kernel="gaussian")
    assert gaussian[200, 240] == pytest.approx(np.exp(-0.5) / (2 * np.pi * 0.2**2), rel=2e-3)


def test_even_incidents_make_an_even_surface_in_the_middle_of_the_boundary():
    share = np.ones((60, 60))
    surface = estimate_density(share * 3, share, cell_size_m=100, bandwidth_m=400)
    np.testing.assert_allclose(surface[12:48, 12:48], 300.0, rtol=1e-9)


def test_nothing_happened_gives_zero_inside_and_unknown_outside():
    share = np.ones((5, 5))
    share[0] = 0
    surface = estimate_density(np.zeros((5, 5)), share, cell_size_m=100, bandwidth_m=200)
    assert np.isnan(surface[0]).all()
    assert (surface[1:] == 0).all()


def test_errors_say_what_does_not_fit():
    share = np.ones((5, 5))
    share[0] = 0
    with pytest.raises(InputError, match="outside the boundary"):
        estimate_density(np.ones((5, 5)), share, cell_size_m=100, bandwidth_m=200)
    with pytest.raises(InputError, match="smooths nothing"):
        estimate_density(np.zeros((5, 5)), share, cell_size_m=100, bandwidth_m=50)
    with pytest.raises(InputError, match="one lattice"):
        estimate_density(np.zeros((5, 4)), share, cell_size_m=100, bandwidth_m=200)


def test_density_of_a_cube_keeps_its_incidents_on_a_clipped_lattice(cube_of):
    boundary = shapely.Point(1000, 1000).buffer(900)
    lattice = make_lattice(boundary, cell_size_m=100, srid=32650)
    rng = np.random.default_rng(1)
    plain = cube_of(rng.poisson(1.0, (lattice.n_cells, 3)))
    cube = replace(plain, units=Units("cell", lattice.cells))
    result = find_density(cube, lattice, DensityParams(bandwidth_m=300))
    assert (result.score * lattice.share).sum() * 0.01 == pytest.approx(cube.counts.sum())
    assert set(result.label) == {"untested"}
    with pytest.raises(InputError, match="another lattice"):
        find_density(plain, lattice, DensityParams(bandwidth_m=300))


def adaptive_by_sums(counts, share, *, cell, bandwidth, kernel, widest=5.0):
    """Give each cell's incidents their own bandwidth and spread them, one by one."""
    pilot = density_by_sums(counts, share, cell=cell, bandwidth=bandwidth, kernel=kernel)
    here = counts > 0
    mean = np.exp((counts[here] * np.log(pilot[here])).sum() / counts.sum())
    surface = np.zeros(counts.shape)
    for place in zip(*np.nonzero(counts), strict=True):
        own = np.clip(bandwidth * (pilot[place] / mean) ** -0.5, cell, widest * bandwidth)
        lone = np.zeros(counts.shape)
        lone[place] = counts[place]
        part = density_by_sums(lone, share, cell=cell, bandwidth=own, kernel=kernel)
        surface += np.nan_to_num(part)
    return np.where(share > 0, surface, np.nan)


@pytest.mark.parametrize("kernel", ["gaussian", "quartic"])
@pytest.mark.parametrize("bandwidth", [130.0, 450.0])
def test_adaptive_surface_is_the_sum_of_kernels_each_with_its_own_bandwidth(kernel, bandwidth):
    rng = np.random.default_rng(8)
    share = np.where(rng.random((15, 22)) < 0.2, 0.0, rng.random((15, 22)))
    counts = rng.poisson(rng.gamma(0.3, 4.0, share.shape)) * (share > 0)
    surface = adaptive_density(
        counts, share, cell_size_m=100.0, bandwidth_m=bandwidth, kernel=kernel
    )
    expected = adaptive_by_sums(counts, share, cell=100.0, bandwidth=bandwidth, kernel=kernel)
    np.testing.assert_allclose(surface, expected, atol=1e-10 * np.nanmax(expected))
    assert np.nansum(surface * share) * 0.01 == pytest.approx(counts.sum(), abs=1e-9)


def test_adaptive_surface_is_narrower_in_the_crowd_and_wider_at_the_lonely():
    counts = np.zeros((61, 61))
    counts[15, 15], counts[45, 45] = 400, 1
    share = np.ones_like(counts)
    plain = estimate_density(counts, share, cell_size_m=50, bandwidth_m=300, kernel="gaussian")
    fitted = adaptive_density(counts, share, cell_size_m=50, bandwidth_m=300, kernel="gaussian")
    assert fitted[15, 15] > plain[15, 15]
    assert fitted[45, 45] < plain[45, 45]
    empty = adaptive_density(counts * 0, share, cell_size_m=50, bandwidth_m=300)
    assert (empty == 0).all()
    with pytest.raises(InputError, match="widest"):
        adaptive_density(counts, share, cell_size_m=50, bandwidth_m=300, widest=0.5)
