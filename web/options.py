"""The options that several commands share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

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
