"""Sweep flights against the lower bound area / (spacing x speed), and beside a peer planner.

    python benchmarks/drones.py [--data ../shared/data] [--random 50] [--seed 1]

Every area is swept from the same base (just inside a corner) with the same camera, height and overlap,
on one battery that lasts for ever, so that the path alone is compared. The peer is
`coverage-path-planner` (not in the locks: `pip install coverage-path-planner==1.4.0`); it takes
its direction from the caller, so it is given 24, and the quickest of those that see 98.5 % or more
is taken. Both paths are timed by
the same flight model and their pictures measured by the same camera. Without the peer its columns
stay empty.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import Polygon

from patrol.drones.aircraft import Aircraft, path_time
from patrol.drones.gaps import seen_along
from patrol.drones.space import turn_by, turn_points
from patrol.drones.sweep import SweepParams, plan_sweep

PARAMS = SweepParams(
    height_m=80.0, margin_m=1.0, aircraft=Aircraft(endurance_s=1e7, reserve_share=0.0)
)
PEER_ANGLES = np.linspace(0, np.pi, 24, endpoint=False)
REAL = {
    "chicago/police_beats.geojson": ("beat", 26916, 5),
    "chicago/community_areas.geojson": ("name", 26916, 3),
    "vancouver/neighbourhoods.geojson": ("name", 32610, 2),
}


class Outcome(NamedTuple):
    """Time along the path, share seen, share of the path outside, seconds of the processor."""

    flight_s: float
    covered: float
    outside: float
    cpu_s: float


def random_area(rng: np.random.Generator) -> Polygon:
    """Return a star-shaped area with radii of 250 to 800 m, about half of them with a hole."""
    n = int(rng.integers(4, 14))
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    while np.diff(np.append(angle, angle[0] + 2 * np.pi)).max() > 2.6:
        angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    radius = rng.uniform(250, 800, n)
    area = Polygon(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    if rng.random() < 0.5:
        middle = area.representative_point()
        room = middle.distance(area.exterior)
        area = area - middle.buffer(room * rng.uniform(0.2, 0.6), quad_segs=3)
    return area


def real_areas(data: Path) -> Iterator[tuple[str, Polygon]]:
    """Give ten real areas, evenly taken by size from each file, in metres."""
    for name, (_, srid, number) in REAL.items():
        frame = gpd.read_file(data / name).to_crs(srid)
        shapes = sorted(
            (max(shapely.get_parts(shape), key=lambda part: part.area) for shape in frame.geometry),
            key=lambda part: part.area,
        )
        for i in np.linspace(0, len(shapes) * 0.8, number).astype(int):
            # The peer loses its way far from the origin.
            yield (
                name.split("/")[0],
                translate(shapes[i], -shapes[i].bounds[0], -shapes[i].bounds[1]),
            )


def ours(area: Polygon, base: tuple[float, float]) -> Outcome:
    """Plan by Gridbeat."""
    began = time.process_time()
    plan = plan_sweep(area, base=base, params=PARAMS)
    spent = time.process_time() - began
    path = np.vstack([flight.path for flight in plan.flights])
    return measure(path, area, np.radians(plan.angle_deg), spent)


def peer(area: Polygon, base: tuple[float, float]) -> Outcome | None:
    """Plan by coverage-path-planner in 24 directions; the quickest counts."""
    if find_spec("coverage_path_planner") is None:
        return None
    cpp = importlib.import_module("coverage_path_planner")

    def outline(ring: shapely.LinearRing) -> object:
        return cpp.Polygon([cpp.Point(*xy) for xy in shapely.get_coordinates(ring)[:-1]])

    began, found = time.process_time(), []
    for angle in PEER_ANGLES:
        world = cpp.Environment(outline(area.exterior))
        for hole in area.interiors:
            world.addObstacle(outline(hole))
        wish = cpp.PathSettings()
        wish.pattern, wish.offset, wish.angle = "lines", PARAMS.spacing_m, float(angle)
        wish.distanceToBorder, wish.mowArea, wish.mowBorder = 0.0, True, False
        wish.borderLaps = wish.exclusionsBorderLaps = 0
        wish.mowExclusionsBorder = False
        result = cpp.PathService().computeFullTask(world, wish, cpp.Point(*base))
        points = np.array([(p.x, p.y) for p in result.path.getPoints()]).reshape(-1, 2)
        if len(points) > 1:
            found.append((np.vstack([[base], points, [base]]), angle))
    spent = time.process_time() - began
    measured = [measure(path, area, angle, spent) for path, angle in found]
    if not measured:
        return None
    # Some directions leave parts out: the quickest counts of those that see nearly all.
    return min(measured, key=lambda one: (max(0.985 - one.covered, 0.0), one.flight_s))


def measure(path: np.ndarray, area: Polygon, angle: float, cpu_s: float) -> Outcome:
    """Time a path and see what its pictures show, by the same rules for everybody."""
    seen = turn_by(seen_along([turn_points(path, -angle)], PARAMS.footprint), angle)
    line = shapely.LineString(path)
    outside = line.difference(area.buffer(0.01)).length / line.length
    flight = path_time(path, PARAMS.aircraft, speed_m_s=PARAMS.speed_m_s)
    return Outcome(flight, area.intersection(seen).area / area.area, outside, cpu_s)


def main() -> None:
    """Print one row a set of areas, and one a real area."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--random", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    areas = [("random", random_area(rng)) for _ in range(chosen.random)]
    areas += list(real_areas(chosen.data)) if chosen.data.is_dir() else []
    rows = []
    print("| area | km2 | bound s | ours s | ratio | seen | peer s | ratio | seen | outside |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, area in areas:
        corners = shapely.get_coordinates(area.buffer(-10.0).convex_hull)
        base = tuple(corners[corners.sum(axis=1).argmin()].tolist())
        bound = area.area / (PARAMS.spacing_m * PARAMS.speed_m_s)
        own, other = ours(area, base), peer(area, base)
        rows.append((name, bound, own, other))
        if name != "random":
            outside = "" if other is None else f"{other.outside:.0%}"
            print(f"| {name} | {area.area / 1e6:.2f} | {bound:.0f} | {cells(bound, own)} | "
                  f"{cells(bound, other)} | {outside} |")  # fmt: skip
    print(
        "\n| areas | planner | mean ratio | worst | least seen | seen >= 99.5 % | leaves the area | CPU s |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for kind in ("random", "real"):
        chosen_rows = [row for row in rows if (row[0] == "random") == (kind == "random")]
        for planner, column in (("ours", 2), ("peer", 3)):
            found = [(row[1], row[column]) for row in chosen_rows if row[column] is not None]
            if found:
                print(f"| {len(found)} {kind} | {planner} | {summary(found)} |")
    pairs = [(own, other) for *_, own, other in rows if other is not None]
    wins = [own.flight_s / other.flight_s for own, other in pairs if other.covered >= 0.985]
    if wins:
        print(f"\nwhere the peer sees 98.5 % ({len(wins)} areas): ours / peer flight time: mean {np.mean(wins):.3f}, worst {max(wins):.3f}, "
              f"quicker in {np.mean(np.array(wins) < 1):.0%}")  # fmt: skip


def cells(bound: float, outcome: Outcome | None) -> str:
    """Return the cells of one planner."""
    if outcome is None:
        return "| |"
    return f"{outcome.flight_s:.0f} | {outcome.flight_s / bound:.2f} | {outcome.covered:.2%}"


def summary(found: list[tuple[float, Outcome]]) -> str:
    """Return the cells of a set of areas."""
    ratio = np.array([outcome.flight_s / bound for bound, outcome in found])
    seen = np.array([outcome.covered for _, outcome in found])
    outside = np.array([outcome.outside > 1e-6 for _, outcome in found])
    cpu = np.mean([outcome.cpu_s for _, outcome in found])
    return (f"{ratio.mean():.3f} | {ratio.max():.2f} | {seen.min():.2%} | {(seen >= 0.995).mean():.0%} | "
            f"{outside.mean():.0%} | {cpu:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
