"""Merging of incidents: new ones in, changed ones with their history, same ones confirmed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from geo.imports.normalise import Normalised
from geo.imports.staging import Connection, Counts, Target, copy_table, packaged_sql

_INCIDENT_COLUMNS = (
    "row_no", "source_ref", "occurred_at", "occurred_until", "time_precision", "reported_at",
    "category_id", "found_by", "lon", "lat", "x_m", "y_m", "accuracy_m", "area_id",
    "content_hash", "attributes",
)  # fmt: skip


def merge_incidents(
    connection: Connection, made: Normalised, target: Target, *, careful: bool
) -> Counts:
    """Merge one chunk of incidents.

    With `careful` false the rows are taken for new, which is quicker, and a reference that is
    known after all raises ``psycopg.errors.UniqueViolation``.
    """
    staged = _stage(connection, made)
    if not staged:
        return Counts()
    names = {"feed": target.feed_id, "run": target.run_id}
    if not careful:
        connection.execute(packaged_sql("incident_new"), names)
        return Counts(new=staged, no_grid=_no_grid(made))
    connection.execute("ANALYZE stage_incident (source_ref)")
    known = connection.execute(packaged_sql("incident_known"), names).rowcount
    new = connection.execute(packaged_sql("incident_new"), names).rowcount if known < staged else 0
    if not known:
        return Counts(new=new, no_grid=_no_grid(made))
    connection.execute(
        "UPDATE incident_key k SET last_run_id = %(run)s FROM stage_known s "
        "WHERE k.incident_id = s.record_id AND s.same AND NOT s.this_run",
        names,
    )
    connection.execute(packaged_sql("incident_history"), names)
    changed = connection.execute(packaged_sql("incident_change"), names).rowcount
    same = _mark_conflicts(connection, made)
    return Counts(new=new, changed=changed, same=same, no_grid=_no_grid(made))


def _mark_conflicts(connection: Connection, made: Normalised) -> int:
    """Mark rows whose reference this run has met with other content; return how many are same."""
    rows = connection.execute(
        "SELECT row_no FROM stage_known WHERE NOT same AND this_run"
    ).fetchall()
    if rows:
        numbers = pa.array([row[0] for row in rows], pa.int64())
        hit = pc.is_in(made.raw.row_no, value_set=numbers).to_numpy(zero_copy_only=False)
        made.problems.add(
            np.asarray(hit, dtype=bool), "duplicate_ref", "source_ref", made.columns["source_ref"]
        )
    found = connection.execute("SELECT count(*) FROM stage_known WHERE same").fetchone()
    return int(str(found[0])) if found else 0


def _no_grid(made: Normalised) -> int:
    sound = pa.array(made.problems.sound)
    return int(made.columns["area_id"].filter(sound).null_count)


def _stage(connection: Connection, made: Normalised) -> int:
    sound = pa.array(made.problems.sound)
    n_rows = made.problems.n_rows
    columns = {"row_no": made.raw.row_no, **made.columns}
    table = pa.table(
        {name: columns.get(name, pa.nulls(n_rows, pa.string())) for name in _INCIDENT_COLUMNS}
    ).filter(sound)
    copy_table(connection, table, sql.Identifier("stage_incident"))
    return int(table.num_rows)
