"""DJI's WPML routes: a `.kmz` with `wpmz/template.kml` and `wpmz/waylines.wpml`."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from geo.errors import FormatError, InputError
from patrol.drones.formats.xml import (
    Element,
    children,
    descendants,
    local_name,
    read_member,
    read_xml,
    text_of,
)
from patrol.drones.mission import (
    ABOVE_GROUND,
    ABOVE_HOME,
    ABOVE_SEA,
    CAMERA_MODE,
    CHANGE_SPEED,
    GIMBAL,
    LAND,
    PHOTO,
    RETURN,
    STOP_PHOTOS,
    TAKEOFF,
    TRIGGER_DISTANCE,
    WAYPOINT,
    Item,
    Mission,
    action,
    place,
)

WAYLINES, TEMPLATE = "wpmz/waylines.wpml", "wpmz/template.kml"
_FRAMES = {
    "relativeToStartPoint": ABOVE_HOME,
    "WGS84": ABOVE_SEA,
    "realTimeFollowSurface": ABOVE_GROUND,
}
_FINISH = {"goHome": RETURN, "gotoFirstWaypoint": RETURN, "autoLand": LAND}
_SILENT = frozenset({CHANGE_SPEED, CAMERA_MODE, GIMBAL, TAKEOFF, RETURN, LAND})


@dataclass(frozen=True)
class DjiModel:
    """The numbers of DJI's list for an aircraft and its camera; default: Mavic 3E."""

    drone: int = 77
    drone_sub: int = 0
    payload: int = 66
    payload_sub: int = 0


def read_wpml(path: Path) -> Mission:
    """Read a route that an aircraft flies: a `.kmz`, or `waylines.wpml` out of one.

    Raises
    ------
    FormatError
        It is damaged, or lacks what a route must have; the message names the element.
    """
    archive = path.suffix.lower() == ".kmz"
    content = read_member(path, WAYLINES) if archive else path.read_bytes()
    where = f"{path.name}, {WAYLINES}" if archive else path.name
    root = read_xml(content, where)
    config = next(iter(descendants(root, "missionConfig")), None)
    folders = descendants(root, "Folder")
    if config is None or not folders:
        msg = f"{where}: missionConfig or Folder is missing; it is no DJI route"
        raise FormatError(msg)
    if next(iter(descendants(config, "droneEnumValue")), None) is None:
        msg = f"{where}: droneInfo/droneEnumValue is missing; the aircraft would refuse the route"
        raise FormatError(msg)
    left_out: Counter[str] = Counter()
    items = [item for folder in folders for item in _folder(folder, where, left_out)]
    climb = text_of(config, "takeOffSecurityHeight")
    items.insert(0, place(0, math.nan, math.nan, _float(climb or "20", where), command=TAKEOFF))
    if (finish := _FINISH.get(text_of(config, "finishAction") or "")) is not None:
        items.append(action(0, finish))
    return Mission(
        name=path.stem,
        items=tuple(_numbered(items)),
        home=_home(path) if archive else None,
        speed_m_s=_float(text_of(folders[0], "autoFlightSpeed") or "", where),
        left_out=tuple(f"{name} x {number}" for name, number in sorted(left_out.items())),
    )


