"""Looks at cameras into effort and the last look of what they see. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from geo.crs.systems import convert_geometries
from geo.effort_store import write_effort, write_looks
from geo.errors import ConflictError, InputError, NotFoundError
from patrol.tracks.looks import looks_of_views
from patrol.watched import Watched, stored_looks

_SLOT_MIN, _SCREENS = 5, 4  # of rounds whose parameters say nothing
_DAY_S = 86_400

# The looks of a round that are asked for, locked, with what the round says of their length.
_LOOKS = """
SELECT l.camera_look_id, l.camera_id, l.looked_at, r.jurisdiction_id,
       coalesce((r.parameters #>> '{round,slot_min}')::float8, :slot) AS slot_min,
       coalesce((r.parameters #>> '{round,screens}')::float8, :screens) AS screens
FROM camera_look l JOIN camera_round r USING (camera_round_id)
WHERE l.camera_look_id = ANY (:looks) ORDER BY l.camera_look_id FOR UPDATE OF l
"""
_VIEWS = """
SELECT camera_id, ST_AsBinary(ST_Union(geom)) AS geom FROM camera_view
WHERE camera_id = ANY (:cameras) AND replaced_at IS NULL GROUP BY camera_id
"""


@dataclass(frozen=True)
class Noted:
    """What noting looks did.

    Attributes
    ----------
    new
        Looks that were not done before.
    cells
        Cells that they saw.
    unseen
        Cameras looked at whose view is not known, so that nothing counts as seen.
    """

    new: int
    cells: int
    unseen: tuple[int, ...]


def note_looks(
    connection: Connection, watched: Watched, look_ids: Sequence[int], *,
    looked_at: Sequence[datetime], now: datetime,
) -> Noted:  # fmt: skip
    """Note looks as done, and what they saw; what was noted first stays.

    A look's time is shared among the cells in view by their area: the watcher's slot divided by
    the screens before the watcher.

    Parameters
    ----------
    looked_at
        When each was done, with time zone, not ahead of `now`.

    Raises
    ------
    NotFoundError
        There is no such look in this jurisdiction.
    InputError
        A time has no zone or lies ahead.
    ConflictError
        A look is named twice.
    """
    if any(at.tzinfo is None or at > now for at in looked_at):
        raise InputError("the time of a look needs a time zone and must not lie ahead")
    if len(set(look_ids)) < len(look_ids):
        raise ConflictError("a look is named twice")
    found = _frame(connection, _LOOKS, looks=list(look_ids), slot=_SLOT_MIN, screens=_SCREENS)
    mine = found[found["jurisdiction_id"] == watched.place.jurisdiction_id]
    known = set(mine["camera_look_id"])
    absent = [number for number in look_ids if number not in known]
    if absent:
        raise NotFoundError(
            f"there is no look {absent[0]} here; `gridbeat cameras rounds` plans them"
        )
    when = pd.Series(list(looked_at), index=list(look_ids), dtype=object)
    new = mine[mine["looked_at"].isna()]
    if new.empty:
        return Noted(0, 0, ())
    moments = [when[number] for number in new["camera_look_id"]]
    connection.execute(
        text(
            "UPDATE camera_look l SET looked_at = t.at FROM unnest(CAST(:looks AS bigint[]), "
            "CAST(:times AS timestamptz[])) AS t (look, at) WHERE l.camera_look_id = t.look"
        ),
        {"looks": new["camera_look_id"].tolist(), "times": moments},
    )
    return _count(connection, watched, new, moments)


def _count(
    connection: Connection, watched: Watched, new: pd.DataFrame, moments: list[datetime]
) -> Noted:
    views = _frame(connection, _VIEWS, cameras=new["camera_id"].unique().tolist())
    shapes = convert_geometries(
        shapely.from_wkb([bytes(shape) for shape in views["geom"]]), crs="wgs84",
        to=watched.place.srid,
    )  # fmt: skip
    of_camera = {int(camera): n for n, camera in enumerate(views["camera_id"])}
    row = np.array([of_camera.get(int(camera), -1) for camera in new["camera_id"]])
    unseen = tuple(sorted({int(c) for c in new["camera_id"].to_numpy()[row < 0]}))
    has = row >= 0
    if not has.any():
        return Noted(len(new), 0, unseen)
    at_us = np.array([int(at.timestamp() * 1e6) for at in moments], np.int64)[has]
    seconds = (new["slot_min"] * 60 / new["screens"]).to_numpy(dtype=np.float64)[has]
    seen, effort = looks_of_views(
        watched.ground.lattice, shapes[row[has]], at_us, seconds, watched.zone
    )
    i, j = effort["i"].to_numpy(dtype=np.int64), effort["j"].to_numpy(dtype=np.int64)
    hour = effort.pop("hour").to_numpy(dtype=np.int64)
    size = watched.ground.lattice.cell_size_m
    area = watched.grids.area_of((i + 0.5) * size, (j + 0.5) * size, hour * 3600 // _DAY_S)
    effort = effort.assign(
        hour=pd.to_datetime(hour * 3600, unit="s", utc=True), source="camera",
        area_id=np.maximum(area, 0),
    )  # fmt: skip
    place = watched.place.jurisdiction_id
    write_effort(connection, place, effort)
    cells = write_looks(connection, place, stored_looks(seen, watched, "camera"))
    return Noted(len(new), cells, unseen)


def _frame(connection: Connection, query: str, **values: Any) -> pd.DataFrame:
    found = connection.execute(text(query), values)
    return pd.DataFrame(found.all(), columns=list(found.keys()))
