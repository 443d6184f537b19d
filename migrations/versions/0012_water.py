"""Rivers, lakes and shores, for the map below everything."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "water",
        sa.Column("water_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_water_geom_valid")
        ),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.feed_id"], name=op.f("fk_water_feed_id_feed")),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_water_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("water_id", name=op.f("pk_water")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_water_feed_id_source_ref")),
    )
    op.create_index("idx_water_geom", "water", ["geom"], unique=False, postgresql_using="gist")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON water TO gridbeat_app")
    op.execute("GRANT USAGE ON SEQUENCE water_water_id_seq TO gridbeat_app")
    op.execute("SELECT protect_rows('water', 'signed in')")
    op.execute(
        "CREATE TRIGGER layer_changes AFTER INSERT OR UPDATE OR DELETE ON water "
        "FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('ground')"
    )


def downgrade() -> None:
    op.drop_table("water")
