"""The tables of feeds, import runs, quarantine and earlier versions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from geo.models.base import Base, identity_key, one_of


class Feed(Base):
    """A source of records: its name and their `source_ref` identify a record for ever.

    `covers_to` is the last day up to which the source says that its incidents are complete;
    `live_from` the day since which it reports every day by itself. Without both it says nothing.
    """

    __tablename__ = "feed"
    feed_id: Mapped[int] = identity_key(Integer)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.jurisdiction_id"))
    source: Mapped[str]
    title: Mapped[str | None]
    licence: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    covers_to: Mapped[date | None]
    live_from: Mapped[date | None]
    __table_args__ = (UniqueConstraint("jurisdiction_id", "source"),)


class ImportRun(Base):
    """One reading of one file: what it was, how it was read, what came of it."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(one_of("status", ("running", "finished", "failed")), name="status"),
        Index("ix_import_run_resume", "feed_id", "file_sha256"),
    )
    import_run_id: Mapped[int] = identity_key()
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.feed_id"))
    kind: Mapped[str]
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    crs: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="running")
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_new: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_changed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_same: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_no_grid: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_left_out: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quarantined: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    code_version: Mapped[str]
    error: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class Quarantine(Base):
    """A row that could not be taken in, whole, with the reason, until it is mended."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("feed_id", "kind", "source_ref", "row_hash"),
        CheckConstraint(one_of("status", ("open", "resolved")), name="status"),
        Index("ix_quarantine_run", "import_run_id"),
    )
    quarantine_id: Mapped[int] = identity_key()
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.feed_id"))
    import_run_id: Mapped[int] = mapped_column(ForeignKey("import_run.import_run_id"))
    kind: Mapped[str]
    source_ref: Mapped[str]
    row_hash: Mapped[int] = mapped_column(BigInteger)
    row_no: Mapped[int] = mapped_column(BigInteger)
    field: Mapped[str | None]
    value: Mapped[str | None]
    reason: Mapped[str]
    raw: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(server_default="open")
    resolved_by_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RecordVersion(Base):
    """What a record said before a later import changed it."""

    __tablename__ = "record_version"
    __table_args__ = (Index("ix_record_version_record", "kind", "record_id"),)
    record_version_id: Mapped[int] = identity_key()
    kind: Mapped[str]
    record_id: Mapped[int] = mapped_column(BigInteger)
    written_by_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.import_run_id"))
    replaced_by_run_id: Mapped[int] = mapped_column(ForeignKey("import_run.import_run_id"))
    replaced_at: Mapped[datetime] = mapped_column(server_default=func.now())
    record: Mapped[dict[str, Any]]
