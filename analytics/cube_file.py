"""Cubes in files: counts mapped into memory, changed in copies, replaced at once."""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from geo.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ABOUT = "about.npz"
_PAGE = 4096
_BLOCK = 1 << 22


@dataclass(frozen=True, eq=False)
class About:
    """What is known of a cube in a file.

    Attributes
    ----------
    name
        File of the counts, ``(n_classes, n_sources, n_steps, n_units)``: a step lies together, so
        that few late rows change few pages, and classes that hardly occur take hardly any space.
    state
        What the database had when this was counted, see `analytics.cube_cache`.
    occurs
        Incidents of each category_id and source that begin in each step,
        ``(n_steps, n_kinds, n_sources)``.
    lost
        Incidents left out by step and reason, ``(n_steps, n_reasons)``.
    outside
        Incidents' worth of spread ones past the window, by the step in which they begin.
    """

    name: str
    state: Mapping[str, Any]
    occurs: Ints
    lost: Ints
    outside: Floats


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other processes from reading or writing what stands in a directory, made if absent."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_about(directory: Path) -> About | None:
    """Return what stands in a directory; None if nothing does, or not as a whole."""
    try:
        with (directory / ABOUT).open("rb") as file, np.load(file) as stored:
            words = json.loads(bytes(stored["words"]))
            about = About(
                words["name"], words["state"], stored["occurs"], stored["lost"], stored["outside"]
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return about if (directory / about.name).is_file() else None


def write_about(directory: Path, about: About) -> None:
    """Replace what stands in a directory; older counts go, though who maps them keeps them."""
    words = json.dumps({"name": about.name, "state": about.state}).encode()
    buffer = io.BytesIO()
    np.savez(
        buffer,
        words=np.frombuffer(words, dtype=np.uint8),
        occurs=about.occurs,
        lost=about.lost,
        outside=about.outside,
    )
    draft = directory / f"{ABOUT}.new"
    draft.write_bytes(buffer.getvalue())
    draft.replace(directory / ABOUT)
    for old in directory.glob("counts-*.npy"):
        if old.name != about.name:
            old.unlink()


def make_counts(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], *, n: int) -> None:
    """Make a file of zeros that takes no space until at most `n` places are written to.

    Raises
    ------
    InputError
        The disk has no room for that many; it would fail while writing, past any remedy.
    """
    size = int(np.prod(shape, dtype=np.float64)) * dtype.itemsize
    stat = os.statvfs(path.parent)
    needed, free = min(size, n * _PAGE), stat.f_bavail * stat.f_frsize
    if needed > free:
        raise InputError(
            f"a cube of {size / 1e9:.1f} GB may need {needed / 1e9:.1f} GB in {path.parent}, where "
            f"{free / 1e9:.1f} GB are free; make room or take larger cells or longer steps"
        )
    open_memmap(path, mode="w+", dtype=dtype, shape=shape).flush()


def open_counts(path: Path, *, write: bool = False) -> NDArray[Any]:
    """Map a file's counts as a cube has them, ``(n_units, n_steps, n_classes, n_sources)``."""
    counts: NDArray[Any] = open_memmap(path, mode="r+" if write else "r")
    return counts.transpose(3, 2, 0, 1)


def copy_with_holes(source: Path, target: Path) -> None:
    """Copy a file, leaving out what was never written to."""
    size = source.stat().st_size
    with source.open("rb") as given, target.open("wb") as taken:
        at = 0
        while at < size:
            try:
                at = os.lseek(given.fileno(), at, os.SEEK_DATA)
            except OSError:  # only a hole is left
                break
            end = os.lseek(given.fileno(), at, os.SEEK_HOLE)
            given.seek(at)
            taken.seek(at)
            while at < end and (block := given.read(min(_BLOCK, end - at))):
                taken.write(block)
                at += len(block)
        taken.truncate(size)


def prune_cubes(directory: Path, *, most_bytes: int) -> int:
    """Remove the cubes that were not used for longest until the rest fits; return how many.

    Who has a removed cube open keeps it.
    """
    used = sorted(directory.glob(f"*/{ABOUT}"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = removed = 0
    for about in used:
        files = list(about.parent.glob("*.np[yz]"))
        total += sum(file.stat().st_blocks * 512 for file in files)
        if total > most_bytes:
            with locked(about.parent):
                for file in files:
                    file.unlink(missing_ok=True)
            removed += 1
    return removed
