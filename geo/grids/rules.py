"""The rules of a grid that need no neighbour: its parent, code, households and host."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import shapely

from geo.grids.codes import check_code
from geo.grids.findings import Finding, finding
from geo.grids.policy import EXCLUSIVE, GRID_KINDS, HOST_KINDS, HouseholdPolicy
from geo.grids.records import GridRecord


def parent_findings(grid: GridRecord) -> Iterator[Finding]:
    """Yield what is wrong with the area that a grid says it belongs to."""
    rule, note = None, ""
    if grid.parent_code is None:
        rule = "parent_missing"
    elif grid.parent is None:
        rule = "parent_unknown"
    elif grid.parent.level != ("grid" if grid.is_micro else "community"):
        rule, note = "parent_level", grid.parent.level
    if rule is not None:
        yield finding(
            "error", rule, code=grid.code, other=grid.parent_code, where=grid.shape, note=note
        )


def code_findings(grid: GridRecord, *, code_scheme: str) -> Iterator[Finding]:
    """Yield what is wrong with the code of a grid by itself.

    The beginning is compared only where the parent is of the right level, so that one mistake
    is one finding.
    """
    if grid.code is None:
        note = str(grid.row)
        yield finding("error", "code_missing", code=None, where=grid.shape, note=note)
        return
    if code_scheme != "cn":
        return
    right = grid.parent is not None and grid.parent.level == (
        "grid" if grid.is_micro else "community"
    )
    parent = grid.parent_code if right else None
    rule = check_code(grid.code, parent_code=parent, micro=grid.is_micro)
    if rule is not None:
        yield finding("error", rule, code=grid.code, other=grid.parent_code, where=grid.shape)


def duplicate_findings(grids: Sequence[GridRecord]) -> Iterator[Finding]:
    """Yield one finding for each code that more than one grid carries."""
    counts = Counter(grid.code for grid in grids if grid.code is not None)
    spots = defaultdict(list)
    for grid in grids:
        if grid.code is not None and counts[grid.code] > 1 and grid.shape is not None:
            spots[grid.code].append(shapely.point_on_surface(grid.shape))
    for code, times in counts.items():
        if times > 1:
            where = shapely.union_all(spots[code])
            yield finding(
                "error", "code_duplicate", code=code, where=where, measure=times, unit="count"
            )


def household_findings(grid: GridRecord, *, policy: HouseholdPolicy) -> Iterator[Finding]:
    """Yield whether a grid has too few or too many households; exclusive grids have no bound."""
    if grid.grid_kind == EXCLUSIVE or grid.grid_kind not in GRID_KINDS:
        return
    if grid.households is None:
        yield finding("error", "households_missing", code=grid.code, where=grid.shape)
        return
    severity = policy.grade(grid.households, grid.grid_kind)
    if severity is None:
        return
    low, high, _ = policy.bounds(grid.grid_kind)
    few = grid.households < low
    rule, note = ("households_few", f"{low:g}") if few else ("households_many", f"{high:g}")
    if severity == "error" and grid.exempt_reason is not None:
        severity, rule, note = "warning", "households_exempt", grid.exempt_reason
    yield finding(
        severity,
        rule,
        code=grid.code,
        where=grid.shape,
        measure=grid.households,
        unit="households",
        note=note,
    )


def host_findings(grid: GridRecord) -> Iterator[Finding]:
    """Yield whether the kind is known and an exclusive grid has its host unit and kind."""
    if grid.grid_kind not in GRID_KINDS:
        note = grid.grid_kind or "—"
        yield finding("error", "kind_unknown", code=grid.code, where=grid.shape, note=note)
    if grid.grid_kind != EXCLUSIVE:
        return
    if grid.host_unit is None:
        yield finding("error", "host_unit_missing", code=grid.code, where=grid.shape)
    if grid.host_kind not in HOST_KINDS:
        note = grid.host_kind or "—"
        yield finding("error", "host_kind_unknown", code=grid.code, where=grid.shape, note=note)
