"""Grid codes: fifteen digits, numbered in reading order, never given twice."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import ConflictError, InputError
from geo.grids.frames import Shapes, require_frame, shapes_of

COMMUNITY_DIGITS = 12
LAST_NUMBER = 999
CodeProblem = Literal["code_digits", "code_number", "code_parent"]
_COMMUNITY = re.compile(r"[0-9]{12}")
_GRID = re.compile(r"[0-9]{15}")
_MICRO = re.compile(r"([0-9]{15})-([0-9]{2})")


def check_code(
    code: str, *, parent_code: str | None = None, micro: bool = False
) -> CodeProblem | None:
    """Return which rule a grid code breaks, or None when it breaks none.

    A grid has 15 digits: the 12 of its community, then 001 to 999. A micro-grid has the code
    of its grid, a hyphen and 01 to 99. ``"code_digits"`` is a wrong length or character,
    ``"code_number"`` the number zero, ``"code_parent"`` the beginning of another parent.

    Examples
    --------
    >>> check_code("110102001001003", parent_code="110102001001")
    >>> check_code("110102001001000")
    'code_number'
    """
    match = _MICRO.fullmatch(code) if micro else _GRID.fullmatch(code)
    if match is None:
        return "code_digits"
    stem, number = (match[1], match[2]) if micro else (code[:COMMUNITY_DIGITS], code[12:])
    if not int(number):
        return "code_number"
    if parent_code is not None and stem != parent_code:
        return "code_parent"
    return None


def micro_code(grid_code: str, number: int) -> str:
    """Return the code of micro-grid `number` (1 to 99) of a grid.

    Raises
    ------
    InputError
        If the grid code is malformed or the number out of range.
    """
    if check_code(grid_code) is not None:
        raise InputError(f"{grid_code!r} is not a grid code of 15 digits.")
    if not 1 <= number <= 99:
        raise InputError(f"micro-grid {number} of {grid_code}: the number must be 1 to 99.")
    return f"{grid_code}-{number:02d}"


def reading_order(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], *, row_height_m: float
) -> npt.NDArray[np.int64]:
    """Return the positions of points in reading order: rows north to south, each west to east.

    Parameters
    ----------
    x, y
        Coordinates in metres, shape ``(n,)``.
    row_height_m
        A row starts at the northernmost point left and takes all within this height of it.

    Returns
    -------
    Positions, shape ``(n,)``; empty for no points.
    """
    row = np.zeros(len(y), dtype=np.int64)
    top, current = np.inf, -1
    for position in np.lexsort((x, -y)):
        if y[position] < top - row_height_m or current < 0:
            top, current = y[position], current + 1
        row[position] = current
    return np.lexsort((y, x, row)).astype(np.int64)


def number_grids(
    grids: gpd.GeoDataFrame,
    *,
    community_code: str,
    taken: Collection[str],
    srid: int,
    code_scheme: str = "cn",
    row_height_m: float | None = None,
) -> npt.NDArray[np.str_]:
    """Give each grid of one community a code that was never used.

    Numbers run along rows from west to east, rows from north to south, over the centroids.

    Parameters
    ----------
    grids
        Grids of one community in `srid`.
    community_code
        The 12 digits of the community; any text with a local scheme.
    taken
        Every code ever used, those of ended grids too; codes elsewhere are ignored.
    code_scheme
        ``"cn"`` gives 15 digits, ``"local"`` the community's code, a hyphen and 3 digits.
    row_height_m
        Height of a row; by default half the side of a square of the mean grid's area.

    Returns
    -------
    Codes in the order of `grids`, shape ``(n,)``.

    Raises
    ------
    InputError
        If `community_code` is not 12 digits.
    ConflictError
        If the community has no number up to 999 left.
    """
    require_frame(grids, srid=srid, name="grids", columns=())
    if code_scheme == "cn" and _COMMUNITY.fullmatch(community_code) is None:
        raise InputError(f"community code {community_code!r} is not 12 digits.")
    stem = community_code if code_scheme == "cn" else f"{community_code}-"
    used = {code[len(stem) : len(stem) + 3] for code in taken if code.startswith(stem)}
    free = [number for number in range(1, LAST_NUMBER + 1) if f"{number:03d}" not in used]
    if len(free) < len(grids):
        raise ConflictError(
            f"community {community_code} has {len(free)} grid numbers left of {LAST_NUMBER}, "
            f"{len(grids)} are needed; ended grids keep theirs. Open a new community code."
        )
    numbered = np.array([f"{stem}{number:03d}" for number in free[: len(grids)]], dtype=np.str_)
    codes = np.empty_like(numbered)
    codes[_order_of(grids, row_height_m)] = numbered
    return codes


def row_height(shapes: Shapes) -> float:
    """Return half the side of a square of the mean area: lower centroids start the next row."""
    return float(np.sqrt(shapely.area(shapes).mean())) / 2


def _order_of(grids: gpd.GeoDataFrame, row_height_m: float | None) -> npt.NDArray[np.int64]:
    shapes = shapes_of(grids)
    if not len(shapes):
        return np.empty(0, dtype=np.int64)
    centre = shapely.centroid(shapes)
    height = row_height(shapes) if row_height_m is None else row_height_m
    return reading_order(shapely.get_x(centre), shapely.get_y(centre), row_height_m=height)
