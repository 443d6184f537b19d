"""A jurisdiction as tracks need it: cells, grids of any day, walls and roads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import psycopg
from sqlalchemy import Connection, text

from geo.camera_store import read_buildings
from geo.effort_cells import CELL_M, Ground, position_in
from geo.effort_store import lay_ground
from geo.network.store import read_network
from geo.places import GridSet, Place
from geo.store import read_grid_set, read_place
from geo.visibility.walls import Walls, make_walls
from patrol.tracks.effort_ground import EffortGround, lay_areas
from patrol.tracks.match import Matcher, make_matcher
from patrol.tracks.sight import Sight, make_sight

_DAY_US = 86_400_000_000
OnGround = Literal["foot", "vehicle"]


@dataclass
class Town:
    """Buildings and roads as tracks need them; one entry each once they were read."""

    sight: list[Sight | None] = field(default_factory=list)
    matcher: list[Matcher | None] = field(default_factory=list)


@dataclass
class Watched:
    """Where tracks lie.

    Attributes
    ----------
    place, ground, grids
        As `geo.store.read_place`, `geo.effort_store.lay_ground` and `geo.store.read_grid_set`
        give them.
    town
        Its buildings and roads, read when they are first needed.
    """

    place: Place
    ground: Ground
    grids: GridSet
    town: Town = field(default_factory=Town)
    _areas: dict[int, EffortGround] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """Return the jurisdiction's time zone."""
        return ZoneInfo(self.place.time_zone)

    def sight(self, connection: Connection) -> Sight | None:
        """Return what walls leave to be seen of each cell, found once.

        None where no building is known: the ground is then taken for flat and open.
        """
        if not self.town.sight:
            walls = read_walls(connection, self.place)
            frame = self.ground.lattice
            self.town.sight.append(None if walls is None else make_sight(frame, walls))
        return self.town.sight[0]

    def matcher(self, connection: Connection, source: str) -> Matcher | None:
        """Return what matches the tracks of a source to roads, made once.

        None without roads, and for what does not keep to them: who walks, what flies.
        """
        if source != "vehicle":
            return None
        if not self.town.matcher:
            made = read_matchers(connection, self.place.jurisdiction_id)
            self.town.matcher.append(made.get("vehicle"))
        return self.town.matcher[0]

    def areas_on(self, day: int) -> tuple[int, EffortGround]:
        """Return the areas of a day (since 1970), laid once for each change of the grids."""
        changes = np.unique(np.concatenate([self.grids.valid_from, self.grids.valid_to]))
        period = int(np.searchsorted(changes, day, side="right"))
        if period not in self._areas:
            valid = (self.grids.valid_from <= day) & (day < self.grids.valid_to)
            self._areas[period] = lay_areas(
                self.ground.lattice, self.grids.polygons[valid], self.grids.area_id[valid]
            )
        return period, self._areas[period]


def watch_place(connection: Connection, code: str | None, *, now: datetime) -> Watched:
    """Return a jurisdiction with its cells and grids, stored cells brought up to date."""
    raw = cast(psycopg.Connection[tuple[object, ...]], connection.connection.driver_connection)
    place = read_place(raw, code)
    grids = read_grid_set(raw, place)
    return Watched(place, lay_ground(connection, place, grids, now=now), grids)


def town_version(connection: Connection, jurisdiction_id: int) -> tuple[int, ...]:
    """Return numbers that change when roads or buildings are imported."""
    found = connection.execute(
        text(
            "SELECT count(*), coalesce(max(t.import_run_id), 0) FROM feed f JOIN ("
            "SELECT feed_id, import_run_id FROM road UNION ALL "
            "SELECT feed_id, import_run_id FROM building) t USING (feed_id) "
            "WHERE f.jurisdiction_id = :place"
        ),
        {"place": jurisdiction_id},
    ).one()
    return int(found[0]), int(found[1])


def has_buildings(connection: Connection, jurisdiction_id: int) -> bool:
    """Say whether any building is known: without one the ground counts as flat and open."""
    found = connection.execute(
        text(
            "SELECT EXISTS (SELECT FROM building b JOIN feed f USING (feed_id) "
            "WHERE f.jurisdiction_id = :place)"
        ),
        {"place": jurisdiction_id},
    )
    return bool(found.scalar_one())


def read_walls(connection: Connection, place: Place) -> Walls | None:
    """Read the buildings of a jurisdiction as walls; None where there are none."""
    buildings = read_buildings(connection, place.jurisdiction_id)
    return make_walls(buildings, srid=place.srid) if len(buildings) else None


def read_matchers(
    connection: Connection, jurisdiction_id: int, *, sources: Sequence[OnGround] = ("vehicle",)
) -> dict[str, Matcher]:
    """Read the roads and make what matches tracks to them, by source; empty without roads.

    Vehicles keep to roads; who walks need not, and is matched only when asked for.
    """
    network = read_network(connection, jurisdiction_id)
    if not len(network.segments):
        return {}
    return {source: make_matcher(network, mode=source) for source in sources}


def stored_looks(seen: pd.DataFrame, watched: Watched, source: str) -> pd.DataFrame:
    """Return looks at cells with ground, with the area of each cell's middle, for `write_looks`."""
    if seen.empty:
        return pd.DataFrame({"i": [], "j": [], "source": [], "area_id": [], "last_at": [],
                             "by_hour": []})  # fmt: skip
    i, j = seen["i"].to_numpy(dtype=np.int64), seen["j"].to_numpy(dtype=np.int64)
    ground = position_in(watched.ground, i, j) >= 0
    day = seen["last_us"].to_numpy(dtype=np.int64) // _DAY_US
    area = watched.grids.area_of((i + 0.5) * CELL_M, (j + 0.5) * CELL_M, day)
    at = pd.to_datetime(seen["last_us"].to_numpy(dtype=np.int64), unit="us", utc=True)
    table = pd.DataFrame(
        {"i": i, "j": j, "source": source, "area_id": np.maximum(area, 0), "last_at": at,
         "by_hour": seen["by_hour"].to_numpy()}
    )  # fmt: skip
    return table[ground]
