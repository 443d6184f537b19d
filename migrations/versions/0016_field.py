"""Photos of cases, visits of stops, and what tablets sent."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_photos()
    make_visits()
    make_entries()
    op.create_index(
        "ix_case_file_open",
        "case_file",
        ["due_at", "case_id"],
        postgresql_where=sa.text("state NOT IN ('closed', 'rejected', 'void', 'merged')"),
    )
    text = files("migrations").joinpath("sql", "0016_field.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def make_photos() -> None:
    op.create_geospatial_table(
        "case_photo",
        sa.Column("photo_id", sa.UUID(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("report_id", sa.UUID(), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
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
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('near', 'far', 'before', 'after', 'other')", name=op.f("ck_case_photo_kind")
        ),
        sa.CheckConstraint(
            "placed_by IN ('device', 'picture', 'case')", name=op.f("ck_case_photo_placed_by")
        ),
        sa.CheckConstraint(
            "case_id IS NOT NULL OR report_id IS NOT NULL", name=op.f("ck_case_photo_subject")
        ),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_case_photo_size")),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_case_photo_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.case_id"], name=op.f("fk_case_photo_case_id_case_file")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_case_photo_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.report_id"], name=op.f("fk_case_photo_report_id_report")
        ),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_case_photo")),
    )
    op.create_index("ix_case_photo_case", "case_photo", ["case_id"])
    op.create_index("ix_case_photo_report", "case_photo", ["report_id"])


def make_visits() -> None:
    op.create_table(
        "stop_visit",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("stop_ref", sa.Text(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("left_at >= arrived_at", name=op.f("ck_stop_visit_interval")),
        sa.CheckConstraint("distance_m >= 0", name=op.f("ck_stop_visit_distance_m")),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_stop_visit_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_stop_visit_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["route.route_id"],
            name=op.f("fk_stop_visit_route_id_route"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_stop_visit")),
    )
    op.create_index("ix_stop_visit_route", "stop_visit", ["route_id", "ordinal"])
    op.create_index("ix_stop_visit_visitor", "stop_visit", ["visitor", "arrived_at"])


def make_entries() -> None:
    op.create_table(
        "field_entry",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("device_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skew_s", sa.Double(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('report', 'step', 'arrive', 'leave', 'duty')",
            name=op.f("ck_field_entry_kind"),
        ),
        sa.CheckConstraint(
            "outcome IN ('done', 'conflict', 'rejected')", name=op.f("ck_field_entry_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_field_entry_account_id_account")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_field_entry")),
    )
    op.create_index("ix_field_entry_account", "field_entry", ["account_id", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_case_file_open", table_name="case_file")
    for table in ("field_entry", "stop_visit", "case_photo"):
        op.drop_table(table)
