"""One question from the command line: counted, answered, stored, and ready to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any, Literal

from sqlalchemy import Connection

from analytics.answers import SEED, answer
from analytics.cube_store import read_lattice
from analytics.queries import CubeRequest
from analytics.results import LABELS, label_text
from analytics.scan_null import Tell
from analytics.steps import Step
from analytics.store import Origin, StoredResult, read_result, write_found
from analytics.street_store import read_streets
from geo.errors import InputError
from geo.lattice.frame import Kind
from patrol.store import read_class_names
from web.subject import About, data_window

Lang = Literal["zh", "en", "both"]


@dataclass(frozen=True, eq=False)
class Told:
    """An answer as it was stored, and what is needed to put it in words.

    Attributes
    ----------
    number
        Of the stored result.
    stored
        The result read back: what is printed is what is kept.
    names
        Class code -> Chinese and English name.
    """

    about: About
    number: int
    stored: StoredResult
    names: Mapping[str, tuple[str, str]]

    def class_name(self, code: str) -> str:
        """Return a class in both languages."""
        if code == "all":
            return "各类 all classes"
        zh, en = self.names.get(code, (code, code))
        return zh if zh == en else f"{zh} {en}"

    def head(self, what: str) -> list[str]:
        """Return the first lines: place, window, how many rows of which label."""
        run = self.stored.run
        first, last = run["window_from"], run["window_to"] - timedelta(microseconds=1)
        labels = ", ".join(
            f"{number:,} {both(label)}" for label, number in run["summary"]["labels"].items()
        )
        simulated = "  SIMULATED 模拟" if self.about.simulated else ""
        zone = self.about.zone
        return [
            f"{self.about.name_zh} {self.about.name_en}: "
            f"{first.astimezone(zone):%Y-%m-%d} .. {last.astimezone(zone):%Y-%m-%d}{simulated}",
            f"{what}: {labels or 'nothing found 无发现'}",
        ]

    def tail(self) -> list[str]:
        """Return the last lines: where it is stored, and how to make it again."""
        return [
            "",
            f"stored as result 结果编号 {self.number}; again 重算: "
            f"gridbeat results show {self.number} --again",
        ]


def ask(
    connection: Connection,
    about: About,
    kind: str,
    request: CubeRequest,
    params: Any,
    *,
    cell_m: float | None = None,
    level: str | None = None,
    hexagons: bool = False,
    streets_m: float | None = None,
    seed: int = SEED,
    tell: Tell = lambda stage: None,
) -> Told:
    """Answer a question, store the answer, and read it back.

    Parameters
    ----------
    cell_m, hexagons, streets_m, level
        Where to count: a lattice of such cells, street segments within so many metres, or the areas
        of a level where neither is asked for.
    tell
        Told how far a scan is, see `analytics.answers.answer`.

    Raises
    ------
    InputError
        Hexagons without their size, or cells and streets at once.
    """
    if hexagons and cell_m is None:
        raise InputError("how large should the hexagons be? name their size by --cell, in metres")
    if cell_m is not None and streets_m is not None:
        raise InputError("cells or streets? leave out --cell or --streets")
    lattice = streets = None
    if cell_m is not None:
        shape: Kind = "hexagon" if hexagons else "square"
        lattice = read_lattice(connection, about.number, cell_size_m=cell_m, kind=shape)
    if streets_m is not None:
        streets = read_streets(connection, about.number, reach_m=streets_m)
    origin = Origin(
        request, version("gridbeat"), seed=seed, lattice=lattice, streets=streets,
        level=None if lattice or streets else level,
    )  # fmt: skip
    found = answer(connection, kind, origin, params, tell=tell)
    number = write_found(connection, found, origin)
    return Told(about, number, read_result(connection, number), read_class_names(connection))


def make_request(
    connection: Connection,
    about: About,
    *,
    until: date | None,
    weeks: int,
    step: Step = "week",
    classes: Sequence[str] | None = None,
    by_class: bool = False,
    found_by: tuple[str, ...] | None = None,
) -> CubeRequest:
    """Return which incidents to count; by default what was reported."""
    start, end = data_window(connection, about, until=until, weeks=weeks)
    more: dict[str, Any] = {} if found_by is None else {"found_by": found_by}
    return CubeRequest(
        about.number, start, end, step=step, by_class=by_class,
        classes=tuple(classes) if classes else None, **more,
    )  # fmt: skip


def place_of(row: Mapping[Any, Any]) -> str:
    """Return where a row lies: code and name of an area, else the middle of cell or street."""
    if row["code"]:
        return named(row["code"], row["name"])
    point = row["geometry"].representative_point()
    street = row.get("street")
    return f"{point.x:.5f} {point.y:.5f}" + (f" {street}" if isinstance(street, str) else "")


def named(code: str, name: str) -> str:
    """Return an area's code and name; once where it is called by its code, as police beats are."""
    return code if name == code else f"{code} {name}"


def both(label: str) -> str:
    """Return a label in both languages."""
    if label not in LABELS:
        return label
    zh, en = label_text(label, "zh"), label_text(label, "en")
    return f"{zh} {en}"


def figure(value: float | None, form: str) -> str:
    """Return a figure as text, a dash where it is missing."""
    return "-" if value is None or value != value else format(value, form)


def chance(value: float | None) -> str:
    """Return a p- or q-value as text; one too small for a float is said to be so, not to be 0."""
    return "<1e-300" if value is not None and value < 1e-300 else figure(value, ".2g")
