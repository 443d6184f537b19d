"""How figures of an analysis are printed."""

from __future__ import annotations

from math import nan

import pytest

from web.asking import chance, figure, named


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "<1e-300"), (4e-310, "<1e-300"), (2.5e-15, "2.5e-15"), (0.04, "0.04"), (1.0, "1")],
)
def test_a_chance_too_small_for_a_float_is_not_called_nought(value: float, said: str) -> None:
    assert chance(value) == said


@pytest.mark.parametrize("missing", [None, nan])
def test_what_is_missing_is_a_dash(missing: float | None) -> None:
    assert chance(missing) == figure(missing, ".1f") == "-"


def test_an_area_that_is_called_by_its_code_is_named_once() -> None:
    assert named("1432", "1432") == "1432"
    assert named("990101001", "望潮街道") == "990101001 望潮街道"
