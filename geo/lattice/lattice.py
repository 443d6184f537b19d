"""The regular analysis lattice: square or hexagonal cells, point -> cell, neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import MultiPolygon, Polygon

from geo.crs.systems import require_metric
from geo.errors import GeometryError, InputError
from geo.lattice.frame import (
    HEXAGON_EVEN,
    HEXAGON_ODD,
    QUEEN,
    ROOK,
    Frame,
    Kind,
    around,
    centres_of,
    frame_around,
    look_up,
    polygons_of,
)
from geo.lattice.shares import active_cells, clip_cells, crossed_by
from geo.locate.polygons import as_points, index_polygons, locate

Contiguity = Literal["queen", "rook"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Lattice(Frame):
    """The cells of a frame that have a part inside a boundary.

    `Frame` says how cells lie and are numbered, and the formula that SQL shares.

    Attributes
    ----------
    cells
        ``(n_cells,)`` linear indices of the active cells, ascending: row by row from the
        south-west. Active are those with a part inside the boundary larger than a billionth of
        the cell (or of the boundary, if that is less).
    share
        ``(n_cells,)`` share of each active cell's area inside the boundary, in (0, 1].
    """

    cells: Longs
    share: Floats

    @property
    def n_cells(self) -> int:
        """Number of active cells."""
        return int(self.cells.size)

    @cached_property
    def position_of(self) -> Ints:
        """Position in `cells` of each linear index, -1 for inactive ones; ``(n_frame,)``."""
        at = np.full(self.n_frame, -1, dtype=np.int32)
        at[self.cells] = np.arange(self.n_cells, dtype=np.int32)
        return at


def make_lattice(
    boundary: Polygon | MultiPolygon,
    *,
    cell_size_m: float,
    srid: int,
    kind: Kind = "square",
    origin: tuple[float, float] | None = None,
) -> Lattice:
    """Lay a lattice over a boundary and keep the cells that have a part inside it.

    The frame begins at a whole number of cells from `origin`, so two lattices of one
    jurisdiction have the same cells wherever their boundaries overlap.

    Parameters
    ----------
    boundary
        Valid polygon or multipolygon, holes allowed, in the metric CRS `srid`.
    cell_size_m
        See `Lattice`.
    srid
        EPSG code; geographic systems are refused.
    kind
        ``"square"`` or ``"hexagon"``.
    origin
        A lower left corner (m) to which cells are aligned; (0, 0) when not given.

    Raises
    ------
    CrsError
        `srid` is geographic or unknown.
    GeometryError
        The boundary is empty, invalid or no polygon.
    InputError
        The size is not positive, `kind` is unknown, `origin` not finite, or the frame would have
        more than 50 million cells.
    """
    require_metric(srid)
    _check_boundary(boundary)
    frame = frame_around(
        boundary, cell_size_m=cell_size_m, srid=srid, kind=kind, origin=origin or (0.0, 0.0)
    )
    cells, share = active_cells(frame, boundary)
    return Lattice(**vars(frame), cells=cells, share=share)


def cell_of(lattice: Lattice, x: ArrayLike, y: ArrayLike) -> Longs:
    """Return the position in ``lattice.cells`` of the one cell that holds each point.

    Parameters
    ----------
    lattice
        From `make_lattice`.
    x, y
        Points in the lattice's CRS, shape ``(n,)``. Empty: empty.

    Returns
    -------
    ndarray
        ``(n,)`` int64 in ``0 .. n_cells - 1``; -1 in no active cell or NaN.

    Raises
    ------
    InputError
        `x` and `y` are not two sequences of one length.

    Examples
    --------
    >>> lattice = make_lattice(shapely.box(0, 0, 300, 200), cell_size_m=100, srid=32650)
    >>> cell_of(lattice, [50, 100, 299.9, 300], [50, 50, 100, 50])
    array([ 0,  1,  5, -1])
    """
    return look_up(lattice, *as_points(x, y), lattice.position_of)


def cell_centres(lattice: Lattice) -> tuple[Floats, Floats]:
    """Return x and y (m) of the whole cells' centres, each ``(n_cells,)``."""
    return centres_of(lattice, lattice.cells)


