"""A district with millions of closed cases, their reports, and officers with a case each to sign for.

Set-based and past the triggers, which would take hours; held to the rules afterwards, in SQL.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from governance.calendar_store import write_calendar
from governance.clock.calendar import library_calendar
from governance.intake.classifier_store import read_labelled, train_version
from governance.intake.classify import ClassifierParams

WEST, SOUTH, WIDE, HIGH = 120.95, 35.55, 0.12, 0.10  # about 11 x 11 km
SIDE = 20  # grids a side
SHAPE = f"ST_Multi(ST_MakeEnvelope({WEST},{SOUTH},{WEST + WIDE},{SOUTH + HIGH},4326))"
SCHEME = "gridbeat-demo"

PLACE = [
    "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) "
    f"VALUES ('B', '测', 'Bench', {SHAPE}, 4549, 'Asia/Shanghai')",
    "INSERT INTO feed (jurisdiction_id, source, title) VALUES (1, 'bench', 'bench')",
    "INSERT INTO department (jurisdiction_id, code, name, name_en, level) "
    "VALUES (1, 'd', 'd', 'd', 'street')",
    "INSERT INTO area (jurisdiction_id, level, code, name, geom, feed_id, source_ref, content_hash) "
    f"VALUES (1, 'district', 'all', 'all', {SHAPE}, 1, 'all', 0)",
    "INSERT INTO area (jurisdiction_id, parent_id, level, grid_kind, code, name, geom, feed_id, "
    "source_ref, content_hash) SELECT 1, 1, 'grid', 'basic', 'g' || x || '-' || y, 'g', "
    f"ST_Multi(ST_MakeEnvelope({WEST} + x * {WIDE / SIDE}, {SOUTH} + y * {HIGH / SIDE}, "
    f"{WEST} + (x + 1) * {WIDE / SIDE}, {SOUTH} + (y + 1) * {HIGH / SIDE}, 4326)), 1, "
    f"x || '-' || y, 0 FROM generate_series(0, {SIDE - 1}) x, generate_series(0, {SIDE - 1}) y "
    "ORDER BY x, y",
]
SPOT = (
    "SELECT n, :w + random() * :dx AS lon, :s + random() * :dy AS lat FROM generate_series("
    "CAST(:lo AS bigint), CAST(:hi AS bigint)) n"
)
CASES = f"""
WITH spot AS ({SPOT}), placed AS (SELECT s.*, 2 + floor((lon - :w) / :dx * {SIDE})::int * {SIDE}
    + floor((lat - :s) / :dy * {SIDE})::int AS area_id,
    now() - interval '1 minute' - (:most - n) * (interval '1095 days' / :most) AS at FROM spot s)
INSERT INTO case_file (case_id, jurisdiction_id, number, opened_at, words, geom, area_id,
    category_id, level, state, state_since, version, department_id, first_department_id, handler,
    last_at)
SELECT n, 1, 'B' || n, at, '路口垃圾成堆没有清理', ST_SetSRID(ST_MakePoint(lon, lat), 4326), area_id,
    1 + n % 29, 'grid', 'closed', at, 8, 1, 1, 'officer ' || n % 10000, at
FROM placed
"""
REPORTS = """
INSERT INTO report (report_id, jurisdiction_id, channel, received_at, seen_at, words, geom, area_id,
    category_id, taken_by, case_id)
SELECT gen_random_uuid(), 1, 'hotline', opened_at, opened_at, words, geom, area_id, category_id,
    'desk', case_id FROM case_file WHERE case_id BETWEEN :lo AND :hi
"""
WAY = """(VALUES (1, 'report', NULL, 'reported', 'desk'), (2, 'accept', 'reported', 'accepted', 'desk'),
    (3, 'dispatch', 'accepted', 'dispatched', 'desk'), (4, 'receive', 'dispatched', 'received', ''),
    (5, 'start', 'received', 'in_progress', ''), (6, 'resolve', 'in_progress', 'resolved', ''),
    (7, 'check', 'resolved', 'checking', 'checker'), (8, 'close', 'checking', 'closed', 'checker'))
    AS w (seq, action, from_state, to_state, actor)"""
HISTORIES = f"""
INSERT INTO case_transition (case_id, seq, request_id, action, from_state, to_state, actor, at,
    recorded_at, department_id, category_id, evidence)
SELECT c.case_id, w.seq, gen_random_uuid(), w.action, w.from_state, w.to_state,
    coalesce(nullif(w.actor, ''), coalesce(c.handler, 'desk')), c.opened_at, c.opened_at,
    CASE WHEN w.action = 'dispatch' THEN 1 END,
    CASE WHEN w.action IN ('report', 'accept') THEN c.category_id END,
    CASE WHEN w.action IN ('resolve', 'close') THEN ARRAY['photo'] ELSE '{{}}'::text[] END
