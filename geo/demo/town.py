"""The simulated town: blocks, streets, buildings and the areas that govern them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.demo.areas import grid_quota, join_areas, reading_rank, shared_borders
from geo.demo.blocks import Plan, make_plan
from geo.demo.buildings import raise_buildings, settle_households
from geo.demo.facilities import FACILITIES, place_facilities
from geo.demo.names import COMMUNITIES, STREETS, road_names
from geo.demo.size import DISTRICT_CODE, METRIC_CRS, DemoSize
from geo.demo.terrain import Terrain, make_terrain, widest
from geo.errors import InputError


@dataclass(frozen=True)
class Town:
    """A town in the metric CRS; every frame has a plain 0 .. n-1 index.

    Attributes
    ----------
    terrain, plan
        What the town was drawn from.
    blocks
        ``use``, ``community`` and ``street`` (row numbers), ``facility`` (row number or -1).
    facilities
        ``key``, ``use``, ``name``, ``name_en``, ``exclusive``, ``block``, its ground.
    buildings
        ``source_ref``, ``kind``, ``name``, ``height_m``, ``levels``, ``households``, ``block``.
    roads
        ``source_ref``, ``kind``, ``name``, ``name_en``, ``oneway``, ``bridge``.
    streets, communities
        ``code``, ``parent_code``, ``name``, ``name_en``, ``households``, for communities
        also ``grids``, the number of basic grids they are laid out for.
    water
        ``kind`` (river, pond) and ``name``.
    """

    terrain: Terrain
    plan: Plan
    blocks: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    water: gpd.GeoDataFrame


def make_town(size: DemoSize, *, rng: np.random.Generator) -> Town:
    """Draw a town: terrain, then blocks, then buildings, then the areas that govern them.

    Parameters
    ----------
    size
        Households, communities and streets.
    rng
        Source of every random choice.

    Returns
    -------
    Town
        Frames in `METRIC_CRS`; streets tile the district, communities tile the streets.
    """
    land_rng, house_rng, name_rng = rng.spawn(3)
    terrain = make_terrain(rng=land_rng)
    plan = make_plan(terrain, rng=land_rng)
    terrain = settle_terrain(terrain, plan)
    chosen = place_facilities(plan, terrain.bend)
    use = plan.use.astype("<U12")
    use[chosen] = [item.use for item in FACILITIES]
    houses = raise_buildings(plan.blocks, use, rng=house_rng)
    room = np.bincount(houses["block"], houses["capacity"], len(use)).astype(np.float64)
    community, street, grids = divide_land(plan, terrain, room, size)
    homes = np.round(grids * size.households_per_grid * house_rng.uniform(0.97, 1.01, len(grids)))
    houses["households"] = settle_households(
        houses["capacity"].to_numpy(),
        community[houses["block"].to_numpy()],
        homes.astype(np.int64),
    )
    facility = np.full(len(use), -1)
    facility[chosen] = np.arange(len(chosen))
    blocks = frame(
        plan.blocks,
        use=use,
        community=community,
        street=street[community],
        facility=facility,
        households=np.bincount(
            houses["block"], weights=houses["households"], minlength=len(use)
        ).astype(np.int64),
    )
    streets, communities = name_areas(blocks, grids, rng=name_rng)
    return Town(
        terrain=terrain,
        plan=plan,
        blocks=blocks,
        facilities=facility_frame(blocks, chosen),
        buildings=building_frame(houses),
        roads=road_frame(plan, name_rng),
        streets=streets,
        communities=communities,
        water=water_frame(terrain, blocks, chosen),
    )


def settle_terrain(terrain: Terrain, plan: Plan) -> Terrain:
    """Return the terrain with outline and river as the blocks have them, corner by corner."""
    return replace(
        terrain,
        outline=widest(shapely.coverage_union_all(plan.blocks)),
        river=widest(shapely.coverage_union_all(plan.blocks[plan.use == "water"])),
    )


def divide_land(
    plan: Plan, terrain: Terrain, room: NDArray[np.float64], size: DemoSize
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return community of each block, street of each community, basic grids of each community.

    Communities never cross the river; numbers run in reading order, streets first.
    """
    area = shapely.area(plan.blocks)
    borders = shared_borders(plan.blocks, barrier=terrain.course)
    community = join_areas(plan.neighbourhood, room, area, borders, count=size.communities)
    street = join_areas(community, room, area, borders, count=size.streets)
    street = reading_rank(dissolve(plan.blocks, street), rows=2)[street]
    outline = dissolve(plan.blocks, community)
    of_community = np.zeros(size.communities, dtype=np.int64)
    of_community[community] = street
    order = np.lexsort((reading_rank(outline, rows=6), of_community))
    rank = np.empty(size.communities, dtype=np.int64)
    rank[order] = np.arange(size.communities)
    community = rank[community]
    capacity = np.bincount(community, room, size.communities).astype(np.float64)
    return community, of_community[order], grid_quota(capacity, grids=size.basic_grids)


