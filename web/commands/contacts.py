"""`gridbeat contacts`: how reporters can be reached: keys, one contact with a reason, the purge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from geo.errors import InputError
from governance.intake.contacts import (
    ContactSettings,
    count_contacts,
    open_contact,
    purge_contacts,
)
from governance.intake.sealing import make_key
from web.audit.log import command_line_entry, write_entry_of_store
from web.opening import begin, open_database

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Contacts of reporters: sealed, opened with a reason, purged in time. 联系方式",
)  # fmt: skip


@app.command()
def key() -> None:
    """Print a new key for GRIDBEAT_CONTACT_KEY; keep it apart from the database's backups."""
    typer.echo(make_key())


@app.command()
def status() -> None:
    """Count contacts that are kept, and those past their time."""
    settings = ContactSettings()
    with begin(open_database()) as connection:
        found = count_contacts(connection, now=datetime.now(UTC), keep_days=settings.keep_days)
    sealing = "set 已设置" if settings.key else "not set 未设置: no contact can be kept"
    typer.echo(
        f"{found.kept} contacts kept 保存中, {found.due} past {settings.keep_days} days 已到期; "
        f"key 密钥: {sealing}"
    )


@app.command()
def show(
    report: Annotated[str, typer.Argument(help="Number of the report.")],
    reason: Annotated[str, typer.Option(help="Why; it is written down.")],
) -> None:
    """Open one contact; who opened it and why is written down."""
    number = _number(report)
    entry = command_line_entry("contact opened", about=report, reason=reason)
    with begin(open_database()) as connection:
        found = open_contact(
            connection, number, keys=ContactSettings().keys(), actor=entry.actor, reason=reason
        )
        write_entry_of_store(connection, entry)
    typer.echo(f"{found.name}  {found.phone}  {found.wish}".strip())


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option(help="Only say how many would go.")] = False,
) -> None:
    """Delete contacts whose days since the call-back are over; the worker does this every day."""
    settings, now = ContactSettings(), datetime.now(UTC)
    with begin(open_database()) as connection:
        if dry_run:
            found = count_contacts(connection, now=now, keep_days=settings.keep_days)
            typer.echo(f"{found.due} of {found.kept} contacts would be deleted 将删除")
            return
        entry = command_line_entry("contacts purged", keep_days=settings.keep_days)
        gone = purge_contacts(connection, now=now, keep_days=settings.keep_days, actor=entry.actor)
        write_entry_of_store(connection, entry)
    typer.echo(f"{gone} contacts deleted 已删除")


def _number(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no number of a report; it looks like a UUID") from error
