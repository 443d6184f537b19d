"""Whether a file's coordinates are what its mapping says, judged before anything is written."""

from __future__ import annotations

import numpy as np
import shapely

from geo.crs.diagnose import diagnose_positions
from geo.crs.outline import diagnose_outline
from geo.crs.systems import parse_crs
from geo.errors import CrsError
from geo.formats.table import GEOMETRY, RawBatch
from geo.imports.mapping import Mapping
from geo.imports.normalise import select_rows
from geo.imports.positions import Floats, Shapes, decode_shapes, raw_positions
from geo.places import Place

FEWEST_TO_JUDGE = 20
MOST_OUTSIDE = 0.5
COVERS = 0.6


def require_plausible(batch: RawBatch, mapping: Mapping, crs: str, place: Place) -> None:
    """Refuse a file whose coordinates are plainly in another system or order.

    Judged from its first rows: points, lines and polygons by where they lie to the
    jurisdiction's boundary; a layer of areas that covers the jurisdiction also by how its outline
    fits, which alone can tell GCJ-02 and BD-09 from WGS-84.

    Raises
    ------
    CrsError
        With the reading that would fit, if there is one.
    """
    kind = mapping.kind_of()
    table = select_rows(batch, mapping).columns
    if kind.shape is None or not table.num_rows:
        return
    if kind.shape == "point":
        x, y = raw_positions(table, mapping)
    else:
        shapes, _ = decode_shapes(table.column(GEOMETRY))
        x, y = _middles(shapes)
        if kind.table == "area":
            _require_outline(shapes, crs, place)
    _require_inside(x, y, mapping, crs, place)


def _middles(shapes: Shapes) -> tuple[Floats, Floats]:
    bounds = shapely.bounds(shapes)
    return (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2


def _require_inside(x: Floats, y: Floats, mapping: Mapping, crs: str, place: Place) -> None:
    known = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    if known.sum() < FEWEST_TO_JUDGE:
        return
    found = diagnose_positions(
        x[known], y[known], crs=crs, boundary=place.boundary, place=place.name,
        metric_srid=place.srid,
    )  # fmt: skip
    # Extracts of roads, buildings and water, and files of a larger place, may lie mostly outside.
    larger = mapping.outside == "leave_out" or mapping.kind_of().shape == "line"
    larger |= mapping.kind_of().table in {"building", "water"}
    if found.share_outside > MOST_OUTSIDE and not (larger and not found.fits):
        raise CrsError(f"{found.message('en')}\n{found.message('zh')}")


def _require_outline(shapes: Shapes, crs: str, place: Place) -> None:
    if not parse_crs(crs).is_degrees:
        return
    sound = shapes[shapely.is_valid(shapes) & (shapely.get_dimensions(shapes) == 2)]
    if not len(sound):
        return
    union = shapely.union_all(sound)
    if union.intersection(place.boundary).area < COVERS * place.boundary.area:
        return  # a part of the jurisdiction has another outline
    found = diagnose_outline(union, boundary=place.boundary, crs=crs, place=place.name)
    if found.better is not None:
        raise CrsError(f"{found.message('en')}\n{found.message('zh')}")
