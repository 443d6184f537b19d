"""Points moved by chance so that they lead to no door, with the protection that came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.crs.systems import require_metric
from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DonutParams:
    """How far points are moved.

    Attributes
    ----------
    nearest_m, farthest_m
        Every point moves at least and at most so far.
    least_k
        Households that must be as likely as the true one; 0 asks for nothing.
    tries
        How often a point that falls short is moved anew, each time up to half as far again. One
        that still falls short is withheld.
    """

    nearest_m: float = 50.0
    farthest_m: float = 250.0
    least_k: int = 0
    tries: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.nearest_m < self.farthest_m:
            raise InputError(
                f"a donut from {self.nearest_m} m to {self.farthest_m} m is none: the inner "
                "radius must be more than 0 and less than the outer one"
            )
        if self.least_k < 0 or self.tries < 1:
            raise InputError("least_k must be at least 0 and tries at least 1")


@dataclass(frozen=True, eq=False)
class Masked:
    """Moved points and how well they are hidden; every array has shape ``(n,)``.

    Attributes
    ----------
    x, y
        Where they were moved to (m); NaN where withheld.
    moved_m
        How far. Not for publication: it narrows down where they came from.
    k
        Households within that distance of the new place: so many might be the one that it
        stands for. At least 1. Of withheld points, what the last try reached.
    """

    x: Floats
    y: Floats
    moved_m: Floats
    k: Floats

    @property
    def withheld(self) -> NDArray[np.bool_]:
        """Which points are not to be shown."""
        return np.isnan(self.x)

    def summary(self) -> dict[str, float]:
        """Return what to print beside the points: how many, and their k (NaN without any)."""
        k = self.k[~self.withheld]
        low, middle = (np.min(k), np.median(k)) if len(k) else (np.nan, np.nan)
        return {
            "points": float(len(k)),
            "withheld": float(self.withheld.sum()),
            "smallest_k": float(low),
            "median_k": float(middle),
        }


def mask_points(
    x: Floats,
    y: Floats,
    *,
    home_x: Floats,
    home_y: Floats,
    srid: int,
    rng: np.random.Generator,
    households: Floats | None = None,
    params: DonutParams | None = None,
) -> Masked:
    """Move each point to a random place in a ring around it, and count what hides it.

    Directions and distances are such that each part of the ring is as likely as any other of its
    area.

    Parameters
    ----------
    x, y
        Points, ``(n,)``, in metres.
    home_x, home_y
        Where people live, ``(m,)``, in metres: household points or buildings.
    srid
        The metric CRS of both.
    households
        Households at each home, ``(m,)``; one each when None.

    Returns
    -------
    Masked
        Empty for no points.

    Raises
    ------
    InputError
        Arrays do not fit each other or hold NaN.
    CrsError
        `srid` is not metric.

    References
    ----------
    Hampton, K. H. et al. (2010). Mapping health data: improved privacy protection with donut
    method geomasking. American Journal of Epidemiology 172(9).
    https://doi.org/10.1093/aje/kwq248
    """
    require_metric(srid)
    how = params or DonutParams()
    points, homes = _pairs(x, y, "points"), _pairs(home_x, home_y, "homes")
    weight = np.ones(len(homes)) if households is None else np.asarray(households, np.float64)
    if weight.shape != (len(homes),) or not (weight >= 0).all():
        raise InputError(f"households must be {len(homes)} numbers of at least 0, one for a home")
    tree = cKDTree(homes) if len(homes) else None
    new, moved, k = points.copy(), np.zeros(len(points)), np.zeros(len(points))
    left = np.arange(len(points))
    for number in range(how.tries):
        new[left], moved[left] = _scatter(points[left], how, 1.5**number, rng)
        k[left] = _hidden_among(new[left], moved[left], tree, weight)
        left = left[k[left] < how.least_k]
        if not len(left):
            break
    new[left] = np.nan
    return Masked(x=new[:, 0], y=new[:, 1], moved_m=moved, k=k)


def _scatter(
    points: Floats, how: DonutParams, wider: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    inner, outer = how.nearest_m, how.farthest_m * wider
    distance = np.sqrt(rng.uniform(inner**2, outer**2, len(points)))
    angle = rng.uniform(0.0, 2 * math.pi, len(points))
    step = np.column_stack((np.cos(angle), np.sin(angle))) * distance[:, None]
    return points + step, distance


def _hidden_among(new: Floats, moved: Floats, tree: cKDTree | None, weight: Floats) -> Floats:
    """Return the households within the moved distance of each new place; at least the true one."""
    if tree is None:
        return np.ones(len(new))
    # A home at the very point lies on the circle: rounding must not lose it.
    near = tree.query_ball_point(new, moved * (1 + 1e-9))
    return np.array([max(float(weight[rows].sum()), 1.0) for rows in near], dtype=np.float64)


def _pairs(x: Floats, y: Floats, name: str) -> Floats:
    if np.shape(x) != np.shape(y) or np.ndim(x) != 1:
        raise InputError(f"x and y of {name} must be two rows of one length")
    pairs = np.column_stack((np.asarray(x, np.float64), np.asarray(y, np.float64)))
    if not np.isfinite(pairs).all():
        raise InputError(f"{name} without a place (NaN) cannot be masked; leave them out first")
    return pairs
