"""Portland's contest: its own windows, and many windows of four weeks before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cube import Cube
from analytics.evaluate.backtest import BacktestParams, backtest
from analytics.evaluate.bootstrap import paired_gain
from analytics.evaluate.choose import SMALL_SHARES, choose_method, explain_choice, score_matrix
from analytics.evaluate.origins import Origins, rolling_origins
from analytics.evaluate.scores import capture
from analytics.forecast.baselines import CHAMPIONS
from analytics.forecast.blend import Blend, BlendParams
from analytics.forecast.protocol import Method, Places, Target
from analytics.forecast.suite import standard_methods
from analytics.forecast.surfaces import Memory, Surface
from analytics.steps import Steps
from benchmarks.accuracy_cells import DECIDING, cell_codes, count, places_of
from benchmarks.accuracy_cities import Points

FOOT_M = 0.3048
PORTLAND_FT2 = 4_117_777_129.0
FORECAST_FT2 = 0.25 * 5280.0**2
MILES = (0.25, 0.5, 0.75)
"""Square miles that the contest allows to be named."""
CONTEST = pd.Timestamp("2017-03-01")
NOTE = {  # incidents caught of 71, 273, 805 by the best naive method, chosen after the fact
    (250, "1 week"): 4,
    (250, "1 month"): 22,
    (250, "3 months"): 54,
    (600, "1 month"): 11,
    (600, "3 months"): 30,
}


def weeks_up_to(end: pd.Timestamp, first: pd.Timestamp, *, after: int) -> Steps:
    """Return weeks of which one ends at midnight of `end`, and some after it."""
    n = (end - first).days // 7
    days = pd.date_range(end - pd.Timedelta(weeks=n), periods=n + after + 1, freq="7D")
    edges = days.tz_localize("America/Los_Angeles").tz_convert("UTC").tz_localize(None)
    return Steps(edges.to_numpy().astype("datetime64[us]"), "week", "America/Los_Angeles")


@dataclass(frozen=True, eq=False)
class Portland:
    """The contest's calls in cells of one size, up to the day of the contest.

    Attributes
    ----------
    points
        All calls, those of the contest's windows among them; in feet.
    cube, methods
        What is known, and who forecasts.
    side_ft
        Side of the cells.
    """

    points: Points
    cube: Cube
    methods: tuple[Method, ...]
    side_ft: float

    @classmethod
    def prepare(cls, points: Points, side_ft: float) -> Portland:
        """Count the calls before the contest in every cell that held one, and those around."""
        steps = weeks_up_to(CONTEST, points.when.min(), after=0)
        ids = around(np.unique(cell_codes(points, side_ft)[points.when < CONTEST]))
        places = places_of(ids, side_ft, FOOT_M)
        params = BlendParams(outcome_steps=4, windows=26)
        standard = standard_methods(Target(), places, params=params)
        methods = (*standard, *naive_kernels(places, params))
        return cls(points, count(points, steps, ids, side_ft), methods, side_ft)

    @property
    def area(self) -> NDArray[np.float64]:
        """Return the area of each cell in square feet."""
        return np.full(len(self.cube.units), self.side_ft**2)

    @property
    def share(self) -> float:
        """Return the contest's area as a share of the cells'."""
        return float(FORECAST_FT2 / self.area.sum())

    def contest(self) -> Iterator[str]:
        """Judge every method by the contest's own windows."""
        yield "\n| cells | window (calls) | method | caught | note | PAI | PEI* |"
        yield "|---|---|---|--:|--:|--:|--:|"
        for method in self.methods:
            risk = method.fit(self.cube, len(self.cube.steps)).predict(4).mean[:, 0]
            for name, days in (("1 week", 7), ("1 month", 31), ("3 months", 92)):
                yield self._window(method.name, risk, name, days)

    def _window(self, method: str, risk: NDArray[np.float64], name: str, days: int) -> str:
        when = self.points.when
        inside = (when >= CONTEST) & (when < CONTEST + pd.Timedelta(days=days))
        at = self.cube.units.locate(cell_codes(self.points, self.side_ft)[inside])
        came = np.bincount(at[at >= 0], minlength=len(risk))
        caught = float(capture(risk, came, self.area, [self.share])[0])
        pai = caught / len(at) / (FORECAST_FT2 / PORTLAND_FT2)
        best = float(capture(came.astype(float), came, self.area, [self.share])[0])
        naive = NOTE.get((int(self.side_ft), name), "")
        return (
            f"| {self.side_ft:g} ft | {name} ({len(at)}) | {method} | {caught:.1f} | {naive} "
            f"| {pai:.1f} | {caught / best:.3f} |"
        )

    def scores(self, n_origins: int) -> pd.DataFrame:
        """Score every method in windows of four weeks before the contest, see `backtest`."""
        found = rolling_origins(
            len(self.cube.steps), n_origins=n_origins + DECIDING, horizon_steps=4
        )
        how = BacktestParams(shares=(*(self.share * m / MILES[0] for m in MILES), *SMALL_SHARES))
        table = backtest(
            self.cube, self.methods, Origins(found.steps, 4), target=Target(), params=how
        )
        return table.assign(task=f"{self.side_ft:g} ft", share=self.share)


