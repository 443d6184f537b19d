"""The database: which one, as which role, and whether it is fit for work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, Pool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from geo.cluster.configuration import APP_ROLE, OWNER_ROLE, WEB_ROLE
from geo.cluster.layout import Cluster
from geo.cluster.programs import OLDEST_MAJOR
from geo.cluster.server import DATABASE, connection_options, ensure_running
from geo.errors import DatabaseError, InputError
from geo.settings import DatabaseSettings

Role = Literal["app", "web", "owner"]
OLDEST_POSTGIS = (3, 3)
DRIVER = "postgresql+psycopg"


@dataclass(frozen=True)
class Database:
    """One database and the three ways into it.

    Attributes
    ----------
    app_url
        For commands and jobs: a role without superuser rights that may see every row.
    owner_url
        For migrations, backups and restores alone.
    cluster
        The private cluster that holds it; None for a server that others run.
    """

    app_url: URL
    owner_url: URL
    cluster: Cluster | None = None

    @property
    def name(self) -> str:
        """The database's name on its server."""
        return self.owner_url.database or ""

    @property
    def web_url(self) -> URL:
        """For the web service: a role that sees the rows that a request's account may see."""
        if self.cluster is not None:
            return self.app_url.set(username=WEB_ROLE)
        return _with_role(self.app_url, WEB_ROLE)

    def url(self, role: Role) -> URL:
        """Return the address for `role`."""
        return {"app": self.app_url, "web": self.web_url, "owner": self.owner_url}[role]

    def renamed(self, name: str) -> Database:
        """Return the address of another database on the same server."""
        app_url, owner_url = self.app_url.set(database=name), self.owner_url.set(database=name)
        return replace(self, app_url=app_url, owner_url=owner_url)

    def __str__(self) -> str:
        where = self.cluster.home if self.cluster else self.owner_url.render_as_string()
        return f"{self.name} in {where}" if self.cluster else str(where)


def locate(settings: DatabaseSettings) -> Database:
    """Return the database that the settings name; nothing is started or connected.

    Raises
    ------
    InputError
        An address is not one of a PostgreSQL server.
    """
    if settings.database_url is None:
        return private_database(Cluster(settings.home_directory()))
    url = parse_url(settings.database_url, name="GRIDBEAT_DATABASE_URL")
    owner = settings.owner_url
    owner_url = parse_url(owner, name="GRIDBEAT_OWNER_URL") if owner is not None else url
    return Database(app_url=as_app_role(url), owner_url=owner_url)


def private_database(cluster: Cluster, *, name: str = DATABASE) -> Database:
    """Return the database `name` of a private cluster, which need not exist yet."""
    urls = []
    for role in (APP_ROLE, OWNER_ROLE):
        options = connection_options(cluster, role=role, database=name)
        user, database = options.pop("user"), options.pop("dbname")
        urls.append(URL.create(DRIVER, username=user, database=database, query=options))
    return Database(app_url=urls[0], owner_url=urls[1], cluster=cluster)


def parse_url(text: str, *, name: str) -> URL:
    """Read ``postgresql://``, ``postgres://`` or ``postgresql+psycopg://``.

    Raises
    ------
    InputError
        The text is no such address. The message does not repeat it: it may hold a password.
    """
    form = "postgresql://role@host:5432/database"
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as error:
        raise InputError(f"{name} is not an address of the form {form}.") from error
    if url.drivername not in {"postgresql", "postgres", DRIVER}:
        raise InputError(
            f"{name} begins with {url.drivername}://, but Gridbeat needs PostgreSQL: {form}."
        )
    if not url.database and "dbname" not in url.query and "service" not in url.query:
        raise InputError(f"{name} names no database: {form}.")
    return url.set(drivername=DRIVER)


def as_app_role(url: URL) -> URL:
    """Return `url` so that each session acts as the application's role from its first query."""
    if url.username == APP_ROLE:
        return url
    return _with_role(url, APP_ROLE)


def _with_role(url: URL, role: str) -> URL:
    given = url.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    return url.update_query_dict({"options": f"{options} -c role={role}".strip()})


def connect(
    database: Database, *, role: Role = "app", autocommit: bool = False
) -> psycopg.Connection:
    """Return a checked psycopg connection, for COPY, LISTEN and the like.

    Raises
    ------
    DatabaseError
        No connection, or a server or role that Gridbeat must not work with.
    """
    conninfo = make_conninfo("", **libpq_options(database.url(role)))
    return _checked(lambda: psycopg.connect(conninfo, autocommit=autocommit), database, role)


