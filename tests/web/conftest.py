"""What tests of the command line and of the web service share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser

from geo.database.connect import Database, connect
from tests.conftest import created
from tests.web.browsing import chromium
from tests.web.district import write_accounts, write_district
from tests.web.governed import People, govern
from web.app import create_app
from web.cli import main
from web.settings import WebSettings

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What one command gave back."""

    code: object
    out: str
    err: str


@pytest.fixture
def gridbeat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Give what runs the command line as its user does, in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        return Outcome(caught.value.code, *capsys.readouterr())

    return run


@dataclass(frozen=True)
class Service:
    """The web service on a database of its own, with a small district and an account a role.

    Attributes
    ----------
    areas
        Numbers of the areas by code: communities ``west``, ``east``; grids ``w1 w2 e1 e2``.
    tokens
        A bearer token a role by the role's name, and ``west``: an analyst of the west alone.
    """

    database: Database
    app: FastAPI
    areas: dict[str, int]
    tokens: dict[str, str]

    origin: str
    open_clients: ExitStack

    def client(self, **arguments: Any) -> httpx.Client:
        """Return a browser without cookies; like one, it sends secure ones to this machine."""

        def send_cookies(request: httpx.Request) -> None:
            kept = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
            if kept:
                request.headers["Cookie"] = kept

        hooks = {"request": [send_cookies]}
        known = {"base_url": self.origin, "timeout": 30, "event_hooks": hooks}
        client = httpx.Client(**known | arguments)
        self.open_clients.callback(client.close)
        return client

    def bearer(self, who: str) -> dict[str, str]:
        """Return the header that makes a request `who`'s."""
        return {"Authorization": f"Bearer {self.tokens[who]}"}


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Run a service on a free port of this machine; give its origin."""
    config = uvicorn.Config(app, port=0, log_level="error", ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


@contextmanager
def serving(
    server: Database, template: Database, settings: WebSettings | None = None
) -> Iterator[Service]:
    """Run the service on a fresh, filled database; dropped in the end."""
    with created(server, name=f"gridbeat_web_{uuid4().hex[:12]}", template=template.name) as made:
        with connect(made) as connection:
            areas = write_district(connection)
        tokens = write_accounts(made)
        app = create_app(settings or WebSettings(hash_memory_kib=19_456, pool_size=4), made)
        with listening(app) as origin, ExitStack() as clients:
            yield Service(made, app, areas, tokens, origin, clients)


@pytest.fixture(scope="session")
def service(server: Database, template: Database) -> Iterator[Service]:
    """Give a service whose data no test changes."""
    with serving(server, template) as running:
        yield running


@pytest.fixture(scope="module")
def own_service(server: Database, template: Database) -> Iterator[Service]:
    """Give a service of this module's own, to change."""
    with serving(server, template) as running:
        yield running


@contextmanager
def own_or_new(
    request: pytest.FixtureRequest, own: T, make: Callable[[], AbstractContextManager[T]]
) -> Iterator[T]:
    """Give a test what is its module's own, or a new one where it is tried again after a failure.

    What the first try has changed would fail the second.
    """
    if int(getattr(request.node, "execution_count", 1)) <= 1:
        yield own
    else:
        with make() as new:
            yield new


@pytest.fixture
def page_service(
    request: pytest.FixtureRequest, own_service: Service, server: Database, template: Database
) -> Iterator[Service]:
    """Give a test of pages a service to change."""
    with own_or_new(request, own_service, lambda: serving(server, template)) as running:
        yield running


@contextmanager
def governed(server: Database, template: Database) -> Iterator[People]:
    """Run a service with people who work on cases."""
    with serving(server, template) as running:
        yield People(running, govern(running))


@pytest.fixture(scope="module")
def module_people(server: Database, template: Database) -> Iterator[People]:
    with governed(server, template) as made:
        yield made


@pytest.fixture
def people(
    request: pytest.FixtureRequest, module_people: People, server: Database, template: Database
) -> Iterator[People]:
    """Give people who work on cases, with their service."""
    with own_or_new(request, module_people, lambda: governed(server, template)) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    with chromium() as running:
        yield running
