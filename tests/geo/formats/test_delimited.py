"""Text tables in any encoding come out row by row, numbered as in the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import FormatError
from geo.formats.encoding import detect_encoding
from geo.formats.open import open_table
from geo.formats.table import RawBatch, RawTable, rechunk
from geo.imports.values import as_text

CHINESE = "编号,地点\n1,西城区月坛街道\n2,展览路街道办事处\n3,德胜门外大街\n"


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def opened(folder: Path, name: str, content: bytes | str, **settings: str) -> RawTable:
    return open_table(write(folder, name, content), kind="incidents", **settings)  # type: ignore[arg-type]


def rows_of(table: RawTable) -> list[tuple[int, tuple[str | None, ...]]]:
    """Return number and texts of every good row."""
    out = []
    for batch in table.batches:
        texts = [as_text(batch.columns.column(name))[0].to_pylist() for name in table.column_names]
        out += list(zip(batch.row_no.to_pylist(), zip(*texts, strict=True), strict=True))
    return out


def broken_of(table: RawTable) -> list[tuple[int, str]]:
    return [(row.row_no, row.text) for batch in table.batches for row in batch.broken]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_chinese_text_is_read_in_its_own_encoding(
    tmp_path: Path, encoding: str, name: str, suffix: str
) -> None:
    content = CHINESE.encode(encoding)
    table = opened(tmp_path, "a" + suffix, gzip.compress(content) if "gz" in suffix else content)
    assert table.encoding == name
    assert table.column_names == ("编号", "地点")
    assert rows_of(table)[1] == (2, ("2", "展览路街道办事处"))


def test_big_endian_utf16_is_read(tmp_path: Path) -> None:
    table = opened(tmp_path, "a.csv", b"\xfe\xff" + CHINESE.encode("utf-16-be"))
    assert rows_of(table)[2] == (3, ("3", "德胜门外大街"))


def test_named_encoding_wins_over_the_guess(tmp_path: Path) -> None:
    text = "name,city\nJosé,Málaga\nZoë,Köln\n".encode("latin-1")
    assert rows_of(opened(tmp_path, "a.csv", text, encoding="latin-1"))[0] == (
        1,
        ("José", "Málaga"),
    )


def test_unknown_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"a\.csv: there is no encoding 'klingon'"):
        opened(tmp_path, "a.csv", "a,b\n1,2\n", encoding="klingon")


def test_a_few_damaged_bytes_do_not_turn_utf8_into_another_encoding() -> None:
    assert detect_encoding(CHINESE.encode() + b"4,\xff\xfe\n") == "utf-8"


def test_damaged_bytes_are_marked_in_their_row_alone(tmp_path: Path) -> None:
    table = opened(tmp_path, "a.csv", CHINESE.encode() + b"4,\xff\xfe\n5,x\x00y\n6,fine\n")
    marks = [as_text(batch.columns.column("地点"))[1] for batch in table.batches]
    assert np.concatenate(marks).tolist() == [False, False, False, True, True, False]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_delimiter_is_told_from_the_header(tmp_path: Path, mark: str) -> None:
    table = opened(tmp_path, "a.csv", f"a{mark}b\n1{mark}2,5\n")
    assert rows_of(table) == [(1, ("1", "2,5"))]


def test_newlines_and_delimiters_in_quotes_belong_to_the_value(tmp_path: Path) -> None:
    table = opened(tmp_path, "a.csv", 'a,b\r\n1,"x\r\ny, ""z"""\r\n2,w\r\n')
    assert rows_of(table) == [(1, ("1", 'x\r\ny, "z"')), (2, ("2", "w"))]


def test_broken_rows_keep_their_number_and_text_and_shift_no_others(tmp_path: Path) -> None:
    text = 'a,b\n1,"x\ny"\n\n2\n3,4\n5,6,7\n8,9\n10\n'
    assert rows_of(opened(tmp_path, "a.csv", text)) == [
        (1, ("1", "x\ny")),
        (3, ("3", "4")),
        (5, ("8", "9")),
    ]
    assert broken_of(opened(tmp_path, "a.csv", text)) == [(2, "2"), (4, "5,6,7"), (6, "10")]


