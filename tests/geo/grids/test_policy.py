from __future__ import annotations

import pytest

from geo.errors import InputError
from geo.grids.policy import HouseholdPolicy, host_kind_of


@pytest.mark.parametrize(
    ("households", "grade"),
    [
        (199, "error"),
        (200, "warning"),
        (299, "warning"),
        (300, None),
        (500, None),
        (501, "warning"),
        (600, "warning"),
        (601, "error"),
        (0, "error"),
    ],
)
def test_households_of_a_basic_grid_are_graded_at_the_published_bounds(
    households: int, grade: str | None
) -> None:
    assert HouseholdPolicy().grade(households) == grade


@pytest.mark.parametrize(("households", "grade"), [(0, None), (5000, None)])
def test_exclusive_grid_has_no_household_bound(households: int, grade: None) -> None:
    assert HouseholdPolicy().grade(households, "exclusive") is grade


@pytest.mark.parametrize(
    ("households", "grade"),
    [(29, "error"), (30, "warning"), (50, None), (80, None), (81, "warning")],
)
def test_micro_grid_has_bounds_of_its_own(households: int, grade: str | None) -> None:
    assert HouseholdPolicy().grade(households, "micro") == grade


@pytest.mark.parametrize(
    "numbers", [{"minimum": 0}, {"minimum": 501}, {"maximum": 400}, {"tolerance": -1}]
)
def test_policy_with_contradicting_numbers_is_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(InputError):
        HouseholdPolicy(**numbers)


@pytest.mark.parametrize("word", ["school", "学校", " School "])
def test_host_kind_is_known_by_key_and_by_both_names(word: str) -> None:
    assert host_kind_of(word) == "school"


def test_unknown_host_kind_is_refused_with_the_list_of_known_ones() -> None:
    with pytest.raises(InputError, match="商务楼宇"):
        host_kind_of("castle")
