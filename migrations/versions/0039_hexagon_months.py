"""Counts hexagons by month beside days: a year reads a dozen rows."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def numbers(*names: str, kind: type[sa.Integer] = sa.Integer) -> list[sa.Column[int]]:
    return [sa.Column(name, kind(), nullable=False) for name in names]


def lists(*names: str, kind: type[sa.Integer] = sa.Integer) -> list[sa.Column[list[int]]]:
    return [sa.Column(name, ARRAY(kind()), nullable=False) for name in names]


def month() -> sa.Column:
    return sa.Column("month", sa.Date(), nullable=False)


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def upgrade() -> None:
    block = ("level", "block_i", "block_j", "category_id")
    op.create_table(
        "hexagon_month", *numbers(*block), month(), *numbers("jurisdiction_id"),
        *lists("cells", kind=sa.SmallInteger), *lists("counts"),
        sa.PrimaryKeyConstraint(*block, "month", "jurisdiction_id", name="pk_hexagon_month"),
    )  # fmt: skip
    op.create_table(
        "hexagon_area_month", *numbers("block_i", "block_j"), month(),
        *numbers("area_id", kind=sa.BigInteger), *numbers("jurisdiction_id"), *lists("category_ids"),
        *lists("cells", kind=sa.SmallInteger), *lists("counts"),
        sa.PrimaryKeyConstraint(
            "block_i", "block_j", "month", "area_id", "jurisdiction_id",
            name="pk_hexagon_area_month",
        ),
    )  # fmt: skip
    run("0039_hexagon_months.sql")


def downgrade() -> None:
    run("0039_hexagon_months_down.sql")
    for table in ("hexagon_area_month", "hexagon_month"):
        op.drop_table(table)
