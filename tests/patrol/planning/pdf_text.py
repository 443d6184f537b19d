"""The text of a PDF of ours, so that a test reads what a person reads off the paper."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\s*(.*?)\s*endobj", re.DOTALL)
_SHOWN = re.compile(rb"/(\w+) [\d.]+ Tf|\[(.*?)\] TJ", re.DOTALL)
_PAIR = re.compile(rb"<([0-9a-f]+)> <([0-9a-f ]+)>", re.IGNORECASE)


def pdf_text(content: bytes) -> str:
    """Return all text in the order of drawing, without any white space: lines break anywhere.

    Reads what WeasyPrint writes: compressed streams, dictionaries in object streams, glyphs of a
    font by four hexadecimal digits with their letters in its ``ToUnicode`` map.
    """
    heads, streams = _objects(content)
    maps = {
        name: _letters(streams[int(unicode)])
        for head in heads.values()
        for name, number in re.findall(rb"/(\w+) (\d+) 0 R", head)
        for unicode in re.findall(rb"/ToUnicode (\d+) 0 R", heads.get(int(number), b""))
    }
    said = []
    for stream in streams.values():
        letters: dict[str, str] = {}
        for font, glyphs in _SHOWN.findall(stream):
            letters = maps[font] if font else letters
            codes = "".join(part.decode() for part in re.findall(rb"<([0-9a-f]+)>", glyphs))
            said += [letters.get(codes[k : k + 4], "") for k in range(0, len(codes), 4)]
    return re.sub(r"\s", "", "".join(said))


def _objects(content: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    heads, streams = {}, {}
    for number, body in _OBJECT.findall(content):
        head, _, data = body.partition(b"stream")
        heads[int(number)] = head
        if data and b"OpenType" not in head and b"/Length1" not in head:
            streams[int(number)] = zlib.decompressobj().decompress(data.lstrip(b"\r\n"))
    for number in [n for n, head in heads.items() if b"/ObjStm" in head]:
        packed = streams.pop(number)
        first = int(re.findall(rb"/First (\d+)", heads[number])[0])
        table = [int(part) for part in packed[:first].split()]
        starts = [first + start for start in table[1::2]]
        for own, start, end in zip(table[::2], starts, [*starts[1:], None], strict=True):
            heads[own] = packed[start:end]
    return heads, {n: data for n, data in streams.items() if b"/XRef" not in heads[n]}


def _letters(mapping: bytes) -> dict[str, str]:
    return {
        glyph.decode().lower(): bytes.fromhex(letters.decode()).decode("utf-16-be")
        for glyph, letters in _PAIR.findall(mapping.partition(b"beginbfchar")[2])
    }
