"""A stream of text in blocks of whole lines, from which the rest can be handed on as a stream."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

LINE_BYTES = 4 << 20


class LineBlocks:
    """Whole lines of a stream of UTF-8."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._buffer = bytearray(LINE_BYTES + 1)
        self._begin = self._next = self._end = 0  # of the lines given last, and of what is held
        self._mended = False

    def skip_header(self) -> bool:
        """Go past the first line; False where it may not end where the first line does."""
        self._fill()
        end = self._buffer.find(b"\n", 0, self._end) + 1
        line = self._buffer[:end]
        if not end or line.count(b'"') % 2 or b"\r" in line[:-2]:
            return False
        self._begin = self._next = end
        return True

    def read(self) -> NDArray[np.uint8]:
        """Return the next lines, each with its newline; none at the end.

        A line longer than a block comes without its end. What is returned is written over by the
        next call.
        """
        self._buffer[: self._end - self._next] = self._buffer[self._next : self._end]
        self._begin, self._end = 0, self._end - self._next
        at_end = self._fill() and self._end > 0
        self._mended = at_end and self._buffer[self._end - 1] != ord("\n")
        if self._mended:
            self._buffer[self._end] = ord("\n")
            self._end += 1
        self._next = self._buffer.rfind(b"\n", 0, self._end) + 1 or self._end
        return np.frombuffer(self._buffer, np.uint8, self._next)

    def rest(self) -> io.RawIOBase:
        """Return a stream from the lines given last on."""
        end = self._end - self._mended
        return _Joined(bytes(self._buffer[self._begin : end]), self._source)

    def _fill(self) -> bool:
        """Read as much as there is room for; say whether the source is at its end."""
        with memoryview(self._buffer) as view:
            while self._end < LINE_BYTES:
                n = self._source.readinto(view[self._end : LINE_BYTES])
                if not n:
                    return True
                self._end += n
        return False


class _Joined(io.RawIOBase):
    """Bytes, and then a stream."""

    def __init__(self, first: bytes, then: io.RawIOBase) -> None:
        self._first = first
        self._then = then

    def readable(self) -> bool:
        """Say that this stream can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` and return how many bytes were written."""
        n = min(len(buffer), len(self._first))
        buffer[:n] = self._first[:n]
        self._first = self._first[n:]
        with memoryview(buffer) as view:
            while n < len(view) and (more := self._then.readinto(view[n:])):
                n += more
        return n
