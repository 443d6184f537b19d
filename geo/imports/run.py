"""A whole import: open, place, read chunk by chunk, load, and say what came of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from psycopg.types.json import Jsonb

from geo.crs import parse_crs, propose_metric_srid
from geo.diagnose import require_inside
from geo.errors import DatabaseError, FormatError, MappingError
from geo.formats.open import open_table
from geo.formats.table import RawBatch, RawTable, rechunk
from geo.imports.chunk import load_chunk
from geo.imports.mapping import Mapping, check_columns
from geo.imports.normalise import Normalised, ReadPlan, normalise
from geo.imports.references import RowCounter
from geo.imports.report import ImportReport
from geo.imports.staging import Connection, Counts, Target, packaged_sql
from geo.imports.values import as_number, read_column
from geo.places import Place
from geo.store import (
    ensure_categories,
    ensure_feed,
    lock_feed,
    read_area_ids,
    read_grid_set,
    read_place,
    write_jurisdiction,
)

Connect = Callable[[], Connection]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class _Run:
    """A run that is under way: where it writes and from which row it goes on."""

    target: Target
    rows_done: int
    counts: Counts


def import_file(
    connect: Connect,
    path: Path,
    mapping: Mapping,
    *,
    now: datetime,
    jurisdiction: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import one file; started again after any interruption it goes on where it stopped.

    Parameters
    ----------
    connect
        Opens a connection as the application's role.
    now
        The time of the import, with zone; rows more than a day after it are quarantined.
    progress
        Is told how many rows of the file are done.

    Raises
    ------
    FormatError, MappingError, CrsError, NotFoundError
        If the file cannot be used as a whole; nothing has been written then.
    """
    raw = open_table(path, kind=mapping.kind, encoding=mapping.encoding, layer=mapping.layer)
    check_columns(mapping, raw.column_names, file=path.name)
    return _import(connect, raw, mapping, _sha256(path), now, jurisdiction, progress)


def _import(
    connect: Connect, raw: RawTable, mapping: Mapping, digest: str, now: datetime,
    jurisdiction: str | None, progress: Progress | None,
) -> ImportReport:  # fmt: skip
    started = time.monotonic()
    if mapping.kind_of().shape and "x" not in mapping.columns and not raw.has_geometry:
        raise MappingError(
            f"{raw.path.name}: has no geometry: name its coordinate columns x and y under [columns]"
        )
    with connect() as connection, connect() as counting:
        connection.autocommit = True
        crs = file_crs(raw, mapping)
        place = _place(connection, raw, mapping, crs, now, jurisdiction)
        plan = _plan(connection, mapping, place, crs, now)
        run = _start(connection, mapping, place, raw.path.name, digest, plan.area_ids)
        try:
            counts, read = _load_all(connection, counting, raw, plan, run, progress)
        except BaseException as error:
            _fail(connection, run, error)
            raise
        _finish(connection, run)
    return ImportReport(
        run_id=run.target.run_id, kind=mapping.kind, source=mapping.source, file=raw.path.name,
        jurisdiction=f"{place.code} {place.name}", read=read, new=counts.new,
        changed=counts.changed, same=counts.same, left_out=counts.left_out,
        no_grid=counts.no_grid, quarantined=counts.quarantined, resumed_at=run.rows_done,
        seconds=time.monotonic() - started,
    )  # fmt: skip


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_crs(raw: RawTable, mapping: Mapping) -> str:
    """Decide the reference system from what the file and the mapping say.

    Raises
    ------
    MappingError
        If they contradict each other, or neither says anything about a projected file.
    """
    if "x" in mapping.columns or raw.crs is None:
        if mapping.crs is None and raw.has_geometry and raw.crs is None:
            raise MappingError(
                f"{raw.path.name}: the file names no coordinate system: name it as `crs`"
            )
        return mapping.crs or "wgs84"
    own = parse_crs(raw.crs)
    if mapping.crs is None:
        return raw.crs
    declared = parse_crs(mapping.crs)
    degrees = {4326, 4490, None}
    if declared.srid != own.srid and not {declared.srid, own.srid} <= degrees:
        raise MappingError(
            f"{raw.path.name}: the file says {raw.crs}, the mapping says {mapping.crs}: "
            "take `crs` out of the mapping if the file is right"
        )
    return mapping.crs