def test_broken_row_of_undecodable_bytes_is_kept_like_any_other(tmp_path: Path) -> None:
    table = opened(tmp_path, "a.csv", CHINESE.encode() + b"\xff\xfe\n5,x\n")
    assert broken_of(table) == [(4, "��")]


def test_file_of_broken_rows_alone_loses_none(tmp_path: Path) -> None:
    assert broken_of(opened(tmp_path, "a.csv", "a,b\n1\n2\n")) == [(1, "1"), (2, "2")]


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\r\n"])
def test_header_alone_is_a_file_without_rows(tmp_path: Path, text: str) -> None:
    table = opened(tmp_path, "a.csv", text)
    assert table.column_names == ("a", "b")
    assert rows_of(table) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("\na,b\n1,2\n", "the first line is blank"),
        ("a,b,a\n1,2,3\n", "names 'a' twice"),
        ("a,,b\n1,2,3\n", "has an empty name"),
    ],
)
def test_unusable_header_is_refused_with_the_reason(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(FormatError, match=problem):
        opened(tmp_path, "a.csv", text)


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(200_000)))
    with pytest.raises(FormatError, match="unreadable after row"):
        rows_of(opened(tmp_path, "cut.csv.gz", whole[: len(whole) // 2]))
    with pytest.raises(FormatError, match="cannot be unpacked"):
        opened(tmp_path, "not.csv.gz", b"a,b\n1,2\n")


def test_missing_file_and_unknown_format_are_told(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        open_table(tmp_path / "a.csv", kind="incidents")
    with pytest.raises(FormatError, match=r"not supported; supported are \.csv"):
        opened(tmp_path, "a.docx", "x")


CELL = st.text(
    st.characters(exclude_characters="\x00\ufffd\ufeff", exclude_categories=("Cs",)), max_size=8
)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@settings(max_examples=40, deadline=None)
@given(
    lines=st.lists(
        st.one_of(st.tuples(CELL, CELL), st.tuples(CELL), st.tuples(CELL, CELL, CELL)), min_size=1
    ),
    rows=st.integers(1, 4),
)
def test_every_row_is_either_read_or_broken_whatever_stands_in_it(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[tuple[str, ...]],
    rows: int,
) -> None:
    text = "a,b\n" + "".join(",".join(map(quoted, line)) + "\n" for line in lines)
    folder = tmp_path_factory.mktemp("text")
    table = opened(folder, "a.csv", text, encoding="utf-8")
    seen: dict[int, tuple[str, ...] | None] = {}
    for batch in rechunk(table.batches, rows=rows):
        values = zip(*(batch.columns.column(i).to_pylist() for i in (0, 1)), strict=True)
        for number, value in zip(batch.row_no.to_pylist(), values, strict=True):
            seen[number] = tuple((cell or b"").decode() for cell in value)
        seen |= {row.row_no: None for row in batch.broken}
    assert seen == {
        number: line if len(line) == 2 else None for number, line in enumerate(lines, start=1)
    }


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), max_size=8), rows=st.integers(1, 7))
def test_rechunking_keeps_every_row_in_order(sizes: list[int], rows: int) -> None:
    starts = np.cumsum([0, *sizes])
    batches = [
        RawBatch(
            pa.table({"a": pa.array(range(start, start + size), pa.int64())}),
            pa.array(range(start + 1, start + size + 1), pa.int64()),
        )
        for start, size in zip(starts[:-1].tolist(), sizes, strict=True)
    ]
    made = list(rechunk(iter(batches), rows=rows))
    assert [v for batch in made for v in batch.columns.column("a").to_pylist()] == list(
        range(sum(sizes))
    )
    assert [len(batch.row_no) for batch in made[:-1]] == [rows] * (len(made) - 1)
