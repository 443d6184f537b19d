"""Kernel density: a smooth surface of incidents per square kilometre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from analytics.cube import REPORTED, Cube
from analytics.density_kernel import convolve_disc, convolve_lines, spread_each
from analytics.results import Result
from geo.errors import InputError
from geo.lattice.lattice import Lattice, from_grid, to_grid

Floats = NDArray[np.float64]
Kernel = Literal["gaussian", "quartic"]
Smoother = Callable[[Floats], Floats]

GAUSSIAN_REACH = 4.0
"""Bandwidths after which the Gaussian kernel is cut off."""
ADDED_UP = 14.0
"""Radius in cells up to which adding up a disc costs less than Fourier space."""


@dataclass(frozen=True)
class DensityParams:
    """How a surface is smoothed.

    Attributes
    ----------
    bandwidth_m, kernel
        See `estimate_density`; `analytics.bandwidth` helps to choose.
    adaptive
        Whether each incident's bandwidth follows how many are around it, see
        `adaptive_density`.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    bandwidth_m: float
    kernel: Kernel = "quartic"
    adaptive: bool = False
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED


def find_density(cube: Cube, lattice: Lattice, params: DensityParams) -> Result:
    """Smooth the cube's counts, all steps together, over the lattice that it was counted on.

    Returns
    -------
    Result
        Score in incidents per km2 over the cube's window; label ``untested``.

    Raises
    ------
    InputError
        The lattice is hexagonal or has other cells than the cube.
    """
    if not np.array_equal(cube.units.ids, lattice.cells):
        raise InputError("the cube was counted on another lattice; hand in the one it came from")
    counts = cube.totals(classes=params.classes, found_by=params.found_by)
    smooth = adaptive_density if params.adaptive else estimate_density
    surface = smooth(
        to_grid(lattice, counts, fill=0),
        to_grid(lattice, lattice.share, fill=0.0),
        cell_size_m=lattice.cell_size_m,
        bandwidth_m=params.bandwidth_m,
        kernel=params.kernel,
    )
    nothing = np.full(len(counts), np.nan)
    described = asdict(params) | {"cell_size_m": lattice.cell_size_m}
    described |= cube.describe(classes=params.classes, found_by=params.found_by)
    return Result(
        kind="density",
        units=cube.units,
        steps=cube.steps,
        observed=counts.astype(np.float64),
        score=from_grid(lattice, surface),
        p=nothing,
        q=nothing,
        slope=nothing,
        label=np.full(len(counts), "untested"),
        parameters=MappingProxyType(described),
    )


def estimate_density(
    counts: NDArray[np.floating] | NDArray[np.integer],
    share: Floats,
    *,
    cell_size_m: float,
    bandwidth_m: float,
    kernel: Kernel = "quartic",
) -> Floats:
    """Smooth counts on a square lattice into an intensity.

    Each incident spreads a mass of exactly one over the cells inside the boundary: the part of
    its kernel that would fall outside is given back by dividing by the kernel's mass inside, so
    ``sum(intensity * share) * cell area`` is the number of incidents.

    Parameters
    ----------
    counts
        Incidents by cell, shape ``(n_rows, n_columns)``, not negative.
    share
        Part of each cell that lies inside the boundary, same shape, within 0 and 1. Counts where
        it is 0 are an error.
    cell_size_m, bandwidth_m
        Metres. The bandwidth is the standard deviation of ``gaussian`` (cut at
        `GAUSSIAN_REACH`) and the radius of ``quartic``; at least one cell.

    Returns
    -------
    NDArray
        Incidents per km2, same shape, not negative; NaN outside the boundary.

    Raises
    ------
    InputError
        The shapes differ, the bandwidth is below the cell size, or counts lie outside.

    References
    ----------
    Silverman (1986), doi:10.1201/9781315140919 (quartic: section 4.2.1); the mass-preserving
    boundary correction: Diggle (1985), doi:10.2307/2347366, as Jones (1993),
    doi:10.1007/BF00147776, discusses it. Binning: Wand (1994), doi:10.1080/10618600.1994.10474656.
    """
    mass = np.asarray(counts, dtype=np.float64)
    _check(mass, share, cell_size_m, bandwidth_m)
    smooth = _smoother(mass.shape, bandwidth_m / cell_size_m, kernel)
    inside = smooth(share)
    # Where there are counts the mass inside is well above zero.
    np.maximum(inside, np.finfo(float).tiny, out=inside)
    surface = smooth(np.divide(mass, inside, out=inside))
    np.maximum(surface, 0.0, out=surface)
    surface /= (cell_size_m / 1000.0) ** 2
    surface[share <= 0] = np.nan
    return surface


