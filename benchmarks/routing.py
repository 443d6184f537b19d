"""Routes beside PyVRP, OR-Tools and VROOM: team orienteering with and without time windows.

    python benchmarks/routing.py DATA --scores scores.csv --plan sample
    python benchmarks/routing.py DATA --scores scores.csv --plan chao      # one seed; resumes
    python benchmarks/routing.py DATA --scores scores.csv --plan full      # hours; resumes
    python benchmarks/routing.py DATA --scores scores.csv --table

DATA is a folder with `top/` and `routing/` (see benchmarks/routing.md). Budgets are CPU seconds of
one thread; every answer is added up again in floating point from the instance before it counts.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd

from patrol.routes.balance import BalanceParams, balance_routes
from patrol.routes.check import check_routes
from patrol.routes.problem import RoutingProblem, Stop, Unit
from patrol.routes.search import SearchParams, find_routes, make_routes

FIELDS = ("instance", "solver", "seed", "budget_s", "prize", "used_s")
HARD = ("p4.2.e", "p4.3.k", "p5.2.l", "p6.2.j", "p7.2.f", "p7.3.j")
EASY = ("p1.2.p", "p1.4.r", "p2.3.k", "p2.4.i", "p3.2.r", "p3.4.t")
WINDOWED = ("c102@2", "r102@2", "rc105@2", "r205@2")
# The same points with other numbers of paths and lengths than any published instance, harder
# than those whose best is known: set, paths, length.
STRANGE = ("4@2@97.3", "4@4@57.6", "7@2@147.4", "7@4@88.2", "5@4@27.1", "6@3@22.3")
POINTS = {"4": "p4.2.e", "5": "p5.2.l", "6": "p6.2.j", "7": "p7.2.f"}
# Of the research note, remembered from the published tables and not verified.
WINDOWED_BEST = {"c102@2": 660.0, "r102@2": 508.0, "rc105@2": 480.0}
GRID = 100


def problem_of(data: Path, name: str) -> RoutingProblem:
    """Read an instance: `p4.2.e`, `c102@2` (Solomon, 2 paths) or `4@2@97.3` (set, paths, length)."""
    if name.count("@") == 1:
        return read_solomon(data, *name.split("@"))
    if name.count("@") == 2:
        points, paths, length = name.split("@")
        table, _, _ = read_chao(data, POINTS[points])
        return orienteering(table, int(paths), float(length))
    return orienteering(*read_chao(data, name))


def read_chao(data: Path, name: str) -> tuple[np.ndarray, int, float]:
    path = next(p for p in (data / "top/chao" / f"{name}.txt",
                            data / "routing/top_chao" / f"{name}.txt") if p.exists())  # fmt: skip
    lines = path.read_text().splitlines()
    table = np.array([line.split() for line in lines[3:] if line.strip()], dtype=float)
    return table, int(lines[1].split()[1]), float(lines[2].split()[1])


def orienteering(table: np.ndarray, paths: int, length: float) -> RoutingProblem:
    """Return a problem without windows; points that no path can reach are left out."""
    order = np.r_[1 : len(table) - 1, 0, len(table) - 1]
    way = distances(table[order, :2])
    n = len(table) - 2
    kept = [v for v in range(n) if way[n, v] + way[v, n + 1] <= length and table[v + 1, 2] > 0]
    stops = tuple(Stop(str(v), float(table[v + 1, 2])) for v in kept)
    units = tuple(Unit(f"path {k}", "foot", 0, 1, 0.0, length) for k in range(paths))
    rows = np.r_[kept, n, n + 1].astype(int)
    return RoutingProblem(stops, units, {"foot": way[np.ix_(rows, rows)]})


def read_solomon(data: Path, name: str, paths: str) -> RoutingProblem:
    path = next(p for p in (data / "top/solomon" / f"{name}.txt",
                            data / "routing/vrptw_solomon" / f"{name}.txt") if p.exists())  # fmt: skip
    rows = [line.split() for line in path.read_text().splitlines()]
    table = np.array([row for row in rows if len(row) == 7 and row[0].isdigit()], dtype=float)
    table = table[np.r_[1 : len(table), 0]]
    stops = tuple(
        Stop(str(int(row[0])), float(row[3]), float(row[6]), float(row[4]), float(row[5]))
        for row in table[:-1]
    )
    end = float(table[-1, 5])
    units = tuple(Unit(f"path {k}", "foot", 0, 0, 0.0, end) for k in range(int(paths)))
    return RoutingProblem(stops, units, {"foot": distances(table[:, 1:3])})


def distances(xy: np.ndarray) -> np.ndarray:
    return np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))


def rounded(problem: RoutingProblem) -> tuple[np.ndarray, int]:
    """Return ways and shift in whole hundredths, rounded so that answers hold in floating point."""
    way = np.ceil(problem.travel_s["foot"] * GRID - 1e-9).astype(int)
    return way, math.floor(problem.units[0].finish_s * GRID + 1e-9)


def whole(seconds: float, upper: int) -> int:
    return upper if seconds == math.inf else max(0, math.floor(min(seconds * GRID, upper)))


def gridbeat(problem: RoutingProblem, seed: int, budget_s: float) -> list[list[int]]:
    found = find_routes(
        problem,
        rng=np.random.default_rng(seed),
        params=SearchParams(iterations=None, cpu_s=budget_s),
    )
    return [list(route.stops) for route in found.routes]


def pyvrp(problem: RoutingProblem, seed: int, budget_s: float) -> list[list[int]]:
    """Plain PyVRP as the note sets it up: grid 1/100, cost 1 a unit of length, prize x 1,000."""
    import pyvrp as vrp

    way, shift = rounded(problem)
    n, unit = problem.n_stops, problem.units[0]
    timed = any(math.isfinite(stop.closes_s) for stop in problem.stops)
    model = vrp.Model()
    places = [model.add_location(0, 0) for _ in range(len(way))]
    start, end = model.add_depot(places[n + unit.start]), model.add_depot(places[n + unit.end])
    bound = {"tw_late": shift} if timed else {"max_distance": shift}
    model.add_vehicle_type(
        len(problem.units), start_depot=start, end_depot=end, unit_distance_cost=1, **bound
    )
    for v, stop in enumerate(problem.stops):
        window = {}
        if timed:
            window = {"tw_early": math.ceil(max(stop.opens_s, 0) * GRID),
                      "tw_late": whole(stop.closes_s, shift),
                      "service_duration": math.ceil(stop.dwell_s * GRID)}  # fmt: skip
        model.add_client(places[v], prize=round(stop.prize * 1000), required=False, **window)
    for i, a in enumerate(places):
        for j, b in enumerate(places):
            if i != j:
                model.add_edge(
                    a, b, distance=int(way[i, j]), duration=int(way[i, j]) if timed else 0
                )
    begun = time.process_time()
    result = model.solve(
        stop=lambda *_: time.process_time() - begun > budget_s, seed=seed, display=False
    )
    return [[visit.idx for visit in route if visit.is_client()] for route in result.best.routes()]


def ortools(problem: RoutingProblem, seed: int, budget_s: float) -> list[list[int]]:
    """OR-Tools routing: guided local search, a disjunction a stop, one length a point of prize."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    way, shift = rounded(problem)
    n, units = problem.n_stops, problem.units
    manager = pywrapcp.RoutingIndexManager(
        len(way), len(units), [n + u.start for u in units], [n + u.end for u in units]
    )
    routing = pywrapcp.RoutingModel(manager)
    dwell = [math.ceil(stop.dwell_s * GRID) for stop in problem.stops] + [0] * (len(way) - n)

    def cost(i: int, j: int) -> int:
        return int(way[manager.IndexToNode(i), manager.IndexToNode(j)])

    def clock(i: int, j: int) -> int:
        return cost(i, j) + dwell[manager.IndexToNode(i)]

    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(cost))
    routing.AddDimension(routing.RegisterTransitCallback(clock), shift, shift, True, "time")
    times = routing.GetDimensionOrDie("time")
    for v, stop in enumerate(problem.stops):
        index = manager.NodeToIndex(v)
        routing.AddDisjunction([index], round(stop.prize * GRID))
        opens = math.ceil(max(stop.opens_s, 0) * GRID)
        times.CumulVar(index).SetRange(min(opens, shift), whole(stop.closes_s, shift))
    begun = time.process_time()
    routing.AddSearchMonitor(
        routing.solver().CustomLimit(lambda: time.process_time() - begun > budget_s)
    )
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    search.time_limit.FromSeconds(int(budget_s * 20))
    found = routing.SolveWithParameters(search)
    orders = []
    for k in range(len(units)):
        index, order = routing.Start(k), []
        while found and not routing.IsEnd(index):
            index = found.Value(routing.NextVar(index))
            if not routing.IsEnd(index):
                order.append(manager.IndexToNode(index))
        orders.append(order)
    return orders


