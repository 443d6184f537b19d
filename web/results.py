"""The newest stored results of a jurisdiction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, text


def newest_run_ids(
    connection: Connection, jurisdiction_id: int, *, classes: Sequence[str] | None = None
) -> dict[str, int]:
    """Return kind -> number of the newest result over cells or zones, ``area_...`` over areas.

    ``streets`` are hot streets; other kinds over street segments are named ``street_...``.

    Parameters
    ----------
    classes
        Of these classes alone; None: of all classes together.
    """
    rows = connection.execute(
        text(
            "SELECT CASE WHEN unit = 'area' THEN 'area_' || kind "
            "WHEN unit = 'segment' AND kind <> 'streets' THEN 'street_' || kind "
            "ELSE kind END AS name, "
            "max(result_run_id) AS number FROM result_run "
            "WHERE jurisdiction_id = :number "
            "AND parameters #> '{request,classes}' = CAST(:classes AS jsonb) GROUP BY 1"
        ),
        {"number": jurisdiction_id, "classes": json.dumps(list(classes) if classes else None)},
    ).all()
    return {row.name: row.number for row in rows}
