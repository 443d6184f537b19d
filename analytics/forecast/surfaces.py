"""Surfaces of past counts: how long they are remembered, how far they spread, of which class."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from analytics.cube import Cube
from analytics.forecast.level import step_days
from analytics.forecast.protocol import Places, Target
from geo.errors import InputError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Remember = Literal["all", "window", "decay", "promap"]
Spread = Literal["gaussian", "promap"]

GAUSSIAN_REACH = 3.0
"""Bandwidths after which the Gaussian spread is cut off."""
WEEK_DAYS = 7.0
KEPT_BYTES = 256 * 2**20
"""How much memory the shares of past steps may take that are kept for the next method."""


@dataclass(frozen=True)
class Memory:
    """How much a past step counts by its age.

    Attributes
    ----------
    kind
        ``all``: every step alike; ``window``: those of the last `days`; ``decay``: half as much
        after each `days`; ``promap``: one over one plus the age in whole weeks, up to `days`.
    days
        See `kind`; not used by ``all``.
    """

    kind: Remember = "all"
    days: float = 0.0

    def __post_init__(self) -> None:
        if self.kind != "all" and not self.days > 0:
            raise InputError(f"a memory of kind {self.kind!r} needs days above 0, not {self.days}")

    def weights(self, ages_days: Floats) -> Floats:
        """Return one weight per step, 1 for the newest, whose age is 0.

        References
        ----------
        Bowers, Johnson and Pease (2004), doi:10.1093/bjc/azh036, for ``promap``.
        """
        if self.kind == "decay":
            return np.asarray(0.5 ** (ages_days / self.days))
        if self.kind == "promap":
            return np.asarray((ages_days < self.days) / (1 + np.floor(ages_days / WEEK_DAYS)))
        if self.kind == "window":
            return (ages_days < self.days).astype(np.float64)
        return np.ones(len(ages_days))


@dataclass(frozen=True)
class Surface:
    """One view of the past.

    Attributes
    ----------
    memory
        How long incidents are remembered.
    reach_m
        Bandwidth (gaussian) or radius (promap) by which they spread to other units; 0 keeps
        them where they were.
    spread
        ``gaussian``, or ``promap``: one over one plus the distance in whole typical spacings of
        the units.
    of
        Whose incidents; the forecast's own target when None.
    """

    memory: Memory = Memory()
    reach_m: float = 0.0
    spread: Spread = "gaussian"
    of: Target | None = None

    @property
    def label(self) -> str:
        """Return a short name, such as ``decay 60 d, 250 m``."""
        parts = [self.memory.kind + (f" {self.memory.days:g} d" if self.memory.days else "")]
        parts += [f"{self.reach_m:g} m"] if self.reach_m else []
        parts += ["+".join(self.of.classes)] if self.of and self.of.classes else []
        return ", ".join(parts)


@lru_cache(maxsize=8)
def spread_matrix(
    places: Places, *, reach_m: float, spread: Spread = "gaussian"
) -> sparse.csr_array:
    """Return the matrix that spreads counts over near units, shape ``(n_units, n_units)``.

    Each column sums to one, so that no incident is lost at the edge.

    References
    ----------
    Diggle (1985), doi:10.2307/2347366, for the correction at the edge.
    """
    points = np.column_stack([places.x, places.y])
    tree = KDTree(points)
    cut = GAUSSIAN_REACH * reach_m if spread == "gaussian" else reach_m
    pairs = tree.query_pairs(cut, output_type="ndarray")
    distance = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    if spread == "gaussian":
        weight = np.exp(-0.5 * (distance / reach_m) ** 2)
    else:
        weight = 1 / (1 + np.floor(distance / typical_spacing(places)))
    n = len(places)
    own = np.arange(n)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1], own])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0], own])
    values = np.concatenate([weight, weight, np.ones(n)])
    matrix = sparse.csr_array((values, (rows, columns)), shape=(n, n))
    return sparse.csr_array((matrix / matrix.sum(axis=0)[None, :]).astype(np.float32))


def typical_spacing(places: Places) -> float:
    """Return the median distance to the nearest other unit in metres; 1 for a single unit."""
    if len(places) < 2:
        return 1.0
    points = np.column_stack([places.x, places.y])
    nearest = np.asarray(KDTree(points).query(points, k=2)[0])[:, 1]
    return float(np.median(nearest)) or 1.0


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Surfaces of one cube, at whatever cutoff is asked for.

    Attributes
    ----------
    cube, places, target
        What was counted, where the units lie, what is forecast.
    specs
        The surfaces, in the order of the columns of `shares`.
    kept
        Shares of the steps that were asked for last, at most `KEPT_BYTES` of them.
    """

    cube: Cube
    places: Places
    target: Target
    specs: tuple[Surface, ...]
    kept: OrderedDict[int, Singles] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        if len(self.places) != len(self.cube.units):
            raise InputError(
                f"{len(self.places)} places for {len(self.cube.units)} units; give one for each"
            )

    @cached_property
    def series(self) -> Singles:
        """Return the target's counts, shape ``(n_units, n_steps)``."""
        return np.ascontiguousarray(self.target.series(self.cube), dtype=np.float32)

    @cached_property
    def _by_step(self) -> dict[Target | None, Singles]:
        """Return counts with steps first, shape ``(n_steps, n_units)``: a past is one block."""
        others = {spec.of for spec in self.specs if spec.of is not None}
        counts = {of: of.series(self.cube).T for of in others} | {None: self.series.T}
        return {of: np.ascontiguousarray(values, np.float32) for of, values in counts.items()}

    @cached_property
    def _matrices(self) -> dict[tuple[float, Spread], sparse.csr_array]:
        wanted = {(spec.reach_m, spec.spread) for spec in self.specs if spec.reach_m > 0}
        return {
            (reach, spread): spread_matrix(self.places, reach_m=reach, spread=spread)
            for reach, spread in wanted
        }

    def shares(self, cutoff_step: int) -> Singles:
        """Return each unit's share of each surface, shape ``(n_units, n_surfaces)``.

        Only steps before the cutoff are used. Columns sum to one; one without any incident is
        even over the units.
        """
        if cutoff_step in self.kept:
            self.kept.move_to_end(cutoff_step)
            return self.kept[cutoff_step]
        shares = self._shares(cutoff_step)
        shares.flags.writeable = False
        if shares.nbytes <= KEPT_BYTES:
            self.kept[cutoff_step] = shares
        while len(self.kept) * shares.nbytes > KEPT_BYTES:
            self.kept.popitem(last=False)
        return shares

    def _shares(self, cutoff_step: int) -> Singles:
        out = np.empty((len(self.places), len(self.specs)), dtype=np.float32)
        mid = step_days(self.cube.steps)[:cutoff_step]
        for of, steps_first in self._by_step.items():
            columns = [k for k, spec in enumerate(self.specs) if spec.of == of]
            if columns:
                weights = [self.specs[k].memory.weights(mid[-1] - mid) for k in columns]
                past = np.array(weights, dtype=np.float32) @ steps_first[:cutoff_step]
                out[:, columns] = past.T
        for reach, spread in self._matrices:
            columns = [
                k for k, s in enumerate(self.specs) if (s.reach_m, s.spread) == (reach, spread)
            ]
            out[:, columns] = self._matrices[reach, spread] @ out[:, columns]
        total = out.sum(axis=0, dtype=np.float64)
        return np.where(total > 0, out / np.where(total > 0, total, 1), 1 / len(out)).astype(
            np.float32
        )

    def remembered(self, half_life_days: float, cutoff_step: int) -> Floats:
        """Return each unit's own incidents, halved after each half-life, shape ``(n_units,)``."""
        mid = step_days(self.cube.steps)[:cutoff_step]
        weights = (0.5 ** ((mid[-1] - mid) / half_life_days)).astype(np.float32)
        return np.asarray(weights @ self._by_step[None][:cutoff_step], np.float64)


@lru_cache(maxsize=3)
def look_at(cube: Cube, places: Places, target: Target, specs: tuple[Surface, ...]) -> Surfaces:
    """Return the surfaces of a cube, the same object for methods that look at the same ones.

    The last three are kept, so that methods run beside each other compute each step once.
    """
    return Surfaces(cube, places, target, specs)


def describe_surfaces(specs: Sequence[Surface]) -> list[dict[str, Any]]:
    """Return the surfaces as plain JSON values."""
    return [
        {
            "memory": spec.memory.kind,
            "days": spec.memory.days,
            "reach_m": spec.reach_m,
            "spread": spec.spread,
            "of": list(spec.of.classes or ()) if spec.of else None,
        }
        for spec in specs
    ]
