"""How many expected reports fall where somebody is or has just been, and what an edit costs."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]
KEY = ["area_id", "shift_no", "unit_kind"]


@dataclass(frozen=True)
class CoverParams:
    """What a visit is taken to cover: a stated assumption, no finding of this software.

    Attributes
    ----------
    dwell_min
        Length of a visit (Koper 1995, doi:10.1080/07418829500096231: 12 to 15 minutes).
    visible_min
        How long something stays to be met with after it began.
    cover_h
        Instead: hours in a shift that cover 63 % of its need, where the plan was shared by that
        (`patrol.allocation.day.DayRules`), so that an edit is judged as the plan was made.
    """

    dwell_min: float = 15.0
    visible_min: float = 30.0
    cover_h: float | None = None

    def __post_init__(self) -> None:
        if not (self.dwell_min > 0 and self.visible_min >= 0):
            raise InputError("a visit lasts above 0 minutes, visible_min is 0 or more")
        if self.cover_h is not None and not self.cover_h > 0:
            raise InputError("cover_h is above 0 hours")

    def scale_min(self, shift_min: Floats) -> Floats:
        """Return the minutes that cover 63 % of a shift's need."""
        if self.cover_h is not None:
            return np.full(shift_min.shape, self.cover_h * 60.0)
        return shift_min * self.dwell_min / (self.dwell_min + self.visible_min)


@dataclass(frozen=True)
class Cost:
    """What an edit changes, in expected reports of the planned day.

    Attributes
    ----------
    need
        Expected reports during the shifts, all areas.
    before, after
        Of these covered, before and after the edit.
    minutes_before, minutes_after
        Planned in all.
    by_area
        The areas whose coverage changes: ``area_id``, ``before``, ``after``, ``change``, the
        greatest loss first.
    unknown_areas
        Edited areas whose need nobody knows: what is taken from them costs an unknown amount.
    """

    need: float
    before: float
    after: float
    minutes_before: int
    minutes_after: int
    by_area: pd.DataFrame
    unknown_areas: tuple[int, ...]
    days: int = 1

    @property
    def change(self) -> float:
        """Reports a day more (or fewer, below 0) that are covered."""
        return self.after - self.before

    def words(self) -> tuple[str, str]:
        """Return it as a sentence in Chinese and in English."""
        share = self.change / self.need if self.need > 0 else 0.0
        hours = (self.minutes_after - self.minutes_before) / 60
        span = ("日", "a day") if self.days == 1 else (f"{self.days}日", f"in {self.days} days")
        zh = (
            f"预计覆盖 {self.before:.2f} → {self.after:.2f} 件/{span[0]}（{self.change:+.2f}，"
            f"占需求 {share:+.1%}），总时长 {hours:+g} 小时"
        )
        en = (
            f"expected coverage {self.before:.2f} -> {self.after:.2f} reports {span[1]} "
            f"({self.change:+.2f}, {share:+.1%} of need), hours {hours:+g}"
        )
        if self.unknown_areas:
            zh += f"；{len(self.unknown_areas)} 个网格情况不明，代价无法估计"
            en += f"; the cost in {len(self.unknown_areas)} unknown grids cannot be told"
        return zh, en


def covered_share(minutes: Floats, shift_min: Floats, params: CoverParams) -> Floats:
    """Return the chance that something is met with, by minutes planned in a shift.

    Visits come at random times, ``minutes / dwell`` of them in the shift, and meet what began up
    to `visible_min` before: ``1 - exp(-rate * (dwell + visible))``, Larson's patrol frequency.

    Parameters
    ----------
    minutes, shift_min
        Same shape; minutes of all units together, and length of the shift.

    Returns
    -------
    numpy.ndarray
        Same shape, 0 to 1, concave and rising in the minutes; 0 for none.

    References
    ----------
    Larson, R. C. (1972). Urban Police Patrol Analysis. MIT Press, chapter 4.
    """
    return np.asarray(-np.expm1(-minutes / params.scale_min(shift_min)), dtype=np.float64)


