"""The text format `QGC WPL 110` of Mission Planner, QGroundControl and MAVProxy."""

from __future__ import annotations

import math
from pathlib import Path

from geo.errors import FormatError
from patrol.drones.mission import ABOVE_SEA, WAYPOINT, Item, Mission

HEADER = "QGC WPL 110"
_COLUMNS = 12


def read_wpl(path: Path) -> Mission:
    """Read a list of waypoints.

    A first row that is a waypoint above sea level is the home, as ArduPilot writes it.

    Raises
    ------
    FormatError
        The header or a row is not of the format; the message names the line.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path.name}: it is no text in UTF-8"
        raise FormatError(msg) from error
    if not lines or lines[0].strip() != HEADER:
        shown = lines[0][:40] if lines else "nothing"
        msg = f"{path.name}, line 1: it must be {HEADER!r}, not {shown!r}"
        raise FormatError(msg)
    items = [
        _item(line, f"{path.name}, line {n}") for n, line in enumerate(lines[1:], 2) if line.strip()
    ]
    home = None
    if items and items[0].seq == 0 and (items[0].command, items[0].frame) == (WAYPOINT, ABOVE_SEA):
        first = items.pop(0)
        home = (first.lon, first.lat, first.height_m)
    return Mission(name=path.stem, items=tuple(items), home=home)


def write_wpl(mission: Mission, path: Path) -> None:
    """Write a list of waypoints whose first row is the home; fences have no place in it."""
    lon, lat, altitude = mission.home or (0.0, 0.0, 0.0)
    known = altitude if math.isfinite(altitude) else 0.0
    home = Item(0, WAYPOINT, ABOVE_SEA, (0.0, 0.0, 0.0, 0.0), lon, lat, known)
    rows = [_row(item, n) for n, item in enumerate((home, *mission.items))]
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")


def _item(line: str, where: str) -> Item:
    cells = line.split("\t") if "\t" in line else line.split()
    if len(cells) != _COLUMNS:
        msg = f"{where}: a row has {_COLUMNS} columns, this one has {len(cells)}"
        raise FormatError(msg)
    try:
        seq, _, frame, command = (int(cell) for cell in cells[:4])
        p = [float(cell) for cell in cells[4:11]]
        goes_on = int(cells[11]) != 0
    except ValueError as error:
        msg = f"{where}: not a number ({error})"
        raise FormatError(msg) from error
    return Item(seq, command, frame, (p[0], p[1], p[2], p[3]), p[5], p[4], p[6], goes_on)


def _row(item: Item, number: int) -> str:
    values = [
        f"{value:.8f}" if math.isfinite(value) else "0"
        for value in (*item.params, item.lat, item.lon, item.height_m)
    ]
    cells = [number, int(number == 0), item.frame, item.command, *values, int(item.goes_on)]
    return "\t".join(str(cell) for cell in cells)
