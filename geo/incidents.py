"""One incident as it is reported, into the database: what desks, tablets and cameras find."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from geo.errors import InputError, NotFoundError
from geo.imports.digest import digest_text

FoundBy = Literal["resident", "patrol", "camera", "drone", "sensor", "other"]


@dataclass(frozen=True)
class NewIncident:
    """What somebody reports.

    Attributes
    ----------
    source, source_ref
        Together they name the incident for ever; the same pair twice is one incident.
    occurred_at
        When it was seen, aware.
    lon, lat
        EPSG:4326, inside the jurisdiction.
    accuracy_m
        Of the position, metres; None if nobody knows.
    """

    source: str
    source_ref: str
    occurred_at: datetime
    category_id: int
    found_by: FoundBy
    lon: float
    lat: float
    reported_at: datetime | None = None
    accuracy_m: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def record_incident(connection: Connection, jurisdiction_id: int, new: NewIncident) -> int:
    """Write one incident into the grid that it lies in, and return its number. Never commits.

    Live screens hear of it when the transaction commits.

    Raises
    ------
    InputError
        The time has no zone, or the point lies outside the jurisdiction.
    NotFoundError
        There is no such jurisdiction.
    """
    if new.occurred_at.tzinfo is None:
        raise InputError(f"{new.source_ref}: the time of an incident needs a time zone")
    place = connection.execute(_PLACE, {"j": jurisdiction_id, "lon": new.lon, "lat": new.lat})
    found = place.one_or_none()
    if found is None:
        raise NotFoundError(f"there is no jurisdiction {jurisdiction_id}")
    if not found.inside:
        msg = (
            f"{new.source_ref}: the point {new.lon:.5f}, {new.lat:.5f} lies outside the "
            f"jurisdiction; are longitude and latitude swapped?"
        )
        raise InputError(msg)
    feed = connection.execute(_FEED, {"j": jurisdiction_id, "source": new.source}).scalar_one()
    known = connection.execute(_KNOWN, {"feed": feed, "ref": new.source_ref}).scalar_one_or_none()
    if known is not None:
        return int(known)
    moment = new.occurred_at.astimezone(UTC)
    connection.execute(_PARTITION, {"day": moment.date().replace(day=1)})
    values = _values(new) | {
        "jurisdiction": jurisdiction_id,
        "feed": feed,
        "occurred_on": new.occurred_at.astimezone(ZoneInfo(found.time_zone)).date(),
    }
    made = connection.execute(_insert(), values).one()
    connection.execute(_EMIT, _event(new, jurisdiction_id, made.incident_id, made.area_id))
    return int(made.incident_id)


_PLACE = text(
    "SELECT time_zone, ST_Intersects(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) AS inside "
    "FROM jurisdiction WHERE jurisdiction_id = :j"
)
# The update changes nothing, but makes RETURNING give the row that was there.
_FEED = text(
    "INSERT INTO feed (jurisdiction_id, source) VALUES (:j, :source) "
    "ON CONFLICT (jurisdiction_id, source) DO UPDATE SET source = excluded.source "
    "RETURNING feed_id"
)
_KNOWN = text("SELECT incident_id FROM incident_key WHERE feed_id = :feed AND source_ref = :ref")
_PARTITION = text("SELECT ensure_incident_partitions(ARRAY[CAST(:day AS date)])")


_EMIT = text("SELECT emit_event('incident', :jurisdiction, :area, :category, CAST(:body AS jsonb))")


def _event(
    new: NewIncident, jurisdiction_id: int, incident_id: int, area_id: int | None
) -> dict[str, Any]:
    """Return what live screens are told: where, when and what, never who."""
    body = {
        "incident_id": incident_id,
        "occurred_at": new.occurred_at.timestamp(),
        "found_by": new.found_by,
        "lon": new.lon,
        "lat": new.lat,
    }
    return {
        "jurisdiction": jurisdiction_id, "area": area_id, "category": new.category_id,
        "body": json.dumps(body),
    }  # fmt: skip


def _insert() -> Any:
    return text(files("geo").joinpath("sql", "incident_record.sql").read_text("utf-8"))


def _values(new: NewIncident) -> dict[str, Any]:
    said = {name: value for name, value in asdict(new).items() if name != "attributes"}
    attributes = json.dumps(dict(new.attributes), ensure_ascii=False, sort_keys=True)
    return {
        "source_ref": new.source_ref,
        "occurred_at": new.occurred_at,
        "reported_at": new.reported_at,
        "category": new.category_id,
        "found_by": new.found_by,
        "lon": new.lon,
        "lat": new.lat,
        "accuracy_m": new.accuracy_m,
        "content_hash": digest_text(json.dumps(said, default=str, sort_keys=True) + attributes),
        "attributes": attributes,
    }
