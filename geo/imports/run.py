"""A whole import: open, place, read chunk by chunk, load, and say what came of it."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import shapely

from geo.crs.systems import parse_crs, propose_metric_srid
from geo.errors import DatabaseError, FormatError, MappingError
from geo.formats.encoding import open_binary
from geo.formats.open import open_table
from geo.formats.table import CHUNK_ROWS, RawBatch, RawTable, rechunk
from geo.imports.fields import reference_column
from geo.imports.mapping import Mapping, check_columns
from geo.imports.normalise import Normalised, normalise
from geo.imports.plan import ReadPlan
from geo.imports.plausible import require_plausible
from geo.imports.references import RowCounter
from geo.imports.report import ImportReport
from geo.imports.session import (
    Connect,
    Loader,
    Run,
    begin_run,
    fail_run,
    finish_run,
    plan_reading,
    prepare_session,
)
from geo.imports.staging import Connection
from geo.places import Place
from geo.store import (
    note_coverage,
    read_place,
    write_jurisdiction,
)

Progress = Callable[[int], None]


def import_file(
    connect: Connect,
    path: Path,
    mapping: Mapping,
    *,
    now: datetime,
    jurisdiction: str | None = None,
    progress: Progress | None = None,
    chunk_rows: int = CHUNK_ROWS,
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
    chunk_rows
        Rows to a transaction.

    Raises
    ------
    FormatError, MappingError, CrsError, NotFoundError
        If the file cannot be used as a whole; nothing has been written then. A file that turns
        out to be damaged further on leaves the chunks before that place, and says so.
    ConflictError
        If another import of the same source is running.
    DatabaseError
        If the database went away.
    """
    raw = open_table(path, kind=mapping.kind, encoding=mapping.encoding, layer=mapping.layer)
    check_columns(mapping, raw.column_names, file=path.name)
    job = Job(raw, mapping, check_whole(path), now, jurisdiction, progress, chunk_rows)
    return _import(connect, job)


@dataclass(frozen=True)
class Job:
    """One file to be imported, and how; `digest` is its SHA-256."""

    raw: RawTable
    mapping: Mapping
    digest: str
    now: datetime
    jurisdiction: str | None
    progress: Progress | None
    chunk_rows: int


def _import(connect: Connect, job: Job) -> ImportReport:
    started = time.monotonic()
    raw, mapping = job.raw, job.mapping
    if mapping.kind_of().shape and "x" not in mapping.columns and not raw.has_geometry:
        raise MappingError(
            f"{raw.path.name}: has no geometry: name its coordinate columns x and y under [columns]"
        )
    with connect() as connection, connect() as counting:
        connection.autocommit = True
        crs = file_crs(raw, mapping)
        chunks = rechunk(raw.batches, rows=job.chunk_rows)
        first = list(islice(chunks, 1))
        place = _place(connection, raw, mapping, crs, job.now, job.jurisdiction)
        for batch in first:
            require_plausible(batch, mapping, crs, place)
        plan = plan_reading(connection, mapping, place, crs, job.now)
        run = begin_run(connection, plan, place, raw.path.name, job.digest)
        read_chunks = _chunks(chain(first, chunks), plan, counting, run.rows_done)
        try:
            read = _load_all(connection, read_chunks, plan, run, job.progress)
        except BaseException as error:
            fail_run(connection, run, error)
            if isinstance(error, psycopg.OperationalError):
                raise DatabaseError(
                    f"the database went away during the import ({error}): start the same command "
                    "again when it is back, and the import goes on where it stopped"
                ) from error
            raise
        finish_run(connection, run)
        if mapping.covers_to is not None:
            note_coverage(connection, run.target.feed_id, mapping.covers_to)
    counts = run.counts
    return ImportReport(
        run_id=run.target.run_id, kind=mapping.kind, source=mapping.source, file=raw.path.name,
        jurisdiction=f"{place.code} {place.name}", read=read, new=counts.new,
        changed=counts.changed, same=counts.same, left_out=counts.left_out,
        no_grid=counts.no_grid, quarantined=counts.quarantined, resumed_at=run.rows_done,
        seconds=time.monotonic() - started,
    )  # fmt: skip


def check_whole(path: Path) -> str:
    """Return the SHA-256 of a file that is there whole.

    Raises
    ------
    FormatError
        If a compressed file is cut off or damaged, which its end alone shows.
    """
    if path.suffix.lower() == ".gz":
        try:
            with open_binary(path) as unpacked:
                while unpacked.read(1 << 20):
                    pass
        except (OSError, EOFError, zlib.error) as error:
            raise FormatError(
                f"{path.name}: cannot be unpacked to its end ({error}); fetch it again"
            ) from error
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


def _load_all(
    connection: Connection, chunks: Iterator[tuple[Normalised | None, int]], plan: ReadPlan,
    run: Run, progress: Progress | None,
) -> int:  # fmt: skip
    """Read the next chunk while the last one is being loaded; return how many rows were read."""
    read = 0
    prepare_session(connection, plan)
    loader = Loader(connection, run.target)
    with ThreadPoolExecutor(max_workers=1) as worker:
        pending = None
        for made, read in chunks:
            if pending is not None:
                pending.result()
            if made is None:
                continue
            pending = worker.submit(loader.load, made, run.counts, read)
            if progress is not None:
                progress(read)
        if pending is not None:
            pending.result()
    return read


def _chunks(
    batches: Iterator[RawBatch], plan: ReadPlan, counting: Connection, rows_done: int
) -> Iterator[tuple[Normalised | None, int]]:
    """Yield checked chunks with the number of rows read; those done before are passed over."""
    counter = None if reference_column(plan.mapping) else RowCounter(counting)
    read = 0
    for batch in batches:
        read += batch.columns.num_rows + len(batch.broken)
        refs = counter.references(batch.columns) if counter is not None else None
        if read <= rows_done:
            yield None, read
            continue
        yield normalise(batch, plan, references=refs), read
