"""`gridbeat worker`: does the jobs that people ask for."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from web.jobs.queue import WorkerParams, work
from web.opening import open_database

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def worker(
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Jobs at the same time.")] = 1,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when nothing is left to do.")
    ] = False,
) -> None:
    """Do the jobs that people ask for, until stopped; a killed worker's are done by the next."""
    asyncio.run(work(open_database(), WorkerParams(at_once=at_once, wait=not until_empty)))
