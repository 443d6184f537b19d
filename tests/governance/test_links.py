"""Messages to and from another platform arrive once, whichever side is killed in the middle."""

from __future__ import annotations

import hashlib
import hmac
import json
import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from geo.database.connect import Database, make_engine
from geo.errors import ConflictError, InputError, NotFoundError
from governance.case_store import move_case, open_case
from governance.cases.steps import Step
from governance.links.send import DeliveryError, deliver
from governance.links.signing import SIGNATURE_HEADER, TIME_HEADER, check_signature, sign
from governance.links.store import (
    LinkSettings,
    find_link,
    list_links,
    receive,
    write_link,
)
from web.jobs.links import Backoff

START = datetime(2026, 3, 3, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
NOW = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
SECRET = "q3N8mZt0vW7xR2yK5uB1cL6dE9fH4gJs"
SETTINGS = LinkSettings(secrets={"district": SecretStr(SECRET)})


class TestSigning:
    def test_signed_message_gives_its_key(self) -> None:
        headers = sign(b"{}", key="k-1", secret=SECRET, at=NOW)
        late = NOW + timedelta(minutes=4)
        assert check_signature(b"{}", headers, secret=SECRET, now=late) == "k-1"

    def test_signature_of_rfc_4231_style_is_hmac_sha256_over_time_key_and_body(self) -> None:
        headers = sign(b"body", key="k", secret=SECRET, at=NOW)
        stamp = str(int(NOW.timestamp()))
        wanted = hmac.new(SECRET.encode(), f"{stamp}.k.body".encode(), hashlib.sha256).hexdigest()
        assert headers[SIGNATURE_HEADER] == f"v1={wanted}"

    @pytest.mark.parametrize(
        ("changed", "body", "minutes", "message"),
        [
            ({SIGNATURE_HEADER: "v1=00"}, b"{}", 0, "does not hold"),
            ({}, b"[]", 0, "does not hold"),
            ({}, b"{}", 6, "at another time"),
            ({}, b"{}", -6, "at another time"),
            ({TIME_HEADER: "x"}, b"{}", 0, "needs X-Gridbeat-Key"),
            ({"X-Gridbeat-Key": "k-2"}, b"{}", 0, "does not hold"),
        ],
    )
    def test_changed_or_old_message_is_refused(self, changed, body, minutes, message) -> None:
        headers = sign(b"{}", key="k-1", secret=SECRET, at=NOW) | changed
        with pytest.raises(InputError, match=message):
            check_signature(body, headers, secret=SECRET, now=NOW + timedelta(minutes=minutes))

    def test_missing_or_guessable_secret_is_refused(self) -> None:
        with pytest.raises(InputError, match="GRIDBEAT_LINK_SECRETS"):
            LinkSettings(secrets={}).secret("district")
        with pytest.raises(InputError, match="short or guessable"):
            LinkSettings(secrets={"x": SecretStr("secret")}).secret("x")

    def test_waits_double_up_to_an_hour_and_end(self) -> None:
        backoff = Backoff()
        assert [backoff.wait_s(n) for n in (0, 1, 5, 20)] == [5.0, 10.0, 160.0, 3600.0]


@contextmanager
def listening(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/in"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Platform:
    """The other side: checks signatures, and takes each key in once."""

    def __init__(self, answers=()) -> None:
        self.seen: list[str] = []
        self.taken: dict[str, dict] = {}
        self.answers = list(answers)
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def handler(self):
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = check_signature(body, dict(self.headers), secret=SECRET,
                                      now=datetime.now(UTC))  # fmt: skip
                platform.seen.append(key)
                status = platform.answers.pop(0) if platform.answers else 200
                if status == 200:
                    platform.taken.setdefault(key, json.loads(body))
                platform.arrived.set()
                platform.go_on.wait(20)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the sender is dead

            def log_message(self, *args) -> None:
                pass

        return Handler


class Sender:
    """A database of its own with one case at the district and messages that wait."""

    def __init__(self, database: Database, found_place, clock) -> None:
        self.database, self.clock = database, clock
        self.engine = make_engine(database, pool_size=3)
        with self.engine.begin() as connection:
            self.place = found_place(connection)

    def link(self, url: str) -> None:
        with self.engine.begin() as connection:
            write_link(connection, self.place.jurisdiction, code="district", name="区平台", url=url)

    def case(self, level: str = "district") -> str:
        with self.engine.begin() as connection:
            step = Step("report", "desk", START, uuid4())
            case = open_case(
                connection, jurisdiction_id=self.place.jurisdiction, words="w", lon=116.4,
                lat=39.9, area_id=None, step=step, clock=self.clock,
            )  # fmt: skip
            filed = Step("accept", "desk", START, uuid4(), category_id=self.place.category,
                         level=level)  # fmt: skip
            move_case(connection, case.case_id, filed, clock=self.clock)
        return case.number

    def ask(self, query: str) -> list:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query)))

    def waiting(self) -> list[int]:
        return [r[0] for r in self.ask(
            "SELECT outbox_id FROM outbox WHERE status = 'waiting' ORDER BY 1")]  # fmt: skip

    def deliver(self, number: int, *, last_try: bool = False) -> str:
        return deliver(self.engine, number, SETTINGS, last_try=last_try)


