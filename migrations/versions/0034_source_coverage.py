"""Sources say up to which day they are complete, so that no single new row moves a period."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed", sa.Column("covers_to", sa.Date(), nullable=True))
    op.add_column("feed", sa.Column("live_from", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("feed", "live_from")
    op.drop_column("feed", "covers_to")
