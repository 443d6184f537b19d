"""Raw columns become texts, numbers and flags, each value by itself."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.imports.normalise import json_objects
from geo.imports.values import as_flag, as_number, as_text, read_column, translate

NUMBERS = ["5", "-5.5", ".5", "5.", "1e3", "+7", " 8 "]
NO_NUMBERS = ["x", "1,5", "1_000", "0x10", "inf", "nan", "1e400", "１２", "--1", "5 m"]


@pytest.mark.parametrize("around", [[], ["x"]])
def test_numbers_are_read_and_nothing_else_is(around: list[str]) -> None:
    values, bad = as_number(pa.array(NUMBERS + around))
    assert values[:7].tolist() == [5, -5.5, 0.5, 5, 1000, 7, 8]
    assert not bad[:7].any()
    for text in NO_NUMBERS:
        values, bad = as_number(pa.array([text, *around]))
        assert np.isnan(values[0])
        assert bad[0]
    values, bad = as_number(pa.array(["", None, *around]))
    assert (bad[:2].any(), np.isnan(values[:2]).all()) == (False, True)


def test_whole_floats_are_written_without_a_point() -> None:
    texts, _ = as_text(pa.array([14.0, 0.5, None, 1e15, float("nan"), -3.0]))
    assert texts.to_pylist() == ["14", "0.5", None, "1000000000000000", None, "-3"]
    assert as_text(pa.array([1e15]))[0].to_pylist() == ["1000000000000000"]


def test_texts_are_trimmed_and_empty_ones_are_null() -> None:
    texts, bad = as_text(pa.array([" a ", "", "  ", None, "\u3000网格\u3000"]))
    assert texts.to_pylist() == ["a", None, None, None, "网格"]
    assert not bad.any()


def test_flags_in_both_languages() -> None:
    flags, bad = as_flag(pa.array(["Y", "是", "否", "0", "TRUE", None, "maybe"]))
    assert flags.to_pylist() == [True, True, False, False, True, None, None]
    assert np.flatnonzero(bad).tolist() == [6]


def test_templates_join_columns_and_are_null_where_one_is() -> None:
    table = pa.table({"y": [2024, 2025], "m": ["1", None], "plain": ["a", "b"]})
    assert read_column(table, "{y}-{m}").to_pylist() == ["2024-1", None]
    assert read_column(table, "plain").to_pylist() == ["a", "b"]


def test_translation_keeps_what_it_does_not_name_or_sends_it_to_the_rest() -> None:
    texts = pa.array(["a", "b", None])
    assert translate(texts, {"a": "A"}).to_pylist() == ["A", "b", None]
    assert translate(texts, {"a": "A", "*": "other"}).to_pylist() == ["A", "other", None]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=("Cs",))),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.booleans(),
        ),
        max_size=6,
    )
)
def test_attributes_are_json_that_gives_back_every_value(
    rows: list[tuple[str | None, int | None, bool | None]],
) -> None:
    names = ('a"b', "数", "flag")
    kinds = (pa.string(), pa.int64(), pa.bool_())
    columns = {
        name: pa.array([row[i] for row in rows], kind)
        for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }
    made = json_objects(columns, n_rows=len(rows)).to_pylist()
    expected = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in rows
    ]
    assert [json.loads(text) for text in made] == expected
