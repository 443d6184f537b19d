"""Divide every community of a district, and say in words how it came out."""

from __future__ import annotations

from collections.abc import Collection

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GeometryError, InputError
from geo.grids.codes import number_grids
from geo.grids.divide import divide_community
from geo.grids.frames import Ints, polygon_of, require_frame, shapes_of, spots_of
from geo.grids.nodes import match_nodes
from geo.grids.policy import BASIC, HouseholdPolicy, Lang
from geo.grids.site import DivisionParams, Ground
from geo.grids.topology import is_sound


def divide_district(
    communities: gpd.GeoDataFrame,
    ground: Ground,
    *,
    policy: HouseholdPolicy,
    srid: int,
    rng: np.random.Generator,
    taken: Collection[str] = (),
    code_scheme: str = "cn",
    params: DivisionParams | None = None,
) -> gpd.GeoDataFrame:
    """Divide each community by itself and number its grids.

    Parameters
    ----------
    communities
        `code` and valid polygons in `srid` that do not overlap.
    ground
        Homes, seams and exclusive polygons of the whole district; every home lies in a
        community. An exclusive polygon with `parent_code` belongs to that community alone.
    taken
        Every grid code ever used.
    rng
        Source of chance. Each community has its own, so that a change in one leaves the
        others as they were, as long as their order stays.

    Returns
    -------
    The rows of `divide_community` with `code` and `parent_code`, community by community; nodes
    on borders between communities are matched.

    Raises
    ------
    CrsError, InputError, GeometryError, ConflictError
        As `divide_community` and `number_grids`; also if homes lie in no community.
    """
    require_frame(communities, srid=srid, name="communities", columns=("code",))
    shapes = shapes_of(communities)
    if not is_sound(shapes).all():
        raise GeometryError("communities: a polygon is missing or not valid. Mend it first.")
    home = _community_of(ground.households, communities, srid)
    parts = []
    chances = rng.spawn(len(communities))
    for k, code in enumerate(communities["code"].astype(str)):
        own = Ground(
            households=ground.households[home == k],
            seams=_near(ground.seams, shapes[k]),
            exclusive=_exclusive_of(ground.exclusive, code),
        )
        grids = divide_community(
            shapes[k], own, policy=policy, srid=srid, rng=chances[k], params=params
        )
        codes = number_grids(
            grids, community_code=code, taken=taken, srid=srid, code_scheme=code_scheme
        )
        grids.insert(0, "code", codes.astype(object))
        grids.insert(1, "parent_code", code)
        parts.append(grids.iloc[np.argsort(codes)])
    return _join(parts, srid)


def _community_of(households: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, srid: int) -> Ints:
    require_frame(households, srid=srid, name="households", columns=())
    shapes = shapes_of(households)
    bare = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if bare.any():
        raise InputError(f"households: {int(bare.sum())} rows have no geometry. Leave them out.")
    home = polygon_of(spots_of(shapes), shapes_of(communities), srid=srid)
    if (home < 0).any():
        first = shapely.point_on_surface(shapes[home < 0][0])
        raise InputError(
            f"households: {int((home < 0).sum())} of {len(home)} places lie in no community, "
            f"the first at {first}. Move or leave them out."
        )
    return home


def _near(seams: gpd.GeoDataFrame | None, shape: shapely.Geometry) -> gpd.GeoDataFrame | None:
    return None if seams is None else seams[seams.intersects(shape)]


def _exclusive_of(exclusive: gpd.GeoDataFrame | None, code: str) -> gpd.GeoDataFrame | None:
    if exclusive is None or "parent_code" not in exclusive.columns:
        return exclusive
    return exclusive[exclusive["parent_code"].astype(str) == code]


def _join(parts: list[gpd.GeoDataFrame], srid: int) -> gpd.GeoDataFrame:
    if not parts:
        return gpd.GeoDataFrame({"code": [], "parent_code": []}, geometry=[], crs=srid)
    joined = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=srid)
    return joined.set_geometry(gpd.GeoSeries(match_nodes(shapes_of(joined)), crs=srid))


def describe_division(
    grids: gpd.GeoDataFrame, *, policy: HouseholdPolicy, lang: Lang = "zh"
) -> str:
    """Return a report of a division: balance, contiguity, compactness, seams, and exceptions."""
    basic = grids[grids["grid_kind"] == BASIC]
    hosts = len(grids) - len(basic)
    if basic.empty:
        return (
            f"没有基础网格;{hosts} 个专属网格。"
            if lang == "zh"
            else (f"No basic grid; {hosts} exclusive grids.")
        )
    homes = basic["households"]
    fine = homes.between(policy.minimum, policy.maximum)
    loose = int((shapely.get_num_geometries(shapes_of(basic)) > 1).sum())
    values = {
        "n": len(basic),
        "hosts": hosts,
        "all": int(homes.sum()),
        "low": int(homes.min()),
        "mean": float(homes.mean()),
        "high": int(homes.max()),
        "fine": int(fine.sum()),
        "bounds": f"{policy.minimum}–{policy.maximum}",
        "whole": len(basic) - loose,
        "compact": float(basic["compactness"].mean()),
        "least": float(basic["compactness"].min()),
        "seam": float(basic["seam_share"].mean()) if basic["seam_share"].notna().any() else 0.0,
    }
    lines = [text.format(**values) for text in _LINES[lang]]
    reasons = basic.loc[~fine]
    labels = reasons["code"] if "code" in reasons else reasons.index.astype(str)
    texts = reasons[f"reason_{lang}"]
    lines += [
        f"- {label}: {count} {_HOUSEHOLDS[lang]}: {text}"
        for label, count, text in zip(labels, reasons["households"], texts, strict=True)
    ]
    return "\n".join(lines)


_HOUSEHOLDS = {"zh": "户", "en": "households"}
_LINES = {
    "zh": (
        "{n} 个基础网格,{hosts} 个专属网格,共 {all} 户。",
        "户数:最少 {low},平均 {mean:.0f},最多 {high};{fine} 个在 {bounds} 户之内。",
        "连通:{whole} 个连成一片。紧凑度(4πA/P²):平均 {compact:.2f},最低 {least:.2f}。",
        "网格间边界平均 {seam:.0%} 沿道路、河流等分界线。",
    ),
    "en": (
        "{n} basic grids and {hosts} exclusive grids, {all} households.",
        "Households: {low} least, {mean:.0f} on average, {high} most; {fine} within {bounds}.",
        "In one piece: {whole}. Compactness (4πA/P²): {compact:.2f} on average, {least:.2f} least.",
        "On average {seam:.0%} of the borders between grids run on roads, rivers or other seams.",
    ),
}
