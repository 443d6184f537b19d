"""Killed, interrupted or cut off, and started again: the result is that of one clean run."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from geo.errors import ConflictError, DatabaseError
from tests.geo.imports.conftest import EAST, INCIDENTS, SOUTH, WEST, Desk, balance, row

pytestmark = pytest.mark.db
# What a shell starts in the background hears no Ctrl-C, and so the import of a test that runs there.
SMALL_CHUNKS = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "import geo.formats.table as table; table.CHUNK_ROWS = 200; "
    "from web.cli import main; main()"
)  # fmt: skip
CONFLICT = 6
# Not a time that is asserted: after so long without any sign the test says who waits for what.
PATIENCE_S = 240.0


def dirty_rows(n: int) -> list[dict[str, Any]]:
    """Return rows of which some are bad, repeated or changed later in the file."""
    rows = []
    for i in range(n):
        line = row(
            i, lon=f"{WEST + (i * 37 % 4000) / 100_000 * 0.99:.6f}", lat=f"{SOUTH + 0.01:.6f}"
        )
        if i % 50 == 7:
            line["class"] = "?"
        if i % 70 == 11:
            line["lon"] = f"{EAST + 1:.6f}"
        if i % 90 == 13:
            line["id"] = f"R{i // 2}"
        rows.append(line)
    return rows


def mapping_file(desk: Desk, **changes: Any) -> Path:
    """Write the mapping as the command line reads it."""
    settings = {**INCIDENTS, **changes}
    lines = [f"{k} = {json.dumps(v)}" for k, v in settings.items() if not isinstance(v, dict)]
    for name, table in settings.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in table.items())]
    path = desk.folder / "incidents.toml"
    path.write_text("\n".join(lines))
    return path


def start(desk: Desk, file: Path) -> subprocess.Popen[str]:
    """Start `gridbeat import incidents FILE` with chunks of 200 rows."""
    url = desk.database.app_url.render_as_string(hide_password=False)
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_CHUNKS, "import", "incidents", str(file)],
        env={**os.environ, "GRIDBEAT_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_progress(process: subprocess.Popen[str], lines: int) -> None:
    assert process.stderr is not None
    for _ in range(lines):
        if not process.stderr.readline():
            return


def finish(desk: Desk, file: Path) -> str:
    """Run the import to its end; the server may need a moment to notice that another died."""
    for _ in range(40):
        process = start(desk, file)
        stdout, stderr = process.communicate(timeout=120)
        if process.returncode != CONFLICT:
            assert process.returncode == 0, stderr
            return stdout
        time.sleep(0.25)
    raise AssertionError(stderr)


def assert_like_a_clean_run(desk: Desk, twin: Desk, file: Path, **changes: Any) -> None:
    report = twin.take(file, **changes)
    assert balance(report) == report.read
    assert desk.dump(numbers=False) == twin.dump(numbers=False)
    done = "SELECT rows_done, rows_new, rows_changed, rows_same, rows_no_grid, quarantined FROM " \
        "import_run ORDER BY import_run_id DESC LIMIT 1"  # fmt: skip
    assert desk.rows(done) == twin.rows(done)


@pytest.mark.parametrize("with_ref", [True, False])
def test_killed_at_random_points_it_ends_like_one_clean_run(
    desk: Desk, twin: Desk, with_ref: bool
) -> None:
    file = desk.csv(dirty_rows(6000))
    columns = {k: v for k, v in INCIDENTS["columns"].items() if with_ref or k != "source_ref"}
    mapping_file(desk, columns=columns)
    chance = random.Random(7)
    ended = 0  # a quick machine may end a run before the kill arrives; the next one begins anew
    for _ in range(3):
        process = start(desk, file)
        wait_for_progress(process, chance.randrange(1, 9))
        time.sleep(chance.random() * 0.05)
        process.kill()
        process.communicate()
        ended += process.returncode == 0
    stdout = finish(desk, file)
    assert "resumed after row" in stdout
    assert desk.one("SELECT count(*) FROM import_run WHERE kind = 'incidents'") == 1 + ended
    assert_like_a_clean_run(desk, twin, file, columns=columns)


def test_interrupted_by_hand_it_goes_on_where_it_stopped(desk: Desk, twin: Desk) -> None:
    file = desk.csv(dirty_rows(20_000))  # a fast machine is not done before it hears the signal
    mapping_file(desk)
    process = start(desk, file)
    wait_for_progress(process, 5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in stderr
    assert desk.one("SELECT status FROM import_run ORDER BY import_run_id DESC LIMIT 1") == "failed"
    assert "resumed after row" in finish(desk, file)
    assert_like_a_clean_run(desk, twin, file)


def test_lost_connection_is_told_and_the_import_goes_on_later(desk: Desk, twin: Desk) -> None:
    file = desk.csv(dirty_rows(4000))
    seen: list[int] = []

    def cut_off(rows: int) -> None:
        seen.append(rows)
        if len(seen) == 8:
            desk.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND usename = 'gridbeat_app'"
            )

    with pytest.raises(DatabaseError, match="start the same command again"):
        desk.take(file, chunk_rows=200, progress=cut_off)
    report = desk.take(file, chunk_rows=200)
    assert report.resumed_at > 0
    assert balance(report) == report.read == 4000
    assert_like_a_clean_run(desk, twin, file, chunk_rows=200)


def test_after_another_file_of_the_source_an_old_run_is_not_resumed(desk: Desk) -> None:
    rows = [row(i) for i in range(1000)]
    old = desk.csv(rows, "old.csv")

    def stop(done: int) -> None:
        if done >= 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.take(old, chunk_rows=200, progress=stop)
    desk.take(desk.csv([{**line, "note": "newer"} for line in rows], "new.csv"))
    report = desk.take(old, chunk_rows=200)
    assert (report.resumed_at, report.changed) == (0, 1000)
    assert desk.one("SELECT count(*) FROM incident WHERE attributes->>'note' = 'newer'") == 0


def test_places_interrupted_and_started_again_are_those_of_a_clean_run(
    desk: Desk, twin: Desk
) -> None:
    rows = [
        {"id": f"C{i // 2 if i % 7 == 3 else i}", "x": WEST + i / 50_000, "y": SOUTH + 0.01, "n": i}
        for i in range(1000)
    ]
    file = desk.csv(rows, "homes.csv")
    columns = {"source_ref": "id", "households": "n", "x": "x", "y": "y"}
    plan = {"kind": "households", "columns": columns, "constants": {}, "attributes": []}

    def stop(done: int) -> None:
        if done >= 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.take(file, chunk_rows=100, progress=stop, **plan)
    report = desk.take(file, chunk_rows=100, **plan)
    assert balance(report) == 1000
    twin.take(file, chunk_rows=100, **plan)
    assert desk.dump(numbers=False) == twin.dump(numbers=False)


def who_waits(desk: Desk, threads: Sequence[threading.Thread]) -> str:
    """Say what each session of the database and each of some threads is doing."""
    sessions = desk.rows(
        "SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), left(query, 120) "
        "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    frames = sys._current_frames()
    stacks = [
        f"{thread.name}:\n" + "".join(traceback.format_stack(frames[thread.ident])[-4:])
        for thread in threads
        if thread.ident in frames
    ]
    return "\n".join(
        ["nothing happened any more; who waits for what:", *map(str, sessions), *stacks]
    )


def test_two_sources_go_in_at_once_and_one_source_only_once(desk: Desk) -> None:
    """Imports of a and b stop in the middle of their work until one more of a was refused."""
    files = {name: desk.csv(dirty_rows(1500), f"{name}.csv") for name in ("a", "b", "c")}
    told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    go_on = threading.Event()

    def take(source: str) -> None:
        stopped = []

        def stop(_rows: int) -> None:
            if not stopped:
                stopped.append(True)
                told.put((source, None))
                assert go_on.wait(PATIENCE_S), "nobody let the imports go on"

        plan = desk.plan(source=source)
        try:
            told.put((source, desk.take(files[source], plan, chunk_rows=100, progress=stop)))
        except BaseException as error:  # noqa: BLE001 (told to the test, which judges)
            told.put((source, error))

    threads = [
        threading.Thread(target=take, args=(name,), name=name, daemon=True) for name in ("a", "b")
    ]

    def hear() -> tuple[str, Any]:
        try:
            return told.get(timeout=PATIENCE_S)
        except queue.Empty:
            pytest.fail(who_waits(desk, threads))

    for thread in threads:
        thread.start()
    try:
        assert dict([hear(), hear()]) == {"a": None, "b": None}
        with pytest.raises(ConflictError):
            desk.take(files["c"], desk.plan(source="a"))
    finally:
        go_on.set()
    reports = dict([hear(), hear()])
    for thread in threads:
        thread.join()
    assert {name: balance(report) for name, report in reports.items()} == {"a": 1500, "b": 1500}
    assert reports["a"].new == reports["b"].new
    assert desk.one("SELECT count(*) FROM incident") == reports["a"].new * 2
