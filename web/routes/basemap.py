"""What is drawn below the maps: an operator's file of tiles, or Tianditu by its key."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from geo.errors import NotFoundError
from web.auth.permissions import Permission
from web.auth.principal import needs
from web.settings import BasemapSettings

router = APIRouter(tags=["tiles"], dependencies=[needs(Permission.MAP_READ)])
ADDRESS = "/basemap.pmtiles"
_TIANDITU = (
    "{host}/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default"
    "&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)


class Tianditu(BaseModel):
    """Addresses of its tiles, in Web Mercator on CGCS2000."""

    tiles: list[str]
    labels: list[str]


class Basemap(BaseModel):
    """What to draw below; both null means our own roads, water and buildings alone."""

    pmtiles: str | None = Field(description="Address of a PMTiles archive on this service.")
    tianditu: Tianditu | None


@router.get("/api/v1/basemap", summary="What is drawn below the maps")
async def basemap(request: Request) -> Basemap:
    """Say what the operator set."""
    given: BasemapSettings = request.app.state.settings.basemap
    if given.tianditu_key is None:
        return Basemap(pmtiles=ADDRESS if given.file else None, tianditu=None)

    def addresses(layer: str) -> list[str]:
        return [
            _TIANDITU.format(host=host, layer=layer, key=given.tianditu_key)
            for host in given.hosts()
        ]

    return Basemap(
        pmtiles=ADDRESS if given.file else None,
        tianditu=Tianditu(tiles=addresses("vec"), labels=addresses("cva")),
    )


@router.get(ADDRESS, response_class=FileResponse, summary="The operator's file of tiles")
async def archive(request: Request) -> FileResponse:
    """Give a part of the archive, as its readers ask by ``Range``."""
    file = request.app.state.settings.basemap.file
    if file is None:
        raise NotFoundError("no file of tiles is set: GRIDBEAT_WEB_BASEMAP_FILE", code="not-set")
    return FileResponse(
        file, media_type="application/vnd.pmtiles",
        headers={"Cache-Control": "private, max-age=3600", "Content-Encoding": "identity"},
    )  # fmt: skip
