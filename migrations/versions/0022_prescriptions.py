"""What a district does about each class of problems, version by version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WORDS = postgresql.ARRAY(sa.Text())
MEANS = "means <@ ARRAY['foot', 'vehicle', 'drone', 'camera_desk', 'volunteer', 'joint']"


def upgrade() -> None:
    op.create_table(
        "prescription",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("means", WORDS, nullable=False),
        sa.Column("window_from", sa.Time(), nullable=True),
        sa.Column("window_to", sa.Time(), nullable=True),
        sa.Column("dwell_min", sa.Integer(), nullable=False),
        sa.Column("checklist_zh", WORDS, nullable=False),
        sa.Column("checklist_en", WORDS, nullable=False),
        sa.Column("evidence_zh", sa.Text(), nullable=False),
        sa.Column("evidence_en", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_prescription_version")),
        sa.CheckConstraint("dwell_min BETWEEN 1 AND 480", name=op.f("ck_prescription_dwell_min")),
        sa.CheckConstraint(
            f"cardinality(means) > 0 AND {MEANS}", name=op.f("ck_prescription_means")
        ),
        sa.CheckConstraint(
            "(window_from IS NULL) = (window_to IS NULL)", name=op.f("ck_prescription_window")
        ),
        sa.CheckConstraint(
            "changed_by ~ '\\S' AND reason ~ '\\S'", name=op.f("ck_prescription_named")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_prescription_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("jurisdiction_id", "code", "version", name=op.f("pk_prescription")),
    )
    # A version is never changed: nobody may update or delete one.
    op.execute("GRANT SELECT, INSERT ON prescription TO gridbeat_app")
    op.execute("GRANT INSERT ON prescription TO gridbeat_web")
    op.execute("SELECT protect_rows('prescription', 'signed in')")


def downgrade() -> None:
    op.drop_table("prescription")
