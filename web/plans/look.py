"""A plan beside another, and beside what was really done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from geo.effort_store import read_area_effort
from geo.errors import ConflictError
from patrol.planning.done import Done, by_source, compare_done
from patrol.planning.gather import Where
from patrol.planning.states import Act
from patrol.planning.store import read_desk, write_done
from patrol.store import StoredPlan


def changes_table(plan: StoredPlan) -> pd.DataFrame:
    """Return the rows of a plan as `patrol.planning.changes.compare_plans` takes them."""
    names = plan.items.set_index("area_id")[["name", "community"]]
    return plan.rows.join(names, on="area_id")


def compare_with_tracks(connection: Connection, plan_id: int, act: Act) -> Done:
    """Set recorded effort of the plan's day beside what was planned, and store it.

    Raises
    ------
    ConflictError
        The day is not over yet, or the plan was never published.
    """
    desk = read_desk(connection, plan_id)
    place: Any = connection.exec_driver_sql(
        "SELECT jurisdiction_id, metric_srid, time_zone FROM jurisdiction "
        "WHERE jurisdiction_id = %s", (desk.plan.head["jurisdiction_id"],)
    ).one()  # fmt: skip
    where = Where(*place)
    times = [(shift, shift.starts_at, shift.ends_at) for shift in desk.plan.shifts]
    last = max(ends for _, _, ends in times)
    if last > act.at:
        raise ConflictError(
            f"the day of plan {plan_id} is not over: compare it after {last}", code="day-not-over"
        )
    found = [
        _minutes(connection, where, begins, ends).assign(shift_no=shift.shift_no)
        for shift, begins, ends in times
    ]
    rows = desk.plan.rows
    told = "shares" in desk.plan.head["parameters"]
    planned = by_source(rows) if told else rows.assign(source="any")
    done = compare_done(planned, pd.concat(found, ignore_index=True))
    write_done(connection, plan_id, done, act)
    return done


def _minutes(
    connection: Connection, where: Where, begins: datetime, ends: datetime
) -> pd.DataFrame:
    """Return recorded minutes of an area by what it was watched."""
    found = read_area_effort(connection, where.jurisdiction_id, begins=begins, ends=ends)
    hours: pd.DataFrame = found.groupby(["area_id", "source"], as_index=False)[["hours"]].sum()
    return pd.DataFrame(hours[["area_id", "source"]]).assign(minutes=hours["hours"] * 60.0)
