"""`gridbeat grids`: look at responsibility grids, check, divide, split and merge them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import geopandas as gpd
import numpy as np
import typer

from geo.drawings import read_drawing
from geo.grids.change import GridChange, merge_grids, split_grid
from geo.grids.district import describe_division, divide_district
from geo.grids.findings import describe_findings, findings_frame
from geo.grids.policy import HouseholdPolicy
from geo.grids.policy import Lang as OneLang
from geo.grids.site import DivisionParams, Ground
from geo.grids.store import read_codes, read_grids, write_grids
from geo.grids.topology import Tolerance
from geo.ground import count_ties, read_area_names, read_homes, read_policy
from web.geojson import write_geojson
from web.grids.findings import findings_map, provenance
from web.grids.office import (
    Office,
    carry_out,
    check_grids,
    gather_ground,
    micro_grids_of,
    name_grids,
    open_office,
    pick_communities,
    pick_grids,
    refuse_divided,
    retag,
)
from web.grids.words import (
    PREVIEW,
    describe_change,
    describe_ties,
    heading,
    list_grids,
)
from web.i18n import Lang
from web.maps.render import write_map
from web.options import Jurisdiction
from web.progress import progress

app = typer.Typer(
    help="Look at responsibility grids 责任网格, check, divide, split and merge them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Day = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Day of the grids; default: today."),
]
ChangeDay = Annotated[
    datetime,
    typer.Option("--on", formats=["%Y-%m-%d"], help="First day of the new grids."),
]
Language = Annotated[Literal["zh", "en", "both"], typer.Option("--lang", help="Languages.")]
Write = Annotated[bool, typer.Option("--write", help="Do it; without this it is only shown.")]
Retag = Annotated[
    bool, typer.Option("--retag", help="With --write: incidents from that day on change grids too.")
]
Crs = Annotated[
    str | None,
    typer.Option(help="System of drawn files, where they name none or it is gcj02 or bd09."),
]


@app.command("list")
def show(jurisdiction: Jurisdiction = None, on: Day = None) -> None:
    """List the grids of a day: code, kind, households, area, community, name."""
    with open_office(jurisdiction) as office:
        day = on.date() if on else office.today()
        grids = read_grids(office.connection, office.place, on=day)
        names = read_area_names(office.connection, office.place)
    typer.echo(f"{heading(office.about)}\n{len(grids):,} grids 网格 on {day}")
    if len(grids):
        typer.echo("\n".join(list_grids(grids, names)))


@app.command()
def check(
    jurisdiction: Jurisdiction = None,
    on: Day = None,
    lang: Language = "both",
    out: Annotated[Path | None, typer.Option(help="GeoJSON file of the findings.")] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="HTML map of the findings, for any browser.")
    ] = None,
) -> None:
    """Check grids: shapes, gaps, overlaps, communities, codes, households, host units.

    Exit code 1 where there are errors, 0 where there are none or only warnings.
    """
    with open_office(jurisdiction) as office:
        day = on.date() if on else office.today()
        policy = read_policy(office.connection, office.place)
        checked = check_grids(office, on=day, policy=policy)
        frame = findings_frame(checked.findings, srid=office.place.srid)
        about = provenance(office, "grid findings", on=day, policy=policy, tolerance=Tolerance())
        typer.echo("\n".join([heading(office.about), str(day), *checked.notes]))
        for one in _languages(lang):
            typer.echo(describe_findings(checked.findings, n_grids=len(checked.grids), lang=one))
        if out is not None:
            _say_written(write_geojson(out, frame, srid=office.place.srid, about=about))
        if map_file is not None:
            layers, meta = findings_map(office, checked.grids, frame, day=day, parameters=about)
            _say_written(write_map(map_file, layers, meta=meta, lang=lang))
    if checked.has_errors:
        raise typer.Exit(1)


@app.command()
def divide(
    jurisdiction: Jurisdiction = None,
    community: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    target: Annotated[int | None, typer.Option(help="Households wanted in a grid.")] = None,
    minimum: Annotated[int | None, typer.Option(help="Fewest households of a grid.")] = None,
    maximum: Annotated[int | None, typer.Option(help="Most households of a grid.")] = None,
    exclusive: Annotated[
        Path | None,
        typer.Option(help="Grounds of schools, parks ...: polygons with host_unit, host_kind."),
    ] = None,
    seams: Annotated[
        Path | None, typer.Option(help="Rivers and other lines to follow, beside the roads.")
    ] = None,
    crs: Crs = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same grids.")] = 0,
    lang: Language = "both",
    out: Annotated[Path | None, typer.Option(help="GeoJSON file of the grids.")] = None,
    write: Write = False,
    on: Day = None,
    retag_too: Retag = False,
) -> None:
    """Divide communities into grids of about 500 households along roads; store with --write.

    Homes are the stored household points, or the households of buildings where there are none.
    """
    _require_write(write, on, retag_too)
    with open_office(jurisdiction) as office:
        day = on.date() if on else office.today()
        chosen = pick_communities(office, community or [], on=day)
        if write:
            refuse_divided(office, chosen, on=day)
        given = {"target": target, "minimum": minimum, "maximum": maximum}
        policy = replace(
            read_policy(office.connection, office.place),
            **{name: value for name, value in given.items() if value is not None},
        )
        ground = gather_ground(office, chosen, exclusive=exclusive, seams=seams, crs=crs)
        grids = _divide(office, chosen, ground, policy, seed)
        typer.echo(f"{heading(office.about)}\n{_basis(chosen, ground, seed)}")
        for one in _languages(lang):
            typer.echo(describe_division(grids, policy=policy, lang=one))
        if write:
            write_grids(office.connection, grids, office.place, on=day)
        if out is not None:
            about = provenance(
                office, "grids", on=day, policy=policy, division=DivisionParams(), seed=seed
            )
            _say_written(write_geojson(out, grids, srid=office.place.srid, about=about))
        retagged = _retag(office, day) if retag_too else None
    _say_outcome(len(grids), day if write else None, retagged)


@app.command()
def split(
    code: Annotated[str, typer.Argument(help="The grid to split.")],
    by: Annotated[
        Path, typer.Option(help="Lines that cross it, or polygons: any map file of one layer.")
    ],
    on: ChangeDay,
    jurisdiction: Jurisdiction = None,
    layer: Annotated[str | None, typer.Option(help="Of the file, where it has several.")] = None,
    crs: Crs = None,
    write: Write = False,
    retag_too: Retag = False,
) -> None:
    """Split a grid along drawn lines: its code ends, the parts get new ones."""
    _require_write(write, on, retag_too)
    with open_office(jurisdiction) as office:
        old, grids = pick_grids(office, [code])
        place = office.place
        homes = read_homes(office.connection, place, areas=old)
        change = split_grid(
            old, by=read_drawing(by, place, crs=crs, layer=layer), households=homes,
            on=on.date(), taken=read_codes(office.connection, place), srid=place.srid,
            code_scheme=place.code_scheme,
        )  # fmt: skip
        if homes.empty:
            change = replace(change, begun=change.begun.assign(households=None))
            typer.echo(
                "no homes are stored in this grid: the households of its parts are unknown "
                "本网格没有户数点或楼栋户数，拆分后的户数未知"
            )
        _change(office, change, old, grids, write=write, retag_too=retag_too)


@app.command()
def merge(
    codes: Annotated[list[str], typer.Argument(help="Two or more neighbours of one community.")],
    on: ChangeDay,
    jurisdiction: Jurisdiction = None,
    write: Write = False,
    retag_too: Retag = False,
) -> None:
    """Merge neighbouring grids of one community: their codes end, the whole gets a new one."""
    _require_write(write, on, retag_too)
    with open_office(jurisdiction) as office:
        old, grids = pick_grids(office, codes)
        change = merge_grids(
            old, on=on.date(), taken=read_codes(office.connection, office.place),
            srid=office.place.srid, code_scheme=office.place.code_scheme,
        )  # fmt: skip
        _change(office, change, old, grids, write=write, retag_too=retag_too)


def _divide(
    office: Office, communities: gpd.GeoDataFrame, ground: Ground, policy: HouseholdPolicy,
    seed: int,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Divide, number and name grids; those out of bounds carry the reason as an exemption."""
    with progress() as report:
        report(f"dividing 划分: communities 社区 {len(communities):,}")
        grids = divide_district(
            communities, ground, policy=policy, srid=office.place.srid,
            rng=np.random.default_rng(seed), taken=read_codes(office.connection, office.place),
            code_scheme=office.place.code_scheme,
        )  # fmt: skip
    names = read_area_names(office.connection, office.place)
    stated = [zh and f"{zh} / {en}" for zh, en in zip(grids["reason_zh"], grids["reason_en"],
                                                      strict=True)]  # fmt: skip
    return grids.assign(
        name=name_grids(grids, names, scheme=office.place.code_scheme), exempt_reason=stated
    )


