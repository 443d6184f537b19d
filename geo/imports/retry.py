"""Quarantined rows out to a file for mending, and back through the same import."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from geo.errors import FormatError, InputError, NotFoundError
from geo.formats.open import open_table
from geo.formats.table import GEOMETRY, RawBatch
from geo.imports.mapping import Mapping, make_mapping, template_columns
from geo.imports.normalise import normalise
from geo.imports.problems import REASONS
from geo.imports.quarantine import BROKEN
from geo.imports.report import ImportReport
from geo.imports.session import (
    Connect,
    Loader,
    begin_run,
    finish_run,
    plan_reading,
    prepare_session,
)
from geo.imports.staging import Connection, Counts
from geo.imports.values import as_text
from geo.store import read_place

ID = "_quarantine_id"
NOTES = ("_reason", "_explanation", "_field", "_value", "_row")


@dataclass(frozen=True)
class KeptRow:
    """An open row of the quarantine."""

    quarantine_id: int
    run_id: int
    source_ref: str
    row_no: int
    field: str | None
    value: str | None
    reason: str
    raw: dict[str, object]


def read_open_rows(
    connection: Connection, *, run_id: int | None = None, source: str | None = None,
    ids: list[int] | None = None,
) -> list[KeptRow]:  # fmt: skip
    """Return the open rows of a run, a source, or with the numbers `ids`, in file order."""
    rows = connection.execute(
        "SELECT quarantine_id, import_run_id, source_ref, row_no, field, value, reason, raw "
        "FROM quarantine q JOIN feed f USING (feed_id) WHERE q.status = 'open' "
        "AND (%(run)s::bigint IS NULL OR import_run_id = %(run)s) "
        "AND (%(source)s::text IS NULL OR f.source = %(source)s) "
        "AND (%(ids)s::bigint[] IS NULL OR quarantine_id = ANY(%(ids)s)) "
        "ORDER BY import_run_id, row_no, quarantine_id",
        {"run": run_id, "source": source, "ids": ids},
    ).fetchall()
    return [KeptRow(*row) for row in rows]  # type: ignore[arg-type]


def export_rows(rows: list[KeptRow], path: Path) -> int:
    """Write rows as CSV (UTF-8 with mark, so that spreadsheets read it); return how many.

    The columns are those of the source, with the reason in front; mend the values and hand the
    file to `retry_rows`.
    """
    names = sorted({name for row in rows for name in row.raw})
    partial = path.with_name(path.name + ".part")
    with partial.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([ID, *NOTES, *names])
        for row in rows:
            zh, en = REASONS[row.reason]
            notes = [row.reason, f"{zh} {en}", row.field or "", row.value or "", row.row_no]
            writer.writerow(
                [row.quarantine_id, *notes, *(_harmless(row.raw.get(name)) for name in names)]
            )
    partial.replace(path)
    return len(rows)


def _harmless(value: object) -> object:
    """Keep a spreadsheet from running a text as a formula."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r", "'"}:
        try:
            float(value)
        except ValueError:
            return "'" + value
    return value


def read_mended(connection: Connection, path: Path) -> list[KeptRow]:
    """Read an exported file after mending; rows that were deleted from it stay in quarantine.

    Raises
    ------
    FormatError
        If the file has no ``_quarantine_id`` column, or names rows that are not open.
    """
    table = open_table(path, kind="incidents")
    if ID not in table.column_names:
        raise FormatError(f"{path.name}: has no column {ID}: export the rows first, then mend them")
    mended: dict[int, dict[str, object]] = {}
    for batch in table.batches:
        texts = pa.table({n: as_text(batch.columns.column(n))[0] for n in table.column_names})
        for row in texts.to_pylist():
            values = {k: v for k, v in row.items() if v is not None and k not in {ID, *NOTES}}
            if values.keys() - {BROKEN}:
                values.pop(BROKEN, None)
            mended[_number(row[ID], path)] = values
    rows = read_open_rows(connection, ids=list(mended))
    if len(rows) < len(mended):
        gone = sorted(set(mended) - {row.quarantine_id for row in rows})
        raise FormatError(f"{path.name}: rows {gone[:10]} are not open in the quarantine")
    return [
        KeptRow(row.quarantine_id, row.run_id, row.source_ref, row.row_no, row.field, row.value,
                row.reason, _typed(mended[row.quarantine_id], row.raw))
        for row in rows
    ]  # fmt: skip


def _number(text: str | None, path: Path) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        raise FormatError(f"{path.name}: {ID} must stay as it was exported, not {text!r}")
    return int(text)


