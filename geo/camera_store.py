"""Cameras and buildings out of the database, and what the cameras see into it. Never commits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, text, update

from geo.crs.systems import convert_geometries
from geo.models.views import CameraView
from geo.visibility.cameras import BASES, LookParams, Looks, make_looks
from geo.visibility.views import SNAP_M, find_views, view_polygons
from geo.visibility.walls import Walls, make_walls

Geometries = NDArray[np.object_]
_BATCH = 2000

_CAMERAS = """
SELECT c.camera_id, c.source_ref, c.name, c.azimuth_deg, c.fov_deg, c.range_m, c.height_m,
       c.mount, c.status, c.gb28181_id, c.place_class, c.owner_unit, c.legal_basis, c.sign_posted,
       c.in_use_on, c.filing_no, c.filed_on, c.filing_due, c.retention_days, c.retention_reason,
       c.image_px, c.presets, ST_AsBinary(c.geom) AS geom
FROM camera c JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = :place AND c.status <> 'retired' ORDER BY c.camera_id
"""
_BUILDINGS = """
SELECT b.height_m, b.levels, b.content_hash, ST_AsBinary(b.geom) AS geom
FROM building b JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = :place ORDER BY b.building_id
"""
_VIEWS = """
SELECT v.camera_id, v.preset, v.version, v.range_m, v.area_m2, v.basis, c.name, c.status,
       v.inputs_hash, v.parameters, v.made_at, ST_AsBinary(v.geom) AS geom
FROM camera_view v JOIN camera c USING (camera_id) JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = :place AND v.replaced_at IS NULL ORDER BY v.camera_id, v.preset
"""


@dataclass(frozen=True)
class ViewCounts:
    """What a recomputation did, in cameras' looks.

    Attributes
    ----------
    new, changed, same, ended
        First versions; versions that replace one; views that nothing changed; views whose
        camera is retired or not aimed any more.
    cameras, blind
        Cameras asked for; among them those without a view, as their direction is unknown.
    """

    new: int
    changed: int
    same: int
    ended: int
    cameras: int
    blind: int


def read_cameras(connection: Connection, jurisdiction_id: int) -> gpd.GeoDataFrame:
    """Read the cameras of a jurisdiction that are not retired, EPSG:4326, by number."""
    return _fetch_shapes(connection, _CAMERAS, jurisdiction_id)


def read_buildings(connection: Connection, jurisdiction_id: int) -> gpd.GeoDataFrame:
    """Read heights and outlines of a jurisdiction's buildings, EPSG:4326."""
    return _fetch_shapes(connection, _BUILDINGS, jurisdiction_id)


def read_views(connection: Connection, jurisdiction_id: int) -> gpd.GeoDataFrame:
    """Read the present views, EPSG:4326: ``camera_id``, ``preset``, ``version``, ``range_m``, ...

    Empty where none were computed.
    """
    return _fetch_shapes(connection, _VIEWS, jurisdiction_id)


def update_views(
    connection: Connection,
    jurisdiction_id: int,
    *,
    srid: int,
    params: LookParams,
    now: datetime,
    code_version: str,
) -> ViewCounts:
    """Compute again the views whose camera, buildings or parameters changed, and store them.

    Parameters
    ----------
    srid
        The jurisdiction's metric CRS.
    now
        When the new versions begin to hold, with time zone.

    Returns
    -------
    ViewCounts
        A second call with nothing changed writes nothing.
    """
    cameras = read_cameras(connection, jurisdiction_id)
    buildings = read_buildings(connection, jurisdiction_id)
    looks = make_looks(cameras, srid=srid, params=params)
    walls = make_walls(buildings, srid=srid, storey_m=params.storey_m)
    hashes = hash_inputs(looks, walls, buildings["content_hash"].to_numpy(np.int64), params)
    present = read_views(connection, jurisdiction_id)
    names = ("camera_id", "preset", "version", "inputs_hash")
    stored = {
        (int(camera), int(preset)): (int(version), str(digest))
        for camera, preset, version, digest in zip(*(present[n] for n in names), strict=True)
    }
    numbers = cameras["camera_id"].to_numpy(np.int64)[looks.camera].tolist()
    keys = list(zip(numbers, looks.preset.tolist(), strict=True))
    stale = [
        row for row, key in enumerate(keys)
        if key not in stored or stored[key][1] != hashes[row]
    ]  # fmt: skip
    gone = set(stored) - set(keys)
    replaced = [keys[row] for row in stale if keys[row] in stored]
    _end_views(connection, [*replaced, *gone], now)
    drawn = draw_views(looks, walls, np.array(stale, dtype=np.int64))
    fresh = any(keys[row] not in stored for row in stale)
    versions = _last_versions(connection, jurisdiction_id) if fresh else {}
    versions |= {key: version for key, (version, _) in stored.items()}
    rows = [
        {
            "camera_id": keys[row][0],
            "preset": keys[row][1],
            "version": versions.get(keys[row], 0) + 1,
            "range_m": float(looks.range_m[row]),
            "area_m2": float(area),
            "basis": BASES[looks.basis[row]],
            "inputs_hash": hashes[row],
            "parameters": asdict(params),
            "code_version": code_version,
            "made_at": now,
            "geom": f"SRID=4326;{shapely.to_wkt(shape, rounding_precision=8)}",
        }
        for row, shape, area in zip(stale, *drawn, strict=True)
    ]
    for start in range(0, len(rows), _BATCH):
        connection.execute(insert(CameraView), rows[start : start + _BATCH])
    return ViewCounts(
        new=len(stale) - len(replaced), changed=len(replaced), same=len(keys) - len(stale),
        ended=len(gone), cameras=len(cameras), blind=len(cameras) - len(set(numbers)),
    )  # fmt: skip


