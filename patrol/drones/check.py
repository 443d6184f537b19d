"""A strict check of mission files: what parsers let pass and no aircraft should fly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from patrol.drones.mission import (
    ABOVE_GROUND,
    ABOVE_HOME,
    ABOVE_SEA,
    FRAMES,
    JUMP,
    LAND,
    MISSION_FRAME,
    PLACES,
    RETURN,
    TAKEOFF,
    Fence,
    Item,
    Mission,
    known_commands,
)

Severity = Literal["error", "warning"]
LIMIT_M = 120.0
LONGEST_LEG_M = 20_000.0
_HIGHEST_M = 9_000.0
_GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True)
class Finding:
    """What is wrong with a mission, and where.

    Attributes
    ----------
    seq
        Number of the item, or None where it is about the whole.
    """

    severity: Severity
    code: str
    seq: int | None
    zh: str
    en: str

    def line(self) -> str:
        """Return it as one line in both languages."""
        where = "" if self.seq is None else f" item 航点 {self.seq}"
        return f"{self.severity}{where}: {self.zh} {self.en} [{self.code}]"


def check_mission(mission: Mission) -> list[Finding]:
    """Return what is wrong with a mission, errors first; empty if nothing is."""
    if not mission.items:
        return [_error("no_items", None, "任务没有任何航点。", "The mission has no items.")]
    found = [
        *_sequence(mission), *_items(mission), *_order(mission), *_home(mission),
        *_legs(mission), *_fences(mission),
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.severity != "error", one.seq is None, one.seq or 0))


def refuse_unsound(mission: Mission) -> None:
    """Refuse a mission that has errors.

    Raises
    ------
    InputError
        It has; the message names the first three.
    """
    errors = [one for one in check_mission(mission) if one.severity == "error"]
    if errors:
        shown = "; ".join(one.line() for one in errors[:3])
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        msg = f"mission {mission.name!r} cannot be flown: {shown}{more}"
        raise InputError(msg)


def _error(code: str, seq: int | None, zh: str, en: str) -> Finding:
    return Finding("error", code, seq, zh, en)


def _warning(code: str, seq: int | None, zh: str, en: str) -> Finding:
    return Finding("warning", code, seq, zh, en)


def _sequence(mission: Mission) -> Iterator[Finding]:
    first = mission.items[0].seq
    for wanted, item in enumerate(mission.items, start=first):
        if item.seq != wanted:
            yield _error(
                "sequence", item.seq,
                f"序号应为{wanted}，实为{item.seq}。",
                f"The number should be {wanted}, it is {item.seq}.",
            )  # fmt: skip
            return
    if first not in (0, 1):
        yield _error("sequence", first, "序号须从0或1开始。", "Numbers must begin with 0 or 1.")


def _items(mission: Mission) -> Iterator[Finding]:
    numbers = {item.seq for item in mission.items}
    commands = known_commands()
    for item in mission.items:
        if item.command not in commands:
            yield _error("unknown_command", item.seq, f"未知指令{item.command}。",
                         f"Command {item.command} is unknown.")  # fmt: skip
        if item.frame not in FRAMES:
            yield _error("unknown_frame", item.seq, f"未知坐标框架{item.frame}。",
                         f"Frame {item.frame} is unknown.")  # fmt: skip
        if np.isinf([*item.params, item.lon, item.lat, item.height_m]).any():
            yield _error("bad_number", item.seq, "参数为无穷大。", "A parameter is infinite.")
        if item.command == JUMP and item.params[0] not in numbers:
            yield _error("jump", item.seq, f"跳转目标{item.params[0]:g}不存在。",
                         f"It jumps to {item.params[0]:g}, which does not exist.")  # fmt: skip
        if item.command in PLACES:
            yield from _place(item)


def _place(item: Item) -> Iterator[Finding]:
    if not item.is_place:
        return
    if not np.isfinite([item.lon, item.lat]).all():
        yield _error("no_position", item.seq, "缺少位置。", "It has no position.")
    elif not (-90 <= item.lat <= 90 and -180 <= item.lon <= 180):
        yield _error("off_earth", item.seq, f"纬度{item.lat:g}、经度{item.lon:g}不在地球上。",
                     f"Latitude {item.lat:g}, longitude {item.lon:g}: not on Earth.")  # fmt: skip
    elif abs(item.lon) < 1e-6 and abs(item.lat) < 1e-6:
        yield _error("null_position", item.seq, "位置为0,0。", "Its position is 0, 0.")
    if item.command != LAND:
        yield from _height(item)


def _height(item: Item) -> Iterator[Finding]:
    frame, height = FRAMES.get(item.frame, MISSION_FRAME), item.height_m
    if not np.isfinite(height):
        yield _error("no_height", item.seq, "缺少高度。", "It has no height.")
    elif frame == MISSION_FRAME:
        yield _error("frame", item.seq, "航点不能用任务框架。",
                     "A place cannot be given in the mission frame.")  # fmt: skip
    elif abs(height) > _HIGHEST_M:
        yield _error("height", item.seq, f"高度{height:g}米不可信。",
                     f"A height of {height:g} m is not to be believed.")  # fmt: skip
    elif frame in (ABOVE_HOME, ABOVE_GROUND) and height < 0:
        yield _error("height", item.seq, f"相对高度{height:g}米低于起飞点。",
                     f"A height of {height:g} m is below the ground of take-off.")  # fmt: skip
    elif frame in (ABOVE_HOME, ABOVE_GROUND) and height > LIMIT_M:
        yield _warning("above_120", item.seq, f"高度{height:g}米超过120米，须经批准。",
                       f"{height:g} m is above 120 m and needs an approval.")  # fmt: skip
    elif frame == ABOVE_SEA:
        yield _warning("above_sea", item.seq, "高度为海拔，真高未知。",
                       "The height is above sea level: above ground it is unknown.")  # fmt: skip


def _order(mission: Mission) -> Iterator[Finding]:
    commands = [item.command for item in mission.items]
    goes = [item.command for item in mission.items if item.command in PLACES]
    if not goes:
        yield _error("no_places", None, "任务不去任何地方。", "The mission goes nowhere.")
    elif goes[0] not in (TAKEOFF, 84):
        yield _warning(
            "no_takeoff", None, "第一个航点不是起飞。", "It does not begin with a take-off."
        )
    if not {RETURN, LAND, 85, 94, 189} & set(commands):
        yield _warning("no_landing", None, "没有降落或返航指令。",
                       "It has neither a landing nor a return.")  # fmt: skip
    if mission.speed_m_s is not None and not 0 < mission.speed_m_s < 150:
        yield _error("speed", None, f"速度{mission.speed_m_s:g}米/秒不可用。",
                     f"A speed of {mission.speed_m_s:g} m/s cannot be flown.")  # fmt: skip


def _home(mission: Mission) -> Iterator[Finding]:
    if mission.home is None:
        yield _warning("no_home", None, "文件未给出起飞点。", "The file names no home.")
        return
    lon, lat, _ = mission.home
    if not np.isfinite([lon, lat]).all() or abs(lat) > 90 or abs(lon) > 180:
        yield _error("home", None, f"起飞点（纬度{lat:g}、经度{lon:g}）不在地球上。",
                     f"Home (latitude {lat:g}, longitude {lon:g}): no place on Earth.")  # fmt: skip
    elif lon == 0 and lat == 0:
        yield _error("home", None, "起飞点为0,0。", "Home is at 0, 0.")


def _legs(mission: Mission) -> Iterator[Finding]:
    stops = [(item.seq, item.lon, item.lat) for item in mission.places()]
    if mission.home is not None:
        stops.insert(0, (stops[0][0] if stops else 0, *mission.home[:2]))
    spots = np.array([stop[1:] for stop in stops], dtype=np.float64).reshape(-1, 2)
    sound = np.isfinite(spots).all(axis=1) & (np.abs(spots) <= (180, 90)).all(axis=1)
    if not sound.all() or len(spots) < 2:
        return
    _, _, length = _GEOD.inv(*spots[:-1].T, *spots[1:].T)
    for (seq, *_), metres in zip(stops[1:], length, strict=True):
        if metres > LONGEST_LEG_M:
            yield _error("far", seq, f"距上一点{metres / 1000:,.0f}公里，过远。",
                         f"It is {metres / 1000:,.0f} km from the point before.")  # fmt: skip


def _fences(mission: Mission) -> Iterator[Finding]:
    spots = mission.positions()[:, :2]
    for number, fence in enumerate(mission.fences):
        yield from _fence_shape(number, fence)
        if len(spots) and not any(True for _ in _fence_shape(number, fence)):
            wrong = _inside(fence, spots) != fence.keep_in
            for item in np.flatnonzero(wrong)[:1]:
                seq = mission.places()[int(item)].seq
                zh, en = ("之外", "outside") if fence.keep_in else ("之内", "inside")
                yield _error(
                    "fence", seq, f"航点在围栏{number}{zh}。", f"It lies {en} fence {number}."
                )


def _fence_shape(number: int, fence: Fence) -> Iterator[Finding]:
    points = fence.points
    if not np.isfinite(points).all() or (np.abs(points) > (180, 90)).any():
        yield _error("fence", None, f"围栏{number}有不在地球上的顶点。",
                     f"Fence {number} has a corner that is no place on Earth.")  # fmt: skip
    elif fence.radius_m is not None:
        if not 0 < fence.radius_m < 1e6:
            yield _error("fence", None, f"围栏{number}半径{fence.radius_m:g}不可用。",
                         f"Fence {number} has a radius of {fence.radius_m:g} m.")  # fmt: skip
    elif len(np.unique(points, axis=0)) < 3:
        yield _error("fence", None, f"围栏{number}少于三个顶点。",
                     f"Fence {number} has fewer than three corners.")  # fmt: skip
    elif not shapely.is_valid(shapely.Polygon(points)):
        yield _error("fence", None, f"围栏{number}自相交。", f"Fence {number} crosses itself.")


def _inside(fence: Fence, spots: NDArray[np.float64]) -> NDArray[np.bool_]:
    if fence.radius_m is None:
        return np.asarray(shapely.intersects_xy(shapely.Polygon(fence.points), spots))
    centre = np.broadcast_to(fence.points, spots.shape)
    _, _, far = _GEOD.inv(*centre.T, *spots.T)
    return np.asarray(np.asarray(far) <= fence.radius_m)
