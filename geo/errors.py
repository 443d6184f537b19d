"""The errors of Gridbeat: each says what is wrong, where, and what to do next."""

from __future__ import annotations


class GridbeatError(Exception):
    """Base of every error that Gridbeat raises on purpose.

    Attributes
    ----------
    code
        Stable name of what is wrong, by which other languages have words for it; None without.
    """

    code: str | None = None

    def __init__(self, *args: object, code: str | None = None) -> None:
        super().__init__(*args)
        if code is not None:
            self.code = code


class InputError(GridbeatError, ValueError):
    """A value, file or setting that was handed in cannot be used as it is."""


class CrsError(InputError):
    """Coordinates are in another reference system than they claim, or in none that fits."""


class GeometryError(InputError):
    """A geometry is empty, broken or of the wrong type."""


class FormatError(InputError):
    """A file is not of a format that can be read, or is damaged."""


class MappingError(InputError):
    """A mapping file does not fit the file that it describes."""


class MissingDependencyError(GridbeatError, RuntimeError):
    """A program or package that this step needs is not installed."""


class DatabaseError(GridbeatError, RuntimeError):
    """The database is absent, too old, damaged or refuses the connection."""


class NotFoundError(GridbeatError, LookupError):
    """Something that was named does not exist."""


class ConflictError(GridbeatError, RuntimeError):
    """The change contradicts what is already stored."""
