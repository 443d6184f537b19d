"""Points out of the database."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from sqlalchemy import Connection

from analytics import queries
from analytics.cube_layers import name_classes
from analytics.cube_store import prepare, read_jurisdiction
from analytics.fetch import fetch_columns
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
    found = fetch_columns(
        connection,
        queries.select_points(
            counting.feed_ids,
            known.index.tolist(),
            request.found_by,
            window=(low, high),
            time_zone=place["time_zone"],
        ),
    )
    # Several processes of the server hand them over in no order.
    order = np.lexsort([found["incident_id"], found["occurred_at"]])
    vague = found["is_vague"][order] > 0
    kept = order[~vague]
    numbers, which = np.unique(found["category_id"][kept].astype(np.int64), return_inverse=True)
    names = name_classes(numbers, known)
    codes = np.array([names[number] for number in numbers.tolist()], dtype=object)
    return Points(
        x=found["x_m"][kept].astype(np.float64),
        y=found["y_m"][kept].astype(np.float64),
        day=found["day"][kept].astype(np.float64),
        category=codes[which],
        srid=int(place["metric_srid"]),
        window=(low, high),
        found_by=request.found_by,
        left_out=MappingProxyType({"vague_time": int(vague.sum())}),
    )
