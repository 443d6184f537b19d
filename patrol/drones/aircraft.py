"""How long a multirotor takes along a path, with wind, corners and climbing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aircraft:
    """A multirotor's figures for planning.

    Attributes
    ----------
    speed_m_s
        Air speed in cruise.
    acceleration_m_s2
        With which it brakes before a corner and speeds up after it.
    climb_m_s, descent_m_s
        Vertical speeds.
    endurance_s
        Time in the air on one battery, full to empty.
    reserve_share
        Share of the endurance that no plan touches.
    swap_s
        Time on the ground between two flights.
    """

    speed_m_s: float = 10.0
    acceleration_m_s2: float = 2.5
    climb_m_s: float = 4.0
    descent_m_s: float = 3.0
    endurance_s: float = 1800.0
    reserve_share: float = 0.25
    swap_s: float = 180.0

    def __post_init__(self) -> None:
        for name in ("speed_m_s", "acceleration_m_s2", "climb_m_s", "descent_m_s", "endurance_s"):
            if not getattr(self, name) > 0:
                msg = f"the aircraft's {name} must be above 0, got {getattr(self, name)}"
                raise InputError(msg)
        if not 0 <= self.reserve_share < 1 or not self.swap_s >= 0:
            msg = "the aircraft's reserve_share must be in [0, 1) and swap_s not negative"
            raise InputError(msg)

    @property
    def usable_s(self) -> float:
        """Return the time in the air that a plan may use on one battery."""
        return self.endurance_s * (1 - self.reserve_share)

    def vertical_s(self, height_m: float) -> float:
        """Return the time to climb to a height and to come down from it."""
        return height_m / self.climb_m_s + height_m / self.descent_m_s


@dataclass(frozen=True)
class Wind:
    """A steady wind.

    Attributes
    ----------
    speed_m_s
        Its speed.
    from_deg
        Where it comes from: degrees from north, clockwise.
    """

    speed_m_s: float = 0.0
    from_deg: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.speed_m_s < np.inf or not np.isfinite(self.from_deg):
            msg = f"the wind must have a speed of 0 or more, got {self.speed_m_s} m/s"
            raise InputError(msg)

    def vector(self) -> Floats:
        """Return where it blows to: metres a second east and north, shape ``(2,)``."""
        angle = np.radians(self.from_deg)
        return -self.speed_m_s * np.array([np.sin(angle), np.cos(angle)])


CALM = Wind()


def ground_speeds(directions: Floats, *, speed_m_s: float, wind: Wind) -> Floats:
    """Return the speed over ground along directions when the nose holds against the wind.

    Parameters
    ----------
    directions
        Unit vectors east, north, shape ``(n, 2)``.

    Raises
    ------
    InputError
        The wind is too strong to make way in every direction.
    """
    if wind.speed_m_s >= 0.9 * speed_m_s:
        msg = (
            f"a wind of {wind.speed_m_s:g} m/s is too strong for {speed_m_s:g} m/s of air speed: "
            "wait, or fly a faster aircraft"
        )
        raise InputError(msg)
    along = directions @ wind.vector()
    across2 = wind.speed_m_s**2 - along**2
    return np.asarray(along + np.sqrt(speed_m_s**2 - np.maximum(across2, 0.0)))


def leg_times(
    path: Floats,
    aircraft: Aircraft,
    *,
    speed_m_s: float | None = None,
    wind: Wind = CALM,
) -> Floats:
    """Return the seconds that each leg of a path takes, from standing still to standing still.

    Before a corner of angle a the aircraft brakes to ``1 - sin(a / 2)`` of its speed (it stops
    to turn back) and speeds up again after it, as far as the leg has room for that.

    Parameters
    ----------
    path
        Corners x, y in metres, shape ``(n, 2)``.
    speed_m_s
        Air speed, if below the aircraft's own.

    Returns
    -------
    NDArray
        Shape ``(n - 1,)``; empty for fewer than two corners.
    """
    steps = np.diff(path, axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    moving = length > 1e-9
    times = np.zeros(len(length))
    if not moving.any():
        return times
    way = steps[moving] / length[moving, None]
    speed = ground_speeds(way, speed_m_s=speed_m_s or aircraft.speed_m_s, wind=wind)
    times[moving] = _profile(length[moving], speed, _corners(way, speed), aircraft)
    return times


def path_time(
    path: Floats, aircraft: Aircraft, *, speed_m_s: float | None = None, wind: Wind = CALM
) -> float:
    """Return the seconds of a whole path, see `leg_times`."""
    return float(leg_times(path, aircraft, speed_m_s=speed_m_s, wind=wind).sum())


def _corners(way: Floats, speed: Floats) -> Floats:
    """Return the highest speed in each corner, both ends included, shape ``(n + 1,)``."""
    cosine = np.clip((way[:-1] * way[1:]).sum(axis=1), -1.0, 1.0)
    slow = 1.0 - np.sqrt((1.0 - cosine) / 2.0)
    return np.concatenate([[0.0], slow * np.minimum(speed[:-1], speed[1:]), [0.0]])


def _profile(length: Floats, speed: Floats, corner: Floats, aircraft: Aircraft) -> Floats:
    """Return the time of each leg by the fastest trapezoid of speed that fits it."""
    a = aircraft.acceleration_m_s2
    gain = 2.0 * a * length
    v = corner.copy()
    for i in range(len(length)):
        v[i + 1] = min(v[i + 1], np.sqrt(v[i] ** 2 + gain[i]))
    for i in range(len(length) - 1, -1, -1):
        v[i] = min(v[i], np.sqrt(v[i + 1] ** 2 + gain[i]))
    first, last = v[:-1], v[1:]
    top = np.minimum(speed, np.sqrt((first**2 + last**2) / 2.0 + a * length))
    ramps = (2.0 * top**2 - first**2 - last**2) / (2.0 * a)
    cruise = np.maximum(length - ramps, 0.0)
    return np.asarray((2.0 * top - first - last) / a + cruise / top)
