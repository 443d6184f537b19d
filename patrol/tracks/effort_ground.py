"""The squares over which time is split, and the slot of each area's part of a square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from geo.lattice.frame import Frame, polygons_of
from geo.locate.polygons import index_polygons, locate

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

PARTS = 10  # a cell that a border crosses is told apart by squares of a tenth of its side


@dataclass(frozen=True, eq=False)
class EffortGround:
    """Squares and areas as a kernel reads them: a slot is one area's part of one cell.

    Attributes
    ----------
    frame
        Squares, see `geo.lattice.frame.Frame`.
    slot_of_cell
        ``(n_frame,)``: slot of a cell of one area; below 0: ``-1 - row`` of `parts`, as a border
        crosses.
    parts
        ``(n_mixed, PARTS * PARTS)``: slot of each part of a crossed cell.
    cell_of_slot, area_of_slot
        ``(n_slots,)``, by cell; area 0 is none.
    """

    frame: Frame
    slot_of_cell: Ints
    parts: Ints
    cell_of_slot: Longs
    area_of_slot: Longs


def lay_areas(frame: Frame, polygons: NDArray[np.object_], area_id: Longs) -> EffortGround:
    """Find the area of each cell, and of each part of the cells that a border crosses.

    Time is split exactly over cells; within a crossed cell each piece of the way counts for the
    area of its middle, which is told to a tenth of the cell's side.

    Raises
    ------
    InputError
        The frame is one of hexagons.
    """
    if frame.kind != "square":
        raise InputError("effort is counted on squares")
    known = np.concatenate([area_id, [0]]).astype(np.int64)
    none = len(area_id)
    cells = np.arange(frame.n_frame)
    area = np.full(frame.n_frame, none, np.int64)
    mixed = np.empty(0, np.int64)
    parts = np.empty((0, PARTS * PARTS), np.int64)
    if len(polygons):
        index = index_polygons(polygons, srid=frame.srid)
        rows, columns = np.divmod(cells, frame.n_columns)
        size = frame.cell_size_m
        left, low = frame.x0 + columns * size, frame.y0 + rows * size
        found = locate(index, left + size / 2, low + size / 2)
        area[found >= 0] = found[found >= 0]
        tree = shapely.STRtree(polygons_of(frame, cells))
        borders = shapely.boundary(polygons)
        mixed = np.unique(tree.query(borders, predicate="intersects")[1])
        step = (np.arange(PARTS) + 0.5) * size / PARTS
        across, up = (part.ravel() for part in np.meshgrid(step, step))
        at = locate(index, (left[mixed, None] + across).ravel(), (low[mixed, None] + up).ravel())
        parts = np.where(at < 0, none, at).reshape(len(mixed), PARTS * PARTS)
    return _number_slots(frame, known, area, mixed, parts)


def _number_slots(
    frame: Frame, known: Longs, area: Longs, mixed: Longs, parts: Longs
) -> EffortGround:
    """Give each pair of cell and area its slot, by cell and then by row of the area."""
    n_areas = len(known)
    plain = np.setdiff1d(np.arange(frame.n_frame), mixed)
    crossed = mixed[:, None] * n_areas + parts
    pairs = np.unique(np.concatenate([plain * n_areas + area[plain], crossed.ravel()]))
    slot_of_cell = np.empty(frame.n_frame, np.int32)
    slot_of_cell[plain] = np.searchsorted(pairs, plain * n_areas + area[plain])
    slot_of_cell[mixed] = -1 - np.arange(len(mixed))
    return EffortGround(
        frame, slot_of_cell, np.searchsorted(pairs, crossed).astype(np.int32),
        pairs // n_areas, known[pairs % n_areas],
    )  # fmt: skip
