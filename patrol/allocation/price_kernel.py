"""What grids take at prices, compiled: steps over ramps, floors and caps settled, their worth."""

from __future__ import annotations

import numpy as np
from numba import njit

from patrol.allocation.problem import Flags, Floats, Longs

_NEWTON = 40
_TINY = 1e-300


@njit(cache=True)
def _steps(
    log_gain: float, reach: float, room: int, price: float, width: float
) -> tuple[float, float]:
    """Return how many steps pay, the last in part, and their rise in the log gain."""
    if price <= 0.0:
        return float(room), 0.0
    at = (log_gain - np.log(price)) / reach + width / 2
    if at <= 0.0:
        return 0.0, 0.0
    whole = np.floor(at)
    part = (at - whole) / width
    if whole >= room:
        return float(room), 0.0
    if part >= 1.0:
        return whole + 1.0, 0.0
    return whole + part, 1.0 / (width * reach)


@njit(cache=True)
def price_columns(gain: Floats, reach: Floats, room: Longs, left: Longs, column: Floats) -> None:
    """Set the price of each shift and kind at which its steps are just taken."""
    columns, n = gain.shape
    for c in range(columns):
        low, high = 0.0, 0.0
        for i in range(n):
            if room[c, i] > 0:
                high = max(high, np.exp(gain[c, i] + reach[c, i]))
        for _ in range(_NEWTON):
            price = (low + high) / 2
            given = 0.0
            for i in range(n):
                if room[c, i] > 0:
                    given += _steps(gain[c, i], reach[c, i], room[c, i], price, 1.0)[0]
            if given > left[c]:
                low = price
            else:
                high = price
            if high - low <= 1e-4 * high:
                break
        column[c] = high


@njit(cache=True)
def answer_prices(
    gain: Floats, reach: Floats, room: Longs, logs: Floats, lower: Longs, upper: Longs,
    visits: Flags, column: Floats, floor: Floats, cap: Floats, width: float,
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Settle floors and caps, and return steps by column, minus their slope, and their worth."""
    n, m = gain.shape
    given, slope, worth = np.zeros(m), np.zeros((m, m)), 0.0
    dearest = 0.0
    for c in range(m):
        if visits[c]:
            dearest = max(dearest, column[c])
    ramp, at = np.empty(m), np.empty(m, np.int64)
    for i in range(n):
        floor[i] = _off(
            gain[i],
            reach[i],
            room[i],
            logs[i],
            lower[i],
            visits,
            column,
            dearest,
            floor[i],
            -1.0,
            width,
        )
        was, cap[i] = cap[i], 0.0
        if floor[i] == 0.0:
            most = 0.0
            for c in range(m):
                most = max(most, np.exp(gain[i, c] + logs[i] + reach[i, c]) - column[c])
            cap[i] = _off(
                gain[i],
                reach[i],
                room[i],
                logs[i],
                upper[i],
                visits,
                column,
                most,
                was,
                1.0,
                width,
            )
        count, whole = 0, 0.0
        for c in range(m):
            if room[i, c] <= 0:
                continue
            price = column[c] + cap[i] - (floor[i] if visits[c] else 0.0)
            first, r = gain[i, c] + logs[i], reach[i, c]
            taken, rise = _steps(first, r, room[i, c], price, width)
            given[c] += taken
            worth += _worth(first, r, taken, rise, price, width)
            if rise > 0.0:
                slope[c, c] += rise / price
                if (floor[i] > 0.0 and visits[c]) or cap[i] > 0.0:
                    ramp[count], at[count] = rise / price, c
                    whole += rise / price
                    count += 1
        for one in range(count):
            for other in range(count):
                slope[at[one], at[other]] -= ramp[one] * ramp[other] / whole
    return given, slope, worth


@njit(cache=True)
def _worth(
    first: float, reach: float, taken: float, rise: float, price: float, width: float
) -> float:
    """Return what the steps are worth beyond their price, over the ramp: its integral."""
    if taken <= 0.0:
        return 0.0
    full, half = np.floor(taken), reach * width / 2
    whole = np.exp(first) * np.expm1(-reach * full) / np.expm1(-reach)
    worth = whole * np.sinh(half) / half - price * full
    if rise > 0.0:
        top = np.exp(first - reach * full + half)
        worth += (top - price - price * np.log(top / price)) / (2 * half)
    return float(worth)


@njit(cache=True)
def _off(
    gain: Floats, reach: Floats, room: Longs, log_weight: float, bound: int, visits: Flags,
    column: Floats, most: float, start: float, sign: float, width: float,
) -> float:  # fmt: skip
    """Return what must be taken off (sign -1) or added (1) for a grid to keep its bound."""
    low, high, off = 0.0, most, 0.0
    for turn in range(_NEWTON):
        given, slope = 0.0, 0.0
        for c in range(len(column)):
            if room[c] <= 0 or (sign < 0 and not visits[c]):
                continue
            price = column[c] + sign * off
            taken, rise = _steps(gain[c] + log_weight, reach[c], room[c], price, width)
            given += taken
            if rise > 0.0:
                slope += rise / price
        short = sign * (given - bound)
        if turn == 0:
            if short <= 0.0:
                return 0.0
            off = start if 0.0 < start < most else 0.0
            if off > 0.0:
                continue
        if short > 0.0:
            low = off
        else:
            high = off
        if abs(short) <= 1e-3 or high - low <= 1e-7 * high:
            break
        ahead = off + short / slope if slope > 0.0 else -1.0
        off = ahead if low < ahead < high else (low + high) / 2
    return off


@njit(cache=True)
def cover_groups(
    gain: Floats, reach: Floats, room: Longs, weight: Floats, price: Floats,
    group: Longs, groups: int, width: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return what the steps that pay cover in each community, and its rise in the log weight."""
    n, m = gain.shape
    covered, rise = np.zeros(groups), np.zeros(groups)
    for i in range(n):
        own = np.log(max(weight[i], _TINY))
        for c in range(m):
            if room[i, c] <= 0:
                continue
            r = reach[i, c]
            taken, up = _steps(gain[i, c] + own, r, room[i, c], price[i, c], width)
            if taken <= 0.0:
                continue
            first, full = np.exp(gain[i, c]), np.floor(taken)
            last = first * np.exp(-r * full)
            covered[group[i]] += (first - last) / -np.expm1(-r) + (taken - full) * last
            rise[group[i]] += last * up
    return covered, rise


@njit(cache=True)
def most_worth(gain: Floats, reach: Floats, room: Longs, weight: Floats, price: Floats) -> float:
    """Return what whole steps are worth beyond their price if every cell takes its best."""
    n, m = gain.shape
    most = 0.0
    for i in range(n):
        own = np.log(max(weight[i], _TINY))
        for c in range(m):
            if room[i, c] <= 0:
                continue
            first, r, p = gain[i, c] + own, reach[i, c], price[i, c]
            taken = float(room[i, c])
            if p > 0.0:
                taken = min(max(np.ceil((first - np.log(p)) / r), 0.0), taken)
            most += np.exp(first) * np.expm1(-r * taken) / np.expm1(-r) - p * taken
    return float(most)
