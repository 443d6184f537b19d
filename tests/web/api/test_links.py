"""Another platform's messages are taken in when their signature holds, and each once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from geo.database.connect import connect, make_engine
from governance.links.signing import sign
from governance.links.store import write_link
from tests.web.conftest import Service
from tests.web.district import SOUTH, STEP, WEST

pytestmark = pytest.mark.db
SECRET = "q3N8mZt0vW7xR2yK5uB1cL6dE9fH4gJs"
BODY = json.dumps(
    {"type": "report", "words": "区里转来的问题", "lon": WEST + STEP / 2, "lat": SOUTH + STEP / 2}
).encode()


@pytest.fixture
def linked(own_service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("GRIDBEAT_LINK_SECRETS", json.dumps({"district": SECRET}))
    engine = make_engine(own_service.database, pool_size=1)
    with engine.begin() as connection:
        write_link(connection, 1, code="district", name="区平台", url="https://d.example/in")
    engine.dispose()
    return own_service


def test_signed_message_is_taken_in_once_and_logged(linked: Service) -> None:
    headers = sign(BODY, key="k-1", secret=SECRET, at=datetime.now(UTC))
    answers = [
        linked.client(headers=headers).post("/api/v1/links/district/inbox", content=BODY)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    with connect(linked.database) as connection:
        found = connection.execute(
            "SELECT count(*), min(taken_by) FROM report WHERE channel = 'feed'"
        ).fetchone()
        logged = connection.execute(
            "SELECT count(*) FROM audit_entry WHERE action = 'message taken in'"
        ).fetchone()
    assert found == (1, "link district")
    assert logged == (2,)


@pytest.mark.parametrize("code", ["district", "nobody"])
def test_message_that_is_signed_otherwise_is_refused(linked: Service, code: str) -> None:
    old = datetime.now(UTC) - timedelta(hours=1)
    for headers in ({}, sign(BODY, key="k", secret=SECRET, at=old),
                    sign(BODY, key="k", secret=SECRET[::-1], at=datetime.now(UTC))):  # fmt: skip
        client = linked.client(headers=headers)
        answer = client.post(f"/api/v1/links/{code}/inbox", content=BODY)
        assert answer.status_code == 401, answer.text
