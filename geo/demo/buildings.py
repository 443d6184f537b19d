"""Buildings of the simulated district: footprints, heights and households as counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Polygon


@dataclass(frozen=True)
class Form:
    """A kind of building and how it stands in a block.

    Attributes
    ----------
    kind
        Value of the building layer's kind column (OpenStreetMap's words).
    length_m, depth_m
        Footprint.
    gap_m
        Free space beside and behind it.
    levels
        Fewest and most storeys.
    level_m
        Height of a storey.
    homes
        Households per storey; 0 where nobody lives.
    share
        Share of the plots that are built on.
    """

    kind: str
    length_m: float
    depth_m: float
    gap_m: tuple[float, float]
    levels: tuple[int, int]
    level_m: float
    homes: float
    share: float


FORMS: dict[str, tuple[Form, ...]] = {
    "oldtown": (Form("terrace", 13, 9, (3, 6), (1, 3), 3.2, 1.0, 0.80),),
    "midrise": (Form("apartments", 40, 12, (9, 24), (5, 7), 3.0, 4.0, 0.42),),
    "highrise": (Form("apartments", 27, 17, (26, 40), (9, 16), 3.0, 3.0, 0.55),),
    "suburb": (Form("house", 15, 11, (7, 17), (2, 3), 3.2, 0.9, 0.42),),
    "village": (Form("house", 11, 10, (8, 16), (1, 2), 3.3, 0.8, 0.22),),
    "farmland": (Form("greenhouse", 60, 9, (5, 9), (1, 1), 3.5, 0.0, 0.16),),
    "commerce": (
        Form("office", 38, 26, (22, 30), (8, 26), 3.8, 0.0, 0.40),
        Form("apartments", 36, 13, (20, 36), (8, 12), 3.0, 2.5, 0.30),
    ),
    "industry": (Form("industrial", 72, 38, (20, 24), (1, 2), 6.0, 0.0, 0.60),),
    "market": (Form("retail", 16, 10, (5, 9), (1, 3), 3.6, 0.3, 0.85),),
    "retail": (Form("retail", 62, 44, (14, 14), (3, 5), 5.0, 0.0, 1.0),),
    "office": (Form("office", 34, 28, (16, 20), (14, 30), 3.9, 0.0, 0.95),),
    "public": (Form("public", 64, 18, (24, 26), (4, 9), 3.8, 0.0, 0.70),),
    "school": (Form("school", 58, 14, (18, 26), (3, 5), 3.8, 0.0, 0.60),),
    "hospital": (Form("hospital", 62, 20, (18, 24), (5, 14), 3.9, 0.0, 0.75),),
    "station": (Form("train_station", 96, 36, (30, 40), (1, 2), 8.0, 0.0, 0.55),),
    "site": (Form("construction", 30, 20, (30, 36), (3, 14), 3.0, 0.0, 0.55),),
    "beach": (Form("kiosk", 8, 6, (50, 40), (1, 1), 3.5, 0.0, 0.12),),
    "park": (Form("pavilion", 12, 12, (90, 110), (1, 1), 4.5, 0.0, 0.20),),
}
"""What stands on each land use; where several are named, each block takes one."""
SETBACK_M = 11.0


def raise_buildings(
    blocks: NDArray[np.object_], use: NDArray[np.str_], *, rng: np.random.Generator
) -> pd.DataFrame:
    """Set rows of buildings into every block, turned as the block is turned.

    Parameters
    ----------
    blocks
        Polygons in a metric CRS, shape (n,).
    use
        Land use of each block, keys of `FORMS`; others stay empty, shape (n,).
    rng
        Source of sizes and gaps.

    Returns
    -------
    pandas.DataFrame
        One row per building: ``geometry`` (metric), ``block``, ``kind``, ``levels``,
        ``height_m`` and ``capacity``, the households that fit in.
    """
    yard = shapely.buffer(blocks, -SETBACK_M, join_style="mitre", quad_segs=2)
    rows = []
    for number in np.flatnonzero(np.isin(use, list(FORMS)) & ~shapely.is_empty(yard)):
        forms = FORMS[str(use[number])]
        form = forms[int(rng.integers(len(forms)))]
        rows.append(fill_block(yard[number], blocks[number], form, rng).assign(block=number))
    return pd.concat(rows, ignore_index=True)


def fill_block(yard: Polygon, block: Polygon, form: Form, rng: np.random.Generator) -> pd.DataFrame:
    """Return the buildings of one block."""
    plots = plot_boxes(yard, south_angle(block), form, rng)
    stand = shapely.contains_properly(yard, plots) & (rng.uniform(size=len(plots)) < form.share)
    plots = plots[stand]
    low, high = form.levels
    base = int(rng.integers(low, high + 1))
    levels = np.clip(base + rng.integers(-1, 2, size=len(plots)), low, high)
    capacity = np.floor(form.homes * levels + rng.uniform(0.0, 1.0, len(plots)))
    return pd.DataFrame(
        {
            "geometry": plots,
            "kind": form.kind,
            "levels": levels.astype(np.int64),
            "height_m": np.round(levels * form.level_m + 0.6, 1),
            "capacity": (capacity if form.homes > 0 else np.zeros(len(plots))).astype(np.int64),
        }
    )


def south_angle(block: Polygon) -> float:
    """Return the block's own direction nearest to east-west, in radians."""
    corner = shapely.get_coordinates(shapely.oriented_envelope(block))
    angle = float(np.arctan2(corner[1, 1] - corner[0, 1], corner[1, 0] - corner[0, 0]))
    return (angle + np.pi / 4.0) % (np.pi / 2.0) - np.pi / 4.0


