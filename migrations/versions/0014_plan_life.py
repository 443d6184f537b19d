"""The life of a plan: versions, edits, steps, what it gathers, nights, and what was really done."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
STATUSES = "'draft', 'edited', 'approved', 'published', 'executed', 'compared', 'withdrawn'"
OLD_STATUSES = "'draft', 'approved', 'published', 'withdrawn'"
NAMED = "(approved_by IS NOT NULL AND approved_at IS NOT NULL AND approval_reason IS NOT NULL)"
KINDS = "'foot', 'vehicle', 'drone', 'camera_desk', 'volunteer', 'joint'"
EDITS = "'set_minutes', 'pin_stop', 'unpin_stop', 'forbid_area', 'forbid_cell', 'allow'"
# Action, the status before ("" at birth), the status after; patrol/planning/states.py says why.
RULES = (
    ("draft", "", "draft"),
    ("edit", "", "edited"),
    ("approve", "draft", "approved"),
    ("approve", "edited", "approved"),
    ("publish", "approved", "published"),
    ("execute", "published", "executed"),
    ("compare", "executed", "compared"),
    ("compare", "compared", "compared"),
    ("withdraw", "draft", "withdrawn"),
    ("withdraw", "edited", "withdrawn"),
    ("withdraw", "approved", "withdrawn"),
    ("withdraw", "published", "withdrawn"),
)


def upgrade() -> None:
    widen_plan()
    make_rules()
    make_step()
    make_edit()
    make_gathered()
    make_night()
    make_done()
    run("0014_plan_life.sql")


def widen_plan() -> None:
    op.add_column("plan", sa.Column("parent_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_plan_parent_id_plan"), "plan", "plan", ["parent_id"], ["plan_id"]
    )
    op.drop_constraint(op.f("ck_plan_status"), "plan")
    op.create_check_constraint(op.f("ck_plan_status"), "plan", f"status IN ({STATUSES})")
    op.drop_constraint(op.f("ck_plan_approval"), "plan")
    op.create_check_constraint(
        op.f("ck_plan_approval"), "plan",
        f"status NOT IN ('approved', 'published', 'executed', 'compared') OR {NAMED}",
    )  # fmt: skip
    op.create_index(
        "uq_plan_published", "plan", ["jurisdiction_id", "plan_date"], unique=True,
        postgresql_where=sa.text("status IN ('published', 'executed', 'compared')"),
    )  # fmt: skip


def make_rules() -> None:
    rules = op.create_table(
        "plan_rule",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("action", "from_status", "to_status", name=op.f("pk_plan_rule")),
    )
    op.bulk_insert(
        rules, [dict(zip(("action", "from_status", "to_status"), r, strict=True)) for r in RULES]
    )


def make_step() -> None:
    op.create_table(
        "plan_step",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_plan_step_seq")),
        sa.CheckConstraint("actor ~ '\\S' AND reason ~ '\\S'", name=op.f("ck_plan_step_named")),
        plan_key("plan_step"),
        sa.PrimaryKeyConstraint("plan_id", "seq", name=op.f("pk_plan_step")),
    )


def make_edit() -> None:
    op.create_table(
        "plan_edit",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("shift_no", sa.Integer(), nullable=True),
        sa.Column("unit_kind", sa.Text(), nullable=True),
        sa.Column("minutes_before", sa.Integer(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=True),
        sa.Column("edited_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("edited_at", MOMENT, nullable=False),
        sa.CheckConstraint("ordinal > 0", name=op.f("ck_plan_edit_ordinal")),
        sa.CheckConstraint(f"kind IN ({EDITS})", name=op.f("ck_plan_edit_kind")),
        sa.CheckConstraint(f"unit_kind IN ({KINDS})", name=op.f("ck_plan_edit_unit_kind")),
        sa.CheckConstraint(
            "minutes >= 0 AND minutes_before >= 0", name=op.f("ck_plan_edit_minutes")
        ),
        sa.CheckConstraint(
            "edited_by ~ '\\S' AND reason ~ '\\S'", name=op.f("ck_plan_edit_named")
        ),
        sa.CheckConstraint(
            "(kind = 'set_minutes') = (minutes_before IS NOT NULL)",
            name=op.f("ck_plan_edit_before"),
        ),
        plan_key("plan_edit"),
        area_key("plan_edit"),
        sa.PrimaryKeyConstraint("plan_id", "ordinal", name=op.f("pk_plan_edit")),
    )  # fmt: skip


def make_gathered() -> None:
    op.add_column("camera_round", sa.Column("plan_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_camera_round_plan_id_plan"), "camera_round", "plan", ["plan_id"], ["plan_id"],
        ondelete="SET NULL",
    )  # fmt: skip
    op.create_index("ix_camera_round_plan", "camera_round", ["plan_id"])
    op.create_index("ix_route_run_plan", "route_run", ["plan_id"])
    op.create_table(
        "plan_flight",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("takes_off_at", MOMENT, nullable=False),
        plan_key("plan_flight"),
        sa.ForeignKeyConstraint(
            ["route_id"], ["drone_route.route_id"], ondelete="CASCADE",
            name=op.f("fk_plan_flight_route_id_drone_route"),
        ),
        sa.PrimaryKeyConstraint("plan_id", "route_id", name=op.f("pk_plan_flight")),
    )  # fmt: skip


def make_night() -> None:
    op.create_table(
        "plan_night",
        sa.Column("plan_night_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("plan_date", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("in_force_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('complete', 'partial', 'failed')", name=op.f("ck_plan_night_outcome")
        ),
        sa.CheckConstraint(
            "(outcome = 'failed') = (plan_id IS NULL)", name=op.f("ck_plan_night_plan")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_plan_night_jurisdiction_id_jurisdiction"),
        ),
        plan_key("plan_night"),
        sa.ForeignKeyConstraint(
            ["in_force_id"], ["plan.plan_id"], name=op.f("fk_plan_night_in_force_id_plan")
        ),
        sa.PrimaryKeyConstraint("plan_night_id", name=op.f("pk_plan_night")),
    )
    op.create_index("ix_plan_night_place", "plan_night", ["jurisdiction_id", "plan_night_id"])


def make_done() -> None:
    op.create_table(
        "plan_done",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("shift_no", sa.Integer(), nullable=False),
        sa.Column("planned_min", sa.Float(), nullable=False),
        sa.Column("done_min", sa.Float(), nullable=True),
        sa.Column("compared_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "planned_min >= 0 AND done_min >= 0", name=op.f("ck_plan_done_minutes")
        ),
        plan_key("plan_done"),
        area_key("plan_done"),
        sa.PrimaryKeyConstraint("plan_id", "area_id", "shift_no", name=op.f("pk_plan_done")),
    )  # fmt: skip


def plan_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["plan_id"], ["plan.plan_id"], name=op.f(f"fk_{table}_plan_id_plan")
    )


def area_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["area_id"], ["area.area_id"], name=op.f(f"fk_{table}_area_id_area")
    )


def run(name: str) -> None:
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", name).read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def downgrade() -> None:
    run("0014_plan_life_down.sql")
    for table in ("plan_done", "plan_night", "plan_flight", "plan_edit", "plan_step", "plan_rule"):
        op.drop_table(table)
    op.drop_index("ix_route_run_plan", "route_run")
    op.drop_column("camera_round", "plan_id")
    op.drop_index("uq_plan_published", "plan")
    op.drop_column("plan", "parent_id")
    op.drop_constraint(op.f("ck_plan_approval"), "plan")
    op.create_check_constraint(
        op.f("ck_plan_approval"), "plan", f"status NOT IN ('approved', 'published') OR {NAMED}"
    )
    op.drop_constraint(op.f("ck_plan_status"), "plan")
    op.create_check_constraint(op.f("ck_plan_status"), "plan", f"status IN ({OLD_STATUSES})")
