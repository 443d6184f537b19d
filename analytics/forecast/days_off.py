"""Which steps hold public holidays."""

from __future__ import annotations

from functools import lru_cache

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.steps import Steps
from geo.errors import InputError

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

_OFFSETS = {
    "hour": pd.DateOffset(hours=1),
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
}


def holiday_share(
    steps: Steps, n_steps: int, *, country: str, subdivision: str | None = None
) -> Floats:
    """Return the part of each step's days that are public holidays there.

    Parameters
    ----------
    steps
        Hours, days, weeks or months; they may be continued past their end.
    n_steps
        How many steps from the first on.
    country, subdivision
        ISO 3166 codes, such as ``CN``, or ``US`` and ``IL``.

    Returns
    -------
    NDArray
        Shape ``(n_steps,)``, within 0 and 1.

    Raises
    ------
    InputError
        The country or subdivision is unknown.
    """
    local = _local_starts(steps, n_steps + 1)
    begin = local[:-1].astype("datetime64[D]")
    end = np.maximum(local[1:].astype("datetime64[D]"), begin + np.timedelta64(1, "D"))
    if steps.step == "hour":
        end = begin + np.timedelta64(1, "D")
    years = begin[[0, -1]].astype("datetime64[Y]").astype(int) + 1970
    off = public_holidays(country, subdivision, int(years[0]), int(years[1]) + 1)
    held = np.searchsorted(off, end) - np.searchsorted(off, begin)
    return np.asarray(held / ((end - begin) / np.timedelta64(1, "D")))


@lru_cache(maxsize=32)
def public_holidays(country: str, subdivision: str | None, first: int, last: int) -> Days:
    """Return the public holidays of the years `first` to `last`, ascending."""
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=range(first, last + 1))
    except NotImplementedError as error:
        where = country if subdivision is None else f"{country}, {subdivision}"
        raise InputError(
            f"no holidays are known for {where!r}; give ISO 3166 codes, such as CN, or US and IL"
        ) from error
    return np.array(sorted(found), dtype="datetime64[D]")


def _local_starts(steps: Steps, n: int) -> Days:
    starts = steps.starts.tz_localize(None).to_numpy()
    more = n - len(starts)
    if more > 0:
        offset = _OFFSETS[steps.step]
        ahead = pd.date_range(pd.Timestamp(starts[-1]) + offset, periods=more, freq=offset)
        starts = np.concatenate([starts, ahead.to_numpy()])
    return np.asarray(starts[:n], dtype="datetime64[s]")
