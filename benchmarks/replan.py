"""Re-planning in the middle of a shift for 30 units, on the demo district's roads.

python -m benchmarks.replan              # needs `gridbeat demo`; for benchmarks/routing.md
"""

from __future__ import annotations

import time

import numpy as np
from sqlalchemy.pool import NullPool

from geo.database.connect import locate, make_engine
from geo.network.store import read_network
from geo.settings import DatabaseSettings
from patrol.routes.planning import plan_routes, replan_routes, stand_by_plan
from patrol.routes.problem import Stop, Unit
from patrol.routes.search import SearchParams
from patrol.routes.travel import Site

SHIFT_S = 8 * 3600.0


def main() -> None:
    engine = make_engine(locate(DatabaseSettings()), pool=NullPool)
    with engine.begin() as connection:
        network = read_network(connection, 1)
    site, rng = Site(network), np.random.default_rng(1)
    low, high = np.quantile(network.nodes, [0.1, 0.9], axis=0)
    stop_xy, base_xy = (
        network.nodes[rng.choice(len(network.nodes), n, replace=False)] for n in (150, 30)
    )
    stops = [Stop(f"s{k}", float(rng.uniform(5, 40)), 900.0) for k in range(150)]
    units = [Unit(f"u{k}", "foot" if k % 3 else "vehicle", k, k, 0.0, SHIFT_S) for k in range(30)]
    plan = plan_routes(stops, units, site, stop_xy=stop_xy, base_xy=base_xy, rng=rng,
                       search=SearchParams(iterations=3000))  # fmt: skip
    rows = []
    for k in range(8):
        now = SHIFT_S * (0.2 + 0.05 * k)
        spot = rng.uniform(low, high)[None]
        incident = Stop("incident", 60.0, 1200.0, now, now + 900.0, must=True)
        standings = stand_by_plan(plan, now)
        wall, used = time.perf_counter(), time.process_time()
        made = replan_routes(plan, standings, [incident], incident_xy=spot, rng=rng)
        rows.append((time.perf_counter() - wall, time.process_time() - used,
                     not made.routes.missed, made.problem.n_stops))  # fmt: skip
    wall_s, cpu_s, reached, left = (np.array(column) for column in zip(*rows[1:], strict=True))
    print(f"30 units (20 on foot, 10 cars), {int(left.mean())} stops left on average, "
          f"{len(network.segments):,} road segments, {len(wall_s)} runs after one to warm up")  # fmt: skip
    print(f"CPU s: median {np.median(cpu_s):.2f}, worst {cpu_s.max():.2f}; wall: median "
          f"{np.median(wall_s):.2f}, worst {wall_s.max():.2f}; reached in 15 min: "
          f"{int(reached.sum())} of {len(reached)}")  # fmt: skip


if __name__ == "__main__":
    main()
