"""Departments, work calendars, time limits, reports and cases with their history."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Action, the state before (none at birth), the state after; governance/cases/states.py says why.
RULES = (
    ("report", "", "reported"),
    ("verify", "reported", "verifying"),
    ("accept", "reported", "accepted"),
    ("accept", "verifying", "accepted"),
    ("reject", "reported", "rejected"),
    ("reject", "verifying", "rejected"),
    ("dispatch", "accepted", "dispatched"),
    ("dispatch", "returned", "dispatched"),
    ("object", "dispatched", "returned"),
    ("object", "received", "returned"),
    ("receive", "dispatched", "received"),
    ("start", "received", "in_progress"),
    ("start", "rework", "in_progress"),
    ("resolve", "in_progress", "resolved"),
    ("check", "resolved", "checking"),
    ("rework", "checking", "rework"),
    ("close", "checking", "closed"),
    ("call_back", "closed", "closed"),
    ("reopen", "closed", "rework"),
    ("request_extension", "in_progress", "in_progress"),
    ("request_extension", "received", "received"),
    ("request_extension", "rework", "rework"),
    ("grant_extension", "in_progress", "in_progress"),
    ("grant_extension", "received", "received"),
    ("grant_extension", "rework", "rework"),
    ("deny_extension", "in_progress", "in_progress"),
    ("deny_extension", "received", "received"),
    ("deny_extension", "rework", "rework"),
    ("suspend", "in_progress", "suspended"),
    ("suspend", "received", "suspended"),
    ("suspend", "rework", "suspended"),
    ("resume", "suspended", "in_progress"),
    ("escalate", "accepted", "escalated"),
    ("escalate", "dispatched", "escalated"),
    ("escalate", "in_progress", "escalated"),
    ("escalate", "received", "escalated"),
    ("escalate", "returned", "escalated"),
    ("escalate", "rework", "escalated"),
    ("acknowledge", "escalated", "accepted"),
    ("merge", "accepted", "merged"),
    ("merge", "dispatched", "merged"),
    ("merge", "in_progress", "merged"),
    ("merge", "received", "merged"),
    ("merge", "reported", "merged"),
    ("merge", "returned", "merged"),
    ("merge", "rework", "merged"),
    ("merge", "verifying", "merged"),
    ("void", "accepted", "void"),
    ("void", "dispatched", "void"),
    ("void", "in_progress", "void"),
    ("void", "received", "void"),
    ("void", "reported", "void"),
    ("void", "returned", "void"),
    ("void", "rework", "void"),
    ("void", "suspended", "void"),
    ("void", "verifying", "void"),
)


def upgrade() -> None:
    make_rules_of_work()
    make_cases()
    rules = sa.table("case_rule", *map(sa.column, ("action", "from_state", "to_state")))
    op.bulk_insert(
        rules,
        [dict(zip(("action", "from_state", "to_state"), rule, strict=True)) for rule in RULES],
    )
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0006_cases_guard.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def make_rules_of_work() -> None:
    op.create_table(
        "department",
        sa.Column("department_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "level IN ('district', 'street', 'community', 'grid')", name=op.f("ck_department_level")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_department_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("department_id", name=op.f("pk_department")),
        sa.UniqueConstraint(
            "jurisdiction_id", "code", name=op.f("uq_department_jurisdiction_id_code")
        ),
    )
    op.create_table(
        "stage_limit",
        sa.Column("stage_limit_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "stage IN ('accept', 'dispatch', 'receive', 'handle', 'check', 'acknowledge')",
            name=op.f("ck_stage_limit_stage"),
        ),
        sa.CheckConstraint(
            "unit IN ('urgent_hour', 'work_hour', 'work_day', 'natural_day')",
            name=op.f("ck_stage_limit_unit"),
        ),
        sa.CheckConstraint("value > 0", name=op.f("ck_stage_limit_value")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_stage_limit_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("stage_limit_id", name=op.f("pk_stage_limit")),
        sa.UniqueConstraint(
            "jurisdiction_id",
            "scheme",
            "category_code",
            "stage",
            name=op.f("uq_stage_limit_jurisdiction_id_scheme_category_code_stage"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "work_calendar",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('workday', 'weekend', 'holiday', 'swapped')",
            name=op.f("ck_work_calendar_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_work_calendar_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("jurisdiction_id", "day", name=op.f("pk_work_calendar")),
    )
    op.create_table(
        "work_spell",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_work_spell_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("jurisdiction_id", "opens", name=op.f("pk_work_spell")),
    )
    op.create_table(
        "routing_rule",
        sa.Column("routing_rule_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_routing_rule_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.department_id"],
            name=op.f("fk_routing_rule_department_id_department"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_routing_rule_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("routing_rule_id", name=op.f("pk_routing_rule")),
        sa.UniqueConstraint(
            "jurisdiction_id",
            "scheme",
            "category_code",
            "area_id",
            name=op.f("uq_routing_rule_jurisdiction_id_scheme_category_code_area_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )


def make_cases() -> None:
    op.create_table(
        "case_rule",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("action", "from_state", name=op.f("pk_case_rule")),
    )
    op.create_geospatial_table(
        "case_file",
        sa.Column("case_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
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
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.Text(), server_default="grid", nullable=False),
        sa.Column("state", sa.Text(), server_default="reported", nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("handler", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("handle_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extension_asked_by", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'merged') = (merged_into IS NOT NULL)", name=op.f("ck_case_file_merged")
        ),
        sa.CheckConstraint(
            "level IN ('district', 'street', 'community', 'grid')", name=op.f("ck_case_file_level")
        ),
        sa.CheckConstraint(
            "state IN ('reported', 'verifying', 'accepted', 'dispatched', 'received', 'in_progress', 'resolved', 'checking', 'rework', 'returned', 'escalated', 'suspended', 'closed', 'rejected', 'void', 'merged')",
            name=op.f("ck_case_file_state"),
        ),
        sa.CheckConstraint("merged_into <> case_id", name=op.f("ck_case_file_merged_into")),
        sa.CheckConstraint("version >= 0", name=op.f("ck_case_file_version")),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_case_file_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["category.category_id"],
            name=op.f("fk_case_file_category_id_category"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.department_id"],
            name=op.f("fk_case_file_department_id_department"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_case_file_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["case_file.case_id"], name=op.f("fk_case_file_merged_into_case_file")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_file")),
        sa.UniqueConstraint(
            "jurisdiction_id", "number", name=op.f("uq_case_file_jurisdiction_id_number")
        ),
    )
    op.create_index("ix_case_file_area", "case_file", ["area_id", "state"], unique=False)
    op.create_index(
        "ix_case_file_due",
        "case_file",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_geospatial_index(
        "ix_case_file_geom",
        "case_file",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "case_transition",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.UUID(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("satisfaction", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column(
            "evidence",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("handle_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("actor <> ''", name=op.f("ck_case_transition_actor")),
        sa.CheckConstraint(
            "level IN ('district', 'street', 'community', 'grid')",
            name=op.f("ck_case_transition_level"),
        ),
        sa.CheckConstraint(
            "outcome IN ('emergency', 'other_route', 'duplicate', 'private', 'not_public_duty', 'illegal')",
            name=op.f("ck_case_transition_outcome"),
        ),
        sa.CheckConstraint(
            "satisfaction IN ('satisfied', 'neutral', 'dissatisfied', 'not_reached')",
            name=op.f("ck_case_transition_satisfaction"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.case_id"], name=op.f("fk_case_transition_case_id_case_file")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["category.category_id"],
            name=op.f("fk_case_transition_category_id_category"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.department_id"],
            name=op.f("fk_case_transition_department_id_department"),
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["case_file.case_id"],
            name=op.f("fk_case_transition_merged_into_case_file"),
        ),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_case_transition")),
        sa.UniqueConstraint("request_id", name=op.f("uq_case_transition_request_id")),
    )
    op.create_geospatial_table(
        "report",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
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
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column(
            "suggested",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "photos",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('hotline', 'tablet', 'drone', 'camera', 'open311', 'feed', 'counter')",
            name=op.f("ck_report_channel"),
        ),
        sa.CheckConstraint("words <> ''", name=op.f("ck_report_words")),
        sa.CheckConstraint("geom IS NOT NULL OR area_id IS NOT NULL", name=op.f("ck_report_place")),
        sa.ForeignKeyConstraint(["area_id"], ["area.area_id"], name=op.f("fk_report_area_id_area")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.case_id"], name=op.f("fk_report_case_id_case_file")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.category_id"], name=op.f("fk_report_category_id_category")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_report_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_report")),
        sa.UniqueConstraint(
            "jurisdiction_id",
            "channel",
            "source_ref",
            name=op.f("uq_report_jurisdiction_id_channel_source_ref"),
        ),
    )
    op.create_index("ix_report_case", "report", ["case_id"], unique=False)
    op.create_geospatial_index(
        "ix_report_geom",
        "report",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )


def downgrade() -> None:
    for table in (
        "report",
        "case_transition",
        "case_file",
        "case_rule",
        "routing_rule",
        "stage_limit",
        "department",
        "work_spell",
        "work_calendar",
    ):
        op.drop_table(table)
    for function in (
        "case_transition_moves",
        "case_file_moves_by_transition",
        "case_history_stays",
    ):
        op.execute(f"DROP FUNCTION {function}()")
