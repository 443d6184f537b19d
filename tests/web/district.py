"""A district of 2 x 1 km with four grids, cameras and 400 incidents, and an account a role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, make_engine
from web.auth.accounts import NewAccount, write_account, write_token
from web.auth.passwords import Passwords
from web.auth.permissions import PERSONAL, Permission, Role, permissions_of

WEST, SOUTH, STEP = 121.00, 35.60, 0.01
PASSWORD = "correct horse battery 9"
INCIDENTS = 400
CAMERAS = 8
SQUARE = "SRID=4326;MULTIPOLYGON(((%s %s, %s %s, %s %s, %s %s, %s %s)))"


def box(column: int, width: int) -> str:
    """Return a rectangle `width` steps wide that starts at a column of grids."""
    west, east = WEST + column * STEP, WEST + (column + width) * STEP
    north = SOUTH + 2 * STEP
    corners = (west, SOUTH, east, SOUTH, east, north, west, north, west, SOUTH)
    return SQUARE % corners


def write_district(connection: psycopg.Connection) -> dict[str, int]:
    """Write it and commit; return the numbers of its areas by code."""
    connection.execute(
        "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) "
        "VALUES ('d1', '试验区', 'Test', %s, 4549, 'Asia/Shanghai')", [box(0, 4)],
    )  # fmt: skip
    connection.execute("INSERT INTO feed (jurisdiction_id, source) VALUES (1, 'test')")
    connection.execute("INSERT INTO category_scheme (scheme, version) VALUES ('test', '1')")
    for code, name in (("noise", "噪音"), ("park", "违停"), ("dump", "垃圾")):
        connection.execute(
            "INSERT INTO category (scheme_id, code, name, name_en) VALUES (1, %s, %s, %s)",
            [code, name, code],
        )
    areas: dict[str, int] = {}
    for code, level, parent, column, width in (
        ("west", "community", None, 0, 2), ("east", "community", None, 2, 2),
        ("w1", "grid", "west", 0, 1), ("w2", "grid", "west", 1, 1),
        ("e1", "grid", "east", 2, 1), ("e2", "grid", "east", 3, 1),
    ):  # fmt: skip
        row = connection.execute(
            "INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, code, name, "
            "level, grid_kind, parent_id, households, geom) "
            "VALUES (1, 1, %s, 0, %s, %s, %s, %s, %s, 450, %s) RETURNING area_id",
            [code, code, code, level, "basic" if level == "grid" else None,
             areas.get(parent or ""), box(column, width)],
        ).fetchone()  # fmt: skip
        assert row is not None
        areas[code] = int(row[0])
    _write_points(connection, areas)
    connection.commit()
    return areas


def _write_points(connection: psycopg.Connection, areas: dict[str, int]) -> None:
    grids = [areas[code] for code in ("w1", "w2", "e1", "e2")]
    connection.execute(
        "SELECT ensure_incident_partitions(ARRAY['2026-01-01', '2026-02-01']::date[])"
    )
    connection.execute(
        "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, time_precision, "
        "category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
        "SELECT 1, 'i' || n, at, at, 'exact', 1 + n %% 3, 'resident', point, "
        "ST_X(ST_Transform(point, 4549)), ST_Y(ST_Transform(point, 4549)), (%s::bigint[])[1 + n %% 4], n "
        "FROM generate_series(0, %s) n, "
        "LATERAL (SELECT timestamptz '2026-01-01 00:00+00' + n * interval '2 hours' AS at, "
        "ST_SetSRID(ST_MakePoint(%s + %s * (n %% 4 + 0.1 + (n %% 9) / 12.0), "
        "%s + %s * ((n %% 17) / 9.0 + 0.05)), 4326) AS point) p",
        [grids, INCIDENTS - 1, WEST, STEP, SOUTH, STEP],
    )
    connection.execute(
        "INSERT INTO camera (feed_id, source_ref, content_hash, name, status, azimuth_deg, geom) "
        "SELECT 1, 'c' || n, n, 'camera ' || n, 'online', n * 40, "
        "ST_SetSRID(ST_MakePoint(%s + %s * (n %% 4 + 0.5), %s + %s * (n %% 2 + 0.5)), 4326) "
        "FROM generate_series(0, %s) n",
        [WEST, STEP, SOUTH, STEP, CAMERAS - 1],
    )


def write_accounts(database: Database) -> dict[str, str]:
    """Make an account a role, who sees all, and ``west``; return their tokens."""
    digest = Passwords(at_once=1, memory_kib=19_456).digest_now(PASSWORD)
    until = datetime.now(UTC) + timedelta(days=2)
    people = [(role.value, role, (), True) for role in Role]
    people += [("west", Role.ANALYST, ("west",), False), ("nowhere", Role.ANALYST, (), False)]
    engine = make_engine(database, pool=NullPool)
    tokens = {}
    with engine.begin() as connection:
        for login, role, areas, everywhere in people:
            new = NewAccount(
                login=login, name=login, roles=(role,), password_hash=digest, areas=areas,
                all_areas=everywhere, must_change=False,
            )  # fmt: skip
            number = write_account(connection, new)
            may = permissions_of([role]) - PERSONAL - {Permission.PUBLIC}
            tokens[login] = write_token(
                connection, number, name="test", permissions=sorted(may), expires_at=until
            )
    return tokens
