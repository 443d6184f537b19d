"""Addresses are looked up by how alike names are."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    text = files("migrations").joinpath("sql", "0030_gazetteer.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text)
    op.create_index(
        "ix_report_address", "report", ["address"], postgresql_using="gin",
        postgresql_ops={"address": "gin_trgm_ops"},
        postgresql_where=sa.text("case_id IS NOT NULL AND address IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_report_address", "report")
    op.execute("DROP FUNCTION match_name(text, text)")
    op.execute("DROP FUNCTION compared_name(text)")
    op.execute("DROP EXTENSION pg_trgm")