def expected_coverage(
    items: pd.DataFrame, shifts: pd.DataFrame, params: CoverParams | None = None
) -> pd.DataFrame:
    """Return need and covered need of each area and shift.

    Parameters
    ----------
    items
        `KEY`, ``minutes``, ``need_day`` (expected reports of the area on the planned day, all
        hours together; NaN where nobody knows), and, of a plan that was shared by them,
        ``need_row`` (reports that the row's kind of unit sees to in its shift). Where an area has
        any, each row covers its own need, and what no row sees to stays uncovered; elsewhere all
        kinds together cover the shift's share of ``need_day``.
    shifts
        ``shift_no``, ``minutes`` (its length) and ``need_share`` (share of the day's reports that
        fall into it; those of a day together at most 1).

    Returns
    -------
    DataFrame
        ``area_id``, ``shift_no``, ``minutes``, ``need`` and ``covered`` (reports; NaN where the
        need is unknown), every area in every shift.
    """
    params = params or CoverParams()
    known = set(shifts["shift_no"])
    strange = sorted(set(items["shift_no"]) - known)
    if strange:
        raise InputError(f"there is no shift {strange[0]} in this plan")
    need = items.groupby("area_id")["need_day"].max()
    spent = items.pivot_table(
        index="area_id", columns="shift_no", values="minutes", aggfunc="sum", fill_value=0
    ).reindex(index=need.index, columns=shifts["shift_no"], fill_value=0)
    length = shifts["minutes"].to_numpy(dtype=np.float64)
    minutes = spent.to_numpy(dtype=np.float64)
    wanted = need.to_numpy(dtype=np.float64)[:, None] * shifts["need_share"].to_numpy()[None, :]
    covered = wanted * covered_share(minutes, np.broadcast_to(length, minutes.shape), params)
    own = _own_cover(items, shifts, params)
    if own is not None:
        parts = own.groupby(["area_id", "shift_no"])[["need", "covered"]].sum()
        at = need.index.get_indexer(parts.index.unique("area_id"))
        every = pd.MultiIndex.from_product([need.index[at], shifts["shift_no"]])
        cells = parts.reindex(every, fill_value=0.0).to_numpy().reshape(len(at), len(length), 2)
        wanted[at] = np.fmax(wanted[at], cells[:, :, 0])
        covered[at] = cells[:, :, 1]
    return pd.DataFrame(
        {
            "area_id": np.repeat(need.index.to_numpy(), len(length)),
            "shift_no": np.tile(shifts["shift_no"].to_numpy(), len(need)),
            "minutes": minutes.ravel(),
            "need": wanted.ravel(),
            "covered": covered.ravel(),
        }
    )


def _row_needs(items: pd.DataFrame, shifts: pd.DataFrame) -> tuple[NDArray[np.bool_], Floats]:
    """Return which rows cover a need of their own (those of areas that have any), and that need.

    A row that was added by hand has what the other rows of its area and shift leave of the
    shift's share of the day.
    """
    if "need_row" not in items.columns:
        return np.zeros(len(items), dtype=np.bool_), np.zeros(len(items))
    slot = [items["area_id"], items["shift_no"]]
    own = items["need_row"]
    some = own.notna().groupby(items["area_id"]).transform("any")
    share = items["shift_no"].map(shifts.set_index("shift_no")["need_share"])
    left = (items["need_day"].fillna(0.0) * share - own.groupby(slot).transform("sum")).clip(0.0)
    among = own.isna().groupby(slot).transform("sum").clip(1)
    need = own.fillna(left / among)
    return some.to_numpy(dtype=np.bool_), need.to_numpy(dtype=np.float64)


def _own_cover(
    items: pd.DataFrame, shifts: pd.DataFrame, params: CoverParams
) -> pd.DataFrame | None:
    """Return ``area_id``, ``shift_no``, ``need``, ``covered`` of rows with needs of their own."""
    by_row, need = _row_needs(items, shifts)
    if not by_row.any():
        return None
    length = items["shift_no"].map(shifts.set_index("shift_no")["minutes"])
    share = covered_share(
        items["minutes"].to_numpy(dtype=np.float64), length.to_numpy(dtype=np.float64), params
    )
    own = items[["area_id", "shift_no"]].assign(need=need, covered=need * share)
    return own[by_row]


def edit_cost(
    before: pd.DataFrame,
    after: pd.DataFrame,
    shifts: pd.DataFrame,
    params: CoverParams | None = None,
) -> Cost:
    """Return what the rows of a plan lose or win by an edit; frames as `expected_coverage`."""
    old, new = (expected_coverage(items, shifts, params) for items in (before, after))
    merged = old.merge(new, on=["area_id", "shift_no"], suffixes=("_old", "_new"))
    moved = merged[merged["minutes_old"] != merged["minutes_new"]]
    areas = moved.groupby("area_id", as_index=False)[["covered_old", "covered_new"]].sum(
        min_count=1
    )
    table = areas.rename(columns={"covered_old": "before", "covered_new": "after"})
    table["change"] = table["after"] - table["before"]
    unknown = tuple(int(area) for area in table.loc[table["change"].isna(), "area_id"])
    return Cost(
        need=float(old["need"].sum()),
        before=float(old["covered"].sum()),
        after=float(new["covered"].sum()),
        minutes_before=int(before["minutes"].sum()),
        minutes_after=int(after["minutes"].sum()),
        by_area=table.dropna().sort_values("change", ignore_index=True),
        unknown_areas=unknown,
        days=int(shifts["day"].nunique()) if "day" in shifts.columns else 1,
    )


