"""Which character encoding and delimiter a text file has."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from charset_normalizer import from_bytes

from geo.errors import FormatError

SAMPLE_BYTES = 1 << 18
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading bytes, unpacking gzip as it goes."""
    if path.suffix.lower() == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def read_sample(path: Path, *, n_bytes: int = SAMPLE_BYTES) -> bytes:
    """Return the first bytes of a file, unpacked.

    Raises
    ------
    FormatError
        If the file is empty or its compression is damaged.
    """
    try:
        with open_binary(path) as stream:
            sample = stream.read(n_bytes)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path.name}: cannot be unpacked ({error}); fetch it again") from error
    if not sample.strip():
        raise FormatError(f"{path.name}: the file is empty")
    return sample


def detect_encoding(sample: bytes) -> str:
    """Name the encoding of a text sample: by its mark, as UTF-8, as GB18030, or by statistics."""
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if _decodes(sample, "utf-8") or _is_mostly_utf8(sample):
        return "utf-8"
    best = from_bytes(sample[:65_536]).best()
    guess = best.encoding if best is not None else None
    if guess in {None, "gb2312", "gbk", "gb18030", "hz", "cp949", "johab"} and _decodes(
        sample, "gb18030"
    ):
        return "gb18030"
    if guess is None:
        raise FormatError("the text's encoding was not recognised: name it as `encoding`")
    return guess


def known_encoding(name: str, *, file: str) -> str:
    """Return the usual name of an encoding.

    Raises
    ------
    FormatError
        If there is none of that name.
    """
    try:
        usual = codecs.lookup(name).name
    except LookupError as error:
        raise FormatError(f"{file}: there is no encoding {name!r}: try utf-8 or gb18030") from error
    return "utf-8" if usual in {"ascii", "utf-8-sig"} else usual


def _is_mostly_utf8(sample: bytes) -> bool:
    """Say whether a few damaged bytes stand in a text that is UTF-8 otherwise."""
    text = sample.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    return sum(char > "\x7f" for char in text) - damaged > 2 * damaged


def _decodes(sample: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        text = decoder.decode(sample)  # the last character may be cut: not final
    except UnicodeDecodeError:
        return False
    if encoding != "gb18030":
        return True
    # GB18030 accepts nearly every byte pair: believe it only where Chinese characters come out.
    chinese = sum("一" <= char <= "鿿" for char in text)
    foreign = sum(ord(char) > 127 for char in text)
    return chinese * 2 > foreign


def detect_delimiter(sample: bytes, encoding: str) -> str:
    """Return the delimiter of the header line: comma, semicolon, tab or bar."""
    text = sample.decode(encoding, errors="replace").lstrip("\ufeff")
    line = next((line for line in text.splitlines() if line.strip()), "")
    counts = {mark: len(next(csv.reader([line], delimiter=mark))) for mark in ",;\t|"}
    return max(counts, key=lambda mark: counts[mark])


class Utf8Stream(io.RawIOBase):
    """A byte stream in any encoding, read as UTF-8; undecodable bytes become U+FFFD."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._is_utf8 = encoding == "utf-8"
        self._rest = b""

    def readable(self) -> bool:
        """Say that this stream can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`, short of it only at the end, and return how many bytes were written."""
        n = 0
        with memoryview(buffer) as view:
            while n < len(view) and (more := self._read_some(view[n:])):
                n += more
        return n

    def _read_some(self, buffer: memoryview) -> int:
        while not self._rest:
            if self._is_utf8 and not self._decoder.getstate()[0]:
                n = self._source.readinto(buffer)  # type: ignore[attr-defined]
                if np.frombuffer(buffer, np.int8, n).min(initial=0) >= 0:
                    return int(n)  # ASCII
                raw = bytes(buffer[:n])
            else:
                raw = self._source.read(1 << 20)
            self._rest = self._decoder.decode(raw, not raw).encode("utf-8")
            if not raw and not self._rest:
                return 0
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n

    def close(self) -> None:
        """Close the stream and its source."""
        self._source.close()
        super().close()
