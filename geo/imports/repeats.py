"""References that stand more than once in a file: the first counts, wherever chunks are cut."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.imports.normalise import Normalised
from geo.imports.values import is_true


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


def settle_conflicts(made: Normalised, conflicts: list[tuple[object, ...]]) -> int:
    """Mark rows that an earlier chunk contradicts; return how many only repeat that chunk.

    Each conflict is the number of a row, its reference, and the digest that is stored for it.
    Rows of this chunk with the same reference were judged by the first of them: those that
    agree with what is stored are no fault after all.
    """
    if not conflicts:
        return 0
    refs, hashes = made.columns["source_ref"], made.columns["content_hash"]
    numbers = pa.array([row[0] for row in conflicts], pa.int64())
    hit = is_true(pc.is_in(made.raw.row_no, value_set=numbers))
    made.problems.add(hit, "duplicate_ref", "source_ref", refs)
    stored = {(ref, content_hash) for _, ref, content_hash in conflicts}
    suspects = np.flatnonzero(made.problems.reason == "duplicate_ref")
    rows = zip(
        suspects, refs.take(pa.array(suspects)).to_pylist(),
        hashes.take(pa.array(suspects)).to_pylist(), strict=True,
    )  # fmt: skip
    agreeing = [row for row, ref, content_hash in rows if (ref, content_hash) in stored]
    made.problems.reason[agreeing] = "repeat"
    return len(agreeing)
