"""What tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from web.cli import main


@dataclass(frozen=True)
class Outcome:
    """What one command gave back."""

    code: object
    out: str
    err: str


@pytest.fixture
def gridbeat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Give what runs the command line as its user does, in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        return Outcome(caught.value.code, *capsys.readouterr())

    return run
