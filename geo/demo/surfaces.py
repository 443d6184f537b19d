"""Where things would happen and who would see them: surfaces on the truth lattice."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from geo.demo.cameras import view_sectors
from geo.demo.categories import CLASSES, DRIVERS
from geo.demo.stations import point_array
from geo.demo.town import Town

CELL_M = 50.0
EFFORT_TOTAL_H = 2_400.0
"""Patrol hours of the whole district in a week."""
EFFORT_FLOOR_H = 0.012
"""Cells with fewer patrol hours a week than this are never patrolled."""
EFFORT_SCALE_H = 0.16
"""Weekly patrol hours in a cell at which 63 % of what could be found there is found."""
GREEN = {"park": 3.0, "beach": 2.0, "hill": 0.6, "farmland": 0.5}
SHOP = {"retail": 14.0, "office": 6.0, "train_station": 10.0, "terrace": 0.6, "apartments": 1.0}


@dataclass(frozen=True)
class TruthLattice:
    """Square cells of 50 m on which every true intensity is constant.

    Attributes
    ----------
    x0, y0
        Lower left corner of the lattice in the metric CRS, a multiple of 1 km.
    columns, rows
        Size of the lattice.
    column, row
        Place of each cell that has land in the district, shape (n_cells,).
    ground
        Land of each cell: inside the district, outside the river, ``object (n_cells,)``.
    """

    x0: float
    y0: float
    columns: int
    rows: int
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    ground: NDArray[np.object_]

    @property
    def x_m(self) -> NDArray[np.float64]:
        """Left edge of each cell, shape (n_cells,)."""
        return np.asarray(self.x0 + self.column * CELL_M, dtype=np.float64)

    @property
    def y_m(self) -> NDArray[np.float64]:
        """Lower edge of each cell, shape (n_cells,)."""
        return np.asarray(self.y0 + self.row * CELL_M, dtype=np.float64)

    def locate(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the cell of each point, -1 where there is none; edges belong to the right."""
        number = np.full((self.rows, self.columns), -1, dtype=np.int64)
        number[self.row, self.column] = np.arange(len(self.row))
        column = np.floor((x - self.x0) / CELL_M).astype(np.int64)
        row = np.floor((y - self.y0) / CELL_M).astype(np.int64)
        inside = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return np.where(
            inside, number[np.clip(row, 0, self.rows - 1), np.clip(column, 0, self.columns - 1)], -1
        )

    def spread(
        self, points: NDArray[np.object_], weight: NDArray[np.float64], *, sigma_m: float
    ) -> NDArray[np.float64]:
        """Return the smoothed weight of points per cell, shape (n_cells,)."""
        at = shapely.get_coordinates(points)
        column = ((at[:, 0] - self.x0) / CELL_M).astype(np.int64)
        row = ((at[:, 1] - self.y0) / CELL_M).astype(np.int64)
        raster = np.zeros((self.rows, self.columns))
        np.add.at(raster, (row, column), weight)
        smooth = gaussian_filter(raster, sigma_m / CELL_M, mode="constant")
        return np.asarray(smooth[self.row, self.column])


@dataclass(frozen=True)
class Surfaces:
    """True surfaces, constant in each cell.

    Attributes
    ----------
    lattice
        The cells.
    background
        Share of each class's background incidents, shape (30, n_cells), rows sum to 1.
    effort_h
        Patrol hours per week, shape (n_cells,).
    patrol, camera, drone, sensor
        Chance that this finder looks at an incident in the cell, 0 to 1, shape (n_cells,).
    views
        What the working cameras see together, disjoint polygons, ``object (k,)``.
    """

    lattice: TruthLattice
    background: NDArray[np.float64]
    effort_h: NDArray[np.float64]
    patrol: NDArray[np.float64]
    camera: NDArray[np.float64]
    drone: NDArray[np.float64]
    sensor: NDArray[np.float64]
    views: NDArray[np.object_]


def make_surfaces(
    town: Town, stations: gpd.GeoDataFrame, cameras: gpd.GeoDataFrame, *, rng: np.random.Generator
) -> Surfaces:
    """Compute the background and the finders' reach from the town that was built.

    Parameters
    ----------
    town, stations, cameras
        Frames in the metric CRS.
    rng
        Source of how hard each station's patrols work and where sensors hang.

    Returns
    -------
    Surfaces
        Arrays over the truth lattice.
    """
    lattice = make_lattice(town)
    land = shapely.area(lattice.ground) / CELL_M**2
    effort = patrol_effort(lattice, stations, land, rng)
    working = cameras[cameras["status"] == "online"]
    views = shapely.get_parts(shapely.union_all(view_sectors(working)))
    return Surfaces(
        lattice=lattice,
        background=background_shares(driver_shares(town, lattice, land)),
        effort_h=effort,
        patrol=1.0 - np.exp(-effort / EFFORT_SCALE_H),
        camera=seen_share(lattice, views),
        drone=drone_reach(town, lattice),
        sensor=sensor_reach(town, lattice, rng),
        views=views,
    )


def make_lattice(town: Town) -> TruthLattice:
    """Return the cells that have land in the district."""
    land = shapely.difference(town.terrain.outline, town.terrain.river)
    x0, y0, x1, y1 = land.bounds
    x0, y0 = np.floor(x0 / 1e3) * 1e3, np.floor(y0 / 1e3) * 1e3
    columns, rows = int(np.ceil((x1 - x0) / CELL_M)), int(np.ceil((y1 - y0) / CELL_M))
    row, column = (axis.ravel() for axis in np.indices((rows, columns)))
    left, low = x0 + column * CELL_M, y0 + row * CELL_M
    ground = np.asarray(shapely.box(left, low, left + CELL_M, low + CELL_M))
    shapely.prepare(land)
    cut = ~shapely.contains_properly(land, ground) & shapely.intersects(land, ground)
    inside = shapely.contains_properly(land, ground)
    ground[cut] = shapely.intersection(ground[cut], land)
    keep = (inside | cut) & (shapely.area(ground) > 1.0)
    return TruthLattice(float(x0), float(y0), columns, rows, column[keep], row[keep], ground[keep])


