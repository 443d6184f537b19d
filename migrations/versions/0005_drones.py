"""Airspace zones, drones, their routes, and applications to fly them."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = (
    "'prohibited', 'restricted', 'danger', 'airport', 'border', 'military', 'key_site', "
    "'transport', 'water_source', 'heritage', 'temporary', 'crowd', 'other_controlled'"
)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    make_airspace_zone()
    make_drone()
    make_drone_route()
    make_flight_application()
    op.execute(
        sa.text(files("migrations").joinpath("sql", "0005_drone_grants.sql").read_text("utf-8"))
    )


def imported(table: str) -> list[sa.schema.SchemaItem]:
    """Return the columns and keys of a table that files are imported into."""
    return [
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.UniqueConstraint(
            "feed_id", "source_ref", name=op.f(f"uq_{table}_feed_id_source_ref")
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f(f"fk_{table}_feed_id_feed")
        ),
        sa.ForeignKeyConstraint(
            ["import_run_id"], ["import_run.import_run_id"],
            name=op.f(f"fk_{table}_import_run_id_import_run"),
        ),
    ]  # fmt: skip


def make_airspace_zone() -> None:
    op.create_table(
        "airspace_zone",
        sa.Column("zone_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("floor_m", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("ceiling_m", sa.Double(), nullable=True),
        sa.Column(
            "valid_from", MOMENT, server_default=sa.text("'-infinity'::timestamptz"),
            nullable=False,
        ),
        sa.Column(
            "valid_to", MOMENT, server_default=sa.text("'infinity'::timestamptz"), nullable=False
        ),
        sa.Column(
            "geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False
        ),
        *imported("airspace_zone"),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_airspace_zone_geom_valid")
        ),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_airspace_zone_kind")),
        sa.CheckConstraint(
            "floor_m >= 0 AND floor_m < 'infinity'", name=op.f("ck_airspace_zone_floor")
        ),
        sa.CheckConstraint("ceiling_m > floor_m", name=op.f("ck_airspace_zone_ceiling")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_airspace_zone_validity")),
        sa.PrimaryKeyConstraint("zone_id", name=op.f("pk_airspace_zone")),
    )  # fmt: skip
    op.create_index("idx_airspace_zone_geom", "airspace_zone", ["geom"], postgresql_using="gist")


def make_drone() -> None:
    op.create_table(
        "drone",
        sa.Column("drone_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("size_class", sa.Text(), nullable=False),
        sa.Column("registration_no", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("network_relay", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("speed_m_s", sa.Double(), nullable=False),
        sa.Column("endurance_s", sa.Double(), nullable=False),
        sa.Column("max_wind_m_s", sa.Double(), nullable=True),
        sa.Column("sensor_width_mm", sa.Double(), nullable=True),
        sa.Column("sensor_height_mm", sa.Double(), nullable=True),
        sa.Column("focal_mm", sa.Double(), nullable=True),
        sa.Column("image_width_px", sa.Integer(), nullable=True),
        sa.Column("image_height_px", sa.Integer(), nullable=True),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        *imported("drone"),
        sa.CheckConstraint(
            "size_class IN ('micro', 'light', 'small', 'medium', 'large')",
            name=op.f("ck_drone_size_class"),
        ),
        sa.CheckConstraint("speed_m_s > 0", name=op.f("ck_drone_speed")),
        sa.CheckConstraint("endurance_s > 0", name=op.f("ck_drone_endurance")),
        sa.CheckConstraint("max_wind_m_s >= 0", name=op.f("ck_drone_max_wind")),
        sa.CheckConstraint(
            "sensor_width_mm > 0 AND sensor_height_mm > 0 AND focal_mm > 0 "
            "AND image_width_px > 0 AND image_height_px > 0",
            name=op.f("ck_drone_camera"),
        ),
        sa.PrimaryKeyConstraint("drone_id", name=op.f("pk_drone")),
    )
    op.create_index("idx_drone_geom", "drone", ["geom"], postgresql_using="gist")


def make_drone_route() -> None:
    op.create_table(
        "drone_route",
        sa.Column("route_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("drone_id", sa.BigInteger(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("flight_no", sa.Integer(), nullable=False),
        sa.Column(
            "geom", Geometry("LINESTRINGZ", srid=4326, dimension=3, spatial_index=False),
            nullable=False,
        ),
        sa.Column("camera_on", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("speed_m_s", sa.Double(), nullable=False),
        sa.Column(
            "parameters", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("flight_no > 0", name=op.f("ck_drone_route_flight_no")),
        sa.CheckConstraint("duration_s > 0", name=op.f("ck_drone_route_duration")),
        sa.CheckConstraint("ST_NPoints(geom) >= 2", name=op.f("ck_drone_route_corners")),
        sa.CheckConstraint(
            "cardinality(camera_on) = ST_NPoints(geom) - 1", name=op.f("ck_drone_route_legs")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_drone_route_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["drone_id"], ["drone.drone_id"], name=op.f("fk_drone_route_drone_id_drone")
        ),
        sa.PrimaryKeyConstraint("route_id", name=op.f("pk_drone_route")),
        sa.UniqueConstraint(
            "jurisdiction_id", "mission", "flight_no",
            name=op.f("uq_drone_route_jurisdiction_id_mission_flight_no"),
        ),
    )  # fmt: skip
    op.create_index("idx_drone_route_geom", "drone_route", ["geom"], postgresql_using="gist")
    op.create_index(op.f("ix_drone_route_drone_id"), "drone_route", ["drone_id"])


def make_flight_application() -> None:
    op.create_table(
        "flight_application",
        sa.Column("application_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("takes_off_at", MOMENT, nullable=False),
        sa.Column("lands_at", MOMENT, nullable=False),
        sa.Column("emergency", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("approval_no", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "takes_off_at < lands_at", name=op.f("ck_flight_application_interval")
        ),
        sa.CheckConstraint("due_at < takes_off_at", name=op.f("ck_flight_application_due")),
        sa.CheckConstraint(
            "status IN ('draft', 'sent', 'approved', 'refused', 'withdrawn')",
            name=op.f("ck_flight_application_status"),
        ),
        sa.CheckConstraint(
            "status <> 'approved' OR approval_no IS NOT NULL",
            name=op.f("ck_flight_application_approval"),
        ),
        sa.ForeignKeyConstraint(
            ["route_id"], ["drone_route.route_id"], ondelete="CASCADE",
            name=op.f("fk_flight_application_route_id_drone_route"),
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_flight_application")),
    )  # fmt: skip
    op.create_index("ix_flight_application_route", "flight_application", ["route_id"])


def downgrade() -> None:
    for table in ("flight_application", "drone_route", "drone", "airspace_zone"):
        op.drop_table(table)
