"""What cameras see, how finely and for how long they keep it, and which of them a desk watches."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PRESETS = "presets ~ '^[0-9.]+/[0-9.]+/[0-9.]+(; ?[0-9.]+/[0-9.]+/[0-9.]+)*$'"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    widen_camera()
    make_camera_view()
    make_rounds()
    op.execute(
        sa.text(files("migrations").joinpath("sql", "0004_camera_grants.sql").read_text("utf-8"))
    )


def widen_camera() -> None:
    """Let a camera that breaks the rule on retention in, so that it can be listed."""
    op.drop_constraint(op.f("ck_camera_retention"), "camera")
    op.create_check_constraint(op.f("ck_camera_retention"), "camera", "retention_days >= 0")
    op.add_column("camera", sa.Column("retention_reason", sa.Text(), nullable=True))
    op.add_column("camera", sa.Column("image_px", sa.Integer(), nullable=True))
    op.add_column("camera", sa.Column("presets", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_camera_image_px"), "camera", "image_px > 0")
    op.create_check_constraint(op.f("ck_camera_presets"), "camera", PRESETS)


def make_camera_view() -> None:
    op.create_table(
        "camera_view",
        sa.Column("camera_view_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("preset", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("range_m", sa.Double(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("inputs_hash", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("replaced_at", MOMENT, nullable=True),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint(
            "basis IN ('density', 'stated', 'assumed')", name=op.f("ck_camera_view_basis")
        ),
        sa.CheckConstraint("range_m >= 0", name=op.f("ck_camera_view_range")),
        sa.CheckConstraint("area_m2 >= 0", name=op.f("ck_camera_view_area")),
        sa.CheckConstraint("ST_IsValid(geom)", name=op.f("ck_camera_view_geom_valid")),
        sa.CheckConstraint("replaced_at >= made_at", name=op.f("ck_camera_view_validity")),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["camera.camera_id"],
            name=op.f("fk_camera_view_camera_id_camera"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("camera_view_id", name=op.f("pk_camera_view")),
        sa.UniqueConstraint(
            "camera_id", "preset", "version", name=op.f("uq_camera_view_camera_id_preset_version")
        ),
    )
    op.create_index("idx_camera_view_geom", "camera_view", ["geom"], postgresql_using="gist")
    op.create_index(
        "uq_camera_view_current",
        "camera_view",
        ["camera_id", "preset"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )


def make_rounds() -> None:
    op.create_table(
        "camera_round",
        sa.Column("camera_round_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("watchers", sa.Integer(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_camera_round_interval")),
        sa.CheckConstraint("watchers > 0", name=op.f("ck_camera_round_watchers")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_camera_round_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("camera_round_id", name=op.f("pk_camera_round")),
    )
    op.create_table(
        "camera_look",
        sa.Column("camera_look_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("camera_round_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("watcher", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.Column("found_incident_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("watcher > 0", name=op.f("ck_camera_look_watcher")),
        sa.CheckConstraint(
            "found_incident_id IS NULL OR looked_at IS NOT NULL",
            name=op.f("ck_camera_look_finding"),
        ),
        sa.ForeignKeyConstraint(
            ["camera_round_id"],
            ["camera_round.camera_round_id"],
            name=op.f("fk_camera_look_camera_round_id_camera_round"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["camera.camera_id"],
            name=op.f("fk_camera_look_camera_id_camera"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["found_incident_id"],
            ["incident_key.incident_id"],
            name=op.f("fk_camera_look_found_incident_id_incident_key"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("camera_look_id", name=op.f("pk_camera_look")),
        sa.UniqueConstraint(
            "camera_round_id",
            "camera_id",
            "due_at",
            name=op.f("uq_camera_look_camera_round_id_camera_id_due_at"),
        ),
    )


def downgrade() -> None:
    op.drop_table("camera_look")
    op.drop_table("camera_round")
    op.drop_table("camera_view")
    for name in ("presets", "image_px"):
        op.drop_constraint(op.f(f"ck_camera_{name}"), "camera")
    for name in ("presets", "image_px", "retention_reason"):
        op.drop_column("camera", name)
    op.drop_constraint(op.f("ck_camera_retention"), "camera")
    op.execute("UPDATE camera SET retention_days = NULL WHERE retention_days < 30")
    op.create_check_constraint(op.f("ck_camera_retention"), "camera", "retention_days >= 30")
