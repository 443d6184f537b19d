"""What a drone's camera saw along its track: a strip of ground."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import project
from geo.errors import InputError
from patrol.drones.camera import Camera, footprint_at
from patrol.tracks.track import Track

_GAP = np.timedelta64(20, "s")


def track_footprint(
    track: Track, camera: Camera, *, srid: int, height_m: float | None = None
) -> BaseGeometry:
    """Return the ground that a camera looking straight down saw along a track.

    Each stretch between two positions counts with the smaller of their two half widths, so
    that the strip is not overstated; none is drawn over gaps of more than 20 s.

    Parameters
    ----------
    srid
        The metric system of the result.
    height_m
        Height above ground to take where the track has none.

    Returns
    -------
    BaseGeometry
        Polygon or multipolygon, empty for fewer than two positions.

    Raises
    ------
    InputError
        The track has no heights and none is given.
    """
    height = (
        track.height_m
        if height_m is None
        else np.where(np.isnan(track.height_m), height_m, track.height_m)
    )
    known = np.isfinite(height)
    if not known.any():
        msg = f"the {track.source} track {track.name!r} has no heights: give the height of flight"
        raise InputError(msg)
    x, y = project(track.lon[known], track.lat[known], srid=srid)
    half = np.array(footprint_at(camera, height_m=1.0).across_m / 2) * np.maximum(height[known], 0)
    apart = np.diff(track.time[known]) > _GAP
    legs = np.stack([np.stack([x[:-1], y[:-1]], 1), np.stack([x[1:], y[1:]], 1)], axis=1)
    wide = np.minimum(half[:-1], half[1:])
    moved = (np.ptp(legs, axis=1).max(axis=1) > 0.01) & ~apart & (wide > 0)
    strips = shapely.buffer(shapely.linestrings(legs[moved]), wide[moved], quad_segs=4)
    return shapely.union_all(strips)
