"""Fixes of duty into the database, cleaned and thinned, as effort and looks. Never commits."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from geo.crs.systems import project, unproject
from geo.effort_cells import CELL_M, Ground, position_in
from geo.effort_store import write_effort, write_looks
from geo.places import GridSet, Place
from patrol.track_devices import Device, read_shifts
from patrol.tracks.clean import FASTEST_M_S, FAULTS, CleanParams, clean_fixes
from patrol.tracks.duty import on_duty
from patrol.tracks.effort import EffortGround, EffortSum, lay_areas
from patrol.tracks.fixes import Fixes
from patrol.tracks.looks import join_looks, looks_along
from patrol.tracks.match import Matcher
from patrol.tracks.packing import pack_fixes
from patrol.tracks.stays import find_stays
from patrol.tracks.thin import thin_track

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
RAW_DAYS = 30
_SECOND = 1_000_000
_DAY_US = 86_400 * _SECOND
_RAW_POINTS = 2000


@dataclass(frozen=True)
class IntakeParams:
    """How fixes become tracks.

    Attributes
    ----------
    gap_s, tolerance_m
        Where a track is cut, and how exactly it is thinned.
    stay_m, stay_s
        What is a stay.
    duty_known
        Whether shifts decide what is on duty. False where whoever hands over the fixes states
        that they hold time on duty alone. Drones are on duty whenever they fly.
    grace_s
        Seconds before and after a shift that still count.
    keep_raw
        Whether fixes as they came are kept, for 30 days.
    """

    gap_s: float = 180.0
    tolerance_m: float = 5.0
    stay_m: float = 50.0
    stay_s: float = 300.0
    duty_known: bool = True
    grace_s: float = 300.0
    keep_raw: bool = True


@dataclass
class Watched:
    """A jurisdiction as tracks need it: cells, grids of any day, and its zone.

    `ground` and `grids` as `geo.effort_store.lay_ground` and `geo.store.read_grid_set` give them.
    """

    place: Place
    ground: Ground
    grids: GridSet
    _areas: dict[int, EffortGround] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """Return the jurisdiction's time zone."""
        return ZoneInfo(self.place.time_zone)

    def areas_on(self, day: int) -> tuple[int, EffortGround]:
        """Return the areas of a day (since 1970), laid once for each change of the grids."""
        changes = np.unique(np.concatenate([self.grids.valid_from, self.grids.valid_to]))
        period = int(np.searchsorted(changes, day, side="right"))
        if period not in self._areas:
            valid = (self.grids.valid_from <= day) & (day < self.grids.valid_to)
            self._areas[period] = lay_areas(
                self.ground.lattice, self.grids.polygons[valid], self.grids.area_id[valid]
            )
        return period, self._areas[period]


@dataclass
class Intake:
    """What became of fixes.

    Attributes
    ----------
    fixes, known, off_duty
        Read; those of times that are stored already; those off duty, which were not kept.
    faults
        Dropped by cleaning, by key of `patrol.tracks.clean.FAULTS`.
    segments, points, stays, hours, km
        What was stored.
    matched
        Segments that were matched to roads.
    outside_h
        Hours outside of the jurisdiction, in no cell.
    """

    fixes: int = 0
    known: int = 0
    off_duty: int = 0
    faults: Counter[int] = field(default_factory=Counter)
    segments: int = 0
    points: int = 0
    stays: int = 0
    matched: int = 0
    hours: float = 0.0
    km: float = 0.0
    outside_h: float = 0.0


def take_fixes(
    connection: Connection,
    watched: Watched,
    fixes: Fixes,
    devices: Mapping[str, Device],
    *,
    params: IntakeParams | None = None,
    matchers: Mapping[str, Matcher] | None = None,
    run_id: int | None = None,
    first_seq: int | None = None,
) -> Intake:
    """Store the fixes of known devices; whatever was stored before is left as it is.

    Parameters
    ----------
    fixes
        Every device of them must be in `devices`.
    matchers
        By source: what matches its tracks to roads. Sources without one stay where they were.
    run_id
        Number of the import run.
    first_seq
        Number of the first fix of a tablet's batch; the batch is of one device, without a gap.
    """
    how, made = params or IntakeParams(), Intake(fixes=len(fixes))
    x, y = project(fixes.lon, fixes.lat, srid=watched.place.srid)
    total: dict[tuple[str, int], EffortSum] = {}
    looks: dict[str, list[pd.DataFrame]] = {}
    for number in np.unique(fixes.device):
        device = devices[fixes.devices[int(number)]]
        rows = np.flatnonzero(fixes.device == number)
        _lock(connection, device)
        rows = rows[np.argsort(fixes.time_us[rows], kind="stable")]
        rows = _new_on_duty(connection, device, fixes, rows, how, made)
        if not len(rows):
            continue
        if how.keep_raw:
            _write_raw(connection, device, fixes, rows, run_id, first_seq)
        track = _cleaned(connection, device, fixes, rows, x, y, watched, how, made)
        track = _matched(track, (matchers or {}).get(device.source), made)
        _write_track(connection, device, track, watched, how, run_id, made)
        looks.setdefault(device.source, []).append(_looks(device, track, watched, how))
        _add_effort(device, track, watched, total)
    _write_sums(connection, watched, total, looks, made)
    return made


