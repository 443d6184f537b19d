"""The private PostGIS starts, survives what kills it, and lets nobody else in."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest

from geo.cluster import programs
from geo.cluster.configuration import server_settings
from geo.cluster.identity import server_user
from geo.cluster.layout import MARKER, Cluster
from geo.cluster.processes import running_process
from geo.cluster.server import data_major, ensure_running, read_facts, stop
from geo.database.connect import connect, private_database
from geo.errors import DatabaseError, InputError, MissingDependencyError

START = "from pathlib import Path; from geo.cluster.layout import Cluster; from geo.cluster.server import ensure_running; import sys; ensure_running(Cluster(Path(sys.argv[1]), durable=False))"
NewDirectory = Callable[[], AbstractContextManager[Path]]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def new_cluster(cluster_home: Path) -> Cluster:
    """Give a cluster that does not exist yet."""
    return Cluster(cluster_home, durable=False)


@pytest.fixture(scope="module")
def made_cluster(new_directory: NewDirectory) -> Iterator[Cluster]:
    """Give a cluster that was made, holds the row 1, and is down: for others to copy."""
    with new_directory() as directory:
        cluster = Cluster(directory / "home", durable=False)
        ensure_running(cluster)
        write_row(cluster, 1)
        stop(cluster)
        yield cluster


@pytest.fixture
def cluster(made_cluster: Cluster, cluster_home: Path) -> Cluster:
    """Give a stopped cluster of this test's own that holds the row 1."""
    subprocess.run(["cp", "-a", str(made_cluster.home), str(cluster_home)], check=True)
    return Cluster(cluster_home, durable=False)


@pytest.fixture(scope="module")
def running(made_cluster: Cluster, new_directory: NewDirectory) -> Iterator[Cluster]:
    """Give one running cluster to all tests that only look."""
    with new_directory() as directory:
        home = directory / "home"
        subprocess.run(["cp", "-a", str(made_cluster.home), str(home)], check=True)
        cluster = Cluster(home, durable=False)
        ensure_running(cluster)
        yield cluster
        stop(cluster)


def start_process(home: Path, code: str = START) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home)], stderr=subprocess.PIPE, start_new_session=True
    )


def wait_for(condition: Callable[[], object], *, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not come"
        time.sleep(0.002)


def write_row(cluster: Cluster, value: int) -> None:
    with connect(private_database(cluster), role="owner") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value integer)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def read_rows(cluster: Cluster) -> list[int]:
    with connect(private_database(cluster), role="owner") as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY 1")]


def kill_server(cluster: Cluster) -> int:
    process_id = running_process(cluster)
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    return process_id


@pytest.mark.db
class TestLife:
    def test_nothing_is_made_by_asking(self, new_cluster: Cluster) -> None:
        facts = read_facts(new_cluster)
        assert (facts.exists, facts.running, facts.major) == (False, False, None)
        assert stop(new_cluster) is False
        assert not new_cluster.home.exists()

    def test_starting_twice_starts_once_and_data_outlive_a_stop(self, cluster: Cluster) -> None:
        assert ensure_running(cluster) is True
        write_row(cluster, 2)
        process_id = read_facts(cluster).process_id
        assert ensure_running(cluster) is False
        assert read_facts(cluster).process_id == process_id
        assert stop(cluster) is True
        assert stop(cluster) is False
        assert not read_facts(cluster).running
        assert ensure_running(cluster) is True
        assert read_rows(cluster) == [1, 2]

    def test_database_has_postgis_and_a_role_that_row_security_binds(
        self, cluster: Cluster
    ) -> None:
        ensure_running(cluster)
        with connect(private_database(cluster)) as connection:
            extensions = connection.execute("SELECT extname FROM pg_extension").fetchall()
            role = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        assert {("postgis",), ("btree_gist",)} <= set(extensions)
        assert role == ("gridbeat_app", False, False, False, False, False)

    def test_a_durable_server_writes_down_what_it_promises(self, cluster_home: Path) -> None:
        durable = Cluster(cluster_home)
        ensure_running(durable)
        names = ("data_checksums", "fsync", "full_page_writes", "synchronous_commit", "jit")
        with connect(private_database(durable)) as connection:
            rows = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        assert rows == [("on",), ("on",), ("on",), ("on",), ("off",)]

    def test_missing_parts_of_the_database_are_made_up_for(self, cluster: Cluster) -> None:
        ensure_running(cluster)
        database = private_database(cluster)
        with connect(database.renamed("postgres"), role="owner", autocommit=True) as connection:
            connection.execute("DROP DATABASE gridbeat")
            connection.execute("DROP ROLE gridbeat_app")
        assert ensure_running(cluster) is False
        with connect(database) as connection:
            row = connection.execute("SELECT ST_AsText(ST_Point(1, 2))").fetchone()
        assert row == ("POINT(1 2)",)


