"""`gridbeat db` from the outside: what it prints, what it exits with, what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from geo.database.connect import Database, connect, locate, make_owner_engine
from geo.database.schema import head_revision
from geo.errors import (
    ConflictError,
    CrsError,
    DatabaseError,
    FormatError,
    MissingDependencyError,
    NotFoundError,
)
from geo.settings import DatabaseSettings
from web.cli import describe, exit_code, main


@dataclass(frozen=True)
class Outcome:
    returncode: object
    stdout: str
    stderr: str


class Gridbeat(Protocol):
    def __call__(self, *arguments: str, home: Path | None = None, **variables: str) -> Outcome: ...


@pytest.fixture
def gridbeat(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gridbeat:
    """Give what runs the command line with the settings of one call."""

    def run(*arguments: str, home: Path | None = None, **variables: str) -> Outcome:
        settings = {**variables, **({"GRIDBEAT_HOME": str(home)} if home else {})}
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as caught:
                main(arguments)
            return Outcome(caught.value.code, *capsys.readouterr())

    return run


def told(outcome: Outcome) -> dict[str, str]:
    """Return the lines ``name: value`` of an output."""
    pairs = (line.split(":", 1) for line in outcome.stdout.splitlines() if ":" in line)
    return {name: value.strip() for name, value in pairs}


@pytest.mark.db
class TestPrivate:
    def test_up_status_down_are_idempotent_and_say_so(
        self, gridbeat: Gridbeat, cluster_home: Path
    ) -> None:
        before = gridbeat("db", "status", home=cluster_home)
        assert before.returncode == 0
        assert told(before)["state"].startswith("stopped")
        assert not cluster_home.exists()
        for _ in range(2):
            up = gridbeat("db", "up", home=cluster_home)
            assert up.returncode == 0, up.stderr
            assert told(up)["state"] == "running"
            assert told(up)["works as"] == "gridbeat_app"
            assert told(up)["schema"].startswith(head_revision())
        facts = json.loads(gridbeat("db", "status", "--json", home=cluster_home).stdout)
        assert facts["running"] is True
        assert facts["revision"] == {"current": head_revision(), "head": head_revision()}
        assert gridbeat("db", "down", home=cluster_home).stdout == "stopped\n"
        down = gridbeat("db", "down", home=cluster_home)
        assert (down.returncode, down.stdout) == (0, "it was not running\n")

    def test_two_commands_at_once_both_succeed(self, cluster_home: Path) -> None:
        environment = {**os.environ, "GRIDBEAT_HOME": str(cluster_home)}
        command = [sys.executable, "-c", "from web.cli import main; main()", "db", "up"]
        processes = [
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for _ in range(2)
        ]
        for process in processes:
            stdout, stderr = process.communicate(timeout=300)
            assert process.returncode == 0, stderr.decode()
            assert b"running" in stdout
            assert b"Error" not in stderr

    def test_backup_and_restore_into_another_home(
        self, gridbeat: Gridbeat, cluster_home: Path, short_directory: Path, tmp_path: Path
    ) -> None:
        file, other = tmp_path / "monday.backup", short_directory / "other"
        assert gridbeat("db", "up", home=cluster_home).returncode == 0
        database = locate(DatabaseSettings(home=cluster_home))
        with connect(database) as connection:
            connection.execute("INSERT INTO category_scheme (scheme, version) VALUES ('x', '1')")
        backup = gridbeat("db", "backup", str(file), home=cluster_home)
        assert backup.returncode == 0, backup.stderr
        assert "public.category_scheme" in backup.stderr.splitlines()
        again = gridbeat("db", "backup", str(file), home=cluster_home)
        assert again.returncode == 6
        assert "--force" in again.stderr
        refused = gridbeat("db", "restore", str(file), home=cluster_home)
        assert refused.returncode == 6
        assert "--replace" in refused.stderr
        try:
            restored = gridbeat("db", "restore", str(file), home=other)
            assert restored.returncode == 0, restored.stderr
            with connect(locate(DatabaseSettings(home=other))) as connection:
                rows = connection.execute("SELECT scheme, version FROM category_scheme").fetchall()
            assert rows == [("x", "1")]
        finally:
            gridbeat("db", "down", home=other)

    def test_ctrl_c_in_the_terminal_leaves_the_server_running(self, cluster_home: Path) -> None:
        code = (
            "import os, signal\n"
            "from web.cli import main\n"
            "try:\n    main(['db', 'up'])\n"
            "finally:\n    os.killpg(0, signal.SIGINT)\n"
        )
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "GRIDBEAT_HOME": str(cluster_home)},
            start_new_session=True,
            capture_output=True,
        )
        time.sleep(0.5)
        with connect(locate(DatabaseSettings(home=cluster_home))) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_bad_file_is_one_message_and_exit_code_2(
        self, gridbeat: Gridbeat, cluster_home: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "holiday.jpg"
        file.write_bytes(b"\xff\xd8\xff")
        outcome = gridbeat("db", "restore", str(file), home=cluster_home)
        assert outcome.returncode == 2
        assert outcome.stdout == ""
        assert outcome.stderr.startswith(f"Error: {file} is not a complete backup")
        assert "Traceback" not in outcome.stderr
        with pytest.raises(FormatError):
            gridbeat("db", "restore", str(file), "--debug", home=cluster_home)
        absent = gridbeat("db", "restore", str(tmp_path / "none"), home=cluster_home)
        assert absent.returncode == 5


@pytest.mark.db
class TestServerOfOthers:
    """The tests' server stands for one that others run: only its address is given."""

    def address(self, database: Database) -> str:
        return database.owner_url.render_as_string(hide_password=False)

    def test_commands_work_with_an_address(
        self, gridbeat: Gridbeat, fresh_database: Database, tmp_path: Path
    ) -> None:
        address = self.address(fresh_database)
        up = gridbeat("db", "up", GRIDBEAT_DATABASE_URL=address)
        assert up.returncode == 0, up.stderr
        assert told(up)["works as"] == "gridbeat_app"
        assert gridbeat("db", "migrate", GRIDBEAT_DATABASE_URL=address).returncode == 0
        assert (
            gridbeat("db", "backup", str(tmp_path / "a"), GRIDBEAT_DATABASE_URL=address).returncode
            == 0
        )
        assert (
            gridbeat("db", "restore", str(tmp_path / "a"), GRIDBEAT_DATABASE_URL=address).returncode
            == 0
        )

    def test_down_refuses_to_stop_it(self, gridbeat: Gridbeat, fresh_database: Database) -> None:
        outcome = gridbeat("db", "down", GRIDBEAT_DATABASE_URL=self.address(fresh_database))
        assert outcome.returncode == 2
        assert "not Gridbeat's to stop" in outcome.stderr

    def test_unreachable_server_is_exit_code_3_without_the_password(
        self, gridbeat: Gridbeat
    ) -> None:
        outcome = gridbeat(
            "db", "status", GRIDBEAT_DATABASE_URL="postgresql://ann:s3cret@127.0.0.1:1/watch"
        )
        assert outcome.returncode == 3
        assert outcome.stderr.startswith("Error: The database")
        assert "s3cret" not in outcome.stderr + outcome.stdout

    def test_wrong_address_is_exit_code_2(self, gridbeat: Gridbeat) -> None:
        outcome = gridbeat("db", "up", GRIDBEAT_DATABASE_URL="mysql://ann:s3cret@host/db")
        assert outcome.returncode == 2
        assert "s3cret" not in outcome.stderr


