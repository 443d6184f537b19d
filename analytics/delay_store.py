"""The reporting-delay triangle out of the database."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Connection, func, select

from analytics import queries
from analytics.cube_store import prepare, read_jurisdiction
from analytics.delay import DelayTriangle
from analytics.fetch import fetch
from analytics.queries import CubeRequest
from analytics.steps import Step, Steps, make_steps, to_utc
from geo.errors import InputError
from geo.models.incidents import Incident

LAGS: dict[Step, int] = {"hour": 168, "day": 60, "week": 9, "month": 4}
"""How many steps later a report may come and still count, by default."""
ENDED = 0.1
"""Part of a step without any report at the end of the data after which it still counts as ended."""


def read_delay_triangle(
    connection: Connection, request: CubeRequest, *, n_lags: int | None = None
) -> DelayTriangle | None:
    """Count incidents by step and by how much later they were reported.

    What is known is taken to end with the newest report of an incident in the window or after.

    Parameters
    ----------
    request
        Window, step, sources and classes.
    n_lags
        Lags to tell apart, 0 among them; `LAGS` by default.

    Returns
    -------
    DelayTriangle
        Over all categories that occur, named as in a cube by class; None if no incident carries
        the time of its report, so that nothing is known of delays.

    Raises
    ------
    InputError
        Hours of the week have no order in time.
    NotFoundError
        There is no such jurisdiction.
    """
    if request.step == "hour_of_week":
        raise InputError("hours of the week come again and again; read delays by hour or longer")
    place = read_jurisdiction(connection, request.jurisdiction_id)
    counting, known = prepare(connection, request, place)
    steps, feeds = counting.steps, list(counting.feed_ids)
    edges = counting.edges()
    newest = connection.execute(
        select(func.max(Incident.reported_at)).where(
            Incident.occurred_at >= edges[0], Incident.feed_id == func.any(feeds)
        )
    ).scalar_one_or_none()
    if newest is None:
        return None
    more = _edges_until(steps, newest)
    found = fetch(
        connection,
        queries.packaged("delay_triangle").bindparams(
            feed_ids=feeds, edges=more, low=edges[0], high=edges[-1],
            found_by=list(request.found_by),
        ),
    )  # fmt: skip
    found = found[found["category_id"].isin(counting.category_ids)]
    lags = n_lags or min(LAGS[request.step], max(2, len(steps)))
    ends = pd.DatetimeIndex(more[1:])
    slack = ENDED * (ends - pd.DatetimeIndex(more[:-1]))
    n_seen = int(((ends - slack) <= pd.Timestamp(newest)).sum())
    return _fill(found, steps, n_seen, newest, lags, known)


def _edges_until(steps: Steps, newest: datetime) -> list[datetime]:
    """Return the steps' edges, and those that follow them up to a moment."""
    start = steps.window[0]
    longer = make_steps(
        start, newest + timedelta(microseconds=1), step=steps.step, time_zone=steps.time_zone
    ) if newest > steps.window[1] else steps  # fmt: skip
    edges = max(steps.edges, longer.edges, key=len)
    return [edge.to_pydatetime() for edge in pd.DatetimeIndex(edges).tz_localize("UTC")]


def _fill(
    found: pd.DataFrame,
    steps: Steps,
    n_seen: int,
    newest: datetime,
    n_lags: int,
    known: pd.DataFrame,
) -> DelayTriangle:
    names = known["code"].reindex(found["category_id"])
    classes = tuple(sorted(names.unique()))
    found_by = tuple(dict.fromkeys(sorted(found["found_by"])))
    unsaid = found["lag"].isna().to_numpy()
    lag = found["lag"].fillna(0).to_numpy(dtype=np.int64)
    n = found["n"].to_numpy(dtype=np.int64)
    late = ~unsaid & (lag >= n_lags)
    kept = ~unsaid & ~late
    at = (
        found["step"].to_numpy(dtype=np.int64),
        lag,
        pd.Index(classes).get_indexer(pd.Index(names)),
        pd.Index(found_by).get_indexer(pd.Index(found["found_by"])),
    )
    counts = np.zeros((len(steps), n_lags, len(classes), len(found_by)), dtype=np.int64)
    np.add.at(counts, tuple(axis[kept] for axis in at), n[kept])
    ends = steps.edges[-1]
    now = to_utc(pd.DatetimeIndex([newest]))[0]
    typical = np.median(np.diff(steps.edges).astype(np.int64))
    age = max(0.0, float((now - ends) / np.timedelta64(1, "us")) / float(typical))
    return DelayTriangle(
        counts, classes, found_by, steps.step, n_seen, age,
        no_report_time=int(n[unsaid].sum()), beyond=int(n[late].sum()),
    )  # fmt: skip