@dataclass(frozen=True, eq=False)
class _Track:
    """Sound fixes of one device by time: metric, with segments from 0 and which were matched."""

    time: Longs
    x: Floats
    y: Floats
    height: Floats
    segment: Longs
    matched: NDArray[np.bool_]


def _lock(connection: Connection, device: Device) -> None:
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('gridbeat track', :device))"),
        {"device": device.device_id},
    )


def _moment(micro: int | np.integer[Any]) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micro))


def _new_on_duty(
    connection: Connection, device: Device, fixes: Fixes, rows: Longs, how: IntakeParams,
    made: Intake,
) -> Longs:  # fmt: skip
    """Return the rows on duty whose time no stored segment covers."""
    time = fixes.time_us[rows]
    begins, ends = _moment(time[0]), _moment(time[-1])
    if how.duty_known and device.unit_id is not None:
        grace = timedelta(seconds=how.grace_s)
        shifts = read_shifts(connection, device.unit_id, begins=begins - grace, ends=ends + grace)
        duty = on_duty(time, *shifts, grace_s=how.grace_s)
        made.off_duty += int((~duty).sum())
        rows, time = rows[duty], time[duty]
    spans = connection.execute(
        text(
            "SELECT extract(epoch FROM starts_at) * 1000000, extract(epoch FROM ends_at) * 1000000 "
            "FROM track_segment WHERE track_device_id = :device "
            "AND starts_at <= :ends AND ends_at >= :begins"
        ),
        {"device": device.device_id, "begins": begins, "ends": ends},
    ).all()
    table = np.array([[int(a), int(b)] for a, b in spans], np.int64).reshape(-1, 2)
    covered = on_duty(time, table[:, 0], table[:, 1])
    made.known += int(covered.sum())
    return rows[~covered]


def _neighbours(
    connection: Connection, device: Device, first: int, last: int, gap_s: float
) -> list[tuple[int, float, float]]:
    """Return the stored fixes next before and after a time, no farther than the gap."""
    found = connection.execute(
        text(
            "SELECT extract(epoch FROM ends_at) * 1000000, ST_X(p), ST_Y(p) FROM ("
            " SELECT ends_at, ST_EndPoint(geom) AS p FROM track_segment"
            " WHERE track_device_id = :device AND ends_at < :first AND ends_at >= :since"
            " ORDER BY ends_at DESC LIMIT 1) a "
            "UNION ALL SELECT extract(epoch FROM starts_at) * 1000000, ST_X(p), ST_Y(p) FROM ("
            " SELECT starts_at, ST_StartPoint(geom) AS p FROM track_segment"
            " WHERE track_device_id = :device AND starts_at > :last AND starts_at <= :until"
            " ORDER BY starts_at LIMIT 1) b"
        ),
        {"device": device.device_id, "first": _moment(first), "last": _moment(last),
         "since": _moment(first - int(gap_s * _SECOND)),
         "until": _moment(last + int(gap_s * _SECOND))},
    )  # fmt: skip
    return [(int(at), float(lon), float(lat)) for at, lon, lat in found]


