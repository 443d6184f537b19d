"""The audit log: only added to, without gap or fork, and every change shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect, make_engine
from geo.errors import InputError
from web.audit.log import Entry
from web.audit.verify import Verdict, verify_log
from web.database import packaged_sql

pytestmark = pytest.mark.db


def write(database: Database, number: int) -> None:
    entry = Entry("tried", "ann", number, details={"n": number, "词": "好"})
    with connect(database, role="web") as connection:
        connection.execute(packaged_sql("audit_entry"), entry.values())


def check(database: Database, anchor: str | None = None) -> Verdict:
    with make_engine(database, pool=NullPool).connect() as connection:
        return verify_log(connection, anchor=anchor)


def tamper(database: Database, statement: str) -> None:
    """Change the log as somebody who owns the database could."""
    with connect(database, role="owner") as owner:
        owner.execute("ALTER TABLE audit_entry DISABLE TRIGGER ALL")
        owner.execute(statement.encode())
        owner.execute("ALTER TABLE audit_entry ENABLE TRIGGER ALL")


def test_many_writers_at_once_make_one_chain(fresh_database: Database) -> None:
    assert check(fresh_database) == Verdict(0, None, None, "0:")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write(fresh_database, n), range(40)))
    verdict = check(fresh_database)
    assert (verdict.entries, verdict.broken_at) == (40, None)
    write(fresh_database, 40)
    assert check(fresh_database, verdict.anchor).broken_at is None


def test_an_entry_holds_up_nobody_before_its_transaction_commits(fresh_database: Database) -> None:
    entry = Entry("tried", "slow", 1)
    with connect(fresh_database, role="web") as slow:
        slow.execute(packaged_sql("audit_entry"), entry.values())
        write(fresh_database, 2)
        assert check(fresh_database).entries == 1
    verdict = check(fresh_database)
    assert (verdict.entries, verdict.broken_at) == (2, None)
    with connect(fresh_database, role="owner") as owner:
        actors = owner.execute("SELECT actor FROM audit_entry ORDER BY seq").fetchall()
        assert actors == [("ann",), ("slow",)]
        assert owner.execute("SELECT count(*) FROM audit_draft").fetchone() == (0,)


@pytest.mark.parametrize("role", ["app", "web"])
@pytest.mark.parametrize(
    "statement",
    ["SELECT FROM audit_draft", "DELETE FROM audit_draft", "UPDATE audit_draft SET actor = 'x'",
     "INSERT INTO audit_entry (actor, action) VALUES ('x', 'y')"],
)  # fmt: skip
def test_nobody_looks_at_a_draft_or_writes_past_it(shared_database: Database, role, statement):
    with (
        connect(shared_database, role=role) as connection,
        pytest.raises(psycopg.Error, match="permission denied"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "place", "reason"),
    [
        ("UPDATE audit_entry SET actor = 'bob' WHERE seq = 3", 3, "was changed"),
        ("UPDATE audit_entry SET details = '{}' WHERE seq = 2", 2, "was changed"),
        ("DELETE FROM audit_entry WHERE seq = 4", 5, "missing"),
        ("DELETE FROM audit_entry WHERE seq = 6", 6, "anchor is missing"),
        (
            "UPDATE audit_entry e SET actor = 'bob', hash = audit_digest("
            "ROW(e.seq, e.at, e.account_id, 'bob', e.action, e.object, e.address, e.details, "
            "e.prev_hash, e.hash)::audit_entry) WHERE seq = 6",
            6,
            "not the entry of the anchor",
        ),
        (
            "UPDATE audit_entry e SET actor = 'bob', hash = audit_digest("
            "ROW(e.seq, e.at, e.account_id, 'bob', e.action, e.object, e.address, e.details, "
            "e.prev_hash, e.hash)::audit_entry) WHERE seq = 3",
            4,
            "does not follow",
        ),
    ],
)
def test_every_kind_of_tampering_is_found(
    fresh_database: Database, statement: str, place: int, reason: str
) -> None:
    for number in range(6):
        write(fresh_database, number)
    anchor = check(fresh_database).anchor
    tamper(fresh_database, statement)
    verdict = check(fresh_database, anchor)
    assert verdict.broken_at == place
    assert reason in str(verdict.reason)


@pytest.mark.parametrize("role", ["app", "web", "owner"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"],
)
def test_nobody_changes_or_removes_an_entry(shared_database: Database, role, statement) -> None:
    with (
        connect(shared_database, role=role) as connection,
        pytest.raises(psycopg.Error, match=r"permission denied|only ever added to"),
    ):
        connection.execute(statement)


def test_an_anchor_of_another_form_is_refused(fresh_database: Database) -> None:
    with pytest.raises(InputError, match="is no anchor"):
        check(fresh_database, "yesterday")
