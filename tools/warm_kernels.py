"""Compile the numerical kernels once at installation, so that no command waits for it later."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import shapely

from analytics.hotspots import local_g
from analytics.trends import mann_kendall
from geo.crs.systems import from_wgs84, to_wgs84
from geo.demo.district import make_district
from geo.demo.size import DemoSize
from geo.imports.digest import digest_rows
from geo.lattice.lattice import cell_of, make_lattice, neighbours
from geo.locate.polygons import index_polygons, locate


def main() -> None:
    """Call each kernel with a little of what it takes."""
    x = np.array([116.3, 116.4])
    y = np.array([39.9, 40.0])
    for crs in ("gcj02", "bd09"):
        to_wgs84(*from_wgs84(x, y, crs=crs), crs=crs)
    square = shapely.box(0, 0, 1000, 1000)
    for kind in ("square", "hexagon"):
        lattice = make_lattice(square, cell_size_m=100, srid=4549, kind=kind)
        cell_of(lattice, x, y)
    lattice = make_lattice(square, cell_size_m=100, srid=4549)
    locate(index_polygons([square], srid=4549), x, y)
    digest_rows([pa.array(["a", None]), pa.array([1, 2])], 2)
    counts = np.random.default_rng(0).poisson(2, (lattice.n_cells, 8))
    local_g(counts.sum(axis=1), neighbours(lattice))
    mann_kendall(counts)
    make_district(
        size=DemoSize(
            basic_grids=6, communities=3, streets=2, people=9, cameras=20, incidents_per_week=40.0,
            first_day=date(2026, 9, 1),
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
