"""Posts, requirements, partners and duty out of the database and into it. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.crs.systems import convert_geometries
from geo.errors import InputError
from geo.network.store import read_network
from governance.models.posts import PARTNER_KINDS, Partner, PostRequirement
from governance.posts.reach import share_within, walk_to_station
from governance.posts.roles import ROLES
from governance.posts.staffing import Staffing, staff_grids


@dataclass(frozen=True)
class StationReach:
    """How many households have a service station within a walk.

    Attributes
    ----------
    share
        Of all households; None without households.
    grids
        ``area_id``, ``code``, ``name``, ``households``, ``share`` (None without households).
    """

    stations: int
    households: int
    reach_m: float
    share: float | None
    grids: pd.DataFrame


def read_least(connection: Connection, jurisdiction_id: int) -> dict[str, int]:
    """Read how many of each role a basic grid needs: the district's word over the common one."""
    least = {role.code: role.least for role in ROLES.values()}
    rows = connection.execute(
        text("SELECT role, least FROM post_requirement WHERE jurisdiction_id = :j"),
        {"j": jurisdiction_id},
    )
    return least | {row.role: row.least for row in rows}


def write_least(connection: Connection, jurisdiction_id: int, least: Mapping[str, int]) -> None:
    """Store how many of a role a basic grid needs."""
    for role, number in least.items():
        if not 0 <= number <= 100:
            msg = f"{role}: a grid needs 0 to 100 people, not {number}"
            raise InputError(msg, code="bad-number")
        made = upsert(PostRequirement).values(
            jurisdiction_id=jurisdiction_id, role=role, least=number
        )
        connection.execute(
            made.on_conflict_do_update(
                index_elements=["jurisdiction_id", "role"], set_={"least": number}
            )
        )


def read_staffing(connection: Connection, jurisdiction_id: int, *, on: date) -> Staffing:
    """Read who covers which grid on a day."""
    here = {"j": jurisdiction_id, "day": on}
    grids = _frame(connection, _GRIDS, here)
    posts = _frame(connection, _POSTS, here)
    return staff_grids(grids, posts, least=read_least(connection, jurisdiction_id))


def read_grid_list(connection: Connection, jurisdiction_id: int, *, on: date) -> pd.DataFrame:
    """Read the grids of a day: ``area_id``, ``code``, ``name``, ``name_en``, ``grid_kind``."""
    return _frame(connection, _GRIDS, {"j": jurisdiction_id, "day": on})


def read_vacancy_map(connection: Connection, jurisdiction_id: int, *, on: date) -> gpd.GeoDataFrame:
    """Return the basic grids with the roles that nobody holds, in EPSG:4326."""
    staffing = read_staffing(connection, jurisdiction_id, on=on)
    grids = _frame(connection, _GRID_SHAPES, {"j": jurisdiction_id, "day": on})
    shapes = shapely.from_wkb([bytes(wkb) for wkb in grids.pop("geom")])
    missing = staffing.gaps.groupby("area_id")["role"].agg(list)
    roles = [list(missing.get(area, [])) for area in grids["area_id"]]
    grids = grids.assign(
        vacant=[len(found) for found in roles], roles=[",".join(found) for found in roles]
    )
    return gpd.GeoDataFrame(grids, geometry=shapes, crs="EPSG:4326")


def read_on_duty(connection: Connection, jurisdiction_id: int, *, at: datetime) -> pd.DataFrame:
    """Read units on duty at a moment: ``unit``, ``kind``, ``headcount``, ``until``, ``area``."""
    return _frame(connection, _ON_DUTY, {"j": jurisdiction_id, "at": at})


def read_roster(
    connection: Connection, jurisdiction_id: int, *, start: datetime, end: datetime
) -> pd.DataFrame:
    """Read shifts that overlap a span: ``shift_id``, ``unit``, ``kind``, ``starts_at``, ..."""
    return _frame(connection, _ROSTER, {"j": jurisdiction_id, "start": start, "end": end})


def read_stations(connection: Connection, jurisdiction_id: int) -> pd.DataFrame:
    """Read the service stations: ``name``, ``address``, ``lon``, ``lat``."""
    return _frame(connection, _STATIONS, {"j": jurisdiction_id})


def read_station_reach(
    connection: Connection, jurisdiction_id: int, *, reach_m: float = 500.0
) -> StationReach:
    """Measure how many households have a service station within `reach_m` by road."""
    here = {"j": jurisdiction_id}
    srid = connection.execute(_SRID, here).scalar_one()
    homes, stations = (_frame(connection, query, here) for query in (_HOMES, _STATIONS))
    grids = _frame(connection, _GRIDS, here | {"day": date.today()})  # noqa: DTZ011 - a validity
    metres = walk_to_station(
        read_network(connection, jurisdiction_id), _metric(homes, srid), _metric(stations, srid)
    )
    households = homes["households"].to_numpy(dtype=np.float64)
    shares = share_within(households, metres, homes["area_id"].to_numpy(np.int64), reach_m=reach_m)
    counts = homes.groupby("area_id")["households"].sum()
    table = grids[grids["area_id"].isin(counts.index)].assign(
        households=lambda frame: frame["area_id"].map(counts),
        share=lambda frame: frame["area_id"].map(shares),
    )
    total = float(households.sum())
    near = float(households[metres <= reach_m].sum())
    return StationReach(
        len(stations), int(total), reach_m, near / total if total else None,
        table.sort_values(["share", "code"], ignore_index=True),
    )  # fmt: skip


