"""Cases at scale: an index over place and time, steps in two round trips, events told at commit."""

from importlib.resources import files

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("0032_cases_at_scale.sql")


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    run("0032_cases_at_scale_down.sql")
