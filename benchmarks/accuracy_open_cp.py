"""PredictCode's predictors as peers of `benchmarks.accuracy`: the same incidents, cells and origins.

`open_cp` (Leeds) is on no package index; `--open-cp FOLDER` names the folder that holds it. Each
predictor is called as its documentation says, with its own defaults. It gives a relative risk, not
a count, so PAI, PEI*, hit rate and stability are its scores; the others are left out.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.evaluate.backtest import backtest
from analytics.evaluate.origins import Origins
from analytics.forecast.protocol import Forecast, Target, check_cutoffs
from benchmarks.accuracy_cells import cell_codes
from benchmarks.accuracy_cities import Points

PEERS = (
    "open_cp counting",
    "open_cp prospective",
    "open_cp retrospective",
    "open_cp self-exciting",
)
RANKED = ("hit_rate", "pai", "pei", "stability")
"""Scores that ask for an order of the cells alone."""
RETRAIN_EVERY = 5
"""Origins between two trainings of the self-exciting process, which is slow; its incidents are
those up to the cutoff each time."""
RECENT = np.timedelta64(60, "D")
CLASSIC = np.timedelta64(8, "W")
Floats = NDArray[np.float64]


def find_open_cp(folder: Path) -> None:
    """Make `open_cp` importable: it uses names that NumPy 1.24 took away."""
    for name, kind in (("int", int), ("float", float), ("bool", bool), ("object", object)):
        if name not in np.__dict__:
            setattr(np, name, kind)
    sys.path.insert(0, str(folder))
    importlib.import_module("open_cp")


def module(name: str) -> Any:
    return importlib.import_module(f"open_cp.{name}" if name else "open_cp")


@dataclass(frozen=True, eq=False)
class Known:
    """Incidents of the target before the cutoff, in order of time, and the cells that are asked.

    Attributes
    ----------
    x, y
        Metres.
    row, column
        The cell of each incident.
    cell_row, cell_column
        The study cells.
    """

    x: Floats
    y: Floats
    when: NDArray[np.datetime64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    cell_row: NDArray[np.int64]
    cell_column: NDArray[np.int64]
    side: float
    cutoff: np.datetime64

    def region(self) -> Any:
        """Return the rectangle of whole cells around the study area."""
        return module("").RectangularRegion(
            self.cell_column.min() * self.side, (self.cell_column.max() + 1) * self.side,
            self.cell_row.min() * self.side, (self.cell_row.max() + 1) * self.side,
        )  # fmt: skip

    def since(self, span: np.timedelta64 | None, *, in_cells: bool) -> Any:
        """Return `TimedPoints` of the last span, where they lie or in the middle of their cells."""
        late = slice(None) if span is None else self.when > self.cutoff - span
        x = (self.column + 0.5) * self.side if in_cells else self.x
        y = (self.row + 0.5) * self.side if in_cells else self.y
        return module("").TimedPoints.from_coords(self.when[late], x[late], y[late])

    def at_cells(self, prediction: Any) -> Floats:
        """Read a grid's risk at the study cells."""
        matrix = np.asarray(prediction.intensity_matrix, dtype=np.float64)
        return matrix[
            self.cell_row - self.cell_row.min(), self.cell_column - self.cell_column.min()
        ]


def counting(known: Known) -> Floats:
    """Count by its own grid: must order the cells as our all-history counts do."""
    trainer = module("naive").CountingGridKernel(known.side, region=known.region())
    trainer.data = known.since(None, in_cells=True)
    return known.at_cells(trainer.predict())


def prospective(known: Known) -> Floats:
    """Weigh by whole weeks and cells, both up to 8, which is why older incidents are left out."""
    trainer = module("prohotspot").ProspectiveHotSpot(known.region(), known.side)
    trainer.data = known.since(CLASSIC, in_cells=True)
    return known.at_cells(trainer.predict(known.cutoff, known.cutoff))


def retrospective(known: Known) -> Floats:
    """Spread the last 60 days by the quartic kernel of 200 m."""
    trainer = module("retrohotspot").RetroHotSpotGrid(known.region(), known.side)
    trainer.data = known.since(RECENT, in_cells=False)
    return known.at_cells(trainer.predict())


