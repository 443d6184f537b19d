"""`gridbeat cameras`: what they see, cover and miss, whether they may stand, and what to watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from geo.camera_store import read_cameras, read_views, update_views
from geo.errors import InputError
from geo.visibility.cameras import LookParams
from patrol.camera_store import record_finding, write_round
from patrol.camera_survey import (
    SiteWish,
    Survey,
    SurveyRequest,
    describe_round,
    read_survey,
    survey_blind_spots,
    survey_coverage,
    survey_incidents,
    survey_round,
    survey_sites,
)
from patrol.coverage.blind_spots import BlindParams
from patrol.coverage.cameras import Addition, Move, change_cameras, compare_coverage
from patrol.coverage.compliance import check_cameras, compliance_csv, count_breaches
from patrol.look_store import note_looks
from patrol.rounds.schedule import RoundParams
from patrol.rounds.sheet import round_html
from patrol.siting.cover import SitingParams
from patrol.watched import watch_place
from web import camera_words as words
from web.camera_map import camera_layers
from web.maps.render import write_map
from web.opening import begin, open_database
from web.options import Jurisdiction, Until, Weeks
from web.subject import About, data_window, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help=__doc__)

Edition = Annotated[Literal["2015", "2025"], typer.Option(help="Edition of IEC 62676-4.")]
Purpose = Annotated[
    str | None, typer.Option(help="Its class; default: observe (2015), discern (2025).")
]
Assume = Annotated[
    float | None,
    typer.Option(help="Take cameras of unknown direction to see all round so many metres."),
]
Top = Annotated[int, typer.Option(min=1, help="How many rows to print.")]
Out = Annotated[Path | None, typer.Option(help="File to write all rows to.")]


@app.command()
def views(
    jurisdiction: Jurisdiction = None,
    edition: Edition = "2015",
    purpose: Purpose = None,
    assume_range_m: Assume = None,
    out: Out = None,
) -> None:
    """Compute what cameras see, again only where camera, buildings or parameters changed."""
    params = _params(edition, purpose, assume_range_m)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        counts = update_views(
            connection, about.number, srid=about.srid, params=params, now=datetime.now(UTC),
            code_version=version("gridbeat"),
        )  # fmt: skip
        found = read_views(connection, about.number)
    _print(words.say_views(counts, found, params))
    if out is not None:
        plain = found.drop(columns="parameters").assign(made_at=found["made_at"].astype(str))
        _write(out, plain.to_json(drop_id=True).encode())


@app.command()
def coverage(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    edition: Edition = "2015",
    purpose: Purpose = None,
    assume_range_m: Assume = None,
    spacing_m: Annotated[float, typer.Option(min=1, help="Points on the ground, metres.")] = 5.0,
    off: Annotated[list[int] | None, typer.Option(help="What if: this camera is off.")] = None,
    move: Annotated[list[str] | None, typer.Option(help="What if: CAMERA:LON,LAT,AZIMUTH.")] = None,
    add: Annotated[
        list[str] | None, typer.Option(help="What if: LON,LAT,AZIMUTH,FOV,RANGE[,HEIGHT].")
    ] = None,
    top: Top = 10,
    out: Out = None,
) -> None:
    """Share of ground, streets and reports that working cameras see; what-if with other cameras."""
    params = _params(edition, purpose, assume_range_m)
    with begin(open_database()) as connection:
        survey = _survey(connection, jurisdiction, until, weeks, params, spacing_m)[1]
    table = survey_coverage(survey)
    if off or move or add:
        changed = change_cameras(
            survey.cameras, off=off or (), moved=[_move(one) for one in move or ()],
            added=[_addition(one) for one in add or ()],
        )  # fmt: skip
        table = compare_coverage(table, survey_coverage(survey.with_cameras(changed)))
        _print(words.say_change(table, top=top))
    else:
        _print(words.say_coverage(table, top=top))
        _print(words.say_incidents(*survey_incidents(survey), top=top))
    if out is not None:
        _write(out, table.to_csv(index=False).encode("utf-8-sig"))


@app.command("blind-spots")
def blind_spots(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    edition: Edition = "2015",
    purpose: Purpose = None,
    assume_range_m: Assume = None,
    cell_m: Annotated[float, typer.Option(min=10, help="Side of a cell, metres.")] = 50.0,
    top: Top = 10,
    out: Out = None,
) -> None:
    """Ground that no camera sees, by the reports that are expected there; --out as GeoJSON."""
    params = _params(edition, purpose, assume_range_m)
    with begin(open_database()) as connection:
        survey = _survey(connection, jurisdiction, until, weeks, params, 5.0)[1]
    spots = survey_blind_spots(survey, cell_size_m=cell_m, params=BlindParams(top=max(top, 200)))
    _print(words.say_blind_spots(spots, top=top))
    if out is not None:
        _write(out, spots.to_crs(4326).to_json(drop_id=True).encode())


@app.command("map")
def draw(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    edition: Edition = "2015",
    purpose: Purpose = None,
    assume_range_m: Assume = None,
    cell_m: Annotated[float, typer.Option(min=10, help="Side of a cell, metres.")] = 50.0,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Languages.")] = "both",
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("cameras.html"),
) -> None:
    """Draw views and blind spots on one offline page."""
    params = _params(edition, purpose, assume_range_m)
    with begin(open_database()) as connection:
        about, survey = _survey(connection, jurisdiction, until, weeks, params, 5.0)
        spots = survey_blind_spots(survey, cell_size_m=cell_m, params=BlindParams(top=200))
        first, end = data_window(
            connection, about, until=until.date() if until else None, weeks=weeks
        )
        layers, meta = camera_layers(connection, about, survey, spots, window=(first, end))
    typer.echo(f"wrote {write_map(out, layers, meta=meta, lang=lang)}; open it in any browser")


@app.command()
def compliance(
    jurisdiction: Jurisdiction = None,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Default: today.")
    ] = None,
    top: Top = 10,
    out: Out = None,
) -> None:
    """Cameras unfiled, without a sign, with wrong retention or in a forbidden place; --out CSV."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        cameras = read_cameras(connection, about.number)
    now = datetime.now(ZoneInfo(about.time_zone))
    breaches = check_cameras(cameras, today=(today or now).date())
    typer.echo(
        f"{len(cameras):,} cameras 摄像机, {breaches['camera_id'].nunique():,} to mend 需整改"
    )
    _print(words.say_compliance(count_breaches(breaches), breaches, top=top))
    if out is not None:
        _write(out, compliance_csv(breaches))


