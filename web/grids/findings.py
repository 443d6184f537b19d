"""The map of a check of grids, and what its files say about themselves."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd

from geo.crs.systems import epsg
from geo.ground import read_area_names
from web.commands.map import read_boundary, read_ground, read_sources
from web.grids.office import Office
from web.maps.layers import MapLayers, MapMeta


def findings_map(
    office: Office, grids: gpd.GeoDataFrame, findings: gpd.GeoDataFrame, *, day: date,
    parameters: dict[str, Any],
) -> tuple[MapLayers, MapMeta]:  # fmt: skip
    """Return the layers of a map of findings and what the map says about itself."""
    about, zone = office.about, ZoneInfo(office.place.time_zone)
    names = read_area_names(office.connection, office.place)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    layers = MapLayers(
        buildings=read_ground(office.session, about, "building", "kind"),
        roads=read_ground(office.session, about, "road", "kind, name"),
        boundary=read_boundary(office.session, about),
        grids=grids.assign(kind=grids["grid_kind"], community=grids["parent_code"].map(names)),
        findings=findings[findings.geometry.notna()],
    )
    meta = MapMeta(
        name_zh=about.name_zh, name_en=about.name_en, data_from=begin,
        data_until=begin + timedelta(days=1), made_at=datetime.now(UTC), topic="grids",
        metric_crs=f"EPSG:{about.srid} {epsg(about.srid).name}", code_version=version("gridbeat"),
        approval_no=about.approval_no, simulated=about.simulated,
        sources=read_sources(office.session, about),
        parameters={name: value for name, value in parameters.items() if isinstance(value, dict)},
    )  # fmt: skip
    return layers, meta


def provenance(
    office: Office, kind: str, *, on: date, seed: int | None = None, **parameters: Any
) -> dict[str, Any]:
    """Return what a file of grids or findings is and how it can be made again.

    `parameters` are dataclasses by the name under which they are kept.
    """
    facts = {
        "kind": kind, "jurisdiction": office.about.code, "simulated": office.about.simulated,
        "on": on.isoformat(), "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": version("gridbeat"),
        **{name: asdict(value) for name, value in parameters.items()},
    }  # fmt: skip
    return facts if seed is None else {**facts, "seed": seed}