def vroom(problem: RoutingProblem, seed: int, budget_s: float) -> list[list[int]]:
    """VROOM at exploration level 5, prizes squeezed into priorities; it takes its own time."""
    import vroom as vr

    way, shift = rounded(problem)
    n = problem.n_stops
    most = max(stop.prize for stop in problem.stops)
    task = vr.Input()
    task.set_durations_matrix(profile="car", matrix_input=way.astype(np.uint32))
    for k, unit in enumerate(problem.units):
        task.add_vehicle(
            vr.Vehicle(k + 1, start=n + unit.start, end=n + unit.end, time_window=[0, shift])
        )
    for v, stop in enumerate(problem.stops):
        opens = math.ceil(max(stop.opens_s, 0) * GRID)
        task.add_job(
            vr.Job(
                v, location=v, default_service=math.ceil(stop.dwell_s * GRID),
                priority=round(100 * stop.prize / most),
                time_windows=[vr.TimeWindow(opens, whole(stop.closes_s, shift))],
            )
        )  # fmt: skip
    steps = task.solve(exploration_level=5, nb_threads=1).routes
    jobs = steps[steps["type"] == "job"]
    return [jobs["id"][jobs["vehicle_id"] == k + 1].tolist() for k in range(len(problem.units))]


SOLVERS = {"gridbeat": gridbeat, "pyvrp": pyvrp, "ortools": ortools, "vroom": vroom}


