"""A district's prescriptions, version by version; the shipped ones stand where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from geo.errors import InputError, NotFoundError
from patrol.models import PrescriptionRow
from patrol.prescribe.files import FIELDS, shipped
from patrol.prescribe.prescription import Prescription

_LISTS = ("means", "checklist_zh", "checklist_en")


@dataclass(frozen=True)
class Version:
    """A prescription as it stood from a day on.

    Attributes
    ----------
    item
        What is done.
    version
        0 for what is shipped.
    valid_from
        None for what is shipped.
    changed_by, reason, changed_at
        Who made it, why and when; empty and None for what is shipped.
    retired
        From that day on the class is handled without a prescription of its own.
    """

    item: Prescription
    version: int
    valid_from: date | None
    changed_by: str
    reason: str
    changed_at: datetime | None
    retired: bool = False


def read_prescriptions(
    connection: Connection, jurisdiction_id: int, *, day: date
) -> dict[str, Version]:
    """Read what is prescribed on a day, by code."""
    found = {code: Version(item, 0, None, "", "", None) for code, item in sorted(shipped().items())}
    for version in _versions(connection, jurisdiction_id):
        if version.valid_from is not None and version.valid_from <= day:
            found[version.item.code] = version
    return {code: one for code, one in sorted(found.items()) if not one.retired}


def in_force(connection: Connection, jurisdiction_id: int, *, day: date) -> dict[str, Prescription]:
    """Read the prescriptions of a day, by code."""
    found = read_prescriptions(connection, jurisdiction_id, day=day)
    return {code: one.item for code, one in found.items()}


def read_history(connection: Connection, jurisdiction_id: int, code: str) -> list[Version]:
    """Read every version of a class's prescription, the shipped one first.

    Raises
    ------
    NotFoundError
        The class never had one.
    """
    first = shipped().get(code)
    found = [] if first is None else [Version(first, 0, None, "", "", None)]
    found += _versions(connection, jurisdiction_id, code=code)
    if not found:
        raise NotFoundError(
            f"class {code!r} never had a prescription: `gridbeat prescriptions list`"
        )
    return found


def write_prescription(
    connection: Connection,
    jurisdiction_id: int,
    item: Prescription,
    *,
    valid_from: date,
    person: str,
    reason: str,
    now: datetime,
    retired: bool = False,
) -> int | None:
    """Store a new version and return its number; None if it says what already stands.

    Raises
    ------
    InputError
        The person or the reason is blank, `now` has no zone, or a version with a later first
        day exists: days never run backwards.
    """
    if not person.strip() or not reason.strip():
        raise InputError("a prescription is changed by a named person who says why")
    if now.tzinfo is None:
        raise InputError("the time of a change needs a time zone")
    lock = f"gridbeat prescription {jurisdiction_id} {item.code}"
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
    versions = _versions(connection, jurisdiction_id, code=item.code)
    last = versions[-1] if versions else None
    stands = last.item if last is not None else shipped().get(item.code)
    if stands == item and retired == (last.retired if last is not None else False):
        return None
    if last is not None and last.valid_from is not None and valid_from < last.valid_from:
        raise InputError(
            f"class {item.code!r} has a version from {last.valid_from} on; a new one begins then "
            f"or later, not on {valid_from}"
        )
    number = 1 if last is None else last.version + 1
    values: dict[str, Any] = {field: getattr(item, field) for field in FIELDS}
    values |= {field: list(values[field]) for field in _LISTS}
    connection.execute(
        insert(PrescriptionRow).values(
            values
            | {
                "jurisdiction_id": jurisdiction_id, "version": number, "valid_from": valid_from,
                "changed_by": person.strip(), "reason": reason.strip(), "changed_at": now,
                "retired": retired,
            }
        )
    )  # fmt: skip
    return number


def _versions(
    connection: Connection, jurisdiction_id: int, *, code: str | None = None
) -> list[Version]:
    query = select(*PrescriptionRow.__table__.columns).where(
        PrescriptionRow.jurisdiction_id == jurisdiction_id
    )
    if code is not None:
        query = query.where(PrescriptionRow.code == code)
    rows = connection.execute(query.order_by(PrescriptionRow.code, PrescriptionRow.version))
    return [_version(dict(row)) for row in rows.mappings()]


def _version(row: dict[str, Any]) -> Version:
    values = {field: row[field] for field in FIELDS}
    values |= {field: tuple(values[field]) for field in _LISTS}
    return Version(
        Prescription(**values), row["version"], row["valid_from"], row["changed_by"],
        row["reason"], row["changed_at"], row["retired"],
    )  # fmt: skip
