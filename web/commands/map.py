"""`gridbeat map`: the newest results and plan on one page that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
import shapely
import typer
from sqlalchemy import Connection, text

from analytics.cube_store import read_cell_cube, read_lattice
from analytics.privacy.counts import publish_counts
from analytics.recompute import read_request
from analytics.store import StoredResult, read_result
from geo.camera_store import read_views
from geo.crs.systems import epsg
from geo.errors import NotFoundError
from geo.lattice.lattice import cell_polygons
from patrol.routes.store import read_newest_routes
from patrol.store import StoredPlan, read_class_names, read_last_plan
from web.commands.export import require_approval
from web.found import (
    bias_areas,
    change_areas,
    change_sentences,
    emerging_cells,
    forecast_areas,
    named_zones,
    week_areas,
)
from web.maps.layers import MapLayers, MapMeta
from web.maps.payloads import SMALL
from web.maps.render import write_map
from web.opening import begin, open_database
from web.options import Category, Jurisdiction
from web.results import newest_run_ids
from web.route_map import drawn_routes
from web.subject import About, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_MOST = 60_000
PUBLIC_CELL_M = 500.0
"""Side of the cells that are published: a few street blocks."""
SHOWN = (
    "hotspots", "density", "area_trends", "emerging", "area_changes", "area_rates", "area_profile",
    "area_bias", "streets",
    "clusters", "scan", "area_forecast",
)  # fmt: skip


@app.command()
def show(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("map.html"),
    jurisdiction: Jurisdiction = None,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Languages.")] = "both",
    public: Annotated[
        bool, typer.Option(help="For publication: counts by cell alone; needs --approval-no.")
    ] = False,
    approval_no: Annotated[str | None, typer.Option(help="Map approval number 审图号.")] = None,
    category: Category = None,
) -> None:
    """Draw findings, grids, cameras and the plan on one offline page.

    Findings are the newest stored ones of all classes together, or with --category of exactly
    those classes.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        if public:
            number = require_approval(about, approval_no)
            layers, meta = gather_public(connection, about, approval_no=number, classes=category)
        else:
            layers, meta = gather(connection, about, classes=category)
    path = write_map(out, layers, meta=meta, lang=lang)
    typer.echo(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB); open it in any browser")


def gather(
    connection: Connection,
    about: About,
    *,
    classes: Sequence[str] | None = None,
) -> tuple[MapLayers, MapMeta]:
    """Read the layers of a jurisdiction's own map and what the map says about itself.

    Raises
    ------
    NotFoundError
        If no hotspots have been computed yet.
    """
    found = newest_run_ids(connection, about.number, classes=classes)
    runs = {name: number for name, number in found.items() if name in SHOWN}
    if "hotspots" not in runs:
        raise NotFoundError(f"{about.code} has no results yet: run `gridbeat hotspots` first")
    results = {name: read_result(connection, number) for name, number in runs.items()}
    plan = _plan(connection, about)
    names = read_class_names(connection)
    changes = results.get("area_changes")
    scan, clusters, emerging = (results.get(name) for name in ("scan", "clusters", "emerging"))
    views = read_views(connection, about.number)
    layers = MapLayers(
        buildings=read_ground(connection, about, "building", "kind"),
        roads=read_ground(connection, about, "road", "kind, name"),
        boundary=read_boundary(connection, about),
        grids=read_grids(connection, about),
        density=_rows(results.get("density")),
        trends=_area_trends(connection, results.get("area_trends")),
        rates=_rows(results.get("area_rates")),
        forecast=None if (ahead := results.get("area_forecast")) is None else forecast_areas(ahead),
        emerging=None if emerging is None else emerging_cells(emerging),
        hotspots=_rows(results.get("hotspots")),
        week=None if (week := results.get("area_profile")) is None else week_areas(week),
        bias=None if (bias := results.get("area_bias")) is None else bias_areas(bias),
        streets=_rows(results.get("streets")),
        clusters=None if clusters is None else named_zones(clusters, names),
        scan=_rows(scan),
        changes=None if changes is None else change_areas(changes, names),
        views=views[~views.geometry.is_empty],
        cameras=read_cameras(connection, about, views),
        plan=None if plan is None else plan.items,
        routes=_routes(connection, about),
    )
    first, last = _window(results["hotspots"], about)
    meta = MapMeta(
        name_zh=about.name_zh, name_en=about.name_en, data_from=first, data_until=last,
        made_at=datetime.now(UTC),
        metric_crs=f"EPSG:{about.srid} {epsg(about.srid).name}", code_version=version("gridbeat"),
        approval_no=about.approval_no,
        simulated=about.simulated, plan_date=None if plan is None else plan.head["plan_date"],
        plan_status="draft" if plan is None else plan.head["status"],
        sources=read_sources(connection, about),
        parameters={name: dict(one.run["parameters"]) for name, one in results.items()},
        changes=None if changes is None else tuple(change_sentences(changes, names)),
    )  # fmt: skip
    return layers, meta


def _window(result: StoredResult, about: About) -> tuple[datetime, datetime]:
    """Return the ends of a result's data as the jurisdiction's clocks show them."""
    zone = ZoneInfo(about.time_zone)
    return result.run["window_from"].astimezone(zone), result.run["window_to"].astimezone(zone)


