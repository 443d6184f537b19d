"""Where the database is and where Gridbeat keeps its own files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """Settings of the database, read once at the edge from ``GRIDBEAT_*`` variables.

    Attributes
    ----------
    database_url
        A PostgreSQL 15+ with PostGIS 3.3+. Unset: Gridbeat owns a private cluster.
    owner_url
        The same database as a role that may create tables, for ``gridbeat db migrate``.
        Unset: `database_url`.
    home
        The private cluster's directory. Unset: one per user, see `home_directory`.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDBEAT_", frozen=True, extra="ignore")

    database_url: str | None = None
    owner_url: str | None = None
    home: Path | None = Field(default=None)

    def home_directory(self) -> Path:
        """Return the directory of the private cluster of the calling user."""
        if self.home is not None:
            return self.home.expanduser().absolute()
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and its own user cannot enter /root.
            return Path("/var/lib/gridbeat")
        base = os.environ.get("XDG_DATA_HOME") or str(
            Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".local/share"
        )
        return Path(base) / "gridbeat"
