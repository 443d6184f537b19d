"""The frame of a lattice: where its cells lie, as numbers, centres and polygons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geo.errors import InputError
from geo.lattice.indexing import ROW_HEIGHT, hexagon_cells, square_cells

Kind = Literal["square", "hexagon"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]

MOST_CELLS = 50_000_000

# (row, column) steps to neighbours in reading order; hexagons by parity of the row
QUEEN = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)])
ROOK = np.array([(-1, 0), (0, -1), (0, 1), (1, 0)])
HEXAGON_EVEN = np.array([(-1, -1), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 0)])
HEXAGON_ODD = np.array([(-1, 0), (-1, 1), (0, -1), (0, 1), (1, 0), (1, 1)])
# corners of a hexagon from its lowest one, in halves of the width and sixths of the row height
_CORNERS = np.array([(1, -1), (2, 1), (2, 5), (1, 7), (0, 5), (0, 1), (1, -1)])


@dataclass(frozen=True, eq=False)
class Frame:
    """A rectangle of whole cells, numbered row by row from the south-west.

    The linear index of a cell is ``row * n_columns + column``. Squares:

    ``column = floor((x - x0) / cell_size_m)``, ``row = floor((y - y0) / cell_size_m)``,

    in double precision and with that division, so that ``floor((ST_X(p) - :x0) / :size)`` in the
    database gives the same number bit by bit. A cell owns its lower and left edges.

    Hexagons stand on a corner and are as wide (side to opposite side) as `cell_size_m`; their
    rows are ``cell_size_m * sqrt(3) / 2`` apart and every odd row is moved half a cell to the
    right. The centre of cell (row, column) is
    ``x0 + (column + 0.5 + 0.5 * (row % 2)) * cell_size_m``, ``y0 + (row + 0.5) * row height``;
    a point belongs to the nearest centre (ties: the upper, then the right one).

    Attributes
    ----------
    kind
        ``"square"`` or ``"hexagon"``.
    srid
        The metric CRS.
    cell_size_m
        Side of a square; distance between opposite sides of a hexagon, in metres.
    x0, y0
        Lower left corner of the frame (m): of cell 0 for squares.
    n_columns, n_rows
        Size of the frame.
    """

    kind: Kind
    srid: int
    cell_size_m: float
    x0: float
    y0: float
    n_columns: int
    n_rows: int

    @property
    def n_frame(self) -> int:
        """Number of cells, active or not."""
        return self.n_rows * self.n_columns

    @property
    def row_height_m(self) -> float:
        """Distance between rows of centres, in metres."""
        return self.cell_size_m * (ROW_HEIGHT if self.kind == "hexagon" else 1.0)

    @property
    def cell_area_m2(self) -> float:
        """Area of a whole cell in square metres: width x row height, for both kinds."""
        return self.cell_size_m * self.row_height_m


def frame_around(
    boundary: Polygon | MultiPolygon,
    *,
    cell_size_m: float,
    srid: int,
    kind: Kind,
    origin: tuple[float, float],
) -> Frame:
    """Return the smallest frame, a whole number of cells from `origin`, around a boundary.

    Raises
    ------
    InputError
        The size is not positive, `kind` is unknown, `origin` not finite, or the frame would have
        more than 50 million cells.
    """
    if kind not in ("square", "hexagon"):
        raise InputError(f"kind is {kind!r}: say 'square' or 'hexagon'")
    if not (math.isfinite(cell_size_m) and cell_size_m > 0):
        raise InputError(f"cell_size_m is {cell_size_m}: give metres, more than 0")
    if not all(map(math.isfinite, origin)):
        raise InputError(f"origin is {origin}: give two numbers in metres")
    # Hexagons reach over the next row and column; an even first row keeps the shift of all rows.
    margin = 1 if kind == "hexagon" else 0
    size = float(cell_size_m)
    height = size * ROW_HEIGHT if kind == "hexagon" else size
    left, bottom, right, top = boundary.bounds
    _check_count((right - left) / size, (top - bottom) / height, size)
    first_column = math.floor((left - origin[0]) / size) - margin
    first_row = math.floor((bottom - origin[1]) / height) - margin
    first_row -= first_row % 2 if kind == "hexagon" else 0
    x0, y0 = origin[0] + first_column * size, origin[1] + first_row * height
    n_columns = math.floor((right - x0) / size) + 1 + margin
    n_rows = math.floor((top - y0) / height) + 1 + margin
    return Frame(kind, srid, size, x0, y0, n_columns, n_rows)


def look_up(frame: Frame, x: Floats, y: Floats, at: Ints) -> Longs:
    """Return ``at[linear index]`` of each point's cell, ``(n,)``; -1 outside or for NaN."""
    assign = square_cells if frame.kind == "square" else hexagon_cells
    size, columns, rows = frame.cell_size_m, frame.n_columns, frame.n_rows
    return assign(x, y, frame.x0, frame.y0, size, columns, rows, at)


def centres_of(frame: Frame, cells: Longs) -> tuple[Floats, Floats]:
    """Return x and y (m) of the centres of cells given by linear index, each ``(n,)``."""
    rows, columns = np.divmod(cells, frame.n_columns)
    shift = 0.5 * (rows % 2) if frame.kind == "hexagon" else 0.0
    x = frame.x0 + (columns + 0.5 + shift) * frame.cell_size_m
    return x, frame.y0 + (rows + 0.5) * frame.row_height_m


def polygons_of(frame: Frame, cells: Longs) -> Geometries:
    """Return cells given by linear index as polygons, ``(n,)``, with exactly shared corners."""
    rows, columns = np.divmod(cells, frame.n_columns)
    size, x0, y0 = frame.cell_size_m, frame.x0, frame.y0
    if frame.kind == "square":
        left, right = x0 + columns * size, x0 + (columns + 1) * size
        corners = shapely.box(left, y0 + rows * size, right, y0 + (rows + 1) * size)
        return np.asarray(corners, dtype=np.object_)
    across = (2 * columns + rows % 2)[:, None] + _CORNERS[:, 0]
    up = 6 * rows[:, None] + _CORNERS[:, 1]
    xy = np.stack((x0 + across * (size / 2), y0 + up * (frame.row_height_m / 6)), axis=-1)
    return np.asarray(shapely.polygons(xy), dtype=np.object_)


def around(frame: Frame, cells: Longs, steps: Longs) -> Longs:
    """Return the cells some steps away, -1 beyond the frame.

    Parameters
    ----------
    frame
        The frame.
    cells
        Linear indices, ``(n,)``.
    steps
        (row, column) steps, ``(k, 2)`` or ``(n, k, 2)``.

    Returns
    -------
    ndarray
        Linear indices, ``(n, k)``.
    """
    rows, columns = np.divmod(cells, frame.n_columns)
    near_rows = rows[:, None] + steps[..., 0]
    near_columns = columns[:, None] + steps[..., 1]
    framed = (near_rows >= 0) & (near_rows < frame.n_rows)
    framed &= (near_columns >= 0) & (near_columns < frame.n_columns)
    return np.where(framed, near_rows * frame.n_columns + near_columns, -1)


def _check_count(columns: float, rows: float, size: float) -> None:
    count = (columns + 1) * (rows + 1)
    if count > MOST_CELLS:
        raise InputError(
            f"cells of {size:g} m would make a frame of {count:.3g} cells, more than "
            f"{MOST_CELLS:,}: choose larger cells, or check that the boundary is in metres"
        )
