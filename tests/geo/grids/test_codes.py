from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import ConflictError, CrsError, InputError
from geo.grids.codes import check_code, micro_code, number_grids, reading_order

SRID = 4549
COMMUNITY = "330102001001"
Frame = Callable[..., gpd.GeoDataFrame]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("330102001001001", None),
        ("330102001001999", None),
        ("330102001001000", "code_number"),
        ("330102001002001", "code_parent"),
        ("33010200100101", "code_digits"),
        ("33010200100100A", "code_digits"),
        ("330102001001001-01", "code_digits"),
        ("３３０１０２００１００１００１", "code_digits"),
    ],
)
def test_grid_code_has_fifteen_digits_and_begins_with_its_community(
    code: str, rule: str | None
) -> None:
    assert check_code(code, parent_code=COMMUNITY) == rule


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("330102001001001-07", None),
        ("330102001001001-00", "code_number"),
        ("330102001001002-07", "code_parent"),
        ("330102001001001", "code_digits"),
    ],
)
def test_micro_code_is_the_grid_code_with_two_digits_more(code: str, rule: str | None) -> None:
    assert check_code(code, parent_code="330102001001001", micro=True) == rule


def test_micro_code_is_made_up_to_ninety_nine() -> None:
    assert micro_code("330102001001001", 7) == "330102001001001-07"
    with pytest.raises(InputError, match="1 to 99"):
        micro_code("330102001001001", 100)
    with pytest.raises(InputError, match="15 digits"):
        micro_code("3301", 1)


def test_codes_run_west_to_east_in_rows_from_north_to_south(four: gpd.GeoDataFrame) -> None:
    shuffled = four.iloc[[3, 0, 2, 1]]
    codes = number_grids(shuffled, community_code=COMMUNITY, taken=(), srid=SRID)
    assert codes.tolist() == shuffled["code"].tolist()


def test_row_takes_centroids_that_are_slightly_lower(frame: Frame) -> None:
    x, y = np.array([0.0, 100.0, 200.0, 0.0]), np.array([0.0, 20.0, -20.0, -100.0])
    assert reading_order(x, y, row_height_m=50).tolist() == [0, 1, 2, 3]


def test_code_that_was_ever_used_is_not_given_again(four: gpd.GeoDataFrame) -> None:
    taken = {f"{COMMUNITY}001", f"{COMMUNITY}003", f"{COMMUNITY}002-05", "330102001002002"}
    codes = number_grids(four, community_code=COMMUNITY, taken=taken, srid=SRID)
    assert [code[12:] for code in codes] == ["004", "005", "006", "007"]


def test_community_without_numbers_left_is_an_error(four: gpd.GeoDataFrame) -> None:
    taken = [f"{COMMUNITY}{n:03d}" for n in range(1, 997)]
    with pytest.raises(ConflictError, match="3 grid numbers left"):
        number_grids(four, community_code=COMMUNITY, taken=taken, srid=SRID)


def test_local_scheme_takes_any_community_code(four: gpd.GeoDataFrame) -> None:
    codes = number_grids(
        four, community_code="014", taken={"014-001"}, srid=SRID, code_scheme="local"
    )
    assert codes.tolist() == ["014-002", "014-003", "014-004", "014-005"]


def test_community_code_must_have_twelve_digits(four: gpd.GeoDataFrame) -> None:
    with pytest.raises(InputError, match="12 digits"):
        number_grids(four, community_code="330102", taken=(), srid=SRID)


def test_degrees_are_refused(four: gpd.GeoDataFrame) -> None:
    with pytest.raises(CrsError):
        number_grids(four.to_crs(4326), community_code=COMMUNITY, taken=(), srid=4326)
    with pytest.raises(CrsError, match="to_crs"):
        number_grids(four.to_crs(4326), community_code=COMMUNITY, taken=(), srid=SRID)


def test_no_grids_need_no_codes(frame: Frame) -> None:
    none = frame([])
    assert number_grids(none, community_code=COMMUNITY, taken=(), srid=SRID).tolist() == []


@given(
    used=st.sets(st.integers(1, 999), max_size=200),
    centres=st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 2000)), min_size=1, max_size=40, unique=True
    ),
)
def test_codes_are_new_valid_and_each_given_once(
    used: set[int], centres: list[tuple[int, int]]
) -> None:
    taken = {f"{COMMUNITY}{n:03d}" for n in used}
    boxes = [shapely.box(x, y, x + 1, y + 1) for x, y in centres]
    grids = gpd.GeoDataFrame(geometry=boxes, crs=SRID)
    codes = number_grids(grids, community_code=COMMUNITY, taken=taken, srid=SRID)
    assert len(set(codes)) == len(boxes)
    assert not taken & set(codes)
    assert all(check_code(code, parent_code=COMMUNITY) is None for code in codes)
