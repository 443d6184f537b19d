"""Project many points: PROJ is asked for the nodes of small tiles, cubics tell the rest.

A projection is so smooth that within 1/32 of a degree, 3.5 km, x and y are cubics of longitude
and latitude to the last digits that metres have. Whether that is so is asked of PROJ at further
places of each tile; the points of a tile where it is not are projected by PROJ one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Project = Callable[[Floats, Floats], tuple[Floats, Floats]]

WORTH = 50_000  # points from which on tiles are quicker
_EXACT_M = 1e-7  # by which a tile may be off where PROJ is asked again; its own digits end at 1e-9
_PER_DEGREE = 32
_POINTS_OF_TILE = 2_000  # on average, at least
_MIDDLE, _AROUND = 1 << 14, 1 << 15  # more than there are tiles around the Earth
_NODES = np.cos((2 * np.arange(4) + 1) * np.pi / 8)  # Chebyshev's, within -1 to 1
_AGAIN = np.array([-1.0, -0.4, 0.1, 1.0])
_SOLVE = np.linalg.inv(np.vander(_NODES, increasing=True))
_POWERS = np.vander(_AGAIN, increasing=True)
_ASKED_U = np.concatenate([np.tile(at, 4) for at in (_NODES, _AGAIN)])
_ASKED_V = np.concatenate([np.repeat(at, 4) for at in (_NODES, _AGAIN)])


def project_by_tiles(lon: Floats, lat: Floats, project: Project) -> tuple[Floats, Floats]:
    """Return x and y as `project` has them, but for the last digits.

    Parameters
    ----------
    lon, lat
        Degrees, shape ``(n,)``.
    project
        Projects points one by one.

    Returns
    -------
    x, y
        Metres, shape ``(n,)``; not finite where `project` finds no place.
    """
    n, n_tiles = len(lon), 0
    x, y = np.empty(n), np.empty(n)
    cubics = np.empty((max(n // _POINTS_OF_TILE, 1), 2, 4, 4))
    keys = np.full(2 << len(cubics).bit_length(), -1)
    tiles = np.empty(len(keys), np.int64)
    begin = 0
    while True:
        full = n_tiles == len(cubics)
        begin, key = _across(lon, lat, begin, full, keys, tiles, cubics, x, y)
        if begin == n:
            break
        cubics[n_tiles] = _cubics(key, project)
        at = _find(keys, key)
        keys[at], tiles[at] = key, n_tiles
        n_tiles += 1
    left = np.flatnonzero(np.isnan(x))
    if len(left):
        x[left], y[left] = project(lon[left], lat[left])
    return x, y


def _cubics(key: int, project: Project) -> Floats:
    """Return the coefficients of x and of y in a tile, ``(2, 4, 4)``; NaN where it has none."""
    row, column = divmod(key, _AROUND)
    found = project(
        (column - _MIDDLE + (_ASKED_U + 1) / 2) / _PER_DEGREE,
        (row - _MIDDLE + (_ASKED_V + 1) / 2) / _PER_DEGREE,
    )
    (of_x, x_again), (of_y, y_again) = (part.reshape(2, 4, 4) for part in found)
    none = np.full((2, 4, 4), np.nan)
    if not np.isfinite(found).all():
        return none
    nodes = np.stack([of_x, of_y])
    base = nodes[:, :1, :1].copy()
    made: Floats = _SOLVE @ (nodes - base) @ _SOLVE.T
    made[:, :1, :1] += base
    off = np.abs(_POWERS @ made @ _POWERS.T - np.stack([x_again, y_again])).max()
    return made if off <= _EXACT_M else none


@njit(cache=True, nogil=True)
def _find(keys: Longs, key: int) -> int:  # pragma: no cover - compiled
    """Return where a tile is or would be."""
    at = (key * 0x9E3779B1 >> 16) & (len(keys) - 1)
    while keys[at] != key and keys[at] >= 0:
        at = (at + 1) & (len(keys) - 1)
    return at


@njit(cache=True, nogil=True)
def _across(
    lon: Floats, lat: Floats, begin: int, full: bool, keys: Longs, tiles: Longs, cubics: Floats,
    x: Floats, y: Floats,
) -> tuple[int, int]:  # fmt: skip  # pragma: no cover - compiled
    """Project points from `begin` on; x is NaN where that cannot be done.

    Returns the first point whose tile is not known, and its tile, unless there can be no more.
    """
    last, tile = -1, -1
    for n in range(begin, len(lon)):
        a, b = lon[n] * _PER_DEGREE, lat[n] * _PER_DEGREE
        if not (abs(a) < _MIDDLE and abs(b) < _MIDDLE):
            x[n] = y[n] = np.nan
            continue
        west, south = np.floor(a), np.floor(b)
        key = (int(south) + _MIDDLE) * _AROUND + int(west) + _MIDDLE
        if key != last:
            at = _find(keys, key)
            if keys[at] < 0 and not full:
                return n, key
            last, tile = key, tiles[at] if keys[at] == key else -1
        if tile < 0:
            x[n] = y[n] = np.nan
            continue
        u, v = 2 * (a - west) - 1, 2 * (b - south) - 1
        p = q = 0.0
        for k in range(3, -1, -1):
            c = cubics[tile, 0, k]
            p = p * v + (((c[3] * u + c[2]) * u + c[1]) * u + c[0])
            c = cubics[tile, 1, k]
            q = q * v + (((c[3] * u + c[2]) * u + c[1]) * u + c[0])
        x[n], y[n] = p, q
    return len(lon), -1
