"""People, units, homes, a road and a station in the small district."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, make_engine

STATEMENTS = (
    "INSERT INTO person (jurisdiction_id, staff_no, title) VALUES (1, 'S1', '网格长'), "
    "(1, 'S2', '专职网格员')",
    "INSERT INTO post (person_id, role, area_id, valid_from) SELECT person_id, 'grid_leader', "
    "area_id, DATE '2026-01-01' FROM person, area WHERE staff_no = 'S1' AND code IN ('w1', 'w2')",
    "INSERT INTO post (person_id, role, area_id, valid_from) SELECT person_id, 'grid_officer', "
    "area_id, DATE '2026-01-01' FROM person, area WHERE staff_no = 'S2' AND code = 'e1'",
    "INSERT INTO unit (feed_id, source_ref, content_hash, kind, name, area_id) "
    "SELECT 1, 'U-' || code, 0, 'foot', code || ' 步巡组', area_id FROM area WHERE level = 'grid'",
    # One straight street; a station at its west end and homes 300 m and 900 m along it.
    "INSERT INTO road (feed_id, source_ref, content_hash, kind, name, geom) VALUES (1, 'r1', 0, "
    "'residential', '人民路', ST_GeomFromText('LINESTRING(121.001 35.61, 121.015 35.61)', 4326))",
    "INSERT INTO station (feed_id, source_ref, content_hash, kind, name, geom) VALUES "
    "(1, 's1', 0, 'service', '网格服务站', ST_SetSRID(ST_MakePoint(121.001, 35.61), 4326))",
    "INSERT INTO household_point (feed_id, source_ref, content_hash, households, geom) VALUES "
    "(1, 'h1', 0, 30, ST_SetSRID(ST_MakePoint(121.0043, 35.61), 4326)), "
    "(1, 'h2', 0, 10, ST_SetSRID(ST_MakePoint(121.0109, 35.61), 4326))",
)


def add_people(database: Database) -> None:
    """Write it all."""
    engine = make_engine(database, pool=NullPool)
    with engine.begin() as connection:
        for statement in STATEMENTS:
            connection.execute(text(statement))
    engine.dispose()
