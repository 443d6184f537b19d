"""Divide communities into contiguous, compact grids of about the target number of households."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.grids.atoms import Atoms, make_atoms
from geo.grids.borders import Borders, find_borders
from geo.grids.draw import draw_grids
from geo.grids.frames import Ints, spots_of
from geo.grids.partition import components, make_graph, partition
from geo.grids.policy import HouseholdPolicy
from geo.grids.reasons import Reason, reason_for
from geo.grids.site import DivisionParams, Ground, Site, read_site


def divide_community(
    community: BaseGeometry,
    ground: Ground,
    *,
    policy: HouseholdPolicy,
    srid: int,
    rng: np.random.Generator,
    params: DivisionParams | None = None,
) -> gpd.GeoDataFrame:
    """Divide one community into basic grids, around the exclusive ones.

    The ground is cut into atoms along the seams and half way between homes; atoms are put
    together by recursive bisection, moves over borders and recombination of neighbours, and the
    borders are straightened. No building is cut as long as the lines half way do not cut it.

    Parameters
    ----------
    community
        Valid polygon or multipolygon in `srid`.
    ground
        Homes, seams and exclusive polygons in `srid`. Homes must lie in the community, a
        building by a point on its surface; seams and exclusive polygons may stick out.
    rng
        Source of chance: the same state gives the same grids.

    Returns
    -------
    One row a grid in reading order: `grid_kind`, `host_unit`, `host_kind`, `households`,
    `places`, `area_m2`, `compactness` (Polsby-Popper, 0 to 1), `seam_share` (of the border with
    other basic grids), `reason_zh`, `reason_en` (why it lies outside the bounds, else None) and
    the geometry. Together they cover the community exactly, edges node-matched. A community
    without households is one grid.

    Raises
    ------
    CrsError, InputError
        If a frame is not in `srid`, counts are negative or homes lie outside.
    GeometryError
        If the community is not a valid polygon.

    References
    ----------
    Polsby, D. D., Popper, R. D. (1991). The third criterion: compactness as a procedural
    safeguard against partisan gerrymandering. Yale Law & Policy Review 9(2).
    """
    params = DivisionParams() if params is None else params
    site = read_site(community, ground, srid=srid, params=params)
    atoms = make_atoms(
        site.community,
        site.places,
        site.households,
        seams=site.seams,
        exclusive=site.hosts,
        sample_step_m=params.sample_step_m,
        srid=srid,
    )
    borders = find_borders(atoms.shapes, atoms.block, seams=site.seams, strength=site.strength)
    label, reasons = _assign(atoms, borders, site, policy, params, rng)
    return draw_grids(atoms, label, reasons, site, params)


def _assign(
    atoms: Atoms,
    borders: Borders,
    site: Site,
    policy: HouseholdPolicy,
    params: DivisionParams,
    rng: np.random.Generator,
) -> tuple[Ints, dict[int, Reason]]:
    """Return the grid of each atom, exclusive ones first, and why some are out of bounds."""
    label = atoms.host.copy()
    inner = (atoms.host[borders.left] < 0) & (atoms.host[borders.right] < 0)
    part = components(borders.left[inner], borders.right[inner], len(label))
    label = _give_empty_ground_away(label, part, atoms, borders)
    n_labels, reasons = len(site.hosts), dict[int, Reason]()
    grounds = np.unique(part[label < 0])
    is_building = bool((shapely.get_dimensions(site.places) > 0).any())
    for ground in grounds:
        mine = np.flatnonzero((part == ground) & (label < 0))
        region = _partition_ground(mine, atoms, borders, policy, params, rng)
        region = np.unique(region, return_inverse=True)[1]
        for r in range(int(region.max()) + 1):
            reason = reason_for(
                atoms.households[mine],
                region == r,
                policy=policy,
                cut_off=len(grounds) > 1,
                building=is_building,
            )
            if reason is not None:
                reasons[n_labels + r] = reason
        label[mine] = n_labels + region
        n_labels += int(region.max()) + 1
    return label, reasons


def _give_empty_ground_away(label: Ints, part: Ints, atoms: Atoms, borders: Borders) -> Ints:
    """Join ground that exclusive grids cut off, and where nobody lives, to the nearest of them."""
    given = label.copy()
    homes = np.bincount(part, weights=atoms.households)
    both = np.concatenate((borders.left, borders.right))
    other = np.concatenate((borders.right, borders.left))
    length = np.concatenate((borders.length_m, borders.length_m))
    touching = (label[both] < 0) & (label[other] >= 0)
    open_parts = np.unique(part[label < 0])
    if len(open_parts) < 2:
        return given
    for ground in open_parts[homes[open_parts] == 0]:
        row = touching & (part[both] == ground)
        if row.any():
            share = np.bincount(label[other[row]], weights=length[row])
            given[(part == ground) & (label < 0)] = int(np.argmax(share))
    return given


def _partition_ground(
    mine: Ints,
    atoms: Atoms,
    borders: Borders,
    policy: HouseholdPolicy,
    params: DivisionParams,
    rng: np.random.Generator,
) -> Ints:
    position = np.full(len(atoms.shapes), -1, dtype=np.int64)
    position[mine] = np.arange(len(mine))
    left, right = position[borders.left], position[borders.right]
    kept = (left >= 0) & (right >= 0)
    graph = make_graph(
        left[kept],
        right[kept],
        (borders.length_m - borders.strength_m)[kept],
        atoms.households[mine],
        spots_of(atoms.shapes[mine]),
    )
    return partition(
        graph,
        shapely.area(atoms.shapes[mine]),
        policy=policy,
        compactness=params.compactness,
        rounds=params.rounds,
        rng=rng,
    )
