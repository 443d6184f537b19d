"""Routes beside PyVRP, OR-Tools and VROOM: team orienteering with and without time windows.

    python -m benchmarks.routing DATA --scores scores.csv --plan sweep     # resumes
    python -m benchmarks.routing DATA --scores scores.csv --plan long
    python -m benchmarks.routing DATA --scores scores.csv --plan full      # hours; resumes
    python -m benchmarks.routing DATA --scores scores.csv --plan full --part 1/2   # every second run
    python -m benchmarks.routing DATA --scores scores.csv --table

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

from benchmarks.routing_cases import (
    best_known,
    chao_file,
    files_of,
    problem_of,
    published,
    stratified,
)
from patrol.routes.balance import BalanceParams, balance_routes
from patrol.routes.check import check_routes
from patrol.routes.problem import RoutingProblem
from patrol.routes.search import SearchParams, find_routes, make_routes

FIELDS = ("instance", "solver", "seed", "budget_s", "prize", "used_s")
EVEN = ("p4.2.e", "p4.3.k", "p5.2.l", "p6.2.j", "p7.2.f", "p7.3.j", "p1.2.p", "p1.4.r", "p2.3.k",
        "p2.4.i", "p3.2.r", "p3.4.t", "4@2@97.3", "4@4@57.6", "7@2@147.4", "7@4@88.2", "5@4@27.1",
        "6@3@22.3")  # fmt: skip
GRID = 100


def rounded(problem: RoutingProblem) -> tuple[np.ndarray, int]:
    """Return ways and shift in whole hundredths, rounded so that answers hold in floating point."""
    way = np.ceil(problem.travel_s["foot"] * GRID - 1e-9).astype(int)
    return way, math.floor(problem.units[0].finish_s * GRID + 1e-9)


def whole(seconds: float, upper: int) -> int:
    return upper if seconds == math.inf else max(0, math.floor(min(seconds * GRID, upper)))


def gridbeat(
    problem: RoutingProblem, seed: int, budget_s: float, enough: float = math.inf
) -> list[list[int]]:
    """Gridbeat's own search with its defaults."""
    params = SearchParams(iterations=None, cpu_s=budget_s, enough=enough)
    found = find_routes(problem, rng=np.random.default_rng(seed), params=params)
    return [list(route.stops) for route in found.routes]


def pyvrp(
    problem: RoutingProblem, seed: int, budget_s: float, enough: float = math.inf
) -> list[list[int]]:
    """Plain PyVRP as the note sets it up: grid 1/100, cost 1 a unit of length, prize x 1,000."""
    import pyvrp as vrp
    from pyvrp.IteratedLocalSearch import IteratedLocalSearchCallbacks, IteratedLocalSearchParams

    class Watch(IteratedLocalSearchCallbacks):
        reached = False

        def on_start(self, ils: vrp.IteratedLocalSearch) -> None:
            self.on_best(ils.initial_solution)

        def on_best(self, best: vrp.Solution) -> None:
            self.reached |= best.is_feasible() and best.prizes() >= 1000 * enough

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
    begun, watch = time.process_time(), Watch()
    result = model.solve(
        stop=lambda *_: watch.reached or time.process_time() - begun > budget_s,
        seed=seed, display=False,
        params=vrp.SolveParams(ils=IteratedLocalSearchParams(callbacks=watch)),
    )  # fmt: skip
    return [[visit.idx for visit in route if visit.is_client()] for route in result.best.routes()]


