"""Edits as they are typed: ``CODE=HOURS``, ``LON,LAT,MINUTES``; and the total kept."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import shapely

from geo.errors import InputError
from patrol.planning.cover import balance_minutes
from patrol.planning.edits import Edit
from patrol.planning.store import Desk


def edits_of_text(
    desk: Desk, *, minutes: Sequence[str] | None, pin: Sequence[str] | None,
    forbid: Sequence[str] | None, lift: Sequence[str] | None, why: str,
) -> list[Edit]:  # fmt: skip
    """Return the edits that texts name.

    Raises
    ------
    InputError
        A text cannot be read, or names what is not in the plan.
    """
    edits = [_set(desk, one, why) for one in minutes or ()]
    edits += [_pin(one, why) for one in pin or ()]
    edits += [Edit("forbid_area", area_of(desk, one), reason=why) for one in forbid or ()]
    for mark in lift or ():
        held = desk.marks.get(mark)
        edits.append(Edit("unpin_stop" if held and held.is_pin else "allow", mark=mark, reason=why))
    return edits


def balanced(desk: Desk, rows: pd.DataFrame, edits: Sequence[Edit]) -> pd.DataFrame:
    """Return rows whose total is what it was before, changed where nobody edited."""
    fixed = {
        (edit.area_id or 0, edit.shift_no or 0, edit.unit_kind or "")
        for edit in edits if edit.kind == "set_minutes"
    }  # fmt: skip
    shut = {edit.area_id for edit in edits if edit.kind == "forbid_area"}
    shut |= {m.edit.area_id for m in desk.marks.values() if m.edit.kind == "forbid_area"}
    keys = rows[["area_id", "shift_no", "unit_kind"]].itertuples(index=False, name=None)
    fixed |= {key for key in keys if key[0] in shut}
    rules = desk.plan.head["parameters"].get("allocation", {})
    return balance_minutes(
        rows, desk.shifts, total_min=int(desk.items["minutes"].sum()), fixed=fixed,
        floor_min=int(rules.get("floor_min", 0)), step_min=int(rules.get("step_min", 15)),
        params=desk.cover,
    )  # fmt: skip


def area_of(desk: Desk, code: str) -> int:
    """Return the number of an area of the plan by its code."""
    found = desk.plan.items.loc[desk.plan.items["code"] == code, "area_id"]
    if found.empty:
        raise InputError(
            f"grid {code!r} is not in plan {desk.plan.head['plan_id']}", code="no-grid"
        )
    return int(found.iloc[0])


def _set(desk: Desk, text: str, why: str) -> Edit:
    place, _, hours = text.partition("=")
    code, *rest = place.split("/")
    area = area_of(desk, code)
    mine = desk.items[desk.items["area_id"] == area]
    try:
        if rest:
            shift, kind = int(rest[0]), rest[1]
        else:
            ((shift, kind),) = mine[["shift_no", "unit_kind"]].itertuples(index=False, name=None)
        minutes = round(float(hours) * 60)
    except (ValueError, IndexError):
        raise InputError(
            f"--set {text!r} is not CODE=HOURS, or CODE/SHIFT/KIND=HOURS where a grid has several",
            code="bad-typed",
        ) from None
    return Edit("set_minutes", area, shift, kind, minutes, reason=why)


def _pin(text: str, why: str) -> Edit:
    try:
        lon, lat, minutes = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--pin {text!r} is not LON,LAT,MINUTES", code="bad-typed") from None
    return Edit("pin_stop", minutes=round(minutes), geom=shapely.Point(lon, lat), reason=why)
