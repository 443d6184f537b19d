"""Lets a district say how near and how recent a case is that a report may repeat."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "jurisdiction",
        sa.Column("repeat_radius_m", sa.Double(), server_default="50", nullable=False),
    )
    op.add_column(
        "jurisdiction", sa.Column("repeat_hours", sa.Integer(), server_default="24", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_jurisdiction_repeat"), "jurisdiction",
        "repeat_radius_m > 0 AND repeat_radius_m <= 1000 AND repeat_hours BETWEEN 1 AND 720",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_constraint(op.f("ck_jurisdiction_repeat"), "jurisdiction")
    op.drop_column("jurisdiction", "repeat_hours")
    op.drop_column("jurisdiction", "repeat_radius_m")
