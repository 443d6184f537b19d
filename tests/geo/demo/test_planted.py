"""What was planted is in the data, at the stated rates, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymannkendall
import pytest
import shapely
from esda.getisord import G_Local
from libpysal.weights import lat2W
from numpy.typing import NDArray
from scipy import stats

from geo.demo.cameras import view_sectors
from geo.demo.categories import CLASSES, FOUND_BY, hour_profiles
from geo.demo.district import District
from geo.demo.reports import DELAY_MIN

LEVEL = 1e-3
"""Chance of a false alarm of each goodness-of-fit test, were the seed not fixed."""
STEADY = [row for row, item in enumerate(CLASSES) if item.triggers == 0.0]


def chi_square(observed: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Return the p-value of counts that are independent Poisson with known means >= 5."""
    order = np.argsort(expected)[::-1]
    observed, expected = observed[order], expected[order]
    small = expected < 5.0
    if small.any():
        observed = np.append(observed[~small], observed[small].sum())
        expected = np.append(expected[~small], expected[small].sum())
    statistic = ((observed - expected) ** 2 / expected).sum()
    return float(stats.chi2.sf(statistic, len(observed)))


def true_points(district: District) -> pd.DataFrame:
    return district.incidents.merge(district.truth.provenance, on="source_ref", validate="1:1")


