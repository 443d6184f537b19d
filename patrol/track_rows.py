"""The rows of a device's tracks: what is stored already, and what is written. Never commits."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from geo.crs.systems import project, unproject
from patrol.track_devices import Device
from patrol.tracks.effort import Legs
from patrol.tracks.fixes import Fixes
from patrol.tracks.packing import pack_fixes
from patrol.tracks.stays import find_stays
from patrol.tracks.thin import thin_track
from patrol.watched import Watched

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
_RAW_POINTS = 2000

_SPANS = """
SELECT extract(epoch FROM starts_at) * 1000000, extract(epoch FROM ends_at) * 1000000
FROM track_segment WHERE track_device_id = :device AND starts_at <= :ends AND ends_at >= :begins
"""
_NEIGHBOURS = """
SELECT extract(epoch FROM ends_at) * 1000000, ST_X(p), ST_Y(p) FROM (
    SELECT ends_at, ST_EndPoint(geom) AS p FROM track_segment
    WHERE track_device_id = :device AND ends_at < :first AND ends_at >= :since
    ORDER BY ends_at DESC LIMIT 1) a
UNION ALL SELECT extract(epoch FROM starts_at) * 1000000, ST_X(p), ST_Y(p) FROM (
    SELECT starts_at, ST_StartPoint(geom) AS p FROM track_segment
    WHERE track_device_id = :device AND starts_at > :last AND starts_at <= :until
    ORDER BY starts_at LIMIT 1) b
"""
_BESIDE = """
SELECT s.track_segment_id, ST_X(p.geom), ST_Y(p.geom), ST_M(p.geom) * 1000000
FROM track_segment s JOIN track_device d USING (track_device_id), LATERAL ST_DumpPoints(s.geom) p
WHERE d.unit_id = :unit AND d.track_device_id <> :device
  AND s.starts_at < :ends AND s.ends_at > :begins
ORDER BY s.track_segment_id, p.path
"""


def moment_of(micro: int | np.integer[Any]) -> datetime:
    """Return the instant of microseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micro))


def lock_tracks(connection: Connection, devices: Iterable[Device]) -> None:
    """Let nobody else add to the tracks of these units and drones in this transaction.

    A unit's devices share one lock, as each counts beside the others; taken in order, so that two
    imports wait for one another and never both.
    """
    keys = sorted(
        f"drone {device.device_id}" if device.unit_id is None else f"unit {device.unit_id}"
        for device in devices
    )
    for key in dict.fromkeys(keys):
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('gridbeat track ' || :key, 0))"),
            {"key": key},
        )


