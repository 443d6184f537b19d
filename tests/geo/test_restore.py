"""A backup brings everything back, and a failed restore costs nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from geo.database.archive import backup, read_archive_revision, read_archive_roles, server_major
from geo.database.connect import Database, connect, make_engine
from geo.database.restore import count_tables_with_rows, restore
from geo.database.schema import downgrade, head_revision
from geo.errors import ConflictError, DatabaseError, FormatError, InputError, NotFoundError

pytestmark = pytest.mark.db

FILL = """
INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone)
VALUES ('demo', '示范区', 'Demo', ST_Multi(ST_MakeEnvelope(116.3, 39.8, 116.5, 40.0, 4326)),
        4547, 'Asia/Shanghai');
INSERT INTO category_scheme (scheme, version) VALUES ('gb', '2020');
INSERT INTO category (scheme_id, code, name, name_en)
SELECT scheme_id, '0101', '占道经营', 'Street vending' FROM category_scheme;
INSERT INTO feed (jurisdiction_id, source) SELECT jurisdiction_id, 'hotline' FROM jurisdiction;
SELECT ensure_incident_partitions(ARRAY[date '2026-01-01', date '2026-02-01', date '2026-03-01']);
INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id, source_ref,
                      category_id, found_by, geom, x_m, y_m, content_hash)
SELECT moment, moment, 'minute', feed_id, 'ref-' || i, category_id, 'resident',
       ST_SetSRID(ST_Point(116.3 + i * 1e-5, 39.9), 4326), i, -i, i
FROM generate_series(1, 5000) AS i, feed, category,
     LATERAL (SELECT timestamptz '2026-01-01' + i * interval '20 minutes' AS moment) AS m;