def make_engine(
    database: Database, *, role: Role = "app", pool_size: int = 5, pool: type[Pool] | None = None
) -> Engine:
    """Return an engine whose every new connection has passed the same checks as `connect`."""
    arguments: dict[str, Any] = (
        {"poolclass": pool}
        if pool is not None
        else {"pool_size": pool_size, "max_overflow": pool_size, "pool_pre_ping": True}
    )
    engine = create_engine(
        database.url(role),
        connect_args={"application_name": "gridbeat", "connect_timeout": 10},
        **arguments,
    )

    @event.listens_for(engine, "do_connect")
    def open_checked(dialect: Any, _record: Any, args: Any, parameters: Any) -> Any:
        return _checked(lambda: dialect.connect(*args, **parameters), database, role)

    return engine


def make_owner_engine(database: Database) -> Engine:
    """Return an engine as the owner that keeps no connection open, for one piece of work."""
    return make_engine(database, role="owner", pool=NullPool)


def libpq_options(url: URL) -> dict[str, str]:
    """Return the parameters of `url` for libpq."""
    named = {
        "host": url.host,
        "port": str(url.port) if url.port else None,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    query = {key: v if isinstance(v, str) else ",".join(v) for key, v in url.query.items()}
    given = {key: str(value) for key, value in named.items() if value}
    return {"application_name": "gridbeat", "connect_timeout": "10", **query, **given}


def ensure_available(database: Database) -> None:
    """Start the private cluster if this database lives in one."""
    if database.cluster is not None:
        ensure_running(database.cluster)


def _checked(
    open_connection: Callable[[], psycopg.Connection], database: Database, role: Role
) -> psycopg.Connection:
    try:
        connection = open_connection()
    except psycopg.OperationalError as error:
        raise DatabaseError(_refusal(database, role, str(error))) from error
    try:
        check_server(connection)
        if role != "owner":
            check_role(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _refusal(database: Database, role: Role, reason: str) -> str:
    hint = ""
    name = WEB_ROLE if role == "web" else APP_ROLE
    if f'role "{name}" does not exist' in reason:
        hint = " Prepare the database first: gridbeat db migrate."
    elif "permission denied to set role" in reason:
        user = database.url(role).username
        hint = f" Let the login act as the application: GRANT {name} TO {user};"
    elif database.cluster is not None:
        hint = " Start it: gridbeat db up."
    return f"The database {database} cannot be reached: {reason.strip()}.{hint}"


def check_server(connection: psycopg.Connection) -> None:
    """Refuse a server that is too old.

    Raises
    ------
    DatabaseError
        PostgreSQL is older than 15, or PostGIS is there and older than 3.3.
    """
    version = connection.info.server_version
    if version < OLDEST_MAJOR * 10000:
        raise DatabaseError(
            f"The server runs PostgreSQL {version // 10000}; "
            f"Gridbeat needs {OLDEST_MAJOR} or newer."
        )
    row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
    found = row.fetchone()
    _finish(connection)
    if found and tuple(int(part) for part in found[0].split(".")[:2]) < OLDEST_POSTGIS:
        raise DatabaseError(
            f"The database has PostGIS {found[0]}; Gridbeat needs 3.3 or newer. After the "
            "packages are new enough: SELECT postgis_extensions_upgrade();"
        )


def check_role(connection: psycopg.Connection) -> None:
    """Refuse to do the application's work as a role that row-level security does not bind.

    Raises
    ------
    DatabaseError
        The session's role is a superuser or has BYPASSRLS.
    """
    row = connection.execute(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    _finish(connection)
    if row is None or row[1] or row[2]:
        name = row[0] if row else "?"
        right = "is a superuser" if row and row[1] else "has BYPASSRLS"
        raise DatabaseError(
            f"The application must not work as {name!r}, which {right}: nobody would be kept "
            f"from rows that are not theirs. Name a login that is a member of {APP_ROLE} in "
            "GRIDBEAT_DATABASE_URL, and keep the other in GRIDBEAT_OWNER_URL for migrations."
        )


def _finish(connection: psycopg.Connection) -> None:
    if not connection.autocommit:
        connection.rollback()
