"""Counts hexagons in rows of many; levels add up exactly."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

COUNTED = ("hexagon_total", "hexagon_day")
ALL_DAYS = (
    "INSERT INTO hexagon_dirty (jurisdiction_id, day) SELECT DISTINCT f.jurisdiction_id, "
    "(i.occurred_at AT TIME ZONE j.time_zone)::date FROM incident i "
    "JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id) "
    "ON CONFLICT DO NOTHING"
)


def numbers(*names: str, kind: type[sa.Integer] = sa.Integer) -> list[sa.Column[int]]:
    return [sa.Column(name, kind(), nullable=False) for name in names]


def lists(*names: str, kind: type[sa.Integer] = sa.Integer) -> list[sa.Column[list[int]]]:
    return [sa.Column(name, ARRAY(kind()), nullable=False) for name in names]


def day() -> sa.Column:
    return sa.Column("day", sa.Date(), nullable=False)


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def upgrade() -> None:
    for table in COUNTED:
        op.drop_table(table)
    block = ("level", "block_i", "block_j", "category_id")
    op.create_table(
        "hexagon_day", *numbers(*block), day(), *numbers("jurisdiction_id"),
        *lists("cells", kind=sa.SmallInteger), *lists("counts"),
        sa.PrimaryKeyConstraint(*block, "day", "jurisdiction_id", name="pk_hexagon_day"),
    )  # fmt: skip
    op.create_index("ix_hexagon_day_day", "hexagon_day", ["jurisdiction_id", "day"])
    op.create_table(
        "hexagon_total", *numbers(*block),
        *lists("cells", kind=sa.SmallInteger), *lists("counts"),
        sa.PrimaryKeyConstraint(*block, name="pk_hexagon_total"),
    )  # fmt: skip
    op.create_table(
        "hexagon_area_day", *numbers("block_i", "block_j"), day(), *numbers("area_id", kind=sa.BigInteger),
        *numbers("jurisdiction_id", "n"), *lists("category_ids"),
        *lists("cells", kind=sa.SmallInteger), *lists("counts"),
        sa.PrimaryKeyConstraint(
            "block_i", "block_j", "day", "area_id", "jurisdiction_id", name="pk_hexagon_area_day"
        ),
    )  # fmt: skip
    op.create_index("ix_hexagon_area_day_day", "hexagon_area_day", ["day", "jurisdiction_id"])
    op.create_table(
        "hexagon_area_total", *numbers("block_i", "block_j"), *numbers("area_id", kind=sa.BigInteger), *lists("category_ids"),
        *lists("cells", kind=sa.SmallInteger), *lists("counts"),
        sa.PrimaryKeyConstraint("block_i", "block_j", "area_id", name="pk_hexagon_area_total"),
    )  # fmt: skip
    run("0033_hexagon_blocks.sql")
    op.execute(ALL_DAYS)


def downgrade() -> None:
    for table in (*COUNTED, "hexagon_area_day", "hexagon_area_total"):
        op.drop_table(table)
    cell = ("level", "i", "j")
    op.create_table(
        "hexagon_day", *numbers(*cell), day(), *numbers("category_id"),
        *numbers("area_id", kind=sa.BigInteger), *numbers("jurisdiction_id", "n"),
        sa.PrimaryKeyConstraint(
            *cell, "day", "category_id", "area_id", "jurisdiction_id", name="pk_hexagon_day"
        ),
    )  # fmt: skip
    op.create_index("ix_hexagon_day_day", "hexagon_day", ["jurisdiction_id", "day"])
    op.create_table(
        "hexagon_total", *numbers(*cell, "category_id"),
        *numbers("area_id", "n", kind=sa.BigInteger),
        sa.PrimaryKeyConstraint(*cell, "category_id", "area_id", name="pk_hexagon_total"),
    )  # fmt: skip
    op.create_index(
        "ix_hexagon_total_empty", "hexagon_total", ["level"], postgresql_where=sa.text("n = 0")
    )
    run("0033_hexagon_blocks_down.sql")
    run("0025_hexagon_counting.sql")
    op.execute(ALL_DAYS)
