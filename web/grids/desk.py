"""A split or merge as the page for grids asks for it: previewed with findings, or carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from datetime import date
from typing import Any, Literal, cast

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection as Session

from geo.crs.systems import convert_geometries
from geo.errors import InputError
from geo.grids.change import GridChange, merge_grids, split_grid
from geo.grids.findings import Finding
from geo.grids.store import read_codes, read_grids, read_parents
from geo.grids.validate import validate_grids
from geo.ground import count_ties, read_area_names, read_homes, read_policy
from geo.store import Connection, read_place
from web.grids.office import (
    Office,
    carry_out,
    check_grids,
    micro_grids_of,
    name_grids,
    pick_grids,
    retag,
)
from web.language import PageLang
from web.subject import read_about

ChangeKind = Literal["split", "merge"]


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes
    ----------
    kind
        ``split`` of one grid, ``merge`` of two or more.
    codes
        The grids that end.
    on
        The day that the new ones begin.
    shapes
        Lines or polygons that part a grid, EPSG:4326.
    """

    kind: ChangeKind
    codes: tuple[str, ...]
    on: date
    shapes: tuple[shapely.Geometry, ...] = ()


@dataclass(frozen=True, eq=False)
class Preview:
    """A change that is not yet done, with what it leads to.

    Attributes
    ----------
    change
        The plan.
    findings
        What a check finds in the new grids that the old ones did not have.
    micro
        Micro-grids that end with them.
    ties
        Incidents, units and posts that are tied to the ended grids.
    """

    change: GridChange
    findings: tuple[Finding, ...]
    micro: tuple[str, ...]
    ties: dict[str, int]
    homes_known: bool


def office_of(session: Session, jurisdiction: str | None) -> Office:
    """Return the office on a request's own transaction."""
    about = read_about(session, jurisdiction)
    connection = cast(Connection, session.connection.driver_connection)
    return Office(session, connection, read_place(connection, about.code), about)


def plan_change(office: Office, wish: Wish) -> Preview:
    """Plan a change and check what it leads to; nothing is written.

    Raises
    ------
    NotFoundError, ConflictError
        A grid does not exist, or has ended.
    GeometryError, InputError
        The lines do not part the grid, or the grids do not form one piece.
    """
    old, grids = pick_grids(office, wish.codes)
    change, known = _part(office, old, wish)
    names = read_area_names(office.connection, office.place)
    named = name_grids(change.begun, names, scheme=office.place.code_scheme)
    change = replaced(change, begun=change.begun.assign(name=named))
    ties = count_ties(office.connection, office.place, codes=change.ended, since=change.on)
    found = _new_findings(office, change)
    if not known:  # said by `homes_known`: nobody can count them, and that is no fault of the line
        found = tuple(one for one in found if one.rule != "households_missing")
    return Preview(
        change, found, tuple(micro_grids_of(grids, change)),
        {"incidents": ties.incidents, "units": ties.units, "posts": ties.posts}, known,
    )  # fmt: skip


def do_change(office: Office, wish: Wish, *, tag_anew: bool) -> tuple[Preview, int | None]:
    """Carry a change out; return it, and how many incidents got another grid."""
    preview = plan_change(office, wish)
    carry_out(office, preview.change, read_area_names(office.connection, office.place))
    return preview, retag(office, on=wish.on) if tag_anew else None


def _part(office: Office, old: gpd.GeoDataFrame, wish: Wish) -> tuple[GridChange, bool]:
    if wish.kind == "split":
        return _split(office, old, wish)
    return _merge(office, old, wish)


def _split(office: Office, old: gpd.GeoDataFrame, wish: Wish) -> tuple[GridChange, bool]:
    if len(wish.codes) != 1 or not wish.shapes:
        raise InputError(
            "a split takes one grid, and lines or polygons that part it", code="bad-split"
        )
    place = office.place
    metric = convert_geometries(pd.Series(list(wish.shapes)).to_numpy(), crs="wgs84", to=place.srid)
    homes = read_homes(office.connection, place, areas=old)
    change = split_grid(
        old, by=gpd.GeoDataFrame(geometry=list(metric), crs=place.srid), households=homes,
        on=wish.on, taken=read_codes(office.connection, place), srid=place.srid,
        code_scheme=place.code_scheme,
    )  # fmt: skip
    if homes.empty:
        return replaced(change, begun=change.begun.assign(households=None)), False
    return change, True


