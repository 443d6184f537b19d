"""The options of `gridbeat plan`: what each says of hours, shifts, kinds and rules."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from web.commands.plan_day import Objective as Goal

OPTIONAL = ("results", "forecast", "routes", "rounds", "flights")

TotalHours = Annotated[float | None, typer.Option(help="Patrol hours to give, a multiple of 0.25.")]
PlanDate = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Day to plan; default: tomorrow."),
]
Floor = Annotated[
    int | None,
    typer.Option(help="Minutes that every grid gets; default: 30 of --hours, else 15."),
]
Cap = Annotated[float | None, typer.Option(help="Most hours of one grid.")]
Explore = Annotated[
    float | None,
    typer.Option(help="Share where least is known; default: 0.10 of --hours, else 0.05."),
]
MostRows = Annotated[int, typer.Option(min=1, help="How many grids to print.")]
Folder = Annotated[
    Path | None, typer.Option(help="Folder for plan.csv, plan.geojson and the summary.")
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(help=f"Leave out: {', '.join(OPTIONAL)}. May be repeated."),
]
Shifts = Annotated[
    list[str] | None,
    typer.Option(help="A shift, such as 08:00-16:00 or 22:00-06:00=夜班/night; several."),
]
Units = Annotated[
    list[str] | None,
    typer.Option(help="Hours of a kind in each shift: foot=40, or foot=40,32,16; several."),
]
Days = Annotated[
    int, typer.Option(min=1, max=7, help="Days that one plan shares, such as 7, from --date on.")
]
OnDuty = Annotated[
    bool, typer.Option("--on-duty", help="Kinds and hours as the calendar of shifts says.")
]
Objective = Annotated[
    Goal, typer.Option(help="Need covered of all, the worst community's, or both.")
]
Fairness = Annotated[
    float | None,
    typer.Option(help="Weight of the worst community; default: by --fairness-price."),
]
FairnessPrice = Annotated[
    float, typer.Option(help="Share of the coverage given up for the worst community at most.")
]
Lot = Annotated[float, typer.Option(help="Share drawn by lot, with shifts or kinds.")]
Cover = Annotated[
    float, typer.Option(help="Hours in a shift that cover 63 % of its need: an assumption.")
]
Caution = Annotated[float, typer.Option(help="0 plans for the forecast, 1 for its upper end.")]
Method = Annotated[
    Literal["exact", "greedy"], typer.Option(help="How shifts and kinds are shared.")
]
HoldOut = Annotated[
    list[str] | None,
    typer.Option(help="Code of a grid kept at its floor to compare with; several."),
]
AskedBy = Annotated[str | None, typer.Option(help="Who asks for the hold-outs.")]
Seed = Annotated[int | None, typer.Option(help="Of the lot; default: unforeseeable.")]
