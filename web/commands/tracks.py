"""`gridbeat tracks`: take in where units on duty were, and what it says of areas, not of people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection, text

from geo.effort_store import read_area_effort
from geo.errors import InputError, NotFoundError
from geo.imports.problems import REASONS
from patrol.store import read_last_plan
from patrol.track_devices import read_devices, register_device
from patrol.track_files import read_fixes
from patrol.track_import import TrackReport, import_tracks
from patrol.track_queries import (
    THINNED_DAYS,
    purge_tracks,
    read_conformance,
    read_device_fixes,
    read_segments,
)
from patrol.track_store import RAW_DAYS, IntakeParams, fault_words
from patrol.tracks.match import Matcher
from patrol.tracks.reading import NAMES, ReadParams
from patrol.watched import OnGround, read_matchers, watch_place
from web.audit.log import command_line_entry, write_entry_of_store
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import About, read_about
from web.write_file import write_whole

app = typer.Typer(
    help="Tracks of units on duty: effort by cell and hour, and the plan's conformance.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
)  # fmt: skip
Match = Literal["auto", "none", "all"]


@app.command()
def device(
    ref: Annotated[str, typer.Argument(help="What the device is called in files and posts.")],
    unit: Annotated[
        str | None, typer.Option(help="Unit that carries it: reference or name.")
    ] = None,
    drone: Annotated[str | None, typer.Option(help="Drone that it is: reference or name.")] = None,
    sight: Annotated[float | None, typer.Option(help="How far is seen, metres.")] = None,
    login: Annotated[
        list[str] | None, typer.Option(help="Account that may post for it; may be repeated.")
    ] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Register a device with the unit that carries it, or the drone that it is."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        number = register_device(
            connection, about.number, ref=ref, unit=unit, drone=drone, sight_m=sight
        )
        for name in login or []:
            _allow(connection, number, name)
        write_entry_of_store(
            connection, command_line_entry("track device", about=ref, unit=unit, drone=drone)
        )
    typer.echo(f"device 设备 {ref}: {unit or drone}")


def _allow(connection: Connection, device_id: int, login: str) -> None:
    made = connection.execute(
        text(
            "INSERT INTO account_device (account_id, track_device_id) SELECT account_id, :device "
            "FROM account WHERE login = :login ON CONFLICT DO NOTHING RETURNING account_id"
        ),
        {"device": device_id, "login": login.lower()},
    ).all()
    known = connection.execute(
        text("SELECT FROM account WHERE login = :login"), {"login": login.lower()}
    ).all()
    if not made and not known:
        raise NotFoundError(f"there is no account {login!r}; `gridbeat users list` names them")


@app.command()
def devices(jurisdiction: Jurisdiction = None) -> None:
    """List the devices in use."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = read_devices(connection, about.number)
    for one in found:
        typer.echo(f"{one.ref:24} {one.source:8} sight 可视 {one.sight_m:.0f} m")
    typer.echo(f"devices 设备: {len(found)}")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="GPX, GeoJSON, CSV, Excel, tlog, ulg, srt.")],
    device: Annotated[
        str | None, typer.Option(help="Whose fixes, where no column says so.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help=f"NAME=COLUMN, NAME one of {', '.join(NAMES)}; may be repeated."),
    ] = None,
    crs: Annotated[str, typer.Option(help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n.")] = "wgs84",
    time_zone: Annotated[
        str | None, typer.Option(help="Of times that name none; default: the jurisdiction's.")
    ] = None,
    clock_late: Annotated[float, typer.Option(help="Seconds by which the clock was late.")] = 0.0,
    encoding: Annotated[str | None, typer.Option(help="Where it is not recognised.")] = None,
    on_duty: Annotated[
        bool, typer.Option("--on-duty", help="The files hold time on duty alone: you state it.")
    ] = False,
    match: Annotated[
        Match, typer.Option(help="To roads: auto is vehicles alone, where there are roads.")
    ] = "auto",
    jurisdiction: Jurisdiction = None,
) -> None:
    """Take in files of fixes; the same file again changes nothing.

    Only what lies in a shift of the device's unit is kept. Bad rows go to quarantine with their
    reasons: mend, and import the file again.
    """
    now = datetime.now(UTC)
    database = open_database()
    for file in files:
        with begin(database) as connection:
            about = read_about(connection, jurisdiction)
            params = ReadParams(
                now=now, device=device, time_zone=time_zone or about.time_zone, crs=crs,
                columns=_pairs(column or []), clock_offset_s=clock_late, encoding=encoding,
            )  # fmt: skip
            fixes = read_fixes(file, params)
            watched = watch_place(connection, about.code, now=now)
            report = import_tracks(
                connection, watched, fixes, file_name=file.name, sha256=_digest(file),
                params=IntakeParams(duty_known=not on_duty),
                matchers=_matchers(connection, about, match),
                stated={"crs": crs, "device": device, "columns": params.columns,
                        "time_zone": params.time_zone, "clock_offset_s": clock_late,
                        "stated_on_duty": on_duty, "match": match},
            )  # fmt: skip
        typer.echo("\n".join(describe(file.name, report)))


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    wrong = [item for item, (_, sign, _) in zip(given, pairs, strict=True) if not sign]
    if wrong:
        raise InputError(f"--column {wrong[0]!r}: write NAME=COLUMN, such as time=采集于")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _digest(file: Path) -> str:
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    with file.open("rb") as opened:
        hashed = sha256()
        while block := opened.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def _matchers(connection: Connection, about: About, match: Match) -> dict[str, Matcher]:
    if match == "none":
        return {}
    sources: tuple[OnGround, ...] = ("vehicle", "foot") if match == "all" else ("vehicle",)
    found = read_matchers(connection, about.number, sources=sources)
    if not found and match == "all":
        raise NotFoundError(f"{about.code} has no roads: import some, or say --match none")
    return found


def describe(name: str, report: TrackReport) -> list[str]:
    """Say what became of a file's fixes."""
    made = report.intake
    lines = [
        f"{name}: {made.fixes:,} fixes 定位点 (run {report.run_id}), {made.known:,} known 已有, "
        f"{made.off_duty:,} off duty, not kept 非当班不保留",
        f"  {made.segments:,} stretches 轨迹段 of {made.points:,} points, {made.km:,.1f} km, "
        f"{made.hours:,.1f} h in cells 计入网格单元, {made.outside_h:,.1f} h outside 辖区外, "
        f"{made.stays:,} stays 停留, {made.matched:,} matched to roads 路网匹配",
    ]
    lines += [f"  dropped 剔除 {line}" for line in fault_words(made)]
    lines += [f"  quarantined 隔离 {n:,}: {REASONS[reason][0]} {REASONS[reason][1]}"
              for reason, n in sorted(report.quarantined.items())]  # fmt: skip
    if report.mended:
        lines.append(f"  {report.mended:,} quarantined rows taken in 隔离行已入库")
    return lines


Day = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="First local day; default: 28 days ago."),
]


