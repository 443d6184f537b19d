"""Files of people, posts and shifts into the database: checked row by row, the same file once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from geo.errors import InputError
from geo.imports.digest import digest_text
from governance.rows import BadRow, FileRow, RowError, as_day, as_moment, need, read_rows

RosterKind = Literal["people", "posts", "shifts"]
_STAFF = ("staff_no", "工号", "人员编号")
_AREA = ("area_code", "网格编码", "grid_code", "区域编码")
_UNIT = ("unit_ref", "队伍编号", "unit")
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "people": {"staff_no": _STAFF, "title": ("title", "岗位名称", "职务")},
    "posts": {
        "staff_no": _STAFF, "role": ("role", "角色", "岗位"), "area_code": _AREA,
        "unit_ref": _UNIT, "valid_from": ("valid_from", "任职日期", "起始日期"),
        "valid_to": ("valid_to", "离任日期", "截止日期"),
    },
    "shifts": {
        "unit_ref": _UNIT, "starts_at": ("starts_at", "上岗时间", "开始时间"),
        "ends_at": ("ends_at", "离岗时间", "结束时间"),
    },
}  # fmt: skip
REQUIRED: dict[str, tuple[str, ...]] = {
    "people": ("staff_no",), "posts": ("staff_no", "role"),
    "shifts": ("unit_ref", "starts_at", "ends_at"),
}  # fmt: skip
SOURCE = "duty-roster"
FOREVER = date.max


@dataclass(frozen=True)
class RosterReport:
    """What came of a file."""

    kind: str
    new: int
    changed: int
    same: int
    bad: tuple[BadRow, ...]


@dataclass(frozen=True)
class _Known:
    jurisdiction: int
    zone: ZoneInfo
    people: dict[str, int]
    areas: dict[str, int]
    units: dict[str, int]


def import_roster(
    connection: Connection, jurisdiction_id: int, path: Path, *, kind: RosterKind,
    layer: str | None = None,
) -> RosterReport:  # fmt: skip
    """Take in a file of people, posts or shifts. Never commits.

    Rows are known by what they say: a person by the number, a post by person, role, place and
    first day, a shift by unit and beginning. Bad rows are kept in quarantine with their reason.

    Raises
    ------
    FormatError
        The file cannot be read, or a column is missing.
    """
    if kind not in FIELDS:
        raise InputError(f"{kind!r} is no roster; there are {', '.join(FIELDS)}", code="no-roster")
    known = _read_known(connection, jurisdiction_id)
    write = _WRITERS[kind]
    counts = {"new": 0, "changed": 0, "same": 0}
    bad: list[BadRow] = []
    for row in read_rows(path, FIELDS[kind], kind=kind, required=REQUIRED[kind], layer=layer):
        try:
            counts[write(connection, row, known)] += 1
        except RowError as error:
            bad.append(BadRow(row.row_no, error.field, error.reason, error.value, row.values))
    _note(connection, jurisdiction_id, path, kind, counts, bad)
    return RosterReport(kind, counts["new"], counts["changed"], counts["same"], tuple(bad))


def _person(connection: Connection, row: FileRow, known: _Known) -> str:
    number = need(row, "staff_no")
    values = {"j": known.jurisdiction, "no": number, "title": row.values.get("title")}
    if number in known.people:
        changed = connection.execute(_RETITLE, values).rowcount
        return "changed" if changed else "same"
    known.people[number] = connection.execute(_HIRE, values).scalar_one()
    return "new"


def _post(connection: Connection, row: FileRow, known: _Known) -> str:
    number, role = need(row, "staff_no"), need(row, "role")
    begin = as_day(row, "valid_from", date.min)
    end = as_day(row, "valid_to", FOREVER)
    area, unit = row.values.get("area_code"), row.values.get("unit_ref")
    if number not in known.people:
        raise RowError("staff_no", "unknown_value", number)
    if area is None and unit is None:
        raise RowError("area_code", "missing_value")
    if area is not None and area not in known.areas:
        raise RowError("area_code", "unknown_area", area)
    if unit is not None and unit not in known.units:
        raise RowError("unit_ref", "unknown_value", unit)
    if begin >= end:
        raise RowError("valid_to", "ends_before_start", str(end))
    values = {
        "person": known.people[number], "role": role,
        "area": known.areas[area] if area else None, "unit": known.units[unit] if unit else None,
        "begin": "-infinity" if begin == date.min else str(begin),
        "end": "infinity" if end == FOREVER else str(end),
    }  # fmt: skip
    there = connection.execute(_THE_POST, values).one_or_none()
    if there is not None:
        if there.same:
            return "same"
        connection.execute(_END_POST, {"post": there.post_id, "end": values["end"]})
        return "changed"
    if connection.execute(_OVERLAPS, values).scalar_one():
        raise RowError("valid_from", "duplicate_ref", str(values["begin"]))
    connection.execute(_APPOINT, values)
    return "new"


def _shift(connection: Connection, row: FileRow, known: _Known) -> str:
    unit = need(row, "unit_ref")
    if unit not in known.units:
        raise RowError("unit_ref", "unknown_value", unit)
    begin = as_moment(row, "starts_at", known.zone)
    end = as_moment(row, "ends_at", known.zone)
    if begin >= end:
        raise RowError("ends_at", "ends_before_start", end.isoformat())
    values = {"unit": known.units[unit], "begin": begin, "end": end}
    there = connection.execute(_THE_SHIFT, values).one_or_none()
    if there is not None:
        if there.ends_at == end:
            return "same"
        if connection.execute(_CLASHES, values).scalar_one():
            raise RowError("ends_at", "duplicate_ref", end.isoformat())
        connection.execute(_LENGTHEN, values)
        return "changed"
    if connection.execute(_CLASHES, values).scalar_one():
        raise RowError("starts_at", "duplicate_ref", begin.isoformat())
    connection.execute(_PUT_ON_DUTY, values)
    return "new"


_WRITERS: dict[str, Callable[[Connection, FileRow, _Known], str]] = {
    "people": _person, "posts": _post, "shifts": _shift,
}  # fmt: skip


def _read_known(connection: Connection, jurisdiction_id: int) -> _Known:
    here = {"j": jurisdiction_id}
    zone = connection.execute(
        text("SELECT time_zone FROM jurisdiction WHERE jurisdiction_id = :j"), here
    ).scalar_one()
    lists = {
        name: {str(row[0]): int(row[1]) for row in connection.execute(text(query), here)}
        for name, query in {
            "people": "SELECT staff_no, person_id FROM person WHERE jurisdiction_id = :j",
            "areas": "SELECT code, area_id FROM area WHERE jurisdiction_id = :j",
            "units": "SELECT source_ref, unit_id FROM unit JOIN feed USING (feed_id) "
                     "WHERE jurisdiction_id = :j",
        }.items()
    }  # fmt: skip
    return _Known(jurisdiction_id, ZoneInfo(zone), **lists)


def _note(
    connection: Connection, jurisdiction_id: int, path: Path, kind: str, counts: dict[str, int],
    bad: list[BadRow],
) -> None:  # fmt: skip
    """Note the run, and keep its bad rows."""
    feed = connection.execute(_FEED, {"j": jurisdiction_id, "source": SOURCE}).scalar_one()
    reasons: dict[str, int] = {}
    for row in bad:
        reasons[row.reason] = reasons.get(row.reason, 0) + 1
    run = connection.execute(
        _RUN,
        {"feed": feed, "kind": kind, "file": path.name, **counts,
         "sha": hashlib.sha256(path.read_bytes()).hexdigest(), "version": version("gridbeat"),
         "done": sum(counts.values()) + len(bad), "bad": json.dumps(reasons)},
    ).scalar_one()  # fmt: skip
    for row in bad:
        raw = json.dumps(dict(row.raw), ensure_ascii=False, sort_keys=True)
        connection.execute(
            _KEEP,
            {"feed": feed, "run": run, "kind": kind, "ref": f"row {row.row_no}", "raw": raw,
             "hash": digest_text(raw), "no": row.row_no, "field": row.field, "value": row.value,
             "reason": row.reason},
        )  # fmt: skip


_HIRE = text(
    "INSERT INTO person (jurisdiction_id, staff_no, title) VALUES (:j, :no, :title) "
    "RETURNING person_id"
)
_RETITLE = text(
    "UPDATE person SET title = :title WHERE jurisdiction_id = :j AND staff_no = :no "
    "AND title IS DISTINCT FROM CAST(:title AS text) AND CAST(:title AS text) IS NOT NULL"
)
_SAME_PLACE = (
    "person_id = :person AND role = :role AND area_id IS NOT DISTINCT FROM CAST(:area AS bigint) "
    "AND unit_id IS NOT DISTINCT FROM CAST(:unit AS bigint)"
)
_THE_POST = text(
    "SELECT post_id, valid_to = CAST(:end AS date) AS same FROM post "  # noqa: S608 - constants
    f"WHERE {_SAME_PLACE} AND valid_from = CAST(:begin AS date)"
)
_OVERLAPS = text(
    f"SELECT EXISTS (SELECT FROM post WHERE {_SAME_PLACE} AND "  # noqa: S608 - constants
    "daterange(valid_from, valid_to) && daterange(CAST(:begin AS date), CAST(:end AS date)))"
)
_END_POST = text("UPDATE post SET valid_to = CAST(:end AS date) WHERE post_id = :post")
_APPOINT = text(
    "INSERT INTO post (person_id, role, area_id, unit_id, valid_from, valid_to) VALUES "
    "(:person, :role, :area, :unit, CAST(:begin AS date), CAST(:end AS date))"
)
_THE_SHIFT = text("SELECT ends_at FROM shift WHERE unit_id = :unit AND starts_at = :begin")
_CLASHES = text(
    "SELECT EXISTS (SELECT FROM shift WHERE unit_id = :unit AND starts_at <> :begin "
    "AND tstzrange(starts_at, ends_at) && tstzrange(:begin, :end))"
)
_LENGTHEN = text("UPDATE shift SET ends_at = :end WHERE unit_id = :unit AND starts_at = :begin")
_PUT_ON_DUTY = text("INSERT INTO shift (unit_id, starts_at, ends_at) VALUES (:unit, :begin, :end)")
_FEED = text(
    "INSERT INTO feed (jurisdiction_id, source) VALUES (:j, :source) "
    "ON CONFLICT (jurisdiction_id, source) DO UPDATE SET source = excluded.source "
    "RETURNING feed_id"
)
_RUN = text(
    "INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, crs, status, "
    "rows_done, rows_new, rows_changed, rows_same, quarantined, code_version, finished_at) VALUES "
    "(:feed, :kind, :file, :sha, '{}', 'none', 'finished', :done, :new, :changed, :same, "
    "CAST(:bad AS jsonb), :version, now()) RETURNING import_run_id"
)
_KEEP = text(
    "INSERT INTO quarantine (feed_id, import_run_id, kind, source_ref, row_hash, row_no, field, "
    "value, reason, raw) VALUES (:feed, :run, :kind, :ref, :hash, :no, :field, :value, :reason, "
    "CAST(:raw AS jsonb)) ON CONFLICT (feed_id, kind, source_ref, row_hash) DO UPDATE SET "
    "import_run_id = excluded.import_run_id, reason = excluded.reason"
)