def adaptive_density(
    counts: NDArray[np.floating] | NDArray[np.integer],
    share: Floats,
    *,
    cell_size_m: float,
    bandwidth_m: float,
    kernel: Kernel = "quartic",
    widest: float = 5.0,
) -> Floats:
    """Smooth counts with a narrow kernel where they are many and a wide one where they are few.

    A pilot surface with the one bandwidth gives each incident its own, the bandwidth times
    ``sqrt(g / pilot)``, g being the geometric mean of the pilot at the incidents. As with
    `estimate_density` each incident keeps a mass of one inside the boundary.

    Parameters
    ----------
    counts, share, cell_size_m, bandwidth_m, kernel
        As in `estimate_density`. Own bandwidths are not below one cell.
    widest
        Largest own bandwidth, in bandwidths.

    Returns
    -------
    NDArray
        Incidents per km2, same shape; NaN outside the boundary. The cost grows with the cells
        that hold incidents and with the square of their bandwidths.

    Raises
    ------
    InputError
        As `estimate_density`, or `widest` is below 1.

    References
    ----------
    Abramson (1982), doi:10.1214/aos/1176345986; with the pilot and the geometric mean of
    Silverman (1986), doi:10.1201/9781315140919, section 5.3.
    """
    if not widest >= 1:
        raise InputError(f"widest is {widest}; own bandwidths may be 1 or more times the common")
    pilot = estimate_density(
        counts, share, cell_size_m=cell_size_m, bandwidth_m=bandwidth_m, kernel=kernel
    )
    mass = np.asarray(counts, dtype=np.float64)
    if not mass.any():
        return pilot
    log_pilot = np.log(pilot, out=np.zeros_like(mass), where=mass > 0)
    factor = np.exp(0.5 * ((mass * log_pilot).sum() / mass.sum() - log_pilot))
    own_m = np.clip(bandwidth_m * factor, cell_size_m, widest * bandwidth_m)
    reach = np.where(mass > 0, own_m / cell_size_m, 1.0)
    inside = np.ascontiguousarray(share, dtype=np.float64)
    surface = spread_each(mass, inside, reach, GAUSSIAN_REACH, kernel == "gaussian")
    return np.where(share > 0, surface / (cell_size_m / 1000.0) ** 2, np.nan)


def _check(mass: Floats, share: Floats, cell_size_m: float, bandwidth_m: float) -> None:
    if mass.ndim != 2 or mass.shape != share.shape:
        raise InputError(f"counts {mass.shape} and share {share.shape} must be one lattice")
    if not bandwidth_m >= cell_size_m > 0:
        raise InputError(
            f"a bandwidth of {bandwidth_m} m on cells of {cell_size_m} m smooths nothing; "
            "take a bandwidth of at least one cell"
        )
    lost = float(mass[share <= 0].sum())
    if lost or (mass < 0).any():
        raise InputError(
            f"{lost:g} incidents lie in cells outside the boundary, or a count is negative; "
            "count with the lattice of this boundary"
        )


def kernel_mass(share: Floats, reach: float, kernel: Kernel) -> tuple[Floats, float]:
    """Return the kernel's mass inside the boundary around each cell, and its value at its top.

    `reach` is the bandwidth in cells; the whole kernel has a mass of one.
    """
    if kernel == "gaussian":
        top = float(_gaussian_line(reach)[0] ** 2)
    else:
        disc = _quartic_disc(reach)
        top = float(disc[len(disc) // 2, len(disc) // 2])
    return _smoother(share.shape, reach, kernel)(share), top


def _smoother(shape: tuple[int, ...], reach: float, kernel: Kernel) -> Smoother:
    """Return what lays the kernel over a grid of this shape, zeros around it."""
    if kernel == "gaussian":
        line = _gaussian_line(reach)
        return lambda grid: convolve_lines(grid, line)
    # The quartic kernel is no product of lines: a small one is added up, a wide one goes through
    # Fourier space.
    disc = _quartic_disc(reach)
    if reach <= ADDED_UP:
        return lambda grid: convolve_disc(grid, disc)
    return _wide_smoother(shape, disc)


def _wide_smoother(shape: tuple[int, ...], disc: Floats) -> Smoother:
    """Return what convolves in Fourier space with a kernel that is the same to all four sides.

    The transform of such a kernel is real, and a product of cosines with its quarter.
    """
    radius = len(disc) // 2
    rows, columns = (fft.next_fast_len(n + radius, real=True) for n in shape)
    away = np.arange(radius + 1)
    up, across = (
        np.cos(2 * np.pi / n * np.outer(np.arange(kept), away)) * np.where(away > 0, 2.0, 1.0)
        for n, kept in ((rows, rows), (columns, columns // 2 + 1))
    )
    passed = up @ disc[radius:, radius:] @ across.T

    def smooth(grid: Floats) -> Floats:
        waves = fft.rfft2(grid, s=(rows, columns))
        waves *= passed
        back = fft.irfft2(waves, s=(rows, columns), overwrite_x=True)
        return np.asarray(back[: shape[0], : shape[1]])

    return smooth


def _gaussian_line(reach: float) -> Floats:
    """Return the right half of the kernel, its middle first."""
    weights = np.exp(-0.5 * (np.arange(int(np.ceil(GAUSSIAN_REACH * reach)) + 1) / reach) ** 2)
    return np.asarray(weights / (2 * weights.sum() - weights[0]))


def _quartic_disc(reach: float) -> Floats:
    radius = int(np.floor(reach))
    square = np.arange(-radius, radius + 1) ** 2
    weights = np.maximum(0.0, 1.0 - (square[:, None] + square[None, :]) / reach**2) ** 2
    return np.asarray(weights / weights.sum())