@pytest.fixture
def sender(fresh_database: Database, found_place, clock):
    made = Sender(fresh_database, found_place, clock)
    yield made
    made.engine.dispose()


def _deliver_and_be_killed(database: Database, number: int) -> None:
    deliver(make_engine(database, pool_size=1), number, SETTINGS, last_try=False)


@pytest.mark.db
class TestOut:
    def test_transition_writes_its_message_and_queues_it_in_one_transaction(
        self, sender: Sender
    ) -> None:
        sender.link("https://district.example/in")
        number = sender.case()
        ((body, queued),) = sender.ask(
            "SELECT o.body, (SELECT count(*) FROM jobs.procrastinate_jobs "
            "WHERE task_name = 'gridbeat.deliver') FROM outbox o"
        )
        assert (body["number"], body["action"], body["level"]) == (number, "accept", "district")
        assert queued == 1
        assert not {"contact", "phone", "name"} & set(body)

    def test_case_below_the_links_level_stays_in_the_house(self, sender: Sender) -> None:
        sender.link("https://district.example/in")
        sender.case(level="street")
        assert sender.waiting() == []

    def test_message_is_sent_signed_and_only_once(self, sender: Sender) -> None:
        platform = Platform()
        with listening(platform.handler()) as url:
            sender.link(url)
            number = sender.case()
            (message,) = sender.waiting()
            assert sender.deliver(message) == "sent"
            assert sender.deliver(message) == "sent"
        assert len(platform.seen) == 1
        assert [taken["number"] for taken in platform.taken.values()] == [number]

    def test_failure_is_tried_again_with_the_same_key_and_refusal_is_not(
        self, sender: Sender
    ) -> None:
        platform = Platform(answers=[503, 429, 200, 400])
        with listening(platform.handler()) as url:
            sender.link(url)
            sender.case()
            (message,) = sender.waiting()
            for _ in range(2):
                with pytest.raises(DeliveryError, match="did not arrive"):
                    sender.deliver(message)
            assert sender.deliver(message) == "sent"
            assert len(set(platform.seen)) == 1
            sender.case()
            (second,) = sender.waiting()
            assert sender.deliver(second) == "given_up"
        with sender.engine.connect() as connection:
            (row,) = list_links(connection, sender.place.jurisdiction)
        assert (row.waiting, row.sent, row.given_up) == (0, 1, 1)
        assert sender.ask("SELECT tries FROM outbox ORDER BY 1") == [(1,), (3,)]

    def test_nobody_listening_is_tried_again_until_the_last_try(self, sender: Sender) -> None:
        sender.link("http://127.0.0.1:9/in")
        sender.case()
        (message,) = sender.waiting()
        with pytest.raises(DeliveryError, match="ConnectError"):
            sender.deliver(message)
        assert sender.deliver(message, last_try=True) == "given_up"

    def test_sender_killed_after_the_other_side_took_it_does_not_double_it(
        self, sender: Sender
    ) -> None:
        platform = Platform()
        platform.go_on.clear()
        with listening(platform.handler()) as url:
            sender.link(url)
            sender.case()
            (message,) = sender.waiting()
            process = multiprocessing.get_context("spawn").Process(
                target=_deliver_and_be_killed, args=(sender.database, message)
            )
            process.start()
            assert platform.arrived.wait(60)
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            platform.go_on.set()
            assert sender.waiting() == [message]
            assert sender.deliver(message) == "sent"
        assert len(platform.seen) == 2
        assert len(platform.taken) == 1

    @pytest.mark.parametrize("url", ["http://district.example/in", "ftp://x", "district"])
    def test_link_without_https_is_refused(self, sender: Sender, url: str) -> None:
        with pytest.raises(InputError, match="over https only"):
            sender.link(url)


