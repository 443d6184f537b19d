"""Days to be counted are noted without waiting for anybody."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hexagon_note",
        sa.Column("note_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_hexagon_note")),
    )
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0031_hexagon_notes.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    op.execute("SELECT take_hexagon_notes()")
    op.execute("DROP FUNCTION take_hexagon_notes()")
    text = files("migrations").joinpath("sql", "0008_tiles.sql").read_text("utf-8")
    begin = text.index("CREATE FUNCTION note_days()")
    end = text.index("END $$;", begin) + len("END $$;")
    old = text[begin:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    op.get_bind().exec_driver_sql(old.replace("%", "%%"))
    op.drop_table("hexagon_note")
