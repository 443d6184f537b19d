"""Grids of the simulated district: hosts' own ground first, the rest by households."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.demo.size import METRIC_CRS
from geo.demo.town import Town, frame
from geo.grids.district import divide_district
from geo.grids.policy import HouseholdPolicy
from geo.grids.site import Ground

HOST_KIND = {
    "park": "other",
    "school": "school",
    "hospital": "hospital",
    "office": "office",
    "public": "government",
    "industry": "park",
    "station": "other",
}
"""Kind of host (`geo.grids.policy.HOST_KINDS`) by the land use of an exclusive grid."""
SEAM_STRENGTH = {"primary": 0.95, "secondary": 0.8, "residential": 0.45}
NUMERALS = "零一二三四五六七八九十"
SRID = int(METRIC_CRS.split(":")[1])


def lay_grids(town: Town, *, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Divide every community into grids of 300 to 500 households along streets and river.

    Parameters
    ----------
    town
        Communities, buildings with households, streets and facilities.
    rng
        Handed to the division.

    Returns
    -------
    geopandas.GeoDataFrame
        In the metric CRS, in order of code: ``code``, ``parent_code``, ``name``,
        ``name_en``, ``grid_kind``, ``host_unit``, ``host_kind``, ``households``,
        ``exempt_reason`` (None, or why it is out of bounds). They tile the district exactly.
    """
    homes = gpd.GeoDataFrame(
        {"households": town.buildings["households"]},
        geometry=shapely.centroid(town.buildings.geometry.to_numpy()),
        crs=METRIC_CRS,
    )
    grids = divide_district(
        town.communities,
        Ground(homes, seam_lines(town), host_grounds(town)),
        policy=HouseholdPolicy(),
        srid=SRID,
        rng=rng,
    )
    return frame(
        grids.geometry.to_numpy(),
        code=grids["code"].to_numpy(),
        parent_code=grids["parent_code"].to_numpy(),
        **grid_names(grids, town),
        grid_kind=grids["grid_kind"].to_numpy(),
        host_unit=none_for_missing(grids["host_unit"]),
        host_kind=none_for_missing(grids["host_kind"]),
        households=grids["households"].to_numpy().astype(np.int64),
        exempt_reason=none_for_missing(grids["reason_zh"]),
    )


def seam_lines(town: Town) -> gpd.GeoDataFrame:
    """Return what grid borders should follow: streets by rank; no community spans the river."""
    return frame(
        town.roads.geometry.to_numpy(), strength=town.roads["kind"].map(SEAM_STRENGTH).to_numpy()
    )


def host_grounds(town: Town) -> gpd.GeoDataFrame:
    """Return the grounds that are exclusive grids, each with its host."""
    hosts = town.facilities[town.facilities["exclusive"]]
    return frame(
        hosts.geometry.to_numpy(),
        host_unit=hosts["name"].to_numpy(),
        host_kind=hosts["use"].map(HOST_KIND).to_numpy(),
    )


def grid_names(grids: gpd.GeoDataFrame, town: Town) -> dict[str, list[str]]:
    """Return names: the community and a number, or the host of an exclusive grid."""
    zh = dict(zip(town.communities["code"], town.communities["name"], strict=True))
    en = dict(zip(town.communities["code"], town.communities["name_en"], strict=True))
    host_en = dict(zip(town.facilities["name"], town.facilities["name_en"], strict=True))
    names: dict[str, list[str]] = {"name": [], "name_en": []}
    for code, parent, kind, host in zip(
        grids["code"], grids["parent_code"], grids["grid_kind"], grids["host_unit"], strict=True
    ):
        if kind == "exclusive":
            names["name"].append(f"{host}专属网格")
            names["name_en"].append(f"{host_en[host]} exclusive grid")
        else:
            number = int(code[12:])
            names["name"].append(f"{zh[parent]}第{NUMERALS[number]}网格")
            names["name_en"].append(f"{en[parent]} Grid {number}")
    return names


def none_for_missing(column: pd.Series[str]) -> NDArray[np.object_]:
    """Return texts with None where there is none, shape (n,)."""
    values = column.astype(object).to_numpy(copy=True)
    values[pd.isna(values)] = None
    return values
