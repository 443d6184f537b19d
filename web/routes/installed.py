"""What browsers ask for by themselves: the icon, and the manifest and service worker of /field."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from web.auth.permissions import Permission
from web.auth.principal import needs
from web.language import Language
from web.pages.built import asset, asset_named, worker

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.PUBLIC)])
MANIFEST = "application/manifest+json"
ICONS = (("icon-192", "192x192", "any"), ("icon-512", "512x512", "any"),
         ("icon-mask", "512x512", "maskable"))  # fmt: skip
COLOUR = "#0b5cad"


@router.get("/field.webmanifest")
async def manifest(lang: Language) -> Response:
    """Say how the page is installed on a tablet or phone."""
    told: dict[str, Any] = {
        "id": "/field",
        "name": "Gridbeat field" if lang == "en" else "巡格现场",
        "short_name": "Gridbeat" if lang == "en" else "巡格",
        "lang": "en" if lang == "en" else "zh-CN",
        "start_url": "/field",
        "scope": "/field",
        "display": "standalone",
        "orientation": "any",
        "theme_color": COLOUR,
        "background_color": "#f3f5f7",
        "icons": [
            {"src": f"/app/assets/{asset_named(name, '.png')}", "type": "image/png",
             "sizes": sizes, "purpose": purpose}
            for name, sizes, purpose in ICONS
        ],
    }  # fmt: skip
    return JSONResponse(told, media_type=MANIFEST, headers={"Cache-Control": "no-cache"})


@router.get("/field-worker.js")
async def service_worker() -> Response:
    """Give the service worker; a browser asks for a newer one at each start."""
    return Response(worker(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get("/favicon.ico")
async def icon() -> Response:
    """Give the icon of pages that link none, so that no browser notes a missing file."""
    content, media_type = asset(asset_named("icon", ".svg"))
    return Response(content, media_type=media_type, headers={"Cache-Control": "max-age=86400"})