def naive_kernels(places: Places, params: BlendParams) -> list[Method]:
    """Return the kernels of the note, by hand; its ways of counting are among the methods."""
    return [
        Blend(
            f"kernel {feet:g} ft",
            Target(),
            places,
            (Surface(Memory("all"), feet * FOOT_M),),
            params,
        )
        for feet in (300.0, 600.0)
    ]


def write_windows(table: pd.DataFrame) -> Iterator[str]:
    """Choose by the first windows for each area that may be named, and judge by the others."""
    for cells, rows in table.groupby("task", sort=False):
        share = float(rows["share"].iloc[0])
        first = int(np.unique(rows["origin"])[DECIDING])
        for miles in MILES:
            watched = share * miles / MILES[0]
            choice = choose_method(
                rows, rng=np.random.default_rng(0), before_origin=first, shares=(watched,)
            )
            late = rows[rows["origin"] >= first]
            chosen = late[late["method"] == choice.method].assign(method=f"chosen: {choice.method}")
            late = pd.concat([late, chosen], ignore_index=True)
            n = late["origin"].nunique()
            yield f"\n{miles:g} square miles, {cells}, {n} x 4 weeks. {explain_choice(choice, 'en')}\n"
            yield from window_rows(late, watched, PORTLAND_FT2 / FORECAST_FT2 * MILES[0] / miles)


def window_rows(table: pd.DataFrame, share: float, scale: float) -> Iterator[str]:
    over = " | ".join(f"over {name}" for name in CHAMPIONS)
    yield f"| method | PAI | {over} | PAI at 1 / 2 / 5 % of the cells | log score |"
    yield "|---|--:" + "|---" * len(CHAMPIONS) + "|---|--:|"
    hits = {
        name: score_matrix(table, name, f"hit_rate_{100 * share:g}") * scale
        for name in table["method"].unique()
    }
    for name, ours in hits.items():
        gains = [paired_gain(ours, hits[b], rng=np.random.default_rng(1)) for b in CHAMPIONS]
        words = " | ".join(f"{g.mean:+.2f} ({g.low:+.2f} to {g.high:+.2f})" for g in gains)
        wide = " / ".join(
            f"{score_matrix(table, name, f'pai_{100 * s:g}').mean():.2f}" for s in SMALL_SHARES
        )
        log = score_matrix(table, name, "log_score").mean()
        yield f"| {name} | {ours.mean():.1f} | {words} | {wide} | {log:.5f} |"


def around(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cells and those that touch them."""
    shifts = [1_000_000 * i + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.unique(np.add.outer(ids, shifts))
