"""What must be beaten: counting, in seven ways."""

from __future__ import annotations

from analytics.forecast.blend import Blend, BlendParams
from analytics.forecast.protocol import Places, Target
from analytics.forecast.surfaces import Memory, Surface

ALL_HISTORY = "all-history counts"
"""Name of the baseline that literature finds hard to beat (Wheeler and Steenbeek 2021,
doi:10.1007/s10940-020-09457-7): a forecast that does not beat it is not used."""
LAST_WINDOW = "last window"
EWMA = "EWMA"
EWMA_YEAR = "EWMA, 1 year"
EWMA_TWO_YEARS = "EWMA, 2 years"
KERNEL = "kernel"
PROMAP = "ProMap"
CHAMPIONS = (ALL_HISTORY, EWMA, EWMA_YEAR, EWMA_TWO_YEARS)
"""Ways of counting in place that differ in how long they remember. Which of them is best differs
from city to city, so whatever claims to beat counting must hold its own against each."""


def last_window(
    target: Target, places: Places, *, days: float = 28.0, params: BlendParams | None = None
) -> Blend:
    """Count the incidents of the last days."""
    return _single(LAST_WINDOW, target, places, Surface(Memory("window", days)), params)


def all_history(target: Target, places: Places, *, params: BlendParams | None = None) -> Blend:
    """Count all incidents so far."""
    return _single(ALL_HISTORY, target, places, Surface(Memory("all")), params)


def ewma(
    target: Target,
    places: Places,
    *,
    half_life_days: float = 180.0,
    params: BlendParams | None = None,
) -> Blend:
    """Count all incidents so far, half as much after each half-life."""
    return _single(EWMA, target, places, Surface(Memory("decay", half_life_days)), params)


def long_ewmas(
    target: Target, places: Places, *, params: BlendParams | None = None
) -> tuple[Blend, Blend]:
    """Count with half-lives of one year and of two."""
    named = ((EWMA_YEAR, 365.0), (EWMA_TWO_YEARS, 730.0))
    one, two = (
        _single(name, target, places, Surface(Memory("decay", days)), params)
        for name, days in named
    )
    return one, two


def kernel(
    target: Target, places: Places, *, bandwidth_m: float = 250.0, params: BlendParams | None = None
) -> Blend:
    """Spread all incidents so far by a Gaussian kernel (retrospective hotspots)."""
    return _single(KERNEL, target, places, Surface(Memory("all"), bandwidth_m), params)


def promap(
    target: Target,
    places: Places,
    *,
    days: float = 60.0,
    radius_m: float = 400.0,
    params: BlendParams | None = None,
) -> Blend:
    """Spread recent incidents by weights that fall with weeks and distance.

    References
    ----------
    Bowers, Johnson and Pease (2004), doi:10.1093/bjc/azh036.
    """
    surface = Surface(Memory("promap", days), radius_m, "promap")
    return _single(PROMAP, target, places, surface, params)


def _single(
    name: str, target: Target, places: Places, surface: Surface, params: BlendParams | None
) -> Blend:
    # A blend of one surface and the even one: the order of the units stays that of the counts, and
    # level, evenness and spread are learnt alike for all methods, so that their scores compare.
    return Blend(name, target, places, (surface,), params or BlendParams())