def cell_polygons(
    lattice: Lattice, *, clipped_to: Polygon | MultiPolygon | None = None
) -> Geometries:
    """Return the active cells as polygons in the lattice's CRS.

    Neighbours share their corners bit by bit.

    Parameters
    ----------
    lattice
        From `make_lattice`.
    clipped_to
        Cut the cells to this, usually the boundary. A cut cell may be a multipolygon, and is
        empty where nothing of it is inside.

    Returns
    -------
    ndarray
        ``(n_cells,)`` of Shapely geometries.
    """
    polygons = polygons_of(lattice, lattice.cells)
    if clipped_to is None:
        return polygons
    crossed = crossed_by(clipped_to, polygons)
    index = index_polygons([clipped_to], srid=lattice.srid, tolerance_m=0.0)
    outside = (locate(index, *cell_centres(lattice)) < 0) & ~crossed
    polygons[crossed] = clip_cells(clipped_to, lattice, lattice.cells[crossed])
    polygons[outside] = Polygon()
    return polygons


def neighbours(lattice: Lattice, *, contiguity: Contiguity = "queen") -> tuple[Longs, Longs]:
    """Return which active cells touch which, as a CSR pair.

    Parameters
    ----------
    lattice
        From `make_lattice`.
    contiguity
        ``"queen"``: a shared corner is enough; ``"rook"``: a shared side. Hexagons that touch
        always share a side.

    Returns
    -------
    tuple
        ``indptr (n_cells + 1,)`` and ``indices``: the neighbours of cell `i`, ascending, are
        ``indices[indptr[i]:indptr[i + 1]]``. The relation is symmetric and never includes `i`.

    Raises
    ------
    InputError
        `contiguity` is neither.
    """
    if contiguity not in ("queen", "rook"):
        raise InputError(f"contiguity is {contiguity!r}: say 'queen' or 'rook'")
    near = around(lattice, lattice.cells, _steps(lattice, contiguity))
    position = np.where(near >= 0, lattice.position_of[near], -1)
    linked = position >= 0
    indptr = np.concatenate(([0], np.cumsum(linked.sum(axis=1))))
    return indptr.astype(np.int64), position[linked].astype(np.int64)


def to_grid(lattice: Lattice, values: ArrayLike, *, fill: Any = np.nan) -> NDArray[Any]:
    """Spread values of active cells over the frame of a square lattice.

    Parameters
    ----------
    lattice
        A square lattice.
    values
        ``(n_cells, ...)``.
    fill
        Value of inactive cells; integers become floats unless it is an integer too.

    Returns
    -------
    ndarray
        ``(n_rows, n_columns, ...)``, the southernmost row first.

    Raises
    ------
    InputError
        The lattice is hexagonal, or `values` has another length.
    """
    _need_squares(lattice)
    given = np.asarray(values)
    if given.shape[:1] != (lattice.n_cells,):
        raise InputError(f"values have shape {given.shape}, the lattice {lattice.n_cells} cells")
    frame = (lattice.n_rows * lattice.n_columns, *given.shape[1:])
    grid = np.full(frame, fill, dtype=np.result_type(given, np.asarray(fill).dtype))
    grid[lattice.cells] = given
    return grid.reshape(lattice.n_rows, lattice.n_columns, *given.shape[1:])


def from_grid(lattice: Lattice, grid: ArrayLike) -> NDArray[Any]:
    """Take the active cells' values, ``(n_cells, ...)``, out of ``(n_rows, n_columns, ...)``.

    Raises
    ------
    InputError
        The lattice is hexagonal, or `grid` has another shape.
    """
    _need_squares(lattice)
    given = np.asarray(grid)
    if given.shape[:2] != (lattice.n_rows, lattice.n_columns):
        raise InputError(
            f"the grid has shape {given.shape}, the lattice {lattice.n_rows} rows "
            f"and {lattice.n_columns} columns"
        )
    return given.reshape(-1, *given.shape[2:])[lattice.cells]


def _check_boundary(boundary: Polygon | MultiPolygon) -> None:
    if not isinstance(boundary, Polygon | MultiPolygon) or boundary.is_empty:
        raise GeometryError("the boundary is empty or no polygon: give the jurisdiction's outline")
    if not boundary.is_valid:
        raise GeometryError(
            f"the boundary is not valid ({shapely.is_valid_reason(boundary)}): "
            "mend it, for example with shapely.make_valid, and look at the result"
        )


def _steps(lattice: Lattice, contiguity: Contiguity) -> Longs:
    """Return the (row, column) steps to the neighbours, ``(k, 2)`` or ``(n_cells, k, 2)``."""
    if lattice.kind == "square":
        return QUEEN if contiguity == "queen" else ROOK
    odd = lattice.cells // lattice.n_columns % 2 == 1
    return np.where(odd[:, None, None], HEXAGON_ODD, HEXAGON_EVEN)


def _need_squares(lattice: Lattice) -> None:
    if lattice.kind != "square":
        raise InputError("a hexagonal lattice has no grid: use its cells, or square ones")
