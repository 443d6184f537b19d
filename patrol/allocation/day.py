"""A day's hours by grid, shift and kind: by lot, to explore, and where they cover most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geo.errors import InputError
from patrol.allocation.exact import share_hours
from patrol.allocation.explore import Unsure, explore
from patrol.allocation.fair import share_at_price
from patrol.allocation.margins import COVER_FACTORS, IfCovers, hour_margins, if_covers
from patrol.allocation.problem import Flags, Floats, Longs, Problem, Shared
from patrol.visits import cover_fairly, draw_places

# A watcher at a desk visits nobody; where only desks are on duty, their hours count all the same.
VISITING = ("foot", "vehicle", "volunteer", "joint", "drone")
CAP_OVER_EVEN = 4.0


@dataclass(frozen=True)
class DayRules:
    """The rules by which a day's hours are shared.

    Attributes
    ----------
    floor_min
        Minutes of visits that every grid gets in the day, by whoever visits: by default one
        visit of the longest stay of `patrol.visits.VisitParams`.
    cap_h
        Most hours of one grid in the day. None: four even shares.
    explore_share, explore_cap_h
        Share of the hours that goes where least is known, by forecast and by hours watched
        (`patrol.allocation.explore`), and most of it for one grid.
    surprise_share
        Share of the hours that is drawn by lot, so that nobody can foretell it.
    cover_h
        Hours on the spot in one shift that cover 63 % of its expected reports: an assumption.
    fairness
        Weight of the worst covered community, 0 to 1, beside the need covered of all. None: the
        greatest weight that costs no more than `fairness_price`.
    fairness_price
        Share of the coverage that may be given up for the worst covered community.
    caution
        0 plans for what is expected, 1 for the upper end of its interval.
    method
        ``"exact"`` or ``"greedy"``.
    step_min
        The unit of hours, in minutes.
    seed
        Of the lot.
    days
        How many days are shared at once; floors, caps and exploring are so many times as much.
    hold_out, asked_by
        Codes of grids that get their floor and no more, so that an effect can be measured
        against them, and the person who asked for it.
    """

    floor_min: int = 15
    cap_h: float | None = None
    explore_share: float = 0.05
    explore_cap_h: float = 1.0
    surprise_share: float = 0.10
    cover_h: float = 1.0
    fairness: float | None = None
    fairness_price: float = 0.01
    caution: float = 0.0
    method: str = "exact"
    step_min: int = 15
    seed: int = 1
    days: int = 1
    hold_out: tuple[str, ...] = ()
    asked_by: str = ""

    def __post_init__(self) -> None:
        if self.step_min < 1 or self.floor_min < 0 or self.floor_min % self.step_min:
            raise InputError(
                f"floor_min is {self.floor_min}; it must be a multiple of {self.step_min} minutes"
            )
        if not 1 <= self.days <= 7:
            raise InputError(f"a plan is of 1 to 7 days, not {self.days}")
        for name in ("explore_share", "surprise_share", "fairness", "fairness_price", "caution"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} must lie between 0 and 1, not {value}")
        if self.explore_share + self.surprise_share > 0.5:
            raise InputError("exploring and the lot together take at most half of the hours")
        if self.cap_h is not None and not self.cap_h * 60 >= max(self.floor_min, self.step_min):
            raise InputError(f"the cap of {self.cap_h:g} h is below the floor or the step")
        if not self.cover_h > 0 or not math.isfinite(self.cover_h) or self.explore_cap_h < 0:
            raise InputError("cover_h must be above 0 and explore_cap_h at least 0")
        if self.hold_out and not self.asked_by.strip():
            raise InputError("grids are held out only when a named person asks: say who")


@dataclass(frozen=True, eq=False)
class Duty:
    """Who is on duty.

    Attributes
    ----------
    kinds
        Kinds of unit, each once.
    hours
        Shape ``(s, k)``, hours of each kind in each shift.
    shift_h
        Shape ``(s,)``, length of each shift: no grid gets more of one kind.
    serves
        Shape ``(n, k)``, grids that the kind can serve.
    way_min
        Shape ``(n, k)``, minutes there and back again from the nearest base.
    """

    kinds: tuple[str, ...]
    hours: Floats
    shift_h: Floats
    serves: Flags
    way_min: Floats


@dataclass(frozen=True, eq=False)
class DayShare:
    """Who goes where when.

    Attributes
    ----------
    problem, shared
        What was asked and the answer.
    explore, surprise, by_trend
        Shape ``(n, s, k)``, steps to explore and by lot; and how many more steps than by the
        recent level alone.
    hour_more, hour_less
        Shape ``(s, k)``, expected reports that one more hour would cover and one less uncover;
        NaN where no hour can be added or taken.
    if_covers
        What it would be worth if an hour covered twice or half as much; empty without a level.
    """

    problem: Problem
    shared: Shared
    explore: Longs
    surprise: Longs
    by_trend: Longs
    hour_more: Floats
    hour_less: Floats
    if_covers: tuple[IfCovers, ...] = ()


# Hours on the spot of one trip: a longer way leaves less of an hour.
TRIP_H = 1.0


def share_day(
    need: Floats,
    level: Floats | None,
    duty: Duty,
    *,
    rules: DayRules,
    codes: Sequence[str],
    groups: Longs,
    effort_h: Floats | None = None,
    unsure: Unsure | None = None,
    turn: int = 0,
) -> DayShare:
    """Share a day's hours.

    Parameters
    ----------
    need, level
        Shape ``(n, s, k)``, expected reports, and those by the recent level alone; without the
        latter nobody asks what the trend changes, and one sharing is enough.
    duty
        Who is on duty.
    codes, groups
        Code and number of the community of each grid.
    effort_h
        Shape ``(n,)``, patrol hours of the recent past; NaN or None where unknown.
    unsure
        How little is known of each grid; None: exploring goes by the hours watched alone.
    turn
        Who comes first when steps cannot be split evenly; hand in the day's number.

    Raises
    ------
    InputError
        Rules and hours admit no plan; the message names the rule to blame.
    """
    problem = _pose(need, duty, rules, codes, groups)
    exploring = explore(
        problem, share=rules.explore_share, most_h=rules.days * rules.explore_cap_h,
        effort_h=effort_h, unsure=unsure, turn=turn,
    )  # fmt: skip
    rng = np.random.default_rng([rules.seed, turn])
    surprise = _draw(replace(problem, base=exploring), rules, _held(codes, rules), rng)
    problem = replace(problem, base=exploring + surprise)
    shared, problem = _share(problem, rules)
    by_trend = np.zeros_like(shared.steps)
    if level is not None:
        plain = share_hours(replace(problem, need=level), method=rules.method)
        by_trend = shared.steps - plain.steps
    more, less = hour_margins(problem, shared.steps)
    told = (
        ()
        if level is None
        else tuple(
            if_covers(problem, shared.steps, by, method=rules.method) for by in COVER_FACTORS
        )
    )
    return DayShare(problem, shared, exploring, surprise, by_trend, more, less, told)


def _share(problem: Problem, rules: DayRules) -> tuple[Shared, Problem]:
    """Return the sharing, and the problem with the weight of fairness that it was found with."""
    if rules.fairness is not None:
        return share_hours(problem, method=rules.method), problem
    return share_at_price(problem, price=rules.fairness_price, method=rules.method)


def _held(codes: Sequence[str], rules: DayRules) -> Flags:
    unknown = [code for code in rules.hold_out if code not in set(codes)]
    if unknown:
        raise InputError(f"no grid to hold out has the code {unknown[0]!r}")
    return np.isin(np.asarray(codes, dtype=object), list(rules.hold_out))


def _pose(
    need: Floats, duty: Duty, rules: DayRules, codes: Sequence[str], groups: Longs
) -> Problem:
    n, s, k = need.shape
    if n == 0:
        raise InputError("there are no grids to give hours to; import or divide grids first")
    step_h = rules.step_min / 60
    budget = _whole(duty, step_h)
    visits = np.array([kind in VISITING for kind in duty.kinds])
    visits = visits if visits.any() else np.ones(k, dtype=np.bool_)
    floor = rules.days * rules.floor_min // rules.step_min
    total = int(budget.sum())
    even = math.ceil(CAP_OVER_EVEN * total / n)
    cap = (
        max(even, floor + 1)
        if rules.cap_h is None
        else math.floor(rules.days * rules.cap_h / step_h + 1e-9)
    )
    held = _held(codes, rules)
    upper = np.where(held, floor, cap)
    shift_steps = np.floor(duty.shift_h / step_h + 1e-9).astype(np.int64)
    cell = np.minimum(shift_steps[None, :, None], upper[:, None, None]) * duty.serves[:, None, :]
    cell = np.where(budget[None] > 0, cell, 0)
    _check_rules(budget, floor, upper, cell, visits, rules, duty, codes)
    return Problem(
        need=need, budget=budget, lower=np.full(n, floor), upper=upper, cell_upper=cell,
        base=np.zeros((n, s, k), dtype=np.int64), visits=visits, group=groups,
        presence=60 * TRIP_H / (60 * TRIP_H + duty.way_min), step_h=step_h, cover_h=rules.cover_h,
        fairness=rules.fairness or 0.0,
    )  # fmt: skip


def _whole(duty: Duty, step_h: float) -> Longs:
    steps = duty.hours / step_h
    if (duty.hours < 0).any() or not np.isfinite(duty.hours).all() or duty.hours.sum() <= 0:
        raise InputError("the hours on duty must be at least 0, and some above 0")
    whole = np.rint(steps)
    if np.abs(steps - whole).max() > 1e-6:
        shift, kind = np.argwhere(np.abs(steps - whole) > 1e-6)[0]
        hours = duty.hours[shift, kind]
        raise InputError(
            f"{hours:g} h of {duty.kinds[kind]} in shift {shift + 1} is no multiple of "
            f"{step_h * 60:g} minutes"
        )
    return whole.astype(np.int64)


def _check_rules(
    budget: Longs,
    floor: int,
    upper: Longs,
    cell: Longs,
    visits: Flags,
    rules: DayRules,
    duty: Duty,
    codes: Sequence[str],
) -> None:
    """Say at once which rule cannot be met, where one look at it is enough."""
    n, step_h = len(upper), rules.step_min / 60
    visiting = int(budget[:, visits].sum())
    if n * floor > visiting:
        raise InputError(
            f"the floor is to blame: {rules.days * rules.floor_min} min in each of {n} grids is "
            f"{n * floor * step_h:g} h, and {visiting * step_h:g} h of "
            f"{', '.join(k for k, v in zip(duty.kinds, visits, strict=True) if v)} are on duty"
        )
    reach = cell[:, :, visits].sum(axis=(1, 2))
    if (reach < floor).any():
        code = codes[int(np.argmax(reach < floor))]
        raise InputError(
            f"the floor is to blame: no kind of unit on duty can serve grid {code} for "
            f"{rules.days * rules.floor_min} min; add a kind that can, or lower the floor"
        )
    over = budget > cell.sum(axis=0)
    if over.any():
        shift, kind = np.argwhere(over)[0]
        raise InputError(
            f"the cap or the length of the shift is to blame: {budget[shift, kind] * step_h:g} h "
            f"of {duty.kinds[kind]} in shift {shift + 1} find place for "
            f"{cell[:, shift, kind].sum() * step_h:g} h; raise the cap or give fewer hours"
        )
    if int(budget.sum()) > int(upper.sum()):
        raise InputError(
            f"the cap is to blame: {n} grids may take {upper.sum() * step_h:g} h, and "
            f"{budget.sum() * step_h:g} h are on duty; raise the cap, hold out fewer grids, or "
            "give fewer hours"
        )


def _draw(problem: Problem, rules: DayRules, held: Flags, rng: np.random.Generator) -> Longs:
    """Draw the steps by lot, by chances that leave the worst place as well off as can be."""
    n, s, k = problem.need.shape
    given = np.zeros((n, s, k), dtype=np.int64)
    spare = int((problem.budget - problem.base.sum(axis=0)).sum() - problem.lower.sum())
    for shift, kind in np.ndindex(s, k):
        room = problem.cell_upper[:, shift, kind] - problem.base[:, shift, kind]
        total = (problem.base + given).sum(axis=(1, 2))
        closed = held | (room <= 0) | (problem.upper - total <= problem.lower)
        visits = math.floor(rules.surprise_share * problem.budget[shift, kind] + 1e-9)
        visits = max(min(visits, int((~closed).sum()), spare), 0)
        if visits == 0:
            continue
        chance = cover_fairly(
            problem.need[:, shift, kind], visits=float(visits), hold_out=closed
        ).chance
        places = draw_places(chance, rng=rng)
        given[places, shift, kind] += 1
        spare -= len(places)
    return given
