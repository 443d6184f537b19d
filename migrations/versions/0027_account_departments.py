"""Accounts know which departments they work for: a tablet shows the cases sent to those."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_department",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], ondelete="CASCADE",
            name=op.f("fk_account_department_account_id_account"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.department_id"], ondelete="CASCADE",
            name=op.f("fk_account_department_department_id_department"),
        ),
        sa.PrimaryKeyConstraint("account_id", "department_id", name=op.f("pk_account_department")),
    )  # fmt: skip
    op.execute("GRANT SELECT, INSERT, DELETE ON account_department TO gridbeat_app")
    # The service may know who works for what; who does is said at the command line alone.
    op.execute("GRANT SELECT ON account_department TO gridbeat_web")


def downgrade() -> None:
    op.drop_table("account_department")
