"""`gridbeat demo`: a simulated district from nothing to a map, through the users' own path."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np
import typer
from sqlalchemy import Connection as EngineConnection

from analytics.bias.listing import EquityParams
from analytics.cube import DISCOVERED, REPORTED
from analytics.hot_streets import StreetParams
from analytics.profile_rows import ProfileParams
from analytics.queries import CubeRequest
from geo.database.connect import Database
from geo.database.schema import downgrade, migrate
from geo.demo.categories import SCHEME
from geo.demo.district import make_district
from geo.demo.size import DEFAULT_SEED, DISTRICT_CODE, TIME_ZONE, DemoSize, size_until
from geo.demo.write import write_district
from geo.errors import ConflictError, InputError
from geo.hexagons import refresh_hexagon_ground, refresh_in_steps
from geo.imports.categories import import_categories
from geo.imports.mapping import read_mapping
from geo.imports.run import import_file
from geo.imports.session import is_imported
from geo.imports.staging import Connection
from geo.network.streets import REACH_M
from governance.demo import fill_cases, fill_posts, fill_rules
from governance.intake.classifier_store import read_labelled, train_version
from governance.intake.classify import ClassifierParams
from patrol.allocate import AllocationParams
from patrol.drafting import draft_day
from patrol.store import write_plan
from web.asking import ask, make_request
from web.commands import hotspots, map, plan
from web.demo_accounts import make_demo_accounts
from web.demo_live import Script, catch_up, keep_living, read_script
from web.demo_today import plan_today
from web.demo_tracks import take_demo_tracks
from web.maps.render import write_map
from web.opening import begin, open_connection, open_database
from web.results import newest_run_ids
from web.subject import About, data_window, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
PLAN_HOURS = 120.0
WEEKS = 26
CELL_M = 100.0
STATE = "state.json"


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the files, the map and the plan.")] = Path(
        "out/demo"
    ),
    seed: Annotated[int, typer.Option(help="Another seed makes another district.")] = DEFAULT_SEED,
    until: Annotated[
        str,
        typer.Option(metavar="DATE|today", help="Last day of the data; today: up to this minute."),
    ] = DemoSize().last_day.isoformat(),
    fresh: Annotated[
        bool, typer.Option(help="Empty the database first; only where it holds nothing else.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option(help="Then let its last weeks happen again, up to now and on, until stopped."),
    ] = False,
) -> None:
    """Make the simulated district, import it, find hotspots and trends, plan, draw the map.

    A second run finds everything done and changes nothing. With --live the wall shows a district
    of today: `gridbeat serve` and `gridbeat worker` run beside it.
    """
    size = read_size(until, now=datetime.now(UTC))
    say = _Clock()
    database = open_database()
    say("database 数据库", str(database))
    if fresh:
        empty(database, say)
    manifest = make_files(out / "files", seed, size, say)
    import_all(database, out / "files", manifest, say)
    code, since = str(manifest["jurisdiction"]), datetime.now(UTC)
    # Of today the files may be some hours old: they go on from when they were made.
    made_until = replace(size, last_hour=float(manifest["size"]["last_hour"])).handed_over
    script = _catch_up(database, code, out / "files", made_until, since, say) if live else None
    made = analyse(database, code, out, say)
    if live or until == "today":
        with begin(database) as connection:
            plan_today(connection, read_about(connection, code), hours=PLAN_HOURS, weeks=WEEKS,
                       now=datetime.now(UTC), say=say)  # fmt: skip
    typer.echo("")
    for line in made:
        typer.echo(line)
    if script is not None:
        typer.echo("It lives until Ctrl+C. 持续运行，按 Ctrl+C 停止。")
        with suppress(KeyboardInterrupt):
            keep_living(database, code, script, since=since, say=say)


def _catch_up(
    database: Database, code: str, folder: Path, end: datetime, now: datetime, say: Say
) -> Script:
    with begin(database) as connection:
        script = read_script(connection, read_about(connection, code), folder, end=end)
    catch_up(database, code, script, now=now, say=say)
    return script


class _Clock:
    """Says each step when it is done, with how long it took."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self, step: str, outcome: str) -> None:
        """Print one finished step."""
        now = time.monotonic()
        typer.echo(f"{now - self._since:6.1f} s  {step}: {outcome}")
        self._since = now


Say = Callable[[str, str], None]


