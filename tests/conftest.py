"""What every test may ask for: a real PostGIS, real data, and no network."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import pytest
from psycopg import sql
from pytest_socket import socket_allow_hosts
from sqlalchemy import Connection

from geo.cluster.layout import Cluster
from geo.cluster.server import ensure_running, stop
from geo.database.connect import Database, Role, connect, locate, make_engine, private_database
from geo.database.schema import migrate
from geo.settings import DatabaseSettings

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a test of other processes once more if it fails, as browsers' own runners do.

    The server and the browser keep their own time; the summary names what was tried again.
    """
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("db"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup() -> None:
    """Let tests reach sockets of this machine and nothing beyond it."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the caller's own databases from the tests."""
    for name in ("DATABASE_URL", "OWNER_URL", "HOME"):
        monkeypatch.delenv(f"GRIDBEAT_{name}", raising=False)


def _fast_place() -> str:
    """Return a place in memory if it has 4 GB free: making databases waits for the disk."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 4e9 else "/tmp"


@contextmanager
def _new_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="gridbeat-test-", dir=_fast_place()))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def new_directory() -> Callable[[], AbstractContextManager[Path]]:
    """Give what makes such a directory, for fixtures that live longer than a test."""
    return _new_directory


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Give a new directory that the server's user can enter, with a path fit for sockets."""
    with _new_directory() as directory:
        yield directory


@pytest.fixture
def cluster_home(short_directory: Path) -> Iterator[Path]:
    """Give the home of a cluster of this test's own; whatever runs there is stopped."""
    home = short_directory / "home"
    yield home
    stop(Cluster(home))


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    """Give the maintenance database of the tests' server: a new private one by default.

    GRIDBEAT_TEST_DATABASE_URL names another, as a role that may create databases there.
    """
    url = os.environ.get("GRIDBEAT_TEST_DATABASE_URL")
    if url:
        yield locate(DatabaseSettings(database_url=url))
        return
    with _new_directory() as directory:
        cluster = Cluster(directory / "home", durable=False)
        ensure_running(cluster)
        yield private_database(cluster, name="postgres")
        stop(cluster)


@pytest.fixture(scope="session")
def template(server: Database) -> Iterator[Database]:
    """Give a migrated database that others are copied from; nobody stays connected to it."""
    with created(server, name=f"gridbeat_test_template_{os.getpid()}") as database:
        migrate(database)
        yield database


@contextmanager
def created(server: Database, *, name: str, template: str = "template1") -> Iterator[Database]:
    """Create a database and drop it in the end."""
    words = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with connect(server, role="owner", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**words))
        try:
            yield server.renamed(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**words))


@pytest.fixture
def fresh_database(server: Database, template: Database) -> Iterator[Database]:
    """Give a migrated database of this test's own, to commit in; dropped afterwards."""
    name = f"gridbeat_test_{os.getpid()}_{next(NUMBERS)}"
    with created(server, name=name, template=template.name) as database:
        yield database


@pytest.fixture(scope="session")
def shared_database(server: Database, template: Database) -> Iterator[Database]:
    """Give the migrated database in which `db` works; nothing is ever committed to it."""
    name = f"gridbeat_test_shared_{os.getpid()}"
    with created(server, name=name, template=template.name) as database:
        yield database


@pytest.fixture
def db(shared_database: Database) -> Iterator[Connection]:
    """Give a connection as the application's role; all that it does is rolled back.

    A session joins it so: ``Session(bind=db, join_transaction_mode="create_savepoint")``.
    COPY goes through the psycopg connection: ``db.connection.driver_connection``.
    """
    yield from _rolled_back(shared_database, role="app")


@pytest.fixture
def owner_db(shared_database: Database) -> Iterator[Connection]:
    """Give a connection as the owner of the tables; all that it does is rolled back."""
    yield from _rolled_back(shared_database, role="owner")


def _rolled_back(database: Database, *, role: Role) -> Iterator[Connection]:
    engine = make_engine(database, role=role, pool_size=1)
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()
    engine.dispose()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the directory of real open data beside the checkout; skip where it is absent."""
    directory = Path(os.environ.get("GRIDBEAT_SHARED_DATA", ROOT.parent / "shared/data"))
    if not directory.is_dir():
        pytest.skip(f"no real data in {directory}")
    return directory
