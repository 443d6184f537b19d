"""Bad rows kept whole: in, out to a file, and back in once they are mended."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow as pa
from psycopg.types.json import Jsonb

from geo.formats.table import RawBatch
from geo.imports.digest import digest_raw_row, digest_text
from geo.imports.normalise import Normalised
from geo.imports.rows import raw_rows, shown, storable
from geo.imports.staging import Connection, Counts, Target, packaged_sql

BROKEN = "broken row"
_LONGEST_REF = 200  # characters; an index must hold it


def quarantine(connection: Connection, made: Normalised, target: Target) -> Counts:
    """Keep the chunk's bad rows, whole and with their reasons."""
    rows = _broken_rows(made.raw, target) + _bad_rows(made, target)
    if not rows:
        return Counts()
    mended = _mended_before(connection, rows, target)
    open_rows = [row for row in rows if (row["source_ref"], row["row_hash"]) not in mended]
    with connection.cursor() as cursor:
        cursor.executemany(packaged_sql("quarantine_row"), open_rows)
    counts = Counter(str(row["reason"]) for row in open_rows)
    return Counts(same=len(rows) - len(open_rows), quarantined=dict(counts))


def _mended_before(
    connection: Connection, rows: list[dict[str, object]], target: Target
) -> set[tuple[object, object]]:
    """Return reference and hash of rows that were bad before and have been mended since."""
    found = connection.execute(
        "SELECT source_ref, row_hash FROM quarantine WHERE feed_id = %s AND kind = %s "
        "AND source_ref = ANY(%s) AND status = 'resolved' AND resolved_by_run_id <> %s",
        (target.feed_id, target.kind.name, [row["source_ref"] for row in rows], target.run_id),
    )
    return {(ref, row_hash) for ref, row_hash in found}


def _cut(text: str | None) -> str | None:
    return None if text is None else storable(text)[:1000]


def _reference(source_ref: str | None) -> str | None:
    """Return a reference as it is, or a digest of one that is too long."""
    if source_ref is None or len(source_ref) <= _LONGEST_REF:
        return None if source_ref is None else storable(source_ref)
    return f"{storable(source_ref)[:100]}… {digest_raw_row({'ref': source_ref})}"


def _broken_rows(raw: RawBatch, target: Target) -> list[dict[str, object]]:
    return [
        _quarantine_row(
            target, row_no=row.row_no, source_ref=None, field=None, value=row.problem,
            reason="broken_row", raw={BROKEN: storable(row.text)},
        )
        for row in raw.broken
    ]  # fmt: skip


def _bad_rows(made: Normalised, target: Target) -> list[dict[str, object]]:
    problems = made.problems
    bad = np.flatnonzero(problems.found & (problems.reason != "repeat"))
    if not len(bad):
        return []
    taken = pa.array(bad)
    raws = raw_rows(made.raw.columns.take(taken))
    refs = made.columns["source_ref"].take(taken).to_pylist()
    numbers = made.raw.row_no.take(taken).to_pylist()
    return [
        _quarantine_row(
            target, row_no=number, source_ref=ref, field=problems.field_name[i],
            value=None if problems.value[i] is None else shown(problems.value[i]),
            reason=problems.reason[i], raw=raw,
        )
        for i, number, ref, raw in zip(bad, numbers, refs, raws, strict=True)
    ]  # fmt: skip


def _quarantine_row(
    target: Target, *, row_no: int, source_ref: str | None, field: str | None,
    value: str | None, reason: str, raw: dict[str, object],
) -> dict[str, object]:  # fmt: skip
    text = json.dumps(raw, ensure_ascii=False, sort_keys=True)
    return {
        "feed": target.feed_id,
        "run": target.run_id,
        "kind": target.kind.name,
        "source_ref": _reference(source_ref) or f"row {row_no}: {digest_raw_row(raw)}",
        "row_hash": digest_text(text),
        "row_no": row_no,
        "field": field,
        "value": _cut(value),
        "reason": reason,
        "raw": Jsonb(raw),
    }