def _cleaned(
    connection: Connection, device: Device, fixes: Fixes, rows: Longs, x: Floats, y: Floats,
    watched: Watched, how: IntakeParams, made: Intake,
) -> _Track:  # fmt: skip
    near = _neighbours(
        connection, device, int(fixes.time_us[rows[0]]), int(fixes.time_us[rows[-1]]), how.gap_s
    )
    before = np.array([at for at, _, _ in near], np.int64)
    nx, ny = project(np.array([lon for _, lon, _ in near]), np.array([lat for *_, lat in near]),
                     srid=watched.place.srid)  # fmt: skip
    time = np.concatenate([fixes.time_us[rows], before])
    px, py = np.concatenate([x[rows], nx]), np.concatenate([y[rows], ny])
    height = np.concatenate([fixes.height_m[rows], np.full(len(near), np.nan)])
    clean = CleanParams(fastest_m_s=FASTEST_M_S[device.source], gap_s=how.gap_s)
    found = clean_fixes(time, px, py, params=clean)
    made.faults.update(int(code) for code in found.fault[found.fault != 0])
    at, segment = found.rows, found.segments
    own = np.bincount(segment[at < len(rows)], minlength=int(segment.max(initial=-1)) + 1)
    whole = np.bincount(segment, minlength=len(own))
    keep = ((own > 0) & (whole > 1))[segment]  # a lone fix says nothing of time
    at, segment = at[keep], segment[keep]
    _, segment = np.unique(segment, return_inverse=True)
    none = np.zeros(len(segment), dtype=bool)
    return _Track(time[at], px[at], py[at], height[at], segment.reshape(-1), none)


def _matched(track: _Track, matcher: Matcher | None, made: Intake) -> _Track:
    if matcher is None or not len(track.time):
        return track
    found = matcher.match(track.time, track.x, track.y, track.segment)
    made.matched += len(np.unique(found.segment[found.matched]))
    height = np.full(len(found.time_us), np.nan)
    return _Track(found.time_us, found.x, found.y, height, found.segment, found.matched)


