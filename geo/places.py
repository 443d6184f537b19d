"""A jurisdiction as computations need it: reference system, zone, boundary, grids of any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import convert_geometries, project
from geo.locate.polygons import PolygonIndex, index_polygons, locate

_EPOCH = date(1970, 1, 1)
_Indexed = tuple[npt.NDArray[np.int64], PolygonIndex]


@dataclass(frozen=True)
class Place:
    """A jurisdiction: `boundary` in longitude and latitude, `srid` its metric system."""

    jurisdiction_id: int
    code: str
    name: str
    code_scheme: str
    srid: int
    time_zone: str
    boundary: BaseGeometry

    def buffered(self, margin_m: float) -> PolygonIndex:
        """Index the boundary widened by `margin_m` (to 2 % of it), in metric coordinates."""
        metric = convert_geometries(np.array([self.boundary]), crs="wgs84", to=self.srid)[0]
        plain = shapely.simplify(metric, margin_m / 50)
        return index_polygons([shapely.buffer(plain, margin_m, quad_segs=8)], srid=self.srid)


@dataclass(frozen=True)
class GridSet:
    """The grids of a jurisdiction with their validity, for points of any day.

    Attributes
    ----------
    area_id, valid_from, valid_to
        Shape ``(n_grids,)``; days since 1970, half-open ``[valid_from, valid_to)``.
    polygons
        Metric polygons, shape ``(n_grids,)``.
    """

    srid: int
    area_id: npt.NDArray[np.int64]
    valid_from: npt.NDArray[np.int64]
    valid_to: npt.NDArray[np.int64]
    polygons: npt.NDArray[np.object_]

    @cached_property
    def _periods(self) -> tuple[npt.NDArray[np.int64], list[_Indexed | None]]:
        """Return the days on which the set of grids changes, and the grids from each day on."""
        changes = np.unique(np.concatenate([self.valid_from, self.valid_to]))
        sets: list[_Indexed | None] = []
        for day in changes:
            valid = (self.valid_from <= day) & (day < self.valid_to)
            sets.append(
                (self.area_id[valid], index_polygons(self.polygons[valid], srid=self.srid))
                if valid.any()
                else None
            )
        return changes, sets

    def area_of(
        self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], day: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the grid of each point on its day, -1 where there is none, shape ``(n,)``."""
        out = np.full(len(x), -1, dtype=np.int64)
        if not len(self.area_id):
            return out
        changes, sets = self._periods
        period = np.searchsorted(changes, day, side="right") - 1
        for number in np.unique(period[period >= 0]):
            grids = sets[number]
            if grids is None:
                continue
            rows = np.flatnonzero(period == number)
            found = locate(grids[1], x[rows], y[rows])
            out[rows[found >= 0]] = grids[0][found[found >= 0]]
        return out


def days_since_1970(day: date) -> int:
    """Count days from 1970-01-01; the open ends of a validity are far away on either side."""
    return (day - _EPOCH).days


def metric(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], place: Place
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Project longitude and latitude into the jurisdiction's metric system."""
    return project(lon, lat, srid=place.srid)
