"""A mission as an autopilot flies it: numbered MAVLink commands, a home, fences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAN = float("nan")

# The commands that Gridbeat writes itself (MAV_CMD).
WAYPOINT, RETURN, LAND, TAKEOFF, SPLINE = 16, 20, 21, 22, 82
JUMP, CHANGE_SPEED, SET_HOME, GIMBAL, TRIGGER_DISTANCE, PHOTO = 177, 178, 179, 205, 206, 2000
STOP_PHOTOS, CAMERA_MODE = 2001, 530
# Frames (MAV_FRAME) by what their heights are measured from.
ABOVE_SEA, MISSION_FRAME, ABOVE_HOME, ABOVE_GROUND = 0, 2, 3, 10
FRAMES = {0: 0, 5: 0, 2: 2, 3: 3, 6: 3, 10: 10, 11: 10}
# Commands that go somewhere: loiters, splines, VTOL and payload places among them.
PLACES = frozenset({16, 17, 18, 19, 21, 22, 31, 82, 84, 85, 94, 195, 201})
# Of those, the ones that mean "here" with a position of 0, 0 or none.
HERE_ALLOWED = frozenset({21, 22, 84, 85, 94})


@dataclass(frozen=True)
class Item:
    """One command of a mission.

    Attributes
    ----------
    seq
        Its number in the file.
    command, frame
        MAV_CMD and MAV_FRAME.
    params
        Its first four parameters; NaN where the file has none.
    lon, lat
        Degrees, WGS-84; NaN or 0 where the command has no position. Parameters five and six of
        commands that have none.
    height_m
        By the frame: above sea level, above home or above ground.
    """

    seq: int
    command: int
    frame: int
    params: tuple[float, float, float, float]
    lon: float
    lat: float
    height_m: float
    goes_on: bool = True

    @property
    def is_place(self) -> bool:
        """Say whether the aircraft goes to the item's position."""
        at_zero = self.lon == 0 and self.lat == 0
        return self.command in PLACES and not (
            self.command in HERE_ALLOWED and (at_zero or self.lon != self.lon)
        )


@dataclass(frozen=True, eq=False)
class Fence:
    """A fence: a polygon, or a circle where `radius_m` is given.

    Attributes
    ----------
    keep_in
        Whether the aircraft must stay inside; else outside.
    points
        Longitude, latitude: corners, shape ``(n, 2)``, or the centre, shape ``(1, 2)``.
    """

    keep_in: bool
    points: Floats
    radius_m: float | None = None


@dataclass(frozen=True, eq=False)
class Mission:
    """A mission file's content.

    Attributes
    ----------
    home
        Longitude, latitude (degrees) and metres above sea level (NaN if unknown) of the place
        of take-off; None where the file names none.
    speed_m_s
        Cruise speed; None where the file names none.
    left_out
        What the file asks for beside this, in its own words: camera actions mostly.
    """

    name: str
    items: tuple[Item, ...]
    home: tuple[float, float, float] | None = None
    fences: tuple[Fence, ...] = ()
    speed_m_s: float | None = None
    left_out: tuple[str, ...] = ()

    def places(self) -> tuple[Item, ...]:
        """Return the items that the aircraft goes to."""
        return tuple(item for item in self.items if item.is_place)

    def positions(self) -> Floats:
        """Return longitude, latitude and height of the places, shape ``(n, 3)``."""
        found = [(item.lon, item.lat, item.height_m) for item in self.places()]
        return np.array(found, dtype=np.float64).reshape(-1, 3)


def place(
    seq: int, lon: float, lat: float, height_m: float, *, command: int = WAYPOINT,
    frame: int = ABOVE_HOME, hold_s: float = 0.0,
) -> Item:  # fmt: skip
    """Return an item that goes somewhere."""
    return Item(seq, command, frame, (hold_s, 0.0, 0.0, NAN), lon, lat, height_m)


def action(seq: int, command: int, *params: float) -> Item:
    """Return an item without a position."""
    four = (*params, 0.0, 0.0, 0.0, 0.0)[:4]
    return Item(seq, command, MISSION_FRAME, (four[0], four[1], four[2], four[3]), 0.0, 0.0, 0.0)


@lru_cache(maxsize=1)
def known_commands() -> dict[int, str]:
    """Return number -> name of every command of the common MAVLink dialect."""
    from pymavlink.dialects.v20 import common  # takes a second to import

    return {number: entry.name for number, entry in common.enums["MAV_CMD"].items()}
