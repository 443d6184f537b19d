"""Keeps the later looks by a loop, and takes a batch's few hours instead of whole weeks."""

from importlib.resources import files

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

BY_ROWS = """
CREATE OR REPLACE FUNCTION latest_hours(one integer[], other integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(greatest(a, b) ORDER BY n)
    FROM unnest(one, other) WITH ORDINALITY AS t (a, b, n)
$$
"""


def upgrade() -> None:
    # exec_driver_sql: colons in the file are no parameters.
    text = files("migrations").joinpath("sql", "0045_looks.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    op.execute("DROP FUNCTION hours_of_looks(integer[], integer[])")
    op.get_bind().exec_driver_sql(BY_ROWS)
