"""Turns the tree of a CQL2 filter into a condition: names from the collection, values bound."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from typing import Any

import shapely
from psycopg import sql
from shapely.errors import ShapelyError

from geo.errors import InputError
from web.features.collections import Collection, Kind
from web.features.cql2 import COMPARISONS, DEEPEST, LONGEST, Tree, parse_text

TYPES: dict[Kind, str] = {
    "string": "text", "integer": "numeric", "number": "double precision", "boolean": "boolean",
    "date": "date", "date-time": "timestamptz",
}  # fmt: skip
MOST_LISTED = 1000


def read_filter(text: str, *, language: str) -> Tree:
    """Return the tree of a filter in ``cql2-text`` or ``cql2-json``.

    Raises
    ------
    InputError
        It cannot be read.
    """
    if language == "cql2-text":
        return parse_text(text)
    if len(text) > LONGEST:
        raise InputError(f"the filter is longer than {LONGEST} characters", code="bad-filter")
    try:
        tree: Tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("the filter is not JSON", code="bad-filter") from error
    return tree


class Condition:
    """Writes one condition; `values` are what it binds.

    Parameters
    ----------
    srid
        The reference system of the filter's geometries; `flipped`: latitude or north first.
    """

    def __init__(self, collection: Collection, *, srid: int = 4326, flipped: bool = False) -> None:
        self.collection = collection
        self.srid = srid
        self.flipped = flipped
        self.values: dict[str, Any] = {}

    def write(self, tree: Tree, depth: int = 0) -> sql.Composable:
        """Return the condition of a tree.

        Raises
        ------
        InputError
            It uses an operator, property or type that is not there.
        """
        if depth > DEEPEST:
            raise InputError(
                f"the filter is nested deeper than {DEEPEST} levels", code="bad-filter"
            )
        if isinstance(tree, bool):
            return sql.SQL("true" if tree else "false")
        op, arguments = _operation(tree)
        if op in {"and", "or"}:
            if len(arguments) < 2:
                raise InputError(
                    f"the filter's {op!r} needs two conditions or more", code="bad-filter"
                )
            parts = [self.write(part, depth + 1) for part in arguments]
            return sql.SQL("({})").format(sql.SQL(f" {op.upper()} ").join(parts))
        if op == "not":
            (inner,) = _exactly(op, arguments, 1)
            return sql.SQL("(NOT {})").format(self.write(inner, depth + 1))
        return self._predicate(op, arguments)

    def _predicate(self, op: str, arguments: list[Tree]) -> sql.Composable:
        if op == "isNull":
            (operand,) = _exactly(op, arguments, 1)
            return sql.SQL("({} IS NULL)").format(self._operand(operand, None))
        if op == "s_intersects":
            return self._spatial(*_exactly(op, arguments, 2))
        if op in COMPARISONS:
            left, right = _exactly(op, arguments, 2)
            kind = self._kind(left) or self._kind(right)
            return sql.SQL("({} {} {})").format(
                self._operand(left, kind), sql.SQL(op), self._operand(right, kind)
            )
        left = arguments[0] if arguments else None
        kind = self._kind(left)
        if op == "like":
            _, pattern = _exactly(op, arguments, 2)
            if kind != "string":
                raise InputError("LIKE compares a property that is text", code="bad-filter")
            return sql.SQL("({} LIKE {})").format(
                self._operand(left, kind), self._operand(pattern, kind)
            )
        if op == "between":
            _, low, high = _exactly(op, arguments, 3)
            return sql.SQL("({} BETWEEN {} AND {})").format(
                *(self._operand(item, kind) for item in (left, low, high))
            )
        if op == "in":
            _, items = _exactly(op, arguments, 2)
            if not isinstance(items, list) or not 0 < len(items) <= MOST_LISTED:
                raise InputError(f"IN takes a list of 1 to {MOST_LISTED} values", code="bad-filter")
            listed = sql.SQL(", ").join(self._operand(item, kind) for item in items)
            return sql.SQL("({} IN ({}))").format(self._operand(left, kind), listed)
        raise InputError(
            f"the filter's operator {op!r} is not one that is understood here", code="bad-filter"
        )

    def _kind(self, operand: Tree) -> Kind | None:
        """Return the type of a property, or None for a value."""
        if isinstance(operand, dict):
            if "property" in operand:
                return self._property(operand["property"])[1]
            if operand.get("op") == "casei":
                return "string"
        return None

    def _property(self, name: object) -> tuple[str, Kind]:
        found = self.collection.property(str(name))
        if found is None:
            names = ", ".join(item.name for item in self.collection.properties)
            raise InputError(
                f"there is no property {str(name)[:60]!r}; there are {names}", code="bad-filter"
            )
        return found.sql, found.kind

    def _operand(self, operand: Tree, kind: Kind | None) -> sql.Composable:
        if isinstance(operand, dict) and "property" in operand:
            expression, own = self._property(operand["property"])
            if kind is not None and own != kind and {own, kind} != {"integer", "number"}:
                raise InputError(
                    f"{operand['property']!r} is {own} and is compared with {kind}",
                    code="bad-filter",
                )
            return sql.SQL(expression)
        if isinstance(operand, dict) and operand.get("op") == "casei":
            (inner,) = _exactly("casei", _operation(operand)[1], 1)
            return sql.SQL("lower({})").format(self._operand(inner, "string"))
        return self._bind(read_value(operand, kind), kind)

    def _bind(self, value: object, kind: Kind | None) -> sql.Composable:
        name = f"filter_{len(self.values)}"
        self.values[name] = value
        cast = TYPES[kind] if kind else "text"
        return sql.SQL("{}::" + cast).format(sql.Placeholder(name))

    def _spatial(self, operand: Tree, shape: Tree) -> sql.Composable:
        if not isinstance(operand, dict) or operand.get("property") not in {"geom", "geometry"}:
            raise InputError(
                "S_INTERSECTS takes the property geometry and a shape", code="bad-filter"
            )
        name = f"filter_{len(self.values)}"
        self.values[name] = shapely.to_wkb(self._shape(shape))
        given = sql.SQL("ST_Transform(ST_GeomFromWKB({}, {}), 4326)").format(
            sql.Placeholder(name), sql.Literal(self.srid)
        )
        geometry = sql.SQL(self.collection.geometry)
        return sql.SQL("({g} && {s} AND ST_Intersects({g}, {s}))").format(g=geometry, s=given)

    def _shape(self, tree: Tree) -> shapely.Geometry:
        try:
            if isinstance(tree, dict) and "bbox" in tree:
                corners = [float(number) for number in tree["bbox"]]
                if len(corners) == 6:
                    corners = corners[:2] + corners[3:5]
                west, south, east, north = corners
                found: shapely.Geometry = shapely.box(west, south, east, north)
            else:
                found = shapely.from_geojson(json.dumps(tree))
        except (ShapelyError, ValueError, TypeError) as error:
            raise InputError(
                "the filter's geometry is not GeoJSON or a box", code="bad-filter"
            ) from error
        coordinates = shapely.get_coordinates(found)
        if shapely.is_empty(found) or not all(map(math.isfinite, coordinates.ravel())):
            raise InputError(
                "the filter's geometry is empty or has no finite coordinates", code="bad-filter"
            )
        return shapely.transform(found, lambda xy: xy[:, ::-1]) if self.flipped else found


def _operation(tree: Tree) -> tuple[str, list[Tree]]:
    if not isinstance(tree, dict) or not isinstance(tree.get("op"), str):
        raise InputError('the filter is made of {"op": ..., "args": [...]}', code="bad-filter")
    arguments = tree.get("args")
    if not isinstance(arguments, list):
        raise InputError(f"the filter's {tree['op']!r} needs args", code="bad-filter")
    return tree["op"], arguments


def _exactly(op: str, arguments: list[Tree], count: int) -> list[Tree]:
    if len(arguments) != count:
        raise InputError(
            f"the filter's {op!r} takes {count} arguments, not {len(arguments)}", code="bad-filter"
        )
    return arguments


def read_value(value: Tree, kind: Kind | None) -> object:
    """Return a literal as the type that it is compared with.

    Raises
    ------
    InputError
        It is of another type.
    """
    try:
        if isinstance(value, dict):
            stated = value.get("timestamp", value.get("date"))
            return _moment(str(stated), kind)
        if kind in {"date", "date-time"} and isinstance(value, str):
            return _moment(value, kind)
        if kind in {"integer", "number"} and _is_number(value):
            return value
        if kind == "boolean" and isinstance(value, bool):
            return value
        if kind in {"string", None} and isinstance(value, str):
            return value
    except ValueError as error:
        raise InputError(
            f"the filter's {value!r} is no moment of ISO 8601", code="bad-filter"
        ) from error
    raise InputError(
        f"the filter compares {str(value)[:60]!r} with {kind or 'a constant'}", code="bad-filter"
    )


def _is_number(value: Tree) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**30
    return isinstance(value, float) and math.isfinite(value)


def _moment(text: str, kind: Kind | None) -> date | datetime:
    if kind == "date":
        return date.fromisoformat(text[:10]) if "T" in text else date.fromisoformat(text)
    if kind != "date-time":
        raise InputError(
            f"the filter compares a moment with {kind or 'a constant'}", code="bad-filter"
        )
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
