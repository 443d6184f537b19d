"""Audit entries are chained when their transaction commits."""

from importlib.resources import files

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0036_audit_at_commit.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    op.execute("GRANT INSERT ON audit_entry TO gridbeat_app, gridbeat_web")
    op.execute("DROP TABLE audit_draft")
    op.execute("DROP FUNCTION chain_audit_draft()")
