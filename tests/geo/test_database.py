"""The database is reached as the right role, and refused when it is not fit."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from geo.cluster.server import ensure_running
from geo.database.connect import (
    Database,
    as_app_role,
    connect,
    libpq_options,
    locate,
    make_engine,
    parse_url,
)
from geo.errors import DatabaseError, InputError
from geo.settings import DatabaseSettings


class TestAddresses:
    @pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
    def test_each_usual_form_is_understood(self, scheme: str) -> None:
        url = parse_url(f"{scheme}://ann:s%40cret@db.city:6543/watch?sslmode=require", name="X")
        assert url.drivername == "postgresql+psycopg"
        assert libpq_options(url) == {
            "application_name": "gridbeat",
            "connect_timeout": "10",
            "sslmode": "require",
            "host": "db.city",
            "port": "6543",
            "user": "ann",
            "password": "s@cret",
            "dbname": "watch",
        }

    @pytest.mark.parametrize(
        "text",
        [
            "mysql://ann:s3cret@host/db",
            "postgresql://ann:s3cret@host:port/db",
            "postgresql://ann:s3cret@host",
            "ann:s3cret@host/db",
            "",
        ],
    )
    def test_other_text_is_refused_without_repeating_the_password(self, text: str) -> None:
        with pytest.raises(InputError) as caught:
            parse_url(text, name="GRIDBEAT_DATABASE_URL")
        assert "GRIDBEAT_DATABASE_URL" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_login_acts_as_the_application_unless_it_is_it(self) -> None:
        other = as_app_role(make_url("postgresql+psycopg://ann@h/d?options=-c%20jit%3Doff"))
        assert other.query["options"] == "-c jit=off -c role=gridbeat_app"
        own = make_url("postgresql+psycopg://gridbeat_app@h/d")
        assert as_app_role(own) == own

    def test_owner_has_an_address_of_its_own_if_one_is_named(self) -> None:
        settings = DatabaseSettings(
            database_url="postgresql://app@h/d", owner_url="postgresql://boss@h/d"
        )
        database = locate(settings)
        assert database.owner_url.username == "boss"
        assert database.app_url.username == "app"
        assert locate(DatabaseSettings(database_url="postgresql://app@h/d")).owner_url == make_url(
            "postgresql+psycopg://app@h/d"
        )

    def test_without_an_address_the_database_is_private(self, tmp_path: Path) -> None:
        database = locate(DatabaseSettings(home=tmp_path / "home"))
        assert database.cluster is not None
        assert database.cluster.home == tmp_path / "home"
        assert not (tmp_path / "home").exists()

    def test_refused_connection_does_not_tell_the_password(self) -> None:
        settings = DatabaseSettings(database_url="postgresql://ann:s3cret@127.0.0.1:1/watch")
        with pytest.raises(DatabaseError) as caught:
            connect(locate(settings))
        assert "127.0.0.1" in str(caught.value)
        assert "s3cret" not in str(caught.value)
        assert "s3cret" not in repr(locate(settings))


@pytest.mark.db
class TestRoles:
    def test_application_works_without_superuser_or_bypassrls(self, db: Connection) -> None:
        row = db.execute(
            text(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole"
                " FROM pg_roles WHERE rolname = current_user"
            )
        ).one()
        assert tuple(row) == ("gridbeat_app", False, False, False, False)

    def test_another_login_works_as_the_application(self, fresh_database: Database) -> None:
        external = Database(
            app_url=as_app_role(fresh_database.owner_url), owner_url=fresh_database.owner_url
        )
        with connect(external) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("gridbeat_app",)
            connection.rollback()
            assert connection.execute("SELECT current_user").fetchone() == ("gridbeat_app",)
        engine = make_engine(external)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT current_user")).scalar_one() == "gridbeat_app"
        engine.dispose()

    def test_superuser_is_refused_as_the_application(self, fresh_database: Database) -> None:
        bare = Database(app_url=fresh_database.owner_url, owner_url=fresh_database.owner_url)
        with pytest.raises(DatabaseError, match="which is a superuser"):
            connect(bare)
        engine = make_engine(bare)
        with pytest.raises(DatabaseError, match="GRIDBEAT_OWNER_URL"):
            engine.connect()

    def test_role_that_bypasses_row_security_is_refused(self, server: Database) -> None:
        with connect(server, role="owner", autocommit=True) as connection:
            connection.execute("CREATE ROLE sees_all BYPASSRLS")
            try:
                url = server.owner_url.update_query_dict({"options": "-c role=sees_all"})
                with pytest.raises(DatabaseError, match="'sees_all', which has BYPASSRLS"):
                    connect(Database(app_url=url, owner_url=server.owner_url))
            finally:
                connection.execute("DROP ROLE sees_all")

    def test_login_that_may_not_act_as_the_application_is_told_what_to_grant(
        self, fresh_database: Database
    ) -> None:
        url = fresh_database.app_url.update_query_dict({"options": "-c role=gridbeat_owner"})
        with pytest.raises(DatabaseError, match="GRANT gridbeat_app TO gridbeat_app"):
            connect(Database(app_url=url, owner_url=fresh_database.owner_url))

    def test_missing_role_tells_to_migrate(self, server: Database) -> None:
        with connect(server, role="owner", autocommit=True) as connection:
            connection.execute("ALTER ROLE gridbeat_app RENAME TO gridbeat_away")
            try:
                with pytest.raises(DatabaseError, match="gridbeat db migrate"):
                    connect(Database(as_app_role(server.owner_url), server.owner_url))
            finally:
                connection.execute("ALTER ROLE gridbeat_away RENAME TO gridbeat_app")

    def test_too_old_postgis_is_refused(self, fresh_database: Database) -> None:
        with connect(fresh_database, role="owner") as connection:
            connection.execute(
                "UPDATE pg_extension SET extversion = '3.2.9' WHERE extname = 'postgis'"
            )
        with pytest.raises(DatabaseError, match=r"PostGIS 3\.2\.9; Gridbeat needs 3\.3"):
            connect(fresh_database)


@pytest.mark.db
class TestFixtures:
    def test_rows_of_a_test_are_seen_by_itself(self, db: Connection) -> None:
        db.execute(text("INSERT INTO category_scheme (scheme, version) VALUES ('x', '1')"))
        assert db.execute(text("SELECT count(*) FROM category_scheme")).scalar_one() == 1

    def test_rows_of_a_test_are_gone_in_the_next(self, db: Connection) -> None:
        assert db.execute(text("SELECT count(*) FROM category_scheme")).scalar_one() == 0

    def test_fresh_database_keeps_commits_for_both_roles(self, fresh_database: Database) -> None:
        engine = make_engine(fresh_database)
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO category_scheme (scheme, version) VALUES ('x', '1')")
            )
        engine.dispose()
        with connect(fresh_database, role="owner") as connection:
            rows = connection.execute("SELECT scheme FROM category_scheme").fetchall()
        assert rows == [("x",)]

    def test_copy_runs_in_the_transaction_of_the_test(self, db: Connection) -> None:
        raw = db.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        with raw.cursor().copy("COPY category_scheme (scheme, version) FROM STDIN") as copy:
            copy.write_row(("y", "1"))
        assert db.execute(text("SELECT scheme FROM category_scheme")).scalar_one() == "y"


@pytest.mark.db
def test_stopped_private_database_tells_how_to_start_it(cluster_home: Path) -> None:
    database = locate(DatabaseSettings(home=cluster_home))
    with pytest.raises(DatabaseError, match="gridbeat db up"):
        connect(database)
    assert database.cluster is not None
    ensure_running(database.cluster)
    connect(database).close()
