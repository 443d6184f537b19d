"""All that decides how the rows of a file are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from geo.imports.mapping import Mapping
from geo.imports.schema import Kind
from geo.locate.polygons import PolygonIndex
from geo.places import GridSet, Place


@dataclass(frozen=True)
class ReadPlan:
    """All that decides how rows are read.

    Attributes
    ----------
    crs
        The file's reference system.
    near
        The jurisdiction's boundary widened by the mapping's margin; None while a jurisdiction
        is being founded.
    category_ids
        Code -> id of each class of the scheme.
    area_ids
        Code -> id of each area that units may name.
    now
        No time may lie more than a day after it.
    """

    mapping: Mapping
    kind: Kind
    crs: str
    time_zone: str
    now: datetime
    place: Place | None = None
    near: PolygonIndex | None = None
    grids: GridSet | None = None
    category_ids: dict[str, int] | None = None
    area_ids: dict[str, int] | None = None