FROM case_file c, {WAY} WHERE c.case_id BETWEEN :lo AND :hi AND w.seq <= c.version
"""
OFFICERS = [
    "INSERT INTO account (login, name, all_areas, must_change) "
    "SELECT 'officer ' || n, 'officer', false, false FROM generate_series(1, :n) n",
    "INSERT INTO account_role (account_id, role) "
    "SELECT account_id, 'officer' FROM account WHERE login LIKE 'officer %'",
    "INSERT INTO account_area (account_id, area_id) "
    f"SELECT account_id, 2 + split_part(login, ' ', 2)::int % {SIDE * SIDE} FROM account "
    "WHERE login LIKE 'officer %'",
    "INSERT INTO api_token (account_id, name, token_hash, expires_at, permissions) "
    "SELECT account_id, 'bench', sha256(convert_to('gbt_' || login, 'UTF8')), "
    "now() + interval '2 days', CAST(:may AS text[]) FROM account WHERE login LIKE 'officer %'",
]
WORK = f"""
INSERT INTO case_file (jurisdiction_id, number, opened_at, words, geom, area_id, category_id, level,
    state, state_since, version, department_id, first_department_id, last_at)
SELECT 1, 'O' || n || '-' || CAST(:round AS int), now() - interval '3 hours', '垃圾',
    ST_PointOnSurface(a.geom), a.area_id, 1, 'grid', 'dispatched', now() - interval '3 hours', 3,
    1, 1, now() - interval '3 hours'
FROM generate_series(1, CAST(:n AS int)) n JOIN area a ON a.area_id = 2 + n % {SIDE * SIDE}
"""
WAITING = """
SELECT case_id, split_part(split_part(number, 'O', 2), '-', 1)::int AS n FROM case_file
WHERE case_id > :first AND state = 'dispatched' ORDER BY case_id DESC LIMIT :n
"""
ILLEGAL = """
SELECT count(*) FROM case_transition t LEFT JOIN case_rule r ON r.action = t.action
    AND r.from_state = coalesce(t.from_state, '') AND r.to_state = t.to_state
LEFT JOIN case_file c ON c.case_id = t.case_id AND t.seq <= c.version
WHERE r.action IS NULL OR c.case_id IS NULL
"""


def found(owner: Connection) -> None:
    """Make a jurisdiction of 400 grids with the demo's classes, a calendar and a classifier."""
    for statement in PLACE:
        owner.execute(text(statement))
    owner.execute(text(f"INSERT INTO category_scheme (scheme, version) VALUES ('{SCHEME}', '1')"))
    starter = files("governance.intake.data").joinpath("starter.tsv").read_text("utf-8")
    codes = sorted({row["code"] for row in csv.DictReader(starter.splitlines(), delimiter="\t")})
    for code in codes:
        owner.execute(text(
            "INSERT INTO category (scheme_id, code, name, name_en) VALUES (1, :c, :c, :c)"
        ), {"c": code})  # fmt: skip
    now = datetime.now(UTC)
    years = range(now.year, now.year + 2)
    write_calendar(owner, 1, library_calendar("CN", years), source="benchmark")
    labelled = read_labelled(owner, 1, SCHEME)
    train_version(owner, 1, SCHEME, labelled, ClassifierParams(folds=2), now=now)


def fill(engine: Engine, existing: int, *, histories: int, officers: int, may: list[str]) -> float:
    """Fill the tables; return the seconds that it took.

    Parameters
    ----------
    histories
        How many of the newest cases get their eight steps; older ones stand without.

    Raises
    ------
    RuntimeError
        A step that was written is not one of the table of rules.
    """
    begin = time.perf_counter()
    spot = {"w": WEST, "s": SOUTH, "dx": WIDE, "dy": HIGH, "most": existing}
    with engine.begin() as owner, _without_indexes(owner, ("case_file", "report")):
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        for low in range(1, existing + 1, 1_000_000):
            part = {"lo": low, "hi": min(low + 999_999, existing)}
            owner.execute(text(CASES), spot | part)
            owner.execute(text(REPORTS), part)
            print(f"  {part['hi']:,} cases, {time.perf_counter() - begin:.0f} s", flush=True)
        for statement in OFFICERS:
            values = {"n": officers, "may": may}
            owner.execute(
                text(statement), {k: v for k, v in values.items() if f":{k}" in statement}
            )
        lasts = {"lo": existing - histories + 1, "hi": existing}
        owner.execute(text(HISTORIES), lasts)
        owner.execute(text("SELECT setval('case_file_case_id_seq', :n)"), {"n": lasts["hi"]})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as owner:
        owner.execute(text("VACUUM ANALYZE"))
        illegal = owner.execute(text(ILLEGAL)).scalar_one()
    if illegal:
        raise RuntimeError(f"{illegal} steps were written that the rules do not allow")
    return time.perf_counter() - begin


def give_work(engine: Engine, officers: int) -> list[Row[Any]]:
    """Give each officer a case to sign for, beside all that they had; return case and officer."""
    with engine.begin() as owner:
        first = owner.execute(text("SELECT max(case_id) FROM case_file")).scalar_one()
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        owner.execute(text(WORK), {"n": officers, "round": first})
        last = owner.execute(text("SELECT max(case_id) FROM case_file")).scalar_one()
        owner.execute(text(HISTORIES), {"lo": first + 1, "hi": last})
        return list(owner.execute(text(WAITING), {"first": first, "n": officers}))


@contextmanager
def _without_indexes(owner: Connection, tables: tuple[str, ...]) -> Iterator[None]:
    """Drop the indexes of tables that no constraint needs, and make them again in the end."""
    owner.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
    rows = owner.execute(text(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid::regclass::text = ANY(:t) "
        "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)"
    ), {"t": list(tables)}).all()  # fmt: skip
    for name, _ in rows:
        owner.execute(text(f'DROP INDEX "{name}"'))
    yield
    for _, definition in rows:
        owner.exec_driver_sql(definition)