def read_size(until: str, *, now: datetime) -> DemoSize:
    """Return the district's size whose data end on a day, or today with this minute.

    Raises
    ------
    InputError
        It is neither a date nor `today`, or has not begun yet.
    """
    usual, zone = DemoSize(), ZoneInfo(TIME_ZONE)
    if until == usual.last_day.isoformat():
        return usual
    try:
        day = now.astimezone(zone).date() if until == "today" else date.fromisoformat(until)
    except ValueError as error:
        raise InputError(f"--until {until}: a date like 2026-10-31, or today") from error
    return size_until(day, now=now)


def make_files(folder: Path, seed: int, size: DemoSize, say: Say) -> dict[str, Any]:
    """Make the district's files, or find them there as they should be; return their manifest."""
    path = folder / "manifest.json"
    if path.is_file():
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if (
            manifest["seed"] == seed
            and manifest["size"]["last_day"] == size.last_day.isoformat()
            and manifest.get("version") == version("gridbeat")
            and (folder / "tracks.parquet").is_file()  # an older run wrote none
            and all(
                _digest(folder / entry["file"]) == entry["sha256"] for entry in manifest["files"]
            )
        ):
            say("district 模拟区", f"files are there already in {folder}")
            return manifest
    manifest = write_district(make_district(seed=seed, size=size), folder)
    manifest["version"] = version("gridbeat")
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
    rows = sum(int(entry["rows"]) for entry in manifest["files"])
    say("district 模拟区", f"{len(manifest['files'])} files, {rows:,} rows in {folder}")
    return manifest


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def empty(database: Database, say: Say) -> None:
    """Drop and make again every table of a database that holds the demo district alone.

    Raises
    ------
    ConflictError
        If another jurisdiction is in it.
    """
    with open_connection(database) as connection:
        codes = {str(row[0]) for row in connection.execute("SELECT code FROM jurisdiction")}
    if codes - {DISTRICT_CODE}:
        raise ConflictError(
            f"the database also holds {', '.join(sorted(codes - {DISTRICT_CODE}))}: it is not "
            "emptied for a demo; use another one by GRIDBEAT_HOME or GRIDBEAT_DATABASE_URL"
        )
    downgrade(database, target="base")
    migrate(database)
    say("database 数据库", "emptied 已清空")