def _typed(values: dict[str, object], before: dict[str, object]) -> dict[str, object]:
    """Give mended texts the types that the source had."""
    out: dict[str, object] = {}
    for name, value in values.items():
        text, old = str(value), before.get(name)
        if text.startswith("'") and _harmless(text[1:]) == text:
            text = text[1:]
        if isinstance(old, bool):
            out[name] = text.lower() == "true"
        elif isinstance(old, int | float) and str(old) == text:
            out[name] = old
        else:
            out[name] = text
    return out


def retry_rows(
    connect: Connect, rows: list[KeptRow], *, now: datetime, mapping: Mapping | None = None
) -> list[ImportReport]:
    """Import quarantined rows again, by their own run's mapping or a mended one.

    Rows that pass are marked resolved; those that fail again stay, with today's reason.

    Raises
    ------
    NotFoundError
        If there are no rows.
    """
    if not rows:
        raise NotFoundError("no open rows in the quarantine fit: nothing to retry")
    by_run: dict[int, list[KeptRow]] = defaultdict(list)
    for row in rows:
        by_run[row.run_id].append(row)
    return [_retry(connect, run, kept, now, mapping) for run, kept in sorted(by_run.items())]


def _retry(
    connect: Connect, run_id: int, rows: list[KeptRow], now: datetime, mapping: Mapping | None
) -> ImportReport:
    started = time.monotonic()
    rows = [row for row in rows if BROKEN not in row.raw]  # these need mending by hand first
    with connect() as connection:
        connection.autocommit = True
        found = connection.execute(
            "SELECT r.mapping, r.crs, j.code, r.kind FROM import_run r JOIN feed USING (feed_id) "
            "JOIN jurisdiction j USING (jurisdiction_id) WHERE import_run_id = %s", (run_id,),
        ).fetchone()  # fmt: skip
        if found is None:
            raise NotFoundError(f"there is no import run {run_id}")
        stored, crs, code, kind = found
        if kind == "tracks":
            raise InputError(
                f"rows of run {run_id} are of tracks: mend the file or register the device, and "
                "`gridbeat tracks import` it again, which takes in what is missing"
            )
        mapping = mapping or make_mapping(stored, name=f"mapping of run {run_id}")  # type: ignore[arg-type]
        place = read_place(connection, str(code))
        plan = plan_reading(connection, mapping, place, mapping.crs or str(crs), now)
        text = json.dumps([row.raw for row in rows], sort_keys=True, ensure_ascii=False)
        run = begin_run(
            connection, plan, place, f"quarantine of run {run_id}",
            hashlib.sha256(text.encode()).hexdigest(),
        )  # fmt: skip
        counts = Counts()
        prepare_session(connection, plan)
        loader = Loader(connection, run.target)
        ids = [row.quarantine_id for row in rows]
        with connection.transaction():
            connection.execute(
                "UPDATE quarantine SET status = 'resolved', resolved_by_run_id = %s "
                "WHERE quarantine_id = ANY(%s)", (run.target.run_id, ids))  # fmt: skip
            for batch, refs in _batches(rows, mapping):
                loader.load(normalise(batch, plan, references=refs), counts, len(rows))
        finish_run(connection, run)
    return ImportReport(
        run_id=run.target.run_id, kind=mapping.kind, source=mapping.source,
        file=f"quarantine of run {run_id}", jurisdiction=f"{place.code} {place.name}",
        read=len(rows), new=counts.new, changed=counts.changed, same=counts.same,
        left_out=counts.left_out, no_grid=counts.no_grid, quarantined=counts.quarantined,
        seconds=time.monotonic() - started,
    )  # fmt: skip


def _batches(rows: list[KeptRow], mapping: Mapping) -> Iterator[tuple[RawBatch, pa.Array]]:
    """Lay the rows out as a file's batch; each row keeps its number and reference."""
    if not rows:
        return
    names = {name for row in rows for name in row.raw}
    names |= {c for spec in mapping.columns.values() for c in template_columns(spec)}
    names |= {*mapping.attributes, *mapping.where}
    columns = {name: _column([row.raw.get(name) for row in rows], name) for name in sorted(names)}
    numbers = pa.array([row.row_no for row in rows], pa.int64())
    refs = pa.array([row.source_ref for row in rows], pa.string())
    yield RawBatch(pa.table(columns), numbers), refs


def _column(values: list[object], name: str) -> pa.Array:
    if name == GEOMETRY:
        return pa.array([None if v is None else bytes.fromhex(str(v)) for v in values], pa.binary())
    types = {type(value) for value in values if value is not None}
    if len(types) == 1 and types <= {bool, int, float}:
        return pa.array(values)
    return pa.array([None if value is None else str(value) for value in values], pa.string())