def _place(
    connection: Connection, raw: RawTable, mapping: Mapping, crs: str, now: datetime,
    jurisdiction: str | None,
) -> Place:  # fmt: skip
    """Return the jurisdiction; a mapping of boundaries may found it."""
    new = mapping.new_jurisdiction
    code = jurisdiction or mapping.jurisdiction or (new.code if new else None)
    if new is not None:
        with connection.transaction():
            exists = connection.execute(
                "SELECT FROM jurisdiction WHERE code = %s", (new.code,)
            ).fetchone()
            if exists is None:
                boundary = _outline(raw, mapping, crs, now)
                srid = new.metric_srid or propose_metric_srid(boundary)
                write_jurisdiction(
                    connection, code=new.code, code_scheme=new.code_scheme, name=new.name,
                    name_en=new.name_en or new.name, time_zone=new.time_zone, srid=srid,
                    simulated=new.simulated, boundary=boundary,
                )  # fmt: skip
    return read_place(connection, code)


def _outline(
    raw: RawTable, mapping: Mapping, crs: str, now: datetime
) -> shapely.Polygon | shapely.MultiPolygon:
    """Unite the sound polygons of a file into the boundary of a new jurisdiction."""
    again = open_table(raw.path, kind=mapping.kind, encoding=mapping.encoding, layer=mapping.layer)
    plan = ReadPlan(mapping, mapping.kind_of(), crs, "UTC", now)
    shapes: list[object] = []
    for batch in again.batches:
        made = normalise(batch, plan)
        good = made.columns["geom"].filter(pa.array(made.problems.sound)).to_pylist()
        shapes += [shapely.from_wkb(bytes.fromhex(text)) for text in good]
        reasons = sorted({str(r) for r in made.problems.reason if r is not None})
        if reasons:
            raise FormatError(
                f"{raw.path.name}: a jurisdiction is founded on sound boundaries only; found "
                f"{', '.join(reasons)}"
            )
    if not shapes:
        raise FormatError(f"{raw.path.name}: no boundary left to found a jurisdiction on")
    return shapely.union_all(np.array(shapes, dtype=object))  # type: ignore[return-value]


def _plan(
    connection: Connection, mapping: Mapping, place: Place, crs: str, now: datetime
) -> ReadPlan:
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


def _start(
    connection: Connection,
    mapping: Mapping,
    place: Place,
    file_name: str,
    digest: str,
    area_ids: dict[str, int] | None,
) -> _Run:
    """Begin a run, or take up the one that an interruption left."""
    with connection.transaction():
        feed_id = ensure_feed(
            connection, jurisdiction_id=place.jurisdiction_id, source=mapping.source,
            title=mapping.title, licence=mapping.licence,
        )  # fmt: skip
    lock_feed(connection, feed_id)
    stored = Jsonb(json.loads(mapping.model_dump_json(exclude_defaults=True)))
    row = connection.execute(
        "SELECT import_run_id, rows_done, rows_new, rows_changed, rows_same, rows_no_grid, "
        "rows_left_out, quarantined FROM import_run WHERE feed_id = %s AND kind = %s "
        "AND file_sha256 = %s AND status <> 'finished' AND mapping = %s "
        "ORDER BY import_run_id DESC LIMIT 1",
        (feed_id, mapping.kind, digest, stored),
    ).fetchone()
    if row is None:
        found = connection.execute(
            "INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, code_version) "
            "VALUES (%s, %s, %s, %s, %s, %s) RETURNING import_run_id",
            (feed_id, mapping.kind, file_name, digest, stored, version("gridbeat")),
        ).fetchone()
        row = (found[0] if found else 0, 0, 0, 0, 0, 0, 0, {})
    run_id, done, new, changed, same, no_grid, left_out = (int(str(value)) for value in row[:7])
    counts = Counts(new, changed, same, no_grid, left_out, dict(row[7]))  # type: ignore[call-overload]
    connection.execute(
        "UPDATE import_run SET status = 'running', error = NULL WHERE import_run_id = %s", (run_id,)
    )
    target = Target(feed_id, run_id, place, mapping.kind_of(), area_ids)
    return _Run(target, done, counts)


