"""`gridbeat audit`: check the log of who did what."""

from __future__ import annotations

from typing import Annotated

import typer

from geo.errors import ConflictError
from web.audit.verify import verify_log
from web.opening import begin, open_database

app = typer.Typer(
    help="Check the log of who did what.", no_args_is_help=True, add_completion=False,
    rich_markup_mode=None,
)  # fmt: skip


@app.callback()
def audit() -> None:
    """Check the log of who did what."""


@app.command()
def verify(
    anchor: Annotated[
        str | None, typer.Option(help="What an earlier check printed, kept elsewhere.")
    ] = None,
) -> None:
    """Compute every digest of the log again; print the newest to keep elsewhere."""
    with begin(open_database()) as connection:
        verdict = verify_log(connection, anchor=anchor)
    if verdict.broken_at is not None:
        raise ConflictError(
            f"the audit log does not hold at entry {verdict.broken_at}: {verdict.reason}"
        )
    typer.echo(f"{verdict.entries} entries hold 审计记录完整\nanchor 锚点: {verdict.anchor}")
