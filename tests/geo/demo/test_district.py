"""The simulated district is whole, lawful, labelled and the same for the same seed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.demo.categories import CLASSES, category_table, hour_profiles
from geo.demo.district import District, make_district
from geo.demo.size import DISTRICT_CODE, DemoSize, size_until
from geo.demo.tracks import make_tracks
from geo.errors import InputError
from geo.grids.policy import HouseholdPolicy
from geo.grids.validate import validate_grids
from geo.imports.mapping import PERSONAL_NAMES
from geo.models.base import CAMERA_STATUSES, FOUND_BY, STATION_KINDS, UNIT_KINDS

SMALL = DemoSize(basic_grids=20, communities=8, streets=2, people=39, incidents_per_week=40.0)
LEVELS = ("district", "streets", "communities", "grids")


def frames(district: District) -> dict[str, pd.DataFrame]:
    named = {
        name: getattr(district, name)
        for name in (
            *LEVELS, "buildings", "roads", "water", "cameras", "stations", "households",
            "categories", "incidents",
        )
    }  # fmt: skip
    staff = {name: getattr(district.staff, name) for name in ("people", "posts", "units", "shifts")}
    truth = {name: getattr(district.truth, name) for name in ("hotspots", "provenance", "dirt")}
    return named | staff | truth | {"cells": district.truth.cells(), "days": district.truth.days()}


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    if isinstance(frame, gpd.GeoDataFrame):
        wkb = shapely.to_wkb(frame.geometry.to_numpy())
        return pd.DataFrame(frame.drop(columns="geometry")).assign(wkb=wkb)
    return frame


def test_same_seed_gives_the_same_district_bit_for_bit() -> None:
    first, second = (
        frames(make_district(seed=7, size=SMALL)),
        frames(make_district(seed=7, size=SMALL)),
    )
    for name in first:
        pd.testing.assert_frame_equal(
            comparable(first[name]), comparable(second[name]), check_exact=True, obj=name
        )


def test_another_seed_gives_another_district_that_is_whole_too(district: District) -> None:
    other = make_district(seed=1, size=DemoSize(incidents_per_week=30.0))
    assert not shapely.equals(other.district.geometry.iloc[0], district.district.geometry.iloc[0])
    assert (other.grids["grid_kind"] == "basic").sum() == 63
    basic = other.grids[other.grids["grid_kind"] == "basic"]
    assert (basic["households"].between(300, 500) | basic["exempt_reason"].notna()).all()
    assert shapely.coverage_is_valid(other.grids.geometry.to_numpy())
    assert is_connected(other.roads)


def test_a_size_that_no_town_fits_is_refused() -> None:
    with pytest.raises(InputError, match="streets <= communities"):
        DemoSize(streets=9, communities=8)
    with pytest.raises(InputError, match="people"):
        DemoSize(people=127)
    with pytest.raises(InputError, match="households_per_grid"):
        DemoSize(households_per_grid=650)


def test_scale_is_that_of_the_founding_document(district: District) -> None:
    basic = district.grids["grid_kind"] == "basic"
    assert basic.sum() == 63
    assert 6 <= (~basic).sum() <= 10
    assert 28_900 <= district.grids["households"].sum() <= 31_500
    assert len(district.streets) == 5
    assert len(district.communities) == 24
    assert district.communities["households"].between(400, 3000).all()
    assert len(district.cameras) >= 600
    assert 5_000 <= len(district.buildings) <= 12_000
    assert 120_000 <= len(district.incidents) <= 200_000
    width = district.district.to_crs("EPSG:4549").total_bounds
    assert 6_000 <= width[2] - width[0] <= 9_000
    assert 5_000 <= width[3] - width[1] <= 9_000


def test_every_basic_grid_holds_300_to_500_households_or_says_why(district: District) -> None:
    basic = district.grids[district.grids["grid_kind"] == "basic"]
    assert (basic["households"].between(300, 500) | basic["exempt_reason"].notna()).all()


def test_households_are_the_same_whichever_way_they_are_counted(district: District) -> None:
    total = district.grids["households"].sum()
    for name in ("district", "streets", "communities", "buildings", "households"):
        assert getattr(district, name)["households"].sum() == total
    for digits, upper in ((9, "streets"), (12, "communities")):
        summed = district.grids.groupby(district.grids["code"].str[:digits])["households"].sum()
        frame = getattr(district, upper).set_index("code")["households"]
        assert summed.to_dict() == frame.to_dict()


def test_every_level_tiles_the_one_above_exactly(district: District) -> None:
    for name in LEVELS:
        shapes = getattr(district, name).geometry.to_numpy()
        assert shapely.is_valid(shapes).all(), name
        assert shapely.coverage_is_valid(shapes), name
    whole = district.district.geometry.iloc[0]
    for name in LEVELS[1:]:
        union = shapely.coverage_union_all(getattr(district, name).geometry.to_numpy())
        assert shapely.equals_exact(shapely.normalize(union), shapely.normalize(whole)), name


def test_grids_pass_the_checks_that_real_grids_must_pass(district: District) -> None:
    findings = validate_grids(
        district.grids.to_crs(4549),
        parents=district.communities.to_crs(4549),
        policy=HouseholdPolicy(),
        srid=4549,
    )
    assert [finding for finding in findings if finding.severity == "error"] == []


def test_codes_have_the_right_digits_and_begin_with_their_parent(district: District) -> None:
    digits = {"district": 6, "streets": 9, "communities": 12, "grids": 15}
    for name, length in digits.items():
        frame = getattr(district, name)
        assert frame["code"].str.fullmatch(rf"99[0-9]{{{length - 2}}}").all()
        assert frame["code"].is_unique
        if name != "district":
            mine = zip(frame["code"], frame["parent_code"], strict=True)
            assert all(code.startswith(parent) for code, parent in mine)
    assert set(district.grids["parent_code"]) == set(district.communities["code"])


def is_connected(roads: gpd.GeoDataFrame) -> bool:
    lines = roads.geometry.to_numpy()
    ends = np.vstack(
        [shapely.get_coordinates(shapely.get_point(lines, place)) for place in (0, -1)]
    )
    node = np.unique(ends, axis=0, return_inverse=True)[1].reshape(2, -1)
    size = int(node.max()) + 1
    graph = coo_array((np.ones(len(lines)), (node[0], node[1])), shape=(size, size))
    return int(connected_components(graph, directed=False)[0]) == 1


def test_roads_are_one_connected_network_of_three_ranks(district: District) -> None:
    assert is_connected(district.roads)
    length = district.roads.to_crs(4549).length.groupby(district.roads["kind"]).sum() / 1e3
    assert set(length.index) == {"primary", "secondary", "residential"}
    assert length["primary"] > 40
    assert length["residential"] > length["secondary"] > length["primary"]
    lines = shapely.get_num_coordinates(district.roads.geometry.to_numpy())
    assert (lines[district.roads["kind"] == "primary"] > 2).any()


def test_only_bridges_lie_over_the_river_and_without_them_the_banks_fall_apart(
    district: District,
) -> None:
    river = district.water.to_crs(4549).geometry.iloc[0].buffer(-3.0)
    over = district.roads.to_crs(4549).geometry.intersects(river)
    assert (district.roads["bridge"] >= over).all()
    assert 4 <= district.roads.loc[over, "name"].nunique() <= 10
    assert not is_connected(district.roads[~district.roads["bridge"]])


def test_the_district_lies_in_open_water_and_inside_the_box_of_gcj02(district: District) -> None:
    west, south, east, north = district.district.total_bounds
    assert 120.9 < west < east < 121.2
    assert 35.5 < south < north < 35.7
    assert 72.004 < west < east < 137.8347
    assert 0.8293 < south < north < 55.8271


def test_everything_is_labelled_simulated(district: District) -> None:
    for name in LEVELS:
        assert getattr(district, name)["simulated"].all()
    assert "模拟" in district.district["name"].iloc[0]
    assert "simulated" in district.district["name_en"].iloc[0]
    for name in ("stations", "households"):
        assert getattr(district, name)["address"].str.contains("模拟").all()
    assert district.cameras["name"].str.contains("模拟").all()
    assert district.cameras["filing_no"].dropna().str.contains("模拟").all()
    assert district.truth.summary()["simulated"] is True


def test_no_column_and_no_value_is_a_persons_identity(district: District) -> None:
    for name, frame in frames(district).items():
        for column in frame.columns:
            assert not any(mark in str(column).lower() for mark in PERSONAL_NAMES), (name, column)
    assert list(district.staff.people.columns) == ["staff_no", "title"]
    assert district.staff.people["staff_no"].str.fullmatch(r"LH[0-9]{4}").all()
    assert set(district.staff.people["title"]) == {"网格长", "专职网格员"}


def test_buildings_stand_in_one_grid_and_on_no_other_building(district: District) -> None:
    shapes = district.buildings.to_crs(4549).geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    assert shapely.area(shapely.intersection(shapes[first], shapes[second])).sum() < 0.1
    assert (district.buildings["height_m"] > 0).all()
    assert (district.buildings["levels"] >= 1).all()
    lived_in = district.buildings["households"] > 0
    assert district.buildings.loc[lived_in, "households"].max() < 100
    assert not (lived_in & district.buildings["kind"].isin(["industrial", "school"])).any()


def test_cameras_have_valid_ids_and_the_compliance_lists_are_not_empty(
    district: District,
) -> None:
    cameras = district.cameras
    assert cameras["gb28181_id"].str.fullmatch(r"[0-9]{20}").all()
    assert cameras["gb28181_id"].str.startswith(DISTRICT_CODE).all()
    assert cameras["gb28181_id"].str[10:13].eq("132").all()
    assert cameras["gb28181_id"].is_unique
    assert cameras["azimuth_deg"].between(0, 360, inclusive="left").all()
    assert cameras["fov_deg"].between(1, 360).all()
    assert (cameras["retention_days"] >= 30).all()
    assert set(cameras["status"]) <= set(CAMERA_STATUSES)
    wait = cameras["filed_on"] - cameras["in_use_on"]
    lists = {
        "offline": (cameras["status"] == "offline").sum(),
        "never filed": cameras["filing_no"].isna().sum(),
        "filed late": (wait > pd.Timedelta(days=30)).sum(),
        "no sign": (~cameras["sign_posted"]).sum(),
    }
    for name, count in lists.items():
        assert 5 <= count <= 80, name
    assert (cameras["filing_no"].isna() == cameras["filed_on"].isna()).all()


def test_stations_are_where_a_district_needs_them(district: District) -> None:
    count = district.stations["kind"].value_counts()
    assert set(count.index) <= set(STATION_KINDS)
    assert count["drone_base"] == 1
    assert count["police"] == len(district.streets)
    assert count["service"] == len(district.communities)
    service = district.stations[district.stations["kind"] == "service"].to_crs(4549)
    community = district.communities.to_crs(4549).set_index("code").geometry
    away = [
        community[code].distance(point)
        for code, point in zip(service["area_code"], service.geometry, strict=True)
    ]
    assert max(away) < 150.0


def test_123_people_hold_two_posts_in_each_of_63_grids(district: District) -> None:
    posts, people = district.staff.posts, district.staff.people
    basic = set(district.grids.loc[district.grids["grid_kind"] == "basic", "code"])
    assert len(people) == 123
    assert people["staff_no"].is_unique
    assert len(posts) == 126
    assert set(posts["area_code"]) == basic
    assert posts.groupby("area_code")["role"].nunique().eq(2).all()
    assert set(posts["staff_no"]) == set(people["staff_no"])
    assert posts["staff_no"].value_counts().value_counts().to_dict() == {1: 120, 2: 3}


def test_units_and_shifts_fit_together(district: District) -> None:
    units, shifts = district.staff.units, district.staff.shifts
    assert set(units["kind"]) == set(UNIT_KINDS)
    assert (units["kind"] == "foot").sum() == 63
    assert units["source_ref"].is_unique
    assert set(units["home_station"]) <= set(district.stations["source_ref"])
    codes = set().union(*(getattr(district, name)["code"] for name in LEVELS))
    assert set(units["area_code"]) <= codes
    assert set(shifts["unit_ref"]) == set(units["source_ref"])
    assert (shifts["starts_at"] < shifts["ends_at"]).all()
    ordered = shifts.sort_values(["unit_ref", "starts_at"])
    same = ordered["unit_ref"].eq(ordered["unit_ref"].shift())
    assert (ordered["starts_at"] >= ordered["ends_at"].shift())[same].all()
    assert (shifts["ends_at"].dt.day != shifts["starts_at"].dt.day).any()


def test_thirty_classes_have_unique_codes_and_two_names() -> None:
    table = category_table()
    assert len(table) == 30
    assert table["code"].is_unique
    assert table["code"].str.fullmatch("[0-9]{4}").all()
    assert table["code"].str[:2].eq(table["group_code"]).all()
    assert {"21", "22", "23", "24", "25", "26"} <= set(table["group_code"])
    assert table["name_en"].str.isascii().all()
    assert not table["name"].map(lambda text: bool(re.search("[a-z]", text))).any()
    assert np.allclose(hour_profiles().sum(axis=1), 1.0)
    assert all(sum(item.found) <= 1.0 for item in CLASSES)


def test_incidents_are_complete_and_in_their_period(district: District) -> None:
    incidents = district.incidents
    assert not incidents.drop(columns="camera_ref").isna().any().any()
    assert incidents["source_ref"].is_unique
    assert set(incidents["category"]) == {item.code for item in CLASSES}
    assert set(incidents["found_by"]) == set(FOUND_BY)
    assert incidents["occurred_at"].min() >= pd.Timestamp("2023-11-01", tz="Asia/Shanghai")
    assert incidents["reported_at"].max() < pd.Timestamp("2026-11-01", tz="Asia/Shanghai")
    assert (incidents["reported_at"] >= incidents["occurred_at"]).all()
    inside = shapely.contains_xy(
        district.district.geometry.iloc[0].buffer(2e-6), incidents["lon"], incidents["lat"]
    )
    assert inside.all()


def test_a_district_that_ends_with_a_minute_has_nothing_later_and_grows_to_the_end() -> None:
    noon = datetime(2026, 3, 9, 12, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    usual = size_until(noon.date(), now=noon)
    assert (usual.days, usual.last_hour) == (DemoSize().days, 12.5)
    assert usual.last_whole_day == noon.date() - timedelta(days=1)
    assert size_until(noon.date(), now=noon + timedelta(days=1)).last_hour == 24.0
    with pytest.raises(InputError, match="has not begun"):
        size_until(noon.date() + timedelta(days=1), now=noon)
    size = replace(
        SMALL, first_day=noon.date() - timedelta(days=220), last_day=noon.date(), last_hour=12.5
    )
    district = make_district(size=size)
    moments = pd.to_datetime(district.incidents["reported_at"], utc=True)
    assert noon - timedelta(hours=12) < moments.max() <= noon
    tracks = make_tracks(district, rng=np.random.default_rng(1))
    assert noon - timedelta(minutes=1) < tracks.fixes["time"].max() <= noon
    growing = district.truth.hotspots.set_index("hotspot_id").loc["HS07"]
    assert growing["change_on"] == (noon.date() - timedelta(days=103)).isoformat()
