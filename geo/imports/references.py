"""References for rows of sources that give none: what the row says, and the how-manieth it is."""

from __future__ import annotations

import pyarrow as pa

from geo.imports.digest import digest_raw_row
from geo.imports.rows import raw_rows
from geo.imports.staging import Connection


class RowCounter:
    """Counts equal rows over a whole file, in a temporary table so that memory stays bounded.

    The n-th row of equal content gets the reference ``<128-bit digest>#n``: importing the same
    file again gives the same references, and equal rows (two thefts at one snap point in one
    hour) stay two.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS seen_row (digest uuid PRIMARY KEY, n bigint)"
        )
        connection.execute("TRUNCATE seen_row")

    def references(self, table: pa.Table) -> pa.Array:
        """Return the reference of each row of the next chunk, shape ``(n_rows,)``."""
        digests = [digest_raw_row(row) for row in raw_rows(table)]
        within: dict[str, int] = {}
        ordinals = []
        for digest in digests:
            within[digest] = within.get(digest, 0) + 1
            ordinals.append(within[digest])
        before = self._count(within)
        return pa.array(
            [f"{d}#{before.get(d, 0) + n}" for d, n in zip(digests, ordinals, strict=True)],
            pa.string(),
        )

    def _count(self, added: dict[str, int]) -> dict[str, int]:
        """Add to the counts; return what they were before."""
        rows = self._connection.execute(
            "INSERT INTO seen_row SELECT d::uuid, n "
            "FROM unnest(%s::text[], %s::bigint[]) AS s(d, n) "
            "ON CONFLICT (digest) DO UPDATE SET n = seen_row.n + excluded.n "
            "RETURNING replace(digest::text, '-', ''), n",
            (list(added), list(added.values())),
        ).fetchall()
        return {str(digest): int(str(total)) - added[str(digest)] for digest, total in rows}
