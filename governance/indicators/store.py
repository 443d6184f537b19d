"""Facts of indicators and a person's record out of the database. Never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib.resources import files
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, delete, insert, select, text

from geo.errors import InputError, NotFoundError
from geo.models.base import LEVELS
from governance.indicators.definitions import GRADES, INDICATORS, grade_of
from governance.models.indicators import IndicatorGrade


@dataclass(frozen=True)
class Period:
    """Whole local days from `start` to before `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        """Refuse a period that ends before it begins."""
        if self.start >= self.end:
            raise InputError(
                f"the period {self.start} .. {self.end} holds no day", code="bad-period"
            )

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the instants in which it begins and ends."""
        return (
            datetime.combine(self.start, time(), zone),
            datetime.combine(self.end, time(), zone),
        )


def month_of(year: int, month: int) -> Period:
    """Return a calendar month.

    Examples
    --------
    >>> month_of(2026, 12).end
    datetime.date(2027, 1, 1)
    """
    if not 1 <= month <= 12:
        raise InputError(f"{month} is no month", code="bad-period")
    return Period(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1))


def read_facts(
    connection: Connection, jurisdiction_id: int, period: Period, *, zone: ZoneInfo, now: datetime,
    level: str = "grid", area_id: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Read what fell due in a period: ``indicator``, ``good`` and what it may be grouped by.

    Parameters
    ----------
    level
        Of the areas it is given by; ``area_id`` keeps one of them.
    """
    if level not in LEVELS:
        raise InputError(f"{level!r} is no level; there are {', '.join(LEVELS)}", code="no-level")
    query = files("governance").joinpath("sql", "indicator_facts.sql").read_text("utf-8")
    start, end = period.moments(zone)
    found = connection.execute(
        text(query.replace("::", "\\:\\:")),
        {"jurisdiction": jurisdiction_id, "start": start, "end": end, "now": now, "level": level,
         "area": area_id},
    )  # fmt: skip
    return pd.DataFrame(found.all(), columns=list(found.keys()))


def read_grades(connection: Connection, jurisdiction_id: int) -> Mapping[str, float]:
    """Read from which share on each grade begins: the district's own, or the common ones."""
    rows = connection.execute(
        select(IndicatorGrade.grade, IndicatorGrade.at_least).where(
            IndicatorGrade.jurisdiction_id == jurisdiction_id
        )
    ).all()
    return {row.grade: row.at_least for row in rows} or GRADES


def write_grades(connection: Connection, jurisdiction_id: int, grades: Mapping[str, float]) -> None:
    """Replace a district's grades.

    Raises
    ------
    InputError
        None begins at 0, or one is no share.
    """
    grade_of(0.0, next(iter(INDICATORS.values())), grades)
    if any(not 0 <= start <= 1 for start in grades.values()):
        raise InputError("a grade begins at a share between 0 and 1", code="bad-grade")
    connection.execute(
        delete(IndicatorGrade).where(IndicatorGrade.jurisdiction_id == jurisdiction_id)
    )
    connection.execute(
        insert(IndicatorGrade),
        [{"jurisdiction_id": jurisdiction_id, "grade": grade, "at_least": start}
         for grade, start in grades.items()],
    )  # fmt: skip


def read_record(
    connection: Connection, jurisdiction_id: int, staff_no: str, period: Period, *, zone: ZoneInfo
) -> pd.DataFrame:
    """Read what a person did with cases, as evidence: no sum, no rank, no score.

    Raises
    ------
    NotFoundError
        Nobody of that number is known, nor did anything.
    """
    start, end = period.moments(zone)
    values = {"j": jurisdiction_id, "no": staff_no, "start": start, "end": end}
    found = connection.execute(_RECORD, values)
    rows = pd.DataFrame(found.all(), columns=list(found.keys()))
    if not len(rows) and connection.execute(_PERSON, values).one_or_none() is None:
        raise NotFoundError(f"nobody with the number {staff_no!r} is known here", code="no-person")
    return rows


def record_csv(rows: pd.DataFrame, zone: ZoneInfo) -> str:
    """Return a record as a file: times of the district, no cell that a spreadsheet would run."""
    times = pd.to_datetime(rows["at"], utc=True).dt.tz_convert(zone)
    shown = rows.assign(at=[f"{at:%Y-%m-%d %H:%M:%S%z}" for at in times])
    return shown.map(_harmless).to_csv(index=False, lineterminator="\r\n")


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell


_PERSON = text("SELECT person_id FROM person WHERE jurisdiction_id = :j AND staff_no = :no")
_RECORD = text(
    "SELECT c.number, t.action, t.at, t.from_state, t.to_state, t.reason, "
    "array_to_string(t.evidence, '; ') AS evidence FROM case_transition t "
    "JOIN case_file c USING (case_id) WHERE c.jurisdiction_id = :j AND t.actor = :no "
    "AND t.at >= :start AND t.at < :end ORDER BY t.at, c.number"
)
