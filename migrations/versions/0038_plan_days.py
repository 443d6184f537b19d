"""A plan may be of several days, beside those of each day; what was done is told apart by means."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

IN_FORCE = "status IN ('published', 'executed', 'compared')"


def upgrade() -> None:
    op.add_column("plan", sa.Column("days", sa.Integer(), nullable=False, server_default="1"))
    op.create_check_constraint(op.f("ck_plan_days"), "plan", "days BETWEEN 1 AND 7")
    op.drop_constraint(op.f("uq_plan_jurisdiction_id_plan_date_version"), "plan", type_="unique")
    op.create_unique_constraint(
        op.f("uq_plan_jurisdiction_id_plan_date_days_version"), "plan",
        ["jurisdiction_id", "plan_date", "days", "version"],
    )  # fmt: skip
    op.drop_index("uq_plan_published", "plan")
    op.create_index(
        "uq_plan_published", "plan", ["jurisdiction_id", "plan_date", "days"], unique=True,
        postgresql_where=sa.text(IN_FORCE),
    )  # fmt: skip
    op.add_column("plan_done", sa.Column("source", sa.Text(), nullable=False, server_default="any"))
    op.create_check_constraint(
        op.f("ck_plan_done_source"), "plan_done",
        "source IN ('any', 'foot', 'vehicle', 'drone', 'camera')",
    )  # fmt: skip
    op.drop_constraint(op.f("pk_plan_done"), "plan_done", type_="primary")
    op.create_primary_key(
        op.f("pk_plan_done"), "plan_done", ["plan_id", "area_id", "shift_no", "source"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("pk_plan_done"), "plan_done", type_="primary")
    # Without means there is one row an area and shift: those of the first stay.
    op.execute(
        "DELETE FROM plan_done d WHERE EXISTS (SELECT FROM plan_done o WHERE o.plan_id = d.plan_id "
        "AND o.area_id = d.area_id AND o.shift_no = d.shift_no AND o.source < d.source)"
    )
    op.create_primary_key(op.f("pk_plan_done"), "plan_done", ["plan_id", "area_id", "shift_no"])
    op.drop_column("plan_done", "source")
    op.drop_index("uq_plan_published", "plan")
    op.drop_constraint(
        op.f("uq_plan_jurisdiction_id_plan_date_days_version"), "plan", type_="unique"
    )
    op.drop_column("plan", "days")
    op.create_unique_constraint(
        op.f("uq_plan_jurisdiction_id_plan_date_version"),
        "plan",
        ["jurisdiction_id", "plan_date", "version"],
    )
    op.create_index(
        "uq_plan_published", "plan", ["jurisdiction_id", "plan_date"], unique=True,
        postgresql_where=sa.text(IN_FORCE),
    )  # fmt: skip
