"""A backtest as a list of tasks: which target, in which area, from which origins, by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.cube import REPORTED, Cube, Units
from analytics.evaluate.backtest import BacktestParams, backtest, score_forecast
from analytics.evaluate.choose import SMALL_SHARES, Choice, choose_method
from analytics.evaluate.origins import Origins, rolling_origins
from analytics.evaluate.scores import AREA_SHARES
from analytics.forecast.baselines import ALL_HISTORY, EWMA, LAST_WINDOW
from analytics.forecast.blend import BlendParams
from analytics.forecast.kept import Kept
from analytics.forecast.protocol import Method, Places, Target
from analytics.forecast.suite import largest_classes, standard_methods
from geo.errors import InputError

Ints = NDArray[np.int64]
Suite = Literal["light", "full"]
By = Literal["class", "source", "community"]

LIGHT = (LAST_WINDOW, ALL_HISTORY, EWMA, "blend")
"""Methods that cost next to nothing: counting in three ways, and a blend."""
ALL = "all"
WHOLE = ""
KEY = ("category", "found_by", "area")
"""What tells the tables of one backtest apart."""
Key = tuple[str, str, str]


@dataclass(frozen=True)
class BacktestDesign:
    """How a backtest is laid out.

    Attributes
    ----------
    n_origins, horizon_steps, embargo_steps
        See `analytics.evaluate.origins.Origins`.
    suite
        ``full``: all methods; ``light``: those of `LIGHT`.
    by
        What is told apart beside the whole: every class, every source of the incidents, or how
        well the one forecast does in each community.
    least_incidents
        Classes with fewer in the whole window are left out.
    origins_per_task
        Origins that one task takes. It changes how work is spread, never what comes out.
    seed
        Of the randomised PIT and of the bootstrap that chooses.
    share
        The share of the area that can be watched, if the choice is to be made for it alone.
    """

    n_origins: int = 20
    horizon_steps: int = 1
    embargo_steps: int = 0
    suite: Suite = "full"
    by: tuple[By, ...] = ("class",)
    least_incidents: int = 50
    origins_per_task: int = 20
    seed: int = 20_260_101
    share: float | None = None

    def __post_init__(self) -> None:
        if self.share is not None and not 0 < self.share < 1:
            raise InputError(f"share is {self.share}; it must lie between 0 and 1")
        if self.origins_per_task < 1 or self.least_incidents < 1:
            raise InputError("origins_per_task and least_incidents must be at least 1")
        if self.suite not in ("light", "full"):
            raise InputError(f"suite is {self.suite!r}; it must be light or full")
        unknown = set(self.by) - {"class", "source", "community"}
        if unknown:
            raise InputError(f"{unknown.pop()!r} is none of class, source, community")

    @property
    def scored(self) -> tuple[float, ...]:
        """Return the shares of the area at which methods are scored."""
        more = () if self.share is None else (self.share,)
        return tuple(dict.fromkeys((*AREA_SHARES, *more)))

    @property
    def watched(self) -> tuple[float, ...]:
        """Return the shares of the area for which a method is chosen."""
        return SMALL_SHARES if self.share is None else (self.share,)

    def origins(self, n_steps: int) -> Origins:
        """Return all origins in a cube of so many steps; the last window ends with the data."""
        return rolling_origins(
            n_steps,
            n_origins=self.n_origins,
            horizon_steps=self.horizon_steps,
            embargo_steps=self.embargo_steps,
        )


@dataclass(frozen=True, eq=False)
class Arena:
    """What is forecast and where: a cube, the places of its units, and named parts of it.

    Attributes
    ----------
    cube
        Classes told apart.
    places
        Of its units.
    groups
        Rows of the units of each community; empty where communities are not asked for.
    """

    cube: Cube
    places: Places
    groups: Mapping[str, Ints] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def area(self) -> NDArray[np.float64] | None:
        """Return the area of each unit, of a street its length, if the cube tells it."""
        exposure = self.cube.units.exposure
        return exposure.get("area_km2", exposure.get("street_km"))

    def part(self, rows: Ints) -> Arena:
        """Return the arena of some units alone."""
        units = self.cube.units
        exposure = {name: values[rows] for name, values in units.exposure.items()}
        few = Units(units.kind, units.ids[rows], MappingProxyType(exposure))
        counts = np.ascontiguousarray(self.cube.counts[rows])
        places = Places(self.places.x[rows], self.places.y[rows])
        return Arena(replace(self.cube, counts=counts, units=few), places)


@dataclass(frozen=True)
class Task:
    """One piece of work: a target in an area, from some neighbouring origins.

    Attributes
    ----------
    category, found_by
        Code of the class and the source; ``all`` and ``reported`` for all that was reported.
    area
        Key of the arena; empty for the whole jurisdiction.
    first, last
        Origins ``[first, last)`` of the design.
    """

    category: str = ALL
    found_by: str = "reported"
    area: str = WHOLE
    first: int = 0
    last: int = 0

    @property
    def target(self) -> Target:
        """Return what is forecast."""
        classes = None if self.category == ALL else (self.category,)
        return Target(classes, REPORTED if self.found_by == "reported" else (self.found_by,))


def lay_tasks(arenas: Mapping[str, Arena], design: BacktestDesign) -> list[Task]:
    """Return the tasks of a backtest: targets x areas x blocks of origins.

    Raises
    ------
    InputError
        An arena's cube is too short for the origins.
    """
    tasks = []
    for area, arena in arenas.items():
        n = len(design.origins(len(arena.cube.steps)))
        blocks = [
            (first, min(first + design.origins_per_task, n))
            for first in range(0, n, design.origins_per_task)
        ]
        for category, found_by in _targets(arena.cube, design):
            tasks += [Task(category, found_by, area, *block) for block in blocks]
    return tasks


def _targets(cube: Cube, design: BacktestDesign) -> Iterator[tuple[str, str]]:
    if any(name in REPORTED for name in cube.found_by):
        yield ALL, "reported"
        for code in cube.classes if "class" in design.by and cube.classes != (ALL,) else ():
            if cube.totals(classes=[code]).sum() >= design.least_incidents:
                yield code, "reported"
    for name in cube.found_by if "source" in design.by else ():
        if cube.totals(found_by=[name]).sum() >= design.least_incidents:
            yield ALL, name


def run_task(arena: Arena, task: Task, design: BacktestDesign) -> pd.DataFrame:
    """Run one task.

    The origin before the first is run too, so that stability does not depend on how origins are
    cut into tasks.

    Returns
    -------
    DataFrame
        The columns of `analytics.evaluate.backtest.backtest`, with `KEY` before them; where the
        arena has groups, rows for each of them as well, from the same forecasts.
    """
    every = design.origins(len(arena.cube.steps))
    before = max(task.first - 1, 0)
    origins = replace(every, steps=every.steps[before : task.last])
    methods = make_methods(arena, task.target, every.cutoffs[0], design)
    params = BacktestParams(shares=design.scored, seed=design.seed)
    table = backtest(
        arena.cube, methods, origins, target=task.target, area=arena.area, params=params
    ).assign(area=task.area)
    if arena.groups and task.category == ALL and task.found_by == "reported":
        groups = _score_groups(arena, task.target, methods, origins, params)
        table = pd.concat([table, groups], ignore_index=True)
    table = table[table["origin"] >= every.steps[task.first]]
    table = table.assign(category=task.category, found_by=task.found_by)
    names = [*KEY, *(name for name in table.columns if name not in KEY)]
    return table[names].reset_index(drop=True)


def make_methods(
    arena: Arena, target: Target, first_cutoff: int, design: BacktestDesign
) -> list[Method]:
    """Return the methods of the design's suite, which remember their fits."""
    full = design.suite == "full"
    others = largest_classes(arena.cube, target, before_step=first_cutoff) if full else ()
    methods = standard_methods(
        target,
        arena.places,
        other_classes=others,
        params=BlendParams(outcome_steps=design.horizon_steps),
    )
    chosen = [method for method in methods if full or method.name in LIGHT]
    return [method if isinstance(method, Kept) else Kept(method) for method in chosen]


