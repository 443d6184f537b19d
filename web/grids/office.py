"""The stored grids of a jurisdiction as commands ask for them: by code, by day, with homes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection as Session

from geo.drawings import read_drawing
from geo.errors import ConflictError, NotFoundError
from geo.grids.change import GridChange
from geo.grids.exclusive import make_exclusive
from geo.grids.findings import Finding
from geo.grids.policy import EXCLUSIVE, MICRO, HouseholdPolicy
from geo.grids.site import Ground
from geo.grids.store import apply_change, read_grids, read_parents, retag_incidents
from geo.grids.validate import validate_grids
from geo.ground import read_homes, read_seams
from geo.models.base import LEVELS
from geo.places import Place
from geo.store import Connection, read_place
from web.opening import begin, open_database
from web.subject import About, read_about

# Incidents of every later day are tagged anew.
_LAST_DAY = date(9999, 12, 30)


@dataclass(frozen=True)
class Office:
    """A jurisdiction in one transaction; `connection` is the driver's own below `session`."""

    session: Session
    connection: Connection
    place: Place
    about: About

    def today(self) -> date:
        """Return the day that it is in the jurisdiction."""
        return datetime.now(ZoneInfo(self.place.time_zone)).date()


@contextmanager
def open_office(jurisdiction: str | None) -> Iterator[Office]:
    """Give a jurisdiction in a transaction: all that was written is kept, or nothing is."""
    with begin(open_database()) as session:
        about = read_about(session, jurisdiction)
        connection = cast(Connection, session.connection.driver_connection)
        yield Office(session, connection, read_place(connection, about.code), about)


@dataclass(frozen=True)
class Checked:
    """The grids of a day, what is wrong with them, and what could not be asked of them."""

    grids: gpd.GeoDataFrame
    findings: list[Finding]
    notes: tuple[str, ...]

    @property
    def has_errors(self) -> bool:
        """Whether the grids cannot be used as they are."""
        return any(item.severity == "error" for item in self.findings)


def check_grids(office: Office, *, on: date, policy: HouseholdPolicy) -> Checked:
    """Validate the grids of a day against the areas that they belong to.

    Where a place has no communities, its lowest areas stand for them; where it numbers grids in
    its own way and knows the households of none, nothing is said about households.

    Raises
    ------
    NotFoundError
        If there is neither a grid nor an area above one.
    """
    grids = read_grids(office.connection, office.place, on=on)
    parents, level = _communities(office, on)
    if grids.empty and parents.empty:
        raise NotFoundError(
            f"{office.about.code} has neither grids nor communities on {on}: import them "
            "first (`gridbeat import boundaries`, `gridbeat import grids`)",
            code="no-grids",
        )
    scheme = office.place.code_scheme
    found = validate_grids(
        grids, parents=parents, policy=policy, srid=office.place.srid, code_scheme=scheme
    )
    notes = []
    if level != "community":
        notes.append(
            f"no communities are stored; grids were checked against 没有社区，按此级检查: {level}"
        )
    if scheme == "local" and len(grids) and grids["households"].isna().all():
        found = [item for item in found if item.rule != "households_missing"]
        notes.append("no grid has a number of households: not checked 网格均无户数，未检查户数")
    return Checked(grids, found, tuple(notes))


def _communities(office: Office, on: date) -> tuple[gpd.GeoDataFrame, str]:
    """Return the areas above grids with the lowest level called community, and its true name."""
    areas = read_parents(office.connection, office.place, on=on)
    lowest = max(areas["level"], key=LEVELS.index, default="community")
    named = areas["level"].where(areas["level"] != lowest, "community")
    return areas.assign(level=named), lowest


def pick_communities(office: Office, codes: Sequence[str], *, on: date) -> gpd.GeoDataFrame:
    """Return the communities of a day with these codes, or all; without any the lowest areas.

    Raises
    ------
    NotFoundError
        If there is none, or a code is not among them.
    """
    areas, _ = _communities(office, on)
    found = areas[areas["level"] == "community"]
    if found.empty:
        raise NotFoundError(
            f"{office.about.code} has no communities on {on}: import them first "
            "(`gridbeat import boundaries`)",
            code="no-communities",
        )
    lost = [code for code in codes if code not in set(found["code"])]
    if lost:
        raise NotFoundError(
            f"there is no community {lost[0]} on {on}; communities are {_some(found['code'])}",
            code="no-community",
        )
    return (found[found["code"].isin(codes)] if codes else found).reset_index(drop=True)