def driver_shares(
    town: Town, lattice: TruthLattice, land: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the background is spread by, shape (8, n_cells), rows sum to 1."""
    houses = shapely.centroid(town.buildings.geometry.to_numpy())
    homes = town.buildings["households"].to_numpy().astype(float)
    shops = town.buildings["kind"].map(SHOP).fillna(0.0).to_numpy().astype(np.float64)
    use = land_use_of(town, lattice)
    river = shapely.distance(lattice.ground, town.terrain.river) < CELL_M
    layers = {
        "uniform": np.ones(len(land)),
        "homes": np.sqrt(lattice.spread(houses, homes, sigma_m=110.0)),
        "shops": np.sqrt(lattice.spread(houses, shops, sigma_m=150.0)),
        "arterial": road_length(town, lattice, ("primary",), sigma_m=35.0),
        "streets": road_length(
            town, lattice, ("primary", "secondary", "residential"), sigma_m=60.0
        ),
        "green": np.array([GREEN.get(str(name), 0.05) for name in use]),
        "water": river.astype(float),
        "industry": (use == "industry").astype(float) + 0.01,
    }
    table = np.array([layers[name] for name in DRIVERS]) * land
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def background_shares(drivers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each class's mixture of the drivers, shape (30, n_cells), rows sum to 1."""
    mix = np.array([[item.drivers.get(name, 0.0) for name in DRIVERS] for item in CLASSES])
    return np.asarray((mix / mix.sum(axis=1, keepdims=True)) @ drivers)


def road_length(
    town: Town,
    lattice: TruthLattice,
    kinds: tuple[str, ...],
    *,
    sigma_m: float,
    step_m: float = 12.0,
) -> NDArray[np.float64]:
    """Return the smoothed metres of streets of some kinds per cell, shape (n_cells,)."""
    roads = town.roads.geometry.to_numpy()[town.roads["kind"].isin(kinds).to_numpy()]
    at = shapely.get_coordinates(shapely.segmentize(roads, step_m))
    metres = np.empty(len(at), dtype=np.float64)
    metres[:] = step_m
    return lattice.spread(point_array(at), metres, sigma_m=sigma_m)


def land_use_of(town: Town, lattice: TruthLattice) -> NDArray[np.str_]:
    """Return the land use of the block that each cell's land lies in, shape (n_cells,)."""
    inner = shapely.point_on_surface(lattice.ground)
    blocks = town.blocks.geometry.to_numpy()
    found = shapely.STRtree(blocks).query_nearest(inner, all_matches=False)[1]
    return np.asarray(town.blocks["use"].to_numpy().astype(str)[found])


def patrol_effort(
    lattice: TruthLattice,
    stations: gpd.GeoDataFrame,
    land: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return weekly patrol hours per cell: much around some stations, none far from all.

    One place, the District Hall, is patrolled far beyond its need: a trap for anyone who
    counts patrol-found incidents as plain evidence.
    """
    kind = stations["kind"].to_numpy()
    zeal = np.where(kind == "service", rng.lognormal(-0.2, 0.6, len(kind)), 0.0)
    zeal = np.where(kind == "patrol_post", 0.8, zeal)
    zeal = np.where(stations["name_en"] == "District Command Centre", 5.0, zeal)
    wide = kind == "service"
    points = stations.geometry.to_numpy()
    effort = lattice.spread(points[wide], zeal[wide], sigma_m=330.0)
    effort = effort + lattice.spread(points[~wide], zeal[~wide], sigma_m=200.0)
    effort = effort * land
    effort = effort * EFFORT_TOTAL_H / effort.sum()
    return np.where(effort < EFFORT_FLOOR_H, 0.0, effort)


def seen_share(lattice: TruthLattice, views: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the share of each cell's land that a working camera sees, shape (n_cells,)."""
    cell, view = shapely.STRtree(views).query(lattice.ground, predicate="intersects")
    common = shapely.area(shapely.intersection(lattice.ground[cell], views[view]))
    seen = np.bincount(cell, weights=common, minlength=len(lattice.ground))
    return np.clip(seen / shapely.area(lattice.ground), 0.0, 1.0)


def drone_reach(town: Town, lattice: TruthLattice) -> NDArray[np.float64]:
    """Return 1 where the weekly flights pass: river, shore, works, fields; else 0."""
    use = land_use_of(town, lattice)
    near = shapely.distance(lattice.ground, town.terrain.river) < 150.0
    return (near | np.isin(use, ["beach", "industry", "farmland", "site"])).astype(float)


def sensor_reach(
    town: Town, lattice: TruthLattice, rng: np.random.Generator, *, reach_m: float = 160.0
) -> NDArray[np.float64]:
    """Return 1 within reach of a sensor, else 0; sensors hang at works, sites and low roads."""
    roads = town.roads.geometry.to_numpy()
    spots = shapely.line_interpolate_point(
        roads[rng.choice(len(roads), 70, replace=False)], 0.5, normalized=True
    )
    sites = town.facilities[town.facilities["use"].isin(["site", "industry", "market"])]
    points = np.concatenate((spots, shapely.centroid(sites.geometry.to_numpy())))
    away = shapely.STRtree(points).query_nearest(
        shapely.centroid(lattice.ground), all_matches=False, return_distance=True
    )[1]
    return (away <= reach_m).astype(float)
