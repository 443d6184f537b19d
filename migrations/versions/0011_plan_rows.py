"""A plan's shifts, and its items by area, shift and kind of unit."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = "unit_kind IN ('foot', 'vehicle', 'drone', 'camera_desk', 'volunteer', 'joint')"


def upgrade() -> None:
    make_plan_shift()
    run("0011_plan_rows.sql")
    split_items()


def make_plan_shift() -> None:
    op.create_table(
        "plan_shift",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("shift_no", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.CheckConstraint("shift_no > 0", name=op.f("ck_plan_shift_shift_no")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_plan_shift_interval")),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.plan_id"],
            name=op.f("fk_plan_shift_plan_id_plan"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plan_id", "shift_no", name=op.f("pk_plan_shift")),
    )


def split_items() -> None:
    op.add_column(
        "plan_item", sa.Column("shift_no", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column(
        "plan_item", sa.Column("unit_kind", sa.Text(), nullable=False, server_default="foot")
    )
    op.alter_column("plan_item", "shift_no", server_default=None)
    op.alter_column("plan_item", "unit_kind", server_default=None)
    op.drop_constraint(op.f("pk_plan_item"), "plan_item")
    op.create_primary_key(
        op.f("pk_plan_item"), "plan_item", ["plan_id", "area_id", "shift_no", "unit_kind"]
    )
    op.create_check_constraint(op.f("ck_plan_item_unit_kind"), "plan_item", KINDS)
    op.create_foreign_key(
        op.f("fk_plan_item_plan_id_shift_no_plan_shift"),
        "plan_item",
        "plan_shift",
        ["plan_id", "shift_no"],
        ["plan_id", "shift_no"],
        ondelete="CASCADE",
    )


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    run("0011_plan_rows_down.sql")
