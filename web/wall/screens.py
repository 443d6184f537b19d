"""Screens of a wall: `north-2of6` is the second of six screens of the wall `north`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from geo.errors import InputError
from web.auth.principal import Principal

MAIN = "main"
_WALL = re.compile(r"[a-z0-9-]{1,40}")
_SCREEN = re.compile(r"(?:([a-z0-9-]{1,40})-)?([1-9][0-9]?)of([1-9][0-9]?)")


@dataclass(frozen=True)
class Screen:
    """One screen of a wall."""

    wall: str
    number: int = 1
    of: int = 1


def parse_screen(text: str) -> Screen:
    """Return the screen of a name; a name without ``NofM`` is a wall of one screen.

    Raises
    ------
    InputError
        It is no name of a screen.

    Examples
    --------
    >>> parse_screen("2of6")
    Screen(wall='main', number=2, of=6)
    >>> parse_screen("north-2of6").wall
    'north'
    """
    found = _SCREEN.fullmatch(text.lower())
    if found is not None:
        screen = Screen(found[1] or MAIN, int(found[2]), int(found[3]))
        if screen.number > screen.of:
            raise InputError(
                f"screen {text!r}: there is no screen {screen.number} of {screen.of}",
                code="bad-screen",
            )
        return screen
    if _WALL.fullmatch(text.lower()) is None:
        raise InputError(
            f"screen {text[:60]!r} is not of the form 2of6 or north-2of6", code="bad-screen"
        )
    return Screen(text.lower())


def wall_of(principal: Principal, asked: str | None) -> str:
    """Return the wall that somebody follows: a bound screen's own, whatever it asks for."""
    if principal.screen is not None:
        return parse_screen(principal.screen).wall
    return parse_screen(asked).wall if asked else MAIN
