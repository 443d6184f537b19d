"""Which jurisdiction a command is about, and up to which day it has data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from geo.errors import InputError, NotFoundError
from patrol.drafting import Subject

_LAST_DAY = """
SELECT (max(i.occurred_at) AT TIME ZONE j.time_zone)::date
FROM jurisdiction j JOIN feed f USING (jurisdiction_id) JOIN incident i USING (feed_id)
WHERE j.jurisdiction_id = :number GROUP BY j.time_zone
"""


@dataclass(frozen=True)
class About(Subject):
    """A jurisdiction and its facts that every surface shows.

    Attributes
    ----------
    number, srid, time_zone
        Its number, metric system and zone.
    approval_no
        Map approval number (审图号), where it has one.
    """

    number: int
    srid: int
    time_zone: str
    approval_no: str | None

    @property
    def zone(self) -> ZoneInfo:
        """Return its time zone."""
        return ZoneInfo(self.time_zone)


def read_about(connection: Connection, code: str | None) -> About:
    """Return the jurisdiction with `code`, or the only one there is.

    Raises
    ------
    NotFoundError
        If there is none.
    InputError
        If there are several and none was named.
    """
    rows = connection.execute(
        text(
            "SELECT jurisdiction_id, code, name, name_en, simulated, metric_srid, time_zone, "
            "map_approval_no FROM jurisdiction "
            "WHERE code = :code OR CAST(:code AS text) IS NULL ORDER BY code"
        ),
        {"code": code},
    ).all()
    if not rows:
        named = f"jurisdiction {code!r}" if code else "jurisdiction"
        raise NotFoundError(
            f"there is no {named}: `gridbeat demo` makes one, `gridbeat import boundaries` "
            "imports one"
        )
    if len(rows) > 1:
        codes = ", ".join(row.code for row in rows)
        raise InputError(f"there are several jurisdictions: name one with --jurisdiction ({codes})")
    row = rows[0]
    return About(
        code=row.code, name_zh=row.name, name_en=row.name_en, simulated=row.simulated,
        number=row.jurisdiction_id, srid=row.metric_srid, time_zone=row.time_zone,
        approval_no=row.map_approval_no,
    )  # fmt: skip


def data_window(
    connection: Connection, about: About, *, until: date | None, weeks: int
) -> tuple[date, date]:
    """Return the window of `weeks` weeks that ends with `until`, or with the last incident's day.

    Raises
    ------
    NotFoundError
        If there are no incidents.
    """
    if until is None:
        last = connection.execute(text(_LAST_DAY), {"number": about.number}).scalar_one_or_none()
        if last is None:
            raise NotFoundError(
                f"{about.code} has no incidents yet: import some with `gridbeat import incidents`"
            )
        until = last
    end = until + timedelta(days=1)
    return end - timedelta(weeks=weeks), end
