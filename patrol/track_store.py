"""Fixes of duty into the database, cleaned and thinned, as effort and looks. Never commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from geo.crs.systems import project
from geo.effort_store import write_effort, write_looks
from patrol.track_devices import Device, read_shifts
from patrol.track_rows import (
    DAY_US,
    lock_tracks,
    moment_of,
    read_beside,
    read_neighbours,
    read_spans,
    write_raw,
    write_segments,
    write_stays,
)
from patrol.tracks.clean import FASTEST_M_S, FAULTS, CleanParams, clean_fixes
from patrol.tracks.duty import on_duty
from patrol.tracks.effort import EffortSum, Legs
from patrol.tracks.fixes import Fixes, tracks_on_plane
from patrol.tracks.looks import join_looks, looks_along
from patrol.tracks.match import Matcher
from patrol.tracks.sight import Sight
from patrol.tracks.thin import thin_track
from patrol.watched import Watched, stored_looks

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
RAW_DAYS = 30


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
    total: dict[tuple[str, int], EffortSum] = {}
    looks: dict[str, list[pd.DataFrame]] = {}
    numbers = np.flatnonzero(np.bincount(fixes.device))
    lock_tracks(connection, [devices[fixes.devices[number]] for number in numbers])
    for number, every, x, y in tracks_on_plane(fixes, srid=watched.place.srid):
        device = devices[fixes.devices[number]]
        new = _new_on_duty(connection, device, fixes.time_us[every], how, made)
        if not new.any():
            continue
        rows = every[new]
        if how.keep_raw:
            write_raw(connection, device, fixes, rows, run_id, first_seq)
        track = _cleaned(connection, device, fixes, rows, x[new], y[new], watched, how, made)
        track = _matched(track, (matchers or {}).get(device.source), made)
        if not len(track.legs.time_us):
            continue
        beside = read_beside(
            connection, device, int(track.legs.time_us[0]), int(track.legs.time_us[-1]),
            srid=watched.place.srid,
        )  # fmt: skip
        _write(connection, device, track, watched, how, run_id, made)
        # Walls cut sight on the ground; a drone looks down on it.
        sight = None if device.source == "drone" else watched.sight(connection)
        looks.setdefault(device.source, []).append(_looks(device, track, watched, how, sight))
        _add_effort(device, track.legs, beside, watched, total)
    _write_sums(connection, watched, total, looks, made)
    return made


@dataclass(frozen=True, eq=False)
class _Track:
    """Sound fixes of one device by time: metric, with segments from 0 and which were matched."""

    legs: Legs
    height: Floats
    matched: NDArray[np.bool_]


def _new_on_duty(
    connection: Connection, device: Device, time: Longs, how: IntakeParams, made: Intake
) -> NDArray[np.bool_]:
    """Say of times, in order, which are on duty and covered by no stored segment."""
    begins, ends = moment_of(time[0]), moment_of(time[-1])
    if how.duty_known and device.unit_id is not None:
        grace = timedelta(seconds=how.grace_s)
        shifts = read_shifts(connection, device.unit_id, begins=begins - grace, ends=ends + grace)
        duty = on_duty(time, *shifts, grace_s=how.grace_s)
        made.off_duty += int((~duty).sum())
    else:
        duty = np.ones(len(time), dtype=bool)
    covered = duty & on_duty(time, *read_spans(connection, device, begins, ends))
    made.known += int(covered.sum())
    return duty & ~covered


def _cleaned(
    connection: Connection, device: Device, fixes: Fixes, rows: Longs, x: Floats, y: Floats,
    watched: Watched, how: IntakeParams, made: Intake,
) -> _Track:  # fmt: skip
    near = read_neighbours(
        connection, device, int(fixes.time_us[rows[0]]), int(fixes.time_us[rows[-1]]), how.gap_s
    )
    before = np.array([at for at, _, _ in near], np.int64)
    nx, ny = project(np.array([lon for _, lon, _ in near]), np.array([lat for *_, lat in near]),
                     srid=watched.place.srid)  # fmt: skip
    time = np.concatenate([fixes.time_us[rows], before])
    px, py = np.concatenate([x, nx]), np.concatenate([y, ny])
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
    legs = Legs(time[at], px[at], py[at], segment.reshape(-1))
    return _Track(legs, height[at], np.zeros(len(at), dtype=bool))


def _matched(track: _Track, matcher: Matcher | None, made: Intake) -> _Track:
    legs = track.legs
    if matcher is None or not len(legs.time_us):
        return track
    found = matcher.match(legs.time_us, legs.x, legs.y, legs.segment)
    made.matched += len(np.unique(found.segment[found.matched]))
    height = np.full(len(found.time_us), np.nan)
    return _Track(Legs(found.time_us, found.x, found.y, found.segment), height, found.matched)


def _write(
    connection: Connection, device: Device, track: _Track, watched: Watched, how: IntakeParams,
    run_id: int | None, made: Intake,
) -> None:  # fmt: skip
    segments, points, km = write_segments(
        connection, device, track.legs, track.matched, watched, tolerance_m=how.tolerance_m,
        run_id=run_id,
    )  # fmt: skip
    made.segments += segments
    made.points += points
    made.km += km
    if device.source != "drone":
        made.stays += write_stays(connection, device, track.legs, watched, within_m=how.stay_m,
                                  least_s=how.stay_s)  # fmt: skip


def _add_effort(
    device: Device, legs: Legs, beside: Sequence[Legs], watched: Watched,
    total: dict[tuple[str, int], EffortSum],
) -> None:  # fmt: skip
    """Add a track to the sums of its source, by the grids of the day on which a segment begins."""
    starts = legs.time_us[np.searchsorted(legs.segment, np.arange(legs.segment[-1] + 1))]
    days = (starts // DAY_US)[legs.segment]
    changes = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    for begin, end in zip(changes, [*changes[1:], len(days)], strict=True):
        period, areas = watched.areas_on(int(days[begin]))
        one = total.setdefault((device.source, period), EffortSum(areas))
        part = slice(int(begin), int(end))
        own = Legs(legs.time_us[part], legs.x[part], legs.y[part], legs.segment[part])
        if beside:
            one.add_beside(own, beside)
        else:
            one.add(own.time_us, own.x, own.y, own.segment)


def _reach(device: Device, track: _Track) -> Floats:
    if device.source != "drone" or not device.half_width_per_m:
        return np.full(len(track.height), device.sight_m)
    seen = np.maximum(track.height, 0) * device.half_width_per_m
    return np.where(np.isfinite(seen), seen, device.sight_m)


def _looks(
    device: Device, track: _Track, watched: Watched, how: IntakeParams, sight: Sight | None
) -> pd.DataFrame:
    legs = track.legs
    keep = thin_track(legs.time_us, legs.x, legs.y, legs.segment, tolerance_m=how.tolerance_m)
    return looks_along(
        watched.ground.lattice, legs.time_us[keep], legs.x[keep], legs.y[keep],
        legs.segment[keep], _reach(device, track)[keep], watched.zone,
        sight=sight,
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


def fault_words(made: Intake) -> list[str]:
    """Return what cleaning dropped, in words."""
    return [
        f"{FAULTS[code][0]} {FAULTS[code][1]}: {n:,}" for code, n in sorted(made.faults.items())
    ]