@app.command()
def effort(first: Day = None, days: Annotated[int, typer.Option(min=1)] = 28,
           top: Annotated[int, typer.Option(min=1)] = 15,
           jurisdiction: Jurisdiction = None) -> None:  # fmt: skip
    """Print hours by grid and source; a grid without a row is unknown, never safe."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        begins, ends = window(about, first, days)
        table = read_area_effort(connection, about.number, begins=begins, ends=ends)
        names = area_codes(connection, about.number)
    wide = table.pivot_table(index="area_id", columns="source", values="hours", aggfunc="sum")
    wide = wide.reindex(columns=["foot", "vehicle", "drone", "camera"]).fillna(0.0)
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    last = ends - timedelta(microseconds=1)
    typer.echo(f"hours 小时 {begins:%Y-%m-%d} .. {last:%Y-%m-%d}  foot 徒步 vehicle 车巡 "
               "drone 无人机 camera 视频")  # fmt: skip
    shown = wide.head(top)
    for area, row in zip(shown.index.tolist(), shown.to_numpy(), strict=True):
        typer.echo(f"  {names.get(int(area), ''):20} " + " ".join(f"{v:8.2f}" for v in row))
    unknown = len(set(names) - set(wide.index))
    typer.echo(f"grids with effort 有勤务的网格 {len(wide)}; unknown 情况不明 {unknown}")


def area_codes(connection: Connection, jurisdiction_id: int) -> dict[int, str]:
    """Return the codes of today's grids by number."""
    rows = connection.execute(
        text(
            "SELECT area_id, code FROM area WHERE level = 'grid' AND jurisdiction_id = :place "
            "AND valid_to > CURRENT_DATE"
        ),
        {"place": jurisdiction_id},
    )
    return {int(number): str(code) for number, code in rows}


