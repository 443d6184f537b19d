"""How sure Sen's slope is: an interval by ranks, for plain and for seasonal series."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

from analytics.seasonal import fold, seasonal_mann_kendall
from analytics.trend_kernel import pair_slopes
from analytics.trends import mann_kendall
from geo.errors import InputError

Floats = NDArray[np.float64]


def sen_interval(
    series: NDArray[Any],
    var_s: Floats | None = None,
    *,
    period: int | None = None,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return bounds of Sen's slope of every row, each ``(n_units,)``.

    With N slopes between steps (of one season, if there is a period) and C the normal quantile
    times the standard deviation of s, the bounds are the slopes of rank (N - C) / 2 and
    (N + C) / 2 + 1, rounded as SciPy's ``theilslopes`` does, or the outermost ones.

    Parameters
    ----------
    series
        Shape ``(n_units, n_steps)``; NaN is a missing step and is skipped.
    var_s
        Variance of s under no trend, ``(n_units,)``; by default that of the plain test or, with a
        period, of the seasonal one.
    period
        Steps in a cycle; slopes are then changes over one whole cycle.

    Returns
    -------
    tuple
        Lower and upper bounds; NaN below two known steps.

    Raises
    ------
    InputError
        The confidence is out of range, or variance and series do not fit.

    References
    ----------
    Sen (1968), doi:10.1080/01621459.1968.10480934; Gilbert (1987), Statistical Methods for
    Environmental Pollution Monitoring, sections 16.5 and, seasonal, 17.3.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; it must lie between 0 and 1")
    if var_s is None:
        test = seasonal_mann_kendall(series, period=period) if period else mann_kendall(series)
        var_s = test.var_s
    cycles = fold(series, period=period) if period else np.asarray(series, np.float64)[:, None, :]
    if len(var_s) != len(cycles):
        raise InputError(f"{len(var_s)} variances for {len(cycles)} series")
    reach = ndtri((1 + confidence) / 2) * np.sqrt(np.maximum(var_s, 0.0))
    low, high = _bounds(np.ascontiguousarray(cycles), np.asarray(reach, dtype=np.float64))
    return low, high


@njit(cache=True, nogil=True)
def _bounds(cycles: Floats, reach: Floats) -> tuple[Floats, Floats]:
    n_units, n_seasons, n = cycles.shape
    low, high = np.full(n_units, np.nan), np.full(n_units, np.nan)
    slopes = np.empty(n_seasons * n * (n - 1) // 2)
    for i in range(n_units):
        filled = pair_slopes(cycles[i], slopes)
        if filled == 0:
            continue
        ordered = np.sort(slopes[:filled])
        below = int(np.rint((filled - reach[i]) / 2)) - 1
        above = int(np.rint((filled + reach[i]) / 2))
        low[i] = ordered[max(below, 0)]
        high[i] = ordered[min(above, filled - 1)]
    return low, high
