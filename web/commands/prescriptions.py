"""`gridbeat prescriptions`: what is done about each class of problems, and whether it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from analytics.effect import EffectParams
from analytics.queries import CubeRequest
from geo.errors import InputError, NotFoundError
from patrol.prescribe.evaluation import treated_grids
from patrol.prescribe.files import read_csv, read_toml, write_csv, write_toml
from patrol.prescribe.prescription import Prescription, find_prescription
from patrol.prescribe.store import (
    Version,
    in_force,
    read_history,
    read_prescriptions,
    write_prescription,
)
from patrol.reasons import UNIT_WORDS
from patrol.store import read_class_names
from web.asking import ask
from web.commands.effect import describe as describe_effect
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import About, read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Default: today.")]
By = Annotated[str, typer.Option(help="Who changes it.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Since = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: today.")
]
Code = Annotated[str, typer.Argument(help="Code of the class, or two digits of its group.")]


@app.command("list")
def list_all(day: Day = None, jurisdiction: Jurisdiction = None) -> None:
    """List what is prescribed for each class on a day."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = read_prescriptions(connection, about.number, day=_day(about, day))
        names = read_class_names(connection)
    typer.echo("\n".join(_line(code, one, names) for code, one in found.items()))


@app.command()
def show(code: Code, day: Day = None, jurisdiction: Jurisdiction = None) -> None:
    """Show what is prescribed for one class, in full."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = read_prescriptions(connection, about.number, day=_day(about, day))
        names = read_class_names(connection)
    item = find_prescription(code, {one: version.item for one, version in found.items()})
    if item is None:
        raise NotFoundError(f"nothing is prescribed for class {code!r} on that day")
    typer.echo("\n".join(_in_full(found[item.code], code, names)))


@app.command()
def history(code: Code, jurisdiction: Jurisdiction = None) -> None:
    """List every version of a class's prescription: from when, by whom, why."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        versions = read_history(connection, about.number, code)
    for one in versions:
        since = "shipped 出厂" if one.valid_from is None else f"from {one.valid_from} 起"
        gone = "  RETIRED 停用" if one.retired else ""
        typer.echo(f"  v{one.version} {since}  {_what(one.item)}{gone}")
        if one.changed_by:
            typer.echo(f"      {one.changed_by}: {one.reason}")


