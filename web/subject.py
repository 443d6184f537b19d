"""Which jurisdiction a command is about, and up to which day it has data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from geo.errors import InputError, NotFoundError
from patrol.drafting import Subject

# Up to which day incidents are complete. What a source states counts before its newest row; a
# source that nobody imported a file of and that is not declared live states nothing: one report
# at the desk does not make a month known. Where no source says anything, the newest row has to do.
_LAST_DAY = """
WITH feeds AS (
    SELECT f.*, j.time_zone, EXISTS (SELECT FROM import_run r WHERE r.feed_id = f.feed_id
        AND r.kind = 'incidents' AND r.status = 'finished') AS imported
    FROM jurisdiction j JOIN feed f USING (jurisdiction_id) WHERE j.jurisdiction_id = :number),
known AS (
    SELECT f.imported OR f.covers_to IS NOT NULL OR f.live_from IS NOT NULL AS says,
        greatest(f.covers_to, CASE WHEN f.live_from < (now() AT TIME ZONE f.time_zone)::date
            THEN (now() AT TIME ZONE f.time_zone)::date - 1 END,
            CASE WHEN f.covers_to IS NULL AND f.live_from IS NULL THEN
                ((SELECT max(occurred_at) FROM incident i WHERE i.feed_id = f.feed_id)
                 AT TIME ZONE f.time_zone)::date END) AS last_day
    FROM feeds f)
SELECT coalesce(max(last_day) FILTER (WHERE says), max(last_day)) FROM known
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
            "imports one",
            code="no-jurisdiction",
        )
    if len(rows) > 1:
        codes = ", ".join(row.code for row in rows)
        raise InputError(
            f"there are several jurisdictions: name one with --jurisdiction ({codes})",
            code="several-jurisdictions",
        )
    row = rows[0]
    return About(
        code=row.code, name_zh=row.name, name_en=row.name_en, simulated=row.simulated,
        number=row.jurisdiction_id, srid=row.metric_srid, time_zone=row.time_zone,
        approval_no=row.map_approval_no,
    )  # fmt: skip


def data_window(
    connection: Connection, about: About, *, until: date | None, weeks: int
) -> tuple[date, date]:
    """Return the window of `weeks` weeks that ends with `until`, or where the data are known to.

    That is what the sources state; see `covers_to` of a mapping and `gridbeat import live`.

    Raises
    ------
    NotFoundError
        If there are no incidents.
    """
    if until is None:
        last = connection.execute(text(_LAST_DAY), {"number": about.number}).scalar_one_or_none()
        if last is None:
            raise NotFoundError(
                f"{about.code} has no incidents yet: import some with `gridbeat import incidents`",
                code="no-incidents",
            )
        until = last
    end = until + timedelta(days=1)
    return end - timedelta(weeks=weeks), end
