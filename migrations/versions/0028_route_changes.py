"""Live screens hear of new patrol routes."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TRIGGER layer_changes AFTER INSERT OR UPDATE OR DELETE ON route "
        "FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('plans')"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER layer_changes ON route")
