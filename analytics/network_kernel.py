"""Kernels along streets: the compiled wave that carries mass from piece to piece."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def spread_along(
    mass: Floats,
    first: Ints,
    last: Ints,
    ends: Ints,
    degree: Ints,
    weights: Floats,
    continuous: bool,
) -> Floats:
    """Let the mass of pieces run along streets both ways and lay down what each step keeps.

    Half of each mass sets out towards either end of its segment, one piece a step. After ``t``
    steps, the share ``weights[:, t]`` of what is under way stays where it then is.

    Parameters
    ----------
    mass
        By piece, ``(n_pieces,)``; the pieces of a segment stand one after another.
    first, last
        Of each segment its first and last piece, ``(n_segments,)``.
    ends
        Of each segment its two nodes, ``(n_segments, 2)``.
    degree
        Segment ends at each node, ``(n_nodes,)``.
    weights
        ``(n_kernels, n_steps)``.
    continuous
        Whether a junction sends part back, see `analytics.network_density`.

    Returns
    -------
    NDArray
        ``(n_kernels, n_pieces)``; as much as there was, if each row of `weights` adds up to 1.
    """
    n_kernels, n_steps = weights.shape
    out = np.zeros((n_kernels, len(mass)))
    up, down = 0.5 * mass, 0.5 * mass
    arrived = np.empty(len(degree))
    for step in range(n_steps):
        for kernel in range(n_kernels):
            share = weights[kernel, step]
            if share != 0.0:
                for piece in range(len(mass)):
                    out[kernel, piece] += share * (up[piece] + down[piece])
        if step + 1 == n_steps:
            break
        arrived[:] = 0.0
        for s in range(len(first)):
            arrived[ends[s, 1]] += up[last[s]]
            arrived[ends[s, 0]] += down[first[s]]
        for s in range(len(first)):
            a, b = first[s], last[s]
            at_end, at_start = up[b], down[a]
            for piece in range(b, a, -1):
                up[piece] = up[piece - 1]
            for piece in range(a, b):
                down[piece] = down[piece + 1]
            up[a] = _enters(arrived[ends[s, 0]], at_start, degree[ends[s, 0]], continuous)
            down[b] = _enters(arrived[ends[s, 1]], at_end, degree[ends[s, 1]], continuous)
    return out


@njit(cache=True, nogil=True, inline="always")
def _enters(arrived: float, own: float, degree: int, continuous: bool) -> float:
    """Return what enters a segment at a node where `arrived` came in, `own` of it from itself."""
    if degree == 1:
        return own
    if continuous:
        return 2.0 / degree * arrived - own
    return (arrived - own) / (degree - 1)
