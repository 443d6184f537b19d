"""Routes that are planned anew are a proposal until somebody puts them into force by name."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "route_run",
        sa.Column("is_proposal", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("route_run", sa.Column("planned_at", sa.TIMESTAMP(timezone=True)))
    op.add_column("route_run", sa.Column("confirmed_by", sa.Text()))
    op.add_column("route_run", sa.Column("confirmed_why", sa.Text()))
    op.add_column("route_run", sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True)))
    op.create_check_constraint(
        op.f("ck_route_run_confirmed"), "route_run",
        "num_nulls(confirmed_by, confirmed_why, confirmed_at) IN (0, 3) "
        "AND (confirmed_at IS NULL OR NOT is_proposal)",
    )  # fmt: skip
    op.execute(
        sa.text(files("migrations").joinpath("sql", "0042_route_proposals.sql").read_text("utf-8"))
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER layer_changes ON plan")
    op.execute("DROP TRIGGER layer_changes ON route_run")
    op.execute("DROP TRIGGER route_run_tells ON route_run")
    op.execute("DROP FUNCTION route_run_tells")
    op.execute(
        "REVOKE UPDATE (is_proposal, confirmed_by, confirmed_why, confirmed_at) ON route_run "
        "FROM gridbeat_web"
    )
    # What nobody has confirmed must not come into force by going back.
    op.execute("DELETE FROM route_run WHERE is_proposal")
    op.drop_constraint("ck_route_run_confirmed", "route_run")
    for name in ("confirmed_at", "confirmed_why", "confirmed_by", "planned_at", "is_proposal"):
        op.drop_column("route_run", name)
