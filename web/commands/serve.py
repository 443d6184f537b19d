"""`gridbeat serve`: the web service, on this machine alone unless told otherwise."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from geo.database.connect import Database, Role, connect
from geo.errors import InputError
from web.app import create_app
from web.auth.first import FIRST_LOGIN, ensure_administrator
from web.auth.passwords import Passwords
from web.opening import begin, open_database
from web.settings import WebSettings, is_loopback

IS_LEAKPROOF = (
    "SELECT proleakproof FROM pg_proc "
    "WHERE oid = 'geometry_overlaps(geometry, geometry)'::regprocedure"
)
MARK_LEAKPROOF = "ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF"
app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, help="TLS certificate with its chain, PEM.")
    ] = None,
    key: Annotated[Path | None, typer.Option(exists=True, help="Its key, PEM.")] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the port.")
    ] = 1,
) -> None:
    """Serve the API, the wall and the planner.

    Other machines are served over TLS only: with --certificate and --key, or behind a proxy that
    ends TLS, named by GRIDBEAT_WEB_PUBLIC_URL=https://...
    """
    settings = make_settings()
    refuse_plain_network(settings, host=host, certificate=certificate)
    database = open_database()
    introduce(database, settings)
    keep_indexes_useful(database)
    given: dict[str, Any] = {
        "host": host, "port": port, "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "ssl_certfile": certificate, "ssl_keyfile": key, "log_level": "info",
        "timeout_graceful_shutdown": 10,
        # On a busy machine a process is slow, not dead, at first.
        "timeout_worker_healthcheck": 120,
    }  # fmt: skip
    if processes == 1:
        uvicorn.run(create_app(settings, database), **given)
    else:
        serve_together(uvicorn.Config("web.app:make_app", factory=True, workers=processes, **given))


def serve_together(config: uvicorn.Config) -> None:
    """Serve by several processes on one port; each makes its own application."""
    Multiprocess(config, sockets=[listen(config)]).run()


def listen(config: uvicorn.Config) -> socket.socket:
    """Return the socket that the processes share; what it accepts sends at once.

    asyncio sees to that only on sockets that name their protocol, which this one does not: the body
    of an answer would wait until the client has acknowledged the head, 40 ms on Linux.
    """
    listening = config.bind_socket()
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def introduce(database: Database, settings: WebSettings) -> None:
    """Make the first administrator where there is nobody, and show the password once."""
    passwords = Passwords(at_once=1, memory_kib=settings.hash_memory_kib)
    with begin(database) as connection:
        password = ensure_administrator(connection, passwords)
    if password is not None:
        typer.echo(
            f"first administrator 首位管理员: {FIRST_LOGIN}\n"
            f"one-time password 一次性密码: {password}\n"
            "Shown this once, changed at the first sign-in. 仅显示一次，首次登录须修改。"
        )


def keep_indexes_useful(database: Database) -> None:
    """Mark the box operator leakproof again after a restore; say how where it is not ours to do.

    Without the mark PostgreSQL asks the policies of row-level security before a spatial index.
    """
    role: Role = "app" if database.cluster is None else "owner"
    with connect(database, role=role) as connection:
        if connection.execute(IS_LEAKPROOF).fetchone() == (True,):
            return
        if role == "owner":
            connection.execute(MARK_LEAKPROOF)
            return
    typer.echo(f"spatial queries are slow until a superuser runs: {MARK_LEAKPROOF}", err=True)


def make_settings() -> WebSettings:
    """Return the settings of the environment.

    Raises
    ------
    InputError
        One of them cannot be used.
    """
    try:
        return WebSettings()
    except ValueError as error:
        raise InputError(str(error)) from error


def refuse_plain_network(settings: WebSettings, *, host: str, certificate: Path | None) -> None:
    """Refuse to send passwords over a network in plain text.

    Raises
    ------
    InputError
        The address is not this machine's own, and nothing ends TLS.
    """
    if is_loopback(host) or certificate is not None or settings.public_url is not None:
        return
    raise InputError(
        f"{host} can be reached by others, and cookies and passwords would pass in plain text. "
        "Give --certificate and --key, or put a TLS proxy in front and set "
        "GRIDBEAT_WEB_PUBLIC_URL=https://..."
    )
