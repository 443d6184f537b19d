"""`gridbeat links`: other platforms that cases go out to, and what waits for them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from sqlalchemy import select, text, update

from geo.errors import NotFoundError
from governance.links.store import LinkSettings, list_links, write_link
from governance.models.links import Link, Outbox
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Other platforms that cases go out to. 上级平台对接",
)  # fmt: skip


@app.command("set")
def set_link(
    code: Annotated[str, typer.Argument(help="Short code, such as district.")],
    url: Annotated[str, typer.Option(help="Where messages go: https.")],
    name: Annotated[str, typer.Option(help="Name of the platform.")],
    from_level: Annotated[
        Literal["grid", "community", "street", "district"],
        typer.Option(help="Cases of this level and above go out."),
    ] = "district",
    active: Annotated[bool, typer.Option(help="Off keeps what waits.")] = True,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Add a link, or change the one with this code; its secret is in GRIDBEAT_LINK_SECRETS."""
    LinkSettings().secret(code)
    with begin(open_database()) as connection:
        number = write_link(
            connection, read_about(connection, jurisdiction).number, code=code, name=name, url=url,
            from_level=from_level, active=active,
        )  # fmt: skip
    typer.echo(f"link {number}: {code} -> {url}")


@app.command("list")
def show(jurisdiction: Jurisdiction = None) -> None:
    """Print the links with what waits, was sent and was given up."""
    with begin(open_database()) as connection:
        rows = list_links(connection, read_about(connection, jurisdiction).number)
    for row in rows:
        state = "" if row.active else " (off 停用)"
        typer.echo(
            f"{row.code}{state}  from {row.from_level}  {row.url}  waiting 待发 {row.waiting}, "
            f"sent 已发 {row.sent}, given up 放弃 {row.given_up}"
        )
    typer.echo(f"{len(rows)} links 个对接")


@app.command()
def outbox(
    most: Annotated[int, typer.Option(min=1, help="How many to print.")] = 20,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print messages that wait or were given up, with the last error."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        rows = connection.execute(
            select(Outbox.outbox_id, Link.code, Outbox.status, Outbox.tries, Outbox.written_at,
                   Outbox.last_error, Outbox.body)
            .join(Link, Link.link_id == Outbox.link_id)
            .where(Link.jurisdiction_id == about.number, Outbox.status != "sent")
            .order_by(Outbox.outbox_id).limit(most)
        ).all()  # fmt: skip
    for row in rows:
        typer.echo(
            f"{row.outbox_id:>6}  {row.code}  {row.status}  tries {row.tries}  "
            f"{row.body['number']} {row.body['action']}  {row.last_error or ''}"
        )
    typer.echo(f"{len(rows)} messages 条消息")


@app.command()
def retry(
    number: Annotated[int, typer.Argument(help="Number of a message that was given up.")],
) -> None:
    """Queue a message that was given up once more."""
    with begin(open_database()) as connection:
        found = connection.execute(
            update(Outbox).where(Outbox.outbox_id == number, Outbox.status == "given_up")
            .values(status="waiting").returning(Outbox.outbox_id)
        ).one_or_none()  # fmt: skip
        if found is None:
            raise NotFoundError(f"there is no message {number} that was given up")
        connection.execute(_QUEUE, {"number": number})
    typer.echo(f"message {number} is queued again 已重新排队")


_QUEUE = text(
    "SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[ROW('gridbeat', 'gridbeat.deliver', 0, NULL, "
    "NULL, jsonb_build_object('outbox_id', CAST(:number AS bigint)), NULL)"
    "\\:\\:jobs.procrastinate_job_to_defer_v1])"
)
