"""How many of each role a grid needs, partner organisations, and a district's own grades."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def of_jurisdiction(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["jurisdiction_id"],
        ["jurisdiction.jurisdiction_id"],
        name=op.f(f"fk_{table}_jurisdiction_id_jurisdiction"),
    )


def upgrade() -> None:
    op.create_table(
        "post_requirement",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.CheckConstraint("least BETWEEN 0 AND 100", name=op.f("ck_post_requirement_least")),
        of_jurisdiction("post_requirement"),
        sa.PrimaryKeyConstraint("jurisdiction_id", "role", name=op.f("pk_post_requirement")),
    )
    op.create_geospatial_table(
        "partner",
        sa.Column("partner_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("headcount", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "services",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('seconded', 'social', 'volunteer', 'enterprise', 'institution', 'other')",
            name=op.f("ck_partner_kind"),
        ),
        sa.CheckConstraint("headcount >= 0", name=op.f("ck_partner_headcount")),
        of_jurisdiction("partner"),
        sa.PrimaryKeyConstraint("partner_id", name=op.f("pk_partner")),
        sa.UniqueConstraint(
            "jurisdiction_id", "code", name=op.f("uq_partner_jurisdiction_id_code")
        ),
    )
    op.create_geospatial_index(
        "ix_partner_geom",
        "partner",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "indicator_grade",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("at_least", sa.Double(), nullable=False),
        of_jurisdiction("indicator_grade"),
        sa.PrimaryKeyConstraint("jurisdiction_id", "grade", name=op.f("pk_indicator_grade")),
    )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON post_requirement, partner, indicator_grade "
        "TO gridbeat_app"
    )
    op.execute("GRANT SELECT ON post_requirement, indicator_grade TO gridbeat_web")
    op.execute("GRANT USAGE ON SEQUENCE partner_partner_id_seq TO gridbeat_app")
    op.execute("SELECT protect_rows('partner', 'signed in')")


def downgrade() -> None:
    for table in ("indicator_grade", "partner", "post_requirement"):
        op.drop_table(table)
