"""The three-source map out of the database and, as stored results, into it. Never commits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from analytics.cube import Units
from analytics.queries import CubeRequest
from analytics.results import Result
from analytics.steps import make_steps
from analytics.store import Origin, write_result
from geo.crs.systems import project
from geo.effort_store import read_last_looks
from geo.lattice.lattice import cell_centres
from patrol.camera_store import read_incident_points
from patrol.coverage.protection import ProtectionParams, protection_index
from patrol.coverage.three_sources import (
    Coverage,
    CoverageParams,
    coverage_details,
    find_coverage,
    rank_unseen,
)
from patrol.watched import Watched, has_buildings

STAFFED = ("police", "service", "fire", "patrol_post")
_DAY_S = 86_400


@dataclass(frozen=True, eq=False)
class CoverageReport:
    """The map, its list, and the index by grid.

    Attributes
    ----------
    spots
        As `patrol.coverage.three_sources.rank_unseen` gives them, with ``code`` and ``name``.
    protection
        As `patrol.coverage.protection.protection_index` gives it, with ``code`` and ``name``.
    run_ids
        Numbers of the stored results, ``coverage`` (cells) and ``area_protection``; empty where
        they were not stored.
    flat
        Whether no building is known, so that sight on the ground was taken for a circle.
    """

    coverage: Coverage
    spots: gpd.GeoDataFrame
    protection: pd.DataFrame
    run_ids: dict[str, int]
    flat: bool


def report_coverage(
    connection: Connection,
    watched: Watched,
    *,
    window: tuple[date, date],
    now: datetime,
    params: CoverageParams | None = None,
    weights: ProtectionParams | None = None,
    code_version: str,
    store: bool = True,
) -> CoverageReport:
    """Find what nobody watches.

    Parameters
    ----------
    window
        First day of the reports that need is known from, and the day after the last.
    store
        Whether the results are kept.
    """
    how, mix = params or CoverageParams(), weights or ProtectionParams()
    place = watched.place
    first, end = window
    incidents = read_incident_points(
        connection, place.jurisdiction_id, first=first, end=end, time_zone=place.time_zone
    )
    incidents = incidents.assign(hour_of_week=_hour_of_week(incidents))
    ground = watched.ground
    x, y = cell_centres(ground.lattice)
    day = np.full(len(x), int(now.timestamp() // _DAY_S), dtype=np.int64)
    area = np.maximum(watched.grids.area_of(x, y, day), 0)
    looks = read_last_looks(connection, place.jurisdiction_id)
    found = find_coverage(
        ground, area, looks, incidents, now=now, weeks=(end - first).days / 7, params=how
    )
    names = _names(connection, place.jurisdiction_id)
    spots = rank_unseen(found, incidents)
    spots = spots.merge(names, on="area_id", how="left")
    index = _protect(connection, watched, found, looks, mix).merge(names, on="area_id", how="left")
    runs = {}
    if store:
        request = CubeRequest(place.jurisdiction_id, first, end)
        runs = _store(connection, watched, found, index, request, mix, code_version, now)
    flat = not has_buildings(connection, place.jurisdiction_id)
    return CoverageReport(found, gpd.GeoDataFrame(spots, crs=place.srid), index, runs, flat)


def _hour_of_week(incidents: pd.DataFrame) -> pd.Series[float]:
    """Return the local hour of the week; NaN where only the day is known."""
    return incidents["weekday"] * 24 + incidents["hour"]


def _protect(
    connection: Connection, watched: Watched, found: Coverage, looks: pd.DataFrame,
    mix: ProtectionParams,
) -> pd.DataFrame:  # fmt: skip
    recent_h = found.params.within_days * 24
    known = set(looks["source"])
    walked = found.age_h["foot"] <= recent_h if known & {"foot", "vehicle"} else None
    by_air = np.minimum(found.age_h["drone"], found.age_h["camera"]) <= recent_h
    rows = connection.execute(
        text(
            "SELECT ST_X(s.geom), ST_Y(s.geom) FROM station s JOIN feed f USING (feed_id) "
            "WHERE f.jurisdiction_id = :place AND s.kind = ANY (:kinds)"
        ),
        {"place": watched.place.jurisdiction_id, "kinds": list(STAFFED)},
    ).all()
    staffed = np.zeros(len(found.need), dtype=bool)
    if rows:
        at = np.array([list(row) for row in rows], dtype=np.float64)
        x, y = project(at[:, 0], at[:, 1], srid=watched.place.srid)
        middles = np.asarray(shapely.points(*cell_centres(watched.ground.lattice)), dtype=object)
        near = shapely.STRtree(middles).query(
            shapely.points(x, y), predicate="dwithin", distance=mix.reach_m
        )
        staffed[near[1]] = True
    return protection_index(
        found.area_id, found.need, walked=walked, staffed=staffed,
        watched=by_air if known & {"drone", "camera"} else None, params=mix,
    )  # fmt: skip


def _store(
    connection: Connection, watched: Watched, found: Coverage, index: pd.DataFrame,
    request: CubeRequest, mix: ProtectionParams, code_version: str, now: datetime,
) -> dict[str, int]:  # fmt: skip
    steps = make_steps(request.start, request.end, step="week", time_zone=watched.place.time_zone)
    lattice = watched.ground.lattice
    nothing = np.full(lattice.n_cells, np.nan)
    last = found.last_h
    cells = Result(
        kind="coverage", units=Units("cell", lattice.cells), steps=steps, observed=found.need,
        score=np.where(np.isfinite(last), last / 24, np.nan), p=nothing, q=nothing, slope=nothing,
        label=found.label,
        parameters=MappingProxyType({"coverage": asdict(found.params), "now": now.isoformat()}),
        details=coverage_details(found),
    )  # fmt: skip
    nothing = np.full(len(index), np.nan)
    areas = Result(
        kind="protection", units=Units("area", index["area_id"].to_numpy(dtype=np.int64)),
        steps=steps, observed=index["need"].to_numpy(), score=index["index"].to_numpy(),
        p=nothing, q=nothing, slope=nothing, label=index["label"].to_numpy(dtype=np.str_),
        parameters=MappingProxyType(
            {"protection": asdict(mix), "coverage": asdict(found.params), "now": now.isoformat()}
        ),
        details=index[["people", "physical", "technical"]].reset_index(drop=True),
    )  # fmt: skip
    return {
        "coverage": write_result(connection, cells, Origin(request, code_version, lattice=lattice)),
        "area_protection": write_result(
            connection, areas, Origin(request, code_version, level="grid")
        ),
    }


def _names(connection: Connection, jurisdiction_id: int) -> pd.DataFrame:
    rows: list[Any] = list(
        connection.execute(
            text("SELECT area_id, code, name FROM area WHERE jurisdiction_id = :place "
                 "AND level = 'grid'"),
            {"place": jurisdiction_id},
        )
    )  # fmt: skip
    return pd.DataFrame([tuple(row) for row in rows], columns=["area_id", "code", "name"])
