from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely

from geo.crs.systems import convert_geometries
from geo.errors import CrsError
from geo.formats.table import GEOMETRY, RawBatch
from geo.imports.mapping import make_mapping
from geo.imports.plausible import require_plausible
from geo.places import Place

# A ragged district in Beijing, some 8 km across.
_ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
_RADII = 0.04 + 0.006 * np.sin(5 * _ANGLES)
OUTLINE = shapely.Polygon(
    np.column_stack([116.36 + _RADII * np.cos(_ANGLES), 39.92 + _RADII * np.sin(_ANGLES) * 0.8])
)
PLACE = Place(1, "110199", "试验区", "cn", 4547, "Asia/Shanghai", OUTLINE)
GRIDS = make_mapping({"kind": "grids", "source": "g", "columns": {"code": "code", "name": "code"}})


def quarters(outline):
    """Cut an outline into four grids."""
    x, y = outline.centroid.x, outline.centroid.y
    boxes = [shapely.box(x + a, y + b, x + a + 1, y + b + 1) for a in (-1, 0) for b in (-1, 0)]
    return np.array([outline.intersection(box) for box in boxes], dtype=object)


def batch_of(shapes):
    table = pa.table(
        {"code": [f"{i}" for i in range(len(shapes))], GEOMETRY: list(shapely.to_wkb(shapes))}
    )
    return RawBatch(table, pa.array(range(1, len(shapes) + 1)))


def test_grids_that_fit_the_boundary_pass():
    require_plausible(batch_of(quarters(OUTLINE)), GRIDS, "wgs84", PLACE)


@pytest.mark.parametrize(("really", "named"), [("gcj02", "GCJ-02"), ("bd09", "BD-09")])
def test_grids_in_a_shifted_system_declared_as_wgs84_are_named(really, named):
    shifted = convert_geometries(quarters(OUTLINE), crs="wgs84", to=really)
    with pytest.raises(CrsError, match=named):
        require_plausible(batch_of(shifted), GRIDS, "wgs84", PLACE)
    require_plausible(batch_of(shifted), GRIDS, really, PLACE)


def test_a_part_of_the_jurisdiction_is_not_judged_by_its_outline():
    require_plausible(batch_of(quarters(OUTLINE)[:1]), GRIDS, "wgs84", PLACE)


def test_polygons_with_swapped_axes_are_refused_as_such():
    grids = np.array(
        [shapely.box(116.34 + i * 0.002, 39.90, 116.341 + i * 0.002, 39.93) for i in range(25)]
    )
    swapped = shapely.transform(grids, lambda xy: xy[:, ::-1])
    with pytest.raises(CrsError, match="x and y swapped"):
        require_plausible(batch_of(swapped), GRIDS, "wgs84", PLACE)
