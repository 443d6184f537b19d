"""Results that are lists: zones of their own shape, and rows about the whole."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("result_row", "geom", nullable=True)
    op.drop_constraint(op.f("ck_result_run_unit"), "result_run")
    op.create_check_constraint(
        op.f("ck_result_run_unit"), "result_run", "unit IN ('cell', 'area', 'zone', 'whole')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM result_run WHERE unit IN ('zone', 'whole')")
    op.drop_constraint(op.f("ck_result_run_unit"), "result_run")
    op.create_check_constraint(op.f("ck_result_run_unit"), "result_run", "unit IN ('cell', 'area')")
    op.alter_column("result_row", "geom", nullable=False)
