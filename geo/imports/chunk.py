"""One checked chunk into the database: repeats settled, merged, the bad rows kept."""

from __future__ import annotations

from geo.imports.assets import merge_assets
from geo.imports.incidents import merge_incidents
from geo.imports.normalise import Normalised
from geo.imports.quarantine import quarantine
from geo.imports.repeats import settle_repeats
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
