"""Screens have every event exactly once and in order, whatever breaks on the way."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from geo.database.connect import Database, connect
from geo.incidents import NewIncident, record_incident
from tests.web.conftest import Service, listening
from tests.web.district import SOUTH, STEP, WEST
from web.app import create_app
from web.live.hub import Hub
from web.live.recent import Recent
from web.settings import WebSettings

pytestmark = pytest.mark.db


@dataclass
class Screen:
    """A browser's EventSource: reads, remembers the last id, comes back."""

    client: httpx.Client
    query: dict[str, Any]
    heard: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    patience_s: float = 2
    connections: int = 0
    stop: Event = field(default_factory=Event)

    def listen(self) -> None:
        while not self.stop.is_set():
            headers = {"Last-Event-ID": str(self.heard[-1][0])} if self.heard else {}
            try:
                with self.client.stream(
                    "GET", "/live", params=self.query, headers=headers, timeout=self.patience_s
                ) as answer:
                    answer.raise_for_status()
                    self.connections += 1
                    self._read(answer)
            except httpx.HTTPError:
                time.sleep(0.05)

    def _read(self, answer: httpx.Response) -> None:
        said: dict[str, str] = {}
        for line in answer.iter_lines():
            if self.stop.is_set():
                return
            if line:
                name, _, value = line.partition(": ")
                said[name] = value
            elif said.get("event") == "beat":
                self.told.append(f"beat {said['id']}")
                said = {}
            elif "id" in said:
                self.heard.append((int(said["id"]), said["event"], json.loads(said["data"])))
                said = {}
            elif "event" in said:
                self.told.append(f"{said['event']} {said['data']}")
                said = {}

    @property
    def references(self) -> list[int]:
        return [body["incident_id"] for _, kind, body in self.heard if kind == "incident"]


@contextmanager
def screen(
    service: Service, who: str = "analyst", *, patience_s: float = 2, **query: Any
) -> Iterator[Screen]:
    """Run a screen in a thread of its own, from the beginning of the log on."""
    client = service.client(headers=service.bearer(who))
    made = Screen(client, {"last": 0} | query, patience_s=patience_s)
    thread = Thread(target=made.listen, daemon=True)
    thread.start()
    wait_for(lambda: made.connections > 0)
    try:
        yield made
    finally:
        made.stop.set()
        thread.join(timeout=10)