def _score_groups(
    arena: Arena,
    target: Target,
    methods: Sequence[Method],
    origins: Origins,
    params: BacktestParams,
) -> pd.DataFrame:
    series = target.series(arena.cube)
    area = np.ones(len(arena.places)) if arena.area is None else arena.area
    first, last = origins.embargo_steps, origins.embargo_steps + origins.horizon_steps
    rows = []
    with threadpool_limits(limits=1):
        for method in methods:
            fits = method.fit_rolling(arena.cube, origins.cutoffs)
            for origin, fitted in zip(origins.steps, fits, strict=True):
                whole = fitted.predict(last).over(first, last)
                came = series[:, origin : origin + origins.horizon_steps].sum(axis=1)
                for name, at in arena.groups.items():
                    units = Units(whole.units.kind, whole.units.ids[at])
                    part = replace(whole, mean=whole.mean[at], size=whole.size[at], units=units)
                    rng = np.random.default_rng([params.seed, origin])
                    scores = score_forecast(part, came[at], area[at], params, rng)
                    rows.append({"method": method.name, "origin": origin, "area": name} | scores)
    return pd.DataFrame(rows)


def run_tasks(
    arenas: Mapping[str, Arena],
    design: BacktestDesign,
    *,
    report: Callable[[int, int, Task], None] = lambda done, n, task: None,
) -> pd.DataFrame:
    """Run a whole backtest here, one task after another.

    Parameters
    ----------
    report
        Told how many tasks are done, of how many, and which comes next.
    """
    tasks = lay_tasks(arenas, design)
    tables = []
    for done, task in enumerate(tasks):
        report(done, len(tasks), task)
        tables.append(run_task(arenas[task.area], task, design))
    return join_tables(tables)


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of tasks into one, in one order whoever ran them.

    Raises
    ------
    InputError
        There was nothing to forecast.
    """
    if not tables:
        raise InputError("no class or source has enough incidents to backtest; widen the window")
    whole = pd.concat(tables, ignore_index=True)
    return whole.sort_values([*KEY, "method", "origin"], kind="stable", ignore_index=True)


def choose_all(
    table: pd.DataFrame, *, seed: int, shares: Sequence[float] = SMALL_SHARES
) -> dict[Key, Choice]:
    """Choose the method of each class, source and area by what it did.

    Returns
    -------
    dict
        By `KEY`; communities that one forecast was scored in are among them. Where too little
        came to compare, counting is chosen.
    """
    return {
        (str(key[0]), str(key[1]), str(key[2])): _choose(rows, np.random.default_rng(seed), shares)
        for key, rows in table.groupby(list(KEY), sort=True)
    }


def _choose(rows: pd.DataFrame, rng: np.random.Generator, shares: Sequence[float]) -> Choice:
    try:
        if rows["incidents"].any():
            with np.errstate(invalid="ignore", divide="ignore"):
                return choose_method(rows, rng=rng, shares=shares)
    except InputError:  # counting never caught anything: there is nothing to be better than
        pass
    return Choice(ALL_HISTORY, False, None, None, rows["origin"].nunique())
