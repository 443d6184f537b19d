"""XML of mission files, read without what makes XML dangerous."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from geo.errors import FormatError

Element = ElementTree.Element
_MOST_BYTES = 64_000_000
_DECLARES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_xml(content: bytes, where: str) -> Element:
    """Parse XML that declares no entities.

    Raises
    ------
    FormatError
        It is no XML, is cut off, or declares entities.
    """
    _refuse_entities(content, where)
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - no entities, see above
    except ElementTree.ParseError as error:
        raise _unreadable(where, error) from error


def feed_xml(content: bytes, where: str, parser: expat.XMLParserType) -> None:
    """Give XML that declares no entities to a parser, which builds no tree.

    Raises
    ------
    FormatError
        As `read_xml` does.
    """
    _refuse_entities(content, where)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _unreadable(where, error) from error


def _refuse_entities(content: bytes, where: str) -> None:
    if _DECLARES.search(content) or b"\x00" in content[:200]:
        msg = f"{where}: it declares entities or is no plain XML; save it anew without them"
        raise FormatError(msg)


def _unreadable(where: str, error: Exception) -> FormatError:
    return FormatError(f"{where}: no readable XML ({error}); is the file complete?")


def read_member(path: Path, name: str) -> bytes:
    """Return a file of a zip archive.

    Raises
    ------
    FormatError
        It is no archive, is damaged, lacks the file, or the file is too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            if info.file_size > _MOST_BYTES:
                msg = f"{path.name}: {name} would take {info.file_size:,} bytes; that is too large"
                raise FormatError(msg)
            return archive.read(info)
    except KeyError as error:
        msg = f"{path.name}: there is no {name} in it"
        raise FormatError(msg) from error
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        msg = f"{path.name}: no readable zip archive ({error}); is the file complete?"
        raise FormatError(msg) from error


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Element, name: str) -> Element | None:
    """Return the first child of a name, whatever its namespace."""
    return next((one for one in element if local_name(one) == name), None)


def children(element: Element, name: str) -> list[Element]:
    """Return the children of a name, whatever their namespace."""
    return [one for one in element if local_name(one) == name]


def descendants(element: Element, name: str) -> list[Element]:
    """Return all elements below that have a name, in order."""
    return [one for one in element.iter() if local_name(one) == name]


def text_of(element: Element | None, name: str) -> str | None:
    """Return the text of a child, stripped; None where there is none."""
    found = None if element is None else child(element, name)
    return None if found is None or not (found.text or "").strip() else (found.text or "").strip()