def wait_for(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


NUMBERS = iter(range(10_000))


def report(database: Database, n: int = 1, *, column: int = 0, category: int = 1) -> list[int]:
    """Record incidents one transaction each, in a grid; return their numbers."""
    engine = create_engine(database.app_url, poolclass=NullPool)
    made = []
    for _ in range(n):
        new = NewIncident(
            "live", f"L{next(NUMBERS)}", datetime.now(UTC), category, "resident",
            WEST + (column + 0.5) * STEP, SOUTH + STEP / 2,
        )  # fmt: skip
        with engine.begin() as connection:
            made.append(record_incident(connection, 1, new))
    engine.dispose()
    return made


def test_event_arrives_with_place_time_and_class_and_nothing_about_people(
    own_service: Service,
) -> None:
    with screen(own_service) as watch:
        (number,) = report(own_service.database)
        wait_for(lambda: number in watch.references)
    event = next(body for _, _, body in watch.heard if body["incident_id"] == number)
    assert set(event) == {
        "at", "area_id", "category_id", "incident_id", "occurred_at", "found_by", "lon", "lat",
    }  # fmt: skip
    assert event["area_id"] == own_service.areas["w1"]


def test_screen_that_comes_back_is_told_what_it_missed_once(own_service: Service) -> None:
    with screen(own_service) as watch:
        first = report(own_service.database, 3)
        wait_for(lambda: set(first) <= set(watch.references))
        last = watch.heard[-1][0]
    missed = report(own_service.database, 3)
    with screen(own_service, last=last) as again:
        new = report(own_service.database, 2)
        wait_for(lambda: set(new) <= set(again.references))
    assert again.references == missed + new


def test_area_and_class_and_kind_are_filtered(own_service: Service) -> None:
    with (
        screen(own_service, area=own_service.areas["e1"]) as east,
        screen(own_service, **{"class": 2}) as second,
        screen(own_service, kind="plan") as plans,
    ):
        report(own_service.database, column=0, category=1)
        (number,) = report(own_service.database, column=2, category=2)
        wait_for(lambda: number in east.references and number in second.references)
        assert {body["area_id"] for _, _, body in east.heard} == {own_service.areas["e1"]}
        assert {body["category_id"] for _, _, body in second.heard} == {2}
        assert plans.references == []


def test_scope_and_permission_hold_for_events_too(own_service: Service) -> None:
    with screen(own_service, "west") as west, screen(own_service, "officer") as officer:
        (hidden,) = report(own_service.database, column=3)
        (shown,) = report(own_service.database, column=0)
        wait_for(lambda: shown in west.references)
        assert hidden not in west.references
        assert officer.references == []  # an officer may not read all incidents
    assert own_service.client().get("/live").status_code == 401


def test_revoked_token_hears_nothing_more(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.routes.live.RECHECK_S", 0.05)
    monkeypatch.setattr("web.routes.live.HEARTBEAT_S", 0.05)
    with screen(own_service, "supervisor") as watch:
        with connect(own_service.database) as connection:
            connection.execute(
                "UPDATE api_token SET revoked_at = now() FROM account a "
                "WHERE a.account_id = api_token.account_id AND a.login = 'supervisor'"
            )
        wait_for(lambda: "signed-out {}" in watch.told)


def test_map_layer_that_changed_is_told(own_service: Service) -> None:
    with screen(own_service) as watch:
        report(own_service.database)
        wait_for(lambda: 'layer {"layer":"incidents"}' in watch.told)


def test_nothing_is_lost_or_doubled_when_connections_are_killed(own_service: Service) -> None:
    with screen(own_service) as one, screen(own_service, kind="incident") as two:
        made = []
        for _ in range(4):
            made += report(own_service.database, 5)
            with connect(own_service.database, role="owner") as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE usename = 'gridbeat_web' AND datname = current_database()"
                )
        wait_for(lambda: set(made) <= set(one.references) & set(two.references))
    for watch in (one, two):
        numbers = [number for number, _, _ in watch.heard]
        assert numbers == sorted(set(numbers))
        assert [n for n in watch.references if n in set(made)] == made


def test_events_become_visible_in_the_order_of_their_numbers(own_service: Service) -> None:
    """Two transactions at once: the second waits with its number until the first has committed."""
    order: list[str] = []
    first = connect(own_service.database)
    emit = "SELECT emit_event('alert', 1, NULL, NULL, '{}')"
    first.execute(emit)

    def second() -> None:
        with connect(own_service.database) as connection:
            connection.execute(emit)
            order.append("second")

    thread = Thread(target=second)
    thread.start()
    wait_for(lambda: bool(order) or somebody_waits(own_service.database))
    order.append("first")
    first.commit()
    first.close()
    thread.join()
    assert order == ["first", "second"]


def somebody_waits(database: Database) -> bool:
    with connect(database, role="owner") as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ).fetchone()
    return found is not None and found[0] > 0


def test_log_that_no_longer_reaches_back_says_so(own_service: Service) -> None:
    report(own_service.database, 3)
    with connect(own_service.database) as connection:
        connection.execute(
            "DELETE FROM live_event WHERE event_id < (SELECT max(event_id) FROM live_event)"
        )
    with started_anew(own_service) as service, screen(service, last=1) as watch:
        wait_for(lambda: "reset {}" in watch.told)


def test_screen_that_has_seen_another_log_is_told_to_load_anew(own_service: Service) -> None:
    """As after a backup was restored: its number lies ahead, and nothing new may be kept from it."""
    (known,) = report(own_service.database)
    with screen(own_service, last=10**9) as watch:
        wait_for(lambda: "reset {}" in watch.told)
        (number,) = report(own_service.database)
        wait_for(lambda: number in watch.references)
    assert known not in watch.references


@contextmanager
def started_anew(service: Service, *, keep: int | None = None) -> Iterator[Service]:
    """Run a second process's worth of service on the same database, without the first's memory."""
    app = create_app(WebSettings(hash_memory_kib=19_456, pool_size=4), service.database)
    if keep is not None:
        app.state.hub.recent = Recent(keep)
        app.state.hub.keep = keep
    with listening(app) as origin, ExitStack() as clients:
        yield replace(service, app=app, origin=origin, open_clients=clients)


def test_events_before_what_is_in_memory_come_from_the_log_without_a_seam(
    own_service: Service,
) -> None:
    """More events than are kept, over pages of the log, while new ones go on."""
    emit(own_service.database, 2500)
    with (
        started_anew(own_service, keep=100) as service,
        screen(service, patience_s=90) as watch,  # a slow machine is silent for seconds, too
    ):
        for _ in range(20):
            emit(service.database, 60)
        newest = last_number(service.database)
        wait_for(lambda: bool(watch.heard) and watch.heard[-1][0] == newest)
        assert [number for number, _, _ in watch.heard] == numbers(service.database)
        assert watch.connections == 1
        watch.stop.set()
        emit(service.database, 1)  # so that it stops reading


