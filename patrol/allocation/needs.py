"""Whose reports are expected where, in which shift, and for which kind of unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from patrol.prescribe.prescription import Prescription, find_prescription
from patrol.shifts import PlanShift

Floats = NDArray[np.float64]


def share_shifts(
    classes: Sequence[str],
    profile: Floats,
    shifts: Sequence[PlanShift],
    prescriptions: Mapping[str, Prescription],
    *,
    zone: tzinfo,
) -> Floats:
    """Return which share of a week's reports of each class falls into each shift.

    What the shifts together hold of a class that has a time window goes to the parts of them in
    the window, as its reports are spread there; if no shift reaches into the window, or there is
    none, reports stay where they are.

    Parameters
    ----------
    profile
        Shape ``(n_classes, 7, 24)``, share of a class's week in each local hour, Monday first.

    Returns
    -------
    NDArray
        Shape ``(n_classes, n_shifts)``, at least 0.

    Raises
    ------
    InputError
        The profile does not fit the classes.
    """
    if profile.shape != (len(classes), 7, 24) or not np.isfinite(profile).all():
        raise InputError(f"the profile has shape {profile.shape} for {len(classes)} classes")
    share = np.zeros((len(classes), len(shifts)))
    slots = [(s, *slot) for s, shift in enumerate(shifts) for slot in _hours(shift, zone)]
    number, weekday, hour = (
        np.array(part, dtype=int) for part in list(zip(*slots, strict=True))[:3]
    )
    part = np.array([slot[3] for slot in slots])
    for row, code in enumerate(classes):
        weight = profile[row, weekday, hour] * part
        found = find_prescription(code, prescriptions)
        if found is not None:
            weight = _into_window(weight, np.array([found.has_hour(h) for h in hour]), part)
        np.add.at(share[row], number, weight)
    return share


def need_by_cell(by_class: Floats, shifts: Floats, kinds: Floats) -> Floats:
    """Return expected reports of grids by shift and kind of unit.

    Parameters
    ----------
    by_class
        Shape ``(n, n_classes)``, expected reports a week.
    shifts, kinds
        Shapes ``(n_classes, s)`` and ``(n_classes, k)``, shares of the week and of the means.

    Returns
    -------
    NDArray
        Shape ``(n, s, k)``.
    """
    spread = shifts[:, :, None] * kinds[:, None, :]
    return np.asarray(np.einsum("nc,csk->nsk", by_class, spread))


def _into_window(weight: Floats, inside: NDArray[np.bool_], part: Floats) -> Floats:
    if inside.all() or not inside.any():
        return weight
    held = np.where(inside, weight, 0.0)
    held = held if held.sum() > 0 else np.where(inside, part, 0.0)
    return np.asarray(held * weight.sum() / held.sum())


def _hours(shift: PlanShift, zone: tzinfo) -> list[tuple[int, int, float]]:
    """Return weekday, hour and share of the hour of every local clock hour of a shift."""
    found = []
    at = shift.starts_at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    begin, end = shift.starts_at.timestamp(), shift.ends_at.timestamp()
    moment = at.timestamp()
    while moment < end:
        local = at.fromtimestamp(moment, zone)
        seconds = min(moment + 3600, end) - max(moment, begin)
        if seconds > 0:
            found.append((local.weekday(), local.hour, seconds / 3600))
        moment += timedelta(hours=1).total_seconds()
    return found
