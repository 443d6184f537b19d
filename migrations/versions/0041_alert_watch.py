"""Keeps when alerts were last looked for: without it, no open alert says nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_watch",
        sa.Column("jurisdiction_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("watched_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jurisdiction_id", name="pk_alert_watch"),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.jurisdiction_id"], ondelete="CASCADE",
            name="fk_alert_watch_jurisdiction_id_jurisdiction",
        ),
    )  # fmt: skip
    for statement in (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON alert_watch TO gridbeat_app",
        "GRANT SELECT ON alert_watch TO gridbeat_web",
        "ALTER TABLE alert_watch ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE alert_watch FORCE ROW LEVEL SECURITY",
        "CREATE POLICY operator ON alert_watch TO gridbeat_app USING (true)",
        "CREATE POLICY web ON alert_watch TO gridbeat_web USING ("
        "(SELECT sees_all()) OR (SELECT seen_areas()) IS NOT NULL)",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("alert_watch")