def _add_effort(
    device: Device, track: _Track, watched: Watched, total: dict[tuple[str, int], EffortSum]
) -> None:
    if not len(track.time):
        return
    starts = track.time[np.searchsorted(track.segment, np.arange(track.segment[-1] + 1))]
    days = (starts // _DAY_US)[track.segment]
    changes = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    for begin, end in zip(changes, [*changes[1:], len(days)], strict=True):
        period, areas = watched.areas_on(int(days[begin]))
        one = total.setdefault((device.source, period), EffortSum(areas))
        part = slice(int(begin), int(end))
        one.add(track.time[part], track.x[part], track.y[part], track.segment[part])


def _sight(device: Device, track: _Track) -> Floats:
    if device.source != "drone" or not device.half_width_per_m:
        return np.full(len(track.time), device.sight_m)
    seen = np.maximum(track.height, 0) * device.half_width_per_m
    return np.where(np.isfinite(seen), seen, device.sight_m)


def _looks(device: Device, track: _Track, watched: Watched, how: IntakeParams) -> pd.DataFrame:
    keep = thin_track(track.time, track.x, track.y, track.segment, tolerance_m=how.tolerance_m)
    return looks_along(
        watched.ground.lattice, track.time[keep], track.x[keep], track.y[keep],
        track.segment[keep], _sight(device, track)[keep], watched.zone,
    )  # fmt: skip


def _write_sums(
    connection: Connection, watched: Watched, total: dict[tuple[str, int], EffortSum],
    looks: dict[str, list[pd.DataFrame]], made: Intake,
) -> None:  # fmt: skip
    place = watched.place.jurisdiction_id
    for (source, _), one in sorted(total.items()):
        table = one.table().assign(source=source)
        made.hours += float(table["seconds"].sum()) / 3600
        made.outside_h += one.outside_s / 3600
        write_effort(connection, place, table)
    for source, parts in sorted(looks.items()):
        write_looks(connection, place, stored_looks(join_looks(parts), watched, source))


def stored_looks(seen: pd.DataFrame, watched: Watched, source: str) -> pd.DataFrame:
    """Return looks at cells with ground, with the area of each cell's middle, for `write_looks`."""
    if seen.empty:
        return pd.DataFrame({"i": [], "j": [], "source": [], "area_id": [], "last_at": [],
                             "by_hour": []})  # fmt: skip
    i, j = seen["i"].to_numpy(dtype=np.int64), seen["j"].to_numpy(dtype=np.int64)
    ground = position_in(watched.ground, i, j) >= 0
    day = seen["last_us"].to_numpy(dtype=np.int64) // _DAY_US
    area = watched.grids.area_of((i + 0.5) * CELL_M, (j + 0.5) * CELL_M, day)
    at = pd.to_datetime(seen["last_us"].to_numpy(dtype=np.int64), unit="us", utc=True)
    table = pd.DataFrame(
        {"i": i, "j": j, "source": source, "area_id": np.maximum(area, 0), "last_at": at,
         "by_hour": seen["by_hour"].to_numpy()}
    )  # fmt: skip
    return table[ground]


def _write_raw(
    connection: Connection, device: Device, fixes: Fixes, rows: Longs, run_id: int | None,
    first_seq: int | None,
) -> None:  # fmt: skip
    values = []
    for begin in range(0, len(rows), _RAW_POINTS):
        part = rows[begin : begin + _RAW_POINTS]
        seq: tuple[int | None, int | None] = (None, None)
        if first_seq is not None:
            seq = (first_seq + int(part.min()), first_seq + int(part.max()))
        values.append(
            {"device": device.device_id, "run": run_id, "first": seq[0], "last": seq[1],
             "begins": _moment(fixes.time_us[part[0]]), "ends": _moment(fixes.time_us[part[-1]]),
             "n": len(part),
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


def _write_track(
    connection: Connection, device: Device, track: _Track, watched: Watched, how: IntakeParams,
    run_id: int | None, made: Intake,
) -> None:  # fmt: skip
    keep = thin_track(track.time, track.x, track.y, track.segment, tolerance_m=how.tolerance_m)
    lon, lat = unproject(track.x, track.y, srid=watched.place.srid)
    same = np.diff(track.segment) == 0
    step = np.where(same, np.hypot(np.diff(track.x), np.diff(track.y)), 0.0)
    values = []
    n_segments = int(track.segment.max(initial=-1)) + 1
    edges = np.searchsorted(track.segment, np.arange(n_segments + 1))
    for begin, end in pairwise(edges):
        part = np.flatnonzero(keep[begin:end]) + begin
        length = float(step[begin : end - 1].sum())
        values.append(
            {"device": device.device_id, "place": watched.place.jurisdiction_id,
             "source": device.source, "begins": _moment(track.time[begin]),
             "ends": _moment(track.time[end - 1]), "n": len(part), "m": length, "run": run_id,
             "matched": bool(track.matched[begin]),
             "line": line_m(lon[part], lat[part], track.time[part] / _SECOND)}
        )  # fmt: skip
        made.km += length / 1000
        made.points += len(part)
    made.segments += len(values)
    if values:
        connection.execute(
            text(
                "INSERT INTO track_segment (track_device_id, jurisdiction_id, source, starts_at, "
                "ends_at, n_points, length_m, matched, import_run_id, geom) VALUES (:device, "
                ":place, :source, :begins, :ends, :n, :m, :matched, :run, ST_GeomFromEWKB(:line))"
            ),
            values,
        )
    if device.source != "drone":
        _write_stays(connection, device, track, watched, how, made)


def _write_stays(
    connection: Connection, device: Device, track: _Track, watched: Watched, how: IntakeParams,
    made: Intake,
) -> None:  # fmt: skip
    stays = find_stays(track.time, track.x, track.y, track.segment, within_m=how.stay_m,
                       least_s=how.stay_s)  # fmt: skip
    if stays.empty:
        return
    x, y = stays["x"].to_numpy(), stays["y"].to_numpy()
    lon, lat = unproject(x, y, srid=watched.place.srid)
    area = watched.grids.area_of(x, y, stays["starts_us"].to_numpy() // _DAY_US)
    connection.execute(
        text(
            "INSERT INTO track_stay (track_device_id, area_id, starts_at, ends_at, geom) VALUES "
            "(:device, :area, :begins, :ends, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
        ),
        [
            {"device": device.device_id, "area": None if a < 0 else int(a),
             "begins": _moment(b), "ends": _moment(e), "lon": float(u), "lat": float(v)}
            for a, b, e, u, v in zip(area, stays["starts_us"], stays["ends_us"], lon, lat,
                                     strict=True)
        ],
    )  # fmt: skip
    made.stays += len(stays)


def line_m(lon: Floats, lat: Floats, measure: Floats) -> bytes:
    """Return a line with measures as EWKB in EPSG:4326."""
    head = struct.pack("<BIII", 1, 0x60000002, 4326, len(lon))
    return head + np.stack([lon, lat, measure], axis=1).astype("<f8").tobytes()


def fault_words(made: Intake) -> list[str]:
    """Return what cleaning dropped, in words."""
    return [
        f"{FAULTS[code][0]} {FAULTS[code][1]}: {n:,}" for code, n in sorted(made.faults.items())
    ]
