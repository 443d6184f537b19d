"""Shows how far long work is: one changing line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer

ERASE = "\r\x1b[2K"


class Report(Protocol):
    """Takes one line about how far the work is."""

    def __call__(self, line: str, /) -> None:
        """Show `line`."""


@contextmanager
def progress() -> Iterator[Report]:
    """Give a function that shows one line of progress on stderr; a terminal is left clean."""
    if not sys.stderr.isatty():
        yield lambda line: typer.echo(line, err=True)
        return
    width = shutil.get_terminal_size().columns - 1
    try:
        yield lambda line: typer.echo(f"{ERASE}{line[:width]}", err=True, nl=False)
    finally:
        typer.echo(ERASE, err=True, nl=False)
