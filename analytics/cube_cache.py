"""Large cubes kept on disk and brought up to date by counting only what late rows touch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics import cube_queries
from analytics.cube import Cube, Units
from analytics.cube_file import (
    About,
    copy_with_holes,
    locked,
    make_counts,
    open_counts,
    read_about,
    write_about,
)
from analytics.cube_fill import MOST_SPREAD, Tally, add_counts, add_spans, edges_us, outside
from analytics.cube_keys import REASONS, Columns, unpack
from analytics.cube_layers import name_layers, name_lost
from analytics.cube_queries import Counting
from analytics.cube_store import (
    cell_units,
    check_frame,
    fetch_counts,
    prepare,
    read_cell_cube,
    read_jurisdiction,
    spans_at_once,
)
from analytics.fetch import fetch
from analytics.queries import CubeRequest
from analytics.street_store import check_streets, read_street_cube, street_units
from geo.lattice.lattice import Lattice
from geo.network.streets import Streets

Ints = NDArray[np.int64]
Span = tuple[int, int]
Ground: TypeAlias = Lattice | Streets

FORMAT = 2
"""Raised when files written before can no longer be read."""
SLACK = 1000
"""How many of the newest numbers of incidents are looked at again: a row may become visible after
another with a larger number."""


@dataclass(frozen=True, eq=False)
class _Job:
    """One cube to keep: where, of what, and on which cells or street segments."""

    connection: Connection
    directory: Path
    counting: Counting
    known: pd.DataFrame
    ground: Ground
    units: Units

    def tally(self, found: Columns, within: Span) -> tuple[Tally, Ints, Ints]:
        """Return placed groups, the step in which each begins, and what was left out."""
        steps = self.counting.steps
        counted = unpack(found, self.counting.plan(self.ground), steps, self.ground)
        rows = counted.tally.unit
        if isinstance(self.ground, Lattice):
            rows = self.ground.position_of[rows].astype(np.int64)
        groups = replace(counted.tally, unit=rows)
        edges = edges_us(steps)
        begins = np.maximum(np.searchsorted(edges, groups.begin, side="right") - 1, 0)
        since = np.where(groups.begin < groups.end, begins, groups.step)
        lost = counted.lost
        nowhere = rows < 0
        np.add.at(lost[:, REASONS.index("no_unit")], since[nowhere], groups.n[nowhere])
        return groups.take(~nowhere), since[~nowhere], lost[within[0] : within[1]]


def read_cached_cube(
    connection: Connection, request: CubeRequest, ground: Ground, *, directory: Path
) -> Cube:
    """Count incidents on cells or street segments into a file, or bring that file up to date.

    The first call counts everything. Later ones ask which import runs are new or went on, and
    count again the steps in which their rows lie, or lay before they were changed or moved. What
    is written without an import run is seen when it is new; whoever changes or deletes rows in
    another way removes the directory.

    Parameters
    ----------
    request
        Its parameters, the ground and the categories name the file. Hours of the week are few and
        are counted anew each time.
    ground
        A lattice, or the street segments that each incident is counted on, the nearest.
    directory
        Where files are kept; made if absent. See `analytics.cube_file.prune_cubes`.

    Returns
    -------
    Cube
        As from `count_on`, with counts mapped into memory as uint16, or uint32 where one is
        larger, or float64 where incidents are spread. It stays as it is when the file is updated.

    Raises
    ------
    CrsError
        The ground lies in another CRS than the jurisdiction's stored coordinates.
    InputError
        A class is unknown, or the disk has no room.
    NotFoundError
        There is no such jurisdiction.
    """
    place = read_jurisdiction(connection, request.jurisdiction_id)
    if isinstance(ground, Lattice):
        check_frame(ground, place)
        units = cell_units(ground)
    else:
        check_streets(ground, place)
        units = street_units(ground)
    counting, known = prepare(connection, request, place)
    if counting.steps.bins is not None:
        return count_on(connection, request, ground)
    home = directory / _key(connection, counting, ground)
    job = _Job(connection, home, counting, known, ground, units)
    with locked(home):
        about = _bring_up_to_date(job)
        (home / "about.npz").touch()
        counts = open_counts(home / about.name)
    layers = name_layers(*_used(about.occurs), counting, known)
    left_out = name_lost(about.lost.sum(axis=0), float(about.outside.sum()), counting)
    return Cube(counts, units, counting.steps, layers.classes, layers.found_by, left_out)


def count_on(connection: Connection, request: CubeRequest, ground: Ground) -> Cube:
    """Count incidents on cells or street segments into memory."""
    if isinstance(ground, Lattice):
        return read_cell_cube(connection, request, ground)
    return read_street_cube(connection, request, ground)


def _key(connection: Connection, counting: Counting, ground: Ground) -> str:
    request = counting.request
    said = {
        "format": FORMAT,
        "database": list(connection.execute(cube_queries.select_database()).one()),
        "jurisdiction": request.jurisdiction_id,
        "step": request.step,
        "found_by": request.found_by,
        "by_class": request.by_class,
        "classes": counting.category_ids if request.classes is not None else None,
        "spread": counting.spread,
    } | _described(ground)
    digest = hashlib.sha256(json.dumps(said).encode())
    digest.update(edges_us(counting.steps).tobytes())
    if isinstance(ground, Lattice):
        digest.update(np.ascontiguousarray(ground.cells).tobytes())
    return digest.hexdigest()[:32]


def _described(ground: Ground) -> dict[str, Any]:
    if isinstance(ground, Streets):
        return {"streets": ground.digest, "reach": ground.reach_m, "srid": ground.srid}
    return {
        "frame": [ground.kind, ground.srid, ground.cell_size_m, ground.x0, ground.y0],
        "size": [ground.n_columns, ground.n_rows],
    }


def _bring_up_to_date(job: _Job) -> About:
    # The state is read before anything is counted: what is committed in between is counted now
    # and once more next time, never missed.
    state = _read_state(job)
    about = read_about(job.directory)
    if about is None:
        return _count_all(job, state)
    if about.state == state:
        return about
    return _recount(job, about, state) or _count_all(job, state)


def _read_state(job: _Job) -> dict[str, Any]:
    """Return how far each import run had come, and the newest number of an incident."""
    jurisdiction_id = job.counting.request.jurisdiction_id
    runs = fetch(job.connection, cube_queries.select_runs(jurisdiction_id))
    newest = job.connection.execute(cube_queries.select_newest_incident()).scalar_one()
    columns = ("import_run_id", "rows_new", "rows_changed")
    numbers = zip(*(runs[name].tolist() for name in columns), strict=True)
    return {"runs": {str(run): [new, old] for run, new, old in numbers}, "newest": newest or 0}


def _count_all(job: _Job, state: dict[str, Any]) -> About:
    """Count the whole window, some days at a time, into a new file."""
    steps = job.counting.steps
    n_sources = len(job.counting.request.found_by)
    n_steps, n_kinds = len(steps), job.counting.n_kinds
    blank = About(
        "",
        state,
        np.zeros((n_steps, n_kinds, n_sources), dtype=np.int64),
        np.zeros((n_steps, len(REASONS)), dtype=np.int64),
        np.zeros(n_steps),
    )
    found = {span: _fetch(job, span) for span in spans_at_once(steps)}
    about = _note(job, blank, found)
    path = _new_file(job)
    layers = name_layers(*_used(about.occurs), job.counting, job.known)
    shape = (len(layers.classes), len(layers.found_by), n_steps, len(job.units))
    n = sum(len(one["key"]) + _overlaps(one, edges_us(steps)) for one in found.values())
    make_counts(path, shape, _dtype(job, found), n=n)
    _write(job, path, about, found)
    about = replace(about, name=path.name)
    write_about(job.directory, about)
    return about


def _recount(job: _Job, about: About, state: dict[str, Any]) -> About | None:
    """Count the touched steps again; None where the layers or the type of the file change."""
    touched = _touched(job, about, state)
    found = {span: _fetch(job, span) for span in touched}
    fresh = _note(job, replace(about, state=state), found)
    before, after = _used(about.occurs), _used(fresh.occurs)
    same = all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    dtype = open_counts(job.directory / about.name).dtype
    if not same or (found and not _fits(_dtype(job, found), dtype)):
        return None
    if found:
        path = _new_file(job)
        copy_with_holes(job.directory / about.name, path)
        _write(job, path, fresh, found)
        fresh = replace(fresh, name=path.name)
    write_about(job.directory, fresh)
    return fresh


def _touched(job: _Job, about: About, state: dict[str, Any]) -> list[Span]:
    """Return the spans of steps that rows of newer runs may have changed, merged."""
    old = about.state["runs"]
    runs = [int(run) for run, done in state["runs"].items() if old.get(run, [0, 0]) != done]
    edges = job.counting.edges()
    values = {
        "runs": runs,
        "feeds": list(job.counting.feed_ids),
        "edges": edges,
        "low": edges[0],
        "high": edges[-1],
        "reach": MOST_SPREAD,
        "loose": max(0, about.state["newest"] - SLACK),
    }
    query = cube_queries.select_spans_touched().bindparams(**values)
    pairs = fetch(job.connection, query).to_numpy(dtype=np.int64).reshape(-1, 2)
    first = np.maximum(pairs[:, 0] - 1, 0)
    last = first if not job.counting.spread else pairs[:, 1] - 1
    marks = np.zeros(len(edges), dtype=np.int64)
    np.add.at(marks, first, 1)
    np.add.at(marks, np.clip(last, first, len(edges) - 2) + 1, -1)
    return _runs_of(np.cumsum(marks)[:-1] > 0)


def _runs_of(wanted: NDArray[np.bool_]) -> list[Span]:
    turns = np.flatnonzero(np.diff(np.r_[False, wanted, False]))
    return list(zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True))


def _fetch(job: _Job, within: Span) -> Columns:
    counting = replace(job.counting, within=within)
    return fetch_counts(job.connection, counting, job.ground)


def _note(job: _Job, about: About, found: dict[Span, Columns]) -> About:
    """Return an account in which the counted spans are told anew."""
    occurs, lost, past = about.occurs.copy(), about.lost.copy(), about.outside.copy()
    if occurs.shape[1] < job.counting.n_kinds:  # categories were added since
        more = job.counting.n_kinds - occurs.shape[1]
        occurs = np.pad(occurs, ((0, 0), (0, more), (0, 0)))
    for (first, last), one in found.items():
        kept, since, lost[first:last] = job.tally(one, (first, last))
        occurs[first:last], past[first:last] = 0, 0.0
        here = (since >= first) & (since < last)
        mine, since = kept.take(here), since[here]
        np.add.at(occurs, (since, mine.kind, mine.source), mine.n)
        parts = mine.begin < mine.end
        np.add.at(past, since[parts], outside(mine.take(parts), job.counting.steps))
    return replace(about, occurs=occurs, lost=lost, outside=past)


def _used(occurs: Ints) -> tuple[Ints, Ints]:
    total = occurs.sum(axis=0)
    return np.flatnonzero(total.sum(axis=1)), np.flatnonzero(total.sum(axis=0))


def _overlaps(found: Columns, edges: Ints) -> int:
    """Return into how many further steps the intervals of incidents reach."""
    if "begin_us" not in found:
        return 0
    first, last = (np.searchsorted(edges, found[name]) for name in ("begin_us", "end_us"))
    return int(np.clip(last - first + 1, 0, len(edges)).sum())


def _dtype(job: _Job, found: dict[Span, Columns]) -> np.dtype[Any]:
    """Return the smallest type that holds what was found."""
    if job.counting.spread:
        return np.dtype(np.float64)
    most = max((_most_alike(job, span, one) for span, one in found.items()), default=0)
    return np.dtype(np.uint16 if most < 2**16 else np.uint32)


def _most_alike(job: _Job, within: Span, found: Columns) -> int:
    """Return how many incidents one place of the cube holds at most."""
    if len(found["key"]) < 2**16:
        return len(found["key"])
    groups, _, _ = job.tally(found, within)
    shape = (
        len(job.units),
        within[1] - within[0],
        job.counting.n_kinds,
        len(job.counting.request.found_by),
    )
    index = (groups.unit, groups.step - within[0], groups.kind, groups.source)
    flat = np.sort(np.ravel_multi_index(index, shape))
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    return int(np.diff(np.r_[starts, len(flat)]).max(initial=0))


def _fits(small: np.dtype[Any], large: np.dtype[Any]) -> bool:
    return small.itemsize <= large.itemsize


def _write(job: _Job, path: Path, about: About, found: dict[Span, Columns]) -> None:
    """Write the counted spans, and nothing else, into a file."""
    layers = name_layers(*_used(about.occurs), job.counting, job.known)
    for within, one in found.items():
        counts = open_counts(path, write=True)  # anew, so that pages of the last span are let go
        kept, _, _ = job.tally(one, within)
        groups = layers.place(kept)
        _clear(counts, within)
        parts = groups.begin < groups.end
        whole = groups.take(~parts)
        add_counts(counts, (whole.unit, whole.step, whole.kind, whole.source), whole.n)
        add_spans(counts, groups.take(parts), job.counting.steps, within=within)


def _clear(counts: NDArray[Any], within: Span) -> None:
    """Set steps to zero without writing to pages that are zero already."""
    for step in range(*within):
        plane = counts[:, step]
        if plane.any():
            plane[plane != 0] = 0


def _new_file(job: _Job) -> Path:
    numbers = [int(file.stem.split("-")[1]) for file in job.directory.glob("counts-*.npy")]
    return job.directory / f"counts-{max(numbers, default=0) + 1}.npy"