class TestCommandLine:
    def test_absent_programs_are_exit_code_2_or_4_and_nothing_is_made(
        self, gridbeat: Gridbeat, tmp_path: Path
    ) -> None:
        outcome = gridbeat("db", "up", home=tmp_path / "home", GRIDBEAT_PG_BIN=str(tmp_path))
        assert outcome.returncode == 2
        assert "GRIDBEAT_PG_BIN" in outcome.stderr
        assert not (tmp_path / "home").exists()

    def test_help_names_every_command_of_the_group(self, gridbeat: Gridbeat) -> None:
        outcome = gridbeat("db", "--help")
        assert outcome.returncode == 0
        for name in ("up", "down", "status", "migrate", "backup", "restore"):
            assert f"  {name} " in outcome.stdout
        assert "..." not in outcome.stdout.split("Commands:")[1]

    def test_version_is_printed(self, gridbeat: Gridbeat) -> None:
        assert gridbeat("--version").stdout.startswith("gridbeat 0.")

    def test_unknown_command_is_exit_code_2(self, gridbeat: Gridbeat) -> None:
        outcome = gridbeat("nonsense")
        assert outcome.returncode == 2
        assert "No such command 'nonsense'" in outcome.stderr

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (CrsError("x"), 2),
            (DatabaseError("x"), 3),
            (MissingDependencyError("x"), 4),
            (NotFoundError("x"), 5),
            (ConflictError("x"), 6),
            (PermissionError(13, "Permission denied"), 1),
            (ZeroDivisionError("x"), 70),
        ],
    )
    def test_each_kind_of_error_has_its_exit_code(self, error: Exception, code: int) -> None:
        assert exit_code(error) == code

    def test_fault_of_ours_says_that_it_is_one(self) -> None:
        assert "KeyError: 'grid'\nThis is a fault in Gridbeat" in describe(KeyError("grid"))

    @pytest.mark.db
    def test_refusal_of_the_database_does_not_repeat_the_values(
        self, fresh_database: Database
    ) -> None:
        engine = make_owner_engine(fresh_database)
        insert = text("INSERT INTO feed (jurisdiction_id, source) VALUES (:id, :source)")
        with engine.connect() as connection, pytest.raises(IntegrityError) as caught:
            connection.execute(insert, {"id": 1, "source": "a secret name"})
        assert exit_code(caught.value) == 3
        assert "violates foreign key" in describe(caught.value)
        assert "a secret name" not in describe(caught.value)

    def test_installed_program_answers(self) -> None:
        outcome = subprocess.run(
            [sys.executable, "-W", "error", "-c", "from web.cli import main; main()", "--help"],
            capture_output=True,
            text=True,
        )
        assert outcome.returncode == 0
        assert "Start, upgrade, back up and stop the database." in outcome.stdout

    def test_help_waits_for_no_library_of_numbers_or_of_the_database(self) -> None:
        code = (
            "import sys\nfrom web.cli import main\n"
            "try:\n    main(['--help'])\nfinally:\n"
            "    heavy = {'numpy', 'pandas', 'numba', 'sqlalchemy', 'psycopg', 'fastapi'}\n"
            "    print('loaded:', sorted(heavy & set(sys.modules)))"
        )
        outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert outcome.returncode == 0
        assert "loaded: []" in outcome.stdout

    def test_main_ends_the_process_with_the_code(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("GRIDBEAT_DATABASE_URL", "nonsense")
        with pytest.raises(SystemExit) as caught:
            main(["db", "status"])
        assert caught.value.code == 2
        assert capsys.readouterr().err.startswith("Error: GRIDBEAT_DATABASE_URL")