def score(problem: RoutingProblem, orders: list[list[int]]) -> float:
    """Return the prize of an answer; one that breaks a rule is a fault, and ends the run."""
    orders += [[]] * (len(problem.units) - len(orders))
    routes = make_routes(problem, orders)
    faults = check_routes(problem, routes)
    if faults:
        raise AssertionError(faults)
    return routes.prize


def runs_of(plan: str, data: Path) -> list[tuple[str, str, int, float]]:
    """List what a plan runs: instance, solver, seed, budget."""
    both, peers = ("gridbeat", "pyvrp"), ("ortools", "vroom")
    if plan == "full":
        chao = [
            p.stem
            for f in ("top/chao", "routing/top_chao")
            for p in sorted((data / f).glob("p*.txt"))
        ]
        names = [*chao, *(f"{p.stem}@{m}" for f in ("top/solomon", "routing/vrptw_solomon")
                          for p in sorted((data / f).glob("*.txt")) if ".sol" not in p.name
                          for m in (1, 2, 3, 4))]  # fmt: skip
        return [
            (n, s, seed, b)
            for b in (3.0, 30.0)
            for n in names
            for seed in range(1, 6)
            for s in SOLVERS
        ]
    if plan == "chao":  # in no order of size or set, so that a part of it is a fair sample
        names = sorted({p.stem for f in ("top/chao", "routing/top_chao")
                        for p in (data / f).glob("p*.txt")})  # fmt: skip
        names = np.random.default_rng(20261129).permutation(names).tolist()
        return [(n, s, 1, 3.0) for n in names for s in (*both, "vroom", "ortools")]
    runs = [(n, s, seed, 3.0) for seed in (1, 2, 3, 4, 5) for n in (*HARD, *WINDOWED) for s in both]
    runs += [(n, s, 1, 3.0) for n in (*HARD, *WINDOWED) for s in peers]
    runs += [(n, s, seed, 3.0) for seed in (1, 2) for n in STRANGE for s in both]
    runs += [(n, s, 1, 30.0) for n in (*HARD, *WINDOWED) for s in both]
    return runs + [(n, s, 1, 3.0) for n in EASY for s in both]


