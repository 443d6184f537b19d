"""Patrol routes: what was asked, each unit's way, and its visits."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    make_route_run()
    make_route()
    make_route_stop()
    op.execute(
        sa.text(files("migrations").joinpath("sql", "0007_route_grants.sql").read_text("utf-8"))
    )


def make_route_run() -> None:
    op.create_table(
        "route_run",
        sa.Column("route_run_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("on_roads", sa.Boolean(), nullable=False),
        sa.Column("prize", sa.Float(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_route_run_interval")),
        sa.CheckConstraint("prize >= 0", name=op.f("ck_route_run_prize")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_route_run_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.plan_id"],
            name=op.f("fk_route_run_plan_id_plan"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("route_run_id", name=op.f("pk_route_run")),
    )


def make_route() -> None:
    op.create_table(
        "route",
        sa.Column("route_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("route_run_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("travel_s", sa.Float(), nullable=False),
        sa.Column("travel_m", sa.Float(), nullable=False),
        sa.Column("geom", Geometry("LINESTRING", srid=4326), nullable=False),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_route_interval")),
        sa.CheckConstraint("travel_s >= 0 AND travel_m >= 0", name=op.f("ck_route_travel")),
        sa.ForeignKeyConstraint(
            ["route_run_id"],
            ["route_run.route_run_id"],
            name=op.f("fk_route_route_run_id_route_run"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.unit_id"], name=op.f("fk_route_unit_id_unit")),
        sa.PrimaryKeyConstraint("route_id", name=op.f("pk_route")),
        sa.UniqueConstraint("route_run_id", "unit_id", name=op.f("uq_route_route_run_id_unit_id")),
    )


def make_route_stop() -> None:
    op.create_table(
        "route_stop",
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("stop_ref", sa.Text(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("must", sa.Boolean(), nullable=False),
        sa.Column("prize", sa.Float(), nullable=False),
        sa.Column("arrive_at", MOMENT, nullable=False),
        sa.Column("start_at", MOMENT, nullable=False),
        sa.Column("leave_at", MOMENT, nullable=False),
        sa.Column("reason_zh", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.Column("geom", Geometry("POINT", srid=4326), nullable=False),
        sa.CheckConstraint("ordinal > 0", name=op.f("ck_route_stop_ordinal")),
        sa.CheckConstraint(
            "arrive_at <= start_at AND start_at <= leave_at", name=op.f("ck_route_stop_order")
        ),
        sa.CheckConstraint("prize >= 0", name=op.f("ck_route_stop_prize")),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["route.route_id"],
            name=op.f("fk_route_stop_route_id_route"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_route_stop_area_id_area")
        ),
        sa.PrimaryKeyConstraint("route_id", "ordinal", name=op.f("pk_route_stop")),
    )


def downgrade() -> None:
    for table in ("route_stop", "route", "route_run"):
        op.drop_table(table)
