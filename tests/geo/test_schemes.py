"""Schemes of classes are founded once, however many imports bring the same one at once."""

from __future__ import annotations

import threading
import time

import pytest

from geo.database.connect import Database, connect
from geo.store import ensure_categories

pytestmark = pytest.mark.db

CLASSES = {"b": ("噪音", "Noise", None), "a": ("垃圾", "Dumping", None)}


def test_two_who_found_a_scheme_at_once_get_the_same_classes(fresh_database: Database) -> None:
    found: list[dict[str, int]] = []

    def later() -> None:
        with connect(fresh_database) as connection:
            found.append(ensure_categories(connection, scheme="town", categories=CLASSES))

    with connect(fresh_database) as first, connect(fresh_database, role="owner") as watch:
        watch.autocommit = True
        mine = ensure_categories(first, scheme="town", categories=CLASSES)
        other = threading.Thread(target=later)
        other.start()
        until = time.monotonic() + 60
        waits = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        while watch.execute(waits).fetchone() == (0,):
            assert time.monotonic() < until, "nobody waits for who founds the scheme"
            time.sleep(0.01)
        first.commit()
        other.join(60)
    assert found == [mine]
    assert set(mine) == {"a", "b"}
