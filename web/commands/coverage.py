"""`gridbeat coverage`: when ground was last seen on foot, by drone and by camera."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import geopandas as gpd
import typer
from sqlalchemy import Connection

from geo.crs.systems import epsg
from geo.lattice.lattice import cell_polygons
from patrol.coverage.protection import ProtectionParams
from patrol.coverage.three_sources import SOURCE_WORDS, SOURCES, CoverageParams, coverage_details
from patrol.coverage_store import CoverageReport, report_coverage
from patrol.watched import watch_place
from web.commands.map import read_boundary, read_grids, read_ground, read_sources
from web.maps.layers import MapLayers, MapMeta
from web.maps.render import write_map
from web.opening import begin, open_database
from web.options import Jurisdiction, Until, Weeks
from web.subject import About, data_window, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def coverage(
    until: Until = None,
    weeks: Weeks = 26,
    days: Annotated[float, typer.Option(min=1, help="A look longer ago is stale.")] = 28.0,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M"],
            help="Local time to judge at; default: now, of simulated data their end.",
        ),
    ] = None,
    people: Annotated[float, typer.Option(help="Weight of patrols 人防.")] = 0.5,
    physical: Annotated[float, typer.Option(help="Weight of staffed places 物防.")] = 0.2,
    technical: Annotated[float, typer.Option(help="Weight of drones and cameras 技防.")] = 0.3,
    top: Annotated[int, typer.Option(min=1, help="How many to print.")] = 12,
    store: Annotated[bool, typer.Option(help="Keep the results in the database.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="A map (.html), or the list as .geojson.")
    ] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Map when ground was last seen on foot, by drone and by camera, and list what nobody saw.

    What nobody saw is unknown, never safe.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        window = data_window(connection, about, until=until.date() if until else None, weeks=weeks)
        now = _moment(about, at, window[1])
        report = report_coverage(
            connection, watch_place(connection, about.code, now=now), window=window, now=now,
            params=CoverageParams(within_days=days, top=max(top, 50)),
            weights=ProtectionParams(people, physical, technical),
            code_version=version("gridbeat"), store=store,
        )  # fmt: skip
        typer.echo("\n".join(describe(report, about, now, top=top)))
        if out is not None and out.suffix.lower() != ".geojson":
            layers, meta = map_layers(connection, about, report, window=window, now=now)
            path = write_map(out, layers, meta=meta)
            typer.echo(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")
    if out is not None and out.suffix.lower() == ".geojson":
        out.write_text(report.spots.to_crs(4326).to_json(ensure_ascii=False, drop_id=True), "utf-8")
        typer.echo(f"wrote {out}")


def _moment(about: About, at: datetime | None, end: date) -> datetime:
    """Return the instant to judge at: as asked, now, or the end of data that are simulated."""
    zone = ZoneInfo(about.time_zone)
    if at is not None:
        return at.replace(tzinfo=zone)
    return datetime.combine(end, time(), tzinfo=zone) if about.simulated else datetime.now(UTC)


def describe(report: CoverageReport, about: About, now: datetime, *, top: int) -> list[str]:
    """Say what is seen, what is not, and how the grids stand."""
    found = report.coverage
    lattice, label = found.ground.lattice, found.label
    area = lattice.share * lattice.cell_area_m2 / 1e6
    need = found.need.sum()
    lines = [
        f"coverage 覆盖 {about.name_zh} {about.name_en or ''} at {now:%Y-%m-%d %H:%M %Z}: "
        f"{lattice.n_cells:,} cells of 50 m, {area.sum():.2f} km²"
    ]
    words = {
        "seen": f"seen within {found.params.within_days:g} days 已看到",
        "stale": "not seen for longer 久未看到",
        "unseen": "never seen, unknown 情况不明",
    }
    for name, text in words.items():
        mine = label == name
        km2, wanted = area[mine].sum(), found.need[mine].sum() / need if need else 0.0
        lines.append(f"  {text:32} {km2:7.2f} km² {km2 / area.sum():6.1%}  need 需求 {wanted:6.1%}")
    if report.flat:
        lines.append(
            "  no building is known: sight on foot was taken for a circle on flat, open ground "
            "无建筑数据，徒步可视按平坦开阔地计"
        )
    for source in SOURCES:
        recent = found.age_h[source] <= found.params.within_days * 24
        hours = found.hours_seen[source][recent].sum(axis=1)
        zh, en = SOURCE_WORDS[source]
        lines.append(
            f"  by {en} {zh}: {area[recent].sum():.2f} km²; "
            f"mean hours of the week seen 平均可见周内小时 {hours.mean() if len(hours) else 0:.1f} "
            "of 168"
        )
    lost = found.unseen_need.sum() / need if need else 0.0
    lines.append(
        f"  need in hours of the week at which nobody looked 无人查看时段的需求 {lost:.1%}"
    )
    lines.append("unseen, by need 死角（按需求排序）:" if len(report.spots) else
                 "no unseen ground with need 没有有需求的死角")  # fmt: skip
    for row in report.spots.head(top).to_dict("records"):
        lines.append(f"  {row['rank']:3} {row['code'] if isinstance(row['code'], str) else '':17}"
                     f" {row['reason_zh']}")  # fmt: skip
        lines.append(f"      {row['reason_en']}")
    lines += protection_lines(report, top=top)
    if report.run_ids:
        lines.append(f"stored 已存 results {', '.join(map(str, report.run_ids.values()))}")
    return lines


def protection_lines(report: CoverageReport, *, top: int) -> list[str]:
    """List the grids of the lowest index, with its three parts."""
    table = report.protection.sort_values(["index", "area_id"])
    known = table[table["label"] == "known"]
    lines = [f"protection index 防护指数 (人防 people, 物防 physical, 技防 technical): "
             f"{len(known)} grids known, {len(table) - len(known)} unknown; lowest:"]  # fmt: skip
    lines += [
        f"  {row['code']!s:17} {row['index']:5.2f} = 人防 {row['people']:4.2f} 物防 "
        f"{row['physical']:4.2f} 技防 {row['technical']:4.2f}  {row['name']}"
        for row in known.head(min(top, 5)).to_dict("records")
    ]
    return lines


def map_layers(
    connection: Connection, about: About, report: CoverageReport, *, window: tuple[date, date],
    now: datetime,
) -> tuple[MapLayers, MapMeta]:  # fmt: skip
    """Return the layers of the map, and what it says about itself."""
    found = report.coverage
    days = coverage_details(found)
    last = found.last_h / 24
    cells = gpd.GeoDataFrame(
        days.assign(label=found.label, score=last, observed=found.need),
        geometry=cell_polygons(found.ground.lattice, clipped_to=None), crs=about.srid,
    )  # fmt: skip
    cells["score"] = cells["score"].where(cells["label"] != "unseen")
    spots = report.spots.explode(ignore_index=True)
    zone = ZoneInfo(about.time_zone)
    begins, ends = (datetime.combine(day, time(), tzinfo=zone) for day in window)
    layers = MapLayers(
        buildings=read_ground(connection, about, "building", "kind"),
        roads=read_ground(connection, about, "road", "kind, name"),
        boundary=read_boundary(connection, about), grids=read_grids(connection, about),
        coverage=cells, blind_spots=gpd.GeoDataFrame(spots, crs=about.srid),
    )  # fmt: skip
    meta = MapMeta(
        name_zh=about.name_zh, name_en=about.name_en, data_from=begins, data_until=ends,
        made_at=now, metric_crs=f"EPSG:{about.srid} {epsg(about.srid).name}",
        code_version=version("gridbeat"), topic="coverage", approval_no=about.approval_no,
        simulated=about.simulated, sources=read_sources(connection, about),
        parameters={"coverage": asdict(found.params)},
    )  # fmt: skip
    return layers, meta
