"""One checked chunk into the database: repeats settled, merged, the bad rows kept."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from geo.imports.assets import merge_assets
from geo.imports.incidents import merge_incidents
from geo.imports.normalise import Normalised
from geo.imports.quarantine import quarantine
from geo.imports.staging import Connection, Counts, Target


def load_chunk(
    connection: Connection, made: Normalised, target: Target, *, careful: bool = True
) -> Counts:
    """Merge one chunk; the caller's transaction decides whether it stays."""
    counts = Counts(left_out=made.left_out, same=settle_repeats(made))
    if target.kind.table == "incident":
        counts.add(merge_incidents(connection, made, target, careful=careful))
    else:
        counts.add(merge_assets(connection, made, target))
    counts.add(quarantine(connection, made, target))
    return counts


def settle_repeats(made: Normalised) -> int:
    """Settle references that stand twice in a chunk: the same again is counted, not kept.

    The first sound row of a reference stands; a later one with other content is a problem.
    Returns how many rows only repeat; they are marked ``repeat`` and go no further.
    """
    good = np.flatnonzero(made.problems.sound)
    refs = made.columns["source_ref"].take(pa.array(good)).dictionary_encode().indices
    codes = np.asarray(refs.to_numpy(zero_copy_only=False))
    if not len(codes):
        return 0
    first_of_code, first_at = np.unique(codes, return_index=True)
    if len(first_of_code) == len(codes):
        return 0
    hashes = np.asarray(made.columns["content_hash"].to_numpy(zero_copy_only=False))[good]
    first = first_at[np.searchsorted(first_of_code, codes)]
    later = first != np.arange(len(codes))
    same = later & (hashes == hashes[first])
    differs = np.zeros(made.problems.n_rows, dtype=bool)
    differs[good[later & ~same]] = True
    made.problems.add(differs, "duplicate_ref", "source_ref", made.columns["source_ref"])
    repeats = np.zeros(made.problems.n_rows, dtype=bool)
    repeats[good[same]] = True
    made.problems.add(repeats, "repeat", "source_ref")
    return int(same.sum())
