"""Finds the programs of PostgreSQL on this machine, with PostGIS or without."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from geo.errors import DatabaseError, InputError, MissingDependencyError

OLDEST_MAJOR = 15
DEBIAN_ROOT = Path("/usr/lib/postgresql")
SERVER_PROGRAMS = ("initdb", "postgres", "pg_ctl", "pg_controldata")
INSTALL_HINT = (
    "Install them: sudo apt-get install postgresql-postgis (Debian 12 and 13, Ubuntu 24.04). "
    f"A system whose PostgreSQL is older than {OLDEST_MAJOR} (Ubuntu 22.04) needs "
    "postgresql-16-postgis-3 from apt.postgresql.org. Installed elsewhere: set GRIDBEAT_PG_BIN "
    "to the directory that holds initdb. To use a database server: set GRIDBEAT_DATABASE_URL."
)


class ProgramSettings(BaseSettings):
    """Where the programs are, if not where every Debian puts them.

    Attributes
    ----------
    pg_bin
        Directory of ``initdb``, ``postgres`` and ``pg_dump`` (``GRIDBEAT_PG_BIN``).
    """

    model_config = SettingsConfigDict(env_prefix="GRIDBEAT_", frozen=True, extra="ignore")

    pg_bin: Path | None = None


@dataclass(frozen=True)
class Programs:
    """One installation of PostgreSQL.

    Attributes
    ----------
    directory
        Where ``initdb``, ``postgres``, ``pg_dump`` and the others lie.
    major
        Major version, such as 15.
    """

    directory: Path
    major: int

    def path(self, name: str) -> str:
        """Return the full path of the program `name`."""
        return str(self.directory / name)


def find_server(*, major: int | None = None) -> Programs:
    """Find an installation that can run a PostGIS server, the newest that fits.

    Parameters
    ----------
    major
        The version that an existing data directory asks for; any from 15 on when None.

    Raises
    ------
    MissingDependencyError
        No installation fits; the message names what was seen and what to install.
    """
    seen = list(_installations())
    able = [one for one in seen if _has(one, SERVER_PROGRAMS) and _has_postgis(one)]
    fitting = [one for one in able if one.major >= OLDEST_MAJOR and major in (None, one.major)]
    if fitting:
        return fitting[0]
    if major is not None and able:
        raise DatabaseError(_other_version_message(major, able))
    found = "; ".join(_describe(one) for one in seen) or "no PostgreSQL was found"
    raise MissingDependencyError(
        f"A PostgreSQL {major or f'{OLDEST_MAJOR} or newer'} server with PostGIS is needed on "
        f"this machine, but {found}. {INSTALL_HINT}"
    )


def find_client(name: str, *, at_least: int) -> Programs:
    """Find the program `name` of a version that can talk to a server of version `at_least`.

    ``pg_dump`` and ``pg_restore`` refuse servers newer than themselves. Of those that are
    new enough the oldest is taken, so that a file can be read where it was written.

    Raises
    ------
    MissingDependencyError
        No installation fits.
    """
    fitting = [one for one in _installations() if one.major >= at_least and _has(one, (name,))]
    if fitting:
        return min(fitting, key=lambda one: one.major)
    raise MissingDependencyError(
        f"{name} of PostgreSQL {at_least} or newer is needed, because the server is of that "
        f"version. Install it: sudo apt-get install postgresql-client-{at_least}, "
        "or set GRIDBEAT_PG_BIN to the directory that holds it."
    )


def _installations() -> Iterator[Programs]:
    """Yield each installation once: a named one alone, else newest first."""
    named = ProgramSettings().pg_bin
    directories = [named] if named is not None else _usual_directories()
    found: dict[Path, Programs] = {}
    for directory in directories:
        major = _major_of(directory)
        if major is not None:
            found.setdefault(directory.resolve(), Programs(directory, major))
    if named is not None and not found:
        raise InputError(
            f"GRIDBEAT_PG_BIN is {named}, but there is no working postgres or pg_dump in it."
        )
    yield from sorted(found.values(), key=lambda one: -one.major)


def _usual_directories() -> list[Path]:
    directories = [path / "bin" for path in sorted(DEBIAN_ROOT.glob("*"))]
    config = shutil.which("pg_config")
    if config:
        directories.append(Path(_output_of(config, "--bindir").strip() or "/nonexistent"))
    on_path = shutil.which("initdb")
    return [*directories, Path(on_path).resolve().parent] if on_path else directories


def _major_of(directory: Path) -> int | None:
    for name in ("postgres", "pg_dump"):
        match = re.search(r"\) (\d+)", _output_of(str(directory / name), "--version"))
        if match:
            return int(match.group(1))
    return None


def _output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _has(installation: Programs, names: tuple[str, ...]) -> bool:
    return all((installation.directory / name).is_file() for name in names)


def _has_postgis(installation: Programs) -> bool:
    share = _output_of(installation.path("pg_config"), "--sharedir").strip()
    prefix = installation.directory.parent
    places = [
        Path("/usr/share/postgresql") / str(installation.major),
        prefix / "share/postgresql",
        prefix / "share",
        *([Path(share)] if share else []),
    ]
    return any((place / "extension/postgis.control").is_file() for place in places)


def _describe(installation: Programs) -> str:
    lacks = [] if _has(installation, SERVER_PROGRAMS) else ["without the server"]
    if not _has_postgis(installation):
        lacks.append("without PostGIS")
    if installation.major < OLDEST_MAJOR:
        lacks.append("too old")
    return f"PostgreSQL {installation.major} in {installation.directory} is {', '.join(lacks)}"


def _other_version_message(major: int, able: list[Programs]) -> str:
    present = ", ".join(str(one.major) for one in able)
    return (
        f"the data were written by PostgreSQL {major}, but only PostgreSQL {present} with PostGIS "
        f"is installed here. Either install the old one beside it (sudo apt-get install "
        f"postgresql-{major}-postgis-3) and all works as before; or, to move on, run `gridbeat db "
        "backup FILE` where the old one is installed, `gridbeat db down`, move the directory "
        "away, and run `gridbeat db restore FILE` here."
    )
