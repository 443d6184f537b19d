"""What people change by hand in a plan: minutes, stops that must be made, ground nobody goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo.errors import InputError

EditKind = Literal["set_minutes", "pin_stop", "unpin_stop", "forbid_area", "forbid_cell", "allow"]
KEY = ["area_id", "shift_no", "unit_kind"]
MOST_MINUTES = 6000
MOST_EDITS = 500
_MARKING = ("pin_stop", "forbid_area", "forbid_cell")
_LIFTING = ("unpin_stop", "allow")


@dataclass(frozen=True)
class Edit:
    """One change of a plan.

    Attributes
    ----------
    kind
        ``set_minutes`` of an area, shift and kind of unit; ``pin_stop``, a stop that must be made;
        ``forbid_area`` and ``forbid_cell``, ground that nobody is sent to; ``unpin_stop`` and
        ``allow`` lift one of these by its mark.
    minutes
        Of `set_minutes`, or how long a pinned stop lasts.
    mark
        Name of a pin or a forbidden ground, so that it can be lifted; given when it is stored.
    geom
        EPSG:4326: the point of a pin, the polygon of a cell.
    reason
        Why, in the words of who edits.
    """

    kind: EditKind
    area_id: int | None = None
    shift_no: int | None = None
    unit_kind: str | None = None
    minutes: int | None = None
    mark: str | None = None
    geom: BaseGeometry | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InputError(f"{self.kind}: say why, an edit has a reason")
        if self.minutes is not None and not 0 <= self.minutes <= MOST_MINUTES:
            raise InputError(f"{self.kind}: minutes lie between 0 and {MOST_MINUTES:,}")
        lacking = [name for name in _NEEDS[self.kind] if getattr(self, name) is None]
        if lacking:
            raise InputError(f"{self.kind} needs {', '.join(lacking)}")
        _check_shape(self.kind, self.geom)


_NEEDS: dict[EditKind, tuple[str, ...]] = {
    "set_minutes": ("area_id", "shift_no", "unit_kind", "minutes"),
    "pin_stop": ("geom", "minutes"),
    "unpin_stop": ("mark",),
    "forbid_area": ("area_id",),
    "forbid_cell": ("geom",),
    "allow": ("mark",),
}


@dataclass(frozen=True)
class Mark:
    """A pin or a forbidden ground that holds in a version.

    Attributes
    ----------
    edit
        What made it.
    by
        Who.
    """

    name: str
    edit: Edit
    by: str

    @property
    def is_pin(self) -> bool:
        """Whether it is a stop that must be made; else it is forbidden ground."""
        return self.edit.kind == "pin_stop"


def apply_edits(
    items: pd.DataFrame, edits: Sequence[Edit], *, marks: Mapping[str, Mark], person: str
) -> pd.DataFrame:
    """Return the rows of a plan after edits; `items` stays as it is.

    Parameters
    ----------
    items
        `KEY` (one row each), ``minutes``, ``reason_zh``, ``reason_en`` and whatever else.
    edits
        In the order in which they were made.
    marks
        Those that hold before, by name: forbidden areas keep their minutes at 0.
    person
        Who edits; the reasons say so.

    Returns
    -------
    DataFrame
        Same columns. A row that did not exist is added after the others of its area.

    Raises
    ------
    InputError
        An area is not in the plan, a mark does not hold, or a forbidden area gets minutes.
    """
    if len(edits) > MOST_EDITS:
        raise InputError(f"a version takes at most {MOST_EDITS} edits, got {len(edits)}")
    rows: dict[Any, dict[str, Any]] = {
        tuple(row[name] for name in KEY): {str(name): value for name, value in row.items()}
        for row in items.to_dict("records")
    }
    known = {key[0] for key in rows}
    shut = {mark.edit.area_id for mark in marks.values() if mark.edit.kind == "forbid_area"}
    held = dict(marks)
    for number, edit in enumerate(edits, start=1):
        where = f"edit {number}"
        if edit.area_id is not None and edit.area_id not in known:
            raise InputError(f"{where}: area {edit.area_id} is not in this plan")
        if edit.kind == "set_minutes":
            _set(rows, edit, shut, person, where)
        elif edit.kind == "forbid_area":
            shut.add(edit.area_id)
            _empty(rows, edit, person)
        elif edit.kind in _LIFTING:
            lifted = _lift(held, edit, where)
            shut.discard(lifted.edit.area_id)
    made = pd.DataFrame(list(rows.values()), columns=items.columns)
    return made.sort_values(KEY, kind="stable", ignore_index=True)


def fold_marks(history: Sequence[tuple[str, Edit, str]]) -> dict[str, Mark]:
    """Return the marks that hold after a version's ancestors and itself.

    Parameters
    ----------
    history
        Name of the mark, edit and person, the oldest first.
    """
    held: dict[str, Mark] = {}
    for name, edit, person in history:
        if edit.kind in _MARKING:
            held[name] = Mark(name, edit, person)
        elif edit.kind in _LIFTING and edit.mark is not None:
            held.pop(edit.mark, None)
    return held


def name_marks(edits: Sequence[Edit], *, version: int) -> list[Edit]:
    """Return edits whose new pins and forbidden grounds have names."""
    return [
        replace(edit, mark=f"v{version}.{number}") if edit.kind in _MARKING else edit
        for number, edit in enumerate(edits, start=1)
    ]


def change_visits(
    visits: Any, marks: Mapping[str, Mark], *, shapes: Mapping[int, BaseGeometry]
) -> Any:
    """Return visits without those on forbidden ground, and with the pinned ones as musts.

    Parameters
    ----------
    visits
        As `patrol.routes.assignments.visits_of_plan` gives them, points in EPSG:4326.
    shapes
        Outline of each area by number, EPSG:4326: a pin belongs to the area that it lies in.

    Returns
    -------
    GeoDataFrame
        The same columns and ``must``.
    """
    shut = [mark.edit for mark in marks.values() if not mark.is_pin]
    areas = {edit.area_id for edit in shut if edit.kind == "forbid_area"}
    cells = [edit.geom for edit in shut if edit.geom is not None]
    keep = ~visits["area_id"].isin(areas)
    if cells:
        keep &= ~shapely.intersects(shapely.union_all(cells), visits.geometry.to_numpy())
    kept = visits[keep].assign(must=False)
    pins = [_pin(mark, shapes) for mark in marks.values() if mark.is_pin]
    if not pins:
        return kept.reset_index(drop=True)
    more = type(visits)(pins, geometry="geometry", crs=4326)
    return type(visits)(pd.concat([kept, more], ignore_index=True), geometry="geometry", crs=4326)


def _pin(mark: Mark, shapes: Mapping[int, BaseGeometry]) -> dict[str, Any]:
    edit = mark.edit
    area = edit.area_id
    if area is None:
        area = next((n for n, shape in shapes.items() if shape.intersects(edit.geom)), None)
    minutes = float(edit.minutes or 0)
    return {
        "stop_ref": f"pin/{mark.name}", "area_id": area, "prize": minutes, "dwell_s": minutes * 60,
        "reason_zh": f"必到点（{mark.by}）：{edit.reason}",
        "reason_en": f"must stop ({mark.by}): {edit.reason}",
        "must": True, "geometry": edit.geom,
    }  # fmt: skip


def _set(
    rows: dict[Any, dict[str, Any]], edit: Edit, shut: set[int | None], person: str, where: str
) -> None:
    if edit.area_id in shut and edit.minutes:
        raise InputError(f"{where}: area {edit.area_id} is forbidden; allow it first")
    key = (edit.area_id, edit.shift_no, edit.unit_kind)
    old = rows.get(key)
    if old is None:
        like = next(row for known, row in rows.items() if known[0] == edit.area_id)
        old = like | dict(zip(KEY, key, strict=True))
        old |= {"minutes": 0, "reason_zh": "", "reason_en": ""} | _not_of(like)
    rows[key] = _said(old, int(edit.minutes or 0), edit.reason, person)


def _not_of(like: dict[str, Any]) -> dict[str, Any]:
    """Return what a new row does not have of another of its area: the need of that row alone."""
    reason = like.get("reason") or {}
    own = {name: None for name in ("need", "covered") if name in reason}
    found = {"reason": reason | own} if "reason" in like else {}
    return found | ({"need_row": float("nan")} if "need_row" in like else {})


def _empty(rows: dict[Any, dict[str, Any]], edit: Edit, person: str) -> None:
    for key, row in rows.items():
        if key[0] == edit.area_id and row["minutes"]:
            rows[key] = _said(row, 0, edit.reason, person)


def _said(row: dict[str, Any], minutes: int, reason: str, person: str) -> dict[str, Any]:
    before, after = row["minutes"] / 60, minutes / 60
    if minutes == row["minutes"]:
        return row
    zh = f"人工调整 {before:g} → {after:g} 小时（{person}）：{reason}"
    en = f"edited by hand {before:g} -> {after:g} h ({person}): {reason}"
    old_zh, old_en = row["reason_zh"], row["reason_en"]
    return row | {
        "minutes": minutes,
        "reason_zh": f"{zh}；{old_zh}" if old_zh else zh,
        "reason_en": f"{en}; {old_en}" if old_en else en,
    }


def _lift(held: dict[str, Mark], edit: Edit, where: str) -> Mark:
    mark = held.pop(edit.mark or "", None)
    if mark is None or mark.is_pin != (edit.kind == "unpin_stop"):
        what = "pin" if edit.kind == "unpin_stop" else "forbidden ground"
        raise InputError(f"{where}: there is no {what} {edit.mark!r} in this plan")
    return mark


def _check_shape(kind: EditKind, geom: BaseGeometry | None) -> None:
    wanted = {"pin_stop": "Point", "forbid_cell": "Polygon"}.get(kind)
    if geom is None or wanted is None:
        return
    west, south, east, north = geom.bounds if not geom.is_empty else (0.0, 0.0, 0.0, 999.0)
    inside = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    if geom.geom_type != wanted or not geom.is_valid or not inside:
        raise InputError(f"{kind} takes a sound {wanted} of longitudes and latitudes")
