"""Rising, falling and equal pairs of steps of many rows at once: the compiled comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.sen_kernel import LANES

Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def compare_steps(
    block: NDArray[Any], tally: NDArray[Any], rises: Ints, falls: Ints, known: Ints, ties: Ints
) -> None:
    """Count rising and falling pairs, known steps and the sum of t(t - 1)(2t + 5) over ties.

    Of t equal values the first sees t - 1 equal later ones, the last none; summed over them,
    ``6 u^2 + 12 u`` of what each sees is ``t(t - 1)(2t + 5)``, so nothing need be sorted.
    """
    n = block.shape[0]
    later = np.zeros(LANES, dtype=np.int64)
    for w in range(LANES):
        rises[w] = falls[w] = ties[w] = 0
    for a in range(n):
        for w in range(LANES):
            later[w] += block[a, w] == block[a, w]
    for w in range(LANES):
        known[w] = later[w]
    for a in range(n):
        up, down = tally[0], tally[1]
        up[:] = 0
        down[:] = 0
        later_pairs = n - 1 - a
        for b in range(a + 1, n - later_pairs % 4, 4):  # no addition waits for the last one
            for w in range(LANES):
                x = block[a, w]
                up[w] += (
                    np.int16(block[b, w] > x)
                    + np.int16(block[b + 1, w] > x)
                    + np.int16(block[b + 2, w] > x)
                    + np.int16(block[b + 3, w] > x)
                )
                down[w] += (
                    np.int16(block[b, w] < x)
                    + np.int16(block[b + 1, w] < x)
                    + np.int16(block[b + 2, w] < x)
                    + np.int16(block[b + 3, w] < x)
                )
        for b in range(n - later_pairs % 4, n):
            for w in range(LANES):
                up[w] += block[b, w] > block[a, w]
                down[w] += block[b, w] < block[a, w]
        for w in range(LANES):
            here = np.int64(block[a, w] == block[a, w])
            later[w] -= here
            same = here * later[w] - up[w] - down[w]
            rises[w] += up[w]
            falls[w] += down[w]
            ties[w] += 6 * same * same + 12 * same
