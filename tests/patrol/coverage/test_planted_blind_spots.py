"""The blind spots planted in the demo district are those that the three-source map finds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.crs.systems import convert_geometries, project
from geo.demo.district import SRID, District, make_district
from geo.demo.size import DemoSize
from geo.demo.tracks import DutyTracks, make_tracks
from geo.effort_cells import ground_of
from geo.lattice.lattice import cell_centres
from patrol.coverage.three_sources import CoverageParams, find_coverage, rank_unseen
from patrol.tracks.clean import clean_fixes
from patrol.tracks.looks import looks_along

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def district() -> District:
    last = date(2026, 10, 31)
    return make_district(seed=7, size=DemoSize(first_day=last - timedelta(days=120), last_day=last))


@pytest.fixture(scope="module")
def tracks(district: District) -> DutyTracks:
    return make_tracks(district, rng=np.random.default_rng(7))


def test_planted_spots_come_first_and_little_else_is_listed(
    district: District, tracks: DutyTracks
) -> None:
    ground = ground_of(district.district.geometry.iloc[0], srid=SRID)
    fixes = tracks.fixes
    x, y = project(fixes["lon"].to_numpy(), fixes["lat"].to_numpy(), srid=SRID)
    time = fixes["time"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    parts = []
    for device, rows in fixes.groupby("device").indices.items():
        found = clean_fixes(time[rows], x[rows], y[rows])
        at = rows[found.rows]
        sight = 57.0 if str(device).startswith("LOG") else 40.0
        seen = looks_along(ground.lattice, time[at], x[at], y[at], found.segments,
                           np.full(len(at), sight), ZONE)  # fmt: skip
        parts.append(seen.assign(source="drone" if sight > 50 else "foot"))
    looks = pd.concat(parts, ignore_index=True)
    looks["last_at"] = pd.to_datetime(looks["last_us"].astype("int64"), unit="us", utc=True)
    incidents = district.incidents.assign(hour_of_week=np.nan, category_zh="x", category_en="x")
    now = datetime(2026, 11, 1, tzinfo=UTC)
    coverage = find_coverage(ground, np.ones(len(ground.i), np.int64), looks, incidents, now=now,
                             weeks=17, params=CoverageParams(top=100, least_need=0.0))  # fmt: skip
    planted = shapely.union_all(convert_geometries(
        np.asarray(tracks.blind.geometry.array, dtype=object), crs="wgs84", to=SRID
    ))  # fmt: skip
    inside = shapely.contains_xy(planted, *cell_centres(ground.lattice))
    assert (coverage.label[inside] == "unseen").mean() > 0.97
    near = shapely.contains_xy(shapely.buffer(planted, 130), *cell_centres(ground.lattice))
    unseen = coverage.label == "unseen"
    assert unseen[~near].mean() < 0.02
    spots = rank_unseen(coverage, incidents)
    first = spots.head(len(tracks.blind))
    assert shapely.intersects(np.asarray(first.geometry.array, dtype=object), planted).all()


def test_tracks_lie_in_the_shifts_of_those_who_made_them(tracks: DutyTracks) -> None:
    of_unit = tracks.devices.dropna(subset=["unit_ref"]).set_index("device")["unit_ref"]
    device = of_unit.index[0]
    mine = tracks.fixes[tracks.fixes["device"] == device]["time"]
    shifts = tracks.shifts[tracks.shifts["unit_ref"] == of_unit[device]]
    inside = np.zeros(len(mine), dtype=bool)
    for starts, ends in zip(shifts["starts_at"], shifts["ends_at"], strict=True):
        inside |= ((mine >= starts) & (mine <= ends)).to_numpy()
    assert inside.all()