def write_wpml(
    mission: Mission, path: Path, *, now: datetime, model: DjiModel | None = None
) -> None:
    """Write a route of waypoints with heights above take-off, holds and pictures by distance.

    Raises
    ------
    InputError
        The mission asks for something that the format does not have.
    """
    body = _waylines(mission)
    config = _config(mission, model or DjiModel())
    speed = mission.speed_m_s or 10.0
    waylines = (
        f"<wpml:templateId>0</wpml:templateId>"
        f"<wpml:executeHeightMode>relativeToStartPoint</wpml:executeHeightMode>"
        f"<wpml:waylineId>0</wpml:waylineId>"
        f"<wpml:autoFlightSpeed>{speed:g}</wpml:autoFlightSpeed>{body}"
    )
    template = (
        "<wpml:templateType>waypoint</wpml:templateType><wpml:templateId>0</wpml:templateId>"
        "<wpml:waylineCoordinateSysParam><wpml:coordinateMode>WGS84</wpml:coordinateMode>"
        "<wpml:heightMode>relativeToStartPoint</wpml:heightMode></wpml:waylineCoordinateSysParam>"
        f"<wpml:autoFlightSpeed>{speed:g}</wpml:autoFlightSpeed>"
        "<wpml:gimbalPitchMode>usePointSetting</wpml:gimbalPitchMode>"
        f"{body.replace('wpml:executeHeight>', 'wpml:height>')}"
    )
    moment = int(now.timestamp() * 1000)
    head = f"<wpml:author>gridbeat</wpml:author><wpml:createTime>{moment}</wpml:createTime>"
    if mission.home is not None and all(math.isfinite(v) for v in mission.home[:2]):
        lon, lat, altitude = mission.home
        known = altitude if math.isfinite(altitude) else 0.0
        point = f"{lat:.7f},{lon:.7f},{known:.2f}"
        config_home = f"<wpml:takeOffRefPoint>{point}</wpml:takeOffRefPoint>"
    else:
        config_home = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            (TEMPLATE, _document(head, config + config_home, template, mission.name)),
            (WAYLINES, _document("", config, waylines, mission.name)),
        ):
            # A fixed date: the same mission gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content.encode())


def _document(head: str, config: str, folder: str, name: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:wpml="http://www.dji.com/wpmz/1.0.6">'
        f"<Document>{head}<wpml:missionConfig>{config}</wpml:missionConfig>"
        f"<Folder><name>{escape(name)}</name>{folder}</Folder></Document></kml>\n"
    )


def _config(mission: Mission, model: DjiModel) -> str:
    commands = [item.command for item in mission.items]
    finish = "goHome" if RETURN in commands else "autoLand" if LAND in commands else "noAction"
    climb = next((i.height_m for i in mission.items if i.command == TAKEOFF), 20.0)
    fields = {
        "flyToWaylineMode": "safely",
        "finishAction": finish,
        "exitOnRCLost": "executeLostAction",
        "executeRCLostAction": "goBack",
        "takeOffSecurityHeight": f"{min(max(climb, 1.5), 1500.0):g}",
        "globalTransitionalSpeed": f"{mission.speed_m_s or 10.0:g}",
    }
    plain = "".join(f"<wpml:{name}>{value}</wpml:{name}>" for name, value in fields.items())
    return (
        f"{plain}<wpml:droneInfo><wpml:droneEnumValue>{model.drone}</wpml:droneEnumValue>"
        f"<wpml:droneSubEnumValue>{model.drone_sub}</wpml:droneSubEnumValue></wpml:droneInfo>"
        f"<wpml:payloadInfo><wpml:payloadEnumValue>{model.payload}</wpml:payloadEnumValue>"
        f"<wpml:payloadSubEnumValue>{model.payload_sub}</wpml:payloadSubEnumValue>"
        "<wpml:payloadPositionIndex>0</wpml:payloadPositionIndex></wpml:payloadInfo>"
    )


@dataclass
class _Stop:
    """A waypoint while the route is written: what happens there."""

    item: Item
    speed: float
    photos: int = 0
    every_m: float | None = None


def _waylines(mission: Mission) -> str:
    stops: list[_Stop] = []
    speed, every = mission.speed_m_s or 10.0, 0.0
    for item in mission.items:
        if item.command == WAYPOINT:
            if item.frame not in (ABOVE_HOME, 6):
                msg = f"item {item.seq}: heights of a DJI route are above take-off"
                raise InputError(msg)
            stops.append(_Stop(item, speed, every_m=every or None))
        elif item.command == CHANGE_SPEED and item.params[1] > 0:
            speed = item.params[1]
        elif item.command == TRIGGER_DISTANCE:
            every = item.params[0]
            if stops:
                stops[-1].every_m = every or None
        elif item.command == PHOTO and stops:
            stops[-1].photos += 1
        elif item.command not in _SILENT | {STOP_PHOTOS}:
            msg = f"item {item.seq}: a DJI route has no command {item.command}"
            raise InputError(msg)
    if len(stops) < 2:
        msg = f"a DJI route needs at least two waypoints; this mission has {len(stops)}"
        raise InputError(msg)
    ends = _trigger_ends(stops)
    return "".join(_placemark(i, stop, ends.get(i)) for i, stop in enumerate(stops))


