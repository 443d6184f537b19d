"""Tracks of units on duty, effort by cell and hour, and when each cell was last seen."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TRACKS = "source IN ('foot', 'vehicle', 'drone')"
EFFORT = "source IN ('foot', 'vehicle', 'drone', 'camera')"


def upgrade() -> None:
    make_device()
    make_raw()
    make_segment()
    make_stay()
    make_effort()
    make_cells()
    make_account_device()
    # exec_driver_sql: colons in the file are casts, not parameters.
    text = files("migrations").joinpath("sql", "0010_tracks.sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.Identity(always=False), nullable=False)


def refers(table: str, column: str, other: str, *, cascade: bool = False) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"{other}.{column}"],
        name=op.f(f"fk_{table}_{column}_{other}"),
        ondelete="CASCADE" if cascade else None,
    )


def make_device() -> None:
    op.create_table(
        "track_device",
        key("track_device_id"),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("device_ref", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("drone_id", sa.BigInteger(), nullable=True),
        sa.Column("sight_m", sa.Float(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.CheckConstraint(TRACKS, name=op.f("ck_track_device_source")),
        sa.CheckConstraint("sight_m > 0 AND sight_m <= 1000", name=op.f("ck_track_device_sight")),
        sa.CheckConstraint(
            "CASE WHEN source = 'drone' THEN drone_id IS NOT NULL AND unit_id IS NULL "
            "ELSE unit_id IS NOT NULL AND drone_id IS NULL END",
            name=op.f("ck_track_device_carrier"),
        ),
        refers("track_device", "jurisdiction_id", "jurisdiction"),
        refers("track_device", "unit_id", "unit"),
        refers("track_device", "drone_id", "drone"),
        sa.PrimaryKeyConstraint("track_device_id", name=op.f("pk_track_device")),
        sa.UniqueConstraint(
            "jurisdiction_id", "device_ref", name=op.f("uq_track_device_jurisdiction_id_device_ref")
        ),
    )


def make_raw() -> None:
    op.create_table(
        "track_raw",
        key("track_raw_id"),
        sa.Column("track_device_id", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("n_points", sa.Integer(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_track_raw_interval")),
        sa.CheckConstraint("n_points > 0", name=op.f("ck_track_raw_n_points")),
        sa.CheckConstraint(
            "(first_seq IS NULL) = (last_seq IS NULL) AND last_seq >= first_seq",
            name=op.f("ck_track_raw_seq"),
        ),
        refers("track_raw", "track_device_id", "track_device"),
        refers("track_raw", "import_run_id", "import_run"),
        sa.PrimaryKeyConstraint("track_raw_id", name=op.f("pk_track_raw")),
    )
    op.create_index("ix_track_raw_device", "track_raw", ["track_device_id", "starts_at"])
    op.create_index("ix_track_raw_ends_at", "track_raw", ["ends_at"], postgresql_using="brin")


def make_segment() -> None:
    op.create_table(
        "track_segment",
        key("track_segment_id"),
        sa.Column("track_device_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("n_points", sa.Integer(), nullable=False),
        sa.Column("length_m", sa.Float(), nullable=False),
        sa.Column("matched", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column("geom", Geometry("LINESTRINGM", srid=4326, dimension=3), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_track_segment_interval")),
        sa.CheckConstraint("n_points >= 2", name=op.f("ck_track_segment_n_points")),
        sa.CheckConstraint("length_m >= 0", name=op.f("ck_track_segment_length")),
        sa.CheckConstraint(TRACKS, name=op.f("ck_track_segment_source")),
        refers("track_segment", "track_device_id", "track_device"),
        refers("track_segment", "import_run_id", "import_run"),
        sa.PrimaryKeyConstraint("track_segment_id", name=op.f("pk_track_segment")),
    )
    op.create_index("ix_track_segment_device", "track_segment", ["track_device_id", "starts_at"])
    op.create_index("ix_track_segment_time", "track_segment", ["jurisdiction_id", "starts_at"])


def make_stay() -> None:
    op.create_table(
        "track_stay",
        key("track_stay_id"),
        sa.Column("track_device_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("geom", Geometry("POINT", srid=4326), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_track_stay_interval")),
        refers("track_stay", "track_device_id", "track_device"),
        refers("track_stay", "area_id", "area"),
        sa.PrimaryKeyConstraint("track_stay_id", name=op.f("pk_track_stay")),
    )
    op.create_index("ix_track_stay_device", "track_stay", ["track_device_id", "starts_at"])


def cell() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in ("i", "j")]


def make_effort() -> None:
    op.create_table(
        "effort",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        *cell(),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.CheckConstraint(EFFORT, name=op.f("ck_effort_source")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_effort_seconds")),
        sa.PrimaryKeyConstraint(
            "jurisdiction_id", "hour", "source", "i", "j", "area_id", name=op.f("pk_effort")
        ),
        postgresql_partition_by="RANGE (hour)",
    )
    op.create_index("ix_effort_area", "effort", ["area_id", "hour"])


def make_cells() -> None:
    op.create_table(
        "ground_cell",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        *cell(),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("ground_m2", sa.Float(), nullable=False),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326), nullable=False),
        sa.PrimaryKeyConstraint("jurisdiction_id", "i", "j", name=op.f("pk_ground_cell")),
    )
    op.create_table(
        "last_look",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        *cell(),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("by_hour", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.CheckConstraint(EFFORT, name=op.f("ck_last_look_source")),
        sa.CheckConstraint("cardinality(by_hour) = 168", name=op.f("ck_last_look_by_hour")),
        sa.PrimaryKeyConstraint("jurisdiction_id", "i", "j", "source", name=op.f("pk_last_look")),
    )


def make_account_device() -> None:
    op.create_table(
        "account_device",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("track_device_id", sa.BigInteger(), nullable=False),
        refers("account_device", "account_id", "account", cascade=True),
        refers("account_device", "track_device_id", "track_device", cascade=True),
        sa.PrimaryKeyConstraint("account_id", "track_device_id", name=op.f("pk_account_device")),
    )


def downgrade() -> None:
    tables = ("account_device", "last_look", "ground_cell", "effort", "track_stay",
              "track_segment", "track_raw", "track_device")  # fmt: skip
    for table in tables:
        op.drop_table(table)
    for function in ("latest_hours(integer[], integer[])", "ensure_effort_partitions(date[])"):
        op.execute(f"DROP FUNCTION {function}")
