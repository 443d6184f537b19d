"""Who is on duty on a day, which grids they can serve, and how far those are. Never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from analytics.cube_store import read_area_cube
from analytics.profile import hour_profile
from analytics.queries import CubeRequest
from geo.errors import InputError, NotFoundError
from geo.models.base import UNIT_KINDS
from patrol.allocation.day import Duty
from patrol.prescribe.store import in_force
from patrol.shift_plans import Roster
from patrol.shifts import PlanShift, days_of

Floats = NDArray[np.float64]

# km/h between grids; a desk goes nowhere.
SPEED_KM_H = {
    "foot": 4.5, "vehicle": 20.0, "drone": 36.0, "camera_desk": np.inf, "volunteer": 4.5,
    "joint": 20.0,
}  # fmt: skip
# Ways are this much longer than straight lines; a drone flies straight.
DETOUR = 1.3
# Where no calendar exists, each unit works so many hours a day, spread evenly over the shifts.
DAY_H = 8.0
# Incidents' worth of all classes' week that is mixed into the week of each class.
POOLED_EVENTS = 100.0


@dataclass(frozen=True)
class DutyRequest:
    """Who is to be planned for.

    Attributes
    ----------
    hours
        Hours of each kind of unit, one entry a shift or one for all of them; empty: as the
        calendar of shifts says.
    field_share
        Share of the calendar's hours that is free for patrol: the rest is breaks and calls.
    """

    hours: Mapping[str, tuple[float, ...]]
    field_share: float = 0.75

    def __post_init__(self) -> None:
        strange = [kind for kind in self.hours if kind not in UNIT_KINDS]
        if strange:
            raise InputError(
                f"{strange[0]!r} is no kind of unit; there are {', '.join(UNIT_KINDS)}"
            )
        if not 0 < self.field_share <= 1:
            raise InputError("field_share must be above 0 and at most 1")


def read_roster(
    connection: Connection,
    request: CubeRequest,
    asked: DutyRequest,
    *,
    shifts: Sequence[PlanShift],
    area_ids: Sequence[int],
    classes: Sequence[str],
    step_min: int,
    level: str = "grid",
) -> Roster:
    """Read who is on duty in the shifts of a day, the hours of the week and the prescriptions.

    Units of a jurisdiction without any shift in the calendar work `DAY_H` hours a day each.

    Parameters
    ----------
    request
        Of the plan; the hours of the week are counted in its window.
    area_ids, classes
        Grids and classes, in the order of the plan's signals.
    level
        Of the areas that are planned for.

    Raises
    ------
    NotFoundError
        Nobody is on duty by the calendar.
    InputError
        Hours do not fit the shifts.
    """
    place = request.jurisdiction_id
    hours = _asked(asked.hours, len(shifts)) if asked.hours else _calendar(
        connection, place, shifts, asked.field_share, step_min
    )  # fmt: skip
    kinds = tuple(kind for kind in UNIT_KINDS if kind in hours)
    ground = _ground(connection, place, shifts, area_ids)
    duty = Duty(
        kinds=kinds,
        hours=np.column_stack([hours[kind] for kind in kinds]),
        shift_h=np.array([shift.hours for shift in shifts]),
        serves=np.column_stack([_serves(ground, kind) for kind in kinds]),
        way_min=np.column_stack([_way(ground, kind) for kind in kinds]),
    )
    profile = _profile(connection, request, classes, level)
    prescribed = in_force(connection, place, day=shifts[0].starts_at.date())
    return Roster(tuple(shifts), duty, profile, prescribed)


def _asked(hours: Mapping[str, tuple[float, ...]], n_shifts: int) -> dict[str, Floats]:
    found = {}
    for kind, given in hours.items():
        if len(given) not in (1, n_shifts):
            raise InputError(
                f"{kind} has {len(given)} numbers of hours for {n_shifts} shifts; give one for "
                "all of them, or one for each"
            )
        found[kind] = np.broadcast_to(np.array(given, dtype=np.float64), (n_shifts,)).copy()
    return found


def _calendar(
    connection: Connection,
    place: int,
    shifts: Sequence[PlanShift],
    field_share: float,
    step_min: int,
) -> dict[str, Floats]:
    given = {
        "place": place,
        "numbers": list(range(len(shifts))),
        "begins": [shift.starts_at for shift in shifts],
        "ends": [shift.ends_at for shift in shifts],
    }
    rows = [(r.kind, r.shift_no, float(r.hours))
            for r in connection.execute(_sql("duty_hours"), given)]  # fmt: skip
    if not rows:
        lengths = np.array([shift.hours for shift in shifts])
        whole = len(set(days_of(shifts))) * DAY_H
        rows = [(r.kind, s, r.units * whole * lengths[s] / lengths.sum())
                for r in connection.execute(_sql("duty_units"), {"place": place})
                for s in range(len(shifts))]  # fmt: skip
    if not rows:
        raise NotFoundError(
            "nobody is on duty in these shifts by the calendar; say the hours, such as "
            "--unit foot=40, or import units and shifts"
        )
    found: dict[str, Floats] = {}
    for kind, number, hours in rows:
        steps = np.floor(hours * field_share * 60 / step_min + 1e-9)
        found.setdefault(kind, np.zeros(len(shifts)))[number] = steps * step_min / 60
    return found


def _ground(
    connection: Connection, place: int, shifts: Sequence[PlanShift], area_ids: Sequence[int]
) -> pd.DataFrame:
    given = {
        "place": place, "areas": [int(number) for number in area_ids],
        "begins": min(shift.starts_at for shift in shifts),
        "ends": max(shift.ends_at for shift in shifts),
    }  # fmt: skip
    rows = connection.execute(_sql("duty_ground"), given)
    frame = pd.DataFrame(rows.all(), columns=list(rows.keys())).set_index("area_id")
    return frame.loc[list(area_ids)]


def _serves(ground: pd.DataFrame, kind: str) -> NDArray[np.bool_]:
    if kind == "camera_desk":
        return ground["has_camera"].to_numpy(dtype=np.bool_)
    if kind == "drone":
        return ~ground["no_fly"].to_numpy(dtype=np.bool_)
    return np.ones(len(ground), dtype=np.bool_)


def _way(ground: pd.DataFrame, kind: str) -> Floats:
    """Return minutes there and back; 0 where no base of the kind is known."""
    metres = np.array([(near or {}).get(kind, 0.0) for near in ground["metres"]], dtype=np.float64)
    detour = 1.0 if kind == "drone" else DETOUR
    return np.asarray(2 * metres * detour / (SPEED_KM_H[kind] * 1000 / 60))


def _profile(
    connection: Connection, request: CubeRequest, classes: Sequence[str], level: str
) -> Floats:
    """Return the week of each class by hour; an even week for a class without a report."""
    weekly = replace(request, step="hour_of_week", by_class=True)
    weeks = (request.end - request.start) // timedelta(weeks=1)
    if weeks < 1:
        raise InputError("the hours of the week need a window of a week or more")
    cube, _ = read_area_cube(connection, weekly, level=level)
    even = np.full((len(classes), 7, 24), 1 / 168)
    if not cube.classes or not cube.counts.sum():
        return even
    found = hour_profile(cube, pooled_events=POOLED_EVENTS)
    for row, code in enumerate(classes):
        if code in found.classes:
            even[row] = found.share[found.classes.index(code)]
    return even


def _sql(name: str) -> Any:
    return text(files("patrol").joinpath("sql", f"{name}.sql").read_text("utf-8"))