def _trigger_ends(stops: list[_Stop]) -> dict[int, int]:
    """Return where pictures by distance begin -> where they end."""
    ends, begin = {}, None
    for i, stop in enumerate(stops):
        before = stops[i - 1].every_m if i else None
        if stop.every_m != before:
            if begin is not None and before is not None:
                ends[begin] = i
            begin = i if stop.every_m is not None else None
    if begin is not None:
        ends[begin] = len(stops) - 1
    return ends


def _placemark(index: int, stop: _Stop, trigger_end: int | None) -> str:
    item, groups = stop.item, []
    hold = item.params[0]
    acts = [("takePhoto", "<wpml:payloadPositionIndex>0</wpml:payloadPositionIndex>")] * stop.photos
    if math.isfinite(hold) and hold > 0:
        acts.insert(0, ("hover", f"<wpml:hoverTime>{hold:g}</wpml:hoverTime>"))
    if acts:
        groups.append(_group(index, index, "reachPoint", None, acts))
    if trigger_end is not None and trigger_end > index:
        photo = [("takePhoto", "<wpml:payloadPositionIndex>0</wpml:payloadPositionIndex>")]
        groups.append(_group(index, trigger_end, "multipleDistance", stop.every_m, photo))
    numbered = "".join(
        f"<wpml:actionGroup><wpml:actionGroupId>{2 * index + k}</wpml:actionGroupId>{group}"
        for k, group in enumerate(groups)
    )
    return (
        f"<Placemark><Point><coordinates>{item.lon:.9f},{item.lat:.9f}</coordinates></Point>"
        f"<wpml:index>{index}</wpml:index><wpml:executeHeight>{item.height_m:g}</wpml:executeHeight>"
        f"<wpml:waypointSpeed>{stop.speed:g}</wpml:waypointSpeed>"
        "<wpml:waypointHeadingParam><wpml:waypointHeadingMode>followWayline"
        "</wpml:waypointHeadingMode></wpml:waypointHeadingParam>"
        "<wpml:waypointTurnParam><wpml:waypointTurnMode>toPointAndStopWithDiscontinuityCurvature"
        "</wpml:waypointTurnMode><wpml:waypointTurnDampingDist>0</wpml:waypointTurnDampingDist>"
        f"</wpml:waypointTurnParam><wpml:useStraightLine>1</wpml:useStraightLine>{numbered}</Placemark>"
    )


def _group(
    start: int, end: int, trigger: str, value: float | None, acts: list[tuple[str, str]]
) -> str:
    parameter = (
        "" if value is None else f"<wpml:actionTriggerParam>{value:g}</wpml:actionTriggerParam>"
    )
    inner = "".join(
        f"<wpml:action><wpml:actionId>{k}</wpml:actionId>"
        f"<wpml:actionActuatorFunc>{name}</wpml:actionActuatorFunc>"
        f"<wpml:actionActuatorFuncParam>{body}</wpml:actionActuatorFuncParam></wpml:action>"
        for k, (name, body) in enumerate(acts)
    )
    return (
        f"<wpml:actionGroupStartIndex>{start}</wpml:actionGroupStartIndex>"
        f"<wpml:actionGroupEndIndex>{end}</wpml:actionGroupEndIndex>"
        "<wpml:actionGroupMode>sequence</wpml:actionGroupMode>"
        f"<wpml:actionTrigger><wpml:actionTriggerType>{trigger}</wpml:actionTriggerType>{parameter}"
        f"</wpml:actionTrigger>{inner}</wpml:actionGroup>"
    )