def ortools(
    problem: RoutingProblem, seed: int, budget_s: float, enough: float = math.inf
) -> list[list[int]]:
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
    begun, least, reached = time.process_time(), math.inf, False

    def watch() -> None:
        nonlocal least, reached
        if (cost := routing.CostVar().Value()) < least:
            nodes = [manager.NodeToIndex(v) for v in range(n)]
            visited = [routing.NextVar(node).Value() != node for node in nodes]
            prize = sum(
                stop.prize for stop, seen in zip(problem.stops, visited, strict=True) if seen
            )
            least, reached = cost, prize >= enough

    routing.AddAtSolutionCallback(watch)
    routing.AddSearchMonitor(
        routing.solver().CustomLimit(lambda: reached or time.process_time() - begun > budget_s)
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


def vroom(
    problem: RoutingProblem, seed: int, budget_s: float, enough: float = math.inf
) -> list[list[int]]:
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
SEEDED = ("gridbeat", "pyvrp")


def score(problem: RoutingProblem, orders: list[list[int]]) -> float:
    """Return the prize of an answer; one that breaks a rule is a fault, and ends the run."""
    orders += [[]] * (len(problem.units) - len(orders))
    routes = make_routes(problem, orders)
    faults = check_routes(problem, routes)
    if faults:
        raise AssertionError(faults)
    return routes.prize


# Of each family, drawn at random: the sweep.
SWEEP = {"Chao 1": 3, "Chao 2": 2, "Chao 3": 3, "Chao 4": 8, "Chao 5": 5, "Chao 6": 3, "Chao 7": 7,
         "Tsiligirides": 2, "with windows": 7}  # fmt: skip
LONG = {"Chao 4": 6, "Chao 5": 4, "Chao 6": 2, "Chao 7": 5, "with windows": 8}
DRAW = 20261129
SAMPLE = {"Chao 1": 3, "Chao 2": 2, "Chao 3": 3, "Chao 4": 10, "Chao 5": 6, "Chao 6": 4,
          "Chao 7": 10, "Tsiligirides": 3, "with windows": 9}  # fmt: skip
SEEDS = (1, 2, 3, 4, 5)
PLANS = ("breadth", "beside", "sweep", "long", "windows", "hard", "full")


def runs_of(plan: str, data: Path) -> list[tuple[str, str, int, float]]:
    """List what a plan runs: instance, solver, seed, budget."""
    both = ("gridbeat", "pyvrp")
    if plan in ("breadth", "beside"):
        return breadth(data) if plan == "breadth" else beside(data)
    if plan == "full":
        return full(data)
    if plan == "windows":
        names = [n for family, n in files_of(data) if family == "with windows"]
        return [(n, s, 1, 3.0) for n in names for s in (*both, "vroom")]
    if plan == "hard":  # every published instance of the sets with more than 60 points
        names = np.random.default_rng(DRAW).permutation(published()).tolist()
        return [(n, s, 1, 3.0) for n in names for s in ("gridbeat",)]
    if plan == "long":
        return [(n, s, 1, 30.0) for n in stratified(data, LONG, DRAW) for s in both]
    if plan == "sweep":
        names = np.random.default_rng(DRAW).permutation(stratified(data, SWEEP, DRAW)).tolist()
        runs = [(n, s, seed, 3.0) for seed in SEEDS for n in names for s in both]
        peers = [(n, s, 1, 3.0) for n in names for s in ("vroom", "ortools")]
        return runs[: 2 * len(names)] + peers + runs[2 * len(names) :]
    raise ValueError(plan)


def breadth(data: Path) -> list[tuple[str, str, int, float]]:
    """List every instance once before any twice: those with windows, hard ones, the others."""
    rng = np.random.default_rng(DRAW)
    every = list(dict.fromkeys(n for _, n in files_of(data)))
    timed = [n for n in every if n.count("@") == 1]
    hard = rng.permutation(published()).tolist()
    rest = [n for n in every if n not in timed and n not in hard]
    names = [*timed, *hard[:48], *rng.permutation(sorted(rest)).tolist(), *hard[48:]]
    return [(n, s, seed, 3.0) for seed in SEEDS for n in names for s in ("gridbeat", "pyvrp")]


def full(data: Path) -> list[tuple[str, str, int, float]]:
    """List all: 3 s of all solvers instance by instance, then 30 s, those from files first.

    OR-Tools and VROOM take no seed, and VROOM no budget: further runs of theirs would be the same.
    """
    names = list(dict.fromkeys(n for _, n in files_of(data)))
    short = [
        (n, s, seed, 3.0)
        for n in names
        for s in SOLVERS
        for seed in (SEEDS if s in SEEDED else (1,))
    ]
    of_series = {n for n in published() if chao_file(data, n) is None}
    peers = [("pyvrp", SEEDS[0]), ("ortools", 1), *(("pyvrp", seed) for seed in SEEDS[1:])]
    own = [(n, "gridbeat", seed, 30.0) for seed in SEEDS for n in names]
    held = [(n, s, seed, 30.0) for s, seed in peers for n in names if n not in of_series]
    return short + own + held + [(n, s, seed, 30.0) for s, seed in peers for n in names
                                 if n in of_series]  # fmt: skip


def beside(data: Path) -> list[tuple[str, str, int, float]]:
    """List what goes beside `breadth`: 30 s on a sample, and VROOM and OR-Tools on a larger one."""
    sample = np.random.default_rng(DRAW).permutation(stratified(data, SAMPLE, DRAW)).tolist()
    long = stratified(data, LONG, DRAW)
    runs = [(n, "gridbeat", 1, 30.0) for n in long]
    runs += [(n, s, 1, 3.0) for n in sample for s in ("vroom", "ortools")]
    return runs + [(n, "pyvrp", 1, 30.0) for n in long]


def enough_of(name: str, problem: RoutingProblem, known: dict[str, float]) -> float:
    """Return a prize that ends a run, all prizes or the best known: its gap is nothing then."""
    return min(sum(stop.prize for stop in problem.stops), known.get(name, math.inf))


def run(data: Path, scores: Path, plan: str, part: str) -> None:
    """Run what the scores file does not have yet; of part 2/3 the second of every three."""
    done = set()
    if scores.exists():
        done = {tuple(row[:4]) for row in csv.reader(scores.open())}
    else:
        scores.write_text(",".join(FIELDS) + "\n")
    for name in (EVEN[0], "c102@2"):  # the compiled search is read from disk once
        gridbeat(problem_of(data, name), 1, 0.1)
    first, every = map(int, part.split("/"))
    known, runs = best_known(data), runs_of(plan, data)[first - 1 :: every]
    for i, (name, solver, seed, budget) in enumerate(runs, 1):
        if (name, solver, str(seed), f"{budget:g}") in done:
            continue
        problem = problem_of(data, name)
        if not problem.stops:  # some of the smallest lengths reach no point at all
            continue
        begun = time.process_time()
        orders = SOLVERS[solver](problem, seed, budget, enough_of(name, problem, known))
        used = time.process_time() - begun
        row = (name, solver, seed, f"{budget:g}", f"{score(problem, orders):g}", f"{used:.2f}")
        with scores.open("a") as file:
            csv.writer(file, lineterminator="\n").writerow(row)
        print(f"{i}/{len(runs)}", *row, known.get(name, ""), flush=True)


def table(data: Path, scores: Path) -> str:
    """Return gaps by family and in all: to the best known, or the best seen here if that is more.

    A mean is over instances of the mean over seeds; the worst is of a single run.
    """
    frame = pd.read_csv(scores)
    known = pd.Series(best_known(data))
    seen = frame.groupby("instance")["prize"].max()
    wrong = [n for n in seen.index if n in known and "@" not in n and seen[n] > known[n] + 1e-6]
    best = seen.combine(known.reindex(seen.index), lambda a, b: max(a, b) if b == b else a)
    frame["gap"] = 100 * (1 - frame["prize"] / frame["instance"].map(best))
    frame["family"] = frame["instance"].map({name: family for family, name in files_of(data)})
    both = frame.assign(family="all without windows")[frame["family"] != "with windows"]
    every = pd.concat([frame, both], ignore_index=True)
    lines = [
        "| family | CPU s | solver | instances | runs | mean gap % | worst % | runs at the best |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (family, budget, solver), part in every.groupby(["family", "budget_s", "solver"]):
        mean = part.groupby("instance")["gap"].mean().mean()
        lines.append(
            f"| {family} | {budget:g} | {solver} | {part['instance'].nunique()} | {len(part)} | "
            f"{mean:.2f} | {part['gap'].max():.2f} | {(part['gap'] < 1e-6).mean():.0%} |"
        )
    lines.append(f"\nRemembered values that were exceeded, and so are wrong: {wrong or 'none'}")
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
    parser.add_argument("--plan", choices=PLANS, default="sweep")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="so N processes share a plan")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--balance", nargs="*", metavar="INSTANCE", help="share work on these")
    given = parser.parse_args()
    if given.balance is not None:
        print(balance(given.data, given.balance or list(EVEN), 1.0))
        raise SystemExit
    if not given.table:
        run(given.data, given.scores, given.plan, given.part)
    print(table(given.data, given.scores))