def dissolve(blocks: NDArray[np.object_], label: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the union of the blocks of each label 0 .. k, vertices kept, shape (k + 1,)."""
    count = int(label.max()) + 1
    return np.array(
        [shapely.coverage_union_all(blocks[label == number]) for number in range(count)],
        dtype=object,
    )


def name_areas(
    blocks: gpd.GeoDataFrame, grids: NDArray[np.int64], *, rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the frames of streets and communities with codes and invented names."""
    shapes = blocks.geometry.to_numpy()
    community, street = blocks["community"].to_numpy(), blocks["street"].to_numpy()
    homes = blocks["households"].to_numpy()
    count, wide = len(grids), int(street.max()) + 1
    if count > len(COMMUNITIES) or wide > len(STREETS):
        raise InputError(
            f"a demo district has names for {len(STREETS)} streets and "
            f"{len(COMMUNITIES)} communities"
        )
    parent = np.zeros(count, dtype=np.int64)
    parent[community] = street
    inside = np.arange(count) - np.searchsorted(parent, parent) + 1
    names = [COMMUNITIES[pick] for pick in rng.permutation(len(COMMUNITIES))[:count]]
    street_code = [f"{DISTRICT_CODE}{number + 1:03d}" for number in range(wide)]
    streets = frame(
        dissolve(shapes, street),
        code=street_code,
        parent_code=DISTRICT_CODE,
        name=[f"{zh}街道" for zh, _ in STREETS[:wide]],
        name_en=[f"{en} Street Office" for _, en in STREETS[:wide]],
        households=np.bincount(street, weights=homes).astype(np.int64),
    )
    communities = frame(
        dissolve(shapes, community),
        code=[f"{street_code[s]}{n:03d}" for s, n in zip(parent, inside, strict=True)],
        parent_code=[street_code[s] for s in parent],
        name=[f"{zh}社区" for zh, _ in names],
        name_en=[f"{en} Community" for _, en in names],
        households=np.bincount(community, weights=homes).astype(np.int64),
        grids=grids,
    )
    return streets, communities


def facility_frame(blocks: gpd.GeoDataFrame, chosen: NDArray[np.int64]) -> gpd.GeoDataFrame:
    """Return the places with a host unit and their ground."""
    return frame(
        blocks.geometry.to_numpy()[chosen],
        key=[item.key for item in FACILITIES],
        use=[item.use for item in FACILITIES],
        name=[item.name for item in FACILITIES],
        name_en=[item.name_en for item in FACILITIES],
        exclusive=[item.exclusive for item in FACILITIES],
        block=chosen,
    )


def building_frame(houses: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the building layer; households are counts and say nothing about people."""
    return frame(
        houses["geometry"].to_numpy(),
        source_ref=[f"B{number:05d}" for number in range(1, len(houses) + 1)],
        kind=houses["kind"].to_numpy(),
        height_m=houses["height_m"].to_numpy(),
        levels=houses["levels"].to_numpy(),
        households=houses["households"].to_numpy(),
        block=houses["block"].to_numpy(),
    )


def road_frame(plan: Plan, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the street network from junction to junction, with names."""
    lines = int(plan.edge_name.max()) + 1
    lanes = np.zeros(lines, dtype=bool)
    lanes[plan.edge_name] = plan.edge_kind == "residential"
    names = road_names(streets=lines, lanes=lanes.tolist(), rng=rng)
    return frame(
        plan.edges,
        source_ref=[f"R{number:05d}" for number in range(1, len(plan.edges) + 1)],
        kind=plan.edge_kind,
        name=[names[number][0] for number in plan.edge_name],
        name_en=[names[number][1] for number in plan.edge_name],
        oneway=False,
        bridge=plan.edge_bridge,
    )


def water_frame(
    terrain: Terrain, blocks: gpd.GeoDataFrame, chosen: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """Return the river and the pond of the park."""
    park = chosen[[item.key == "park" for item in FACILITIES]]
    ray = shapely.maximum_inscribed_circle(blocks.geometry.to_numpy()[park], tolerance=5.0)
    pond = shapely.buffer(shapely.get_point(ray, 0), shapely.length(ray) * 0.42, quad_segs=6)[0]
    return frame(
        np.array([terrain.river, pond], dtype=object),
        kind=["river", "pond"],
        name=["澜河", "听松湖"],
        name_en=["Lan River", "Tingsong Pond"],
    )


def frame(shapes: NDArray[np.object_], **columns: object) -> gpd.GeoDataFrame:
    """Return a frame of metric geometries with the given columns."""
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=METRIC_CRS)