def train(trainer: Any) -> Any:
    """Train by 20 rounds, its default, or by fewer where its parameters leave the numbers by then."""
    for rounds in (20, 10, 5, 2):
        try:
            return trainer.train(iterations=rounds)
        except Exception as error:  # it raises nothing narrower
            if "Convergence" not in str(error):
                raise
    raise RuntimeError("open_cp's self-exciting process cannot be trained, not even by two rounds")


@dataclass
class SelfExciting:
    """Mohler's process of 2015 on cells, which excite themselves alone.

    Their places play no part, so the study cells are laid in one row: the cells of the rectangle
    that lie outside, all empty, would only cost time. The risk is the mean of the week's days.
    """

    asked: int = 0
    trained: Any = field(default=None, repr=False)

    def __call__(self, known: Known) -> Floats:
        code = known.cell_row * 1_000_000 + known.cell_column
        at = np.searchsorted(code, known.row * 1_000_000 + known.column)
        events = module("").TimedPoints.from_coords(known.when, at + 0.5, np.full(len(at), 0.5))
        if self.asked % RETRAIN_EVERY == 0:
            strip = module("").RectangularRegion(0, len(code), 0, 1)
            trainer = module("seppexp").SEPPTrainer(strip, grid_size=1)
            trainer.data = events
            self.trained = train(trainer)
        self.asked += 1
        self.trained.data = events
        days = [known.cutoff + np.timedelta64(12 + 24 * day, "h") for day in range(7)]
        risks = [self.trained.predict(day).intensity_matrix[0] for day in days]
        return np.asarray(np.mean(risks, axis=0), dtype=np.float64)


@dataclass(frozen=True)
class Ranking:
    """A fitted peer: a risk by cell."""

    risk: Floats
    cube: Cube
    cutoff: int

    def predict(self, horizon_steps: int) -> Forecast:
        # The order of the cells is all that is scored; a risk of none becomes the least there is.
        mean = np.repeat(self.risk[:, None] / self.risk.max() + 1e-12, horizon_steps, axis=1)
        return Forecast(mean, np.full_like(mean, np.inf), self.cube.units, self.cutoff)


@dataclass(frozen=True, eq=False)
class Peer:
    """One of PredictCode's predictors as a `Method`."""

    name: str
    rank: Callable[[Known], Floats]
    points: Points
    side: float

    def fit(self, cube: Cube, cutoff_step: int) -> Ranking:
        known = gather(self.points, cube, cutoff_step, self.side)
        return Ranking(self.rank(known), cube, cutoff_step)

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[Ranking]:
        check_cutoffs(cube, cutoffs)
        return (self.fit(cube, cutoff) for cutoff in cutoffs)


def gather(points: Points, cube: Cube, cutoff_step: int, side: float) -> Known:
    """Return what is known before a step: the incidents that the cube counts there."""
    starts = cube.steps.starts.tz_localize(None).to_numpy()
    first, cutoff = starts[0], starts[cutoff_step]
    when = points.when.to_numpy()
    kept = np.flatnonzero((when >= first) & (when < cutoff))
    kept = kept[np.argsort(when[kept], kind="stable")]
    row, column = np.divmod(cell_codes(points, side)[kept], 1_000_000)
    cell_row, cell_column = np.divmod(cube.units.ids, 1_000_000)
    return Known(
        points.x[kept], points.y[kept], when[kept], row, column, cell_row, cell_column, side, cutoff
    )


def score_peers(
    cube: Cube, points: Points, side: float, target: Target, origins: Origins
) -> pd.DataFrame:
    """Backtest the peers of one class at the origins, with the scores that a ranking has."""
    mine = np.isin(points.category, target.classes or ())
    own = Points(points.x[mine], points.y[mine], points.when[mine], points.category[mine])
    ranks = (counting, prospective, retrospective, SelfExciting())
    peers = [Peer(name, rank, own, side) for name, rank in zip(PEERS, ranks, strict=True)]
    table = backtest(cube, peers, origins, target=target)
    others = [
        name
        for name in table.columns.drop(["method", "origin", "incidents"])
        if not name.startswith(RANKED)
    ]
    return table.assign(**dict.fromkeys(others, np.nan))
