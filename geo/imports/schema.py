"""What a kind of record is: its table, its shape, its fields and what a field may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo.errors import MappingError

FieldType = Literal["text", "number", "integer", "flag", "date", "time"]
ShapeType = Literal["point", "polygon", "line"]


@dataclass(frozen=True)
class Field:
    """One field of a kind: its type, and the values it may hold.

    Attributes
    ----------
    synonyms
        Column names under which files of the field carry it, lower case.
    default
        What an empty value means, as PostgreSQL reads it.
    """

    name: str
    type: FieldType = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: float | None = None
    below: float | None = None
    maximum: float | None = None
    synonyms: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of record: its table, its shape and its fields."""

    name: str
    table: str
    key: str
    shape: ShapeType | None
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """Return the field called `name`."""
        for field in self.fields:
            if field.name == name:
                return field
        known = ", ".join(field.name for field in self.fields)
        raise MappingError(f"{self.name} have no field {name!r}; they have: {known}")

    def has(self, name: str) -> bool:
        """Say whether there is a field called `name`."""
        return any(field.name == name for field in self.fields)