def pick_grids(office: Office, codes: Sequence[str]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the grids with these codes, and all grids of all times.

    Raises
    ------
    NotFoundError
        If there never was such a grid.
    ConflictError
        If one has ended.
    """
    grids = read_grids(office.connection, office.place, on=None)
    grids["households"] = pd.to_numeric(grids["households"]).astype("Int64")
    found = grids.set_index("code", drop=False)
    for code in codes:
        if code not in found.index:
            raise NotFoundError(
                f"there is no grid {code}: `gridbeat grids list` shows all codes", code="no-grid"
            )
        if pd.notna(ended := found["valid_to"][code]):
            raise ConflictError(
                f"grid {code} has an end already, {ended}: take one that is valid, see "
                "`gridbeat grids list`",
                code="grid-ended",
            )
    return found.loc[list(dict.fromkeys(codes))].reset_index(drop=True), grids


def micro_grids_of(grids: gpd.GeoDataFrame, change: GridChange) -> list[str]:
    """Return the codes of the micro-grids that end with the grids of a change."""
    open_end = grids["valid_to"].isna() & (grids["grid_kind"] == MICRO)
    return sorted(grids.loc[open_end & grids["parent_code"].isin(change.ended), "code"])


def gather_ground(
    office: Office,
    communities: gpd.GeoDataFrame,
    *,
    exclusive: Path | None,
    seams: Path | None,
    crs: str | None,
) -> Ground:
    """Return homes, roads and drawn lines as seams, and exclusive grids of communities.

    Raises
    ------
    NotFoundError
        If no households are stored there.
    """
    homes = read_homes(office.connection, office.place, areas=communities)
    if homes.empty:
        raise NotFoundError(
            "no households are stored in these communities: import points "
            "(`gridbeat import households`) or buildings with their households first",
            code="no-households",
        )
    lines = read_seams(office.connection, office.place, areas=communities)
    if seams is not None:
        drawn = read_drawing(seams, office.place, crs=crs)
        drawn = drawn.set_geometry(_outlines(drawn), crs=office.place.srid)
        lines = gpd.GeoDataFrame(pd.concat([lines, drawn], ignore_index=True), crs=lines.crs)
    hosts = None
    if exclusive is not None:
        facilities = read_drawing(exclusive, office.place, crs=crs)
        hosts = make_exclusive(facilities, communities=communities, srid=office.place.srid)
    return Ground(homes, seams=lines, exclusive=hosts)


def _outlines(drawn: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return lines as they are and the outlines of polygons: a river's banks are seams too."""
    return drawn.geometry.where(~drawn.geom_type.isin(("Polygon", "MultiPolygon")), drawn.boundary)


def refuse_divided(office: Office, communities: gpd.GeoDataFrame, *, on: date) -> None:
    """Refuse to divide communities that have grids on that day or later.

    Raises
    ------
    ConflictError
        Naming the first and its number of grids.
    """
    grids = read_grids(office.connection, office.place, on=None)
    later = pd.Series([end is None or end > on for end in grids["valid_to"]], dtype=bool)
    kept = grids[later & grids["parent_code"].isin(communities["code"])]
    if len(kept):
        counts = kept["parent_code"].value_counts(sort=False)
        raise ConflictError(
            f"{len(counts)} of {len(communities)} communities have grids on {on} or later, the "
            f"first is {counts.index[0]} with {counts.iloc[0]}: nothing was written. Choose "
            "others with --community, or change these by `gridbeat grids split` and `merge`",
            code="grids-there",
        )


def name_grids(grids: gpd.GeoDataFrame, communities: dict[str, str], *, scheme: str) -> list[str]:
    """Return a name for each grid: its host, or its community and number."""
    grid, number = ("专属网格", "第{}网格") if scheme == "cn" else (" exclusive grid", " grid {}")
    return [
        f"{host}{grid}"
        if kind == EXCLUSIVE
        else communities.get(parent, parent) + number.format(int(code[-3:]))
        for code, parent, kind, host in zip(
            grids["code"], grids["parent_code"], grids["grid_kind"], grids["host_unit"], strict=True
        )
    ]


def carry_out(office: Office, change: GridChange, names: dict[str, str]) -> None:
    """Write a change with the names of its new grids."""
    scheme = office.place.code_scheme
    named = change.begun.assign(name=name_grids(change.begun, names, scheme=scheme))
    apply_change(
        office.connection,
        GridChange(change.kind, change.on, change.ended, named, change.lineage),
        office.place,
    )


def retag(office: Office, *, on: date) -> int:
    """Give the incidents of a day and all later ones the grids of their days."""
    return retag_incidents(office.connection, office.place, first=on, last=_LAST_DAY)


def _some(codes: pd.Series) -> str:
    shown = ", ".join(codes.iloc[:5])
    return shown if len(codes) <= 5 else f"{shown} and {len(codes) - 5} more"
