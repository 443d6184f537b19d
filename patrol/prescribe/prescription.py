"""What a class of problems asks for: whom, when, for how long, what to look at, what to bring."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError

Floats = NDArray[np.float64]

MEANS = ("foot", "vehicle", "drone", "camera_desk", "volunteer", "joint")
_CODE = re.compile(r"[0-9A-Za-z_.-]{1,40}")


@dataclass(frozen=True)
class Prescription:
    """What a district does about a class of problems.

    Attributes
    ----------
    code
        The class, or the first two digits of a group for all its classes without their own.
    means
        Kinds of unit that see to it, the best first; see `MEANS`.
    window_from, window_to
        When to go, local time; a window past midnight ends before it begins. Both None: at the
        hours of its reports.
    dwell_min
        Minutes of a visit.
    checklist_zh, checklist_en
        What to look at, in order.
    evidence_zh, evidence_en
        What to bring back.
    """

    code: str
    means: tuple[str, ...]
    window_from: time | None
    window_to: time | None
    dwell_min: int
    checklist_zh: tuple[str, ...]
    checklist_en: tuple[str, ...]
    evidence_zh: str
    evidence_en: str

    def __post_init__(self) -> None:
        where = f"prescription {self.code!r}"
        if not _CODE.fullmatch(self.code):
            raise InputError(f"{where}: a class code has 1 to 40 letters, digits, dots or dashes")
        strange = [kind for kind in self.means if kind not in MEANS]
        if strange or not self.means or len(set(self.means)) < len(self.means):
            named = f"{strange[0]!r} is no means" if strange else "name each means once"
            raise InputError(f"{where}: {named}; there are {', '.join(MEANS)}")
        if (self.window_from is None) != (self.window_to is None):
            raise InputError(f"{where}: a window has a begin and an end, or neither")
        if self.window_from is not None and self.window_from == self.window_to:
            raise InputError(
                f"{where}: the window ends when it begins; leave both out for any time"
            )
        if not 1 <= self.dwell_min <= 480:
            raise InputError(f"{where}: dwell_min lies between 1 and 480, not {self.dwell_min}")
        if not self.checklist_zh or len(self.checklist_zh) != len(self.checklist_en):
            raise InputError(
                f"{where}: the checklist needs as many points in Chinese as in English"
            )

    def has_hour(self, hour: int) -> bool:
        """Return whether any part of a local hour lies in the window."""
        if self.window_from is None or self.window_to is None:
            return True
        begin = self.window_from.hour * 60 + self.window_from.minute
        end = self.window_to.hour * 60 + self.window_to.minute
        low, high = hour * 60, hour * 60 + 60
        if begin < end:
            return low < end and high > begin
        return low < end or high > begin


def find_prescription(code: str, prescriptions: Mapping[str, Prescription]) -> Prescription | None:
    """Return a class's own prescription, else its group's (its first two digits), else None."""
    return prescriptions.get(code) or prescriptions.get(code[:2])


def split_kinds(
    classes: Sequence[str], prescriptions: Mapping[str, Prescription], kinds: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """Return which share of each class's need each kind of unit on duty sees to.

    The prescribed means that are on duty share a class evenly. A class without a prescription,
    or none of whose means is on duty, falls to those on foot, or to all kinds evenly.

    Returns
    -------
    tuple
        Shape ``(n_classes, n_kinds)``, rows sum to 1; and the classes whose prescribed means are
        all off duty.
    """
    share = np.zeros((len(classes), len(kinds)))
    unmet = []
    for row, code in enumerate(classes):
        found = find_prescription(code, prescriptions)
        means = [] if found is None else [kinds.index(k) for k in found.means if k in kinds]
        if found is not None and not means:
            unmet.append(code)
        fallback = [list(kinds).index("foot")] if "foot" in kinds else list(range(len(kinds)))
        own = means or fallback
        share[row, own] = 1.0 / len(own)
    return share, tuple(unmet)