def _receive_and_be_killed(database: Database, key: str, body: bytes) -> None:
    """Take a message in, and die before the commit."""
    engine = make_engine(database, pool_size=1)
    with engine.begin() as connection:
        receive(connection, find_link(connection, "district"), key=key, body=body, now=NOW)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.db
class TestIn:
    REPORT = json.dumps({"type": "report", "words": "区里转来", "lon": 116.4, "lat": 39.9}).encode()

    @pytest.fixture
    def own(self, db, place):
        write_link(db, place.jurisdiction, code="district", name="区", url="https://d.example/in")
        return find_link(db, "district")

    def test_same_key_gives_the_first_answer_and_does_nothing(self, db, own) -> None:
        first = receive(db, own, key="k", body=self.REPORT, now=NOW)
        assert receive(db, own, key="k", body=self.REPORT, now=NOW) == first
        assert db.execute(text("SELECT count(*) FROM report")).scalar_one() == 1
        with pytest.raises(ConflictError, match="came with another message before"):
            receive(db, own, key="k", body=b"{}", now=NOW)

    def test_district_acknowledges_a_case_over_the_link(self, db, own, place, clock) -> None:
        step = Step("report", "desk", START, uuid4())
        case = open_case(db, jurisdiction_id=place.jurisdiction, words="w", lon=116.4, lat=39.9,
                         area_id=None, step=step, clock=clock)  # fmt: skip
        for action in ("accept", "escalate"):
            made = Step(action, "desk", START, uuid4(), reason="r", category_id=place.category)
            move_case(db, case.case_id, made, clock=clock)
        body = json.dumps({"type": "step", "number": case.number, "action": "acknowledge"}).encode()
        answer = receive(db, own, key="a", body=body, now=NOW)
        assert answer == {"number": case.number, "state": "accepted", "version": 4}
        with pytest.raises(ConflictError, match="cannot acknowledge"):
            receive(db, own, key="b", body=body, now=NOW)
        assert db.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 0  # no echo

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"x", "no JSON"),
            (b"[]", '"report" or "step"'),
            (b'{"type": "report"}', "lacks words"),
            (b'{"type": "report", "words": "w", "lon": "x", "lat": 1}', "lon is degrees"),
            (b'{"type": "report", "words": "w", "lon": 1, "lat": 1, "seen_at": "x"}', "a time"),
            (b'{"type": "step", "number": "1", "action": "close"}', "a link may"),
        ],
    )
    def test_message_that_cannot_be_read_is_told(self, db, own, body, message) -> None:
        with pytest.raises(InputError, match=message):
            receive(db, own, key=str(uuid4()), body=body, now=NOW)

    def test_unknown_link_is_told(self, db) -> None:
        with pytest.raises(NotFoundError, match="no link 'x'"):
            find_link(db, "x")

    def test_receiver_killed_before_its_commit_takes_the_next_try_in_once(
        self, sender: Sender
    ) -> None:
        sender.link("https://d.example/in")
        process = multiprocessing.get_context("spawn").Process(
            target=_receive_and_be_killed, args=(sender.database, "k", self.REPORT)
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert sender.ask("SELECT count(*) FROM report") == [(0,)]
        for _ in range(2):
            with sender.engine.begin() as connection:
                link = find_link(connection, "district")
                receive(connection, link, key="k", body=self.REPORT, now=NOW)
        assert sender.ask("SELECT count(*) FROM report") == [(1,)]
