"""Places, people on duty, incidents, imports, results and plans."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def run_sql(name: str) -> None:
    op.execute(sa.text(files("migrations").joinpath("sql", name).read_text("utf-8")))


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE SEQUENCE incident_id_seq")
    op.create_table(
        "category_scheme",
        sa.Column("scheme_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column(
            "valid_from", sa.Date(), server_default=sa.text("'-infinity'::date"), nullable=False
        ),
        sa.Column(
            "valid_to", sa.Date(), server_default=sa.text("'infinity'::date"), nullable=False
        ),
        postgresql.ExcludeConstraint(
            (sa.column("scheme"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_category_scheme_validity",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_category_scheme_validity")),
        sa.PrimaryKeyConstraint("scheme_id", name=op.f("pk_category_scheme")),
        sa.UniqueConstraint("scheme", "version", name=op.f("uq_category_scheme_scheme_version")),
    )
    op.create_table(
        "incident",
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "incident_id",
            sa.BigInteger(),
            server_default=sa.text("nextval('incident_id_seq')"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("occurred_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_precision", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            Geometry("POINT", srid=4326, spatial_index=False),
            nullable=False,
        ),
        sa.Column("x_m", sa.Double(), nullable=False),
        sa.Column("y_m", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "found_by IN ('resident', 'patrol', 'camera', 'drone', 'sensor', 'other')",
            name=op.f("ck_incident_found_by"),
        ),
        sa.CheckConstraint(
            "time_precision IN ('exact', 'minute', 'hour', 'day', 'month', 'interval')",
            name=op.f("ck_incident_time_precision"),
        ),
        sa.CheckConstraint("NOT ST_IsEmpty(geom)", name=op.f("ck_incident_geom")),
        sa.CheckConstraint("accuracy_m >= 0", name=op.f("ck_incident_accuracy")),
        sa.CheckConstraint("occurred_until >= occurred_at", name=op.f("ck_incident_interval")),
        sa.PrimaryKeyConstraint("occurred_at", "incident_id", name=op.f("pk_incident")),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index("ix_incident_geom", "incident", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(
        "ix_incident_time", "incident", ["occurred_at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "incident_key",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("last_run_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("feed_id", "source_ref", name=op.f("pk_incident_key")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_incident_key_incident_id")),
        postgresql_with={"fillfactor": "90"},
    )
    op.create_table(
        "jurisdiction",
        sa.Column("jurisdiction_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_scheme", sa.Text(), server_default="local", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("metric_srid", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column(
            "level_names", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("household_min", sa.Integer(), server_default="300", nullable=False),
        sa.Column("household_target", sa.Integer(), server_default="500", nullable=False),
        sa.Column("household_max", sa.Integer(), server_default="500", nullable=False),
        sa.Column("household_tolerance", sa.Integer(), server_default="100", nullable=False),
        sa.Column(
            "languages",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{zh,en}'"),
            nullable=False,
        ),
        sa.Column("map_approval_no", sa.Text(), nullable=True),
        sa.Column("map_audience", sa.Text(), server_default="internal", nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "code_scheme IN ('cn', 'local')", name=op.f("ck_jurisdiction_code_scheme")
        ),
        sa.CheckConstraint(
            "map_audience IN ('internal', 'public')", name=op.f("ck_jurisdiction_map_audience")
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_jurisdiction_geom_valid")
        ),
        sa.CheckConstraint(
            "household_min > 0 AND household_min <= household_target",
            name=op.f("ck_jurisdiction_min"),
        ),
        sa.CheckConstraint("household_target <= household_max", name=op.f("ck_jurisdiction_max")),
        sa.PrimaryKeyConstraint("jurisdiction_id", name=op.f("pk_jurisdiction")),
        sa.UniqueConstraint("code", name=op.f("uq_jurisdiction_code")),
        sa.UniqueConstraint(
            "jurisdiction_id",
            "code_scheme",
            name=op.f("uq_jurisdiction_jurisdiction_id_code_scheme"),
        ),
    )
    op.create_index(
        "idx_jurisdiction_geom", "jurisdiction", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "category",
        sa.Column("category_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scheme_id"],
            ["category_scheme.scheme_id"],
            name=op.f("fk_category_scheme_id_category_scheme"),
        ),
        sa.PrimaryKeyConstraint("category_id", name=op.f("pk_category")),
        sa.UniqueConstraint("scheme_id", "code", name=op.f("uq_category_scheme_id_code")),
    )
    op.create_table(
        "feed",
        sa.Column("feed_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_feed_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feed")),
        sa.UniqueConstraint(
            "jurisdiction_id", "source", name=op.f("uq_feed_jurisdiction_id_source")
        ),
    )
    op.create_table(
        "person",
        sa.Column("person_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("staff_no", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_person_jurisdiction_id_jurisdiction"),
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
        sa.UniqueConstraint(
            "jurisdiction_id", "staff_no", name=op.f("uq_person_jurisdiction_id_staff_no")
        ),
    )
    op.create_table(
        "import_run",
        sa.Column("import_run_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("crs", sa.Text(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_new", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_same", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_no_grid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_left_out", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "quarantined", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'finished', 'failed')", name=op.f("ck_import_run_status")
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f("fk_import_run_feed_id_feed")
        ),
        sa.PrimaryKeyConstraint("import_run_id", name=op.f("pk_import_run")),
    )
    op.create_index("ix_import_run_resume", "import_run", ["feed_id", "file_sha256"], unique=False)
    op.create_table(
        "area",
        sa.Column("area_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("code_scheme", sa.Text(), server_default="local", nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("grid_kind", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("host_unit", sa.Text(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("exempt_reason", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column(
            "valid_from", sa.Date(), server_default=sa.text("'-infinity'::date"), nullable=False
        ),
        sa.Column(
            "valid_to", sa.Date(), server_default=sa.text("'infinity'::date"), nullable=False
        ),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "(level = 'grid') = (grid_kind IS NOT NULL)", name=op.f("ck_area_grid_has_kind")
        ),
        sa.CheckConstraint(
            "code_scheme <> 'cn' OR CASE level WHEN 'district' THEN code ~ '^[0-9]{6}$' WHEN 'street' THEN code ~ '^[0-9]{9}$' WHEN 'community' THEN code ~ '^[0-9]{12}$' ELSE code ~ CASE grid_kind WHEN 'micro' THEN '^[0-9]{15}-[0-9]{2}$' ELSE '^[0-9]{15}$' END END",
            name=op.f("ck_area_code"),
        ),
        sa.CheckConstraint(
            "grid_kind <> 'exclusive' OR host_unit IS NOT NULL", name=op.f("ck_area_host_unit")
        ),
        sa.CheckConstraint(
            "grid_kind IN ('basic', 'exclusive', 'micro')", name=op.f("ck_area_grid_kind")
        ),
        sa.CheckConstraint(
            "level IN ('district', 'street', 'community', 'grid')", name=op.f("ck_area_level")
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_area_geom_valid")
        ),
        sa.CheckConstraint("households >= 0", name=op.f("ck_area_households")),
        sa.CheckConstraint("parent_id <> area_id", name=op.f("ck_area_parent")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_area_validity")),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.feed_id"], name=op.f("fk_area_feed_id_feed")),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_area_import_run_id_import_run"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_area_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["area.area_id"], name=op.f("fk_area_parent_id_area")
        ),
        sa.PrimaryKeyConstraint("area_id", name=op.f("pk_area")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_area_feed_id_source_ref")),
        sa.UniqueConstraint(
            "jurisdiction_id", "area_id", name=op.f("uq_area_jurisdiction_id_area_id")
        ),
        sa.UniqueConstraint("jurisdiction_id", "code", name=op.f("uq_area_jurisdiction_id_code")),
    )
    op.create_index("idx_area_geom", "area", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_area_parent", "area", ["parent_id"], unique=False)
    op.create_table(
        "building",
        sa.Column("building_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("levels", sa.SmallInteger(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_building_geom_valid")
        ),
        sa.CheckConstraint("height_m > 0", name=op.f("ck_building_height")),
        sa.CheckConstraint("households >= 0", name=op.f("ck_building_households")),
        sa.CheckConstraint("levels > 0", name=op.f("ck_building_levels")),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f("fk_building_feed_id_feed")
        ),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_building_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("building_id", name=op.f("pk_building")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_building_feed_id_source_ref")),
    )
    op.create_index(
        "idx_building_geom", "building", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "camera",
        sa.Column("camera_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("azimuth_deg", sa.Double(), nullable=True),
        sa.Column("fov_deg", sa.Double(), nullable=True),
        sa.Column("range_m", sa.Double(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("mount", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("gb28181_id", sa.Text(), nullable=True),
        sa.Column("place_class", sa.Text(), nullable=True),
        sa.Column("owner_unit", sa.Text(), nullable=True),
        sa.Column("legal_basis", sa.Text(), nullable=True),
        sa.Column("sign_posted", sa.Boolean(), nullable=True),
        sa.Column("in_use_on", sa.Date(), nullable=True),
        sa.Column("filing_no", sa.Text(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column(
            "filing_due", sa.Date(), sa.Computed("in_use_on + 30", persisted=True), nullable=True
        ),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("gb28181_id ~ '^[0-9]{20}$'", name=op.f("ck_camera_gb28181")),
        sa.CheckConstraint(
            "status IN ('online', 'offline', 'unknown', 'retired')", name=op.f("ck_camera_status")
        ),
        sa.CheckConstraint(
            "azimuth_deg >= 0 AND azimuth_deg < 360", name=op.f("ck_camera_azimuth")
        ),
        sa.CheckConstraint("fov_deg > 0 AND fov_deg <= 360", name=op.f("ck_camera_fov")),
        sa.CheckConstraint("height_m >= 0", name=op.f("ck_camera_height")),
        sa.CheckConstraint("range_m > 0", name=op.f("ck_camera_range")),
        sa.CheckConstraint("retention_days >= 30", name=op.f("ck_camera_retention")),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.feed_id"], name=op.f("fk_camera_feed_id_feed")),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_camera_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_camera_feed_id_source_ref")),
    )
    op.create_index("idx_camera_geom", "camera", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "household_point",
        sa.Column("household_point_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("households >= 0", name=op.f("ck_household_point_households")),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f("fk_household_point_feed_id_feed")
        ),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_household_point_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("household_point_id", name=op.f("pk_household_point")),
        sa.UniqueConstraint(
            "feed_id", "source_ref", name=op.f("uq_household_point_feed_id_source_ref")
        ),
    )
    op.create_index(
        "idx_household_point_geom",
        "household_point",
        ["geom"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("row_no", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("resolved_by_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("status IN ('open', 'resolved')", name=op.f("ck_quarantine_status")),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f("fk_quarantine_feed_id_feed")
        ),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_quarantine_import_run_id_import_run"),
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_quarantine_resolved_by_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "feed_id",
            "kind",
            "source_ref",
            "row_hash",
            name=op.f("uq_quarantine_feed_id_kind_source_ref_row_hash"),
        ),
    )
    op.create_index("ix_quarantine_run", "quarantine", ["import_run_id"], unique=False)
    op.create_table(
        "record_version",
        sa.Column("record_version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("written_by_run_id", sa.BigInteger(), nullable=True),
        sa.Column("replaced_by_run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "replaced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("record", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["replaced_by_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_record_version_replaced_by_run_id_import_run"),
        ),
        sa.ForeignKeyConstraint(
            ["written_by_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_record_version_written_by_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("record_version_id", name=op.f("pk_record_version")),
    )
    op.create_index(
        "ix_record_version_record", "record_version", ["kind", "record_id"], unique=False
    )
    op.create_table(
        "result_run",
        sa.Column("result_run_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_import_run_id", sa.BigInteger(), nullable=True),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column(
            "summary", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("unit IN ('cell', 'area')", name=op.f("ck_result_run_unit")),
        sa.CheckConstraint("window_from < window_to", name=op.f("ck_result_run_window")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_result_run_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["last_import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_result_run_last_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("result_run_id", name=op.f("pk_result_run")),
    )
    op.create_table(
        "road",
        sa.Column("road_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("oneway", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("geom", Geometry("LINESTRING", srid=4326, spatial_index=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_road_geom_valid")
        ),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.feed_id"], name=op.f("fk_road_feed_id_feed")),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_road_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("road_id", name=op.f("pk_road")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_road_feed_id_source_ref")),
    )
    op.create_index("idx_road_geom", "road", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "station",
        sa.Column("station_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("opening_hours", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('police', 'service', 'fire', 'drone_base', 'patrol_post', 'other')",
            name=op.f("ck_station_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f("fk_station_feed_id_feed")
        ),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_station_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_station_feed_id_source_ref")),
    )
    op.create_index("idx_station_geom", "station", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "plan",
        sa.Column("plan_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("plan_date", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("trend_run_id", sa.BigInteger(), nullable=True),
        sa.Column("hotspot_run_id", sa.BigInteger(), nullable=True),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'approved', 'published', 'withdrawn')", name=op.f("ck_plan_status")
        ),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'published') OR (approved_by IS NOT NULL AND approved_at IS NOT NULL AND approval_reason IS NOT NULL)",
            name=op.f("ck_plan_approval"),
        ),
        sa.CheckConstraint("hours > 0", name=op.f("ck_plan_hours")),
        sa.ForeignKeyConstraint(
            ["hotspot_run_id"],
            ["result_run.result_run_id"],
            name=op.f("fk_plan_hotspot_run_id_result_run"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdiction.jurisdiction_id"],
            name=op.f("fk_plan_jurisdiction_id_jurisdiction"),
        ),
        sa.ForeignKeyConstraint(
            ["trend_run_id"],
            ["result_run.result_run_id"],
            name=op.f("fk_plan_trend_run_id_result_run"),
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan")),
        sa.UniqueConstraint(
            "jurisdiction_id",
            "plan_date",
            "version",
            name=op.f("uq_plan_jurisdiction_id_plan_date_version"),
        ),
    )
    op.create_table(
        "result_row",
        sa.Column("result_run_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("observed", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("q_value", sa.Double(), nullable=True),
        sa.Column("slope", sa.Double(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("p_value BETWEEN 0 AND 1", name=op.f("ck_result_row_p_value")),
        sa.CheckConstraint("q_value BETWEEN 0 AND 1", name=op.f("ck_result_row_q_value")),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_result_row_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["result_run_id"],
            ["result_run.result_run_id"],
            name=op.f("fk_result_row_result_run_id_result_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("result_run_id", "unit_no", name=op.f("pk_result_row")),
    )
    op.create_index(
        "idx_result_row_geom", "result_row", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "unit",
        sa.Column("unit_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("headcount", sa.Integer(), server_default="1", nullable=False),
        sa.Column("home_station", sa.Text(), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("import_run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('foot', 'vehicle', 'drone', 'camera_desk', 'volunteer', 'joint')",
            name=op.f("ck_unit_kind"),
        ),
        sa.CheckConstraint("headcount > 0", name=op.f("ck_unit_headcount")),
        sa.ForeignKeyConstraint(["area_id"], ["area.area_id"], name=op.f("fk_unit_area_id_area")),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.feed_id"], name=op.f("fk_unit_feed_id_feed")),
        sa.ForeignKeyConstraint(
            ["import_run_id"],
            ["import_run.import_run_id"],
            name=op.f("fk_unit_import_run_id_import_run"),
        ),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_unit")),
        sa.UniqueConstraint("feed_id", "source_ref", name=op.f("uq_unit_feed_id_source_ref")),
    )
    op.create_table(
        "plan_item",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column(
            "reason", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("reason_zh", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.CheckConstraint("minutes >= 0", name=op.f("ck_plan_item_minutes")),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.area_id"], name=op.f("fk_plan_item_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.plan_id"],
            name=op.f("fk_plan_item_plan_id_plan"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plan_id", "area_id", name=op.f("pk_plan_item")),
    )
    op.create_table(
        "post",
        sa.Column("post_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "valid_from", sa.Date(), server_default=sa.text("'-infinity'::date"), nullable=False
        ),
        sa.Column(
            "valid_to", sa.Date(), server_default=sa.text("'infinity'::date"), nullable=False
        ),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.column("role"), "="),
            (sa.text("coalesce(area_id, 0)"), "="),
            (sa.text("coalesce(unit_id, 0)"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_post_validity",
        ),
        sa.CheckConstraint(
            "area_id IS NOT NULL OR unit_id IS NOT NULL", name=op.f("ck_post_place")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_post_validity")),
        sa.ForeignKeyConstraint(["area_id"], ["area.area_id"], name=op.f("fk_post_area_id_area")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.person_id"], name=op.f("fk_post_person_id_person")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.unit_id"], name=op.f("fk_post_unit_id_unit")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_post")),
    )
    op.create_table(
        "shift",
        sa.Column("shift_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("unit_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="ex_shift_interval",
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_shift_interval")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.unit_id"], name=op.f("fk_shift_unit_id_unit")),
        sa.PrimaryKeyConstraint("shift_id", name=op.f("pk_shift")),
    )
    run_sql("0001_incident_guard.sql")
    run_sql("0001_incident_partitions.sql")
    run_sql("0001_roles.sql")


def downgrade() -> None:
    op.execute("DROP TRIGGER area_stays ON area")
    op.execute("DROP TRIGGER category_stays ON category")
    op.execute("DROP TRIGGER feed_stays ON feed")
    op.execute("DROP TRIGGER import_run_stays ON import_run")
    op.drop_table("shift")
    op.drop_table("post")
    op.drop_table("plan_item")
    op.drop_table("unit")
    op.drop_table("result_row")
    op.drop_table("plan")
    op.drop_table("station")
    op.drop_table("road")
    op.drop_table("result_run")
    op.drop_table("record_version")
    op.drop_table("quarantine")
    op.drop_table("household_point")
    op.drop_table("camera")
    op.drop_table("building")
    op.drop_table("area")
    op.drop_table("import_run")
    op.drop_table("person")
    op.drop_table("feed")
    op.drop_table("category")
    op.drop_table("jurisdiction")
    op.drop_table("incident_key")
    op.drop_table("incident")
    op.drop_table("category_scheme")
    op.execute("DROP SEQUENCE incident_id_seq")
    for function in (
        "incident_references_exist",
        "incident_keys_insert",
        "incident_keys_update",
        "incident_keys_delete",
        "incident_truncate_refused",
        "referenced_rows_stay",
        "ensure_incident_partitions_ahead",
        "ensure_incident_partitions",
    ):
        op.execute(f"DROP FUNCTION {function}")
