"""Points out of the database."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from sqlalchemy import Connection

from analytics import queries
from analytics.cube_layers import name_classes
from analytics.cube_store import prepare, read_jurisdiction
from analytics.fetch import fetch
from analytics.points import Points
from analytics.queries import CubeRequest


def read_points(connection: Connection, request: CubeRequest) -> Points:
    """Read the incidents that a request would count, one by one.

    Incidents of which only an interval of more than a day is known are left out as
    ``vague_time``.

    Raises
    ------
    InputError
        A class is unknown, or the window holds no whole step.
    NotFoundError
        There is no such jurisdiction.
    """
    place = read_jurisdiction(connection, request.jurisdiction_id)
    counting, known = prepare(connection, request, place)
    low, high = counting.steps.window
    statement = queries.packaged("incident_points").bindparams(
        feeds=list(counting.feed_ids),
        classes=known.index.tolist(),
        found_by=list(request.found_by),
        low=low,
        high=high,
        zone=place["time_zone"],
    )
    rows = fetch(connection, statement)
    vague = rows["is_vague"].to_numpy(dtype=np.bool_)
    kept = rows[~vague]
    numbers = kept["category_id"].to_numpy(dtype=np.int64)
    names = name_classes(numbers, known)
    return Points(
        x=kept["x_m"].to_numpy(dtype=np.float64),
        y=kept["y_m"].to_numpy(dtype=np.float64),
        day=kept["day"].to_numpy(dtype=np.float64),
        category=np.array([names[number] for number in numbers.tolist()], dtype=object),
        srid=int(place["metric_srid"]),
        window=(low, high),
        found_by=request.found_by,
        left_out=MappingProxyType({"vague_time": int(vague.sum())}),
    )
