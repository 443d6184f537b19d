"""`gridbeat plan visits`: when each grid is visited, drawn so that nobody can foretell it."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import select

from geo.errors import NotFoundError
from geo.models.places import Jurisdiction
from patrol.reasons import UNIT_WORDS
from patrol.store import read_plan
from patrol.visit_times import visit_times
from patrol.visits import VisitParams
from web.opening import begin, open_database


def visits(
    number: Annotated[int, typer.Argument(help="Number of the plan.")],
    shift: Annotated[int | None, typer.Option(help="Only this shift.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only this kind of unit.")] = None,
    dwell: Annotated[float, typer.Option(help="Longest stay, in minutes.")] = 15.0,
    jitter: Annotated[float, typer.Option(help="0 for even times, 0.5 for any time.")] = 0.5,
    seed: Annotated[int | None, typer.Option(help="Default: the plan's own.")] = None,
) -> None:
    """Print when each grid is visited in a plan; the same plan gives the same times.

    Stays of 12 to 15 minutes are what practice guides advise, no finding of this software.
    """
    params = VisitParams(dwell_min=(min(12.0, dwell), dwell), jitter_share=jitter)
    with begin(open_database()) as connection:
        plan = read_plan(connection, number)
        place = Jurisdiction.jurisdiction_id == plan.head["jurisdiction_id"]
        zone = ZoneInfo(connection.scalars(select(Jurisdiction.time_zone).where(place)).one())
    own = plan.head["parameters"].get("allocation", {}).get("seed")
    given = seed if seed is not None else own
    if given is None:
        raise NotFoundError(f"plan {number} was drawn without a lot: say --seed")
    rows = plan.rows
    rows = rows if shift is None else rows[rows["shift_no"] == shift]
    rows = rows if unit is None else rows[rows["unit_kind"] == unit]
    times = visit_times(rows, plan.shifts, seed=int(given), params=params)
    names = {one.shift_no: (one.name_zh, one.name_en) for one in plan.shifts}
    typer.echo(f"{len(times)} visits 次 of plan 方案 {number} {plan.head['plan_date']}")
    for row in times.to_dict("records"):
        begins, ends = (row[key].astimezone(zone) for key in ("begins_at", "ends_at"))
        zh, en = names[row["shift_no"]]
        typer.echo(
            f"  {begins:%H:%M}-{ends:%H:%M}  {row['code']}  {zh if zh == en else f'{zh} {en}'}  "
            f"{UNIT_WORDS[row['unit_kind']][0]} {row['unit_kind']}"
        )
