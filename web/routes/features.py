"""OGC API Features: core, reference systems, and filters, over the table of collections."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from geo.errors import InputError
from web.answers import GEOJSON, JSON, kept
from web.auth.csrf import own_origin
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedRows, needs
from web.database import Rows, fetch_one
from web.features.collections import Collection, find_collection, permitted
from web.features.crs import ALWAYS, CRS84, EPSG, FeatureCrs, read_crs
from web.features.filters import read_filter
from web.features.items import (
    MOST,
    PageRequest,
    read_box,
    read_interval,
    read_item,
    read_page,
)
from web.language import Language, PageLang
from web.openapi import OPENAPI_TYPE

router = APIRouter(prefix="/ogc", tags=["features"])
PUBLIC = [needs(Permission.PUBLIC)]
READ = [needs(Permission.MAP_READ)]
FEATURES = "http://www.opengis.net/spec/ogcapi-features-"
PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
# A class stands here only where tests/web/api show it.
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    f"{FEATURES}1/1.0/conf/core",
    f"{FEATURES}1/1.0/conf/geojson",
    f"{FEATURES}1/1.0/conf/oas30",
    f"{FEATURES}2/1.0/conf/crs",
    f"{FEATURES}3/1.0/conf/queryables",
    f"{FEATURES}3/1.0/conf/filter",
    f"{FEATURES}3/1.0/conf/features-filter",
    f"{CQL2}cql2-text",
    f"{CQL2}cql2-json",
    f"{CQL2}basic-cql2",
    f"{CQL2}advanced-comparison-operators",
    f"{CQL2}case-insensitive-comparison",
    f"{CQL2}basic-spatial-functions",
    f"{PROCESSES}ogc-process-description",
    f"{PROCESSES}json",
    f"{PROCESSES}job-list",
    f"{PROCESSES}dismiss",
)
OGC_RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"
SCHEMA = "application/schema+json"
ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOJSON: {"schema": {"type": "object"}}}},
    304: {"description": "What the client has is what there is"},
}
Name = Annotated[str, Path(pattern="^[a-z_]{1,40}$", examples=["incidents"])]
Text = Annotated[str | None, Query(max_length=10_000)]


def link(href: str, rel: str, media_type: str, title: str = "") -> dict[str, str]:
    """Return a link of an answer."""
    made = {"href": href, "rel": rel, "type": media_type}
    return {**made, "title": title} if title else made


@router.get("", dependencies=PUBLIC, summary="Landing page")
async def landing(request: Request, lang: Language) -> dict[str, Any]:
    """Say where everything is."""
    here = own_origin(request)
    return {
        "title": "巡格" if lang == "zh" else "Gridbeat",
        "description": "网格、事件与分析结果" if lang == "zh" else "Grids, incidents and results",
        "links": [
            link(f"{here}/ogc", "self", JSON),
            link(f"{here}/openapi.json", "service-desc", OPENAPI_TYPE),
            link(f"{here}/ogc/conformance", "conformance", JSON),
            link(f"{here}/ogc/conformance", f"{OGC_RELATION}conformance", JSON),
            link(f"{here}/ogc/collections", "data", JSON),
            link(f"{here}/ogc/processes", f"{OGC_RELATION}processes", JSON),
            link(f"{here}/ogc/jobs", f"{OGC_RELATION}job-list", JSON),
        ],
    }  # fmt: skip


@router.get("/conformance", dependencies=PUBLIC, summary="What is conformed to")
async def conformance() -> dict[str, Any]:
    """List the conformance classes that the tests show."""
    return {"conformsTo": list(CONFORMANCE)}


@router.get("/collections", dependencies=READ, summary="Collections")
async def collections(
    request: Request, principal: Identified, rows: ScopedRows, lang: Language
) -> dict[str, Any]:
    """List the collections that the caller may read."""
    here, metric = own_origin(request), await _metric_systems(rows)
    extent = await _extent(rows)
    return {
        "links": [link(f"{here}/ogc/collections", "self", JSON)],
        "crs": _systems(metric),
        "collections": [
            _describe(here, item, metric, extent, lang) for item in permitted(principal)
        ],
    }


@router.get("/collections/{name}", dependencies=READ, summary="One collection")
async def collection(
    request: Request, name: Name, principal: Identified, rows: ScopedRows, lang: Language
) -> dict[str, Any]:
    """Describe a collection: its extent, systems and links."""
    found = find_collection(principal, name)
    return _describe(
        own_origin(request), found, await _metric_systems(rows), await _extent(rows), lang
    )


@router.get(
    "/collections/{name}/queryables", dependencies=READ, response_class=Response,
    responses={200: {"content": {SCHEMA: {"schema": {"type": "object"}}}}},
    summary="What can be filtered by",
)  # fmt: skip
async def queryables(request: Request, name: Name, principal: Identified) -> Response:
    """Give the properties of a collection as a JSON Schema."""
    found = find_collection(principal, name)
    types: dict[str, dict[str, str]] = {
        "date": {"type": "string", "format": "date"},
        "date-time": {"type": "string", "format": "date-time"},
    }
    shown: dict[str, Any] = {
        item.name: {"title": item.name, **types.get(item.kind, {"type": item.kind})}
        for item in found.properties
    }
    shown["geometry"] = {
        "title": "geometry",
        "format": "geometry-any",
        "x-ogc-role": "primary-geometry",
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{own_origin(request)}/ogc/collections/{name}/queryables",
        "type": "object", "title": found.title_en, "properties": shown,
        "additionalProperties": False,
    }  # fmt: skip
    return kept(request, json.dumps(schema), media_type=SCHEMA)


@router.get(
    "/collections/{name}/items", dependencies=READ, responses=ANSWERED, response_class=Response,
    summary="A page of features",
)  # fmt: skip
async def items(
    request: Request,
    name: Name,
    principal: Identified,
    rows: ScopedRows,
    limit: Annotated[int, Query(ge=1, description=f"At most {MOST}; more is taken as that.")] = 100,
    cursor: Annotated[str | None, Query(max_length=500, description="From a next link.")] = None,
    bbox: Annotated[str | None, Query(max_length=200, examples=["121.0,35.6,121.1,35.7"])] = None,
    bbox_crs: Annotated[str | None, Query(alias="bbox-crs", max_length=200)] = None,
    datetime: Annotated[str | None, Query(max_length=100, examples=["2026-01-01/.."])] = None,
    crs: Annotated[str | None, Query(max_length=200)] = None,
    filter: Annotated[str | None, Query(max_length=10_000, examples=["category = 'noise'"])] = None,
    filter_lang: Annotated[
        Literal["cql2-text", "cql2-json"], Query(alias="filter-lang")
    ] = "cql2-text",
    filter_crs: Annotated[str | None, Query(alias="filter-crs", max_length=200)] = None,
) -> Response:
    """Give features in the order of their keys, with a link to the next page.

    There is no count of all: `next` is absent from the last page.
    """
    found = find_collection(principal, name)
    refuse_unknown(request)
    metric = await _metric_systems(rows) if crs or bbox_crs or filter_crs else ()
    asked = PageRequest(
        limit=min(limit, MOST), cursor=cursor, crs=read_crs(crs, metric=metric),
        filter_crs=read_crs(filter_crs, metric=metric),
        tree=read_filter(filter, language=filter_lang) if filter is not None else None,
    )  # fmt: skip
    if bbox is not None:
        asked = replace(asked, box=read_box(bbox, read_crs(bbox_crs, metric=metric)))
    if datetime is not None:
        since, until = read_interval(datetime)
        asked = replace(asked, since=since, until=until)
    page = await read_page(rows, found, asked)
    links = [link(str(_own_url(request)), "self", GEOJSON)]
    if page.next_cursor is not None:
        links.append(link(_own_url(request, cursor=page.next_cursor), "next", GEOJSON))
    body = (
        f'{{"type":"FeatureCollection","numberReturned":{page.count},'
        f'"links":{json.dumps(links)},"features":[{page.features}]}}'
    )
    return _geojson(request, body, asked.crs)


@router.get(
    "/collections/{name}/items/{number}", dependencies=READ, responses=ANSWERED,
    response_class=Response, summary="One feature",
)  # fmt: skip
async def item(
    request: Request,
    name: Name,
    number: Annotated[str, Path(max_length=40, examples=["1"])],
    principal: Identified,
    rows: ScopedRows,
    crs: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Give the feature of an id."""
    found = find_collection(principal, name)
    refuse_unknown(request)
    system = read_crs(crs, metric=await _metric_systems(rows) if crs else ())
    feature = await read_item(rows, found, number, system)
    here = f"{own_origin(request)}/ogc/collections/{name}"
    links = [
        link(str(_own_url(request)), "self", GEOJSON),
        link(here, "collection", JSON),
    ]
    return _geojson(request, f'{feature[:-1]}, "links": {json.dumps(links)}}}', system)


