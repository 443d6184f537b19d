"""Recorded points of a GPX file, read as they come by: a file of a day has a million."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from geo.errors import FormatError
from patrol.drones.formats.xml import feed_xml

_WAY = ("gpx", "trk", "trkseg", "trkpt")  # from the outermost element to a point


@dataclass
class Points:
    """What each recorded point says, in order; `time` and `ele` are None where it says none."""

    lon: list[str | None] = field(default_factory=list)
    lat: list[str | None] = field(default_factory=list)
    time: list[str | None] = field(default_factory=list)
    ele: list[str | None] = field(default_factory=list)


def read_points(content: bytes, where: str) -> Points:
    """Read the recorded points of a GPX file.

    Raises
    ------
    FormatError
        It is no XML, or no GPX.
    """
    parser = expat.ParserCreate(namespace_separator="}")
    reader = _Reader(parser)
    feed_xml(content, where, parser)
    if reader.space is None:
        raise no_gpx(where, reader.outermost.rpartition("}")[2])
    return reader.points


def no_gpx(where: str, outermost: str) -> FormatError:
    """Return the error of a file of something else."""
    return FormatError(f"{where}: no readable GPX: its outermost element is {outermost!r}")


class _Reader:
    """Follows the elements from the outermost one to points and their times and heights."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.points = Points()
        self.outermost = ""
        self.space: str | None = None
        self._depth = 0
        self._on_way = 0  # how many elements around are those of `_WAY`, from the outermost on
        self._way: tuple[str, ...] = _WAY
        self._says: Mapping[str, list[str | None]] = {}
        self._text: list[str] = []
        self._to: list[str | None] | None = None  # where the text goes that is being read
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        depth = self._depth
        self._depth = depth + 1
        if self._to is not None:
            self._keep_text()  # what is within a time is not of it
        if self._on_way != depth:
            return
        if depth == len(_WAY):
            to = self._says.get(tag)
            if to is not None and to[-1] is None:  # the first one counts
                self._text.clear()
                self._to = to
            return
        if depth == 0:
            self._begin(tag)
        if tag == self._way[depth]:
            self._on_way = depth + 1
            if depth + 1 == len(_WAY):
                self._add_point(attributes)

    def _begin(self, tag: str) -> None:
        self.outermost = tag
        if tag.rpartition("}")[2] == "gpx":
            self.space, points = tag.removesuffix("gpx"), self.points
            self._way = tuple(self.space + name for name in _WAY)
            self._says = {self.space + "time": points.time, self.space + "ele": points.ele}

    def _add_point(self, attributes: Mapping[str, str]) -> None:
        points = self.points
        points.lon.append(attributes.get("lon", ""))
        points.lat.append(attributes.get("lat", ""))
        points.time.append(None)
        points.ele.append(None)

    def _end(self, _: str) -> None:
        if self._to is not None:
            self._keep_text()
        self._depth -= 1
        if self._on_way > self._depth:
            self._on_way = self._depth

    def _keep_text(self) -> None:
        if self._to is not None:
            self._to[-1], self._to = "".join(self._text), None
