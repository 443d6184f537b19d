"""Supervisors keep posts, duty and partners on a page; an account knows whose it is."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_account_person_id_person"), "account", "person", ["person_id"], ["person_id"],
        ondelete="SET NULL",
    )  # fmt: skip
    op.execute("SELECT protect_rows('person', 'signed in')")
    op.execute("GRANT INSERT ON person, post, shift, post_requirement, partner TO gridbeat_web")
    op.execute("GRANT SELECT ON post TO gridbeat_web")
    op.execute("GRANT UPDATE (valid_to) ON post TO gridbeat_web")
    op.execute("GRANT UPDATE ON post_requirement, partner TO gridbeat_web")
    op.execute("GRANT DELETE ON shift TO gridbeat_web")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON shift FROM gridbeat_web")
    op.execute("REVOKE UPDATE ON post_requirement, partner FROM gridbeat_web")
    op.execute("REVOKE SELECT, UPDATE (valid_to) ON post FROM gridbeat_web")
    op.execute("GRANT SELECT (area_id, valid_to, role, valid_from) ON post TO gridbeat_web")
    op.execute("REVOKE INSERT ON person, post, shift, post_requirement, partner FROM gridbeat_web")
    for policy in ("operator", "web"):
        op.execute(f"DROP POLICY {policy} ON person")
    op.execute("ALTER TABLE person NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE person DISABLE ROW LEVEL SECURITY")
    op.execute("REVOKE SELECT ON person FROM gridbeat_web")
    op.drop_constraint(op.f("fk_account_person_id_person"), "account", type_="foreignkey")
    op.drop_column("account", "person_id")