def read_spans(
    connection: Connection, device: Device, begins: datetime, ends: datetime
) -> tuple[Longs, Longs]:
    """Read beginnings and ends (microseconds since 1970) of the stored segments of a time."""
    spans = connection.execute(
        text(_SPANS), {"device": device.device_id, "begins": begins, "ends": ends}
    ).all()
    table = np.array([[int(a), int(b)] for a, b in spans], np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def read_neighbours(
    connection: Connection, device: Device, first: int, last: int, gap_s: float
) -> list[tuple[int, float, float]]:
    """Return the stored fixes next before and after a time, no farther than the gap."""
    found = connection.execute(
        text(_NEIGHBOURS),
        {"device": device.device_id, "first": moment_of(first), "last": moment_of(last),
         "since": moment_of(first - int(gap_s * SECOND_US)),
         "until": moment_of(last + int(gap_s * SECOND_US))},
    )  # fmt: skip
    return [(int(at), float(lon), float(lat)) for at, lon, lat in found]


def read_beside(
    connection: Connection, device: Device, first: int, last: int, *, srid: int
) -> list[Legs]:
    """Read the stored tracks of the other devices of a unit that touch a time, metric."""
    if device.unit_id is None:
        return []
    rows = connection.execute(
        text(_BESIDE),
        {"unit": device.unit_id, "device": device.device_id, "begins": moment_of(first),
         "ends": moment_of(last)},
    ).all()  # fmt: skip
    if not rows:
        return []
    table = np.array(rows, dtype=np.float64)
    x, y = project(table[:, 1], table[:, 2], srid=srid)
    return [Legs(np.rint(table[:, 3]).astype(np.int64), x, y, table[:, 0].astype(np.int64))]


def write_raw(
    connection: Connection, device: Device, fixes: Fixes, rows: Longs, run_id: int | None,
    first_seq: int | None,
) -> None:  # fmt: skip
    """Keep fixes as they came, packed; they are deleted after 30 days at most."""
    values = []
    for begin in range(0, len(rows), _RAW_POINTS):
        part = rows[begin : begin + _RAW_POINTS]
        seq: tuple[int | None, int | None] = (None, None)
        if first_seq is not None:
            seq = (first_seq + int(part.min()), first_seq + int(part.max()))
        values.append(
            {"device": device.device_id, "run": run_id, "first": seq[0], "last": seq[1],
             "begins": moment_of(fixes.time_us[part[0]]),
             "ends": moment_of(fixes.time_us[part[-1]]), "n": len(part),
             "points": pack_fixes(fixes.time_us[part], fixes.lon[part], fixes.lat[part])}
        )  # fmt: skip
    connection.execute(
        text(
            "INSERT INTO track_raw (track_device_id, import_run_id, first_seq, last_seq, "
            "starts_at, ends_at, n_points, points) "
            "VALUES (:device, :run, :first, :last, :begins, :ends, :n, :points)"
        ),
        values,
    )


def write_segments(
    connection: Connection, device: Device, legs: Legs, matched: NDArray[np.bool_],
    watched: Watched, *, tolerance_m: float, run_id: int | None,
) -> tuple[int, int, float]:  # fmt: skip
    """Write a track thinned, a row a segment; return segments, points and kilometres."""
    keep = thin_track(legs.time_us, legs.x, legs.y, legs.segment, tolerance_m=tolerance_m)
    lon, lat = unproject(legs.x, legs.y, srid=watched.place.srid)
    same = np.diff(legs.segment) == 0
    step = np.where(same, np.hypot(np.diff(legs.x), np.diff(legs.y)), 0.0)
    values: list[dict[str, Any]] = []
    edges = np.searchsorted(legs.segment, np.arange(int(legs.segment.max(initial=-1)) + 2))
    for begin, end in pairwise(edges):
        part = np.flatnonzero(keep[begin:end]) + begin
        values.append(
            {"device": device.device_id, "place": watched.place.jurisdiction_id,
             "source": device.source, "begins": moment_of(legs.time_us[begin]),
             "ends": moment_of(legs.time_us[end - 1]), "n": len(part),
             "m": float(step[begin : end - 1].sum()), "run": run_id,
             "matched": bool(matched[begin]),
             "line": line_m(lon[part], lat[part], legs.time_us[part] / SECOND_US)}
        )  # fmt: skip
    if values:
        connection.execute(
            text(
                "INSERT INTO track_segment (track_device_id, jurisdiction_id, source, starts_at, "
                "ends_at, n_points, length_m, matched, import_run_id, geom) VALUES (:device, "
                ":place, :source, :begins, :ends, :n, :m, :matched, :run, ST_GeomFromEWKB(:line))"
            ),
            values,
        )
    return len(values), int(keep.sum()), sum(row["m"] for row in values) / 1000


def write_stays(
    connection: Connection, device: Device, legs: Legs, watched: Watched, *, within_m: float,
    least_s: float,
) -> int:  # fmt: skip
    """Write where a device stayed; return how often."""
    stays = find_stays(legs.time_us, legs.x, legs.y, legs.segment, within_m=within_m,
                       least_s=least_s)  # fmt: skip
    if stays.empty:
        return 0
    x, y = stays["x"].to_numpy(), stays["y"].to_numpy()
    lon, lat = unproject(x, y, srid=watched.place.srid)
    area = watched.grids.area_of(x, y, stays["starts_us"].to_numpy() // DAY_US)
    connection.execute(
        text(
            "INSERT INTO track_stay (track_device_id, area_id, starts_at, ends_at, geom) VALUES "
            "(:device, :area, :begins, :ends, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
        ),
        [
            {"device": device.device_id, "area": None if a < 0 else int(a),
             "begins": moment_of(b), "ends": moment_of(e), "lon": float(u), "lat": float(v)}
            for a, b, e, u, v in zip(area, stays["starts_us"], stays["ends_us"], lon, lat,
                                     strict=True)
        ],
    )  # fmt: skip
    return len(stays)


def line_m(lon: Floats, lat: Floats, measure: Floats) -> bytes:
    """Return a line with measures as EWKB in EPSG:4326."""
    head = struct.pack("<BIII", 1, 0x60000002, 4326, len(lon))
    return head + np.stack([lon, lat, measure], axis=1).astype("<f8").tobytes()
