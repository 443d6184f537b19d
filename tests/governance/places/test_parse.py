"""An address is read apart in Chinese and English, and nothing is made up."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance.places.parse import compared, read_address


@pytest.mark.parametrize(
    ("said", "street", "number"),
    [
        ("人民路12号", "人民路", 12),
        ("人民路 12 號（东门）", "人民路", 12),
        ("柳园2巷24号", "柳园2巷", 24),
        ("近中兴大道８７号", "中兴大道", 87),
        ("12 Xiaqiu Road", "xiaqiuroad", 12),
        ("Xiaqiu Road, No. 12", "xiaqiuroad", 12),
        ("晨远2巷", None, None),
        ("碧波社区3号楼", None, None),
        ("", None, None),
    ],
)
def test_house_number_is_told_from_a_number_in_a_name(
    said: str, street: str | None, number: int | None
) -> None:
    asked = read_address(said)
    assert (asked.street, asked.number) == (street, number)


@pytest.mark.parametrize(
    ("said", "pair"),
    [
        ("会潮路与扬帆大道交叉口", ("会潮路", "扬帆大道")),
        ("会潮路、扬帆大道路口附近", ("会潮路", "扬帆大道")),
        ("会潮路扬帆大道口", ("会潮路", "扬帆大道")),
        ("荷和巷和云和路路口", ("荷和巷", "云和路")),
        ("corner of Huichao Road and Guanlan Avenue", ("huichaoroad", "guanlanavenue")),
        ("Huichao Road x Guanlan Avenue", ("huichaoroad", "guanlanavenue")),
    ],
)
def test_crossing_is_read_wherever_two_names_may_part(said: str, pair: tuple[str, str]) -> None:
    assert pair in read_address(said).crossings


def test_one_road_is_no_crossing() -> None:
    assert read_address("松远路").crossings == ()
    assert read_address("松远路1号").crossings == ()


@pytest.mark.parametrize(
    ("said", "words"),
    [("近听涛派出所", "听涛派出所"), ("晴川社区党群服务站对面", "晴川社区党群服务站"),
     ("next to Bibo Community", "bibocommunity"), ("听涛派出所门口附近", "听涛派出所")],
)  # fmt: skip
def test_nearness_is_kept_and_taken_off_the_name(said: str, words: str) -> None:
    asked = read_address(said)
    assert asked.is_near
    assert asked.words == words


@given(st.text(max_size=60))
@example("c \N{COMBINING CEDILLA}")
@example("（\n）")
def test_any_text_is_read_and_compared_in_one_shape(said: str) -> None:
    asked = read_address(said)
    assert " " not in asked.words
    assert compared(asked.words) == asked.words
    assert all(len(one) > 1 and len(other) > 1 for one, other in asked.crossings)
