"""Rows per second of the coordinate conversions beside their peers, in one run.

    python benchmarks/crs.py [ROWS]

Peers: prcoords and fast_geocn.coord (pure Python, one position a call), and pyproj's
WGS-84 to UTM as the yardstick of what an array conversion costs on this machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import prcoords
from fast_geocn import coord
from pyproj import Transformer

from geo.crs.systems import Floats, from_wgs84, to_wgs84

REPEATS = 3


def rows_per_second(work: Callable[[], object], rows: int) -> float:
    """Time the best of a few runs, the first of which compiles."""
    work()
    spent = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return rows / min(spent)


def time_pyproj(lon: Floats, lat: Floats) -> tuple[float, float]:
    there = Transformer.from_crs(4326, 32650, always_xy=True)
    x, y = there.transform(lon, lat)
    return (
        rows_per_second(lambda: there.transform(lon, lat), lon.size),
        rows_per_second(lambda: there.transform(x, y, direction="INVERSE"), lon.size),
    )


def time_array(lon: Floats, lat: Floats, crs: str) -> tuple[float, float]:
    x, y = from_wgs84(lon, lat, crs=crs)
    return (
        rows_per_second(lambda: from_wgs84(lon, lat, crs=crs), lon.size),
        rows_per_second(lambda: to_wgs84(x, y, crs=crs), lon.size),
    )


def main(rows: int) -> None:
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(114, 120, rows), rng.uniform(20, 50, rows)
    few = [(float(u), float(v)) for u, v in zip(lon[:5000], lat[:5000], strict=True)]
    peers: dict[str, Callable[[], object]] = {
        "prcoords, to GCJ-02": lambda: [prcoords.wgs_gcj((v, u)) for u, v in few],
        "prcoords, from GCJ-02, iterated": lambda: [prcoords.gcj_wgs_bored((v, u)) for u, v in few],
        "prcoords, from BD-09, iterated": lambda: [prcoords.bd_wgs_bored((v, u)) for u, v in few],
        "fast_geocn, from GCJ-02, about 1 m": lambda: [coord.gcj02_to_wgs84(u, v) for u, v in few],
    }
    pyproj_forward, pyproj_inverse = time_pyproj(lon, lat)
    print(f"{rows:,} positions; rate over that of the same direction of pyproj to UTM zone 50")
    print(f"{'pyproj, to / from UTM':36}{pyproj_forward:14,.0f} / {pyproj_inverse:,.0f} rows/s")
    for crs in ("gcj02", "bd09"):
        forward, inverse = time_array(lon, lat, crs)
        for name, rate, beside in (
            (f"gridbeat, to {crs}", forward, pyproj_forward),
            (f"gridbeat, from {crs}, exact", inverse, pyproj_inverse),
        ):
            print(f"{name:36}{rate:14,.0f} rows/s {rate / beside:8.3f}")
    for name, work in peers.items():
        rate = rows_per_second(work, len(few))
        beside = pyproj_forward if "to " in name else pyproj_inverse
        print(f"{name:36}{rate:14,.0f} rows/s {rate / beside:8.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
