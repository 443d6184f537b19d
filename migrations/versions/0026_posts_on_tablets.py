"""Tablets show which roles are on post in a grid, and still nobody's name."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (role, valid_from) ON post TO gridbeat_web")


def downgrade() -> None:
    op.execute("REVOKE SELECT (role, valid_from) ON post FROM gridbeat_web")
