"""KML: a mission as a line and points for maps, and lines and points back as a mission."""

from __future__ import annotations

import math
from pathlib import Path
from xml.sax.saxutils import escape

from geo.errors import FormatError
from patrol.drones.formats.xml import Element, descendants, read_xml, text_of
from patrol.drones.mission import ABOVE_GROUND, ABOVE_HOME, ABOVE_SEA, FRAMES, Item, Mission, place

_MODES = {"absolute": ABOVE_SEA, "relativeToGround": ABOVE_GROUND, "clampToGround": ABOVE_GROUND}


def read_kml(path: Path) -> Mission:
    """Read the points of a KML file in order, or the corners of its lines if it has none.

    Heights are above sea level or above ground as the file says, or above take-off where
    Gridbeat wrote it. KML has no commands: the mission goes from point to point.

    Raises
    ------
    FormatError
        It is no KML, has neither points nor lines, or a coordinate is no number.
    """
    root = read_xml(path.read_bytes(), path.name)
    for shape in ("Point", "LineString"):
        found = [
            spot for mark in descendants(root, "Placemark") for spot in _spots(mark, shape, path)
        ]
        if found:
            items = [place(n, *spot[:3], frame=spot[3]) for n, spot in enumerate(found)]
            return Mission(name=path.stem, items=tuple(items))
    msg = f"{path.name}: it has neither points nor lines"
    raise FormatError(msg)


def write_kml(mission: Mission, path: Path) -> None:
    """Write the way as a line and each place as a point, heights as a globe draws them.

    Heights above take-off are drawn above sea level where the home's is known, and above
    ground otherwise.
    """
    places = mission.places()
    drawn = [_drawn(item, mission) for item in places]
    line = " ".join(
        f"{i.lon:.7f},{i.lat:.7f},{z:.2f}" for i, (_, z) in zip(places, drawn, strict=True)
    )
    mode = drawn[0][0] if drawn else "relativeToGround"
    points = "".join(
        f"<Placemark><name>{item.seq}</name><ExtendedData>"
        f'<Data name="frame"><value>{FRAMES.get(item.frame, ABOVE_HOME)}</value></Data>'
        f'<Data name="height_m"><value>{item.height_m:.3f}</value></Data></ExtendedData>'
        f"<Point><altitudeMode>{how}</altitudeMode>"
        f"<coordinates>{item.lon:.7f},{item.lat:.7f},{z:.2f}</coordinates></Point></Placemark>"
        for item, (how, z) in zip(places, drawn, strict=True)
    )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>{escape(mission.name)}</name>'
        f"<Placemark><name>{escape(mission.name)}</name><LineString>"
        f"<altitudeMode>{mode}</altitudeMode><coordinates>{line}</coordinates></LineString>"
        f"</Placemark><Folder>{points}</Folder></Document></kml>\n",
        "utf-8",
    )


def _drawn(item: Item, mission: Mission) -> tuple[str, float]:
    frame = FRAMES.get(item.frame, ABOVE_HOME)
    if frame == ABOVE_SEA:
        return "absolute", item.height_m
    if frame == ABOVE_HOME and mission.home is not None and math.isfinite(mission.home[2]):
        return "absolute", mission.home[2] + item.height_m
    return "relativeToGround", item.height_m


def _spots(mark: Element, shape: str, path: Path) -> list[tuple[float, float, float, int]]:
    own = {data.get("name"): text_of(data, "value") for data in descendants(mark, "Data")}
    found = []
    for geometry in descendants(mark, shape):
        mode = text_of(geometry, "altitudeMode") or "clampToGround"
        frame = _MODES.get(mode, ABOVE_GROUND)
        for cell in (text_of(geometry, "coordinates") or "").split():
            numbers = [_float(word, path) for word in cell.split(",")]
            if len(numbers) not in (2, 3):
                msg = f"{path.name}: {cell!r:.60} is no coordinate"
                raise FormatError(msg)
            height = numbers[2] if len(numbers) == 3 else 0.0
            spot = (numbers[0], numbers[1], height, frame)
            if shape == "Point" and own.get("frame") and own.get("height_m"):
                said = int(_float(str(own["frame"]), path))
                spot = (*spot[:2], _float(str(own["height_m"]), path), said)
            found.append(spot)
    return found


def _float(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        msg = f"{path.name}: a number was expected, not {text!r:.40}"
        raise FormatError(msg) from error