def plot_boxes(
    yard: shapely.Geometry, angle: float, form: Form, rng: np.random.Generator
) -> NDArray[np.object_]:
    """Return jittered rectangles on a turned lattice that covers a yard."""
    pitch = np.array([form.length_m + form.gap_m[0], form.depth_m + form.gap_m[1]])
    x0, y0, x1, y1 = shapely.bounds(yard)
    centre = np.array([(x0 + x1) / 2.0, (y0 + y1) / 2.0])
    half = np.hypot(x1 - x0, y1 - y0) / 2.0
    steps = [np.arange(-np.ceil(half / size), np.ceil(half / size) + 1) * size for size in pitch]
    grid = np.stack(np.meshgrid(*steps), axis=-1).reshape(-1, 2) + rng.uniform(-0.5, 0.5, 2) * pitch
    count = len(grid)
    size = np.array([form.length_m, form.depth_m]) * rng.uniform(0.86, 1.06, (count, 2))
    grid = grid + rng.uniform(-0.12, 0.12, (count, 2)) * np.array(form.gap_m)
    corner = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    ring = grid[:, None, :] + corner[None, :, :] * size[:, None, :]
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(shapely.polygons(np.round(ring @ turn + centre, 2)))


def settle_households(
    capacity: NDArray[np.int64], community: NDArray[np.int64], quota: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Share each community's households over its buildings by largest remainder.

    Parameters
    ----------
    capacity
        Households that fit in each building, shape (n,).
    community
        Number of the community of each building, shape (n,).
    quota
        Households of each community, shape (k,).

    Returns
    -------
    numpy.ndarray
        Households of each building, shape (n,); they sum to `quota` in every community.
    """
    total = np.bincount(community, weights=capacity, minlength=len(quota))
    wish = capacity * np.divide(quota, total, out=np.zeros(len(quota)), where=total > 0)[community]
    homes = np.floor(wish).astype(np.int64)
    short = quota - np.bincount(community, weights=homes, minlength=len(quota)).astype(np.int64)
    order = np.lexsort((np.arange(len(wish)), homes - wish, community))
    first = np.searchsorted(community[order], np.arange(len(quota)))
    rank = np.empty(len(wish), dtype=np.int64)
    rank[order] = np.arange(len(wish)) - first[community[order]]
    return homes + (rank < short[community])
