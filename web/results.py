"""The newest stored results of a jurisdiction."""

from __future__ import annotations

from sqlalchemy import Connection, text


def newest_run_ids(connection: Connection, jurisdiction_id: int) -> dict[str, int]:
    """Return kind -> number of the newest result over cells, and ``area_...`` over areas."""
    rows = connection.execute(
        text(
            "SELECT CASE unit WHEN 'area' THEN 'area_' || kind ELSE kind END AS name, "
            "max(result_run_id) AS number FROM result_run "
            "WHERE jurisdiction_id = :number GROUP BY 1"
        ),
        {"number": jurisdiction_id},
    ).all()
    return {row.name: row.number for row in rows}