def refuse_unknown(request: Request) -> None:
    """Refuse a parameter that the operation does not have: a misspelt filter would give all.

    Raises
    ------
    InputError
        It is named.
    """
    known = {"lang", "f"} | {
        parameter.alias for parameter in request.scope["route"].dependant.query_params
    }
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise InputError(
            f"there is no parameter {unknown[0][:60]!r}; there are {sorted(known)}",
            code="bad-parameter",
        )


def _geojson(request: Request, body: str, crs: FeatureCrs) -> Response:
    return kept(request, body, media_type=GEOJSON, headers={"Content-Crs": f"<{crs.uri}>"})


def _own_url(request: Request, **changes: str) -> str:
    query = urlencode({**request.query_params, **changes})
    return f"{own_origin(request)}{request.url.path}" + (f"?{query}" if query else "")


def _describe(
    here: str, item: Collection, metric: tuple[int, ...], extent: dict[str, Any], lang: PageLang
) -> dict[str, Any]:
    own = f"{here}/ogc/collections/{item.name}"
    return {
        "id": item.name,
        "title": item.title_zh if lang == "zh" else item.title_en,
        "itemType": "feature",
        "extent": extent,
        "crs": _systems(metric),
        "storageCrs": CRS84,
        "links": [
            link(own, "self", JSON),
            link(f"{own}/items", "items", GEOJSON),
            link(f"{own}/queryables", f"{OGC_RELATION}queryables",
                 SCHEMA),
        ],
    }  # fmt: skip


def _systems(metric: tuple[int, ...]) -> list[str]:
    return [CRS84, *(f"{EPSG}{srid}" for srid in dict.fromkeys((*ALWAYS, *metric)))]


async def _metric_systems(rows: Rows) -> tuple[int, ...]:
    found = await rows.execute("SELECT DISTINCT metric_srid FROM jurisdiction ORDER BY 1")
    return tuple(int(row[0]) for row in await found.fetchall())


async def _extent(rows: Rows) -> dict[str, Any]:
    row = await fetch_one(rows, "extent", {})
    box = [float(number) for number in row] if row and row[0] is not None else None
    return {"spatial": {"bbox": [box], "crs": CRS84}} if box else {}
