"""Incidents that patrols found, corrected for how much the patrols were there to find."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from analytics.cube import DISCOVERED, Cube
from geo.errors import InputError

Floats = NDArray[np.float64]
Method = Literal["leave-out", "by-dose", "thinned"]


@dataclass(frozen=True)
class EffortParams:
    """What becomes of incidents that were found by those sent to look.

    Attributes
    ----------
    method
        ``leave-out``: only what was reported counts. ``by-dose``: found incidents are divided by
        effort. ``thinned``: found incidents are dropped at random, the more effort the more
        likely, and stay whole counts.
    least_h
        Hours below which nobody can say what there is to find: such a place is unknown.
    most_weight
        The most that one found incident may count against one found under average effort. It
        keeps a single find in a rarely visited place from outweighing everything; places with
        less than the average effort over this figure are corrected less than they should be.
    saturation_h
        Hours after which 63 % of what is there has been found, ``1 - exp(-hours / this)``.
        None: twice the hours find twice as much.
    """

    method: Method = "leave-out"
    least_h: float = 1.0
    most_weight: float = 10.0
    saturation_h: float | None = None

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(f"method is {self.method!r}: say one of {', '.join(get_args(Method))}")
        if not self.least_h > 0:
            raise InputError(f"least_h is {self.least_h}; it must be more than 0")
        if not self.most_weight >= 1:
            raise InputError(f"most_weight is {self.most_weight}; it must be at least 1")
        if self.saturation_h is not None and not self.saturation_h > 0:
            raise InputError(f"saturation_h is {self.saturation_h}; it must be more than 0")


@dataclass(frozen=True, eq=False)
class Correction:
    """A cube whose counts may be added up over sources, and how it came about.

    Attributes
    ----------
    cube
        Reported layers as they were. Found layers left out, weighted or thinned; zero where
        unknown.
    weight
        For each found source what one incident of a unit (and step) counts, ``(n_units,)`` or
        ``(n_units, n_steps)``; NaN where unknown. Empty where found incidents are left out.
    unknown
        Shape ``(n_units,)``: under no found source were there enough hours, so that finding
        nothing there says nothing. Never to be shown as safe.
    parameters
        All that is needed to compute it again, as plain JSON values.
    """

    cube: Cube
    weight: Mapping[str, Floats]
    unknown: NDArray[np.bool_]
    parameters: Mapping[str, Any]


def correct_for_effort(
    cube: Cube, params: EffortParams | None = None, *, rng: np.random.Generator | None = None
) -> Correction:
    """Make counts comparable between places that were watched much and little.

    Parameters
    ----------
    cube
        Its units' exposure holds the hours of each found source: ``patrol_hours``,
        ``camera_hours``, ``drone_hours``, each ``(n_units,)`` or ``(n_units, n_steps)``, NaN
        where nobody knows. A found source without hours is left out. With exposure
        ``area_km2``, hours count by km2: ten hours find less in a larger place.
    rng
        For ``thinned`` only.

    Returns
    -------
    Correction
        What is dropped is told in ``cube.left_out``: ``found`` (left out as a whole, or no hours
        are known at all), ``found_without_effort`` (in unknown places), ``thinned``.

    Raises
    ------
    InputError
        Hours are negative, or `rng` is needed and missing, or weights are to be thinned.

    References
    ----------
    Ensign, D., Friedler, S. A., Neville, S., Scheidegger, C. and Venkatasubramanian, S. (2018).
    Runaway feedback loops in predictive policing. PMLR 81, 160-171. (Thinning: there an incident
    found is kept with a chance that falls with how often the place is visited.)
    """
    how = params or EffortParams()
    weights = _weights(cube, how)
    used = {} if how.method == "leave-out" else weights
    kept = [i for i, name in enumerate(cube.found_by) if name not in DISCOVERED or name in used]
    left_out = {"found": int(cube.counts.sum()) - int(cube.counts[..., kept].sum())}
    layers = []
    for i in kept:
        counts, name = cube.counts[..., i], cube.found_by[i]
        if name in used:
            counts, lost = _correct(counts, _over_bins(used[name]), how, rng)
            left_out |= {reason: left_out.get(reason, 0) + n for reason, n in lost.items()}
        layers.append(counts)
    corrected = replace(
        cube,
        counts=np.stack(layers, axis=-1) if layers else cube.counts[..., :0],
        found_by=tuple(cube.found_by[i] for i in kept),
        left_out=MappingProxyType({**cube.left_out, **left_out}),
    )
    return Correction(
        cube=corrected,
        weight=MappingProxyType(used),
        unknown=_unknown(weights, len(cube.units)),
        parameters=MappingProxyType(asdict(how) | {"found_by": sorted(used)}),
    )


def dose_weights(effort_h: Floats, params: EffortParams | None = None) -> Floats:
    """Return what one found incident counts under each effort; 1 under average effort.

    With d the chance that an incident there is found (proportional to hours, or saturating), the
    weight is ``mean(d) / d``, at most ``most_weight``, the mean running over known places.

    Parameters
    ----------
    effort_h
        Hours, any shape; NaN where nobody knows.

    Returns
    -------
    NDArray
        Same shape; NaN where the hours are unknown or fewer than ``least_h``.

    Raises
    ------
    InputError
        Hours are negative.

    Examples
    --------
    >>> dose_weights(np.array([30.0, 10.0, 0.0, np.nan]))
    array([0.66666667, 2.        ,        nan,        nan])
    """
    how = params or EffortParams()
    hours = np.asarray(effort_h, dtype=np.float64)
    if (hours < 0).any():
        raise InputError("hours of effort are negative; mark what nobody knows as NaN")
    known = hours >= how.least_h
    weight = np.full(hours.shape, np.nan)
    if known.any():
        seen = hours[known]
        if how.saturation_h is not None:
            seen = -np.expm1(-seen / how.saturation_h)
        weight[known] = np.minimum(seen.mean() / seen, how.most_weight)
    return weight


def by_unit(values: Floats) -> Floats:
    """Return values by unit, or unit and step, as one row a unit, also for no units."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _weights(cube: Cube, how: EffortParams) -> dict[str, Floats]:
    exposure = cube.units.exposure
    return {
        name: dose_weights(_per_size(exposure[f"{name}_hours"], cube), how)
        for name in DISCOVERED
        if f"{name}_hours" in exposure
    }


