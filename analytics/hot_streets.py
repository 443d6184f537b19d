"""Hot streets: segments with more incidents than their length explains, and density along them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from analytics.cube import REPORTED, Cube
from analytics.density import Kernel
from analytics.fdr import Procedure, adjust_fdr
from analytics.hotspots import Neighbours, label_spots, neighbour_sums, standardise
from analytics.network_density import (
    STEP_M,
    Split,
    choose_network_bandwidth,
    count_in_pieces,
    cut_streets,
    mean_by_segment,
    network_density,
)
from analytics.permutation import Tails, refined_tails
from analytics.results import Result
from geo.errors import InputError
from geo.network.streets import Snapped, Streets

Floats = NDArray[np.float64]
Method = Literal["gi", "poisson"]


@dataclass(frozen=True)
class StreetParams:
    """How hot streets are found.

    Attributes
    ----------
    method
        ``poisson``: a street by itself, against as many incidents spread evenly by length; ``gi``:
        a street and those that meet it, against the same excesses dealt out at random, which
        holds its own count fixed and does not call a lone busy street.
    permutations
        Of ``gi``; a hundred times as many for streets that stand out, see `refined_tails`.
    alpha, fdr
        False discovery rate at which a street is called hot or cold, see `adjust_fdr`.
    bandwidth_m
        Of the density along streets; None: chosen by how well it foretells left-out places.
    kernel, split, step_m
        See `analytics.network_density`.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    method: Method = "poisson"
    permutations: int = 9999
    alpha: float = 0.05
    fdr: Procedure = "bh"
    bandwidth_m: float | None = None
    kernel: Kernel = "quartic"
    split: Split = "continuous"
    step_m: float = STEP_M
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(f"method is {self.method!r}: say one of {', '.join(get_args(Method))}")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        if self.permutations < 1:
            raise InputError("at least one permutation is needed; 9999 is usual")


def find_hot_streets(
    cube: Cube,
    streets: Streets,
    neighbours: Neighbours,
    snapped: Snapped,
    params: StreetParams | None = None,
    *,
    rng: np.random.Generator,
) -> Result:
    """Find the streets that hold more or fewer incidents than their length explains.

    Parameters
    ----------
    cube
        Counts by segment; all steps are added up.
    neighbours
        Which segments meet, see `geo.network.streets.segment_neighbours`.
    snapped
        The same incidents as points on the segments, for the density between them.

    Returns
    -------
    Result
        Score z, two-sided p, q over all segments, label ``hot``, ``cold``, ``none`` or
        ``untested``. Its details: ``segment_id``, ``street`` and ``road`` (name and kind),
        ``length_m``, ``expected`` (incidents by length), ``per_km``, and ``density`` (per km,
        along the network).

    Raises
    ------
    InputError
        The cube is of other streets, or holds no incident at all.
    """
    how = params or StreetParams()
    if not np.array_equal(cube.units.ids, np.arange(len(streets))):
        raise InputError("the cube was counted on other streets; hand in those it came from")
    y = cube.totals(classes=how.classes, found_by=how.found_by).astype(np.float64)
    if not y.any():
        raise InputError(
            f"no incident lies within {streets.reach_m:g} m of a street; check the roads, widen "
            "the window or the reach"
        )
    length = streets.length_m
    share = length / length.sum()
    z, tails = _excess(y, share, neighbours, how, rng)
    p = np.where(np.isnan(z), np.nan, tails.two_sided)
    q = adjust_fdr(p, procedure=how.fdr)
    density, bandwidth_m = _density(streets, snapped, how, rng)
    described = asdict(how) | cube.describe(classes=how.classes, found_by=how.found_by)
    described |= {
        "bandwidth_used_m": bandwidth_m,
        "unsnapped": int(cube.left_out.get("no_unit", 0)),
        "unsnapped_share": snapped.unsnapped_share,
    }
    return Result(
        kind="streets",
        units=cube.units,
        steps=cube.steps,
        observed=y,
        score=z,
        p=p,
        q=q,
        slope=np.full(len(y), np.nan),
        label=np.where(np.isnan(p), "untested", label_spots(tails, q, alpha=how.alpha)),
        parameters=MappingProxyType(described),
        details=_details(streets, y, share, density),
    )


def _excess(
    y: Floats, share: Floats, neighbours: Neighbours, how: StreetParams, rng: np.random.Generator
) -> tuple[Floats, Tails]:
    """Return z and both tails of what streets have beyond their share of the length."""
    n = y.sum()
    if how.method == "gi":
        more = y - n * share
        k, sums = np.diff(neighbours[0]), neighbour_sums(more, neighbours)
        z = standardise(more, k, sums, star=True, weights="binary")
        return z, refined_tails(more, k, sums, permutations=how.permutations, rng=rng)
    # Given how many there are in all, each lies on this street with the chance of its length.
    tails = Tails(
        upper=np.asarray(binom.sf(y - 1, n, share)), lower=np.asarray(binom.cdf(y, n, share))
    )
    return (y - n * share) / np.sqrt(n * share * (1 - share)), tails


def _density(
    streets: Streets, snapped: Snapped, how: StreetParams, rng: np.random.Generator
) -> tuple[Floats, float]:
    pieces = cut_streets(streets, step_m=how.step_m)
    width = how.bandwidth_m
    if width is None:
        width = choose_network_bandwidth(
            snapped, pieces, rng=rng, kernel=how.kernel, split=how.split
        ).best_m
    counts = count_in_pieces(pieces, snapped)
    along = network_density(counts, pieces, bandwidth_m=width, kernel=how.kernel, split=how.split)
    return mean_by_segment(along, pieces), width


def _details(streets: Streets, y: Floats, share: Floats, density: Floats) -> pd.DataFrame:
    frame = streets.network.segments
    told: dict[str, Any] = {
        "segment_id": frame["segment_id"].astype(str).to_numpy(dtype=object),
        "street": frame["name"].to_numpy(dtype=object),
        "road": frame["kind"].to_numpy(dtype=object),
        "length_m": streets.length_m,
        "expected": y.sum() * share,
        "per_km": y / (streets.length_m / 1000.0),
        "density": density,
    }
    return pd.DataFrame(told)
