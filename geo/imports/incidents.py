"""Merging of incidents: new ones in, changed ones with their history, same ones confirmed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from geo.imports.binary_copy import (
    Packed,
    pack_constant,
    pack_json,
    pack_nulls,
    pack_numbers,
    pack_points,
    pack_rows,
    pack_text,
    pack_times,
)
from geo.imports.normalise import Normalised
from geo.imports.repeats import settle_conflicts
from geo.imports.staging import Connection, Counts, Target, packaged_sql

_COLUMNS = (
    "source_ref, occurred_at, occurred_until, time_precision, reported_at, category_id, found_by, "
    "geom, x_m, y_m, accuracy_m, area_id, content_hash, attributes"
)
# COPY refuses a table with row security: this role passes it by, and may do nothing else.
_AS_LOADER = "SET LOCAL ROLE gridbeat_loader"
_COPY_NEW = f"COPY incident ({_COLUMNS}, feed_id, import_run_id) FROM STDIN (FORMAT binary)"
_COPY_STAGE = f"COPY stage_incident ({_COLUMNS}, row_no) FROM STDIN (FORMAT binary)"
_PROBES = 200


def merge_incidents(
    connection: Connection, made: Normalised, target: Target, *, careful: bool
) -> Counts:
    """Merge one chunk of incidents.

    With `careful` false the rows are taken for new, which is quicker, and a reference that is
    known after all raises ``psycopg.errors.UniqueViolation``.
    """
    sound = pa.array(made.problems.sound)
    columns = {name: column.filter(sound) for name, column in made.columns.items()}
    n_rows = len(columns["source_ref"])
    if not n_rows:
        return Counts()
    no_grid = int(columns["area_id"].null_count)
    packed = _pack(columns, n_rows)
    if not careful:
        packed += [
            pack_constant(target.feed_id, ">i4", n_rows),
            pack_constant(target.run_id, ">i8", n_rows),
        ]
        connection.execute(_AS_LOADER)
        _copy(connection, _COPY_NEW, packed)
        connection.execute("RESET ROLE")
        return Counts(new=n_rows, no_grid=no_grid)
    _copy(connection, _COPY_STAGE, [*packed, pack_numbers(made.raw.row_no.filter(sound), ">i8")])
    counts = _merge_staged(connection, made, target, n_rows)
    counts.no_grid = no_grid
    return counts


def may_be_known(connection: Connection, made: Normalised, target: Target) -> bool:
    """Say whether any of some references, taken evenly from a chunk, is known already."""
    refs = made.columns["source_ref"].filter(pa.array(made.problems.sound))
    if not len(refs):
        return False
    probes = refs.take(pa.array(np.linspace(0, len(refs) - 1, _PROBES).astype(np.int64)))
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM incident_key WHERE feed_id = %s AND source_ref = ANY(%s))",
        (target.feed_id, probes.unique().to_pylist()),
    ).fetchone()
    return bool(row and row[0])


def _pack(columns: dict[str, pa.Array], n_rows: int) -> list[Packed]:
    """Pack what `_COLUMNS` names, in its order."""
    reported, accuracy = columns.get("reported_at"), columns.get("accuracy_m")
    return [
        pack_text(columns["source_ref"]),
        pack_times(columns["occurred_at"]),
        pack_times(columns["occurred_until"]),
        pack_text(columns["time_precision"]),
        pack_nulls(n_rows) if reported is None else pack_times(reported),
        pack_numbers(columns["category_id"], ">i4"),
        pack_text(columns["found_by"]),
        pack_points(columns["lon"], columns["lat"]),
        pack_numbers(columns["x_m"], ">f8"),
        pack_numbers(columns["y_m"], ">f8"),
        pack_nulls(n_rows) if accuracy is None else pack_numbers(accuracy, ">f8"),
        pack_numbers(columns["area_id"], ">i8"),
        pack_numbers(columns["content_hash"], ">i8"),
        pack_json(columns["attributes"]),
    ]


def _copy(connection: Connection, statement: str, columns: list[Packed]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(pack_rows(columns).data)


def _merge_staged(connection: Connection, made: Normalised, target: Target, staged: int) -> Counts:
    names = {"feed": target.feed_id, "run": target.run_id}
    connection.execute("ANALYZE stage_incident (source_ref)")
    known = connection.execute(packaged_sql("incident_known"), names).rowcount
    new = connection.execute(packaged_sql("incident_new"), names).rowcount if known < staged else 0
    if not known:
        return Counts(new=new)
    same, differing, contradicting = _count_known(connection)
    connection.execute(
        "UPDATE incident_key k SET last_run_id = %(run)s FROM stage_known s "
        "WHERE k.incident_id = s.record_id AND s.same AND NOT s.this_run",
        names,
    )
    changed = 0
    if differing:
        connection.execute(packaged_sql("incident_history"), names)
        changed = connection.execute(packaged_sql("incident_change"), names).rowcount
    if contradicting:
        same += _settle(connection, made)
    return Counts(new=new, changed=changed, same=same)


def _count_known(connection: Connection) -> tuple[int, int, int]:
    """Count known rows that say the same, something new, and something else than this run did."""
    connection.execute("ANALYZE stage_known")  # or a few rows are joined as if they were many
    found = connection.execute(
        "SELECT count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same AND NOT this_run), "
        "count(*) FILTER (WHERE NOT same AND this_run) FROM stage_known"
    ).fetchone()
    same, differing, contradicting = (int(str(n)) for n in found or (0, 0, 0))
    return same, differing, contradicting


def _settle(connection: Connection, made: Normalised) -> int:
    """Mark rows whose reference this run has met with other content; return how many are same."""
    conflicts = connection.execute(
        "SELECT s.row_no, k.source_ref, k.content_hash FROM stage_known s "
        "JOIN incident_key k ON k.incident_id = s.record_id WHERE NOT s.same AND s.this_run"
    ).fetchall()
    return settle_conflicts(made, conflicts)
