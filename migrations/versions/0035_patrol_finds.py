"""Counts by hexagon what patrols found, over the same days as their hours."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hexagon_ground", sa.Column("finds", sa.BigInteger()))
    run("0035_patrol_finds.sql")


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    run("0035_patrol_finds_down.sql")
    op.drop_column("hexagon_ground", "finds")
