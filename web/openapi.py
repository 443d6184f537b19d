"""The description of the API: what each operation needs, and that errors are problems."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from web.auth.permissions import Permission
from web.auth.principal import SESSION_COOKIE, guards, needs
from web.errors import PROBLEM

OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.1"
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
    "example": {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no collection 'roads2'",
    },
}
SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    "token": {"type": "http", "scheme": "bearer"},
}
METHODS = ("get", "post", "put", "patch", "delete")


def describe_api(app: FastAPI) -> None:
    """Serve ``/openapi.json``, made once."""
    router = APIRouter(tags=["about"], dependencies=[needs(Permission.PUBLIC)])

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        return JSONResponse(request.app.openapi(), media_type=OPENAPI_TYPE)

    app.router.routes.extend(router.routes)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title, version=app.version, routes=app.routes, openapi_version="3.1.0",
            description="Where is it getting worse, who goes there, what does nobody watch?",
        )  # fmt: skip
        parts = described.setdefault("components", {})
        parts["securitySchemes"] = SCHEMES
        parts.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        for route in app.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                _complete(described["paths"][route.path_format], route)
        for unused in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(unused, None)
        app.openapi_schema = described
    return app.openapi_schema


def _complete(item: dict[str, Any], route: APIRoute) -> None:
    permission = next(iter(guards(route.dependant)))
    for method in METHODS:
        operation = item.get(method)
        if operation is None or method.upper() not in (route.methods or ()):
            continue
        operation["responses"].pop("422", None)
        operation["responses"].setdefault("default", _problem())
        operation["x-permission"] = permission.value
        if permission is not Permission.PUBLIC:
            operation["security"] = [{"session": []}, {"token": []}]


def _problem() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "A problem", "content": {PROBLEM: {"schema": schema}}}