def run(data: Path, scores: Path, plan: str) -> None:
    """Run what the scores file does not have yet."""
    done = set()
    if scores.exists():
        done = {tuple(row[:4]) for row in csv.reader(scores.open())}
    else:
        scores.write_text(",".join(FIELDS) + "\n")
    gridbeat(problem_of(data, HARD[0]), 1, 0.1)  # the compiled search is read from disk once
    for name, solver, seed, budget in runs_of(plan, data):
        if (name, solver, str(seed), f"{budget:g}") in done:
            continue
        problem = problem_of(data, name)
        if not problem.stops:  # some of the smallest lengths reach no point at all
            continue
        begun = time.process_time()
        orders = SOLVERS[solver](problem, seed, budget)
        used = time.process_time() - begun
        row = (name, solver, seed, f"{budget:g}", f"{score(problem, orders):g}", f"{used:.2f}")
        with scores.open("a") as file:
            csv.writer(file, lineterminator="\n").writerow(row)
        print(*row, flush=True)


def table(data: Path, scores: Path) -> str:
    """Return gaps to the best known, or where none is known to the best seen here."""
    frame = pd.read_csv(scores)
    known = pd.read_csv(data / "top/chao/best_known.csv").set_index("instance")["best_known"]
    best = frame.groupby("instance")["prize"].max()
    for name, value in {**known.to_dict(), **WINDOWED_BEST}.items():
        if name in best.index:
            best[name] = value
    frame["gap"] = 100 * (1 - frame["prize"] / frame["instance"].map(best))
    family = {name: word for word, names in (
        ("Chao 4-7, best known", HARD), ("with time windows", WINDOWED),
        ("same points, other lengths", STRANGE), ("Chao 1-3", EASY)) for name in names}  # fmt: skip
    frame["family"] = frame["instance"].map(family).fillna("other")
    gaps = frame.groupby(["family", "budget_s", "solver"])["gap"]
    out = gaps.agg(runs="count", mean="mean", worst="max").round(2).reset_index()
    lines = [
        "| family | CPU s | solver | runs | mean gap % | worst % |",
        "|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in row) + " |"
              for row in out.itertuples(index=False)]  # fmt: skip
    return "\n".join(lines)


def balance(data: Path, names: list[str], budget_s: float) -> str:
    """Share the work evenly on instances with several paths; return what it costs."""
    rows = []
    for name in names:
        problem = problem_of(data, name)
        if len(problem.units) < 2 or len(problem.stops) < 3 * len(problem.units):
            continue
        rng = np.random.default_rng(1)
        search = SearchParams(iterations=None, cpu_s=budget_s)
        routes = find_routes(problem, rng=rng, params=search)
        shared = balance_routes(problem, routes, rng=rng, search=search, params=BalanceParams())
        before = routes.makespan_s / max(routes.mean_work_s, 1e-9) - 1
        lost = 1 - shared.routes.prize / max(routes.prize, 1e-9)
        rows.append((name, before, shared.over, lost))
        print(name, f"{before:.3f} {shared.over:.3f} {lost:.4f}", flush=True)
    _, before, after, lost = (np.array(column) for column in zip(*rows, strict=True))
    good = (after <= 0.05) & (lost < 0.01)
    return (
        f"{len(rows)} instances: longest work above the mean {before.mean():.1%} before, "
        f"{after.mean():.1%} after (worst {after.max():.1%}); prize lost {lost.mean():.2%} "
        f"(worst {lost.max():.2%}); within 5 % at under 1 %: {good.sum()} of {len(rows)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--scores", type=Path, default=Path("routing_scores.csv"))
    parser.add_argument("--plan", choices=("sample", "chao", "full"), default="sample")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--balance", nargs="*", metavar="INSTANCE", help="share work on these")
    given = parser.parse_args()
    if given.balance is not None:
        print(balance(given.data, given.balance or [*HARD, *EASY, *STRANGE], 1.0))
        raise SystemExit
    if not given.table:
        run(given.data, given.scores, given.plan)
    print(table(given.data, given.scores))
