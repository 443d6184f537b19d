"""The routes of one shift from what is stored: a plan's visits, units with bases, and roads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection

from geo.crs.systems import convert_geometries
from geo.errors import InputError, NotFoundError
from geo.network.speeds import Mode
from geo.network.store import read_network
from patrol.routes.balance import BalanceParams
from patrol.routes.planning import RoutePlan, plan_routes
from patrol.routes.problem import Break, Stop, Unit
from patrol.routes.search import SearchParams
from patrol.routes.travel import Site

MODE_OF_KIND: dict[str, Mode] = {
    "foot": "foot", "volunteer": "foot", "vehicle": "vehicle", "joint": "vehicle",
}  # fmt: skip


@dataclass(frozen=True)
class ShiftParams:
    """The shift that routes are for.

    Attributes
    ----------
    starts_at, ends_at
        With time zone.
    seed
        Of the search.
    iterations
        Length of the search.
    rest_min
        A rest in the middle third of the shift; 0: none.
    """

    starts_at: datetime
    ends_at: datetime
    seed: int = 1
    iterations: int = 6000
    rest_min: float = 30.0

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise InputError("a shift needs times with their time zone")
        if not self.starts_at < self.ends_at:
            raise InputError("a shift ends after it begins")
        if self.rest_min < 0 or self.iterations < 1:
            raise InputError("rest_min is 0 or more, iterations 1 or more")

    @property
    def length_s(self) -> float:
        """Its length in seconds."""
        return (self.ends_at - self.starts_at).total_seconds()


@dataclass(frozen=True, eq=False)
class ShiftRoutes:
    """Routes of a shift with the names that they are stored by.

    Attributes
    ----------
    plan
        The routes.
    visits
        One row a stop, as `visits_of_plan` gives them.
    units
        One row a unit: ``unit_id``, ``name``, ``kind``.
    unplaced
        ``stop_ref`` of visits that no road leads to; they were left out.
    params
        What was asked.
    srid
        Metric system of the plan's coordinates.
    """

    plan: RoutePlan
    visits: gpd.GeoDataFrame
    units: pd.DataFrame
    unplaced: tuple[str, ...]
    params: ShiftParams
    srid: int


def draft_routes(
    connection: Connection,
    jurisdiction_id: int,
    visits: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    params: ShiftParams,
    srid: int,
    balance: BalanceParams | None = None,
) -> ShiftRoutes:
    """Find the routes of units over visits on the stored roads.

    Parameters
    ----------
    visits
        As `visits_of_plan` gives them; a column ``must`` may mark visits that have to be made.
    units
        ``unit_id``, ``name``, ``kind`` and the point of the base, EPSG:4326.

    Raises
    ------
    NotFoundError
        If there are no units or no visits.
    InputError
        If a must or a shift is impossible, by name.
    """
    if units.empty or visits.empty:
        what = "units with a base" if units.empty else "visits"
        raise NotFoundError(
            f"there are no {what}: import units, or draft a plan with hours",
            code="no-unit-base" if units.empty else "no-visits",
        )
    site = Site(read_network(connection, jurisdiction_id))
    stop_xy, base_xy = (
        np.array([(p.x, p.y) for p in convert_geometries(
            np.asarray(frame.geometry.array, dtype=object), crs="wgs84", to=srid)])
        for frame in (visits, units)
    )  # fmt: skip
    asked = [_unit(row, k, params) for k, row in enumerate(units.itertuples())]
    rng = np.random.default_rng(params.seed)
    search = SearchParams(iterations=params.iterations)
    made = plan_routes(
        _stops(visits), asked, site, stop_xy=stop_xy, base_xy=base_xy, rng=rng, search=search,
        balance=balance,
    )  # fmt: skip
    reached = np.isfinite(np.min([t.min(axis=0, where=~np.eye(len(t), dtype=bool), initial=np.inf)
                                  for t in made.travel.seconds.values()], axis=0))  # fmt: skip
    refs = visits["stop_ref"].to_numpy()
    unplaced = tuple(str(refs[v]) for v in made.routes.left_out if not reached[v])
    facts = pd.DataFrame(units.drop(columns="geometry"))
    return ShiftRoutes(made, visits, facts, unplaced, params, srid)


def _stops(visits: gpd.GeoDataFrame) -> Sequence[Stop]:
    must = visits["must"] if "must" in visits.columns else pd.Series(False, index=visits.index)
    return [
        Stop(str(ref), float(prize), float(dwell), must=bool(flag))
        for ref, prize, dwell, flag in zip(
            visits["stop_ref"], visits["prize"], visits["dwell_s"], must, strict=True
        )
    ]


def _unit(row: object, k: int, params: ShiftParams) -> Unit:
    kind = str(getattr(row, "kind", ""))
    length = params.length_s
    made = Unit(str(getattr(row, "name", k)), MODE_OF_KIND[kind], k, k, 0.0, length)
    if params.rest_min == 0:
        return made
    rest = Break(length / 3, 2 * length / 3, params.rest_min * 60)
    return replace(made, breaks=(rest,))
