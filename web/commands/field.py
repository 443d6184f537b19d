"""`gridbeat field`: what tablets sent, deleted in time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from web.audit.log import command_line_entry, write_entry_of_store
from web.field.retention import FieldSettings, count_entries, purge_entries
from web.opening import begin, open_database

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="What tablets sent, deleted in time. 移动端记录",
)  # fmt: skip


@app.callback()
def field() -> None:
    """Keep what tablets sent no longer than it serves."""


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option(help="Only say how many would go.")] = False,
) -> None:
    """Delete entries older than GRIDBEAT_FIELD_KEEP_DAYS (90); the worker does this every day."""
    days, now = FieldSettings().keep_days, datetime.now(UTC)
    with begin(open_database()) as connection:
        if dry_run:
            old, all_of_them = count_entries(connection, now=now, keep_days=days)
            typer.echo(f"{old} of {all_of_them} entries would be deleted 将删除")
            return
        gone = purge_entries(connection, now=now, keep_days=days)
        entry = command_line_entry("field entries purged", keep_days=days, deleted=gone)
        write_entry_of_store(connection, entry)
    typer.echo(f"{gone} entries deleted 已删除")
