"""Devices that record tracks, the shifts of who carries them, and their drones. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, text, update

from geo.errors import ConflictError, InputError, NotFoundError
from geo.models.tracks import TrackDevice
from patrol.drones.camera import footprint_at
from patrol.drones.store import read_drone
from patrol.tracks.looks import SIGHT_M

Longs = NDArray[np.int64]
# What a unit of a kind counts as; a camera desk makes no tracks.
SOURCE_OF_UNIT = {"foot": "foot", "volunteer": "foot", "joint": "foot", "vehicle": "vehicle"}
_DRONE_SIGHT_M = 30.0

_UNIT = """
SELECT u.unit_id, u.kind FROM unit u JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = :place AND (u.source_ref = :name OR u.name = :name) ORDER BY u.unit_id
"""
_DRONE = """
SELECT d.drone_id FROM drone d JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = :place AND (d.source_ref = :name OR d.name = :name) ORDER BY d.drone_id
"""


@dataclass(frozen=True)
class Device:
    """A device as it is registered.

    Attributes
    ----------
    sight_m
        How far its carrier sees on foot or by vehicle; of a drone, half the width of what its
        camera sees where a log has no height.
    half_width_per_m
        Half the width of a drone camera's footprint for a metre of height; 0 where unknown.
    """

    device_id: int
    ref: str
    source: str
    unit_id: int | None
    drone_id: int | None
    sight_m: float
    half_width_per_m: float


def register_device(
    connection: Connection, jurisdiction_id: int, *, ref: str, unit: str | None = None,
    drone: str | None = None, sight_m: float | None = None,
) -> int:  # fmt: skip
    """Register a device, or give a known one to another carrier; return its number.

    Parameters
    ----------
    unit, drone
        Reference or name of the unit that carries it, or of the drone that it is: one of them.
    sight_m
        See `Device`; by default 40 m on foot, 30 m by vehicle or drone.

    Raises
    ------
    NotFoundError
        There is no such unit or drone.
    InputError
        Neither or both are named, the name fits several, or the unit is a camera desk.
    ConflictError
        The device has tracks of another kind of carrier.
    """
    if not ref.strip() or (unit is None) == (drone is None):
        raise InputError("a device needs a reference, and either a unit or a drone")
    values: dict[str, object] = {"unit_id": None, "drone_id": None, "source": "drone"}
    if unit is not None:
        row = _only(connection, _UNIT, jurisdiction_id, unit, "unit")
        if row[1] not in SOURCE_OF_UNIT:
            raise InputError(
                f"unit {unit!r} is a {row[1]}: it makes no tracks; its looks are noted"
            )
        values |= {"unit_id": row[0], "source": SOURCE_OF_UNIT[row[1]]}
    else:
        values["drone_id"] = _only(connection, _DRONE, jurisdiction_id, str(drone), "drone")[0]
    sight = SIGHT_M.get(str(values["source"]), _DRONE_SIGHT_M) if sight_m is None else sight_m
    if not 0 < sight <= 1000:
        raise InputError(f"a sight of {sight} m cannot be: say more than 0 and at most 1000")
    values["sight_m"] = sight
    known = connection.execute(
        select(TrackDevice.track_device_id, TrackDevice.source).where(
            TrackDevice.jurisdiction_id == jurisdiction_id, TrackDevice.device_ref == ref
        )
    ).one_or_none()
    if known is None:
        made = insert(TrackDevice).values(
            jurisdiction_id=jurisdiction_id, device_ref=ref, **values
        ).returning(TrackDevice.track_device_id)  # fmt: skip
        return int(connection.execute(made).scalar_one())
    if known.source != values["source"]:
        raise ConflictError(
            f"device {ref!r} is a {known.source} device; register another reference"
        )
    connection.execute(
        update(TrackDevice)
        .where(TrackDevice.track_device_id == known.track_device_id)
        .values(retired_at=None, **values)
    )
    return int(known.track_device_id)


def read_devices(
    connection: Connection, jurisdiction_id: int, *, refs: Sequence[str] | None = None
) -> list[Device]:
    """Read the devices in use, or those of some references, by reference."""
    query = (
        select(TrackDevice)
        .with_only_columns(*TrackDevice.__table__.columns)
        .where(TrackDevice.jurisdiction_id == jurisdiction_id, TrackDevice.retired_at.is_(None))
        .order_by(TrackDevice.device_ref)
    )
    if refs is not None:
        query = query.where(TrackDevice.device_ref.in_(list(refs)))
    return [
        Device(row.track_device_id, row.device_ref, row.source, row.unit_id, row.drone_id,
               row.sight_m, _half_width(connection, row.drone_id))
        for row in connection.execute(query)
    ]  # fmt: skip


def read_shifts(
    connection: Connection, unit_id: int, *, begins: datetime, ends: datetime
) -> tuple[Longs, Longs]:
    """Read starts and ends (microseconds since 1970) of a unit's shifts that touch a time."""
    rows = connection.execute(
        text(
            "SELECT extract(epoch FROM starts_at) * 1000000, extract(epoch FROM ends_at) * 1000000 "
            "FROM shift WHERE unit_id = :unit AND starts_at <= :ends AND ends_at >= :begins "
            "ORDER BY starts_at"
        ),
        {"unit": unit_id, "begins": begins, "ends": ends},
    ).all()
    table = np.array([[int(a), int(b)] for a, b in rows], np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _half_width(connection: Connection, drone_id: int | None) -> float:
    if drone_id is None:
        return 0.0
    camera = read_drone(connection, drone_id).camera
    return 0.0 if camera is None else footprint_at(camera, height_m=1.0).across_m / 2


def _only(
    connection: Connection, query: str, jurisdiction_id: int, name: str, what: str
) -> tuple[int, str]:
    rows = connection.execute(text(query), {"place": jurisdiction_id, "name": name}).all()
    if not rows:
        raise NotFoundError(
            f"there is no {what} {name!r}; `gridbeat import {what}s` brings them in"
        )
    if len(rows) > 1:
        raise InputError(f"{len(rows)} {what}s go by {name!r}; name one by its reference")
    return (int(rows[0][0]), str(rows[0][1]) if len(rows[0]) > 1 else "")
