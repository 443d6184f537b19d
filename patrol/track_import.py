"""Files of fixes into the database: bad rows to quarantine, the rest to tracks. Never commits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.types.json import Jsonb
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from geo.imports.digest import digest_raw_row, digest_text
from geo.imports.staging import packaged_sql
from geo.store import ensure_feed
from patrol.track_devices import read_devices
from patrol.track_store import Intake, IntakeParams, take_fixes
from patrol.tracks.fixes import BadRow, Fixes, bad_row
from patrol.tracks.match import Matcher
from patrol.watched import Watched

FEED = "tracks"
KIND = "tracks"
FARTHEST_M = 20_000.0
_METRES_PER_DEGREE = 111_000.0
Floats = NDArray[np.float64]
_Psycopg = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class TrackReport:
    """What came of a file.

    Attributes
    ----------
    quarantined
        Rows kept aside, by reason.
    mended
        Rows that were in quarantine and are taken in now.
    """

    run_id: int
    intake: Intake
    quarantined: Mapping[str, int]
    mended: int


def import_tracks(
    connection: Connection,
    watched: Watched,
    fixes: Fixes,
    *,
    file_name: str,
    sha256: str,
    params: IntakeParams,
    matchers: Mapping[str, Matcher] | None = None,
    stated: Mapping[str, Any] | None = None,
) -> TrackReport:
    """Store what a file holds; the same file again changes nothing.

    Fixes of devices that are not registered, and those more than 20 km outside of the
    jurisdiction, are kept aside with the bad rows; fixes off duty are not kept at all.

    Parameters
    ----------
    stated
        How the file was read, to be kept with the run.
    """
    raw, place = _driver(connection), watched.place
    feed = ensure_feed(raw, jurisdiction_id=place.jurisdiction_id, source=FEED, title=None,
                       licence=None)  # fmt: skip
    run = _begin(raw, feed, file_name, sha256, stated or {})
    known = {d.ref: d for d in read_devices(connection, place.jurisdiction_id, refs=fixes.devices)}
    bad, good = _split(fixes, known, watched)
    made = take_fixes(
        connection, watched, good, known, params=params, matchers=matchers, run_id=run
    )
    _quarantine(raw, bad, feed, run)
    mended = _resolve(raw, bad, feed, run, sha256)
    reasons = dict(Counter(row.reason for row in bad))
    raw.execute(
        "UPDATE import_run SET status = 'finished', finished_at = now(), rows_done = %s, "
        "rows_new = %s, rows_same = %s, rows_left_out = %s, quarantined = %s "
        "WHERE import_run_id = %s",
        (made.fixes + len(bad), made.fixes - made.known - made.off_duty, made.known,
         made.off_duty, Jsonb(reasons), run),
    )  # fmt: skip
    return TrackReport(run, made, reasons, mended)


def _driver(connection: Connection) -> _Psycopg:
    return cast(_Psycopg, connection.connection.driver_connection)


def _begin(raw: _Psycopg, feed: int, file_name: str, sha256: str, stated: Mapping[str, Any]) -> int:
    row = raw.execute(
        "INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, crs, "
        "code_version) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING import_run_id",
        (feed, KIND, file_name, sha256, Jsonb(dict(stated)), str(stated.get("crs", "wgs84")),
         version("gridbeat")),
    ).fetchone()  # fmt: skip
    return int(str(row[0])) if row else 0


def _split(
    fixes: Fixes, known: Mapping[str, object], watched: Watched
) -> tuple[list[BadRow], Fixes]:
    """Part what cannot be taken in from what can."""
    place = watched.place
    strange = np.array([ref not in known for ref in fixes.devices], dtype=bool)[fixes.device]
    far = far_from(place.boundary, fixes.lon, fixes.lat)
    bad = list(fixes.bad)
    bad += [bad_row(fixes, int(k), "device", "unknown_value") for k in np.flatnonzero(strange)]
    bad += [bad_row(fixes, int(k), "lon", "far_outside") for k in np.flatnonzero(far & ~strange)]
    left_out = strange | far
    return bad, fixes.take(~left_out) if left_out.any() else fixes


def far_from(boundary: BaseGeometry, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Say which places lie more than `FARTHEST_M` outside of the box of a boundary, in degrees."""
    west, south, east, north = boundary.bounds
    up = FARTHEST_M / _METRES_PER_DEGREE
    aside = up / max(np.cos(np.radians(max(abs(south), abs(north)) + up)), 0.01)
    far: NDArray[np.bool_] = ~((lon > west - aside) & (lon < east + aside)
                               & (lat > south - up) & (lat < north + up))  # fmt: skip
    return far


def _refs(bad: Sequence[BadRow]) -> list[tuple[str, int]]:
    return [
        (f"row {row.row_no}: {digest_raw_row(row.raw)}", digest_text(_json(row.raw))) for row in bad
    ]


def _json(raw: Mapping[str, object]) -> str:
    return json.dumps(raw, ensure_ascii=False, sort_keys=True)


def _quarantine(raw: _Psycopg, bad: Sequence[BadRow], feed: int, run: int) -> None:
    if not bad:
        return
    rows = [
        {"feed": feed, "run": run, "kind": KIND, "source_ref": ref, "row_hash": digest,
         "row_no": row.row_no, "field": row.field or None,
         "value": None if row.value is None else row.value[:1000], "reason": row.reason,
         "raw": Jsonb(row.raw)}
        for row, (ref, digest) in zip(bad, _refs(bad), strict=True)
    ]  # fmt: skip
    with raw.cursor() as cursor:
        cursor.executemany(packaged_sql("quarantine_row"), rows)


def _resolve(raw: _Psycopg, bad: Sequence[BadRow], feed: int, run: int, sha256: str) -> int:
    """Close the rows that an earlier reading of the same file left aside and this one took."""
    refs = _refs(bad)
    return raw.execute(
        "UPDATE quarantine q SET status = 'resolved', resolved_by_run_id = %s "
        "FROM import_run r WHERE r.import_run_id = q.import_run_id AND q.feed_id = %s "
        "AND q.kind = %s AND q.status = 'open' AND r.file_sha256 = %s AND NOT EXISTS (SELECT "
        "FROM unnest(%s::text[], %s::bigint[]) AS t (ref, hash) "
        "WHERE t.ref = q.source_ref AND t.hash = q.row_hash)",
        (run, feed, KIND, sha256, [ref for ref, _ in refs], [digest for _, digest in refs]),
    ).rowcount  # fmt: skip
