"""Blocks of lines hold the whole text, and the rest of it can be had at any block."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.formats import line_blocks
from geo.formats.encoding import Utf8Stream
from geo.formats.line_blocks import LineBlocks

TEXT = st.text(alphabet='ab,"\n\r设', min_size=0, max_size=60)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_blocks, "LINE_BYTES", 16)


def blocks_of(text: str) -> LineBlocks:
    return LineBlocks(Utf8Stream(io.BytesIO(text.encode()), "utf-8"))


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_lines_come_whole_in_order_and_the_last_gets_its_newline(text: str) -> None:
    lines, read = blocks_of(text), b""
    while len(block := lines.read()):
        whole = block.tobytes()
        assert whole.endswith(b"\n") or b"\n" not in whole  # a line longer than a block
        read += whole
    assert read in (text.encode(), text.encode() + b"\n")


@given(TEXT, st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_the_rest_begins_with_the_lines_given_last_and_ends_as_the_text_does(
    text: str, n: int
) -> None:
    lines, before, last = blocks_of(text), 0, 0
    for _ in range(n):
        before += last
        last = len(lines.read())
    assert lines.rest().read() == text.encode()[before:]


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("a,b\n1,2\n", True),
        ('"a","b"\r\n1,2\n', True),
        ('"a\nb",c\n1,2\n', False),
        ("a,b\r1,2\r3,4\n", False),
        ("a,b", False),
    ],
)
def test_a_header_is_gone_past_where_its_end_is_plain(text: str, skipped: bool) -> None:
    lines = blocks_of(text)
    assert lines.skip_header() is skipped
    after = text.index("\n") + 1 if skipped else 0
    assert lines.rest().read() == text.encode()[after:]
