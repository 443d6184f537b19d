"""The web service: made of its settings, its database and the routes, and refused if unguarded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from geo.database.connect import Database, locate
from geo.settings import DatabaseSettings
from governance.intake.contacts import ContactSettings
from web.auth.oidc import Provider
from web.auth.passwords import Passwords
from web.auth.permissions import Permission
from web.auth.principal import PrincipalMemory, guards
from web.cases.clocks import ClockMemory
from web.cases.gathering import Gathering
from web.database import Databases
from web.errors import HANDLED, problem
from web.headers import Guard
from web.live.farewell import told_to_stop
from web.live.hub import Hub
from web.live.listener import Listener
from web.openapi import describe_api
from web.routes import (
    alerts,
    audit,
    basemap,
    camera_desk,
    cases,
    features,
    field,
    grid_desk,
    health,
    indicators,
    installed,
    intake,
    links,
    live,
    login,
    missions,
    oidc,
    open311,
    pages,
    people,
    photos,
    plans,
    posts,
    processes,
    replans,
    reports,
    session,
    tiles,
    tracks,
    wall,
)
from web.settings import WebSettings
from web.tiles.cache import TileCache
from web.wall.memo import Memo

# A request is held against the routes in this order: what comes a hundred times a second is first.
ROUTERS = (
    intake.router,
    field.router,
    health.router,
    login.router,
    oidc.router,
    session.router,
    people.router,
    features.router,
    tiles.router,
    links.router,
    tracks.router,
    camera_desk.router,
    live.router,
    processes.router,
    open311.router,
    reports.router,
    cases.router,
    photos.router,
    installed.router,
    audit.router,
    pages.router,
    basemap.router,
    wall.router,
    alerts.router,
    missions.router,
    plans.router,
    replans.router,
    posts.router,
    indicators.router,
    grid_desk.router,
)


def create_app(settings: WebSettings, database: Database) -> FastAPI:
    """Return the service; its pools open when it starts.

    Raises
    ------
    RuntimeError
        A route names no permission: a fault in the program, found before anybody can call it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await app.state.databases.open()
        await app.state.hub.start()
        app.state.listener.start()
        try:
            with told_to_stop(app.state.hub.let_go):
                yield
        finally:
            await app.state.listener.stop()
            await app.state.hub.stop()
            await app.state.databases.close()

    app = FastAPI(
        title="Gridbeat 巡格",
        version=version("gridbeat"),
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.databases = Databases(database, pool_size=settings.pool_size)
    app.state.passwords = Passwords(
        at_once=settings.hashes_at_once, memory_kib=settings.hash_memory_kib
    )
    app.state.provider = Provider(settings.oidc)
    app.state.principals = PrincipalMemory()
    app.state.clocks = ClockMemory()
    app.state.contacts = ContactSettings()
    app.state.gathering = Gathering(app.state.databases)
    app.state.tiles = TileCache()
    app.state.watched, app.state.towns = {}, {}
    app.state.listener = Listener(database)
    app.state.listener.on("gridbeat_layers", app.state.tiles.hear)
    app.state.hub = Hub(app.state.databases)
    app.state.listener.on("gridbeat_layers", app.state.hub.hear_layer)
    app.state.listener.on("gridbeat_events", app.state.hub.hear_event)
    app.state.listener.on("gridbeat_walls", app.state.hub.hear_wall)
    app.state.wall_memo = Memo(period_s=10.0)
    app.state.alert_memo = Memo(period_s=0.5)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # flat, so that every guard can be checked
    describe_api(app)
    for kind in HANDLED:
        app.add_exception_handler(kind, problem)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)
    app.add_middleware(Guard, settings=settings)
    _refuse_unguarded(app)
    return app


def make_app() -> FastAPI:
    """Return the service of one process among several, as the environment says.

    The database is running and up to date by then.
    """
    return create_app(WebSettings(), locate(DatabaseSettings()))


def named_permissions(app: FastAPI) -> Iterator[tuple[APIRoute, list[Permission]]]:
    """Yield every route of `app` with the permissions that it names.

    Raises
    ------
    RuntimeError
        There is something that is no route and so names none, as a mounted app would be.
    """
    for route in app.routes:
        yield from _walk(route)


def _walk(route: Any) -> Iterator[tuple[APIRoute, list[Permission]]]:
    if isinstance(route, APIRoute):
        yield route, list(guards(route.dependant))
    elif getattr(route, "permission", None) is not None:
        return
    else:
        raise RuntimeError(f"{route!r} names no permission")


def _refuse_unguarded(app: FastAPI) -> None:
    for route, permissions in named_permissions(app):
        if not permissions:
            raise RuntimeError(f"{route.path} names no permission: dependencies=[needs(...)]")