def balance_minutes(
    items: pd.DataFrame,
    shifts: pd.DataFrame,
    *,
    total_min: int,
    fixed: Collection[tuple[int, int, str]],
    floor_min: int = 0,
    step_min: int = 15,
    params: CoverParams | None = None,
) -> pd.DataFrame:
    """Return rows that sum to a total again, changed where it costs least or helps most.

    Step by step the row that loses (or wins) the least (or most) expected coverage gives (or
    takes); coverage is concave, so that each of these is the best single step.

    Parameters
    ----------
    items, shifts
        As for `expected_coverage`.
    fixed
        Keys that stay as they are: what somebody just set.
    floor_min
        No area is brought below by this.

    Raises
    ------
    InputError
        The rest cannot make up for the edit.
    """
    params = params or CoverParams()
    made = items.reset_index(drop=True).copy()
    missing = total_min - int(made["minutes"].sum())
    step = step_min if missing >= 0 else -step_min
    gain = _Gain(made, shifts, params)
    free = [k for k, key in enumerate(made[KEY].itertuples(index=False, name=None))
            if key not in set(fixed)]  # fmt: skip
    heap = [(-gain.of(k, step), k) for k in free if gain.allows(k, step, floor_min)]
    heapq.heapify(heap)
    for _ in range(abs(missing) // step_min):
        k = _best(heap, gain, step, floor_min)
        if k is None:
            rest = (total_min - int(gain.minutes.sum())) / 60
            raise InputError(f"the other grids cannot take {rest:+g} h: change more by hand")
        gain.give(k, step)
        heapq.heappush(heap, (-gain.of(k, step), k))
    made["minutes"] = gain.minutes.astype(np.int64)
    return made


def _best(heap: list[tuple[float, int]], gain: _Gain, step: int, floor_min: int) -> int | None:
    """Return the row with the best gain now: a stale one is put back (lazy greedy)."""
    while heap:
        value, k = heapq.heappop(heap)
        if not gain.allows(k, step, floor_min):
            continue
        now = -gain.of(k, step)
        if now <= value + 1e-12:
            return k
        heapq.heappush(heap, (now, k))
    return None


class _Gain:
    """Minutes of each row while they are balanced, and what a step at a row brings."""

    def __init__(self, items: pd.DataFrame, shifts: pd.DataFrame, params: CoverParams) -> None:
        self.params = params
        self.minutes = items["minutes"].to_numpy(dtype=np.float64).copy()
        by_row, own = _row_needs(items, shifts)
        # Rows with needs of their own are covered one by one, others by all kinds of a shift.
        kind = items["unit_kind"].where(by_row, "")
        slot, _ = pd.factorize(
            pd.MultiIndex.from_arrays([items["area_id"], items["shift_no"], kind])
        )
        area, _ = pd.factorize(items["area_id"])
        self.slot, self.area = slot, area
        by_no = shifts.set_index("shift_no")
        self.length = by_no["minutes"].reindex(items["shift_no"]).to_numpy(dtype=np.float64)
        share = by_no["need_share"].reindex(items["shift_no"]).to_numpy(dtype=np.float64)
        # Of an unknown need the mean is taken, so that it neither feeds the others nor starves.
        need = items["need_day"].fillna(items["need_day"].mean()).fillna(1.0)
        self.need = need.to_numpy(dtype=np.float64) * share
        self.need = np.where(by_row, own, self.need)
        self.in_slot = np.bincount(slot, weights=self.minutes)
        self.in_area = np.bincount(area, weights=self.minutes)

    def allows(self, k: int, step: int, floor_min: int) -> bool:
        """Whether a row can give or take a step."""
        return step > 0 or (
            self.minutes[k] + step >= 0 and self.in_area[self.area[k]] + step >= floor_min
        )

    def of(self, k: int, step: int) -> float:
        """Return the expected reports that a step at a row adds."""
        now = self.in_slot[self.slot[k]]
        both = covered_share(np.array([now, now + step]), np.full(2, self.length[k]), self.params)
        return float(self.need[k] * (both[1] - both[0]))

    def give(self, k: int, step: int) -> None:
        """Add a step to a row."""
        self.minutes[k] += step
        self.in_slot[self.slot[k]] += step
        self.in_area[self.area[k]] += step
