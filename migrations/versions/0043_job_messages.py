"""Why a job failed is said in both languages, so that a page can give it in its own."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("message_zh", sa.Text()))


def downgrade() -> None:
    op.drop_column("job", "message_zh")