def _load_all(
    connection: Connection, counting: Connection, raw: RawTable, plan: ReadPlan, run: _Run,
    progress: Progress | None,
) -> tuple[Counts, int]:  # fmt: skip
    """Read the next chunk while the last one is being loaded."""
    counts, read = run.counts, 0
    if plan.kind.table == "incident":
        connection.execute(packaged_sql("stage_incident"))
    loader = _Loader(connection, run.target, careful=_has_records(connection, run))
    with ThreadPoolExecutor(max_workers=1) as worker:
        pending = None
        for batch, rows_read in _chunks(raw, plan, counting, run.rows_done):
            made = batch
            read = rows_read
            if pending is not None:
                pending.result()
            if made is None:
                continue
            pending = worker.submit(loader.load, made, counts, rows_read)
            if progress is not None:
                progress(rows_read)
        if pending is not None:
            pending.result()
    return counts, read


def _chunks(
    raw: RawTable, plan: ReadPlan, counting: Connection, rows_done: int
) -> Iterator[tuple[Normalised | None, int]]:
    """Yield checked chunks with the number of rows read; those done before are passed over."""
    counter = RowCounter(counting) if "source_ref" not in plan.mapping.columns else None
    read = 0
    for number, batch in enumerate(rechunk(raw.batches)):
        read += batch.columns.num_rows + len(batch.broken)
        if number == 0:
            _require_plausible(batch, plan)
        refs = counter.references(batch.columns) if counter is not None else None
        if read <= rows_done:
            yield None, read
            continue
        yield normalise(batch, plan, references=refs), read


def _require_plausible(batch: RawBatch, plan: ReadPlan) -> None:
    """Refuse a file whose coordinates are plainly in another system or order."""
    if plan.place is None or "x" not in plan.mapping.columns:
        return
    x, _ = as_number(read_column(batch.columns, plan.mapping.columns["x"]))
    y, _ = as_number(read_column(batch.columns, plan.mapping.columns["y"]))
    known = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    if known.sum() >= 20:
        require_inside(
            x[known], y[known], crs=plan.crs, boundary=plan.place.boundary,
            place=plan.place.name, metric_srid=plan.place.srid,
        )  # fmt: skip


def _has_records(connection: Connection, run: _Run) -> bool:
    if run.target.kind.table != "incident":
        return True
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM incident_key WHERE feed_id = %s)", (run.target.feed_id,)
    ).fetchone()
    return bool(row and row[0])


class _Loader:
    """Loads chunks one after the other, each in its own transaction."""

    def __init__(self, connection: Connection, target: Target, *, careful: bool) -> None:
        self._connection = connection
        self._target = target
        self._careful = careful
        self._months: set[int] = set()

    def load(self, made: Normalised, counts: Counts, rows_done: int) -> None:
        """Load one chunk and note in the same transaction how far the run has come."""
        self._make_partitions(made)
        problems = made.problems.copy()
        try:
            added = self._load(made, counts, rows_done)
        except psycopg.errors.UniqueViolation:
            if self._careful:
                raise
            self._careful = True  # a reference stands in two chunks: look each one up from here
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


def _finish(connection: Connection, run: _Run) -> None:
    connection.execute(
        "UPDATE import_run SET status = 'finished', finished_at = now() WHERE import_run_id = %s",
        (run.target.run_id,),
    )


def _fail(connection: Connection, run: _Run, error: BaseException) -> None:
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