def gather_public(
    connection: Connection, about: About, *, approval_no: str, classes: Sequence[str] | None = None
) -> tuple[MapLayers, MapMeta]:
    """Read what a published map may show: the ground, and counts by cell, small ones withheld.

    The counts are of the window of the newest hotspots.

    Raises
    ------
    NotFoundError
        If no hotspots have been computed yet.
    """
    found = newest_run_ids(connection, about.number, classes=classes)
    if "hotspots" not in found:
        raise NotFoundError(f"{about.code} has no results yet: run `gridbeat hotspots` first")
    result = read_result(connection, found["hotspots"])
    lattice = read_lattice(connection, about.number, cell_size_m=PUBLIC_CELL_M)
    request = read_request(result.run["parameters"]["request"])
    cube = read_cell_cube(connection, request, lattice)
    shown = publish_counts(cube.totals(found_by=request.found_by), k=SMALL, overall=False)
    cells = gpd.GeoDataFrame(
        {"observed": shown.cells}, geometry=cell_polygons(lattice), crs=about.srid
    )
    layers = MapLayers(
        buildings=read_ground(connection, about, "building", "kind"),
        roads=read_ground(connection, about, "road", "kind, name"),
        boundary=read_boundary(connection, about),
        grids=read_grids(connection, about),
        counts=cells[cells["observed"].notna()],
    )
    first, last = _window(result, about)
    meta = MapMeta(
        name_zh=about.name_zh, name_en=about.name_en, data_from=first, data_until=last,
        made_at=datetime.now(UTC), topic="counts",
        metric_crs=f"EPSG:{about.srid} {epsg(about.srid).name}", code_version=version("gridbeat"),
        audience="public", approval_no=approval_no, simulated=about.simulated,
        sources=read_sources(connection, about),
        parameters={"counts": {"cell_m": PUBLIC_CELL_M, "k": SMALL, "classes": classes or "all"}},
    )  # fmt: skip
    return layers, meta


def _routes(connection: Connection, about: About) -> gpd.GeoDataFrame | None:
    try:
        return drawn_routes(read_newest_routes(connection, about.number), about.time_zone)
    except NotFoundError:
        return None


def _plan(connection: Connection, about: About) -> StoredPlan | None:
    try:
        return read_last_plan(connection, about.number)
    except NotFoundError:
        return None


def _rows(result: StoredResult | None) -> gpd.GeoDataFrame | None:
    return None if result is None else result.rows


def _area_trends(connection: Connection, result: StoredResult | None) -> gpd.GeoDataFrame | None:
    if result is None:
        return None
    names = connection.execute(
        text("SELECT area_id, code, name FROM area WHERE area_id = ANY(:ids)"),
        {"ids": result.rows["area_id"].astype(int).tolist()},
    ).all()
    code = {row.area_id: row.code for row in names}
    name = {row.area_id: row.name for row in names}
    return result.rows.assign(
        code=result.rows["area_id"].map(code), name=result.rows["area_id"].map(name)
    )


def _read(connection: Connection, statement: str, about: About) -> gpd.GeoDataFrame:
    found = connection.execute(text(statement), {"number": about.number})
    rows = pd.DataFrame(found.all(), columns=list(found.keys()))
    shapes = shapely.from_wkb(rows.pop("geom").map(bytes).to_numpy(dtype=object))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=4326)


def read_ground(
    connection: Connection, about: About, table: Literal["building", "road"], columns: str
) -> gpd.GeoDataFrame:
    """Read the ground; a whole city's would not fit on one page, so large ones stay away."""
    statement = (
        f"SELECT {columns}, ST_AsBinary(geom) AS geom FROM {table} JOIN feed USING (feed_id) "  # noqa: S608 - own names
        f"WHERE jurisdiction_id = :number LIMIT {_MOST + 1}"
    )
    frame = _read(connection, statement, about)
    return frame if len(frame) <= _MOST else frame.iloc[:0]


def read_boundary(connection: Connection, about: About) -> gpd.GeoDataFrame:
    """Read the outline of the jurisdiction."""
    return _read(
        connection,
        "SELECT name, ST_AsBinary(geom) AS geom FROM jurisdiction WHERE jurisdiction_id = :number",
        about,
    )


def read_grids(connection: Connection, about: About) -> gpd.GeoDataFrame:
    """Read the grids that are valid today."""
    return _read(
        connection,
        "SELECT g.code, g.name, c.name AS community, g.households, g.grid_kind AS kind, "
        "ST_AsBinary(g.geom) AS geom "
        "FROM area g LEFT JOIN area c ON c.area_id = g.parent_id "
        "WHERE g.jurisdiction_id = :number AND g.level = 'grid' AND g.valid_to > CURRENT_DATE",
        about,
    )


def read_cameras(
    connection: Connection, about: About, views: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Read the cameras, and which of them are drawn by their views (column ``drawn``)."""
    found = _read(
        connection,
        "SELECT c.camera_id, c.name, status, azimuth_deg AS azimuth, fov_deg AS fov, range_m, "
        "ST_AsBinary(c.geom) AS geom "
        "FROM camera c JOIN feed USING (feed_id) WHERE jurisdiction_id = :number",
        about,
    )
    seen = [] if views is None else views["camera_id"].tolist()
    return found.assign(drawn=found["camera_id"].isin(seen))


def read_sources(connection: Connection, about: About) -> tuple[str, ...]:
    """Say whose data a jurisdiction's are, and under which licence."""
    rows = connection.execute(
        text("SELECT source, title, licence FROM feed WHERE jurisdiction_id = :number "
             "ORDER BY source"),
        {"number": about.number},
    ).all()  # fmt: skip
    return tuple(
        " — ".join(part for part in (row.title or row.source, row.licence) if part) for row in rows
    )
