"""Why a grid of a division lies outside the bounds of households, in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.grids.policy import HouseholdPolicy


class Reason(NamedTuple):
    """One reason in both languages."""

    zh: str
    en: str


def reason_for(
    households: npt.NDArray[np.float64],
    inside: npt.NDArray[np.bool_],
    *,
    policy: HouseholdPolicy,
    cut_off: bool,
    building: bool,
) -> Reason | None:
    """Return why a grid is out of bounds, or None when it is not.

    Parameters
    ----------
    households
        Households of every atom of the connected ground that was divided, shape ``(n_atoms,)``.
    inside
        Which atoms the grid has.
    cut_off
        Whether the ground is one of several parts of its community.
    building
        Whether homes are buildings; else they are points.
    """
    load, whole = households[inside].sum(), households.sum()
    if policy.minimum <= load <= policy.maximum:
        return None
    largest = households[inside].max()
    if largest > policy.maximum:
        zh, en = ("一栋楼", "one building") if building else ("一个地点", "one place")
        return Reason(f"{zh}就有 {largest:.0f} 户", f"{en} holds {largest:.0f} households")
    if not _can_be_shared(whole, policy):
        return _no_number_fits(whole, policy, cut_off=cut_off)
    largest = households.max()
    return Reason(
        f"楼栋不可拆分(最多一处 {largest:.0f} 户),相邻网格无法分得更匀",
        f"homes cannot be parted more evenly with the neighbours: one place holds up to "
        f"{largest:.0f} households",
    )


def _can_be_shared(whole: float, policy: HouseholdPolicy) -> bool:
    fewest = np.ceil(whole / policy.maximum)
    return bool(whole > 0 and fewest * policy.minimum <= whole)


def _no_number_fits(whole: float, policy: HouseholdPolicy, *, cut_off: bool) -> Reason:
    zh, en = (
        ("被隔开的这一片", "this part, cut off from the rest,")
        if cut_off
        else ("整个社区", "the whole community")
    )
    if whole < policy.minimum:
        return Reason(f"{zh}只有 {whole:.0f} 户", f"{en} has only {whole:.0f} households")
    bounds = f"{policy.minimum}–{policy.maximum}"
    return Reason(
        f"{zh}共 {whole:.0f} 户,无论分几个网格都不能各为 {bounds} 户",
        f"{en} has {whole:.0f} households, which no number of grids of {bounds} can share",
    )