def _basis(communities: gpd.GeoDataFrame, ground: Ground, seed: int) -> str:
    """Say what a division starts from."""
    homes = ground.households.groupby("source")["households"].agg(["size", "sum"])
    kinds = {"point": "household points 户数点", "building": "buildings 楼栋"}
    parts = [f"communities 社区 {len(communities):,}"]
    parts += [f"households 户 {row['sum']:,} at {row['size']:,} {kinds[str(source)]}"
              for source, row in homes.iterrows()]  # fmt: skip
    n_seams = 0 if ground.seams is None else len(ground.seams)
    n_hosts = 0 if ground.exclusive is None else len(ground.exclusive)
    parts += [f"roads and lines 道路与界线 {n_seams:,}", f"exclusive grids 专属网格 {n_hosts}"]
    return "; ".join([*parts, f"seed 种子 {seed}"])


def _change(
    office: Office, change: GridChange, old: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, *,
    write: bool, retag_too: bool,
) -> None:  # fmt: skip
    """Show a change and carry it out if asked to."""
    policy = read_policy(office.connection, office.place)
    ties = count_ties(office.connection, office.place, codes=change.ended, since=change.on)
    micro = micro_grids_of(grids, change)
    typer.echo(heading(office.about))
    typer.echo("\n".join(describe_change(change, old, micro=micro, policy=policy)))
    retagged = None
    if write:
        carry_out(office, change, read_area_names(office.connection, office.place))
        retagged = _retag(office, change.on) if retag_too else None
    for line in describe_ties(ties, retag=retag_too):
        typer.echo(line)
    _say_outcome(len(change.begun), change.on if write else None, retagged)


def _retag(office: Office, day: date) -> int:
    with progress() as report:
        report(f"tagging incidents anew from 事件重新归入网格，自 {day} 起")
        return retag(office, on=day)


def _require_write(write: bool, on: datetime | None, retag_too: bool) -> None:
    if write and on is None:
        raise typer.BadParameter("--write needs the first day of the grids: --on 2026-12-01")
    if retag_too and not write:
        raise typer.BadParameter("--retag changes incidents: it goes with --write only")


def _languages(lang: Lang) -> tuple[OneLang, ...]:
    return ("zh", "en") if lang == "both" else (lang,)


def _say_written(path: Path) -> None:
    typer.echo(f"wrote {path}")


def _say_outcome(n_grids: int, day: date | None, retagged: int | None) -> None:
    if day is None:
        typer.echo(f"{PREVIEW}: --write --on DATE stores it 加 --write 写入")
        return
    typer.echo(f"written 已写入: new grids 新网格 {n_grids}, valid from 启用日期 {day}")
    if retagged is not None:
        typer.echo(f"incidents tagged anew 事件重新归入网格: {retagged:,}")