@pytest.mark.db
class TestDoors:
    def test_server_listens_at_no_tcp_port(self, running: Cluster) -> None:
        process_id = read_facts(running).process_id
        inodes = set()
        for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        assert inodes
        for table in ("tcp", "tcp6", "udp", "udp6"):
            lines = Path(f"/proc/{process_id}/net/{table}").read_text().splitlines()[1:]
            assert not inodes & {line.split()[9] for line in lines}
        assert any(
            line.split()[6] in inodes
            for line in Path(f"/proc/{process_id}/net/unix").read_text().splitlines()[1:]
        )

    def test_server_is_not_root_and_stands_in_a_session_of_its_own(self, running: Cluster) -> None:
        process_id = read_facts(running).process_id
        assert process_id is not None
        status = Path(f"/proc/{process_id}/status").read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        assert set(uids) == {str(server_user().uid)}
        assert "0" not in uids
        assert "NoNewPrivs:\t1" in status
        assert os.getsid(process_id) != os.getsid(0)
        assert os.getpgid(process_id) != os.getpgid(0)

    def test_data_log_and_socket_are_closed_to_others(self, running: Cluster) -> None:
        for directory in (running.data, running.log, running.sockets()):
            facts = directory.stat()
            assert (facts.st_mode & 0o777, facts.st_uid) == (0o700, server_user().uid)

    @needs_root
    def test_another_user_cannot_connect(self, running: Cluster) -> None:
        nobody = pwd.getpwnam("nobody")
        running.sockets().chmod(0o755)
        running.sockets().joinpath(".s.PGSQL.5432").chmod(0o777)
        for role in ("gridbeat_app", "gridbeat_owner", "postgres"):
            outcome = subprocess.run(
                [
                    programs.find_client("psql", at_least=15).path("psql"),
                    *("-h", str(running.sockets()), "-U", role, "-d", "gridbeat", "-c", "SELECT 1"),
                ],
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
                capture_output=True,
                text=True,
                cwd="/",
            )
            assert outcome.returncode != 0
            assert "authentication failed" in outcome.stderr

    def test_application_cannot_become_the_owner(self, running: Cluster) -> None:
        with (
            connect(private_database(running)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SET ROLE gridbeat_owner")

    def test_socket_of_a_deep_home_lies_in_a_short_directory(self, short_directory: Path) -> None:
        cluster = Cluster(short_directory / ("d" * 90) / "home", durable=False)
        try:
            ensure_running(cluster)
            write_row(cluster, 7)
            assert read_rows(cluster) == [7]
            assert len(str(cluster.sockets() / ".s.PGSQL.5432")) < 107
            assert cluster.home not in cluster.sockets().parents
        finally:
            stop(cluster)
            shutil.rmtree(cluster.sockets(), ignore_errors=True)


@pytest.mark.db
class TestAccidents:
    def test_two_commands_at_once_make_one_cluster(self, new_cluster: Cluster) -> None:
        processes = [start_process(new_cluster.home) for _ in range(3)]
        for process in processes:
            _, stderr = process.communicate(timeout=120)
            assert process.returncode == 0, stderr.decode()
        write_row(new_cluster, 1)
        assert read_rows(new_cluster) == [1]
        assert [path.name for path in new_cluster.home.glob("making-*")] == []

    def test_killed_server_comes_back_with_what_was_committed(self, cluster: Cluster) -> None:
        ensure_running(cluster)
        connection = connect(private_database(cluster), role="owner")
        connection.execute("INSERT INTO kept VALUES (2)")
        killed = kill_server(cluster)
        assert ensure_running(cluster) is True
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
        connection.close()
        assert running_process(cluster) not in (None, killed)
        assert read_rows(cluster) == [1]

    def test_killed_server_comes_back_for_several_commands_at_once(self, cluster: Cluster) -> None:
        ensure_running(cluster)
        kill_server(cluster)
        processes = [start_process(cluster.home) for _ in range(3)]
        for process in processes:
            _, stderr = process.communicate(timeout=120)
            assert process.returncode == 0, stderr.decode()
        assert read_rows(cluster) == [1]

    def test_lock_files_that_name_a_process_of_somebody_else_are_stale(
        self, cluster: Cluster
    ) -> None:
        ensure_running(cluster)
        kill_server(cluster)
        sleeper = subprocess.Popen(["sleep", "600"], user=server_user().uid)
        try:
            for lock in (
                cluster.data / "postmaster.pid",
                cluster.sockets() / ".s.PGSQL.5432.lock",
            ):
                lines = lock.read_text().split("\n")
                lock.write_text("\n".join([str(sleeper.pid), *lines[1:]]))
            assert not read_facts(cluster).running
            assert ensure_running(cluster) is True
            assert sleeper.poll() is None
        finally:
            sleeper.kill()
            sleeper.wait()
        assert read_rows(cluster) == [1]

    @pytest.mark.parametrize(
        "moment", ["marker", "data", "data/PG_VERSION", "data/global/pg_control"]
    )
    def test_command_killed_in_the_middle_of_making_is_made_up_for(
        self, new_cluster: Cluster, moment: str
    ) -> None:
        wanted = MARKER if moment == "marker" else moment
        process = start_process(new_cluster.home)
        wait_for(lambda: any(new_cluster.home.glob(f"making-*/{wanted}")))
        process.kill()
        process.communicate()
        assert not new_cluster.data.exists()
        assert ensure_running(new_cluster) is True
        write_row(new_cluster, 1)
        assert read_rows(new_cluster) == [1]

        def tidied() -> bool:
            """Start again; the killed command's own initdb may go on writing for a while."""
            stop(new_cluster)
            ensure_running(new_cluster)
            return not list(new_cluster.home.glob("making-*"))

        wait_for(tidied)

    def test_command_killed_while_the_server_starts_is_made_up_for(
        self, new_cluster: Cluster
    ) -> None:
        for _ in range(2):
            process = start_process(new_cluster.home)
            wait_for(lambda: (new_cluster.data / "postmaster.pid").exists())
            process.kill()
            process.communicate()
            ensure_running(new_cluster)
            write_row(new_cluster, 1)
            stop(new_cluster)
        ensure_running(new_cluster)
        assert read_rows(new_cluster) == [1, 1]

    def test_only_what_carries_our_marker_is_removed(self, new_cluster: Cluster) -> None:
        new_cluster.home.mkdir()
        mine, foreign, empty = (new_cluster.home / f"making-{name}" for name in ("a", "b", "c"))
        for directory in (mine, foreign, empty):
            directory.mkdir()
        (mine / MARKER).write_text("x")
        (mine / "data").mkdir()
        (foreign / "thesis.txt").write_text("ten years of work")
        ensure_running(new_cluster)
        assert (foreign / "thesis.txt").read_text() == "ten years of work"
        assert not mine.exists()
        assert not empty.exists()

    def test_data_of_another_major_version_are_refused_and_left_alone(
        self, cluster: Cluster
    ) -> None:
        version = cluster.data / "PG_VERSION"
        right = version.read_text()
        version.write_text("9\n")
        with pytest.raises(DatabaseError) as caught:
            ensure_running(cluster)
        message = str(caught.value)
        assert "written by PostgreSQL 9" in message
        assert f"only PostgreSQL {right.strip()}" in message
        assert "gridbeat db backup" in message
        assert "gridbeat db restore" in message
        version.write_text(right)
        ensure_running(cluster)
        assert read_rows(cluster) == [1]

    def test_directory_that_is_no_data_directory_is_refused(self, new_cluster: Cluster) -> None:
        new_cluster.data.mkdir(parents=True)
        (new_cluster.data / "holiday.jpg").write_text("x")
        with pytest.raises(DatabaseError, match="not a readable data directory"):
            ensure_running(new_cluster)
        assert (new_cluster.data / "holiday.jpg").exists()

    def test_failed_start_shows_the_log_and_where_it_is(self, cluster: Cluster) -> None:
        (cluster.home / "local.conf").write_text("shared_buffers = 'a lot'\n")
        (cluster.home / "local.conf").chmod(0o644)
        with pytest.raises(DatabaseError) as caught:
            ensure_running(cluster)
        assert 'invalid value for parameter "shared_buffers"' in str(caught.value)
        assert str(cluster.log) in str(caught.value)
        (cluster.home / "local.conf").write_text("work_mem = '5MB'\n")
        ensure_running(cluster)
        with connect(private_database(cluster)) as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)

    @needs_root
    def test_home_of_somebody_else_is_refused(self, new_cluster: Cluster) -> None:
        new_cluster.home.mkdir()
        os.chown(new_cluster.home, pwd.getpwnam("nobody").pw_uid, -1)
        with pytest.raises(DatabaseError, match="right owner"):
            ensure_running(new_cluster)

    def test_directory_with_files_of_others_is_no_home_and_stays_as_it_was(
        self, short_directory: Path
    ) -> None:
        """As `/tmp` or `/var` would be: rights of `log`, `run` and `lock` there are not ours."""
        home = short_directory / "var"
        for name in ("log", "run", "lock", "mail"):
            (home / name).mkdir(parents=True)
        home.chmod(0o755)
        before = [(path.name, path.stat()[:6]) for path in sorted(home.iterdir())]
        with pytest.raises(InputError, match="directory of its own"):
            ensure_running(Cluster(home))
        assert [(path.name, path.stat()[:6]) for path in sorted(home.iterdir())] == before
        assert home.stat().st_mode & 0o777 == 0o755

    @needs_root
    def test_home_that_the_server_cannot_enter_is_refused_and_not_made(
        self, tmp_path: Path
    ) -> None:
        tmp_path.chmod(0o700)
        with pytest.raises(DatabaseError, match="cannot enter"):
            ensure_running(Cluster(tmp_path / "home"))
        assert list(tmp_path.iterdir()) == []


@needs_root
@pytest.mark.db
def test_ordinary_user_owns_a_cluster_in_a_home_of_their_own(short_directory: Path) -> None:
    """The interpreter may lie where `nobody` cannot go: it is loaded first, then root is left."""
    code = """
import os, pwd, sys
from pathlib import Path
import psycopg, encodings.idna
from geo.cluster.processes import running_process
from geo.cluster.server import ensure_running, stop
from geo.cluster.layout import Cluster
from geo.database.connect import connect, private_database
home = Path(sys.argv[1])
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
cluster = Cluster(home, durable=False)
print(ensure_running(cluster), ensure_running(cluster))
with connect(private_database(cluster)) as connection:
    print(*connection.execute("SELECT current_user, ST_AsText(ST_Point(1, 2))").fetchone())
status = Path(f"/proc/{running_process(cluster)}/status").read_text()
print([line.split()[1] for line in status.splitlines() if line.startswith("Uid:")][0])
print(stop(cluster))
"""
    nobody = pwd.getpwnam("nobody")
    os.chown(short_directory, nobody.pw_uid, nobody.pw_gid)
    outcome = subprocess.run(
        [sys.executable, "-c", code, str(short_directory / "share/gridbeat")],
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines() == [
        "True False",
        "gridbeat_app POINT(1 2)",
        str(nobody.pw_uid),
        "True",
    ]


class TestPrograms:
    def test_absent_programs_name_the_package_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(programs, "DEBIAN_ROOT", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(MissingDependencyError) as caught:
            programs.find_server()
        assert "no PostgreSQL was found" in str(caught.value)
        assert "sudo apt-get install postgresql-postgis" in str(caught.value)
        with pytest.raises(MissingDependencyError, match="apt-get install postgresql-client-15"):
            programs.find_client("pg_dump", at_least=15)

    @pytest.mark.parametrize(
        ("version", "reason"), [("98.1", "without PostGIS"), ("14.2", "too old")]
    )
    def test_unfit_installation_is_named_with_the_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, reason: str
    ) -> None:
        directory = installation(tmp_path / "pg/bin", version)
        monkeypatch.setenv("GRIDBEAT_PG_BIN", str(directory))
        with pytest.raises(MissingDependencyError) as caught:
            programs.find_server()
        assert reason in str(caught.value)
        assert str(directory) in str(caught.value)

    def test_nothing_is_written_where_programs_are_absent(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(programs, "DEBIAN_ROOT", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(MissingDependencyError):
            ensure_running(Cluster(tmp_path / "home"))
        assert not (tmp_path / "home").exists()

    def test_newest_fitting_installation_serves_and_the_oldest_fitting_dumps(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for major in (14, 16, 18):
            installation(tmp_path / f"{major}/bin", f"{major}.1")
            extension = tmp_path / f"{major}/share/extension"
            extension.mkdir(parents=True)
            (extension / "postgis.control").touch()
        monkeypatch.setattr(programs, "DEBIAN_ROOT", tmp_path)
        monkeypatch.setenv("PATH", "/nonexistent")
        assert programs.find_server().major == 18
        assert programs.find_server(major=16).major == 16
        assert programs.find_client("pg_dump", at_least=15).major == 16

    def test_wrong_directory_of_programs_is_the_callers_mistake(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GRIDBEAT_PG_BIN", str(tmp_path))
        with pytest.raises(InputError, match="GRIDBEAT_PG_BIN"):
            programs.find_server()


def installation(directory: Path, version: str) -> Path:
    """Lay out programs that answer ``--version`` as an installation of `version` does."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_ctl", "pg_controldata", "pg_dump"):
        program = directory / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return directory


@pytest.mark.parametrize(
    ("memory_mib", "buffers"), [(256, "64MB"), (4096, "512MB"), (262_144, "4096MB")]
)
def test_memory_of_the_server_follows_the_machine_within_bounds(
    memory_mib: int, buffers: str
) -> None:
    text = server_settings(Cluster(Path("/x")), memory_mib=memory_mib, shm_mib=64)
    assert f"shared_buffers = {buffers}\n" in text
    assert "dynamic_shared_memory_type = mmap" in text


def test_quote_in_the_home_stays_inside_the_setting() -> None:
    text = server_settings(Cluster(Path("/it's/home")), memory_mib=1024, shm_mib=1024)
    assert "hba_file = '/it''s/home/pg_hba.conf'" in text


def test_data_major_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="not a readable data directory"):
        data_major(Cluster(tmp_path))
