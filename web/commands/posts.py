"""`gridbeat posts`: who holds which role where, who is on duty, what is vacant, what is near."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from geo.imports.problems import REASONS
from governance.posts.roles import role_name
from governance.posts.rosters import import_roster
from governance.posts.store import (
    read_on_duty,
    read_partners,
    read_roster,
    read_staffing,
    read_station_reach,
    read_vacancy_map,
    write_least,
    write_partner,
)
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="People and posts: coverage, vacancies, duty, partners, stations. 队伍与岗位",
)  # fmt: skip
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="On which day; default: today.")
]


@app.command("import")
def import_file(
    kind: Annotated[Literal["people", "posts", "shifts"], typer.Argument(help="What is in it.")],
    file: Annotated[Path, typer.Argument(help="CSV or workbook.")],
    sheet: Annotated[str | None, typer.Option(help="Sheet of the workbook.")] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Take in a file of people, posts or shifts; the same file again changes nothing."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        made = import_roster(connection, about.number, file, kind=kind, layer=sheet)
    typer.echo(f"{kind}: {made.new} new 新增, {made.changed} changed 变更, {made.same} same 未变, "
               f"{len(made.bad)} quarantined 隔离")  # fmt: skip
    for row in made.bad[:20]:
        zh, en = REASONS[row.reason]
        typer.echo(f"  row 行 {row.row_no}, {row.field}: {en} {zh} {row.value or ''}".rstrip())


@app.command()
def coverage(day: Day = None, jurisdiction: Jurisdiction = None) -> None:
    """Print how many people hold each role, the gaps, and who holds several posts."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        on = (day or datetime.now(about.zone)).date()
        found = read_staffing(connection, about.number, on=on)
    gaps = found.gaps["role"].value_counts()
    for role in found.matrix.columns:
        zh, en = role_name(role)
        people, grids = round(float(found.share[role].sum())), int((found.matrix[role] > 0).sum())
        typer.echo(f"{zh} {en}: {people} people 人, {grids} grids 个网格, "
                   f"{int(gaps.get(role, 0))} gaps 缺岗")  # fmt: skip
    typer.echo(f"{len(found.doubles)} people hold several posts of one role 兼岗")
    for code, name, role in found.gaps[["code", "name", "role"]].head(15).itertuples(index=False):
        typer.echo(f"  {code} {name}: no {role_name(role)[1]} 缺{role_name(role)[0]}")


@app.command()
def vacancies(
    out: Annotated[Path, typer.Option(help="GeoJSON of the grids with what is vacant.")],
    day: Day = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Write the map of vacancies."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        on = (day or datetime.now(about.zone)).date()
        frame = read_vacancy_map(connection, about.number, on=on)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(frame.to_json(drop_id=True), "utf-8")
    typer.echo(f"{int((frame['vacant'] > 0).sum())} of {len(frame)} basic grids lack somebody "
               f"有缺岗: {out}")  # fmt: skip


@app.command()
def need(
    role: Annotated[str, typer.Argument(help="Role, such as mediator.")],
    least: Annotated[int, typer.Argument(min=0, help="How many a basic grid needs.")],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Say how many of a role every basic grid needs."""
    with begin(open_database()) as connection:
        write_least(connection, read_about(connection, jurisdiction).number, {role: least})
    typer.echo(f"{role_name(role)[1]} {role_name(role)[0]}: at least 至少 {least}")


@app.command()
def duty(
    day: Day = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print who is on duty now, or the roster of a day."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        if day is None:
            rows = read_on_duty(connection, about.number, at=datetime.now(UTC))
        else:
            start = datetime.combine(day.date(), time(), about.zone)
            end = start + timedelta(days=1)
            rows = read_roster(connection, about.number, start=start, end=end)
    for row in rows.to_dict("records"):
        ends = row["until" if day is None else "ends_at"].astimezone(about.zone)
        begins = row.get("starts_at")
        since = f"{begins.astimezone(about.zone):%H:%M}-" if begins is not None else "until 至 "
        typer.echo(f"{row['unit']}  {row['kind']}  {row['headcount']} people 人  "
                   f"{since}{ends:%H:%M}")  # fmt: skip
    typer.echo(f"{len(rows)} shifts 班次")


@app.command()
def stations(
    reach_m: Annotated[float, typer.Option(min=1, help="A walk of so many metres.")] = 500.0,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Say how many households have a service station within a walk by road."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = read_station_reach(connection, about.number, reach_m=reach_m)
    share = "—" if found.share is None else f"{found.share:.1%}"
    typer.echo(f"{share} of {found.households:,} households 户 within {reach_m:.0f} m of "
               f"{found.stations} service stations 服务站, on foot by road 沿路步行")  # fmt: skip
    for row in found.grids.head(5).to_dict("records"):
        typer.echo(f"  {row['code']} {row['name']}: {row['share']:.1%} of {row['households']:,}")


@app.command()
def partner(
    code: Annotated[str, typer.Argument(help="Short code.")],
    name: Annotated[str, typer.Option(help="Name in Chinese.")],
    name_en: Annotated[str, typer.Option(help="Name in English.")],
    kind: Annotated[
        Literal["seconded", "social", "volunteer", "enterprise", "institution", "other"],
        typer.Option(help="What it is."),
    ],
    lon: Annotated[float | None, typer.Option(help="Longitude.")] = None,
    lat: Annotated[float | None, typer.Option(help="Latitude.")] = None,
    headcount: Annotated[int, typer.Option(min=0, help="People it brings.")] = 0,
    service: Annotated[list[str] | None, typer.Option(help="What it offers.")] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Add a seconded unit or partner organisation, or change the one with this code."""
    with begin(open_database()) as connection:
        number = write_partner(
            connection, read_about(connection, jurisdiction).number, code=code, name=name,
            name_en=name_en, kind=kind, lon=lon, lat=lat, headcount=headcount,
            services=tuple(service or ()),
        )  # fmt: skip
    typer.echo(f"partner {number}: {code} {name}")


@app.command()
def partners(jurisdiction: Jurisdiction = None) -> None:
    """Print seconded units and partner organisations."""
    with begin(open_database()) as connection:
        rows = read_partners(connection, read_about(connection, jurisdiction).number)
    for row in rows.to_dict("records"):
        typer.echo(f"{row['code']}  {row['kind']}  {row['name']}  {row['name_en']}  "
                   f"{row['headcount']} people 人  {'、'.join(row['services'])}")  # fmt: skip
    typer.echo(f"{len(rows)} partners 个单位")
