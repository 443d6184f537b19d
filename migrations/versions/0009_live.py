"""The log of what happens, for screens that must have every event once."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "live_event",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('incident', 'case', 'plan', 'alert')", name=op.f("ck_live_event_kind")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_live_event")),
    )
    op.create_index("ix_live_event_at", "live_event", ["at"], postgresql_using="brin")
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0009_live.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    op.execute("DROP TRIGGER plan_tells ON plan")
    op.execute("DROP TRIGGER case_transition_tells ON case_transition")
    op.drop_table("live_event")
    for function in (
        "plan_tells()",
        "case_transition_tells()",
        "emit_event(text, integer, bigint, integer, jsonb)",
    ):
        op.execute(f"DROP FUNCTION {function}")
