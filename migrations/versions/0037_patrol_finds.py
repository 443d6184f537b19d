"""Counts finds of patrols by hexagon, and lets the page of accounts say who works for whom."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hexagon_ground", sa.Column("finds", sa.BigInteger()))
    run("0037_patrol_finds.sql")
    op.execute("GRANT INSERT, DELETE ON account_department TO gridbeat_web")


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    op.execute("REVOKE INSERT, DELETE ON account_department FROM gridbeat_web")
    run("0037_patrol_finds_down.sql")
    op.drop_column("hexagon_ground", "finds")
