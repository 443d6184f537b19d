"""The second wall: what the service's role sees, whatever the program forgets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest
from sqlalchemy import NullPool, text

from analytics.cube_days import read_days
from analytics.cube_queries import Counting
from analytics.cube_store import fetch_counts
from analytics.queries import CubeRequest
from analytics.steps import make_steps
from geo.database.connect import connect, make_engine
from geo.hexagons import refresh_hexagons
from governance.statements import packaged
from tests.web.conftest import Service
from tests.web.district import CAMERAS, INCIDENTS, SOUTH, STEP, WEST
from web.database import EVERYTHING, NOBODY, Scope, packaged_sql

pytestmark = pytest.mark.db


# These name areas but tell nothing of what happens there.
RULES = {"account_area", "routing_rule"}


@contextmanager
def seeing(service: Service, scope: Scope | None) -> Iterator[psycopg.Connection]:
    with connect(service.database, role="web") as connection:
        if scope is not None:
            connection.execute(packaged_sql("set_scope"), {**scope.settings(), "timeout": "9000"})
        yield connection
        connection.rollback()


def west(service: Service) -> Scope:
    areas = service.areas
    return Scope(roots=(areas["west"],), areas=(areas["west"], areas["w1"], areas["w2"]))


def count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else -1


GUARDED = ("incident", "area", "camera", "jurisdiction", "feed")


@pytest.mark.parametrize("scope", [None, NOBODY])
def test_without_a_scope_no_row_is_seen(service: Service, scope: Scope | None) -> None:
    with seeing(service, scope) as connection:
        assert [count(connection, table) for table in GUARDED] == [0] * len(GUARDED)


def test_a_scope_does_not_outlive_its_transaction(service: Service) -> None:
    with seeing(service, EVERYTHING) as connection:
        assert count(connection, "incident") == INCIDENTS
        connection.rollback()
        assert count(connection, "incident") == 0  # the setting is '' now, not absent


def test_an_area_shows_what_lies_in_it_and_below(service: Service) -> None:
    with seeing(service, west(service)) as connection:
        assert count(connection, "area") == 3
        assert count(connection, "incident") == INCIDENTS // 2
        assert count(connection, "camera") == CAMERAS // 2
        assert count(connection, "jurisdiction") == 1


def test_a_row_outside_the_scope_cannot_be_written(service: Service) -> None:
    with (
        seeing(service, west(service)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
    ):
        connection.execute(
            "INSERT INTO incident (feed_id, source_ref, occurred_at, occurred_until, "
            "time_precision, category_id, found_by, geom, x_m, y_m, area_id, content_hash) "
            "VALUES (1, 'x', '2026-01-01', '2026-01-01', 'exact', 1, 'resident', "
            "'SRID=4326;POINT(121.03 35.61)', 0, 0, %s, 0)",
            [service.areas["e1"]],
        )


def test_a_box_under_row_security_is_found_by_index(service: Service) -> None:
    box = (WEST, SOUTH, WEST + STEP / 9, SOUTH + STEP / 9)
    with seeing(service, west(service)) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT incident_id FROM incident "
            "WHERE geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326)", box,
        ).fetchall()  # fmt: skip
    text = "\n".join(row[0] for row in plan)
    assert "Index Cond: (geom && " in text
    assert "InitPlan" in text


def test_repetitions_under_row_security_are_found_by_index(service: Service) -> None:
    """An expression that PostgreSQL holds to leak, such as coalesce, would read every case."""
    look = '[{"n": 0, "lon": 121.0, "lat": 35.6, "seen_at": "2026-01-05T00:00:00Z"}]'
    asked = {"jurisdiction": 1, "reports": look, "radius_m": None, "hours": None}
    engine = make_engine(service.database, role="owner", pool=NullPool)
    with engine.connect() as connection:  # nothing is committed
        # In an empty table the planner would take any other index that serves.
        other = "uq_case_file_jurisdiction_id_number"
        connection.exec_driver_sql(f"ALTER TABLE case_file DROP CONSTRAINT {other} CASCADE")
        connection.exec_driver_sql("SET LOCAL ROLE gridbeat_web")
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        statement = text(f"EXPLAIN {packaged('similar_cases').text}")
        plan = "\n".join(connection.execute(statement, asked).scalars())
    [condition] = [line for line in plan.splitlines() if "Index Cond: ((geom && " in line]
    assert "(opened_at >= " in condition


@pytest.mark.parametrize("who", ["all", "west", "nobody"])
def test_a_cube_counts_what_is_seen_whether_days_are_packed_or_not(
    service: Service, who: str
) -> None:
    """Packed days hold all areas; who sees some is counted from the rows, without being told."""
    scope = {"all": EVERYTHING, "west": west(service), "nobody": NOBODY}[who]
    seen = {"all": INCIDENTS, "west": INCIDENTS // 2, "nobody": 0}[who]
    request = CubeRequest(1, date(2025, 12, 1), date(2027, 12, 1), step="month")
    steps = make_steps(request.start, request.end, step="month", time_zone="Asia/Shanghai")
    counting = Counting(request, steps, feed_ids=(1,), category_ids=(1, 2, 3))
    engine = make_engine(service.database, role="owner", pool=NullPool)
    with engine.connect() as connection:  # nothing is committed
        connection.exec_driver_sql("SET LOCAL ROLE gridbeat_app")
        refresh_hexagons(connection)
        packed = connection.execute(text("SELECT sum(n) FROM incident_day")).scalar_one()
        assert packed == INCIDENTS
        connection.exec_driver_sql("RESET ROLE; SET LOCAL ROLE gridbeat_web")
        connection.exec_driver_sql(
            packaged_sql("set_scope"), {**scope.settings(), "timeout": "9000"}
        )
        found, rest = read_days(connection, counting, None)
        assert len(found["key"]) == (INCIDENTS if who == "all" else 0)
        assert (rest == [counting.bounds()[1:]]) == (who != "all")
        assert len(fetch_counts(connection, counting, None)["key"]) == seen


def test_commands_pay_nothing_for_it(service: Service) -> None:
    """The policy of their role is `true`, which the planner drops: imports and cubes stay fast."""
    with connect(service.database) as connection:
        plan = connection.execute(
            "EXPLAIN SELECT area_id, count(*) FROM incident WHERE occurred_at >= '2026-01-05' "
            "AND ST_DWithin(geom, 'SRID=4326;POINT(121 35.6)', 0.01) GROUP BY area_id"
        ).fetchall()
        loaded = connection.execute("SELECT sees_all(), seen_areas()").fetchone()
    text = "\n".join(row[0] for row in plan)
    assert "Index Cond: (geom && " in text  # st_dwithin is not leakproof: no policy stood before it
    assert "InitPlan" not in text
    assert loaded == (False, None)


def test_every_table_of_places_is_guarded_or_out_of_reach(service: Service) -> None:
    with connect(service.database, role="owner") as owner:
        rows = owner.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class c "
            "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace "
            "AND has_any_column_privilege('gridbeat_web', c.oid, 'SELECT') AND EXISTS "
            "(SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 "
            "AND (a.attname = 'area_id' OR a.atttypid = 'geometry'::regtype))"
        ).fetchall()
    assert {"incident", "area", "camera", "result_row"} <= {name for name, _ in rows}
    assert {name for name, guarded in rows if not guarded} <= RULES


def test_the_roles_cannot_pass_by(service: Service) -> None:
    with connect(service.database, role="owner") as owner:
        roles = owner.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles "
            "WHERE rolname IN ('gridbeat_web', 'gridbeat_app', 'gridbeat_loader') ORDER BY 1"
        ).fetchall()
        members = owner.execute(
            "SELECT pg_has_role('gridbeat_web', 'gridbeat_app', 'MEMBER'), "
            "pg_has_role('gridbeat_web', 'gridbeat_loader', 'MEMBER')"
        ).fetchone()
        loader = owner.execute(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
            "WHERE grantee = 'gridbeat_loader'"
        ).fetchall()
        partitions = owner.execute(
            "SELECT count(*) FROM pg_class WHERE relispartition "
            "AND has_any_column_privilege('gridbeat_web', oid, 'SELECT, INSERT, UPDATE')"
        ).fetchone()
    assert roles == [
        ("gridbeat_app", False, False, True),
        ("gridbeat_loader", False, True, False),
        ("gridbeat_web", False, False, True),
    ]
    assert members == (False, False)
    assert loader == [("incident", "INSERT")]
    assert partitions == (0,)


def test_triggers_that_write_when_incidents_come_in_run_as_the_owner(service: Service) -> None:
    """COPY writes as a role that may do nothing else, so that others would fail there."""
    with connect(service.database, role="owner") as owner:
        rows = owner.execute(
            "SELECT proname, prosecdef FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE tgrelid = 'incident'::regclass AND NOT tgisinternal AND prosrc ~* 'insert|update'"
        ).fetchall()
    assert ("incident_keys_insert", True) in rows
    assert [name for name, definer in rows if not definer] == []


def test_the_service_cannot_become_another_role(service: Service) -> None:
    for role in ("gridbeat_app", "gridbeat_owner", "gridbeat_loader"):
        with (
            seeing(service, EVERYTHING) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"SET ROLE {role}")