def refuse_another(connection: Connection, folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse to mix the district with one that another seed or version made.

    Raises
    ------
    ConflictError
        If the database holds another one.
    """
    code = str(manifest["jurisdiction"])
    first = manifest["files"][0]
    found = connection.execute("SELECT FROM jurisdiction WHERE code = %s", (code,)).fetchone()
    mapping = read_mapping(folder / first["mapping"])
    if found is not None and not is_imported(connection, code, mapping, first["sha256"]):
        raise ConflictError(
            "the database holds another demo district, of another seed, end or version: "
            "`gridbeat demo --fresh` empties it first"
        )


def import_all(database: Database, folder: Path, manifest: dict[str, Any], say: Say) -> None:
    """Import the district's files through the users' own path, with their mappings."""
    connect = partial(open_connection, database)
    with connect() as connection:
        refuse_another(connection, folder, manifest)
        import_categories(connection, folder / "categories.csv")
    code = str(manifest["jurisdiction"])
    for entry in manifest["files"]:
        mapping = read_mapping(folder / entry["mapping"])
        with connect() as connection:
            if is_imported(connection, code, mapping, entry["sha256"]):
                say(f"import {entry['file']}", "imported already 已导入")
                continue
        founds = None if mapping.new_jurisdiction else code
        report = import_file(
            connect, folder / entry["file"], mapping, now=datetime.now(UTC), jurisdiction=founds
        )
        bad = sum(report.quarantined.values())
        say(
            f"import {entry['file']}",
            f"{report.new:,} new 新增, {report.changed:,} changed 变更, {report.same:,} same 未变, "
            f"{bad:,} quarantined 隔离",
        )
    refresh_in_steps(partial(begin, database))
    with begin(database) as own:
        if take_demo_tracks(own, read_about(own, code), folder, say):
            refresh_hexagon_ground(own)
    fill_governance(database, code, folder, say)
    with begin(database) as own:
        make_demo_accounts(own, on=datetime.now(read_about(own, code).zone).date(), say=say)


def fill_governance(database: Database, code: str, folder: Path, say: Say) -> None:
    """Make posts, departments and rules, simulated reports and cases, the first classifier."""
    now = datetime.now(UTC)
    with begin(database) as own:
        number = read_about(own, code).number
        rosters = fill_posts(own, number, folder)
        told = ", ".join(f"{made.new} {made.kind}" for made in rosters)
        say("posts 岗位", f"{told} new 新增" if rosters else "as before 与上次相同")
        rules = fill_rules(own, number, now=now)
        filled = fill_cases(own, number, now=now, rng=np.random.default_rng(DEFAULT_SEED))
        if filled is None:
            say("cases 案件", "simulated already 已模拟")
            return
        say(
            "cases 案件",
            f"{rules} routing rules 派单规则, {filled.reports} reports 上报, {filled.cases} cases "
            f"立案, {filled.escalated} sent up 逾期上报 (simulated 模拟)",
        )
        params = ClassifierParams()
        made = train_version(
            own, number, SCHEME, read_labelled(own, number, SCHEME), params, now=now
        )
        say("classifier 分类", f"version {made.version}, macro-F1 {made.held_out.macro_f1:.2f}")


def analyse(database: Database, code: str, out: Path, say: Say) -> list[str]:
    """Compute, plan and draw what is not there yet; return what to tell the user."""
    with begin(database) as connection:
        about = read_about(connection, code)
        made = _is_made(out, _state(connection, about))
        if made:
            say("results 结果", "as before 与上次相同")
        else:
            _find(connection, about, out, say)
            _find_more(connection, about, say)
    # What was found is committed by now: a map that cannot be drawn loses none of it.
    if not made:
        with begin(database) as connection:
            _draw(connection, about, out, say)
            (out / STATE).write_text(_state(connection, about), "utf-8")
    return [
        f"Open {out / 'map.html'} in a browser: hotspots, trends, grids, cameras and the plan.",
        f"用浏览器打开 {out / 'map.html'}：热点、趋势、网格、摄像机与巡逻方案。",
        f"The plan: {out / 'plan.csv'}, {out / 'plan.geojson'}; one page: {out / 'summary.html'}",
        "Everything shown is SIMULATED 以上均为模拟数据。",
    ]


def _find(connection: EngineConnection, about: About, out: Path, say: Say) -> None:
    request = hotspots.make_request(connection, about, until=None, weeks=WEEKS)
    night = hotspots.find(connection, request, cell_m=CELL_M)
    found = hotspots.describe(connection, about, request, night, top=5)
    say("results 结果", "\n" + "\n".join(found))
    draft = draft_day(
        connection,
        replace(request, by_class=True),
        about,
        plan_date=request.end + timedelta(days=1),
        params=AllocationParams(total_h=PLAN_HOURS),
        recent_steps=plan.RECENT_WEEKS,
        now=datetime.now(UTC),
        code_version=version("gridbeat"),
    )
    number = write_plan(
        connection,
        draft,
        jurisdiction_id=about.number,
        trend_run_id=night.run_ids["area_trends"],
        hotspot_run_id=night.run_ids["hotspots"],
    )
    told = plan.told(connection, newest_run_ids(connection, about.number), draft)
    plan.write_files(draft, out, found=told)
    say("findings 发现", "\n" + "\n".join(f"  {zh}\n    {en}" for zh, en in told))
    say("plan 方案", "\n" + "\n".join(plan.describe(draft, number, top=5)))


def _find_more(connection: EngineConnection, about: About, say: Say) -> None:
    """Answer what the night does not ask and the map can show: streets, weeks, both sources."""

    def request(**how: Any) -> CubeRequest:
        return make_request(connection, about, until=None, weeks=WEEKS, **how)

    asked = (
        ask(connection, about, "streets", request(), StreetParams(), streets_m=REACH_M),
        ask(connection, about, "profile", request(step="hour_of_week"), ProfileParams(by="area"),
            level="grid"),
        ask(connection, about, "bias", request(found_by=(*REPORTED, *DISCOVERED)), EquityParams(),
            level="grid"),
    )  # fmt: skip
    told = ", ".join(f"{one.stored.run['kind']} {one.number}" for one in asked)
    say("streets, weeks, sources 街段、时段、来源", told)


def _draw(connection: EngineConnection, about: About, out: Path, say: Say) -> None:
    layers, meta = map.gather(connection, about)
    path = write_map(out / "map.html", layers, meta=meta)
    say("map 地图", f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


def _state(connection: EngineConnection, about: About) -> str:
    """Return what the files in the folder were made from."""
    _, end = data_window(connection, about, until=None, weeks=WEEKS)
    runs = newest_run_ids(connection, about.number)
    return json.dumps({"results": runs, "end": str(end), "version": version("gridbeat")})


def _is_made(out: Path, state: str) -> bool:
    marker = out / STATE
    made = (out / name for name in ("map.html", "plan.csv", "plan.geojson", "summary.html"))
    return (
        marker.is_file()
        and marker.read_text("utf-8") == state
        and all(file.is_file() for file in made)
    )
