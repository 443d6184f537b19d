"""One page of features: the query, its cursor, and the JSON that PostgreSQL writes."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from geo.errors import InputError, NotFoundError
from web.database import Rows
from web.features.collections import Collection
from web.features.cql2 import Tree
from web.features.crs import WGS84, FeatureCrs, box_in_degrees
from web.features.filters import TYPES, Condition

MOST = 10_000
DIGITS = {True: 7, False: 3}


@dataclass(frozen=True)
class PageRequest:
    """What one page is asked for.

    Attributes
    ----------
    box
        West, south, east, north in degrees.
    since, until
        The ends of the time, both included; None is open.
    """

    limit: int = 100
    cursor: str | None = None
    box: tuple[float, float, float, float] | None = None
    since: datetime | None = None
    until: datetime | None = None
    tree: Tree = None
    crs: FeatureCrs = WGS84
    filter_crs: FeatureCrs = WGS84


@dataclass(frozen=True)
class Page:
    """Features as JSON texts with commas between, how many, and where the next page starts."""

    features: str
    count: int
    next_cursor: str | None


async def read_page(rows: Rows, collection: Collection, asked: PageRequest) -> Page:
    """Read a page by its keys: the thousandth costs what the first does.

    Raises
    ------
    InputError
        Cursor or filter cannot be used.
    """
    conditions, values = write_conditions(collection, asked)
    order = "DESC" if collection.newest_first else "ASC"
    keys = sql.SQL(", ").join(sql.SQL(key.sql) for key in collection.key)
    inner = sql.SQL(
        "SELECT {feature} AS feature, json_build_array({keys})::text AS key "
        "FROM {source} WHERE {where} ORDER BY {order} LIMIT {more}"
    ).format(
        feature=write_feature(collection, asked.crs),
        keys=keys,
        source=sql.SQL(collection.source),
        where=sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true"),
        order=sql.SQL(", ").join(sql.SQL(f"{key.sql} {order}") for key in collection.key),
        more=sql.Literal(asked.limit + 1),
    )
    whole = sql.SQL(
        "SELECT string_agg(feature, ',') FILTER (WHERE n <= {limit}), count(*), "
        "max(key) FILTER (WHERE n = {limit}) "
        "FROM (SELECT feature, key, row_number() OVER () AS n FROM ({inner}) found) page"
    ).format(limit=sql.Literal(asked.limit), inner=inner)
    row = await (await rows.execute(whole, values)).fetchone()
    text, count, last = row if row else (None, 0, None)
    more = count > asked.limit
    return Page(text or "", min(count, asked.limit), write_cursor(last) if more else None)


def write_conditions(
    collection: Collection, asked: PageRequest
) -> tuple[list[sql.Composable], dict[str, Any]]:
    """Return the conditions of a page and the values that they bind."""
    condition = Condition(collection, srid=asked.filter_crs.srid, flipped=asked.filter_crs.flipped)
    parts: list[sql.Composable] = []
    if asked.tree is not None:
        parts.append(condition.write(asked.tree))
    values = condition.values
    if asked.box is not None:
        parts.append(_in_box(collection, asked.box, values))
    if collection.time is not None:
        for name, sign, moment in (("since", ">=", asked.since), ("until", "<=", asked.until)):
            if moment is not None:
                parts.append(sql.SQL(f"{collection.time} {sign} %({name})s"))
                values[name] = moment
    if asked.cursor is not None:
        parts.append(_after(collection, asked.cursor, values))
    return parts, values


def _in_box(
    collection: Collection, box: tuple[float, float, float, float], values: dict[str, Any]
) -> sql.Composable:
    """Return the condition to lie in a box; one over the antimeridian is two."""
    west, south, east, north = box
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    parts = []
    for place, (left, right) in enumerate(spans):
        names = [f"box_{place}_{side}" for side in "wsen"]
        values |= dict(zip(names, (left, south, right, north), strict=True))
        envelope = sql.SQL("ST_MakeEnvelope({}, 4326)").format(
            sql.SQL(", ").join(sql.Placeholder(name) for name in names)
        )
        exact = "" if collection.points else " AND ST_Intersects({g}, {e})"
        parts.append(
            sql.SQL("({g} && {e}" + exact + ")").format(g=sql.SQL(collection.geometry), e=envelope)
        )
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts))


def _after(collection: Collection, cursor: str, values: dict[str, Any]) -> sql.Composable:
    """Return the condition to come after a cursor."""
    last = read_cursor(cursor, collection)
    names = [f"after_{place}" for place in range(len(last))]
    values |= dict(zip(names, last, strict=True))
    return sql.SQL("({}) {} ({})").format(
        sql.SQL(", ").join(sql.SQL(key.sql) for key in collection.key),
        sql.SQL("<" if collection.newest_first else ">"),
        sql.SQL(", ").join(
            sql.SQL("{}::" + ("bigint" if key.kind == "integer" else TYPES[key.kind])).format(
                sql.Placeholder(name)
            )
            for key, name in zip(collection.key, names, strict=True)
        ),
    )


def write_feature(collection: Collection, crs: FeatureCrs) -> sql.Composable:
    """Return the SQL of one feature as GeoJSON text."""
    geometry = collection.geometry
    if crs.srid != 4326:
        geometry = f"ST_Transform({geometry}, {crs.srid})"
    if crs.flipped:
        geometry = f"ST_FlipCoordinates({geometry})"
    pairs = sql.SQL(", ").join(
        sql.SQL("{}, {}").format(sql.Literal(item.name), sql.SQL(item.sql))
        for item in collection.properties
    )
    return sql.SQL(
        "json_build_object('type', 'Feature', 'id', {number}, 'geometry', "
        "ST_AsGeoJSON({geometry}, {digits})::json, 'properties', json_build_object({pairs}))::text"
    ).format(
        number=sql.SQL(collection.number),
        geometry=sql.SQL(geometry),
        digits=sql.Literal(DIGITS[crs.srid in {4326, 4490}]),
        pairs=pairs,
    )


async def read_item(rows: Rows, collection: Collection, number: str, crs: FeatureCrs) -> str:
    """Return one feature as JSON text.

    Raises
    ------
    NotFoundError
        There is none of that id within the caller's areas.
    """
    first, _, second = number.partition(".")
    parts = [first, second] if second else [first]
    if len(parts) != len(_numbers(collection)) or not all(_is_number(part) for part in parts):
        raise NotFoundError(f"{collection.name} has no feature {number[:40]!r}", code="no-feature")
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        write_feature(collection, crs), sql.SQL(collection.source), sql.SQL(collection.found_by)
    )
    values = {"first": int(first), "second": int(second or 0)}
    row = await (await rows.execute(query, values)).fetchone()
    if row is None:
        raise NotFoundError(
            f"{collection.name} has no feature {number!r} that you may see", code="no-feature"
        )
    return str(row[0])


def _numbers(collection: Collection) -> list[str]:
    return [key.name for key in collection.key if key.kind == "integer"]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def write_cursor(key: str) -> str:
    """Return a page's last key as a token for a link."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str, collection: Collection) -> list[Any]:
    """Return the key in a cursor.

    Raises
    ------
    InputError
        It is not one of this collection's.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if not isinstance(found, list) or len(found) != len(collection.key):
            raise ValueError
        return [
            int(value) if key.kind == "integer" else datetime.fromisoformat(value)
            for key, value in zip(collection.key, found, strict=True)
        ]
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "the cursor is not one of this collection: take it from a link", code="bad-cursor"
        ) from error


def read_box(text: str, crs: FeatureCrs) -> tuple[float, float, float, float]:
    """Return a box in degrees from four or six numbers.

    Raises
    ------
    InputError
        There are other than four or six, or they lie outside their system.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            "bbox is four or six numbers with commas between", code="bad-box"
        ) from error
    if len(numbers) == 6:
        numbers = numbers[:2] + numbers[3:5]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise InputError("bbox is four or six numbers with commas between", code="bad-box")
    west, south, east, north = box_in_degrees(numbers, crs)
    inside = max(abs(west), abs(east)) <= 180 and -90 <= south <= north <= 90
    if not inside:  # also where a projection gave infinity
        raise InputError(
            f"bbox {text!r} is not within its reference system {crs.uri}", code="bad-box"
        )
    return west, south, east, north


def read_interval(text: str) -> tuple[datetime | None, datetime | None]:
    """Return the ends of ``datetime``: a moment, or an interval open at ``..``.

    Raises
    ------
    InputError
        It is no RFC 3339 moment or interval.
    """
    first, slash, last = text.partition("/")
    try:
        since = _moment(first, end=False)
        until = _moment(last if slash else first, end=True)
    except ValueError as error:
        raise InputError(
            f"datetime {text[:60]!r} is no moment or interval: 2026-01-01T00:00:00Z/..",
            code="bad-period",
        ) from error
    if since and until and since > until:
        raise InputError("datetime ends before it begins", code="bad-period")
    return since, until


def _moment(text: str, *, end: bool) -> datetime | None:
    if text in {"", ".."}:
        return None
    if len(text) == 10:
        text += "T23:59:59.999999+00:00" if end else "T00:00:00+00:00"
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