def _merge(office: Office, old: gpd.GeoDataFrame, wish: Wish) -> tuple[GridChange, bool]:
    place = office.place
    taken = read_codes(office.connection, place)
    change = merge_grids(
        old, on=wish.on, taken=taken, srid=place.srid, code_scheme=place.code_scheme
    )
    return change, True


def _new_findings(office: Office, change: GridChange) -> tuple[Finding, ...]:
    """Return what is wrong with the grids of the day after a change that was not before."""
    policy = read_policy(office.connection, office.place)
    try:
        before = check_grids(office, on=change.on, policy=policy).findings
    except InputError:
        before = []
    grids = read_grids(office.connection, office.place, on=change.on)
    kept = grids[~grids["code"].isin(change.ended)]
    after = gpd.GeoDataFrame(
        pd.concat([kept, change.begun], ignore_index=True), crs=office.place.srid
    )
    parents = [str(code) for code in change.begun["parent_code"].unique()]
    mine = after[after["parent_code"].isin(parents)].reset_index(drop=True)
    from_parents = _parents(office, change.on, parents)
    found = validate_grids(
        mine, parents=from_parents, policy=policy, srid=office.place.srid,
        code_scheme=office.place.code_scheme,
    )  # fmt: skip
    known = {(one.rule, one.code, one.other) for one in before}
    return tuple(one for one in found if (one.rule, one.code, one.other) not in known)


def _parents(office: Office, on: date, codes: Sequence[str]) -> gpd.GeoDataFrame:

    areas = read_parents(office.connection, office.place, on=on)
    mine = areas[areas["code"].isin(codes)]
    return mine.assign(level="community").reset_index(drop=True)


def view_preview(office: Office, preview: Preview, lang: PageLang) -> dict[str, Any]:
    """Return a change as JSON types: what ends, what begins with which code, and the findings."""
    change = preview.change
    return {
        "kind": change.kind, "on": change.on.isoformat(), "ended": list(change.ended),
        "begun": {"type": "FeatureCollection", "features": grid_features(change.begun, office)},
        "lineage": change.lineage.to_dict("records"),
        "findings": [view_finding(one, lang) for one in preview.findings],
        "micro": list(preview.micro), "ties": preview.ties, "homes_known": preview.homes_known,
    }  # fmt: skip


def view_finding(one: Finding, lang: PageLang) -> dict[str, Any]:
    """Return a finding with its words."""
    return {"severity": one.severity, "rule": one.rule, "code": one.code, "other": one.other,
            "words": one.message_en if lang == "en" else one.message_zh}  # fmt: skip


def grid_features(grids: gpd.GeoDataFrame, office: Office) -> list[dict[str, Any]]:
    """Return grids as GeoJSON features, lon/lat with 7 decimals."""
    shapes = convert_geometries(
        grids.geometry.to_numpy(), crs=office.place.srid, to="wgs84"
    )  # fmt: skip
    shapes = shapely.transform(shapes, lambda xy: xy.round(7))
    metric = grids.geometry.area.to_numpy()
    return [
        {
            "type": "Feature", "id": str(row["code"]),
            "geometry": shapely.geometry.mapping(shape),
            "properties": {
                "code": str(row["code"]), "name": str(row.get("name") or ""),
                "name_en": str(row.get("name_en") or "") or None,
                "parent_code": str(row["parent_code"]), "kind": str(row["grid_kind"]),
                "households": None if pd.isna(row["households"]) else int(row["households"]),
                "area_m2": round(float(area), 1),
                "host_unit": str(row.get("host_unit") or "") or None,
            },
        }
        for (_, row), shape, area in zip(grids.iterrows(), shapes, metric, strict=True)
    ]  # fmt: skip
