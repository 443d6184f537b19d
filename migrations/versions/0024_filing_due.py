"""An alert for cameras that are due to be filed."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

OLD = "kind IN ('burst', 'late_case', 'coverage_drop', 'feed_silent')"
NEW = "kind IN ('burst', 'late_case', 'coverage_drop', 'feed_silent', 'filing_due')"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_alert_kind"), "alert")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", NEW)


def downgrade() -> None:
    op.execute("DELETE FROM alert WHERE kind = 'filing_due'")
    op.drop_constraint(op.f("ck_alert_kind"), "alert")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", OLD)
