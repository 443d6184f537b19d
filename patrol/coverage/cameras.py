"""What cameras watch: shares of ground, streets and incidents, by grid, class and hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError, NotFoundError
from geo.visibility.cameras import LookParams, make_looks
from geo.visibility.views import Views, find_sightings, find_views
from geo.visibility.walls import Walls
from patrol.coverage.samples import Samples

Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Watch:
    """Which cameras see which points, each pair once whatever its number of presets.

    Attributes
    ----------
    camera, point
        The pairs, shape ``(n_pairs,)``.
    n_cameras, n_points
        How many there are.
    """

    camera: Longs
    point: Longs
    n_cameras: int
    n_points: int

    def times_seen(self, working: Flags | None = None) -> Longs:
        """Return how many of the working cameras see each point, ``(n_points,)``."""
        points = self.point if working is None else self.point[working[self.camera]]
        return np.bincount(points, minlength=self.n_points)


def see(cameras: gpd.GeoDataFrame, walls: Walls, params: LookParams) -> Views:
    """Return what the cameras of a register see."""
    return find_views(make_looks(cameras, srid=walls.srid, params=params), walls)


def is_working(cameras: gpd.GeoDataFrame) -> Flags:
    """Say which cameras count: all but those known to be offline or retired."""
    if "status" not in cameras.columns:
        return np.ones(len(cameras), dtype=bool)
    return ~cameras["status"].isin(["offline", "retired"]).to_numpy(dtype=bool)


def watch_points(views: Views, samples: Samples, *, n_cameras: int) -> Watch:
    """Find which cameras see which samples."""
    sighted = find_sightings(views, samples.x, samples.y)
    pair = views.looks.camera[sighted.look] * np.int64(len(samples)) + sighted.points
    pair = np.unique(pair) if (views.looks.preset > 1).any() else pair
    n_points = max(len(samples), 1)
    return Watch(pair // n_points, pair % n_points, n_cameras, len(samples))


def cover_units(watch: Watch, samples: Samples, working: Flags, *, n_units: int) -> pd.DataFrame:
    """Sum by grid what working cameras see.

    Returns
    -------
    DataFrame
        One row a grid: ``total`` (the samples' weight), ``seen`` (share seen by a working camera),
        ``overlap`` (share seen by two or more), ``lost`` (share that only cameras out of order
        would see). NaN where a grid holds nothing.
    """
    times, any_times = watch.times_seen(working), watch.times_seen()
    total = np.bincount(samples.unit, samples.weight, n_units)
    shares = {
        "seen": times > 0,
        "overlap": times > 1,
        "lost": (times == 0) & (any_times > 0),
    }
    table = {"total": total}
    for name, held in shares.items():
        part = np.bincount(samples.unit, samples.weight * held, n_units)
        table[name] = np.divide(part, total, out=np.full(n_units, np.nan), where=total > 0)
    return pd.DataFrame(table)


def cover_grids(
    views: Views, cameras: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, samples: Mapping[str, Samples]
) -> pd.DataFrame:
    """Return coverage by grid and over all: ground, streets, incidents.

    Parameters
    ----------
    views
        As `see` returns them for `cameras`.
    grids
        With ``code`` and ``name``, in the order that the samples' `unit` counts.
    samples
        Such as ``{"area": ..., "street": ..., "incident": ...}``.

    Returns
    -------
    DataFrame
        ``code``, ``name``, ``cameras`` (working ones that stand in the grid) and for each kind of
        sample ``<kind>_total``, ``<kind>_seen``, ``<kind>_overlap``, ``<kind>_lost``; the last row
        (code ``all``) is of all grids together.
    """
    working = is_working(cameras)
    tables = [_standing(cameras, grids, working)]
    for kind, points in samples.items():
        watch = watch_points(views, points, n_cameras=len(cameras))
        each = cover_units(watch, points, working, n_units=len(grids))
        together = Samples(points.x, points.y, np.zeros_like(points.unit), points.weight)
        whole = cover_units(watch, together, working, n_units=1)
        tables.append(pd.concat([each, whole], ignore_index=True).add_prefix(f"{kind}_"))
    return pd.concat(tables, axis=1)


def cover_incidents(watch: Watch, working: Flags, keys: pd.Series) -> pd.DataFrame:
    """Return how many incidents there are, and which share working cameras see, by a key.

    Parameters
    ----------
    keys
        Class or hour of each incident, in the order of the watch's points.

    Returns
    -------
    DataFrame
        Index: the keys; ``incidents``, ``seen`` (share), most incidents first for texts, in order
        for hours.
    """
    grouped = pd.Series(watch.times_seen(working) > 0, dtype=float).groupby(keys.to_numpy())
    table = pd.DataFrame({"incidents": grouped.size(), "seen": grouped.mean()})
    if pd.api.types.is_numeric_dtype(keys):
        return table
    return table.sort_values("incidents", ascending=False, kind="stable")


@dataclass(frozen=True)
class Move:
    """A camera somewhere else, or another way round, in degrees; None leaves it as it is."""

    camera_id: int
    lon: float | None = None
    lat: float | None = None
    azimuth_deg: float | None = None


@dataclass(frozen=True)
class Addition:
    """A camera that might be put up."""

    lon: float
    lat: float
    azimuth_deg: float
    fov_deg: float
    range_m: float
    height_m: float | None = None


def change_cameras(
    cameras: gpd.GeoDataFrame,
    *,
    off: Sequence[int] = (),
    moved: Sequence[Move] = (),
    added: Sequence[Addition] = (),
) -> gpd.GeoDataFrame:
    """Return the register as it would be with cameras off, moved and added.

    Parameters
    ----------
    cameras
        EPSG:4326, with ``camera_id`` and ``status``.

    Raises
    ------
    NotFoundError
        A camera that is named is not in the register.
    InputError
        A camera that is added has no place, angle or range that a camera can have.
    """
    changed = cameras.copy()
    row_of = {int(number): row for row, number in enumerate(cameras["camera_id"])}
    for number in (*off, *(move.camera_id for move in moved)):
        if number not in row_of:
            raise NotFoundError(
                f"there is no camera {number} here; `gridbeat cameras views` lists them"
            )
    status = changed["status"].to_numpy(dtype=object, copy=True)
    status[[row_of[number] for number in off]] = "offline"
    changed["status"] = status
    shapes = np.asarray(changed.geometry.array, dtype=object).copy()
    azimuth = changed["azimuth_deg"].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    for move in moved:
        row = row_of[move.camera_id]
        x, y = shapes[row].x, shapes[row].y
        shapes[row] = shapely.Point(
            x if move.lon is None else move.lon, y if move.lat is None else move.lat
        )
        azimuth[row] = azimuth[row] if move.azimuth_deg is None else move.azimuth_deg
    changed["azimuth_deg"] = azimuth
    changed = changed.set_geometry(
        gpd.GeoSeries(list(shapes), index=changed.index, crs=cameras.crs)
    )
    return changed if not added else _with_added(changed, added)


def compare_coverage(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what a change of cameras gains and loses, by grid, most changed first.

    Returns
    -------
    DataFrame
        ``code``, ``name`` and for each kind of sample ``<kind>_before``, ``<kind>_after`` (shares
        seen); grids where nothing changes are left out, the row of all grids stays first.
    """
    kinds = [name.removesuffix("_seen") for name in before.columns if name.endswith("_seen")]
    table = before[["code", "name"]].copy()
    change = np.zeros(len(before))
    for kind in kinds:
        table[f"{kind}_before"] = before[f"{kind}_seen"]
        table[f"{kind}_after"] = after[f"{kind}_seen"]
        step = (after[f"{kind}_seen"] - before[f"{kind}_seen"]).abs().fillna(0.0)
        change = np.maximum(change, step.to_numpy())
    rank = np.where(before["code"] == "all", np.inf, change)
    order = np.argsort(-rank, kind="stable")
    return table.iloc[order[rank[order] > 1e-12]].reset_index(drop=True)


def _with_added(cameras: gpd.GeoDataFrame, added: Sequence[Addition]) -> gpd.GeoDataFrame:
    for one in added:
        if not (abs(one.lon) <= 180 and abs(one.lat) <= 90 and 0 <= one.azimuth_deg < 360
                and 0 < one.fov_deg <= 360 and one.range_m > 0):  # fmt: skip
            raise InputError(f"{one} cannot be: degrees of longitude, latitude, azimuth 0 to under "
                             "360, field of view over 0 to 360, range over 0 m")  # fmt: skip
    table = pd.DataFrame([vars(one) for one in added]).astype({"height_m": np.float64})
    new = gpd.GeoDataFrame(
        table.drop(columns=["lon", "lat"]).assign(
            camera_id=-1 - np.arange(len(added)), status="online",
            name=[f"新增 new {n}" for n in range(1, len(added) + 1)],
        ),
        geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=cameras.crs,
    )  # fmt: skip
    both = {name: [*cameras[name], *new.get(name, [None] * len(new))]
            for name in cameras.columns if name != cameras.geometry.name}  # fmt: skip
    shapes = [*cameras.geometry, *new.geometry]
    return gpd.GeoDataFrame(both, geometry=shapes, crs=cameras.crs)


def _standing(cameras: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, working: Flags) -> pd.DataFrame:
    """Count the working cameras that stand in each grid."""
    shapes = np.asarray(grids.to_crs(str(cameras.crs)).geometry.array)
    points = np.asarray(cameras.geometry.array)[working]
    point, grid = shapely.STRtree(shapes).query(points, predicate="intersects")
    _, first = np.unique(point, return_index=True)
    count = np.bincount(grid[first], minlength=len(grids))
    return pd.DataFrame(
        {
            "code": [*grids["code"].astype(str), "all"],
            "name": [*grids["name"].astype(str), "全部 all"],
            "cameras": [*count.tolist(), int(working.sum())],
        }
    )
