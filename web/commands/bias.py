"""`gridbeat bias`: who is watched, who speaks up, and what that does to the figures."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from analytics.bias.listing import EquityParams
from analytics.cube import DISCOVERED, REPORTED
from analytics.fetch import fetch
from analytics.queries import CubeRequest, select_area_codes
from geo.effort_store import read_area_effort
from web.asking import Told, ask, both, figure, make_request
from web.effort_file import read_effort
from web.opening import begin, open_database
from web.options import Jurisdiction, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)
ON_PATROL = ("foot", "vehicle")
Effort = Annotated[
    Path | None,
    typer.Option(help="CSV with code and hours of each grid in the window; else as tracks tell."),
]


@app.command()
def bias(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    effort: Effort = None,
    silent: Annotated[
        float, typer.Option(help="What if a community reports only so often as it should.")
    ] = 0.5,
    top: Top = 40,
) -> None:
    """Compare communities by reports and by patrols' finds, before and after correction.

    Everything else counts reports alone. Finds are shown here, divided by the hours that somebody
    was there to find them; without hours a grid is unknown, never safe.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks,
            found_by=(*REPORTED, *DISCOVERED),
        )  # fmt: skip
        hours = read_effort(effort) if effort else tracked_hours(connection, request, about.zone)
        params = EquityParams(effort_h=hours, silent_rate=silent)
        told = ask(connection, about, "bias", request, params, level="grid")
    typer.echo("\n".join([*told.head("Communities 社区"), *describe(told, top=top), *told.tail()]))


def tracked_hours(
    connection: Connection, request: CubeRequest, zone: ZoneInfo
) -> dict[str, float] | None:
    """Return the hours of patrols by grid code as tracks in the window tell; None without any."""
    begins, ends = (
        datetime.combine(day, time(), tzinfo=zone) for day in (request.start, request.end)
    )
    found = read_area_effort(
        connection, request.jurisdiction_id, begins=begins, ends=ends, sources=ON_PATROL
    )
    if found.empty:
        return None
    codes = fetch(connection, select_area_codes(found["area_id"].astype(int).tolist()))
    hours = found.groupby("area_id")["hours"].sum()
    return {
        code: float(hours[number])
        for number, code in zip(codes["area_id"], codes["code"], strict=True)
    }


def describe(told: Told, *, top: int) -> list[str]:
    """Say what both sources show of each community, and what silence would cost it."""
    method = told.stored.run["parameters"]["method"]
    rows = told.stored.rows.sort_values("score", kind="stable", na_position="last")
    lines = [
        f"  {'reports':>8} {'finds':>6} {'corrected':>9} {'hours':>7} {'before':>7} {'after':>7} "
        f"{'ratio':>6} {'lacking':>8} {'unknown':>8}  community 社区",
        f"  {'上报':>6} {'发现':>4} {'校正后':>6} {'时长':>5} {'校正前':>4} {'校正后':>4} "
        f"{'报/查':>5} {'若少报则缺':>4} {'不明网格':>4}",
    ]
    lines += [_line(row) for row in rows.head(top).to_dict("records")]
    lines += [
        "",
        "before, after 校正前后: share of need 需求占比, finds as they are and by effort",
        "ratio: share of reports / share of corrected finds; well below 1: people report less "
        "than patrols would lead one to expect 明显小于1：上报偏少",
        f"lacking: share of all hours missing if it reported at {method['silent_rate']:g} of the "
        "others' rate all along 若该社区只报其应报的一部分，所缺时长占比",
    ]
    if method["effort_h"] is None:
        lines.append(
            "No patrol hours are known, so finds are not compared: import tracks, or --effort FILE "
            "巡查时长未知，巡查发现不作比较"
        )
    return lines


def _line(row: Any) -> str:
    unknown = f"{row['unknown_units']:.0f}/{row['units']:.0f}"
    return (
        f"  {row['reported']:>8,.0f} {row['found']:>6,.0f} {_known(row, 'found_corrected'):>9} "
        f"{figure(row['effort_h'], ',.0f'):>7} {figure(row['share_before'], '.1%'):>7} "
        f"{_known(row, 'share_after', '.1%'):>7} {figure(row['score'], '.2f'):>6} "
        f"{figure(row['lacking_if_silent'], '.1%'):>8} {unknown:>8}  {row['name']}  "
        f"{both(row['label'])}"
    )


def _known(row: Any, column: str, form: str = ",.0f") -> str:
    return "?" if row["label"] == "unknown" else figure(row[column], form)