@app.command()
def sites(
    count: Annotated[int, typer.Argument(min=1, help="How many sites to choose.")],
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    kind: Annotated[Literal["camera", "post"], typer.Option(help="What stands there.")] = "camera",
    range_m: Annotated[float, typer.Option(help="Range or radius, metres.")] = 80.0,
    fov: Annotated[float, typer.Option(help="Field of view, degrees.")] = 360.0,
    spacing_m: Annotated[float, typer.Option(help="Candidates along streets, metres.")] = 50.0,
    assume_range_m: Assume = None,
    gap: Annotated[float, typer.Option(help="Proved gap to stop at.")] = 0.004,
    time_limit_s: Annotated[float, typer.Option(help="Longest search, seconds.")] = 60.0,
    top: Top = 10,
    out: Out = None,
) -> None:
    """Where the next cameras (or stations, patrol posts) pay most; --out as GeoJSON."""
    params = _params("2015", None, assume_range_m)
    wish = SiteWish(kind=kind, range_m=range_m, fov_deg=fov, spacing_m=spacing_m)
    with begin(open_database()) as connection:
        survey = _survey(connection, jurisdiction, until, weeks, params, 25.0)[1]
    found, choice = survey_sites(
        survey, wish, SitingParams(n_sites=count, gap=gap, time_limit_s=time_limit_s)
    )
    _print(words.say_sites(found, choice, top=top))
    if out is not None:
        _write(out, found.to_json(drop_id=True).encode())


@app.command()
def rounds(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Local start; default: the next full hour."),
    ] = None,
    hours: Annotated[float, typer.Option(help="Length of the shift.")] = 8.0,
    watchers: Annotated[int, typer.Option(min=1, help="People at the desk.")] = 2,
    screens: Annotated[int, typer.Option(min=1, help="Cameras each looks at in a slot.")] = 4,
    slot_min: Annotated[int, typer.Option(min=1, help="Minutes of a slot.")] = 5,
    seed: Annotated[int, typer.Option(help="For the jitter of the order.")] = 0,
    assume_range_m: Assume = None,
    store: Annotated[bool, typer.Option(help="Keep the round in the database.")] = True,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Languages.")] = "both",
    top: Top = 12,
    out: Out = None,
) -> None:
    """Which cameras a desk looks at, when, by need and time since the last look; --out HTML."""
    params = RoundParams(watchers=watchers, screens=screens, slot_min=slot_min)
    with begin(open_database()) as connection:
        about, survey = _survey(
            connection, jurisdiction, until, weeks, _params("2015", None, assume_range_m), 25.0
        )
        begins = _start(start, about)
        looks = survey_round(connection, survey, params, starts_at=begins, hours=hours, seed=seed)
        number = write_round(
            connection, about.number, looks, starts_at=begins,
            ends_at=begins + timedelta(hours=hours), watchers=watchers,
            parameters=describe_round(params, survey, seed), code_version=version("gridbeat"),
        ) if store else None  # fmt: skip
    _print(words.say_round(looks, number, top=top))
    if out is not None:
        page = round_html(looks, name_zh=about.name_zh, name_en=about.name_en,
                          simulated=about.simulated, lang=lang)  # fmt: skip
        _write(out, page.encode())


