"""Where the rows of a batch lie: their position, their grid, and what is too far away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geo.imports.plan import ReadPlan
from geo.imports.positions import read_points
from geo.imports.problems import Problems
from geo.imports.times import DAY_US
from geo.locate.polygons import locate
from geo.places import metric


def read_position(
    table: pa.Table, plan: ReadPlan, problems: Problems
) -> tuple[dict[str, pa.Array], npt.NDArray[np.bool_]]:
    """Return the columns of the position, and which rows the mapping leaves out for it."""
    points = read_points(table, plan.mapping, crs=plan.crs, problems=problems)
    made = {
        "lon": pa.array(points.lon, from_pandas=True),
        "lat": pa.array(points.lat, from_pandas=True),
    }
    nowhere = np.zeros(table.num_rows, dtype=bool)
    if plan.place is None or plan.near is None:
        return made, nowhere
    x, y = metric(points.lon, points.lat, plan.place)
    if plan.kind.name == "incidents":
        made |= {"x_m": pa.array(x, from_pandas=True), "y_m": pa.array(y, from_pandas=True)}
    far = problems.sound & (locate(plan.near, x, y) < 0)
    if plan.mapping.outside == "leave_out":
        return made, far
    shown = np.array([None] * len(x), dtype=object)
    shown[far] = [
        f"{a:.6f}, {b:.6f}" for a, b in zip(points.lon[far], points.lat[far], strict=True)
    ]
    problems.add(far, "far_outside", "position", shown)
    return made, nowhere


def grid_ids(columns: dict[str, pa.Array], plan: ReadPlan, problems: Problems) -> pa.Array:
    """Return the grid in which each sound row lay on its own day; null outside all of them."""
    n_rows = len(columns["x_m"])
    if plan.grids is None or plan.place is None:
        return pa.nulls(n_rows, pa.int64())
    local = pc.local_timestamp(
        pc.cast(columns["occurred_at"], pa.timestamp("us", plan.time_zone))
    ).cast(pa.int64())
    day = np.asarray(pc.fill_null(local, 0).to_numpy(zero_copy_only=False)) // DAY_US
    x, y = (columns[a].to_numpy(zero_copy_only=False) for a in ("x_m", "y_m"))
    found = np.full(n_rows, -1, dtype=np.int64)
    good = problems.sound
    found[good] = plan.grids.area_of(x[good], y[good], day[good])
    return pa.array(found, pa.int64(), mask=found < 0)


def lies_outside(shapes: npt.NDArray[np.object_], plan: ReadPlan) -> npt.NDArray[np.bool_]:
    """Say which lines and buildings lie outside: no fault of theirs, but not ours."""
    ground = {"road", "building", "water"}
    if plan.place is None or plan.near is None or plan.kind.table not in ground:
        return np.zeros(len(shapes), dtype=bool)
    inside = shapely.point_on_surface(shapes)
    lon, lat = shapely.get_x(inside), shapely.get_y(inside)
    x, y = metric(lon, lat, plan.place)
    return ~shapely.is_missing(shapes) & (locate(plan.near, x, y) < 0)
