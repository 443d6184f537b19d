"""Levels of the routing table, binding dispatches, needs of steps, contacts, the classifier."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from geo.errors import ConflictError

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

LEVELS = "level IN ('district', 'street', 'community', 'grid')"
WORKING = ("received", "in_progress", "rework")
RULES = (
    ("escalate", "escalated", "escalated"),
    ("refuse", "dispatched", "escalated"),
    *(("refuse", state, "escalated") for state in WORKING),
)
# What each action must carry; governance/cases/states.py says why.
NEEDS = {
    "accept": ("category",),
    "reject": ("outcome", "reason"),
    "dispatch": ("department",),
    "object": ("reason", "unbound"),
    "refuse": ("reason",),
    "resolve": ("evidence",),
    "check": ("other_person",),
    "rework": ("other_person", "reason"),
    "close": ("evidence", "other_person"),
    "call_back": ("satisfaction",),
    "reopen": ("reason",),
    "request_extension": ("reason",),
    "grant_extension": ("approver", "reason"),
    "deny_extension": ("approver", "reason"),
    "suspend": ("other_person", "reason"),
    "resume": ("reason",),
    "escalate": ("reason",),
    "merge": ("case", "reason"),
    "void": ("reason",),
}


def upgrade() -> None:
    op.add_column("routing_rule", sa.Column("level", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_routing_rule_level"), "routing_rule", LEVELS)
    op.add_column("case_file", sa.Column("first_department_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_case_file_first_department_id_department"),
        "case_file", "department", ["first_department_id"], ["department_id"],
    )  # fmt: skip
    op.add_column(
        "case_file",
        sa.Column("may_object", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column("case_file", sa.Column("last_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "case_transition",
        sa.Column("binding", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "case_transition", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True)
    )
    make_needs()
    make_classifier()
    # exec_driver_sql: colons in the file are casts, not parameters.
    for name in ("0015_cases_guard", "0015_contacts"):
        text = files("migrations").joinpath("sql", f"{name}.sql").read_text("utf-8")
        op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def make_needs() -> None:
    op.create_table(
        "case_need",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("action", "need", name=op.f("pk_case_need")),
    )
    needs = sa.table("case_need", sa.column("action"), sa.column("need"))
    op.bulk_insert(
        needs,
        [{"action": action, "need": need} for action, names in NEEDS.items() for need in names],
    )
    rules = sa.table("case_rule", *map(sa.column, ("action", "from_state", "to_state")))
    op.bulk_insert(
        rules,
        [dict(zip(("action", "from_state", "to_state"), rule, strict=True)) for rule in RULES],
    )
    op.create_table(
        "case_notice",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('due_soon', 'overdue')", name=op.f("ck_case_notice_kind")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.case_id"], name=op.f("fk_case_notice_case_id_case_file")
        ),
        sa.PrimaryKeyConstraint("case_id", "due_at", "kind", name=op.f("pk_case_notice")),
    )


def make_classifier() -> None:
    op.create_table(
        "classifier",
        sa.Column("classifier_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("model", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_classifier_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("classifier_id", name=op.f("pk_classifier")),
        sa.UniqueConstraint(
            "jurisdiction_id", "scheme", "version",
            name=op.f("uq_classifier_jurisdiction_id_scheme_version"),
        ),
    )  # fmt: skip


def downgrade() -> None:
    stop_at_refusals()
    op.execute("REVOKE SELECT (feed_id, source_ref) ON incident_key FROM gridbeat_web")
    op.execute("DROP SCHEMA contact CASCADE")
    op.execute("DROP FUNCTION case_lacks(case_file, case_transition)")
    for table in ("classifier", "case_notice", "case_need"):
        op.drop_table(table)
    # Steps that the older table does not know would be lost with it.
    op.execute("DELETE FROM case_rule WHERE action = 'refuse' OR from_state = 'escalated' "
               "AND action = 'escalate'")  # fmt: skip
    op.drop_column("case_transition", "claimed_at")
    op.drop_column("case_transition", "binding")
    op.drop_constraint(op.f("fk_case_file_first_department_id_department"), "case_file")
    for column in ("last_at", "may_object", "first_department_id"):
        op.drop_column("case_file", column)
    op.drop_constraint(op.f("ck_routing_rule_level"), "routing_rule")
    op.drop_column("routing_rule", "level")
    # The older guard again.
    text = files("migrations").joinpath("sql", "0006_cases_guard.sql").read_text("utf-8")
    guard = text[text.index("CREATE FUNCTION") : text.index("CREATE FUNCTION case_file_moves")]
    op.get_bind().exec_driver_sql(
        guard.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace("%", "%%")
    )


def stop_at_refusals() -> None:
    """Stop before anything is undone where the history holds steps that the older rules lack.

    A history is never rewritten, so that such a database cannot become an older one; taking the
    whole schema down drops it anyway.
    """
    if op.get_context().opts.get("destination_rev") == "base":
        return
    query = (
        "SELECT count(*) FROM case_transition "
        "WHERE action = 'refuse' OR action = 'escalate' AND from_state = 'escalated'"
    )
    held = op.get_bind().exec_driver_sql(query).scalar_one()
    if held:
        msg = (
            f"the history of cases holds {held} refusals or escalations of escalated cases, which "
            "revision 0014 does not know and which are never deleted: stay at 0015 or restore a "
            "backup from before it"
        )
        raise ConflictError(msg)
