"""The options that several commands share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

Jurisdiction = Annotated[
    str | None,
    typer.Option("--jurisdiction", "-j", help="Code; needed where there are several."),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Last day of the data; default: the last incident's."),
]
Weeks = Annotated[int, typer.Option(min=4, help="Length of the data window in weeks.")]
Category = Annotated[
    list[str] | None,
    typer.Option(help="Only this class (code); may be given several times."),
]
Cell = Annotated[float, typer.Option(min=10, help="Cell size in metres.")]
Hexagons = Annotated[bool, typer.Option("--hexagons", help="Hexagonal cells, with --cell.")]
OnStreets = Annotated[
    bool, typer.Option("--streets", help="Street segments between junctions, not areas.")
]
Top = Annotated[int, typer.Option(min=1, help="How many to print.")]
Seed = Annotated[int, typer.Option(help="Seed of what is drawn at random.")]
Level = Annotated[
    Literal["grid", "community", "street", "district"], typer.Option(help="Areas to count in.")
]
Language = Annotated[Literal["zh", "en", "both"], typer.Option("--lang", help="Languages.")]
