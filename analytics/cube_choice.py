"""Cubes in memory while they are small, in files when they are large."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection

from analytics.cube import Cube
from analytics.cube_cache import Ground, count_on, read_cached_cube
from analytics.cube_file import prune_cubes
from analytics.cube_store import prepare, read_jurisdiction
from analytics.queries import CubeRequest
from geo.lattice.lattice import Lattice

LARGE = 1_000_000_000
"""Bytes that a cube may take in memory before it is kept in a file."""


class CubeSettings(BaseSettings):
    """Where large cubes are kept, from ``GRIDBEAT_*`` variables.

    Attributes
    ----------
    cubes
        Their directory. Unset: ``gridbeat/cubes`` below the user's cache directory.
    cubes_gb
        Space that they may take; those not used for longest go first.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDBEAT_", frozen=True, extra="ignore")

    cubes: Path | None = Field(default=None)
    cubes_gb: float = Field(default=20.0, gt=0)

    def directory(self) -> Path:
        """Return the directory of large cubes; it may not exist yet."""
        if self.cubes is not None:
            return self.cubes.expanduser().absolute()
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Path(base) / "gridbeat/cubes"


def read_ground_cube(
    connection: Connection,
    request: CubeRequest,
    ground: Ground,
    *,
    large: int = LARGE,
    settings: CubeSettings | None = None,
) -> Cube:
    """Count incidents on cells or street segments, into a file if the cube may be large.

    Parameters
    ----------
    ground
        A lattice or street segments.
    large
        Bytes from which a cube is kept in a file, if all asked classes and sources occur.

    Returns
    -------
    Cube
        The same counts either way.
    """
    place = read_jurisdiction(connection, request.jurisdiction_id)
    counting, known = prepare(connection, request, place)
    n_units = ground.n_cells if isinstance(ground, Lattice) else len(ground)
    kinds = len(known) if request.by_class else 1
    most = 4 * n_units * len(counting.steps) * kinds * len(request.found_by)
    if most < large:
        return count_on(connection, request, ground)
    how = settings or CubeSettings()
    cube = read_cached_cube(connection, request, ground, directory=how.directory())
    prune_cubes(how.directory(), most_bytes=int(how.cubes_gb * 1e9))
    return cube