@app.command()
def edit(
    code: Code,
    by: By,
    reason: Reason,
    means: Annotated[
        list[str] | None, typer.Option(help="A kind of unit, the best first; several.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(help="When to go, as 17:00-20:00; 'any' for no window.")
    ] = None,
    dwell: Annotated[int | None, typer.Option(help="Minutes of a visit.")] = None,
    check_zh: Annotated[list[str] | None, typer.Option(help="Checklist, Chinese; several.")] = None,
    check_en: Annotated[list[str] | None, typer.Option(help="Checklist, English; several.")] = None,
    evidence_zh: Annotated[str | None, typer.Option(help="What to bring back, Chinese.")] = None,
    evidence_en: Annotated[str | None, typer.Option(help="What to bring back, English.")] = None,
    retire: Annotated[
        bool, typer.Option("--retire", help="No prescription of its own any more.")
    ] = False,
    since: Since = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Change what is prescribed for a class from a day on; earlier versions stay."""
    given: dict[str, Any] = {
        "means": tuple(means) if means else None, "dwell_min": dwell,
        "checklist_zh": tuple(check_zh) if check_zh else None,
        "checklist_en": tuple(check_en) if check_en else None,
        "evidence_zh": evidence_zh, "evidence_en": evidence_en,
    }  # fmt: skip
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        day = _day(about, since)
        stands = find_prescription(code, in_force(connection, about.number, day=day))
        if stands is None:
            raise NotFoundError(f"class {code!r} has no prescription yet: import one from a file")
        changed = {key: value for key, value in given.items() if value is not None}
        item = replace(stands, code=code, **changed)
        if window is not None:
            begins, ends = _window(window)
            item = replace(item, window_from=begins, window_to=ends)
        number = write_prescription(
            connection, about.number, item, valid_from=day, person=by, reason=reason,
            now=datetime.now(UTC), retired=retire,
        )  # fmt: skip
    typer.echo("nothing changed 未变" if number is None else f"{code} v{number} from {day} 起")


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(help="TOML or CSV.", exists=True, dir_okay=False)],
    by: By,
    reason: Reason,
    since: Since = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Take in prescriptions from a file; what stands as it is stays, all of a file or none."""
    read = _formats(path)[0]
    try:
        items = read(path.read_text("utf-8-sig"), name=path.name)
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8; save it as UTF-8") from error
    new = 0
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        day, now = _day(about, since), datetime.now(UTC)
        for item in items:
            number = write_prescription(
                connection, about.number, item, valid_from=day, person=by, reason=reason, now=now
            )
            new += number is not None
    typer.echo(f"{new} new versions 新版本, {len(items) - new} as they stand 未变")


@app.command("export")
def export_file(
    path: Annotated[Path, typer.Argument(help="File to write, .toml or .csv.")],
    day: Day = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Write what is prescribed on a day as TOML or CSV, to edit and take in again."""
    write = _formats(path)[1]
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        found = in_force(connection, about.number, day=_day(about, day))
    path.write_bytes(write(list(found.values())))
    typer.echo(f"wrote {path}: {len(found)} prescriptions")


@app.command()
def effect(
    code: Code,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Default: the newest version's day."),
    ] = None,
    treated: Annotated[
        list[str] | None, typer.Option(help="Grid where it was followed; default: as plans say.")
    ] = None,
    control: Annotated[
        list[str] | None, typer.Option(help="Grid to compare with; default: all others.")
    ] = None,
    before: Annotated[int, typer.Option(min=1, help="Weeks before it.")] = 8,
    after: Annotated[int, typer.Option(min=1, help="Weeks from it on.")] = 8,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Compare a class before and after its prescription changed, beside grids without it."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        day = since.date() if since else _newest_day(connection, about, code)
        last = day + timedelta(weeks=after)
        sent, others = treated_grids(connection, about.number, code, start=day, end=last)
        own = tuple(treated) if treated else sent
        if not own:
            raise NotFoundError(
                f"no plan in force from {day} on sent anybody for class {code!r}: name the grids "
                "with --treated"
            )
        beside = tuple(control) if control else tuple(c for c in others if c not in own)
        params = EffectParams(since=str(day), treated=own, control=beside)
        request = CubeRequest(
            about.number, day - timedelta(weeks=before), last, step="day", classes=(code,)
        )
        told = ask(connection, about, "effect", request, params, level="grid")
    title = f"Prescription 处方 {code}: before and after 前后对比 {day}"
    lines = [*told.head(title), *describe_effect(told)]
    lines.append(
        "  Plans go where it is worst, and the worst falls back by itself: a fall here is no proof "
        "without grids held out. 计划优先最差网格，均值回归也会使其下降；无对照不足为证。"
    )
    typer.echo("\n".join([*lines, *told.tail()]))


def _newest_day(connection: Connection, about: About, code: str) -> date:
    day = read_history(connection, about.number, code)[-1].valid_from
    if day is None:
        raise NotFoundError(f"class {code!r} still has the shipped prescription: say --from a day")
    return day


def _day(about: About, given: datetime | None) -> date:
    return given.date() if given else datetime.now(about.zone).date()


def _window(words: str) -> tuple[time | None, time | None]:
    if words == "any":
        return None, None
    try:
        begins, ends = (time.fromisoformat(part.strip()) for part in words.split("-"))
    except ValueError as error:
        raise typer.BadParameter(f"{words!r} is no window; write 17:00-20:00 or any") from error
    return begins, ends


def _formats(
    path: Path,
) -> tuple[Callable[..., list[Prescription]], Callable[[list[Prescription]], bytes]]:
    ending = path.suffix.lower()
    if ending == ".toml":
        return read_toml, lambda items: write_toml(items).encode()
    if ending == ".csv":
        return read_csv, write_csv
    raise InputError(f"{path.name}: prescriptions are TOML or CSV, by the file's ending")


def _what(item: Prescription) -> str:
    when = "any time 不限时"
    if item.window_from is not None and item.window_to is not None:
        when = f"{item.window_from:%H:%M}-{item.window_to:%H:%M}"
    means = "、".join(f"{UNIT_WORDS[kind][0]} {kind}" for kind in item.means)
    return f"{means}; {when}; {item.dwell_min} min"


def _line(code: str, one: Version, names: Mapping[str, tuple[str, str]]) -> str:
    zh, en = names.get(code, ("该组其他类", "others of the group"))
    own = "" if one.version == 0 else f"  v{one.version}"
    return f"  {code:<5} {zh} {en}: {_what(one.item)}{own}"


def _in_full(one: Version, code: str, names: Mapping[str, tuple[str, str]]) -> list[str]:
    item = one.item
    points = zip(item.checklist_zh, item.checklist_en, strict=True)
    through = "" if item.code == code else f" (by group 按大类 {item.code})"
    by = (
        "shipped 出厂"
        if one.version == 0
        else f"v{one.version} from {one.valid_from}, {one.changed_by}: {one.reason}"
    )
    return [
        _line(code, one, names) + through,
        f"  {by}",
        *(f"  {n}. {zh} / {en}" for n, (zh, en) in enumerate(points, start=1)),
        f"  evidence 证据: {item.evidence_zh} / {item.evidence_en}",
    ]
