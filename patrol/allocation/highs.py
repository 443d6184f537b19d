"""A linear, or whole-number, program that grows by variables and rules, solved by HiGHS."""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

from geo.errors import InputError
from patrol.allocation.problem import Floats, Longs

# A whole-number program looks at so many nodes at most: the same on every machine, unlike a time.
_NODES = 100


class NoAnswerError(InputError):
    """HiGHS gave no optimal answer."""


class Program:
    """A program that grows by columns, rows and entries.

    Attributes
    ----------
    cost
        What each variable gains.
    bound
        After `solve`: no answer is worth more.
    """

    def __init__(self, whole: bool) -> None:
        self.whole = whole
        self.bound = float("inf")
        self.cost = np.empty(0)
        self._bounds: list[tuple[Floats, Floats]] = []
        self._rows: list[tuple[Floats, Floats]] = []
        self._n_rows = 0
        self._entries: list[tuple[Longs, Longs, Floats]] = []

    def add_columns(self, gain: Floats, low: float, high: float) -> Longs:
        """Add variables with their gain and return their numbers."""
        first = len(self.cost)
        self.cost = np.concatenate([self.cost, gain])
        self._bounds.append((np.full(len(gain), low), np.full(len(gain), high)))
        return np.arange(first, len(self.cost))

    def add_rows(self, low: Floats, high: Floats) -> Longs:
        """Add rules and return their numbers."""
        first = self._n_rows
        self._rows.append((low, high))
        self._n_rows += len(low)
        return np.arange(first, self._n_rows)

    def add_entries(self, rows: Longs, columns: Longs, values: Floats | float) -> None:
        """Say how much each variable counts in a rule."""
        self._entries.append((rows, columns, np.broadcast_to(np.float64(values), rows.shape)))

    def solve(self, *, whole_columns: Longs) -> tuple[Floats, Floats]:
        """Return the values of the variables and the prices of the rules."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = sparse.csc_array((values, (rows, columns)), shape=(self._n_rows, len(self.cost)))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), self._n_rows
        # Gains of a share of the need are tiny numbers: HiGHS compares with absolute tolerances.
        scale = 1.0 / max(float(np.abs(self.cost).max(initial=0.0)) / 1e3, 1e-300)
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.col_cost_ = self.cost * scale
        lp.col_lower_, lp.col_upper_ = (
            np.concatenate(part) for part in zip(*self._bounds, strict=True)
        )
        lp.row_lower_, lp.row_upper_ = (
            np.concatenate(part) for part in zip(*self._rows, strict=True)
        )
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        if self.whole:
            kinds = np.full(len(self.cost), highspy.HighsVarType.kContinuous, dtype=object)
            kinds[whole_columns] = highspy.HighsVarType.kInteger
            lp.integrality_ = kinds.tolist()
        solver = highspy.Highs()
        for option, setting in (("output_flag", False), ("random_seed", 1), ("threads", 1),
                                ("mip_rel_gap", 1e-9), ("mip_max_nodes", _NODES)):  # fmt: skip
            solver.setOptionValue(option, setting)
        solver.passModel(lp)
        solver.run()
        status = solver.getModelStatus()
        good = {highspy.HighsModelStatus.kOptimal}
        if self.whole:
            good.add(highspy.HighsModelStatus.kSolutionLimit)
        solution = solver.getSolution()
        if status not in good or not solution.value_valid:
            raise NoAnswerError(f"HiGHS ended with {solver.modelStatusToString(status)}")
        info = solver.getInfo()
        best = info.mip_dual_bound if self.whole else info.objective_function_value
        self.bound = float(best) / scale
        return np.asarray(solution.col_value), np.asarray(solution.row_dual) / scale