def coarse(district: District, cell_m: float) -> NDArray[np.int64]:
    """Return the number of the coarse cell that each truth cell lies in."""
    lattice = district.truth.intensity.surfaces.lattice
    at = np.column_stack((lattice.x_m // cell_m, lattice.y_m // cell_m))
    return np.unique(at, axis=0, return_inverse=True)[1].ravel()


@pytest.mark.parametrize("found_by", FOUND_BY)
def test_each_finder_reports_its_share_in_each_cell(district: District, found_by: str) -> None:
    intensity = district.truth.intensity
    lattice = intensity.surfaces.lattice
    points = true_points(district)
    codes = [CLASSES[row].code for row in STEADY]
    mine = points[(points["found_by"] == found_by) & points["category"].isin(codes)]
    cell = lattice.locate(mine["true_x_m"].to_numpy(), mine["true_y_m"].to_numpy())
    block = coarse(district, 400.0)
    expected = np.bincount(block, weights=intensity.expected_found(found_by)[STEADY].sum(axis=0))
    observed = np.bincount(block[cell], minlength=len(expected)).astype(float)
    impossible = expected < 1e-9
    assert observed[impossible].sum() == 0
    assert chi_square(observed[~impossible], expected[~impossible]) > LEVEL


def test_counts_of_each_class_agree_with_the_intensity(district: District) -> None:
    intensity = district.truth.intensity
    expected = sum(intensity.expected_found(name).sum(axis=1) for name in FOUND_BY)
    count = district.incidents["category"].value_counts()
    observed = np.array([count[item.code] for item in CLASSES], dtype=float)
    assert chi_square(observed[STEADY], np.asarray(expected)[STEADY]) > LEVEL
    for row, item in enumerate(CLASSES):
        if item.triggers > 0.0:
            more = observed[row] / np.asarray(expected)[row]
            assert 1.0 + 0.8 * item.triggers < more <= 1.05 / (1.0 - item.triggers)


def test_hours_and_days_follow_their_profiles(district: District) -> None:
    intensity = district.truth.intensity
    points = true_points(district)
    plain = points[points["component"] != "near-repeat"]
    local = plain["occurred_at"]
    hours = hour_profiles()
    for row, item in enumerate(CLASSES):
        mine = local[plain["category"] == item.code]
        observed = np.bincount(mine.dt.hour, minlength=24).astype(float)
        assert chi_square(observed, hours[row] * len(mine)) > LEVEL / len(CLASSES), item.code
    first = pd.Timestamp(district.size.first_day, tz="Asia/Shanghai")
    week = ((local - first).dt.days // 7).to_numpy()
    found = np.array([item.found for item in CLASSES]) @ intensity.finder_reach
    share = (intensity.surfaces.background * found).sum(axis=1)
    spot_share = (intensity.hotspot_cell * found[intensity.hotspot_class]).sum(axis=1)
    day = share @ intensity.class_day + spot_share @ intensity.hotspot_day
    weeks = district.size.days // 7
    expected = day[: weeks * 7].reshape(weeks, 7).sum(axis=1)
    observed = np.bincount(week[week < weeks], minlength=weeks).astype(float)
    assert chi_square(observed, expected) > LEVEL
    weekday = np.bincount(local.dt.day_of_week, minlength=7).astype(float)
    by_weekday = np.bincount((np.arange(len(day)) + first.day_of_week) % 7, weights=day)
    assert chi_square(weekday, by_weekday) > LEVEL


def test_near_repeats_follow_the_stated_kernel(district: District) -> None:
    points = true_points(district).set_index("source_ref")
    pairs = points[points["parent_ref"].notna()]
    parents = points.loc[pairs["parent_ref"]]
    assert (pairs["component"] == "near-repeat").all()
    assert (pairs["category"].to_numpy() == parents["category"].to_numpy()).all()
    apart = np.column_stack(
        [pairs[axis].to_numpy() - parents[axis].to_numpy() for axis in ("true_x_m", "true_y_m")]
    )
    wait = (pairs["occurred_at"].to_numpy() - parents["occurred_at"].to_numpy()) / np.timedelta64(
        1, "D"
    )
    assert (wait >= 0).all()
    for item in CLASSES:
        mine = (pairs["category"] == item.code).to_numpy()
        if item.triggers == 0.0:
            assert not mine.any()
            continue
        near = apart[mine]
        assert mine.sum() > 300
        # Repeats that fell outside the district or into the river are lost: a little narrower.
        assert near.std() == pytest.approx(item.trigger_m, rel=0.06)
        assert wait[mine].mean() == pytest.approx(item.trigger_days, rel=4 / np.sqrt(mine.sum()))


def test_patrols_find_nothing_where_nobody_patrols(district: District) -> None:
    surface = district.truth.intensity.surfaces
    points = true_points(district)
    patrol = points[points["found_by"] == "patrol"]
    cell = surface.lattice.locate(patrol["true_x_m"].to_numpy(), patrol["true_y_m"].to_numpy())
    assert (surface.effort_h[cell] > 0).all()
    bare = surface.effort_h == 0
    assert 0.2 < bare.mean() < 0.6
    resident = points[points["found_by"] == "resident"]
    at = surface.lattice.locate(resident["true_x_m"].to_numpy(), resident["true_y_m"].to_numpy())
    assert bare[at].mean() > 0.1
    burning = district.truth.hotspots.set_index("hotspot_id").loc["HS05"]
    near = np.hypot(surface.lattice.x_m - burning["x_m"], surface.lattice.y_m - burning["y_m"])
    assert surface.effort_h[near < burning["radius_m"]].max() < 0.02


def test_cameras_find_only_what_a_working_camera_sees(district: District) -> None:
    points = true_points(district)
    mine = points[points["found_by"] == "camera"]
    assert mine["camera_ref"].notna().all()
    assert points.loc[points["found_by"] != "camera", "camera_ref"].isna().all()
    cameras = district.cameras.to_crs(4549)
    online = cameras[cameras["status"] == "online"].set_index("source_ref")
    sector = pd.Series(view_sectors(online), index=online.index)[mine["camera_ref"]].to_numpy()
    spot = shapely.points(mine["true_x_m"].to_numpy(), mine["true_y_m"].to_numpy())
    assert shapely.distance(sector, spot).max() < 0.1


def test_reporting_delays_follow_their_laws(district: District) -> None:
    incidents = district.incidents
    minutes = (incidents["reported_at"] - incidents["occurred_at"]).dt.total_seconds() / 60.0
    for name, (law, scale, spread) in DELAY_MIN.items():
        if name == "patrol":
            continue
        mine = minutes[incidents["found_by"] == name].to_numpy()
        known = (
            stats.expon(scale=scale) if law == "exponential" else stats.lognorm(spread, scale=scale)
        )
        # Whole seconds and the end of the data shift the quartiles a little.
        for part in (0.25, 0.5, 0.75):
            spread_of_share = 4.0 * np.sqrt(part * (1.0 - part) / len(mine))
            share = (mine <= known.ppf(part)).mean()
            assert share == pytest.approx(part, abs=0.012 + spread_of_share), (name, part)
    patrol = incidents.loc[incidents["found_by"] == "patrol", "reported_at"].dt
    hour = patrol.hour + patrol.minute / 60.0
    assert (hour.between(8, 12, inclusive="left") | hour.between(14, 18, inclusive="left")).all()


def test_residents_reports_coincide_at_buildings_in_the_same_cell(district: District) -> None:
    points = true_points(district)
    lattice = district.truth.intensity.surfaces.lattice
    moved = np.hypot(points["x_m"] - points["true_x_m"], points["y_m"] - points["true_y_m"]) > 0.05
    assert set(points.loc[moved, "found_by"]) == {"resident"}
    assert 0.1 < moved[points["found_by"] == "resident"].mean() < 0.35
    before = lattice.locate(points["true_x_m"].to_numpy(), points["true_y_m"].to_numpy())
    after = lattice.locate(points["x_m"].to_numpy(), points["y_m"].to_numpy())
    assert (before == after).mean() > 0.999
    assert points.loc[moved, ["x_m", "y_m"]].duplicated().mean() > 0.3


def weekly(district: District, weeks: int, cell_m: float = 200.0) -> pd.DataFrame:
    """Return counts per 200 m cell and week, cells in rows, for the last weeks."""
    end = pd.Timestamp("2026-11-01", tz="Asia/Shanghai")
    incidents = district.incidents[district.incidents["found_by"] == "resident"]
    ago = (end - incidents["occurred_at"]).dt.total_seconds() // (7 * 86_400)
    recent = incidents[ago < weeks]
    keys = [(recent["x_m"] // cell_m).astype(int), (recent["y_m"] // cell_m).astype(int)]
    return recent.groupby([*keys, weeks - 1 - ago[ago < weeks]]).size().unstack(fill_value=0)


def planted_cells(district: District, cell_m: float = 200.0) -> pd.Series:
    """Return the hotspots in each 200 m cell that has land, joined by commas."""
    cells = district.truth.cells()
    keys = [(cells["x_m"] // cell_m).astype(int), (cells["y_m"] // cell_m).astype(int)]
    return cells.groupby(keys)["hotspot"].agg(lambda ids: ",".join(sorted(set(ids) - {""})))


def test_the_growing_and_the_fading_hotspot_are_the_only_trends(district: District) -> None:
    table = weekly(district, 26)
    made = [pymannkendall.original_test(row) for row in table.to_numpy()]
    p = np.array([item.p for item in made])
    slope = np.array([item.s for item in made])
    hotspot = planted_cells(district).reindex(table.index)
    found = stats.false_discovery_control(p) < 0.05
    assert set(hotspot[found & (slope > 0)]) == {"HS07"}
    assert set(hotspot[found & (slope < 0)]) == {"HS08"}
    flat = (hotspot == "").to_numpy()
    assert flat.mean() > 0.9
    assert (p[flat] < 0.05).mean() < 0.07


@pytest.mark.parametrize("weeks", [12, 26])
def test_the_growing_hotspot_is_the_strongest_rise_of_its_class_by_grid(
    district: District, weeks: int
) -> None:
    end = pd.Timestamp("2026-11-01", tz="Asia/Shanghai")
    recent = district.incidents[district.incidents["category"] == "0504"]
    ago = ((end - recent["occurred_at"]).dt.total_seconds() // (7 * 86_400)).astype(int)
    recent, ago = recent[ago < weeks], ago[ago < weeks]
    grids = district.grids.to_crs(4549).geometry.to_numpy()
    row, grid = shapely.STRtree(grids).query(
        shapely.points(recent["x_m"], recent["y_m"]), predicate="intersects"
    )
    counts = np.zeros((len(grids), weeks))
    np.add.at(counts, (grid, weeks - 1 - ago.to_numpy()[row]), 1.0)
    varied = np.flatnonzero(np.ptp(counts, axis=1) > 0)
    made = [pymannkendall.original_test(counts[number]) for number in varied]
    p = np.array([item.p if item.s > 0 else 1.0 for item in made])
    centre = district.truth.hotspots.set_index("hotspot_id").loc["HS07"]
    disc = shapely.Point(centre["x_m"], centre["y_m"]).buffer(centre["radius_m"])
    best = int(np.argmin(p))
    assert p[best] < 0.01
    assert shapely.intersects(grids[varied[best]], disc)
    if weeks == 26:
        rising = stats.false_discovery_control(p) < 0.05
        assert shapely.intersects(grids[varied[rising]], disc).all()


def test_every_hotspot_is_found_in_its_class_and_nothing_far_from_one(district: District) -> None:
    planted = planted_cells(district)
    column, row = (planted.index.get_level_values(level).to_numpy() for level in (0, 1))
    shape = (int(np.ptp(row)) + 1, int(np.ptp(column)) + 1)
    at = (row - row.min(), column - column.min())
    weights = lat2W(*shape, rook=False)
    label = np.full(shape, "", dtype=object)
    label[at] = planted.to_numpy()
    since = pd.Timestamp("2026-05-01", tz="Asia/Shanghai")
    recent = district.incidents[district.incidents["occurred_at"] >= since]
    for spot in district.truth.hotspots.itertuples():
        mine = recent[recent["category"] == spot.category]
        counts = np.zeros(shape)
        np.add.at(
            counts,
            (
                (mine["y_m"] // 200.0).astype(int) - row.min(),
                (mine["x_m"] // 200.0).astype(int) - column.min(),
            ),
            1.0,
        )
        local = G_Local(counts.ravel(), weights, transform="B", star=True, permutations=0)
        hot = (stats.false_discovery_control(local.p_norm) < 0.05) & (local.Zs > 0)
        hot = hot.reshape(shape)
        assert spot.hotspot_id in set(label[hot]), spot.hotspot_id
        y, x = np.nonzero(hot)
        away = np.hypot(
            (x + column.min() + 0.5) * 200.0 - spot.x_m, (y + row.min() + 0.5) * 200.0 - spot.y_m
        )
        assert away.max() < spot.radius_m + 300.0, spot.hotspot_id


def test_one_hotspot_of_each_changing_kind_is_planted(district: District) -> None:
    hotspots = district.truth.hotspots
    kinds = hotspots["kind"].value_counts()
    assert kinds.drop("stationary").to_dict() == {"growing": 1, "fading": 1, "seasonal": 1}
    assert kinds["stationary"] >= 4
    component = district.truth.provenance["component"].value_counts()
    assert set(component.index) == {"background", "near-repeat", *hotspots["hotspot_id"]}
    for spot in hotspots.itertuples():
        assert component[spot.hotspot_id] < spot.expected
