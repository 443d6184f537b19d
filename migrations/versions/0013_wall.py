"""Alerts that are acknowledged by name, the view of a wall, and what stands in each hexagon."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("raised_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("last_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("acknowledged_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('burst', 'late_case', 'coverage_drop', 'feed_silent')",
            name=op.f("ck_alert_kind"),
        ),
        sa.CheckConstraint("severity BETWEEN 1 AND 3", name=op.f("ck_alert_severity")),
        sa.CheckConstraint(
            "(acknowledged_by IS NULL) = (acknowledged_at IS NULL)",
            name=op.f("ck_alert_acknowledged"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_alert_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(["area_id"], ["area.area_id"], name=op.f("fk_alert_area_id_area")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert")),
    )
    op.create_index(
        "ix_alert_open",
        "alert",
        ["jurisdiction_id", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "wall_direction",
        sa.Column("wall", sa.Text(), nullable=False),
        sa.Column("view", postgresql.JSONB(), nullable=False),
        sa.Column("directed_by", sa.Text(), nullable=False),
        sa.Column(
            "directed_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("wall ~ '^[a-z0-9-]{1,40}$'", name=op.f("ck_wall_direction_wall")),
        sa.PrimaryKeyConstraint("wall", name=op.f("pk_wall_direction")),
    )
    op.create_table(
        "hexagon_ground",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("i", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("j", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("area_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("households", sa.BigInteger(), nullable=True),
        sa.Column("patrol_s", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint(
            "level", "i", "j", "area_id", "jurisdiction_id", name=op.f("pk_hexagon_ground")
        ),
    )
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0013_wall.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    op.execute("DROP TRIGGER layer_changes ON drone_route")
    op.execute("DROP TRIGGER layer_changes ON household_point")
    for table in ("hexagon_ground", "wall_direction", "alert"):
        op.drop_table(table)
    for function in (
        "refresh_hexagon_ground()",
        "hexagon_of(integer, float8, float8)",
        "wall_direction_tells()",
        "alert_tells()",
        "raise_alert(text, integer, bigint, text, integer, text, text, jsonb)",
    ):
        op.execute(f"DROP FUNCTION {function}")