Moment = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%dT%H:%M"], help="Local time; default: now."),
]


@app.command()
def look(
    looks: Annotated[list[int], typer.Argument(help="Numbers of looks, as a round lists them.")],
    at: Moment = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Note looks as done: what they saw counts as seen, and the desk's time as effort."""
    now = datetime.now(UTC)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        moment = at.replace(tzinfo=ZoneInfo(about.time_zone)) if at else now
        noted = note_looks(
            connection, watch_place(connection, about.code, now=now), looks,
            looked_at=[moment] * len(looks), now=now,
        )  # fmt: skip
    typer.echo(f"{noted.new} of {len(looks)} looks noted 已登记, {noted.cells} cells seen 看到单元")
    if noted.unseen:
        typer.echo(
            f"no view is known of cameras 视域未知 {', '.join(map(str, noted.unseen))}: "
            "`gridbeat cameras views` computes them; nothing counts as seen by these looks"
        )


@app.command()
def find(
    number: Annotated[int, typer.Argument(metavar="LOOK", help="The look that it was seen in.")],
    category: Annotated[str, typer.Argument(help="Code of the class, or scheme/code.")],
    place: Annotated[str, typer.Argument(metavar="LON,LAT", help="Where, WGS-84.")],
    at: Moment = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Report what was seen: an incident found by camera; the look counts as done."""
    now = datetime.now(UTC)
    lon, lat = _lon_lat(place)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        moment = at.replace(tzinfo=ZoneInfo(about.time_zone)) if at else now
        watched = watch_place(connection, about.code, now=now)
        note_looks(connection, watched, [number], looked_at=[moment], now=now)
        incident = record_finding(
            connection, number, category=category, at=moment, lon=lon, lat=lat, now=now
        )
    typer.echo(f"incident 事件 {incident}, found by camera 视频发现, look 查看 {number}")


def _lon_lat(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{text!r} is not LON,LAT") from None
    return lon, lat


def _params(
    edition: Literal["2015", "2025"], purpose: str | None, assumed: float | None
) -> LookParams:
    usual = {"2015": "observe", "2025": "discern"}[edition]
    return LookParams(purpose=purpose or usual, edition=edition, assumed_range_m=assumed)


def _survey(
    connection: Connection, code: str | None, until: datetime | None, weeks: int,
    params: LookParams, spacing_m: float,
) -> tuple[About, Survey]:  # fmt: skip
    about = read_about(connection, code)
    first, end = data_window(connection, about, until=until.date() if until else None, weeks=weeks)
    request = SurveyRequest(about.number, about.srid, about.time_zone, first, end, spacing_m)
    return about, read_survey(connection, request, params)


def _start(start: datetime | None, about: About) -> datetime:
    zone = ZoneInfo(about.time_zone)
    if start is not None:
        return start.replace(tzinfo=zone)
    now = datetime.now(zone)
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _move(text: str) -> Move:
    number, _, rest = text.partition(":")
    try:
        lon, lat, azimuth = (float(part) if part.strip() else None for part in rest.split(","))
        return Move(int(number), lon, lat, azimuth)
    except ValueError:
        raise InputError(f"--move {text!r} is not CAMERA:LON,LAT,AZIMUTH") from None


def _addition(text: str) -> Addition:
    try:
        parts = [float(part) for part in text.split(",")]
        return Addition(*parts)
    except (ValueError, TypeError):
        raise InputError(f"--add {text!r} is not LON,LAT,AZIMUTH,FOV,RANGE[,HEIGHT]") from None


def _print(lines: list[str]) -> None:
    typer.echo("\n".join(lines))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    typer.echo(f"wrote {path}")
