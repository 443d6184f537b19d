"""Questions to the database about stored results: which there are, and what came after them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, select

from analytics.models import ResultRun
from analytics.queries import Query
from geo.models.places import Jurisdiction
from geo.models.records import Feed, ImportRun


def select_runs(jurisdiction_id: int, *, kind: str | None, most: int) -> Query:
    """Select the newest runs of a jurisdiction, of one kind or of all, newest first."""
    columns = (
        ResultRun.result_run_id,
        ResultRun.kind,
        ResultRun.unit,
        ResultRun.window_from,
        ResultRun.window_to,
        ResultRun.created_at,
        ResultRun.summary,
    )
    query = select(*columns).where(ResultRun.jurisdiction_id == jurisdiction_id)
    if kind is not None:
        query = query.where(ResultRun.kind == kind)
    return query.order_by(ResultRun.result_run_id.desc()).limit(most)


def select_place(jurisdiction_id: int) -> Query:
    """Select code, names and zone of a jurisdiction."""
    columns = (Jurisdiction.code, Jurisdiction.name, Jurisdiction.name_en, Jurisdiction.time_zone)
    return select(*columns).where(Jurisdiction.jurisdiction_id == jurisdiction_id)


def select_sources(jurisdiction_id: int, *, last_import_run_id: int) -> Query:
    """Select each feed's newest finished run up to a given one, by kind, oldest first."""
    newest = (
        select(func.max(ImportRun.import_run_id))
        .join(Feed, Feed.feed_id == ImportRun.feed_id)
        .where(Feed.jurisdiction_id == jurisdiction_id, ImportRun.status == "finished")
        .where(ImportRun.import_run_id <= last_import_run_id)
        .group_by(ImportRun.feed_id, ImportRun.kind)
    )
    return _runs().where(ImportRun.import_run_id.in_(newest)).order_by(ImportRun.import_run_id)


def select_imports_since(
    jurisdiction_id: int, *, last_import_run_id: int | None, moment: datetime
) -> Query:
    """Select finished runs that a result cannot have seen, or not surely, oldest first.

    Numbers are given when an import begins: one with a lower number may end later.
    """
    later = [ImportRun.finished_at > moment]
    if last_import_run_id is not None:
        later.append(ImportRun.import_run_id > last_import_run_id)
    return (
        _runs()
        .where(Feed.jurisdiction_id == jurisdiction_id, ImportRun.status == "finished")
        .where(or_(*later))
        .order_by(ImportRun.import_run_id)
    )


def _runs() -> Query:
    return select(
        ImportRun.import_run_id,
        ImportRun.kind,
        ImportRun.file_name,
        ImportRun.file_sha256,
        ImportRun.finished_at,
        (ImportRun.rows_new + ImportRun.rows_changed).label("rows"),
        Feed.source,
    ).join(Feed, Feed.feed_id == ImportRun.feed_id)