def write_partner(
    connection: Connection, jurisdiction_id: int, *, code: str, name: str, name_en: str, kind: str,
    lon: float | None = None, lat: float | None = None, headcount: int = 0,
    services: tuple[str, ...] = (),
) -> int:  # fmt: skip
    """Store a partner organisation or seconded unit, over the one with its code."""
    if kind not in PARTNER_KINDS:
        msg = f"{kind!r} is no kind of partner; there are {', '.join(PARTNER_KINDS)}"
        raise InputError(msg, code="no-kind")
    point = None
    if lon is not None and lat is not None:
        point = text("ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)").bindparams(lon=lon, lat=lat)
    values = {"name": name, "name_en": name_en, "kind": kind, "geom": point,
              "headcount": headcount, "services": list(services)}  # fmt: skip
    made = upsert(Partner).values(jurisdiction_id=jurisdiction_id, code=code, **values)
    made = made.on_conflict_do_update(index_elements=["jurisdiction_id", "code"], set_=values)
    return int(connection.execute(made.returning(Partner.partner_id)).scalar_one())


def read_partners(
    connection: Connection, jurisdiction_id: int, *, near: tuple[float, float] | None = None,
    within_m: float = 2000.0,
) -> pd.DataFrame:  # fmt: skip
    """Read partners; those within metres of a point (longitude, latitude), the nearest first."""
    lon, lat = near if near is not None else (None, None)
    values = {"j": jurisdiction_id, "lon": lon, "lat": lat, "within": within_m}
    return _frame(connection, _PARTNERS, values)


def _metric(points: pd.DataFrame, srid: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    if not len(points):
        return np.zeros((0, 2))
    xy = points[["lon", "lat"]].to_numpy(dtype=np.float64)
    shapes = np.asarray(shapely.points(xy), dtype=object)
    metric = convert_geometries(shapes, crs="wgs84", to=srid)
    return np.asarray(shapely.get_coordinates(metric), dtype=np.float64)


def _frame(connection: Connection, query: object, values: Mapping[str, object]) -> pd.DataFrame:
    found = connection.execute(query, values)  # type: ignore[call-overload]
    return pd.DataFrame(found.all(), columns=list(found.keys()))


_SRID = text("SELECT metric_srid FROM jurisdiction WHERE jurisdiction_id = :j")
_IN_FORCE = "valid_from <= CAST(:day AS date) AND CAST(:day AS date) < valid_to"
_GRIDS = text(
    "SELECT area_id, code, name, name_en, grid_kind FROM area "  # noqa: S608 - constants
    f"WHERE jurisdiction_id = :j AND level = 'grid' AND grid_kind <> 'micro' AND {_IN_FORCE} "
    "ORDER BY code"
)
_GRID_SHAPES = text(
    "SELECT area_id, code, name, name_en, ST_AsBinary(geom) AS geom FROM area "  # noqa: S608
    f"WHERE jurisdiction_id = :j AND level = 'grid' AND grid_kind = 'basic' AND {_IN_FORCE} "
    "ORDER BY code"
)
# A post of a street or community is none of its grids': 4+N roles are given grid by grid.
_POSTS = text(
    "SELECT p.person_id, n.staff_no, p.role, p.area_id FROM post p "
    "JOIN person n USING (person_id) JOIN area a USING (area_id) "
    "WHERE n.jurisdiction_id = :j AND a.level = 'grid' AND p.valid_from <= CAST(:day AS date) "
    "AND CAST(:day AS date) < p.valid_to ORDER BY p.post_id"
)
_DUTY = (
    "FROM shift s JOIN unit u USING (unit_id) JOIN feed f USING (feed_id) "
    "LEFT JOIN area a ON a.area_id = u.area_id WHERE f.jurisdiction_id = :j "
)
_ON_DUTY = text(
    "SELECT u.name AS unit, u.kind, u.headcount, s.ends_at AS until, a.name AS area "
    f"{_DUTY} AND s.starts_at <= :at AND :at < s.ends_at ORDER BY u.kind, u.name"
)
_ROSTER = text(
    "SELECT s.shift_id, u.name AS unit, u.kind, u.headcount, s.starts_at, s.ends_at, "
    "a.name AS area "
    f"{_DUTY} AND s.starts_at < :end AND s.ends_at > :start ORDER BY s.starts_at, u.kind, u.name"
)
_HOMES = text(
    "SELECT h.households, ST_X(h.geom) AS lon, ST_Y(h.geom) AS lat, a.area_id "
    "FROM household_point h JOIN feed f USING (feed_id) JOIN area a "
    "ON a.jurisdiction_id = f.jurisdiction_id AND a.level = 'grid' AND a.grid_kind <> 'micro' "
    "AND ST_Covers(a.geom, h.geom) AND a.valid_from <= current_date AND current_date < a.valid_to "
    "WHERE f.jurisdiction_id = :j AND h.households > 0 ORDER BY h.household_point_id"
)
_STATIONS = text(
    "SELECT s.name, s.address, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat FROM station s "
    "JOIN feed f USING (feed_id) WHERE f.jurisdiction_id = :j AND s.kind = 'service' "
    "ORDER BY s.station_id"
)
_PARTNERS = text(
    "SELECT p.code, p.name, p.name_en, p.kind, p.headcount, p.services, ST_X(p.geom) AS lon, "
    "ST_Y(p.geom) AS lat, "
    "ST_DistanceSphere(p.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) AS metres "
    "FROM partner p WHERE p.jurisdiction_id = :j AND (CAST(:lon AS float) IS NULL OR "
    "ST_DistanceSphere(p.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) <= :within) "
    "ORDER BY metres NULLS LAST, p.code"
)
