"""Administrators say on a page which departments an account works for."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT INSERT, DELETE ON account_department TO gridbeat_web")


def downgrade() -> None:
    op.execute("REVOKE INSERT, DELETE ON account_department FROM gridbeat_web")
