"""Counts of incidents by hexagon for overviews, and a notice whenever a map layer changes."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PLACES = ("area", "camera", "camera_view", "road", "building", "station", "result_row")


def cell() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in ("level", "i", "j")]


def upgrade() -> None:
    op.create_table(
        "hexagon_day",
        *cell(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "level", "i", "j", "day", "category_id", "area_id", "jurisdiction_id",
            name=op.f("pk_hexagon_day"),
        ),
    )  # fmt: skip
    op.create_index("ix_hexagon_day_day", "hexagon_day", ["jurisdiction_id", "day"])
    op.create_table(
        "hexagon_total",
        *cell(),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "level", "i", "j", "category_id", "area_id", name=op.f("pk_hexagon_total")
        ),
    )
    op.create_index(
        "ix_hexagon_total_empty", "hexagon_total", ["level"], postgresql_where=sa.text("n = 0")
    )
    op.create_table(
        "hexagon_dirty",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("jurisdiction_id", "day", name=op.f("pk_hexagon_dirty")),
    )
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0008_tiles.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))
    op.execute(
        "INSERT INTO hexagon_dirty SELECT DISTINCT f.jurisdiction_id, "
        "(i.occurred_at AT TIME ZONE j.time_zone)::date FROM incident i "
        "JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id)"
    )


def downgrade() -> None:
    for name in ("insert", "delete", "before", "after"):
        op.execute(f"DROP TRIGGER incident_days_{name} ON incident")
    for table in PLACES:
        op.execute(f"DROP TRIGGER layer_changes ON {table}")
    for function in (
        "refresh_hexagons(integer)",
        "note_days()",
        "layer_changes()",
        "hexagon_edge(integer)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in ("hexagon_dirty", "hexagon_total", "hexagon_day"):
        op.drop_table(table)
