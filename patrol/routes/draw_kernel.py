"""Random numbers for compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Seed = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def draw(state: Seed) -> float:
    """Return the next number of a xorshift generator, 0 <= u < 1 (Marsaglia 2003)."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return float(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def below(state: Seed, n: int) -> int:
    """Return a whole number, 0 <= k < n."""
    return int(draw(state) * n)
