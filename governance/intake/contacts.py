"""How reporters can be reached: kept sealed, opened with a reason and a record, purged in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from uuid import UUID

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, text

from geo.errors import InputError, NotFoundError
from governance.intake.sealing import Contact, Keys, read_keys, seal, unseal


class ContactSettings(BaseSettings):
    """What `GRIDBEAT_CONTACT_*` variables say; without a key no contact is kept.

    Attributes
    ----------
    old_keys
        Keys that were in use before, as a JSON list.
    keep_days
        How long a contact stays after the call-back.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDBEAT_CONTACT_", frozen=True, extra="ignore")

    key: SecretStr | None = None
    old_keys: tuple[SecretStr, ...] = ()
    keep_days: int = Field(default=30, ge=0, le=365)

    def keys(self) -> Keys:
        """Return the keys.

        Raises
        ------
        InputError
            There is none, or one is not random.
        """
        if self.key is None:
            msg = (
                "no contact can be kept or opened: set GRIDBEAT_CONTACT_KEY to what "
                "`gridbeat contacts key` prints"
            )
            raise InputError(msg, code="contacts-off")
        return read_keys(
            self.key.get_secret_value(), *(old.get_secret_value() for old in self.old_keys)
        )


@dataclass(frozen=True)
class ContactCount:
    """How many contacts are kept, and how many are past their time."""

    kept: int
    due: int


def keep_contact(
    connection: Connection, report_id: UUID, contact: Contact, *, keys: Keys, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    """Seal and keep how the reporter of a report can be reached; the first one given stays.

    Raises
    ------
    NotFoundError
        There is no such report that this account may see.
    """
    _need_report(connection, report_id)
    made = connection.execute(
        _KEEP,
        {"report": report_id, "key_id": keys.key_id, "sealed": seal(contact, report_id, keys),
         "at": at},
    )  # fmt: skip
    if made.rowcount:
        connection.execute(
            _NOTE, {"action": "kept", "report": report_id, "actor": actor, "why": "intake"}
        )


def open_contact(
    connection: Connection, report_id: UUID, *, keys: Keys, actor: str, reason: str
) -> Contact:
    """Return how a reporter can be reached; the database writes down who asked, and why.

    Raises
    ------
    InputError
        No reason is given.
    NotFoundError
        There is no such report, or no contact with it any more.
    """
    if not reason.strip():
        raise InputError("say why the contact is needed; it is written down", code="no-reason")
    _need_report(connection, report_id)
    values = {"report": report_id, "actor": actor, "why": reason.strip()}
    row = connection.execute(_OPEN, values).one_or_none()
    if row is None:
        raise NotFoundError(f"no contact is kept with report {report_id}", code="no-contact")
    return unseal(bytes(row.sealed), report_id, row.key_id, keys)


def has_contact(connection: Connection, report_ids: list[UUID]) -> set[UUID]:
    """Return which reports have a contact, without opening any."""
    rows = connection.execute(_HAS, {"reports": report_ids})
    return set(rows.scalars())


def count_contacts(connection: Connection, *, now: datetime, keep_days: int) -> ContactCount:
    """Count contacts that are kept and those that `purge_contacts` would delete."""
    kept = connection.execute(text("SELECT count(report_id) FROM contact.reporter")).scalar_one()
    due = connection.execute(text(_due()), _times(now, keep_days)).all()
    return ContactCount(int(kept), len(due))


def purge_contacts(connection: Connection, *, now: datetime, keep_days: int, actor: str) -> int:
    """Delete contacts `keep_days` after the call-back; return how many. As gridbeat_app only.

    Without a call-back the days count from the end of the case; of a report that nobody filed,
    from when it came in.
    """
    due = list(connection.execute(text(_due()), _times(now, keep_days)).scalars())
    if not due:
        return 0
    connection.execute(_PURGE, {"reports": due})
    connection.execute(_NOTE_ALL, {"reports": due, "actor": actor, "why": f"{keep_days} d"})
    return len(due)


def _due() -> str:
    return files("governance").joinpath("sql", "contacts_due.sql").read_text("utf-8")


def _times(now: datetime, keep_days: int) -> dict[str, object]:
    return {"now": now, "keep_days": keep_days}


def _need_report(connection: Connection, report_id: UUID) -> None:
    if connection.execute(_REPORT, {"report": report_id}).one_or_none() is None:
        raise NotFoundError(f"there is no report {report_id}", code="no-report")


_REPORT = text("SELECT report_id FROM report WHERE report_id = :report")
_KEEP = text(
    "INSERT INTO contact.reporter (report_id, key_id, sealed, stored_at) "
    "VALUES (:report, :key_id, :sealed, :at) ON CONFLICT (report_id) DO NOTHING"
)
_NOTE = text(
    "INSERT INTO contact.journal (action, report_id, actor, reason) "
    "VALUES (:action, :report, :actor, :why)"
)
_NOTE_ALL = text(
    "INSERT INTO contact.journal (action, report_id, actor, reason) "
    "SELECT 'purged', r, :actor, :why FROM unnest(CAST(:reports AS uuid[])) AS r"
)
_OPEN = text("SELECT key_id, sealed FROM contact.open(:report, :actor, :why)")
_HAS = text(
    "SELECT report_id FROM contact.reporter WHERE report_id = ANY(CAST(:reports AS uuid[]))"
)
_PURGE = text("DELETE FROM contact.reporter WHERE report_id = ANY(CAST(:reports AS uuid[]))")