def test_screen_of_one_area_reads_the_log_without_the_others_events(own_service: Service) -> None:
    """Row-level security leaves holes in the numbers, which are no reason to load anew."""
    for column in (3, 0, 3, 0, 3):
        report(own_service.database, column=column)
    own = numbers(own_service.database, own_service.areas["w1"])
    with (
        started_anew(own_service, keep=1) as service,
        screen(service, "west", last=own[0], kind="incident") as watch,
    ):
        wait_for(lambda: {number for number, _, _ in watch.heard} >= set(own[1:]))
        assert [number for number, _, _ in watch.heard] == own[1:]
        assert "reset {}" not in watch.told


def test_slow_screen_is_told_all_once_it_reads_again(own_service: Service) -> None:
    """It stops reading while far more is said than the line and the memory hold."""
    with started_anew(own_service, keep=100) as service, slow_line(service, "analyst") as line:
        for _ in range(10):
            emit(service.database, 1500, body="x" * 400)
        hub: Hub = service.app.state.hub
        newest = last_number(service.database)
        wait_for(lambda: hub.recent.last == newest)
        assert hub.recent.base > 0, "the memory holds everything: nothing is shown by this"
        heard = [int(found) for found in re.findall(rb"id: (\d+)\n", read_until(line, newest))]
        assert heard == numbers(service.database)


def test_no_connection_is_held_for_a_screen(own_service: Service) -> None:
    def connections() -> int:
        with connect(own_service.database, role="owner") as connection:
            (n,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'gridbeat_web' "
                "AND datname = current_database()"
            ).fetchone()
        return int(n)

    with ExitStack() as lines:
        for _ in range(40):
            line = lines.enter_context(slow_line(own_service, "analyst"))
            said = b""
            while b"retry:" not in said:
                said += line.recv(65_536)
        # Two pools of four, the listener: forty screens do not change that.
        assert connections() <= 2 * 4 + 1
        report(own_service.database)
        assert own_service.client().get("/readyz").status_code == 200


def test_screen_that_heard_nothing_is_told_how_far_the_log_is(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it does not have the whole log searched when it comes back."""
    monkeypatch.setattr("web.routes.live.HEARTBEAT_S", 0.05)
    with screen(own_service, kind="plan") as plans:
        report(own_service.database, 2)
        newest = last_number(own_service.database)
        wait_for(lambda: f"beat {newest}" in plans.told)
    assert plans.heard == []


def test_service_that_is_told_to_stop_lets_go_of_its_screens(own_service: Service) -> None:
    with screen(own_service) as watch, connect(own_service.database) as connection:
        hub: Hub = own_service.app.state.hub
        began = watch.connections
        hub.let_go()
        wait_for(lambda: watch.connections > began)  # its answer ended, and it came back
        hub.is_closing = False
        connection.execute("SELECT emit_event('alert', 1, NULL, NULL, '{}')")
        connection.commit()
        newest = last_number(own_service.database)
        wait_for(lambda: bool(watch.heard) and watch.heard[-1][0] == newest)
    assert [number for number, _, _ in watch.heard] == sorted({n for n, _, _ in watch.heard})


def emit(database: Database, n: int, body: str = "") -> None:
    """Write events to the log, all in one transaction."""
    with connect(database) as connection:
        connection.execute(
            "SELECT count(emit_event('alert', 1, NULL, NULL, jsonb_build_object('note', %s::text)))"
            " FROM generate_series(1, %s)", [body, n],
        )  # fmt: skip


def numbers(database: Database, area: int | None = None) -> list[int]:
    """Read the numbers of the log, of one area if that is named."""
    with connect(database) as connection:
        return [
            number
            for (number,) in connection.execute(
                "SELECT event_id FROM live_event WHERE %(area)s::bigint IS NULL "
                "OR area_id = %(area)s ORDER BY event_id", {"area": area},
            )
        ]  # fmt: skip


def last_number(database: Database) -> int:
    return numbers(database)[-1]


@contextmanager
def slow_line(service: Service, who: str) -> Iterator[socket.socket]:
    """Ask for all events and give the bare line, which nobody reads yet."""
    url = httpx.URL(service.origin)
    with socket.create_connection((url.host, url.port or 80), timeout=60) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        head = service.bearer(who) | {"Host": f"{url.host}:{url.port}", "Last-Event-ID": "0"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        line.sendall(f"GET /live HTTP/1.1\r\n{lines}\r\n".encode())
        yield line


def read_until(line: socket.socket, number: int) -> bytes:
    """Read a line until it has said an event's number; the frame of each piece is taken off."""
    stream = line.makefile("rb")
    while stream.readline() not in {b"\r\n", b""}:
        pass
    said = b""
    while b"id: %d\n" % number not in said[-200_000:]:
        said += stream.read(int(stream.readline(), 16))
        stream.readline()
    return said
