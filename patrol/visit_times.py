"""When each row of a plan is visited: drawn within its shift, the same again for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pandas as pd

from geo.errors import InputError
from patrol.prescribe.prescription import MEANS
from patrol.shifts import PlanShift
from patrol.visits import VisitParams, spread_visits


def visit_times(
    rows: pd.DataFrame,
    shifts: Sequence[PlanShift],
    *,
    seed: int,
    params: VisitParams | None = None,
) -> pd.DataFrame:
    """Draw the visits of a plan's rows.

    Each row has its own draw by plan's seed, area, shift and kind, so that changing one row by
    hand leaves the visits of all others. Rows of the same kind are not routed here: the times are
    when to be there, not how to get there.

    Parameters
    ----------
    rows
        ``area_id``, ``code``, ``shift_no``, ``unit_kind``, ``minutes``.
    seed
        Of the plan's lot.

    Returns
    -------
    DataFrame
        One row a visit by begin: ``area_id``, ``code``, ``shift_no``, ``unit_kind``,
        ``begins_at``, ``ends_at`` (to the minute, with time zone).

    Raises
    ------
    InputError
        A row has a shift that the plan lacks.
    """
    known = {shift.shift_no: shift for shift in shifts}
    made = []
    for row in rows[rows["minutes"] > 0].to_dict("records"):
        shift = known.get(row["shift_no"])
        if shift is None:
            raise InputError(f"the plan has no shift {row['shift_no']}")
        kind = MEANS.index(row["unit_kind"])
        rng = np.random.default_rng([seed, row["area_id"], row["shift_no"], kind])
        length = shift.hours * 60
        # Two of a kind at once: a row of more minutes than its shift is several units' work.
        for part in _parts(float(row["minutes"]), length):
            for begin, end in spread_visits(0, length, minutes=part, rng=rng, params=params):
                made.append(
                    {
                        **{key: row[key] for key in ("area_id", "code", "shift_no", "unit_kind")},
                        "begins_at": shift.starts_at + timedelta(minutes=round(begin)),
                        "ends_at": shift.starts_at + timedelta(minutes=round(end)),
                    }
                )
    columns = ["area_id", "code", "shift_no", "unit_kind", "begins_at", "ends_at"]
    frame = pd.DataFrame(made, columns=columns)
    return frame.sort_values(["begins_at", "code", "unit_kind"], ignore_index=True)


def _parts(minutes: float, length: float) -> list[float]:
    whole, rest = divmod(minutes, length)
    return [length] * int(whole) + ([rest] if rest > 0 else [])
