from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo.grids.policy import HouseholdPolicy
from geo.grids.validate import validate_grids

SRID = 26971  # NAD83 Illinois East, metres


@pytest.fixture
def chicago(shared_data: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Give the police beats as grids and the police districts as their communities."""
    folder = shared_data / "chicago"
    beats = gpd.read_file(folder / "police_beats.geojson").to_crs(SRID)
    districts = gpd.read_file(folder / "police_districts.geojson").to_crs(SRID)
    districts = districts.dissolve("district", as_index=False)
    grids = beats.assign(
        code=beats["beat"].astype(str),
        parent_code=beats["district"].astype(str),
        grid_kind="basic",
        households=400,
    )
    parents = districts.assign(code=districts["district"].astype(str), level="community")
    return grids, parents


@pytest.mark.data
def test_real_beats_are_checked_within_their_districts(
    chicago: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
) -> None:
    grids, parents = chicago
    found = validate_grids(
        grids, parents=parents, policy=HouseholdPolicy(), srid=SRID, code_scheme="local"
    )
    errors = [item for item in found if item.severity == "error"]
    assert {(item.rule, item.code) for item in errors} == {
        ("code_duplicate", "3100"),  # the three enclaves that are no beat of their own
        ("outside", "411"),
        ("outside", "624"),
        ("gap", "3"),  # what 624 takes from it, and 411 from the next
        ("gap", "6"),
    }
    assert {item.rule for item in found if item.severity == "warning"} == {
        "outside_sliver",
        "gap_sliver",
    }


@pytest.mark.data
def test_area_that_a_real_beat_sticks_out_agrees_with_a_plain_overlay(
    chicago: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
) -> None:
    grids, parents = chicago
    found = validate_grids(
        grids, parents=parents, policy=HouseholdPolicy(), srid=SRID, code_scheme="local"
    )
    beat = grids.set_index("code").geometry["624"]
    district = parents.set_index("code").geometry["6"]
    reported = {item.code: item.measure for item in found if item.rule == "outside"}
    assert reported["624"] == pytest.approx(shapely.difference(beat, district).area)
