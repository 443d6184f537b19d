"""Results over street segments: rows that are lines."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

POLYGONS = ("cell", "area", "zone", "whole")


def allow(units: tuple[str, ...], geometry: str) -> None:
    op.drop_constraint(op.f("ck_result_run_unit"), "result_run")
    named = ", ".join(f"'{unit}'" for unit in units)
    op.create_check_constraint(op.f("ck_result_run_unit"), "result_run", f"unit IN ({named})")
    # A column that a policy reads keeps its type, so the policies are made anew around the change.
    op.execute("DROP POLICY web ON result_row")
    op.execute("DROP POLICY operator ON result_row")
    op.execute(f"ALTER TABLE result_row ALTER COLUMN geom TYPE geometry({geometry}, 4326)")
    op.execute("SELECT protect_rows('result_row', 'area or place')")


def upgrade() -> None:
    allow((*POLYGONS, "segment"), "Geometry")


def downgrade() -> None:
    op.execute("DELETE FROM result_run WHERE unit = 'segment'")
    allow(POLYGONS, "MultiPolygon")
