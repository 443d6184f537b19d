"""A mission file by its name: which format it is, read or written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from geo.errors import FormatError, InputError
from patrol.drones.check import refuse_unsound
from patrol.drones.formats.dji_wpml import DjiModel, read_wpml, write_wpml
from patrol.drones.formats.gpx import read_gpx_route, write_gpx_route
from patrol.drones.formats.kml import read_kml, write_kml
from patrol.drones.formats.qgc_plan import read_plan, write_plan
from patrol.drones.formats.qgc_wpl import read_wpl
from patrol.drones.formats.qgc_wpl import write_wpl as write_waypoints
from patrol.drones.mission import Mission

READERS = {
    ".plan": read_plan,
    ".waypoints": read_wpl,
    ".wpl": read_wpl,
    ".txt": read_wpl,
    ".kmz": read_wpml,
    ".wpml": read_wpml,
    ".kml": read_kml,
    ".gpx": read_gpx_route,
}
WRITERS = {
    ".plan": write_plan,
    ".waypoints": write_waypoints,
    ".kml": write_kml,
    ".gpx": write_gpx_route,
}
WRITTEN = (*WRITERS, ".kmz")


def read_mission(path: Path) -> Mission:
    """Read a mission of any known format.

    Raises
    ------
    FormatError
        The format is not known, or the file is not of it or damaged.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        msg = f"{path.name}: {path.suffix or 'a file without suffix'} is no mission; known: {known}"
        raise FormatError(msg)
    return reader(path)


def write_mission(
    mission: Mission, path: Path, *, now: datetime, model: DjiModel | None = None
) -> None:
    """Write a mission in the format of the file's name.

    Raises
    ------
    InputError
        The mission has errors (`patrol.drones.check`), the format lacks something that it asks
        for, or is not known.
    """
    refuse_unsound(mission)
    suffix = path.suffix.lower()
    if suffix == ".kmz":
        write_wpml(mission, path, now=now, model=model)
    elif suffix in WRITERS:
        WRITERS[suffix](mission, path)
    else:
        msg = f"{path.name}: missions are written as {', '.join(WRITTEN)}"
        raise InputError(msg)
