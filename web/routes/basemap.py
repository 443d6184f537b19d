"""What is drawn below the maps, by whom it may be seen, and of when what lies on it is."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from geo.errors import NotFoundError
from web.auth.permissions import Permission
from web.auth.principal import ScopedRows, needs
from web.settings import BasemapSettings
from web.wall.state import read_place

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


class Stamp(BaseModel):
    """What stands on every map: of when, in which coordinates, and for whom."""

    data_date: datetime | None = Field(description="Of the newest incident that is seen.")
    time_zone: str = Field(examples=["Asia/Shanghai"])
    metric_srid: int = Field(description="Of what is measured.", examples=[4549])
    map_approval_no: str | None = Field(description="None: internal use.")
    simulated: bool


@router.get("/api/v1/map-stamp", summary="What stands on every map")
async def stamp(rows: ScopedRows) -> Stamp:
    """Give the data's date, the coordinate system and the approval number, or none of it."""
    place, _ = await read_place(rows, None, datetime.now(UTC))
    return Stamp(
        data_date=place["last_incident_at"], time_zone=place["time_zone"],
        metric_srid=place["metric_srid"], map_approval_no=place["map_approval_no"],
        simulated=place["simulated"],
    )  # fmt: skip


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
