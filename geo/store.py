"""Reading and writing jurisdictions, feeds, classes and grids; nothing here commits."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import psycopg
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import convert_geometries
from geo.errors import ConflictError, InputError, NotFoundError
from geo.places import GridSet, Place, days_since_1970

Connection = psycopg.Connection[tuple[object, ...]]
_FOREVER = 3_000_000


def read_place(connection: Connection, code: str | None = None) -> Place:
    """Return the jurisdiction with `code`, or the only one there is.

    Raises
    ------
    NotFoundError
        If there is none of that code, or none at all.
    InputError
        If no code is given and there are several.
    """
    rows = connection.execute(
        "SELECT jurisdiction_id, code, name, code_scheme, metric_srid, time_zone, "
        "ST_AsBinary(geom) FROM jurisdiction WHERE code = %(code)s OR %(code)s::text IS NULL "
        "ORDER BY code LIMIT 9",
        {"code": code},
    ).fetchall()
    if not rows:
        named = f"jurisdiction {code!r}" if code else "jurisdiction"
        raise NotFoundError(
            f"there is no {named}: import its boundary first (`gridbeat import boundaries`)"
        )
    if len(rows) > 1:
        codes = ", ".join(str(row[1]) for row in rows[:8]) + ", ..." * (len(rows) > 8)
        raise InputError(f"there are several jurisdictions: name one with --jurisdiction ({codes})")
    number, found, name, scheme, srid, zone, wkb = rows[0]
    return Place(
        jurisdiction_id=int(str(number)),
        code=str(found),
        name=str(name),
        code_scheme=str(scheme),
        srid=int(str(srid)),
        time_zone=str(zone),
        boundary=_shapes([wkb])[0],
    )


def write_jurisdiction(
    connection: Connection, *, code: str, code_scheme: str, name: str, name_en: str,
    time_zone: str, srid: int, simulated: bool, boundary: BaseGeometry,
) -> int:  # fmt: skip
    """Found a jurisdiction with its boundary (longitude, latitude); return its number."""
    row = connection.execute(
        "INSERT INTO jurisdiction (code, code_scheme, name, name_en, geom, metric_srid, "
        "time_zone, simulated) VALUES (%s, %s, %s, %s, "
        "ST_Multi(ST_CollectionExtract(ST_MakeValid(ST_GeomFromWKB(%s, 4326)), 3)), %s, %s, %s) "
        "RETURNING jurisdiction_id",
        (code, code_scheme, name, name_en, shapely.to_wkb(boundary), srid, time_zone, simulated),
    ).fetchone()
    return int(str(row[0])) if row else 0


def ensure_feed(
    connection: Connection, *, jurisdiction_id: int, source: str, title: str | None,
    licence: str | None,
) -> int:  # fmt: skip
    """Return the number of a feed, which is made on first use."""
    row = connection.execute(
        "INSERT INTO feed (jurisdiction_id, source, title, licence) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (jurisdiction_id, source) DO UPDATE SET "
        "title = coalesce(excluded.title, feed.title), "
        "licence = coalesce(excluded.licence, feed.licence) RETURNING feed_id",
        (jurisdiction_id, source, title, licence),
    ).fetchone()
    return int(str(row[0])) if row else 0


def note_coverage(connection: Connection, feed_id: int, covers_to: date) -> None:
    """Store up to which day a source says that it is complete; an earlier day changes nothing."""
    connection.execute(
        "UPDATE feed SET covers_to = greatest(covers_to, %s::date) WHERE feed_id = %s",
        (covers_to, feed_id),
    )


def set_live(connection: Connection, jurisdiction_id: int, source: str, since: date | None) -> None:
    """Store since when a source reports every day by itself; None: it does no longer.

    Raises
    ------
    NotFoundError
        There is no such source.
    """
    row = connection.execute(
        "UPDATE feed SET live_from = %s WHERE jurisdiction_id = %s AND source = %s "
        "RETURNING feed_id",
        (since, jurisdiction_id, source),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"there is no source {source!r}: `gridbeat import sources` lists them")


def ensure_categories(
    connection: Connection, *, scheme: str, categories: dict[str, tuple[str, str, str | None]]
) -> dict[str, int]:
    """Return code -> number of the newest edition of a scheme, with `categories` added to it.

    `categories` maps a code to its name, English name and group.

    Raises
    ------
    NotFoundError
        If the scheme does not exist and no classes are given to found it with.
    """
    newest = (
        "SELECT scheme_id FROM category_scheme WHERE scheme = %s ORDER BY valid_from DESC LIMIT 1"
    )
    row = connection.execute(newest, (scheme,)).fetchone()
    if row is None:
        if not categories:
            raise NotFoundError(
                f"there is no category scheme {scheme!r}: name its classes under [categories], or "
                "import them with `gridbeat import categories FILE`"
            )
        # Whoever founds the same scheme at this moment is waited for, whichever constraint says so.
        connection.execute(
            "INSERT INTO category_scheme (scheme, version) VALUES (%s, '1') ON CONFLICT DO NOTHING",
            (scheme,),
        )
        row = connection.execute(newest, (scheme,)).fetchone()
    scheme_id = int(str(row[0])) if row else 0
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO category (scheme_id, code, name, name_en, group_code) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (scheme_id, code) DO NOTHING",
            [(scheme_id, code, *names) for code, names in sorted(categories.items())],
        )  # fmt: skip
    rows = connection.execute(
        "SELECT code, category_id FROM category WHERE scheme_id = %s", (scheme_id,)
    ).fetchall()
    return {str(code): int(str(number)) for code, number in rows}


def read_grid_set(connection: Connection, place: Place) -> GridSet:
    """Return the basic and exclusive grids of a jurisdiction, of all times."""
    rows = connection.execute(
        "SELECT area_id, nullif(valid_from, '-infinity'), nullif(valid_to, 'infinity'), "
        "ST_AsBinary(geom) FROM area WHERE jurisdiction_id = %s AND level = 'grid' "
        "AND grid_kind <> 'micro' ORDER BY grid_kind <> 'exclusive', area_id",
        (place.jurisdiction_id,),
    ).fetchall()
    shapes = _shapes([row[3] for row in rows])
    return GridSet(
        srid=place.srid,
        area_id=np.array([row[0] for row in rows], dtype=np.int64),
        valid_from=np.array([_day(row[1], -_FOREVER) for row in rows], dtype=np.int64),
        valid_to=np.array([_day(row[2], _FOREVER) for row in rows], dtype=np.int64),
        polygons=convert_geometries(shapes, crs="wgs84", to=place.srid) if rows else shapes,
    )


def _shapes(wkb: list[object]) -> npt.NDArray[np.object_]:
    values = np.empty(len(wkb), dtype=object)
    values[:] = [bytes(item) if isinstance(item, bytes | memoryview) else None for item in wkb]
    return np.atleast_1d(shapely.from_wkb(values))


def _day(value: object, fallback: int) -> int:
    return days_since_1970(value) if isinstance(value, date) else fallback


def read_area_ids(connection: Connection, place: Place) -> dict[str, int]:
    """Return code -> number of every area of a jurisdiction."""
    rows = connection.execute(
        "SELECT code, area_id FROM area WHERE jurisdiction_id = %s", (place.jurisdiction_id,)
    ).fetchall()
    return {str(code): int(str(number)) for code, number in rows}


def lock_feed(connection: Connection, feed_id: int) -> None:
    """Hold a feed for this session, so that one import of it runs at a time.

    Raises
    ------
    ConflictError
        If another session holds it.
    """
    row = connection.execute(
        "SELECT pg_try_advisory_lock(hashtext('gridbeat:feed'), %s)", (feed_id,)
    ).fetchone()
    if row is None or not row[0]:
        raise ConflictError(
            "another import of this source is running: wait for it, or stop it first"
        )
