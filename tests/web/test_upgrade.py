"""A database with incidents that is upgraded has all overviews that a new one has."""

from __future__ import annotations

import pytest

from geo.database.connect import Database, connect
from geo.database.schema import downgrade, migrate
from tests.web.district import INCIDENTS, write_district
from web.opening import count_hexagons

pytestmark = pytest.mark.db
# Each hexagon of each count with how many; blocks and lists may be put together in any order.
COUNTS = {
    "day": "SELECT level, block_i, block_j, category_id, day, c.* "
           "FROM hexagon_day, unnest(cells, counts) c",
    "month": "SELECT level, block_i, block_j, category_id, month, c.* "
             "FROM hexagon_month, unnest(cells, counts) c",
    "area_day": "SELECT block_i, block_j, day, area_id, c.* "
                "FROM hexagon_area_day, unnest(category_ids, cells, counts) c",
    "area_month": "SELECT block_i, block_j, month, area_id, c.* "
                  "FROM hexagon_area_month, unnest(category_ids, cells, counts) c",
    "total": "SELECT level, block_i, block_j, category_id, c.* "
             "FROM hexagon_total, unnest(cells, counts) c",
    "packed": "SELECT day, since, until, n, length(begins), length(ends), length(kinds), "
              "length(areas), length(xs), length(ys), n FROM incident_day",
}  # fmt: skip


def counts(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with connect(database) as connection:
        return {name: sorted(connection.execute(asked.encode())) for name, asked in COUNTS.items()}


@pytest.mark.parametrize(
    ("before", "what"),
    [("0043", "no packed days"), ("0038", "no counts by month"), ("0032", "one row a hexagon")],
)
def test_upgraded_database_has_the_counts_of_a_new_one(
    fresh_database: Database, before: str, what: str
) -> None:
    with connect(fresh_database, role="owner") as owner:
        write_district(owner)
    count_hexagons(fresh_database)
    new = counts(fresh_database)
    assert sum(int(str(row[-1])) for row in new["area_month"]) == INCIDENTS
    whole = [row for row in new["month"] if row[:1] == (0,) and row[3] == 0]  # of all classes
    assert sum(int(str(row[-1])) for row in whole) == INCIDENTS
    downgrade(fresh_database, target=before)
    migrate(fresh_database)
    count_hexagons(fresh_database)
    assert counts(fresh_database) == new, what
