"""A department's file of reports: each row checked and taken in once, bad ones kept and named."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, text

from geo.crs.systems import to_wgs84
from geo.errors import InputError
from geo.imports.digest import digest_text
from governance.intake.reports import NewReport, take_report
from governance.places.place import Placed, Unplaced, place_address
from governance.rows import BadRow, FileRow, RowError, as_moment, need, read_rows

FIELDS: dict[str, tuple[str, ...]] = {
    "source_ref": ("source_ref", "编号", "工单编号", "id"),
    "words": ("words", "内容", "诉求内容", "问题描述", "description"),
    "seen_at": ("seen_at", "occurred_at", "发生时间", "上报时间", "time"),
    "x": ("lon", "longitude", "经度", "x", "横坐标"),
    "y": ("lat", "latitude", "纬度", "y", "纵坐标"),
    "area_code": ("area_code", "网格编码", "grid_code"),
    "category": ("category", "小类代码", "类别代码"),
    "address": ("address", "地址", "地点"),
}
LONGEST_WORDS = 4000
LONGEST_ADDRESS = 300
_NAMES = UUID("b2d8a9d2-40a7-5d0e-8a39-7e1a6d3f9c03")


@dataclass(frozen=True)
class FeedReport:
    """What came of a file: reports that are new, known already, or bad."""

    new: int
    same: int
    bad: tuple[BadRow, ...]


@dataclass(frozen=True)
class _Known:
    jurisdiction: int
    source: str
    crs: str
    zone: ZoneInfo
    now: datetime
    areas: dict[str, int]
    classes: dict[str, int]
    placed: dict[str, Placed | Unplaced] = field(default_factory=dict)


def import_reports(
    connection: Connection, jurisdiction_id: int, path: Path, *, source: str, crs: str,
    scheme: str | None, now: datetime, layer: str | None = None,
) -> FeedReport:  # fmt: skip
    """Take in a department's file of reports; the same number of a source is one report.

    They wait at the desk for a person; a class in the file is a proposal. A row with neither point
    nor grid is placed by its address where one place alone fits; see `place_address`. Bad rows are
    kept in quarantine with their reason. Never commits.

    Parameters
    ----------
    source
        Name of the department's system.
    crs
        Of the coordinates: ``wgs84``, ``gcj02``, ``bd09`` or an EPSG code.
    scheme
        Of the classes in the file; None where it has none.

    Raises
    ------
    FormatError
        The file cannot be read, or the number, words or time have no column.
    InputError
        The source has no name.
    """
    if not source.strip():
        raise InputError("name the department's system that the file comes from", code="no-source")
    known = _read_known(connection, jurisdiction_id, source.strip(), crs, scheme, now)
    rows = read_rows(
        path, FIELDS, kind="reports", required=("source_ref", "words", "seen_at"), layer=layer
    )
    counts = {"new": 0, "same": 0}
    bad: list[BadRow] = []
    for row in rows:
        try:
            counts[_take(connection, row, known)] += 1
        except RowError as error:
            bad.append(BadRow(row.row_no, error.field, error.reason, error.value, row.values))
    _note(connection, known, path, counts, bad)
    return FeedReport(counts["new"], counts["same"], tuple(bad))


def _take(connection: Connection, row: FileRow, known: _Known) -> str:
    number, words = need(row, "source_ref"), need(row, "words")
    if len(number) > 200:
        raise RowError("source_ref", "too_long", number[:80])
    if len(words) > LONGEST_WORDS:
        raise RowError("words", "too_long", words[:80])
    seen = as_moment(row, "seen_at", known.zone)
    if seen > known.now or seen.year < 1970:
        raise RowError("seen_at", "time_out_of_range", row.values.get("seen_at"))
    area = row.values.get("area_code")
    if area is not None and area not in known.areas:
        raise RowError("area_code", "unknown_area", area)
    code = row.values.get("category")
    if code is not None and code not in known.classes:
        raise RowError("category", "unknown_category", code)
    point = _point(row, known.crs)
    address = row.values.get("address")
    if point is None and area is None and address is None:
        raise RowError("x", "no_position")
    ref = f"{known.source}/{number}"
    report = uuid5(_NAMES, f"{known.jurisdiction}/{ref}")
    if connection.execute(_KNOWN, {"report": report}).scalar_one():
        return "same"
    if point is not None:
        where = Placed("", *point)
    elif area is not None:
        where = Placed("", area_id=known.areas[area])
    else:
        where = _place(connection, known, address or "")
    new = NewReport(
        report, "feed", known.now, seen, words, where.lon, where.lat, f"file of {known.source}",
        category_id=known.classes[code] if code else None, area_id=where.area_id,
        accuracy_m=where.accuracy_m, address=address, source_ref=ref,
    )  # fmt: skip
    try:
        take_report(connection, known.jurisdiction, new)
    except InputError as error:
        if point is None and area is None:
            raise RowError("address", "far_outside", f"{address}: {where.name}") from error
        raise RowError("x", "far_outside", f"{point}") from error
    return "new"


def _place(connection: Connection, known: _Known, address: str) -> Placed:
    """Return where the address of a row without point and grid is, if one place alone fits."""
    if len(address) > LONGEST_ADDRESS:
        raise RowError("address", "too_long", address[:80])
    if address not in known.placed:
        known.placed[address] = place_address(connection, address)
    found = known.placed[address]
    if isinstance(found, Unplaced):
        raise RowError("address", found.reason, found.told)
    return found


def _point(row: FileRow, crs: str) -> tuple[float, float] | None:
    """Return longitude and latitude of WGS-84; None where the row has no coordinates."""
    values: list[float | None] = []
    for name in ("x", "y"):
        given = row.values.get(name)
        if given is None:
            values.append(None)
            continue
        try:
            values.append(float(given))
        except ValueError as error:
            raise RowError(name, "not_a_number", given) from error
    x, y = values
    if x is None or y is None or (x == 0 and y == 0):
        return None
    lon, lat = to_wgs84(np.array([x]), np.array([y]), crs=crs)
    if not (np.isfinite(lon[0]) and np.isfinite(lat[0]) and abs(lat[0]) <= 90):
        raise RowError("x", "position_out_of_range", f"{x}, {y}")
    return float(lon[0]), float(lat[0])


def _read_known(
    connection: Connection, jurisdiction_id: int, source: str, crs: str, scheme: str | None,
    now: datetime,
) -> _Known:  # fmt: skip
    here = {"j": jurisdiction_id, "scheme": scheme}
    zone = connection.execute(
        text("SELECT time_zone FROM jurisdiction WHERE jurisdiction_id = :j"), here
    ).scalar_one()
    areas = connection.execute(
        text("SELECT code, area_id FROM area WHERE jurisdiction_id = :j AND level = 'grid'"), here
    )
    classes = connection.execute(
        text("SELECT c.code, c.category_id FROM category c JOIN category_scheme s "
             "USING (scheme_id) WHERE s.scheme = :scheme ORDER BY s.valid_from"), here
    )  # fmt: skip
    return _Known(
        jurisdiction_id, source, crs, ZoneInfo(zone), now,
        {row.code: row.area_id for row in areas}, {row.code: row.category_id for row in classes},
    )  # fmt: skip


def _note(
    connection: Connection, known: _Known, path: Path, counts: dict[str, int], bad: list[BadRow]
) -> None:
    """Note the run, and keep its bad rows."""
    feed = connection.execute(_FEED, {"j": known.jurisdiction, "source": known.source})
    number = feed.scalar_one()
    run = connection.execute(
        _RUN,
        {"feed": number, "file": path.name, "crs": known.crs, "new": counts["new"],
         "same": counts["same"], "done": sum(counts.values()) + len(bad),
         "sha": hashlib.sha256(path.read_bytes()).hexdigest(), "version": version("gridbeat"),
         "bad": json.dumps(Counter(row.reason for row in bad))},
    ).scalar_one()  # fmt: skip
    for row in bad:
        raw = json.dumps(dict(row.raw), ensure_ascii=False, sort_keys=True)
        ref = row.raw.get("source_ref") or f"row {row.row_no}"
        connection.execute(
            _KEEP,
            {"feed": number, "run": run, "ref": ref[:200], "raw": raw, "hash": digest_text(raw),
             "no": row.row_no, "field": row.field, "value": row.value, "reason": row.reason},
        )  # fmt: skip


_KNOWN = text("SELECT EXISTS (SELECT FROM report WHERE report_id = :report)")
_FEED = text(
    "INSERT INTO feed (jurisdiction_id, source) VALUES (:j, :source) "
    "ON CONFLICT (jurisdiction_id, source) DO UPDATE SET source = excluded.source "
    "RETURNING feed_id"
)
_RUN = text(
    "INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, crs, status, "
    "rows_done, rows_new, rows_same, quarantined, code_version, finished_at) VALUES "
    "(:feed, 'reports', :file, :sha, '{}', :crs, 'finished', :done, :new, :same, "
    "CAST(:bad AS jsonb), :version, now()) RETURNING import_run_id"
)
_KEEP = text(
    "INSERT INTO quarantine (feed_id, import_run_id, kind, source_ref, row_hash, row_no, field, "
    "value, reason, raw) VALUES (:feed, :run, 'reports', :ref, :hash, :no, :field, :value, "
    ":reason, CAST(:raw AS jsonb)) ON CONFLICT (feed_id, kind, source_ref, row_hash) DO UPDATE SET "
    "import_run_id = excluded.import_run_id, reason = excluded.reason"
)
