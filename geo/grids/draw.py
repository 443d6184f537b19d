"""Draw grids from their atoms: dissolve, straighten, measure, put in reading order."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.grids.atoms import Atoms, outline_points
from geo.grids.borders import find_borders
from geo.grids.codes import reading_order, row_height
from geo.grids.frames import Floats, Ints, Shapes, polygon_of, spots_of
from geo.grids.policy import BASIC, EXCLUSIVE
from geo.grids.reasons import Reason
from geo.grids.site import DivisionParams, Site
from geo.grids.smooth import dissolve, straighten


def draw_grids(
    atoms: Atoms, label: Ints, reasons: dict[int, Reason], site: Site, params: DivisionParams
) -> gpd.GeoDataFrame:
    """Return the grids as a frame: borders straightened, figures counted, in reading order."""
    n_labels = int(label.max()) + 1
    key, pieces = dissolve(atoms.shapes, atoms.block * n_labels + label)
    block, grid = key // n_labels, key % n_labels
    pieces = _straighten_blocks(pieces, block, grid, site, params)
    kept, shapes = dissolve(pieces, grid)
    seam_share = _seam_shares(pieces, block, grid, site, n_labels)
    place_grid = label[atoms.place_atom]
    homes = np.bincount(place_grid, weights=site.households, minlength=n_labels)
    n_hosts = len(site.hosts)
    hosts = [int(k) if k < n_hosts else None for k in kept]
    texts: dict[str, list[str | None]] = {
        name: [None if h is None else str(site.exclusive[name].iloc[h]) for h in hosts]
        for name in ("host_unit", "host_kind")
    }
    why = [reasons.get(k) for k in kept.tolist()]
    texts["reason_zh"] = [reason and reason.zh for reason in why]
    texts["reason_en"] = [reason and reason.en for reason in why]
    words = {name: pd.Series(values, dtype=object) for name, values in texts.items()}
    frame = gpd.GeoDataFrame(
        {
            "grid_kind": [BASIC if h is None else EXCLUSIVE for h in hosts],
            "host_unit": words["host_unit"],
            "host_kind": words["host_kind"],
            "households": homes[kept].round().astype(np.int64),
            "places": np.bincount(place_grid, minlength=n_labels)[kept],
            "area_m2": shapely.area(shapes),
            "compactness": 4 * np.pi * shapely.area(shapes) / shapely.length(shapes) ** 2,
            "seam_share": seam_share[kept],
            "reason_zh": words["reason_zh"],
            "reason_en": words["reason_en"],
        },
        geometry=shapes,
        crs=site.srid,
    )
    x, y = spots_of(shapely.centroid(shapes)).T
    order = reading_order(x, y, row_height_m=row_height(shapes))
    return frame.iloc[order].reset_index(drop=True)


def _straighten_blocks(
    pieces: Shapes, block: Ints, grid: Ints, site: Site, params: DivisionParams
) -> Shapes:
    """Straighten the borders within each block, which leaves seams as they are."""
    points = np.vstack(
        (spots_of(site.places), outline_points(site.places, step_m=params.sample_step_m)[0])
    )
    of_point = polygon_of(points, pieces, srid=site.srid)
    done = pieces.copy()
    for b in np.unique(block):
        mine = np.flatnonzero(block == b)
        if len(mine) < 2:
            continue
        near = np.isin(of_point, mine)
        done[mine] = straighten(
            pieces[mine],
            points[near],
            np.searchsorted(mine, of_point[near]),
            tolerance_m=params.smooth_m,
            srid=site.srid,
        )
    return done


def _seam_shares(pieces: Shapes, block: Ints, grid: Ints, site: Site, n_labels: int) -> Floats:
    """Return how much of each grid's border with basic grids lies on seams, NaN for none."""
    borders = find_borders(pieces, block, seams=site.seams, strength=site.strength)
    left, right = grid[borders.left], grid[borders.right]
    open_ground = (left != right) & (np.minimum(left, right) >= len(site.hosts))
    both = np.concatenate((left[open_ground], right[open_ground]))
    total, seam = (
        np.bincount(both, weights=np.tile(values[open_ground], 2), minlength=n_labels)
        for values in (borders.length_m, borders.seam_m)
    )
    return np.where(total > 0, seam / np.where(total > 0, total, 1.0), np.nan)
