"""The schema goes up and down, says where it is, and agrees with the models."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from geo.cluster.layout import Cluster
from geo.database import Database, connect, make_owner_engine, private_database
from geo.database_status import read_status
from geo.errors import DatabaseError
from geo.schema import (
    Revision,
    alembic_config,
    downgrade,
    head_revision,
    migrate,
    prepare,
    read_revision,
)

pytestmark = pytest.mark.db


def tables(database: Database) -> set[str]:
    with connect(database, role="owner") as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT IN ('spatial_ref_sys', 'alembic_version')"
        )
        return {row[0] for row in rows}


def test_models_and_migrated_schema_agree(fresh_database: Database) -> None:
    config = alembic_config()
    with make_owner_engine(fresh_database).connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_schema_goes_down_to_nothing_and_up_again(fresh_database: Database) -> None:
    before = tables(fresh_database)
    steps: list[str] = []
    assert downgrade(fresh_database, target="base", report=steps.append).current is None
    assert tables(fresh_database) == set()
    assert migrate(fresh_database, report=steps.append).is_head
    assert tables(fresh_database) == before
    assert any(step.startswith("schema down from 0001") for step in steps)
    assert any(step.startswith("schema up to 0001") for step in steps)


def test_two_migrations_at_once_take_turns(fresh_database: Database) -> None:
    downgrade(fresh_database, target="base")
    reached: list[Revision] = []
    threads = [
        threading.Thread(target=lambda: reached.append(migrate_by_itself(fresh_database)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [revision.is_head for revision in reached] == [True, True]


def migrate_by_itself(database: Database) -> Revision:
    return migrate(database)


def test_schema_of_a_newer_gridbeat_is_refused_and_left_alone(fresh_database: Database) -> None:
    with connect(fresh_database, role="owner") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match=r"9999.*newer Gridbeat made it"):
        migrate(fresh_database)
    with pytest.raises(DatabaseError, match="9999"):
        prepare(fresh_database)
    assert read_revision(fresh_database) == Revision("9999", head_revision())


def test_server_of_others_is_not_migrated_unasked(fresh_database: Database) -> None:
    external = Database(fresh_database.app_url, fresh_database.owner_url)
    prepare(external)
    downgrade(external, target="base")
    with pytest.raises(DatabaseError, match="gridbeat db migrate"):
        prepare(external)
    assert tables(external) == set()


def test_status_tells_versions_size_revision_and_role(fresh_database: Database) -> None:
    status = read_status(fresh_database)
    assert status.running
    assert status.revision == Revision(head_revision(), head_revision())
    assert status.app_role == "gridbeat_app"
    assert status.problem is None
    assert status.size_bytes is not None
    assert status.size_bytes > 1_000_000
    assert status.postgis is not None
    assert tuple(map(int, status.postgis.split(".")[:2])) >= (3, 3)


def test_status_names_what_keeps_the_application_out(fresh_database: Database) -> None:
    with make_owner_engine(fresh_database).begin() as connection:
        connection.execute(
            text("UPDATE pg_extension SET extversion = '3.2.9' WHERE extname = 'postgis'")
        )
    with pytest.raises(DatabaseError, match=r"PostGIS 3\.2\.9; Gridbeat needs 3\.3"):
        read_status(fresh_database)


def test_status_of_a_cluster_that_is_down_starts_nothing(cluster_home: Path) -> None:
    status = read_status(private_database(Cluster(cluster_home)))
    assert (status.running, status.private, status.postgres) == (False, True, None)
    assert not cluster_home.exists()


def test_migrations_run_as_an_owner_without_superuser_rights(server: Database) -> None:
    """What a city's administrator prepares: a role, its database, and PostGIS in it."""
    name = f"gridbeat_test_city_{os.getpid()}"
    as_city = {"options": "-c role=city_owner"}
    with connect(server, role="owner", autocommit=True) as connection:
        connection.execute("CREATE ROLE city_owner NOSUPERUSER NOCREATEDB NOCREATEROLE")
        connection.execute("GRANT gridbeat_app TO city_owner")
        connection.execute(f"CREATE DATABASE {name} OWNER city_owner".encode())
        city = server.renamed(name)
        external = Database(city.app_url, city.owner_url.update_query_dict(as_city))
        try:
            with connect(city, role="owner") as administrator:
                administrator.execute("CREATE EXTENSION postgis")
                administrator.execute("CREATE EXTENSION btree_gist")
            assert migrate(external).is_head
            with connect(external) as application:
                application.execute("SELECT ensure_incident_partitions_ahead()")
                assert application.execute("SELECT count(*) FROM incident").fetchone() == (0,)
            assert read_status(external).problem is None
            assert downgrade(external, target="base").current is None
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute("DROP ROLE city_owner")
