"""Effort and looks are added up, kept and seen by those alone who may."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import Connection, text

from geo.effort_cells import CELL_M, ground_of, position_in
from geo.effort_store import (
    lay_ground,
    read_area_effort,
    read_effort,
    read_ground,
    read_last_looks,
    write_effort,
    write_looks,
)
from geo.places import GridSet, Place

BOUNDARY = shapely.box(120.0, 30.0, 120.004, 30.003)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = datetime(2026, 3, 2, 1, tzinfo=UTC)


def place_of(number: int) -> Place:
    return Place(number, "demo", "示范", "demo", 4549, "Asia/Shanghai", BOUNDARY)


NO_GRIDS = GridSet(
    4549, *(np.empty(0, np.int64) for _ in range(3)), polygons=np.empty(0, dtype=object)
)


def effort(seconds: float, *, area: int = 7, source: str = "foot") -> pd.DataFrame:
    return pd.DataFrame(
        {"hour": [HOUR], "source": [source], "i": [1], "j": [2], "area_id": [area],
         "seconds": [seconds], "visits": [1]}
    )  # fmt: skip


def looks(last: datetime, hour_of_week: int) -> pd.DataFrame:
    by_hour = np.zeros(168, np.int32)
    by_hour[hour_of_week] = int(last.timestamp() // 3600)
    return pd.DataFrame(
        {"i": [1], "j": [2], "source": ["foot"], "area_id": [7], "last_at": [last],
         "by_hour": [by_hour]}
    )  # fmt: skip


def test_ground_is_numbered_by_the_jurisdictions_metres() -> None:
    ground = ground_of(BOUNDARY, srid=4549)
    size = ground.lattice.cell_size_m
    assert size == CELL_M
    assert position_in(ground, ground.i, ground.j).tolist() == list(range(len(ground.i)))
    assert position_in(ground, ground.i - 10_000, ground.j).max() == -1


@pytest.mark.db
def test_effort_of_the_same_hour_adds_up_and_areas_sum_it(db: Connection) -> None:
    for seconds in (100.0, 20.0):
        write_effort(db, 1, effort(seconds))
    write_effort(db, 1, effort(3600.0, area=0))
    write_effort(db, 2, effort(5.0))
    window = {"begins": HOUR, "ends": NOW}
    found = read_effort(db, 1, **window)
    assert found["seconds"].tolist() == [3600.0, 120.0]
    assert found["visits"].tolist() == [1, 2]
    by_area = read_area_effort(db, 1, **window)
    assert by_area["hours"].tolist() == pytest.approx([120 / 3600])  # what lies in no grid is out
    assert read_effort(db, 1, begins=NOW, ends=NOW).empty


@pytest.mark.db
def test_the_later_look_stays_in_each_hour_of_the_week(db: Connection) -> None:
    later, earlier = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 2, 1, 9, tzinfo=UTC)
    write_looks(db, 1, looks(later, 10))
    write_looks(db, 1, looks(earlier, 11))
    row = read_last_looks(db, 1).iloc[0]
    assert row["last_at"] == later
    assert row["by_hour"][10] == later.timestamp() // 3600
    assert row["by_hour"][11] == earlier.timestamp() // 3600
    assert (row["by_hour"] > 0).sum() == 2


@pytest.mark.db
def test_looks_of_any_hours_are_kept_each_where_it_is_later(db: Connection) -> None:
    rng, weeks = np.random.default_rng(1), []
    for share in (0.5, 0.02, 1.0, 0.3):
        week = rng.integers(1, 500_000, 168).astype(np.int32) * (rng.random(168) < share)
        week[[0, 167]] = rng.integers(1, 500_000, 2)
        weeks.append(week.astype(np.int32))
        write_looks(db, 1, looks(NOW, 0).assign(by_hour=[weeks[-1]]))
        found = read_last_looks(db, 1).iloc[0]["by_hour"]
        assert found.tolist() == np.maximum.reduce(weeks).tolist()


@pytest.mark.db
def test_ground_is_laid_once_and_anew_when_it_changes(db: Connection) -> None:
    first = lay_ground(db, place_of(1), NO_GRIDS, now=NOW)
    stored = read_ground(db, 1)
    assert stored[["i", "j"]].to_numpy().tolist() == np.stack([first.i, first.j], 1).tolist()
    inside = float(shapely.area(stored.geometry.to_crs(4549).to_numpy()).sum())
    assert stored["ground_m2"].sum() == pytest.approx(inside, rel=1e-3)
    before = db.execute(text("SELECT min(xmin::text::bigint) FROM ground_cell")).scalar_one()
    lay_ground(db, place_of(1), NO_GRIDS, now=NOW)
    assert (
        db.execute(text("SELECT min(xmin::text::bigint) FROM ground_cell")).scalar_one() == before
    )
    everywhere = GridSet(
        4549, np.array([9]), np.array([0]), np.array([3_000_000]),
        np.array([shapely.box(0, 0, 9e6, 9e6)], dtype=object),
    )  # fmt: skip
    lay_ground(db, place_of(1), everywhere, now=NOW)
    assert set(read_ground(db, 1)["area_id"]) == {9}


@pytest.mark.db
def test_the_service_can_never_read_fixes_as_they_came(owner_db: Connection) -> None:
    may = "SELECT has_column_privilege('gridbeat_web', 'track_raw', :column, 'SELECT')"
    assert owner_db.execute(text(may), {"column": "n_points"}).scalar_one()
    assert not owner_db.execute(text(may), {"column": "points"}).scalar_one()
    removes = "SELECT has_table_privilege('gridbeat_web', :name, 'DELETE')"
    for table in ("track_raw", "track_segment", "effort", "last_look"):
        assert not owner_db.execute(text(removes), {"name": table}).scalar_one()