"""


@pytest.fixture
def filled(fresh_database: Database) -> Database:
    with connect(fresh_database) as connection:
        connection.execute(FILL.encode())
    return fresh_database


def contents(database: Database) -> dict[str, tuple[int, str]]:
    """Return for each table of the owner how many rows it has and a hash of all of them."""
    with connect(database, role="owner") as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        found = {}
        for (name,) in names:
            row = connection.execute(
                sql.SQL(
                    "SELECT count(*), md5(coalesce(string_agg(t::text, '' ORDER BY t::text), ''))"
                    " FROM {} AS t"
                ).format(sql.Identifier(name))
            ).fetchone()
            assert row is not None
            found[name] = (row[0], row[1])
    return found


def rights(database: Database) -> list[tuple[object, ...]]:
    """Return who may do what with which table, column, function, schema and database."""
    with connect(database, role="owner") as connection:
        return connection.execute(
            b"""
            SELECT 'table', relname::text, (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(relacl) AS one)::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relacl IS NOT NULL
            UNION ALL
            SELECT 'column', attrelid::regclass::text || attname, (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(attacl) AS one)::text FROM pg_attribute
            WHERE attacl IS NOT NULL AND attrelid::regclass::text NOT LIKE 'pg\\_%'
            UNION ALL
            SELECT 'function', oid::regprocedure::text, (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(proacl) AS one)::text FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proacl IS NOT NULL
            UNION ALL
            SELECT 'schema', nspname::text, (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(nspacl) AS one)::text FROM pg_namespace WHERE nspname = 'public'
            UNION ALL
            SELECT 'database', '', (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(datacl) AS one)::text FROM pg_database
            WHERE datname = current_database()
            UNION ALL
            SELECT 'policy', polname::text, polroles::regrole[]::text FROM pg_policy
            UNION ALL
            SELECT 'setting', '', (SELECT array_agg(one ORDER BY one) FROM unnest(setconfig) AS one)::text FROM pg_db_role_setting AS s
            JOIN pg_database AS d ON d.oid = s.setdatabase WHERE datname = current_database()
            ORDER BY 1, 2, 3
            """
        ).fetchall()


class TestRoundTrip:
    def test_everything_comes_back_as_it_was(self, filled: Database, tmp_path: Path) -> None:
        with connect(filled, role="owner", autocommit=True) as connection:
            connection.execute("DROP ROLE IF EXISTS auditor")
            connection.execute("CREATE ROLE auditor")
            connection.execute("GRANT SELECT ON incident TO auditor")
            connection.execute("ALTER TABLE station ENABLE ROW LEVEL SECURITY")
            connection.execute('CREATE POLICY "own rows" ON station TO auditor USING (true)')
            name = sql.Identifier(filled.name)
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO gridbeat_app, auditor").format(name)
            )
            connection.execute(sql.SQL("ALTER DATABASE {} SET work_mem = '6MB'").format(name))
            connection.execute(
                sql.SQL('ALTER DATABASE {} SET search_path = "$user", public').format(name)
            )
        before, allowed = contents(filled), rights(filled)
        assert before["incident_p2026_02"][0] > 1000
        file = tmp_path / "monday.backup"
        size = backup(filled, file)
        assert size == file.stat().st_size > 10_000
        with connect(filled) as connection:
            connection.execute("DELETE FROM incident WHERE occurred_at < '2026-02-01'")
            connection.execute("UPDATE jurisdiction SET name = 'somewhere else'")
        assert contents(filled) != before
        revision = restore(filled, file, replace=True)
        assert revision.is_head
        assert contents(filled) == before
        assert rights(filled) == allowed
        with connect(filled) as connection:
            row = connection.execute("SELECT current_user, count(*) FROM incident").fetchone()
        assert row == ("gridbeat_app", 5000)

    def test_guards_work_after_a_restore(self, filled: Database, tmp_path: Path) -> None:
        backup(filled, tmp_path / "a")
        restore(filled, tmp_path / "a", replace=True)
        with (
            connect(filled) as connection,
            pytest.raises(psycopg.errors.UniqueViolation),
        ):
            connection.execute(
                "INSERT INTO incident (occurred_at, occurred_until, time_precision, feed_id,"
                " source_ref, category_id, found_by, geom, x_m, y_m, content_hash)"
                " SELECT occurred_at + interval '40 days', occurred_until + interval '40 days',"
                " time_precision, feed_id, source_ref, category_id, found_by, geom, x_m, y_m, 0"
                " FROM incident WHERE source_ref = 'ref-1'"
            )

    def test_roles_that_are_gone_are_made_again_without_rights_of_their_own(
        self, filled: Database, tmp_path: Path
    ) -> None:
        with connect(filled, role="owner", autocommit=True) as connection:
            connection.execute('DROP ROLE IF EXISTS "night watch"')
            connection.execute('CREATE ROLE "night watch"')
            connection.execute('GRANT SELECT ON incident TO "night watch"')
            backup(filled, tmp_path / "a")
            connection.execute('REVOKE ALL ON incident FROM "night watch"')
            connection.execute('DROP ROLE "night watch"')
        assert "night watch" in read_archive_roles(tmp_path / "a", major=server_major(filled))
        restore(filled, tmp_path / "a", replace=True)
        with connect(filled, role="owner", autocommit=True) as connection:
            row = connection.execute(
                "SELECT rolcanlogin, rolsuper, has_table_privilege(oid, 'incident', 'SELECT'),"
                " has_table_privilege(oid, 'plan', 'SELECT') FROM pg_roles"
                " WHERE rolname = 'night watch'"
            ).fetchone()
            assert row == (False, False, True, False)
            connection.execute('DROP OWNED BY "night watch"')
            connection.execute('DROP ROLE "night watch"')

    def test_backup_of_an_empty_database_goes_into_an_empty_database(
        self, fresh_database: Database, tmp_path: Path
    ) -> None:
        backup(fresh_database, tmp_path / "a")
        assert count_tables_with_rows(fresh_database) == 0
        assert restore(fresh_database, tmp_path / "a").is_head

    def test_backup_goes_into_a_database_without_any_table(
        self, filled: Database, tmp_path: Path
    ) -> None:
        before = contents(filled)
        backup(filled, tmp_path / "a")
        with connect(filled) as connection:
            connection.execute("DELETE FROM incident")
        downgrade(filled, target="base")
        restore(filled, tmp_path / "a")
        assert contents(filled) == before

    def test_sessions_that_are_open_do_not_hinder_and_find_the_new_rows(
        self, filled: Database, tmp_path: Path
    ) -> None:
        backup(filled, tmp_path / "a")
        engine = make_engine(filled)
        with engine.connect() as connection:
            connection.exec_driver_sql("DELETE FROM incident")
            connection.commit()
        restore(filled, tmp_path / "a", replace=True)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM incident").scalar_one() == 5000
        engine.dispose()


class TestBackupFile:
    def test_file_is_closed_to_others_and_not_overwritten_unasked(
        self, fresh_database: Database, tmp_path: Path
    ) -> None:
        file = tmp_path / "a"
        backup(fresh_database, file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        first = file.read_bytes()
        with pytest.raises(ConflictError, match="--force"):
            backup(fresh_database, file)
        assert file.read_bytes() == first
        backup(fresh_database, file, overwrite=True)
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_failed_backup_leaves_the_old_file(
        self, fresh_database: Database, tmp_path: Path
    ) -> None:
        file = tmp_path / "a"
        file.write_text("last week")
        application = Database(fresh_database.app_url, fresh_database.app_url)
        with connect(fresh_database, role="owner") as connection:
            connection.execute("CREATE TABLE secret AS SELECT 1 AS value")
        with pytest.raises(DatabaseError, match="permission denied for table"):
            backup(application, file, overwrite=True)
        assert file.read_text() == "last week"
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_directory_that_is_absent_is_named(
        self, fresh_database: Database, tmp_path: Path
    ) -> None:
        with pytest.raises(NotFoundError, match="no/such"):
            backup(fresh_database, tmp_path / "no/such/file")

    def test_progress_names_the_tables(self, fresh_database: Database, tmp_path: Path) -> None:
        lines: list[str] = []
        backup(fresh_database, tmp_path / "a", report=lines.append)
        assert "public.incident_key" in lines


class TestRefusals:
    def test_database_with_rows_is_not_replaced_unasked(
        self, filled: Database, tmp_path: Path
    ) -> None:
        backup(filled, tmp_path / "a")
        before = contents(filled)
        with pytest.raises(ConflictError, match="--replace"):
            restore(filled, tmp_path / "a")
        assert contents(filled) == before

    @pytest.mark.parametrize("content", [b"", b"PGDMP", b"-- SQL\nSELECT 1;\n", os.urandom(4096)])
    def test_file_that_is_no_backup_is_refused(
        self, fresh_database: Database, tmp_path: Path, content: bytes
    ) -> None:
        file = tmp_path / "a"
        file.write_bytes(content)
        with pytest.raises(FormatError, match="not a complete backup"):
            restore(fresh_database, file)

    def test_file_that_is_absent_is_named(self, fresh_database: Database, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match=r"nothing\.backup"):
            restore(fresh_database, tmp_path / "nothing.backup")

    def test_backup_of_another_program_is_refused(
        self, fresh_database: Database, tmp_path: Path
    ) -> None:
        with connect(fresh_database, role="owner") as connection:
            connection.execute("TRUNCATE alembic_version")
        with pytest.raises(FormatError, match="no schema revision"):
            backup(fresh_database, tmp_path / "a")

    def test_backup_of_a_newer_gridbeat_is_refused(self, filled: Database, tmp_path: Path) -> None:
        file = tmp_path / "a"
        with connect(filled, role="owner", autocommit=True) as connection:
            backup(filled, file)
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            with pytest.raises(InputError, match="9999"):
                backup(filled, tmp_path / "b")
            newer = tmp_path / "newer"
            dump(filled, newer)
            connection.execute("UPDATE alembic_version SET version_num = %s", [head_revision()])
        before = contents(filled)
        with pytest.raises(InputError, match="a newer Gridbeat wrote it"):
            restore(filled, newer, replace=True)
        assert contents(filled) == before
        assert read_archive_revision(file, major=server_major(filled)) == head_revision()

    def test_truncated_backup_leaves_the_old_rows(self, filled: Database, tmp_path: Path) -> None:
        file = tmp_path / "a"
        backup(filled, file)
        before = contents(filled)
        whole = file.read_bytes()
        for share in (0.2, 0.95):
            file.write_bytes(whole[: int(len(whole) * share)])
            with pytest.raises((FormatError, DatabaseError)):
                restore(filled, file, replace=True)
            assert contents(filled) == before
        assert leftovers(filled) == []

    def test_backup_whose_rows_break_a_rule_leaves_the_old_rows(
        self, filled: Database, tmp_path: Path
    ) -> None:
        with connect(filled, role="owner", autocommit=True) as connection:
            connection.execute(
                "ALTER TABLE feed DROP CONSTRAINT fk_feed_jurisdiction_id_jurisdiction"
            )
            connection.execute("ALTER TABLE feed DISABLE TRIGGER ALL")
            connection.execute("INSERT INTO feed (jurisdiction_id, source) VALUES (99, 'lost')")
            connection.execute(
                "ALTER TABLE feed ADD CONSTRAINT fk_feed_jurisdiction_id_jurisdiction"
                " FOREIGN KEY (jurisdiction_id) REFERENCES jurisdiction NOT VALID"
            )
            connection.execute(
                "UPDATE pg_constraint SET convalidated = true"
                " WHERE conname = 'fk_feed_jurisdiction_id_jurisdiction'"
            )
        backup(filled, tmp_path / "a")
        before = contents(filled)
        with pytest.raises(DatabaseError, match="violates foreign key constraint"):
            restore(filled, tmp_path / "a", replace=True)
        assert contents(filled) == before
        assert leftovers(filled) == []

    def test_killed_restore_leaves_the_old_rows_and_the_next_one_works(
        self, filled: Database, tmp_path: Path
    ) -> None:
        backup(filled, tmp_path / "a")
        before = contents(filled)
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from pathlib import Path; from sqlalchemy import make_url\n"
                "from geo.database.connect import Database; from geo.database.restore import restore\n"
                "url = make_url(sys.argv[1])\n"
                "restore(Database(url, url), Path(sys.argv[2]), replace=True)",
                filled.owner_url.render_as_string(hide_password=False),
                str(tmp_path / "a"),
            ],
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while not leftovers(filled):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert contents(filled) == before
        restore(filled, tmp_path / "a", replace=True)
        assert contents(filled) == before
        assert leftovers(filled) == []


def leftovers(database: Database) -> list[str]:
    """Return the databases that a restore made beside this one."""
    with connect(database, role="owner") as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{database.name}__"]
        )
        return [row[0] for row in rows]


def dump(database: Database, file: Path) -> None:
    """Write a file as a Gridbeat would that knows the revision."""
    from geo.cluster.programs import find_client

    program = find_client("pg_dump", at_least=server_major(database)).path("pg_dump")
    options = database.owner_url.query
    subprocess.run(
        [
            *(program, "-Fc", "-h", str(options["host"]), "-U", str(database.owner_url.username)),
            *("-f", str(file), database.name),
        ],
        check=True,
    )
