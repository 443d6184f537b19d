"""What happened to cases lately, found by the time at which it was written down."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_case_transition_recorded", "case_transition", ["recorded_at"], postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_index("ix_case_transition_recorded", table_name="case_transition")
