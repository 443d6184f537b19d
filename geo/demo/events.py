"""What happens: a Poisson process of known intensity and the repeats that it sets off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.demo.categories import CLASSES
from geo.demo.intensity import Intensity
from geo.demo.surfaces import CELL_M, TruthLattice

HOUR_S, DAY_S = 3_600.0, 86_400.0
BACKGROUND, REPEAT = "background", "near-repeat"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cohort:
    """Incidents of one component of the intensity before they get a place and an hour."""

    component: str
    category: int
    per_day: Array
    per_cell: Array


def draw_events(intensity: Intensity, *, rng: np.random.Generator) -> pd.DataFrame:
    """Draw every incident that happens, reported or not.

    Each component is separable in place, day and hour, so that drawing the count of a day
    from a Poisson law and then place and hour from their shares is the inhomogeneous Poisson
    process itself, without rejection. Near repeats are added generation by generation.

    Parameters
    ----------
    intensity
        What is expected.
    rng
        Source of every random choice.

    Returns
    -------
    pandas.DataFrame
        In order of time: ``category`` (row of the class), ``seconds`` since the first local
        midnight, ``x_m``, ``y_m``, ``component`` (background, near-repeat or a hotspot's
        name), ``parent`` (row of what set it off, else -1).

    References
    ----------
    Mohler, G. O., et al. (2011). Self-exciting point process modeling of crime. Journal of
    the American Statistical Association 106(493). doi:10.1198/jasa.2011.ap09546
    """
    first = pd.concat(
        [draw_cohort(part, intensity, rng) for part in cohorts(intensity)], ignore_index=True
    )
    first["x_m"], first["y_m"] = scatter(
        intensity.surfaces.lattice, first.pop("cell").to_numpy(), rng
    )
    first["parent"] = -1
    horizon = intensity.class_day.shape[1] * DAY_S
    events = add_repeats(first, intensity.surfaces.lattice, horizon, rng)
    order = np.argsort(events["seconds"].to_numpy(), kind="stable")
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    place[-1] = -1
    events = events.iloc[order].reset_index(drop=True)
    events["parent"] = place[events["parent"].to_numpy()]
    return events


def cohorts(intensity: Intensity) -> list[Cohort]:
    """Return the separable components: one background per class, then the hotspots."""
    parts = [
        Cohort(BACKGROUND, row, intensity.class_day[row], intensity.surfaces.background[row])
        for row in range(len(CLASSES))
    ]
    for row, item in enumerate(intensity.hotspots):
        category = int(intensity.hotspot_class[row])
        days, cells = intensity.hotspot_day[row], intensity.hotspot_cell[row]
        parts.append(Cohort(item.hotspot_id, category, days, cells))
    return parts


def draw_cohort(part: Cohort, intensity: Intensity, rng: np.random.Generator) -> pd.DataFrame:
    """Return the incidents of one component with day and hour in ``seconds`` and a cell."""
    count = rng.poisson(part.per_day)
    total = int(count.sum())
    hour = choose(intensity.hours[part.category], total, rng)
    second = np.repeat(np.arange(len(count)) * DAY_S, count) + hour * HOUR_S
    return pd.DataFrame(
        {
            "category": np.full(total, part.category),
            "seconds": np.floor(second + rng.uniform(0.0, HOUR_S, total)),
            "cell": choose(part.per_cell, total, rng),
            "component": part.component,
        }
    )


def choose(share: Array, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return numbers 0 .. n-1 drawn with the given shares, shape (count,)."""
    total = np.cumsum(share)
    drawn = np.searchsorted(total, rng.uniform(0.0, total[-1], count), side="right")
    return np.minimum(drawn, len(share) - 1).astype(np.int64)


def scatter(
    lattice: TruthLattice, cell: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return a uniform point on the land of each cell; cells cut by a border are redrawn."""
    x = lattice.x_m[cell] + rng.uniform(0.0, CELL_M, len(cell))
    y = lattice.y_m[cell] + rng.uniform(0.0, CELL_M, len(cell))
    whole = shapely.area(lattice.ground) >= CELL_M**2 - 1e-6
    open_ = np.flatnonzero(~whole[cell])
    while len(open_):
        off = ~shapely.contains_xy(lattice.ground[cell[open_]], x[open_], y[open_])
        open_ = open_[off]
        x[open_] = lattice.x_m[cell[open_]] + rng.uniform(0.0, CELL_M, len(open_))
        y[open_] = lattice.y_m[cell[open_]] + rng.uniform(0.0, CELL_M, len(open_))
    return x, y


def add_repeats(
    events: pd.DataFrame, lattice: TruthLattice, horizon_s: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the events and the near repeats that they and their repeats set off."""
    theta = np.array([item.triggers for item in CLASSES])
    generations = [events]
    start, parents = 0, events
    while len(parents):
        count = rng.poisson(theta[parents["category"].to_numpy()])
        children = repeats_of(parents, count, start, lattice, horizon_s, rng)
        start += len(parents)
        generations.append(children)
        parents = children
    return pd.concat(generations, ignore_index=True)


def repeats_of(
    parents: pd.DataFrame,
    count: NDArray[np.int64],
    start: int,
    lattice: TruthLattice,
    horizon_s: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one generation of repeats: Gaussian in space, exponential in time."""
    row = np.repeat(np.arange(len(parents)), count)
    category = parents["category"].to_numpy()[row]
    spread = np.array([item.trigger_m for item in CLASSES])[category]
    delay = np.array([item.trigger_days for item in CLASSES])[category] * DAY_S
    x = parents["x_m"].to_numpy()[row] + rng.normal(0.0, 1.0, len(row)) * spread
    y = parents["y_m"].to_numpy()[row] + rng.normal(0.0, 1.0, len(row)) * spread
    seconds = np.floor(parents["seconds"].to_numpy()[row] + rng.exponential(1.0, len(row)) * delay)
    cell = lattice.locate(x, y)
    keep = (cell >= 0) & (seconds < horizon_s)
    keep[keep] = shapely.contains_xy(lattice.ground[cell[keep]], x[keep], y[keep])
    return pd.DataFrame(
        {
            "category": category[keep],
            "seconds": seconds[keep],
            "component": REPEAT,
            "x_m": x[keep],
            "y_m": y[keep],
            "parent": start + row[keep],
        }
    )