def _per_size(hours: Floats, cube: Cube) -> Floats:
    """Return hours as if each unit were of average size: ten hours find less in a larger place."""
    if "area_km2" not in cube.units.exposure or not len(hours):
        return hours
    size = cube.units.exposure["area_km2"]
    scale: Floats = size.mean() / size
    per_size: Floats = hours * (scale if hours.ndim == 1 else scale[:, None])
    return per_size


def _over_bins(weight: Floats) -> Floats:
    """Shape weights by unit, or unit and step, to fit ``(n_units, n_steps, n_classes)``."""
    return weight.reshape((*weight.shape, *(1,) * (3 - weight.ndim)))


def _correct(
    counts: NDArray[Any], weight: Floats, how: EffortParams, rng: np.random.Generator | None
) -> tuple[NDArray[Any], dict[str, int]]:
    """Weight or thin one layer; return it and how many incidents went, by reason."""
    known = ~np.isnan(weight)
    inside = np.where(known, counts, 0)
    lost = {"found_without_effort": round(float(counts.sum() - inside.sum()))}
    filled = np.where(known, weight, 0.0)
    if how.method == "by-dose":
        return (inside * filled).astype(np.float32), lost
    if rng is None:
        raise InputError("thinning drops incidents at random: hand in rng")
    if not np.issubdtype(counts.dtype, np.integer):
        raise InputError("incidents spread over an interval cannot be thinned; take by-dose")
    keep = filled / max(float(filled.max(initial=0.0)), np.finfo(np.float64).tiny)
    thinned = rng.binomial(inside, np.broadcast_to(keep, inside.shape)).astype(counts.dtype)
    return thinned, lost | {"thinned": int(inside.sum()) - int(thinned.sum())}


def _unknown(weights: Mapping[str, Floats], n: int) -> NDArray[np.bool_]:
    unknown = np.ones(n, dtype=np.bool_)
    for weight in weights.values():
        unknown &= np.isnan(by_unit(weight)).all(axis=1)
    return unknown
