"""Keeps each day's incidents packed by column, so that cubes need not read the rows."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

PACKED = (
    "octet_length(kinds) = 4 * n AND octet_length(begins) = 8 * n AND octet_length(ends) = 8 * n "
    "AND octet_length(areas) = 8 * n AND octet_length(xs) = 8 * n AND octet_length(ys) = 8 * n"
)
ALL_DAYS = (
    "INSERT INTO hexagon_dirty (jurisdiction_id, day) SELECT DISTINCT f.jurisdiction_id, "
    "(i.occurred_at AT TIME ZONE j.time_zone)::date FROM incident i "
    "JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id) "
    "ON CONFLICT DO NOTHING"
)
COUNT = """
CREATE OR REPLACE FUNCTION refresh_hexagons(most integer DEFAULT 400) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    counted integer := refresh_hexagon_days(most);
BEGIN
    IF counted > 0 THEN
        PERFORM refresh_hexagon_months();
    END IF;
    RETURN counted;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "incident_day",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(n, sa.TIMESTAMP(timezone=True), nullable=False) for n in ("since", "until")),
        sa.Column("n", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False)
            for name in ("begins", "ends", "kinds", "areas", "xs", "ys")
        ),
        sa.PrimaryKeyConstraint("jurisdiction_id", "day", name="pk_incident_day"),
        sa.CheckConstraint(PACKED, name=op.f("ck_incident_day_packed")),
    )
    op.create_table(
        "incident_day_due",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("jurisdiction_id", "day", name="pk_incident_day_due"),
    )
    # exec_driver_sql: colons in the file are no parameters.
    text = files("migrations").joinpath("sql", "0044_incident_days.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))
    op.execute(ALL_DAYS)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(COUNT)
    op.execute("ALTER FUNCTION refresh_hexagon_days(integer) RESET join_collapse_limit")
    op.execute("DROP FUNCTION refresh_incident_days()")
    op.execute("REVOKE SELECT ON hexagon_note FROM gridbeat_web")
    op.drop_table("incident_day_due")
    op.drop_table("incident_day")
