"""Digests are the same in every process and year: a change of them is a change of all rows."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa

from geo.imports.digest import digest_raw_row, digest_rows, digest_text

EXPECTED = [
    9102452924533735758,
    6748205094940736106,
    4682237389630760043,
    -9174984717662021586,
    6999621595365016438,
]
TEXTS = ["", "a", "网格", None, "a" * 300]


def test_digests_are_these_numbers_for_ever() -> None:
    columns = [
        pa.array(TEXTS),
        pa.array([1.5, -0.0, None, 0.0, 1e300]),
        pa.array([1, None, -3, 0, 2**40]),
    ]
    assert digest_rows(columns, 5).to_pylist() == EXPECTED
    assert digest_text("网格 grid") == 2501484323327997646
    assert digest_raw_row({"b": 1, "a": "网格"}) == "0c23addbf68875f779b7816c442852e1"


def test_another_process_gets_the_same_digests() -> None:
    code = (
        "import pyarrow as pa; from geo.imports.digest import digest_rows; "
        f"print(digest_rows([pa.array({TEXTS!r})], 5).to_pylist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(digest_rows([pa.array(TEXTS)], 5).to_pylist())


def test_position_in_a_batch_and_way_of_storing_do_not_count() -> None:
    whole = pa.array(["x", "y", None, "网格"])
    expected = digest_rows([whole], 4).to_pylist()
    assert digest_rows([whole.slice(1, 2)], 2).to_pylist() == expected[1:3]
    assert digest_rows([pa.chunked_array([whole.slice(0, 1), whole.slice(1)])], 4).to_pylist() == (
        expected
    )
    assert digest_rows([whole.dictionary_encode()], 4).to_pylist() == expected
    assert digest_rows([pa.array([0.0])], 1) == digest_rows([pa.array([-0.0])], 1)


def test_null_empty_zero_and_order_all_count() -> None:
    values = [pa.array([None], pa.string()), pa.array([""]), pa.array(["0"])]
    digests = {digest_rows([value], 1)[0].as_py() for value in values}
    digests |= {digest_rows([pa.array([0])], 1)[0].as_py()}
    assert len(digests) == 4
    a, b = pa.array(["a"]), pa.array(["b"])
    assert digest_rows([a, b], 1) != digest_rows([b, a], 1)
    assert digest_rows([pa.array(["ab"]), pa.array(["c"])], 1) != digest_rows(
        [a, pa.array(["bc"])], 1
    )


def test_a_million_near_equal_rows_have_different_digests() -> None:
    numbers = pa.array(np.arange(1_000_000))
    assert len(np.unique(digest_rows([numbers], 1_000_000).to_numpy())) == 1_000_000
    texts = numbers.cast(pa.string())
    assert len(np.unique(digest_rows([texts], 1_000_000).to_numpy())) == 1_000_000
