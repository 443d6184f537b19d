"""Vector tiles: the layers, their TileJSON, and each tile, kept until its layer changes."""

from __future__ import annotations

import gzip
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from geo.errors import InputError
from web.auth.csrf import own_origin
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedRows, needs
from web.language import Language
from web.tiles.cache import Tile, TileCache
from web.tiles.draw import TileRequest, draw_tile
from web.tiles.layers import Layer, find_layer, permitted_layers

MVT = "application/vnd.mapbox-vector-tile"
router = APIRouter(prefix="/tiles", tags=["tiles"], dependencies=[needs(Permission.MAP_READ)])
Name = Annotated[str, Path(pattern="^[a-z_]{1,40}$", examples=["incidents"])]
Zoom = Annotated[int, Path(ge=0, le=22, examples=[10])]
Place = Annotated[int, Path(ge=0, lt=2**22, examples=[856])]
Classes = Annotated[list[int] | None, Query(alias="class", max_length=200)]


@router.get("", summary="Tile layers")
async def layers(request: Request, principal: Identified, lang: Language) -> dict[str, Any]:
    """List the layers that the caller may see."""
    here = own_origin(request)
    return {
        "layers": [
            {"name": layer.name, "title": layer.title_zh if lang == "zh" else layer.title_en,
             "tilejson": f"{here}/tiles/{layer.name}"}
            for layer in permitted_layers(principal)
        ]
    }  # fmt: skip


@router.get("/{name}", summary="TileJSON of a layer")
async def tilejson(
    request: Request, name: Name, principal: Identified, rows: ScopedRows, lang: Language
) -> dict[str, Any]:
    """Describe a layer as TileJSON 3.0."""
    layer = find_layer(principal, name)
    found = await (await rows.execute(_BOUNDS)).fetchone()
    return {
        "tilejson": "3.0.0",
        "name": layer.title_zh if lang == "zh" else layer.title_en,
        "tiles": [f"{own_origin(request)}/tiles/{name}/{{z}}/{{x}}/{{y}}"],
        "minzoom": layer.min_zoom,
        "maxzoom": layer.max_zoom,
        "bounds": list(found) if found and found[0] is not None else [-180, -85, 180, 85],
        "vector_layers": _vector_layers(layer),
    }


@router.get(
    "/{name}/{zoom}/{x}/{y}",
    responses={200: {"content": {MVT: {}}}, 304: {"description": "Unchanged"}},
    response_class=Response,
    summary="One tile",
)
async def tile(
    request: Request,
    name: Name,
    zoom: Zoom,
    x: Place,
    y: Place,
    principal: Identified,
    classes: Classes = None,
    since: Annotated[date | None, Query(description="First local day.")] = None,
    until: Annotated[date | None, Query(description="Local day after the last.")] = None,
    level: Annotated[str, Query(pattern="^(district|street|community|grid)$")] = "grid",
    run: Annotated[int | None, Query(ge=1, description="Of the layer results.")] = None,
) -> Response:
    """Give a tile of the web's square grid (WebMercatorQuad), rows from the north.

    Incidents are hexagons with a number below zoom 14, and points from there on. Nothing is left
    out in silence: a tile that holds more than it shows has a layer ``left_out``.
    """
    layer = find_layer(principal, name)
    if max(x, y) >= 2**zoom:
        raise InputError(
            f"zoom {zoom} has tiles 0 to {2**zoom - 1}; there is no {x}, {y}", code="no-tile"
        )
    if layer.name == "results" and run is None:
        raise InputError("tiles of results need run=, the number of a stored result", code="no-run")
    asked = TileRequest(
        zoom, x, y, classes=tuple(sorted(set(classes))) if classes else None, since=since,
        until=until, area_level=level, run=run,
    )  # fmt: skip
    scope = principal.scope
    cache: TileCache = request.app.state.tiles

    async def draw() -> Tile:
        async with request.app.state.databases.rows(scope) as rows:
            return await draw_tile(rows, layer, asked, everywhere=scope.sees_all)

    # Who sees the same ground sees the same tile.
    made = await cache.get(layer.changes, (layer.name, asked, scope.sees_all, scope.roots), draw)
    return _answer(request, made)


_BOUNDS = (
    "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) "
    "FROM (SELECT ST_Extent(geom) AS e FROM jurisdiction) b"
)


def _answer(request: Request, made: Tile) -> Response:
    headers = {
        "ETag": made.etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding, Authorization, Cookie",
    }
    if request.headers.get("if-none-match") == made.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            made.gzipped, media_type=MVT, headers=headers | {"Content-Encoding": "gzip"}
        )
    return Response(gzip.decompress(made.gzipped), media_type=MVT, headers=headers)


def _vector_layers(layer: Layer) -> list[dict[str, Any]]:
    left_out = {"id": "left_out", "fields": {"n": "Number", "more": "Boolean"}}
    if layer.columns:
        fields = dict.fromkeys((name for name, _ in layer.columns), "String")
        return [{"id": layer.name, "fields": fields}, left_out]
    return [
        {"id": "hexagons", "maxzoom": 13,
         "fields": dict.fromkeys(("n", "km2", "h", "p", "finds"), "Number")},
        {"id": "incidents", "minzoom": 14,
         "fields": dict.fromkeys(("n", "id", "c", "t"), "Number") | {"f": "String"}},
        left_out,
    ]  # fmt: skip
