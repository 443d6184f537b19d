"""Reads CQL2 text into the tree that CQL2 JSON is.

A parser of our own: the packaged one ends the whole process on a deeply nested filter, which
anybody could send.

References
----------
OGC 21-065r2 (2024), Common Query Language (CQL2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.errors import ShapelyError

from geo.errors import InputError

Tree = dict[str, Any] | list[Any] | str | int | float | bool | None
LONGEST = 10_000
DEEPEST = 24
TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<string>'(?:[^']|'')*')"
    r"|(?P<quoted>\"[^\"]+\")|(?P<name>[A-Za-z_][A-Za-z0-9_.:]*)"
    r"|(?P<mark><>|<=|>=|[=<>(),])|(?P<end>$))"
)
COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
SHAPES = frozenset(
    {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON"}
)


@dataclass(frozen=True)
class Token:
    """One word of a filter and where it starts."""

    kind: str
    text: str
    start: int
    end: int


def parse_text(text: str) -> Tree:
    """Return the tree of a filter in CQL2 text.

    Raises
    ------
    InputError
        It is no CQL2, or longer or deeper than is read here; the message says where.
    """
    if len(text) > LONGEST:
        raise InputError(f"the filter is longer than {LONGEST} characters", code="bad-filter")
    reader = _Reader(text)
    tree = reader.either(0)
    reader.expect("end")
    return tree


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while True:
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise InputError(
                f"the filter cannot be read at character {place + 1}", code="bad-filter"
            )
        kind = match.lastgroup
        found.append(Token(kind, match[kind], match.start(kind), match.end()))
        if kind == "end":
            return found
        place = match.end()


class _Reader:
    """A reader by descent: a method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def word(self) -> str:
        """Return the next token as a keyword."""
        return self.next.text.upper() if self.next.kind in {"name", "mark"} else ""

    def take(self, *words: str) -> bool:
        """Go past the next token if it is one of `words`."""
        if self.word() in words:
            self.place += 1
            return True
        return False

    def expect(self, kind: str, *words: str) -> Token:
        """Go past a token that has to be there."""
        token = self.next
        if token.kind != kind or (words and token.text.upper() not in words):
            wanted = " or ".join(words) or kind
            raise InputError(
                f"the filter needs {wanted} at character {token.start + 1}, "
                f"not {token.text[:20]!r}",
                code="bad-filter",
            )
        self.place += 1
        return token

    def either(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise InputError(
                f"the filter is nested deeper than {DEEPEST} levels", code="bad-filter"
            )
        parts = [self.every(depth)]
        while self.take("OR"):
            parts.append(self.every(depth))
        return parts[0] if len(parts) == 1 else {"op": "or", "args": parts}

    def every(self, depth: int) -> Tree:
        parts = [self.negated(depth)]
        while self.take("AND"):
            parts.append(self.negated(depth))
        return parts[0] if len(parts) == 1 else {"op": "and", "args": parts}

    def negated(self, depth: int) -> Tree:
        count = 0
        while self.take("NOT"):
            count += 1
        tree = self.condition(depth)
        return {"op": "not", "args": [tree]} if count % 2 else tree

    def condition(self, depth: int) -> Tree:
        if self.take("("):
            tree = self.either(depth + 1)
            self.expect("mark", ")")
            return tree
        if self.word() == "S_INTERSECTS":
            return self.spatial()
        left = self.operand(depth)
        if isinstance(left, bool) and self.word() not in COMPARISONS:
            return left
        return self.compared(left, depth)

    def compared(self, left: Tree, depth: int) -> Tree:
        if self.word() in COMPARISONS:
            op = self.expect("mark").text
            return {"op": op, "args": [left, self.operand(depth)]}
        if self.take("IS"):
            negative = self.take("NOT")
            self.expect("name", "NULL")
            return _perhaps_not({"op": "isNull", "args": [left]}, negative)
        negative = self.take("NOT")
        token = self.expect("name", "LIKE", "BETWEEN", "IN")
        if token.text.upper() == "LIKE":
            tree: Tree = {"op": "like", "args": [left, self.operand(depth)]}
        elif token.text.upper() == "BETWEEN":
            low = self.operand(depth)
            self.expect("name", "AND")
            tree = {"op": "between", "args": [left, low, self.operand(depth)]}
        else:
            tree = {"op": "in", "args": [left, self.listed(depth)]}
        return _perhaps_not(tree, negative)

    def listed(self, depth: int) -> list[Tree]:
        self.expect("mark", "(")
        items = [self.operand(depth)]
        while self.take(","):
            items.append(self.operand(depth))
        self.expect("mark", ")")
        return items

    def operand(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise InputError(
                f"the filter is nested deeper than {DEEPEST} levels", code="bad-filter"
            )
        token = self.next
        self.place += 1
        if token.kind == "number":
            return float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "quoted":
            return {"property": token.text[1:-1]}
        if token.kind == "name":
            return self.named(token, depth)
        self.place -= 1
        raise InputError(
            f"the filter needs a value at character {token.start + 1}", code="bad-filter"
        )

    def named(self, token: Token, depth: int) -> Tree:
        word = token.text.upper()
        if word in {"TRUE", "FALSE"}:
            return word == "TRUE"
        if word == "CASEI" and self.take("("):
            inner = self.operand(depth + 1)
            self.expect("mark", ")")
            return {"op": "casei", "args": [inner]}
        if word in {"DATE", "TIMESTAMP"} and self.take("("):
            value = self.expect("string").text[1:-1]
            self.expect("mark", ")")
            return {word.lower(): value}
        return {"property": token.text}

    def spatial(self) -> Tree:
        self.place += 1
        self.expect("mark", "(")
        token = self.expect("name")
        self.expect("mark", ",")
        shape = self.shape()
        self.expect("mark", ")")
        return {"op": "s_intersects", "args": [{"property": token.text}, shape]}

    def shape(self) -> Tree:
        start = self.expect("name", "BBOX", *SHAPES)
        depth, first = 0, self.place
        while True:
            token = self.next
            if token.kind == "end":
                raise InputError(
                    "a bracket of the filter's geometry is not closed", code="bad-filter"
                )
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            self.place += 1
            if depth == 0:
                break
        if start.text.upper() == "BBOX":
            numbers = [t.text for t in self.tokens[first : self.place] if t.kind == "number"]
            return {"bbox": [float(number) for number in numbers]}
        return _shape_of(self.text[start.start : token.end])


def _shape_of(wkt: str) -> Tree:
    try:
        found: Tree = shapely.geometry.mapping(shapely.from_wkt(wkt))
    except (ShapelyError, ValueError) as error:
        raise InputError(
            f"the filter's geometry cannot be read: {wkt[:40]}", code="bad-filter"
        ) from error
    return found


def _perhaps_not(tree: Tree, negative: bool) -> Tree:
    return {"op": "not", "args": [tree]} if negative else tree
