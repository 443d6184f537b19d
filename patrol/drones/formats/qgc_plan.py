"""QGroundControl's `.plan`: JSON with items, home, fences and rally points."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from geo.errors import FormatError
from patrol.drones.mission import NAN, Fence, Item, Mission

# Versions of survey, corridor and structure items that carry their simple items with them.
_COMPLEX = {"survey": (3, 4, 5), "CorridorScan": (2, 3), "StructureScan": (2, 3)}
_PX4, _MULTIROTOR = 12, 2


def read_plan(path: Path) -> Mission:
    """Read a plan; surveys become their simple items.

    Raises
    ------
    FormatError
        It is no JSON, no plan, of a version that is not known, or a key is missing or of the
        wrong type; the message names it.
    """
    try:
        root = json.loads(path.read_text("utf-8-sig"), parse_constant=float)
    except (UnicodeDecodeError, ValueError) as error:
        msg = f"{path.name}: no readable JSON ({error}); is the file complete?"
        raise FormatError(msg) from error
    plan = _Node(root, path.name)
    if plan.get("fileType", str) != "Plan" or plan.get("version", int) != 1:
        msg = f"{path.name}: it is no QGroundControl plan of version 1"
        raise FormatError(msg)
    mission = _versioned(plan, "mission")
    home = mission.numbers("plannedHomePosition", 3)
    items: list[Item] = []
    for node in mission.nodes("items"):
        items += _items(node)
    return Mission(
        name=path.stem,
        items=tuple(items),
        home=(home[1], home[0], home[2]),
        fences=tuple(_fences(_versioned(plan, "geoFence"))) if "geoFence" in plan else (),
        speed_m_s=mission.number("cruiseSpeed"),
    )


def write_plan(mission: Mission, path: Path) -> None:
    """Write a plan that QGroundControl and MAVSDK read."""
    lon, lat, altitude = mission.home or (NAN, NAN, NAN)
    speed = mission.speed_m_s or 10.0
    content = {
        "fileType": "Plan",
        "version": 1,
        "groundStation": "QGroundControl",
        "mission": {
            "version": 2,
            "firmwareType": _PX4,
            "vehicleType": _MULTIROTOR,
            "globalPlanAltitudeMode": 1,
            "cruiseSpeed": speed,
            "hoverSpeed": speed,
            "plannedHomePosition": [_json(lat), _json(lon), _json(altitude) or 0.0],
            "items": [_item(item, number) for number, item in enumerate(mission.items, start=1)],
        },
        "geoFence": {
            "version": 2,
            "polygons": [_polygon(f) for f in mission.fences if f.radius_m is None],
            "circles": [_circle(f) for f in mission.fences if f.radius_m is not None],
        },
        "rallyPoints": {"version": 2, "points": []},
    }
    path.write_text(json.dumps(content, indent=4, allow_nan=False) + "\n", "utf-8")


class _Node:
    """An object of the JSON tree that knows where it stands."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            msg = f"{where}: an object was expected, not {type(value).__name__}"
            raise FormatError(msg)
        self.value, self.where = value, where

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def get(self, key: str, kind: type) -> Any:
        """Return the value of a key, of the right type."""
        value = self.value.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            shown = "is missing" if key not in self.value else f"is {value!r:.40}"
            msg = f"{self.where}: {key} {shown}; {kind.__name__} was expected"
            raise FormatError(msg)
        return value

    def node(self, key: str) -> _Node:
        """Return the object of a key."""
        return _Node(self.value.get(key), f"{self.where}, {key}")

    def nodes(self, key: str) -> list[_Node]:
        """Return the objects of a list."""
        found = enumerate(self.get(key, list))
        return [_Node(value, f"{self.where}, {key}[{i}]") for i, value in found]

    def number(self, key: str) -> float:
        """Return a finite number."""
        return _number(self.value.get(key), f"{self.where}, {key}")

    def numbers(self, key: str, length: int) -> list[float]:
        """Return a list of numbers of a fixed length; null is NaN."""
        values = self.get(key, list)
        if len(values) != length:
            msg = f"{self.where}: {key} must have {length} numbers, it has {len(values)}"
            raise FormatError(msg)
        where = f"{self.where}, {key}"
        return [NAN if value is None else _number(value, where) for value in values]


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        msg = f"{where}: a number was expected, not {value!r:.40}"
        raise FormatError(msg)
    return float(value)


def _versioned(plan: _Node, key: str) -> _Node:
    node = plan.node(key)
    if node.get("version", int) != 2:
        msg = f"{node.where}: version {node.value['version']} is not known; version 2 is"
        raise FormatError(msg)
    return node


def _items(node: _Node) -> list[Item]:
    kind = node.get("type", str)
    if kind == "SimpleItem":
        return [_simple(node)]
    name = node.value.get("complexItemType")
    known = _COMPLEX.get(str(name), ())
    if kind != "ComplexItem" or node.value.get("version") not in known:
        shown = f"{kind} {name or ''} version {node.value.get('version')}"
        msg = (
            f"{node.where}: {shown} is not known; save the plan anew with a current QGroundControl"
        )
        raise FormatError(msg)
    inner = node.node("TransectStyleComplexItem") if "TransectStyleComplexItem" in node else node
    return [_simple(one) for one in inner.nodes("Items")]


def _simple(node: _Node) -> Item:
    p = node.numbers("params", 7)
    return Item(
        seq=node.get("doJumpId", int),
        command=node.get("command", int),
        frame=node.get("frame", int),
        params=(p[0], p[1], p[2], p[3]),
        lat=p[4],
        lon=p[5],
        height_m=p[6],
        goes_on=bool(node.value.get("autoContinue", True)),
    )


def _fences(node: _Node) -> list[Fence]:
    found = []
    for polygon in node.nodes("polygons"):
        corners = polygon.get("polygon", list)
        try:
            points = np.array(corners, dtype=np.float64).reshape(-1, 2)[:, ::-1]
        except (TypeError, ValueError) as error:
            msg = f"{polygon.where}: corners must be pairs of latitude and longitude"
            raise FormatError(msg) from error
        found.append(Fence(polygon.get("inclusion", bool), points))
    for circle in node.nodes("circles"):
        shape = circle.node("circle")
        lat, lon = shape.numbers("center", 2)
        centre = np.array([[lon, lat]])
        found.append(Fence(circle.get("inclusion", bool), centre, shape.number("radius")))
    return found


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _item(item: Item, number: int) -> dict[str, Any]:
    values = (*item.params, item.lat, item.lon, item.height_m)
    made: dict[str, Any] = {
        "type": "SimpleItem",
        "autoContinue": item.goes_on,
        "command": item.command,
        "doJumpId": number,
        "frame": item.frame,
        "params": [_json(value) for value in values],
    }
    if item.is_place:
        mode = {0: 2, 3: 1, 10: 3}.get(item.frame, 1)
        made |= {"AMSLAltAboveTerrain": None, "Altitude": item.height_m, "AltitudeMode": mode}
    return made


def _polygon(fence: Fence) -> dict[str, Any]:
    corners = fence.points[:, ::-1].tolist()
    return {"inclusion": fence.keep_in, "polygon": corners, "version": 1}


def _circle(fence: Fence) -> dict[str, Any]:
    centre = fence.points[0, ::-1].tolist()
    return {
        "inclusion": fence.keep_in,
        "circle": {"center": centre, "radius": fence.radius_m},
        "version": 1,
    }
