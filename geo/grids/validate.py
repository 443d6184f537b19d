"""Check a set of responsibility grids against the ground, their community and the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.errors import GeometryError, InputError
from geo.grids.findings import Finding
from geo.grids.frames import require_frame, shape_array
from geo.grids.policy import HouseholdPolicy
from geo.grids.records import (
    GRID_COLUMNS,
    PARENT_COLUMNS,
    GridRecord,
    Parent,
    parts_of,
    read_grids,
    read_parents,
)
from geo.grids.rules import (
    code_findings,
    duplicate_findings,
    host_findings,
    household_findings,
    parent_findings,
)
from geo.grids.topology import (
    Tolerance,
    gap_findings,
    is_sound,
    outside_findings,
    overlap_findings,
    ring_findings,
)


def validate_grids(
    grids: gpd.GeoDataFrame,
    *,
    parents: gpd.GeoDataFrame,
    policy: HouseholdPolicy,
    srid: int,
    code_scheme: str = "cn",
    tolerance: Tolerance | None = None,
) -> list[Finding]:
    """Check grids that are valid at one date and say everything that is wrong with them.

    Parameters
    ----------
    grids
        One row a grid in `srid`: `code`, `parent_code`, `grid_kind` (``basic``, ``exclusive``
        or ``micro``), `households`, and where they apply `host_unit`, `host_kind`,
        `exempt_reason`. A missing text may be None, NaN or blank.
    parents
        The areas that grids may belong to, in `srid`, valid polygons: `code` and `level`. Every
        community must be covered by its basic and exclusive grids. Micro-grids belong to
        grids of `grids` itself.
    code_scheme
        ``"cn"`` checks the digits and the parent's beginning, ``"local"`` uniqueness alone.
    tolerance
        What is rounding and what a sliver; `Tolerance` by default.

    Returns
    -------
    Findings in the order: shapes, parents, codes, households, hosts, overlaps, outside, gaps.
    An empty set of grids gives a gap for every community.

    Raises
    ------
    CrsError, InputError
        If a frame is not in `srid` or lacks a column.
    GeometryError
        If a parent is not a valid polygon.
    """
    require_frame(grids, srid=srid, name="grids", columns=GRID_COLUMNS)
    require_frame(parents, srid=srid, name="parents", columns=PARENT_COLUMNS)
    if code_scheme not in ("cn", "local"):
        raise InputError(f"code scheme {code_scheme!r} is unknown; use 'cn' or 'local'.")
    known = read_parents(parents)
    _require_sound(list(known.values()))
    records = read_grids(grids, known)
    found = list(_attribute_findings(records, policy, code_scheme))
    return found + list(_ground_findings(records, known, tolerance or Tolerance()))


def _require_sound(parents: Sequence[Parent]) -> None:
    sound = is_sound(shape_array(parent.shape for parent in parents))
    for k in np.flatnonzero(~sound)[:1]:
        raise GeometryError(
            f"parent {parents[k].code} is not a valid polygon ({int((~sound).sum())} in all). "
            "Mend the boundaries before the grids."
        )


def _attribute_findings(
    records: Sequence[GridRecord], policy: HouseholdPolicy, code_scheme: str
) -> Iterator[Finding]:
    parts = [parts_of(grid.parent.shape if grid.parent else None) for grid in records]
    shapes = shape_array(grid.shape for grid in records)
    codes = [grid.code for grid in records]
    yield from ring_findings(shapes, codes, parent_parts=np.array(parts, dtype=np.int64))
    for grid in records:
        yield from parent_findings(grid)
        yield from code_findings(grid, code_scheme=code_scheme)
    yield from duplicate_findings(records)
    for grid in records:
        yield from household_findings(grid, policy=policy)
        yield from host_findings(grid)


def _ground_findings(
    records: Sequence[GridRecord], known: dict[str, Parent], tolerance: Tolerance
) -> Iterator[Finding]:
    """Yield overlaps, then what sticks out, then gaps, among the sound shapes."""
    good = is_sound(shape_array(grid.shape for grid in records))
    sound = [grid for grid, fine in zip(records, good, strict=True) if fine]
    for micro in (False, True):
        layer = [grid for grid in sound if grid.is_micro is micro]
        shapes = shape_array(grid.shape for grid in layer)
        yield from overlap_findings(shapes, [grid.code for grid in layer], tolerance=tolerance)
    yield from _outside(sound, tolerance)
    unsound = {grid.parent_code for grid, fine in zip(records, good, strict=True) if not fine}
    yield from _gaps(sound, known, unsound, tolerance)


def _outside(sound: Sequence[GridRecord], tolerance: Tolerance) -> Iterator[Finding]:
    housed = [(grid, grid.parent) for grid in sound if grid.parent is not None]
    fine = is_sound(shape_array(parent.shape for _, parent in housed))
    housed = [pair for pair, ok in zip(housed, fine, strict=True) if ok]
    yield from outside_findings(
        shape_array(grid.shape for grid, _ in housed),
        [grid.code for grid, _ in housed],
        shape_array(parent.shape for _, parent in housed),
        [parent.code for _, parent in housed],
        tolerance=tolerance,
    )


def _gaps(
    sound: Sequence[GridRecord],
    known: dict[str, Parent],
    unsound: set[str | None],
    tolerance: Tolerance,
) -> Iterator[Finding]:
    """Yield the gaps of every community, and of every grid that is divided into micro-grids.

    A grid whose parent is missing or unknown still covers the ground it lies on; a parent with
    a broken grid cannot be judged and is passed over.
    """
    children: defaultdict[str, list[BaseGeometry | None]] = defaultdict(list)
    hosts = {code: area.shape for code, area in known.items() if area.level == "community"}
    for grid in sound:
        if grid.parent is not None:
            children[grid.parent.code].append(grid.shape)
            if grid.is_micro and grid.parent.level == "grid":
                hosts[grid.parent.code] = grid.parent.shape
    lost = shape_array(grid.shape for grid in sound if grid.parent is None and not grid.is_micro)
    for code, shape in hosts.items():
        if code not in unsound:
            near = lost[shapely.intersects(lost, shape)]
            ground = np.concatenate([shape_array(children[code]), near])
            yield from gap_findings(shape, code, ground, tolerance=tolerance)
