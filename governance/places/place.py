"""Places an address without a person, where exactly one place fits; else says why it was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Literal

from sqlalchemy import Connection, text

from governance.places.find import Candidate, CandidateKind, find_candidates

SURE = 0.85
"""Least confidence of the place that is taken."""
CLEARLY = 0.1
"""So much less confidence has every other place that lies elsewhere."""
ELSEWHERE_M = 100.0
NEAR_M = 150.0
"""How far off "near" or "opposite" may be, metres."""
# A road, a water or a community is too long or wide to send anybody to. Never 50 m or less, so that
# what nobody placed does not become an earlier address for others.
ACCURACY_M: dict[CandidateKind, float] = {
    "crossing": 60.0, "number": 60.0, "station": 60.0, "address": 60.0, "building": 100.0,
}  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """Where an address is: a point (EPSG:4326) with metres of doubt, or a grid."""

    name: str
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    area_id: int | None = None


@dataclass(frozen=True)
class Unplaced:
    """Why an address has no place: nothing is alike, or nothing is sure and alone."""

    reason: Literal["address_unknown", "address_unsure"]
    told: str


def place_address(connection: Connection, address: str) -> Placed | Unplaced:
    """Return where an address is if one place is sure and no other comes near it, or why not."""
    found = find_candidates(connection, address)
    if not found:
        return Unplaced("address_unknown", address)
    best = found[0]
    unsure = Unplaced("address_unsure", _told(address, found))
    if best.confidence < SURE or any(_rivals(best, one) for one in found[1:]):
        return unsure
    if best.area_id is not None:
        is_grid = connection.execute(_IS_GRID, {"area": best.area_id}).scalar_one()
        return Placed(best.name, area_id=best.area_id) if is_grid else unsure
    if best.kind not in ACCURACY_M:
        return unsure
    accuracy_m = NEAR_M if best.note == "near" else ACCURACY_M[best.kind]
    return Placed(best.name, best.lon, best.lat, accuracy_m)


def _rivals(best: Candidate, other: Candidate) -> bool:
    """Return whether another place is about as sure and lies elsewhere."""
    if other.confidence < best.confidence - CLEARLY:
        return False
    east = (other.lon - best.lon) * cos(radians(best.lat))
    return hypot(east, other.lat - best.lat) * 111_320 > ELSEWHERE_M


def _told(address: str, found: Sequence[Candidate]) -> str:
    names = ", ".join(f"{one.name} {one.confidence:.0%}" for one in found[:3])
    return f"{address}: {names}"


_IS_GRID = text("SELECT level = 'grid' FROM area WHERE area_id = :area")
