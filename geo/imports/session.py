"""A run under way: what it knows, where it stands, and the loading of its chunks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg.types.json import Jsonb

from geo.errors import DatabaseError
from geo.imports.chunk import load_chunk
from geo.imports.incidents import may_be_known
from geo.imports.mapping import Mapping
from geo.imports.normalise import Normalised
from geo.imports.plan import ReadPlan
from geo.imports.staging import Connection, Counts, Target, packaged_sql
from geo.places import Place
from geo.store import ensure_categories, ensure_feed, lock_feed, read_area_ids, read_grid_set

Connect = Callable[[], Connection]


@dataclass(frozen=True)
class Run:
    """A run that is under way: where it writes and from which row it goes on."""

    target: Target
    rows_done: int
    counts: Counts


def plan_reading(
    connection: Connection, mapping: Mapping, place: Place, crs: str, now: datetime
) -> ReadPlan:
    """Gather all that decides how the rows of a file are read."""
    kind = mapping.kind_of()
    incidents = kind.name == "incidents"
    categories = None
    if incidents:
        with connection.transaction():
            categories = ensure_categories(
                connection,
                scheme=str(mapping.category_scheme),
                categories={
                    code: (item.name, item.name_en or item.name, item.group)
                    for code, item in mapping.categories.items()
                },
            )
    return ReadPlan(
        mapping=mapping,
        kind=kind,
        crs=crs,
        time_zone=mapping.time_zone or place.time_zone,
        now=now,
        place=place,
        near=place.buffered(mapping.outside_margin_m) if kind.shape else None,
        grids=read_grid_set(connection, place) if incidents else None,
        category_ids=categories,
        area_ids=read_area_ids(connection, place) if kind.name == "units" else None,
    )


def begin_run(
    connection: Connection, plan: ReadPlan, place: Place, file_name: str, digest: str
) -> Run:
    """Begin a run, or take up the one that an interruption left."""
    mapping = plan.mapping
    with connection.transaction():
        feed_id = ensure_feed(
            connection, jurisdiction_id=place.jurisdiction_id, source=mapping.source,
            title=mapping.title, licence=mapping.licence,
        )  # fmt: skip
    lock_feed(connection, feed_id)
    stored = Jsonb(json.loads(mapping.model_dump_json(exclude_defaults=True)))
    names = {
        "feed": feed_id, "kind": mapping.kind, "file": file_name, "digest": digest,
        "mapping": stored, "crs": plan.crs, "version": version("gridbeat"),
    }  # fmt: skip
    row = connection.execute(packaged_sql("run_resumable"), names).fetchone()
    if row is None:
        found = connection.execute(
            "INSERT INTO import_run "
            "(feed_id, kind, file_name, file_sha256, mapping, crs, code_version) "
            "VALUES (%(feed)s, %(kind)s, %(file)s, %(digest)s, %(mapping)s, %(crs)s, %(version)s) "
            "RETURNING import_run_id",
            names,
        ).fetchone()
        row = (found[0] if found else 0, 0, 0, 0, 0, 0, 0, {})
    elif plan.kind.table != "incident":
        row = (row[0], 0, 0, 0, 0, 0, 0, {})  # what this run has seen went with its session
    run_id, done, new, changed, same, no_grid, left_out = (int(str(value)) for value in row[:7])
    counts = Counts(new, changed, same, no_grid, left_out, dict(row[7]))  # type: ignore[call-overload]
    connection.execute(
        "UPDATE import_run SET status = 'running', error = NULL WHERE import_run_id = %s", (run_id,)
    )
    target = Target(feed_id, run_id, place, plan.kind, plan.area_ids)
    return Run(target, done, counts)


def is_imported(connection: Connection, code: str, mapping: Mapping, digest: str) -> bool:
    """Say whether a file (its SHA-256) was imported whole by this mapping before."""
    stored = Jsonb(json.loads(mapping.model_dump_json(exclude_defaults=True)))
    found = connection.execute(
        "SELECT FROM import_run r JOIN feed f USING (feed_id) JOIN jurisdiction j "
        "USING (jurisdiction_id) WHERE j.code = %s AND f.source = %s AND r.kind = %s "
        "AND r.file_sha256 = %s AND r.status = 'finished' AND r.mapping = %s",
        (code, mapping.source, mapping.kind, digest, stored),
    ).fetchone()
    return found is not None


def prepare_session(connection: Connection, plan: ReadPlan) -> None:
    """Make the staging tables of a session."""
    name = "stage_incident" if plan.kind.table == "incident" else "seen_asset"
    connection.execute(packaged_sql(name))


class Loader:
    """Loads chunks one after the other, each in its own transaction.

    Incidents are taken for new, without looking each one up, until one turns out to be known.
    """

    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self._target = target
        self._careful = target.kind.table != "incident"
        self._months: set[int] = set()

    def load(self, made: Normalised, counts: Counts, rows_done: int) -> None:
        """Load one chunk and note in the same transaction how far the run has come."""
        self._make_partitions(made)
        if not self._careful:
            self._careful = may_be_known(self._connection, made, self._target)
        problems = made.problems.copy()
        try:
            added = self._load(made, counts, rows_done)
        except psycopg.errors.UniqueViolation:
            if self._careful:
                raise
            self._careful = True  # a reference is known after all: look each one up from here
            again = Normalised(made.raw, made.columns, problems, made.left_out)
            added = self._load(again, counts, rows_done)
        counts.add(added)

    def _load(self, made: Normalised, counts: Counts, rows_done: int) -> Counts:
        with self._connection.transaction():
            added = load_chunk(self._connection, made, self._target, careful=self._careful)
            total = Counts()
            total.add(counts)
            total.add(added)
            self._connection.execute(
                "UPDATE import_run SET rows_done = %s, rows_new = %s, rows_changed = %s, "
                "rows_same = %s, rows_no_grid = %s, rows_left_out = %s, quarantined = %s "
                "WHERE import_run_id = %s",
                (rows_done, total.new, total.changed, total.same, total.no_grid, total.left_out,
                 Jsonb(total.quarantined), self._target.run_id),
            )  # fmt: skip
        return added

    def _make_partitions(self, made: Normalised) -> None:
        if self._target.kind.table != "incident":
            return
        times = made.columns["occurred_at"].filter(pa.array(made.problems.sound))
        days = np.asarray(pc.drop_null(times).to_numpy(zero_copy_only=False))
        months = set(days.astype("datetime64[M]").astype(np.int64).tolist()) - self._months
        if months:
            first_days = [np.datetime64(int(m), "M").astype("datetime64[D]").item() for m in months]
            self._connection.execute("SELECT ensure_incident_partitions(%s::date[])", (first_days,))
            self._months |= months


def finish_run(connection: Connection, run: Run) -> None:
    """Mark a run as finished."""
    connection.execute(
        "UPDATE import_run SET status = 'finished', finished_at = now() WHERE import_run_id = %s",
        (run.target.run_id,),
    )


def fail_run(connection: Connection, run: Run, error: BaseException) -> None:
    """Note why a run stopped, where the connection still allows it."""
    if connection.closed or connection.broken:
        return
    try:
        connection.execute(
            "UPDATE import_run SET status = 'failed', error = %s WHERE import_run_id = %s",
            (f"{type(error).__name__}: {error}"[:2000], run.target.run_id),
        )
    except psycopg.Error as lost:
        raise DatabaseError(f"the database went away during the import: {lost}") from error
