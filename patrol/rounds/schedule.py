"""Rounds of looks: each watcher's next camera is the one where a look finds most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RoundParams:
    """How a desk works.

    Attributes
    ----------
    watchers
        People at the desk.
    screens
        Cameras that one of them looks at during one slot.
    slot_min
        Minutes of one look.
    visible_min
        How long an incident stays to be seen: a camera seen as often as this misses nothing.
    jitter
        Share by which needs are shaken at random, so that nobody learns the order.
    explore
        Share of looks that go to the camera not looked at for longest, whatever is known of its
        need: where nobody looks nothing is found.
    """

    watchers: int = 2
    screens: int = 4
    slot_min: int = 5
    visible_min: int = 30
    jitter: float = 0.05
    explore: float = 0.1

    def __post_init__(self) -> None:
        if min(self.watchers, self.screens, self.slot_min) < 1:
            raise InputError("watchers, screens and minutes of a slot must be 1 or more")
        if self.visible_min < self.slot_min:
            raise InputError("an incident must stay visible for a slot at least")
        if not (0 <= self.jitter <= 0.5 and 0 <= self.explore <= 1):
            raise InputError("the jitter must be 0 to 0.5, the share to explore 0 to 1")


def plan_round(
    need: Floats,
    hour_of_slot: NDArray[np.int64],
    params: RoundParams,
    *,
    last_look_min: Floats | None = None,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose the cameras of each slot.

    A look finds the incidents that began since the last look at the camera and within
    `visible_min`: their expected number is the need times the shorter of both. The sum over all
    looks is submodular, so taking the greatest gains slot by slot finds at least half of what the
    best round finds, mostly far more; what explores is on top of that.

    Parameters
    ----------
    need
        Expected incidents an hour in view of each camera by hour of the day, ``(n_cameras, 24)``.
    hour_of_slot
        Hour of the day of each slot, ``(n_slots,)``.
    last_look_min
        Minutes since each camera was last looked at; None: long ago.
    rng
        For the jitter; the same seed gives the same round.

    Returns
    -------
    numpy.ndarray
        Camera of each slot, watcher and screen, ``(n_slots, watchers, screens)``; -1 where there
        are fewer cameras than screens.

    Raises
    ------
    InputError
        The needs are not ``(n_cameras, 24)`` numbers of 0 or more.

    References
    ----------
    Fisher, M. L., Nemhauser, G. L., Wolsey, L. A. (1978). An analysis of approximations for
    maximizing submodular set functions II. Mathematical Programming Study 8, 73-87.
    doi:10.1007/BFb0121195
    """
    if need.ndim != 2 or need.shape[1] != 24 or not (np.isfinite(need) & (need >= 0)).all():
        raise InputError("needs must be numbers of 0 or more for each camera and hour of the day")
    n_cameras, width = len(need), params.watchers * params.screens
    since = np.full(n_cameras, np.inf) if last_look_min is None else last_look_min.astype(float)
    order = np.full((len(hour_of_slot), width), -1, dtype=np.int64)
    for slot, hour in enumerate(hour_of_slot):
        shaken = need[:, hour] * (1 + params.jitter * rng.uniform(-1, 1, n_cameras))
        gain = shaken * np.minimum(since, params.visible_min)
        n_explored = _explored(slot + 1, width, params) - _explored(slot, width, params)
        # Of equals the one that waited longest comes first.
        waited = np.minimum(since, 1e6)
        best = np.lexsort((-waited, -gain))[: width - n_explored]
        others = np.setdiff1d(np.lexsort((-gain, -waited)), best, assume_unique=True)
        chosen = np.concatenate((best, others[:n_explored]))
        order[slot, : len(chosen)] = chosen
        since = since + params.slot_min
        since[chosen] = params.slot_min
    return _keep_watchers(order, params)


def expected_finds(
    order: NDArray[np.int64], need: Floats, hour_of_slot: NDArray[np.int64], params: RoundParams
) -> float:
    """Return how many incidents a round is expected to find, first looks counting in full."""
    since = np.full(len(need), np.inf)
    found = 0.0
    for slot, hour in enumerate(hour_of_slot):
        looked = order[slot].ravel()
        looked = looked[looked >= 0]
        waits = np.minimum(since[looked], params.visible_min) / 60
        found += float((need[looked, hour] * waits).sum())
        since = since + params.slot_min
        since[looked] = params.slot_min
    return found


def round_table(
    order: NDArray[np.int64], *, starts_at: datetime, params: RoundParams
) -> pd.DataFrame:
    """Return one row a look: ``due_at``, ``watcher`` (from 1), ``screen``, ``camera`` (row).

    Raises
    ------
    InputError
        The start has no time zone.
    """
    if starts_at.tzinfo is None:
        raise InputError("the start of a round needs a time zone")
    slot, watcher, screen = np.nonzero(order >= 0)
    due = [starts_at + timedelta(minutes=int(n) * params.slot_min) for n in slot]
    return pd.DataFrame(
        {
            "due_at": due, "watcher": watcher + 1, "screen": screen + 1,
            "camera": order[slot, watcher, screen],
        }
    )  # fmt: skip


def _explored(n_slots: int, width: int, params: RoundParams) -> int:
    """Return how many of the looks of the first slots explore."""
    return int(n_slots * width * params.explore + 1e-9)


def _keep_watchers(order: NDArray[np.int64], params: RoundParams) -> NDArray[np.int64]:
    """Deal the cameras of each slot to watchers in turn, the neediest first."""
    n_slots = len(order)
    dealt = order.reshape(n_slots, params.screens, params.watchers)
    return np.ascontiguousarray(dealt.transpose(0, 2, 1))