def draw_views(
    looks: Looks, walls: Walls, rows: NDArray[np.int64]
) -> tuple[Geometries, NDArray[np.float64]]:
    """Return valid multipolygons (EPSG:4326) and areas (m2) of some looks' views."""
    shapes = view_polygons(find_views(looks.take(rows), walls))
    placed = convert_geometries(shapes, crs=looks.srid, to="wgs84")
    # Stored with 8 decimals, a millimetre: a needle may then touch itself.
    snapped = shapely.make_valid(shapely.set_precision(placed, 1e-8))
    flat = [
        shapely.MultiPolygon([p for p in shapely.get_parts(s) if p.geom_type == "Polygon"])
        for s in snapped
    ]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out, np.asarray(shapely.area(shapes), dtype=np.float64)


def hash_inputs(
    looks: Looks, walls: Walls, building_hash: NDArray[np.int64], params: LookParams
) -> list[str]:
    """Return a digest of all that each look's view follows from, buildings in reach included."""
    if not len(looks):
        return []  # a split of nothing is one empty part
    points = np.asarray(shapely.points(looks.x, looks.y), dtype=object)
    reach = np.maximum(looks.range_m, SNAP_M)
    look, building = shapely.STRtree(walls.buildings).query(
        points, predicate="dwithin", distance=reach
    )
    order = np.lexsort((building_hash[building], look))
    near = np.split(
        building_hash[building[order]], np.cumsum(np.bincount(look, minlength=len(looks)))[:-1]
    )
    fixed = json.dumps({"srid": looks.srid, **asdict(params)}, sort_keys=True).encode()
    own = np.column_stack(
        (
            looks.x,
            looks.y,
            looks.azimuth_deg,
            looks.fov_deg,
            looks.range_m,
            looks.height_m,
            looks.basis,
        )
    )
    return [
        hashlib.blake2b(fixed + row.tobytes() + around.tobytes(), digest_size=16).hexdigest()
        for row, around in zip(own, near, strict=True)
    ]


def _end_views(connection: Connection, keys: list[tuple[int, int]], now: datetime) -> None:
    if not keys:
        return
    cameras, presets = zip(*keys, strict=True)
    ended = text(
        "(camera_id, preset) IN (SELECT * FROM unnest(CAST(:cameras AS bigint[]), "
        "CAST(:presets AS smallint[])))"
    ).bindparams(cameras=list(cameras), presets=list(presets))
    connection.execute(
        update(CameraView).where(CameraView.replaced_at.is_(None), ended).values(replaced_at=now)
    )


def _last_versions(connection: Connection, jurisdiction_id: int) -> dict[tuple[int, int], int]:
    """Return the last version of each view, ended ones too: no number is used twice."""
    rows = connection.execute(
        text(
            "SELECT v.camera_id, v.preset, max(v.version) FROM camera_view v "
            "JOIN camera c USING (camera_id) JOIN feed f USING (feed_id) "
            "WHERE f.jurisdiction_id = :place GROUP BY 1, 2"
        ),
        {"place": jurisdiction_id},
    )
    return {(camera, preset): version for camera, preset, version in rows}


def _fetch_shapes(connection: Connection, query: str, jurisdiction_id: int) -> gpd.GeoDataFrame:
    found = connection.execute(text(query), {"place": jurisdiction_id})
    frame = pd.DataFrame(found.all(), columns=list(found.keys()))
    shapes: Any = shapely.from_wkb([bytes(shape) for shape in frame.pop("geom")])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)
