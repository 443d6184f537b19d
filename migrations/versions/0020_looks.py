"""Let the service note camera looks and what was found; a route run knows what it re-plans."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT UPDATE (looked_at, found_incident_id) ON camera_look TO gridbeat_web")
    op.add_column("route_run", sa.Column("parent_run_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_route_run_parent_run_id_route_run"), "route_run", "route_run",
        ["parent_run_id"], ["route_run_id"], ondelete="SET NULL",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("route_run", "parent_run_id")
    op.execute("REVOKE UPDATE (looked_at, found_incident_id) ON camera_look FROM gridbeat_web")