def _folder(folder: Element, where: str, left_out: Counter[str]) -> list[Item]:
    mode = text_of(folder, "executeHeightMode")
    if mode not in _FRAMES:
        msg = f"{where}: executeHeightMode is {mode!r}; known are {', '.join(_FRAMES)}"
        raise FormatError(msg)
    marks = children(folder, "Placemark")
    if not marks:
        msg = f"{where}: the route has no Placemark"
        raise FormatError(msg)
    stops: list[Item] = []
    after: dict[int, list[Item]] = {i: [] for i in range(len(marks))}
    ends: dict[int, Item] = {}
    for number, mark in enumerate(marks):
        stops.append(_stop(mark, number, _FRAMES[mode], where))
        for group in children(mark, "actionGroup"):
            acts, until, last = _actions(group, number, where, left_out)
            after[number] += acts
            if until is not None:
                ends[min(last, len(marks) - 1)] = until
    for last, until in ends.items():
        after[last].append(until)
    return [item for number, stop in enumerate(stops) for item in (stop, *after[number])]


def _stop(mark: Element, number: int, frame: int, where: str) -> Item:
    here = f"{where}, Placemark {number}"
    index = text_of(mark, "index")
    if index != str(number):
        msg = f"{here}: its index is {index}, it should be {number}"
        raise FormatError(msg)
    point = next(iter(descendants(mark, "coordinates")), None)
    cells = ("" if point is None else point.text or "").strip().split(",")
    height = text_of(mark, "executeHeight")
    if len(cells) < 2 or height is None:
        msg = f"{here}: coordinates or executeHeight is missing"
        raise FormatError(msg)
    hold = sum(_float(one.text or "", here) for one in descendants(mark, "hoverTime"))
    lon, lat = _float(cells[0], here), _float(cells[1], here)
    return place(0, lon, lat, _float(height, here), frame=frame, hold_s=hold)


def _actions(
    group: Element, number: int, where: str, left_out: Counter[str]
) -> tuple[list[Item], Item | None, int]:
    """Return what a group does at its beginning, what ends it, and where that is."""
    trigger = text_of(next(iter(children(group, "actionTrigger")), None), "actionTriggerType")
    value = text_of(next(iter(children(group, "actionTrigger")), None), "actionTriggerParam")
    here = f"{where}, Placemark {number}"
    last = int(_float(text_of(group, "actionGroupEndIndex") or str(number), here))
    names = [text_of(one, "actionActuatorFunc") or "" for one in children(group, "action")]
    if "takePhoto" in names and trigger in ("multipleDistance", "multipleTiming"):
        step = _float(value or "", here)
        left_out.update(name for name in names if name != "takePhoto")
        if trigger == "multipleDistance":
            return [action(0, TRIGGER_DISTANCE, step, 0, 1)], action(0, TRIGGER_DISTANCE), last
        return [action(0, PHOTO, 0, step, 0)], action(0, STOP_PHOTOS), last
    left_out.update(name for name in names if name not in ("takePhoto", "hover"))
    return [action(0, PHOTO, 0, 0, 1) for name in names if name == "takePhoto"], None, last


def _numbered(items: list[Item]) -> list[Item]:
    return [
        Item(n, i.command, i.frame, i.params, i.lon, i.lat, i.height_m, i.goes_on)
        for n, i in enumerate(items)
    ]


def _home(path: Path) -> tuple[float, float, float] | None:
    """Return the reference point of take-off that a template may name."""
    try:
        root = read_xml(read_member(path, TEMPLATE), f"{path.name}, {TEMPLATE}")
    except FormatError as error:
        if "there is no" in str(error):
            return None
        raise
    for one in root.iter():
        if local_name(one) == "takeOffRefPoint":
            cells = [_float(cell, path.name) for cell in (one.text or "").split(",")]
            if len(cells) == 3:
                return (cells[1], cells[0], cells[2])
    return None


def _float(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        msg = f"{where}: a number was expected, not {text!r:.40}"
        raise FormatError(msg) from error