def window(about: About, first: datetime | None, days: int) -> tuple[datetime, datetime]:
    """Return the first instant of a local day and that of the day after the last."""
    zone = ZoneInfo(about.time_zone)
    day = first.date() if first else datetime.now(zone).date() - timedelta(days=days)
    begins = datetime(day.year, day.month, day.day, tzinfo=zone)
    return begins, begins + timedelta(days=days)


@app.command()
def conformance(
    plan: Annotated[int | None, typer.Option(help="Number of the plan; default: newest.")] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Set a plan beside what tracks show, by shift and area. It is no mark for anybody."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        number = plan or int(read_last_plan(connection, about.number).head["plan_id"])
        table, stops = read_conformance(connection, number)
        names = area_codes(connection, about.number)
    counts = table["label"].value_counts()
    typer.echo(
        f"plan 方案 {number}: " + ", ".join(f"{label} {n}" for label, n in counts.items())
        + f"; stops kept 到位 {int(stops['kept'].sum())} of {len(stops)}"
    )  # fmt: skip
    typer.echo("  shift area          planned done  share visits dwell revisit (min)")
    for row in table.sort_values(["shift_no", "share"]).to_dict("records"):
        typer.echo(
            f"  {row['shift_no']:5} {names.get(int(row['area_id']), ''):15} "
            f"{row['planned_min']:6.0f} {row['done_min']:6.0f} {row['share']:6.0%} "
            f"{row['visits']:5} {row['dwell_min']:6.1f} {row['revisit_min']:6.1f}  {row['label']}"
        )


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="GeoJSON file to write.")],
    first: Day = None,
    days: Annotated[int, typer.Option(min=1)] = 1,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Write thinned tracks as GeoJSON. They are sensitive: the audit log notes it."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        begins, ends = window(about, first, days)
        found = read_segments(connection, about.number, begins=begins, ends=ends)
        write_entry_of_store(
            connection,
            command_line_entry("tracks.read", about=str(out), begins=begins.isoformat(),
                               ends=ends.isoformat(), segments=len(found)),
        )  # fmt: skip
    plain = found.assign(
        starts_at=found["starts_at"].astype(str), ends_at=found["ends_at"].astype(str)
    )
    write_whole(out, plain.to_json(ensure_ascii=False, drop_id=True))
    typer.echo(f"{len(found):,} stretches 轨迹段 in {out}; the read is logged 已记入审计")


@app.command()
def fixes(
    out: Annotated[Path, typer.Argument(help="CSV file to write; `tracks import` reads it.")],
    device: Annotated[str, typer.Option(help="The one device.")],
    reason: Annotated[str, typer.Option(help="Why they are needed; it is kept.")],
    first: Day = None,
    days: Annotated[int, typer.Option(min=1)] = 1,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Write a device's fixes as they came, of 30 days at most. The audit log keeps who and why."""
    if not reason.strip():
        raise InputError("--reason is empty: say why these fixes are needed")
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        begins, ends = window(about, first, days)
        found = read_device_fixes(connection, about.number, device, begins=begins, ends=ends)
        write_entry_of_store(
            connection,
            command_line_entry("tracks.fixes", about=device, reason=reason.strip(), out=str(out),
                               begins=begins.isoformat(), ends=ends.isoformat(), fixes=len(found)),
        )  # fmt: skip
        rows = found.assign(time=found["time"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        rows.insert(0, "device", device)
        write_whole(out, rows.to_csv(index=False, float_format="%.7f"))
    typer.echo(f"{len(found):,} fixes 定位点 in {out}; the read is logged 已记入审计")


@app.command()
def purge(
    raw_days: Annotated[int, typer.Option(help="Days that fixes are kept.")] = RAW_DAYS,
    thinned_days: Annotated[int, typer.Option(help="Days for thinned tracks.")] = THINNED_DAYS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it, delete nothing.")] = False,
) -> None:
    """Delete fixes after 30 days at most, tracks later; effort by cell and hour stays."""
    with begin(open_database()) as connection:
        aside = connection.begin_nested()
        gone = purge_tracks(
            connection, now=datetime.now(UTC), raw_days=raw_days, thinned_days=thinned_days
        )
        if dry_run:
            aside.rollback()
        else:
            entry = command_line_entry(
                "tracks purge", raw_days=raw_days, thinned_days=thinned_days, deleted=gone
            )
            write_entry_of_store(connection, entry)
    word = "would delete 将删除" if dry_run else "deleted 已删除"
    typer.echo(f"{word}: " + ", ".join(f"{name} {n:,}" for name, n in gone.items()))
