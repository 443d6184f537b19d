"""A small jurisdiction in a database of the test's own, and files to import into it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from geo.database.connect import Database, connect
from geo.imports.mapping import Mapping, make_mapping
from geo.imports.report import ImportReport
from geo.imports.run import import_file

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEST, SOUTH, EAST, NORTH = -87.72, 41.88, -87.68, 41.92
INCIDENTS: dict[str, Any] = {
    "kind": "incidents",
    "source": "desk",
    "category_scheme": "test",
    "columns": {
        "source_ref": "id",
        "occurred_at": "time",
        "category": "class",
        "x": "lon",
        "y": "lat",
    },
    "constants": {"found_by": "resident"},
    "attributes": ["note"],
    "categories": {"THEFT": "Theft", "NOISE": "Noise"},
}
HEADER = ("id", "time", "class", "lon", "lat", "note")


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """Return a GeoJSON polygon."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(shape: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    return {"type": "Feature", "properties": properties, "geometry": shape}


def row(number: int, **changes: Any) -> dict[str, Any]:
    """Return one good row of an incident file, other values by name."""
    return {
        "id": f"R{number}",
        "time": f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d} {number % 23 + 1:02d}:30",
        "class": "THEFT" if number % 3 else "NOISE",
        "lon": f"{WEST + 0.001 + (number * 7 % 38) / 1000:.6f}",
        "lat": f"{SOUTH + 0.001 + (number * 11 % 38) / 1000:.6f}",
        "note": f"note {number}",
        **changes,
    }


@dataclass
class Desk:
    """Writes files, imports them, and looks at what came of it."""

    database: Database
    folder: Path
    mapping: dict[str, Any] = field(default_factory=lambda: dict(INCIDENTS))

    def connect(self) -> Any:
        return connect(self.database)

    def csv(self, rows: Sequence[dict[str, Any]], name: str = "incidents.csv") -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]) if rows else list(HEADER))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def geojson(self, features: Sequence[dict[str, Any]], name: str = "shapes.geojson") -> Path:
        path = self.folder / name
        text = json.dumps({"type": "FeatureCollection", "features": list(features)})
        path.write_text(text, "utf-8")
        return path

    def plan(self, **changes: Any) -> Mapping:
        return make_mapping({**self.mapping, **changes})

    def take(
        self,
        file: Path | Sequence[dict[str, Any]],
        plan: Mapping | None = None,
        *,
        chunk_rows: int | None = None,
        progress: Callable[[int], None] | None = None,
        **changes: Any,
    ) -> ImportReport:
        """Import a file, or incident rows as a CSV."""
        path = file if isinstance(file, Path) else self.csv(file)
        more: dict[str, Any] = {} if chunk_rows is None else {"chunk_rows": chunk_rows}
        more["progress"] = progress
        return import_file(self.connect, path, plan or self.plan(**changes), now=NOW, **more)

    def found(self, shapes: Sequence[dict[str, Any]] | None = None, **new: Any) -> ImportReport:
        """Found the jurisdiction of the tests by importing its boundary."""
        path = self.geojson(
            shapes or [feature(square(WEST, SOUTH, EAST, NORTH), code="T1", name="Testville")],
            "boundary.geojson",
        )
        settings = {"code": "T", "name": "Testville", "time_zone": "America/Chicago", **new}
        plan = make_mapping(
            {
                "kind": "boundaries",
                "source": "outline",
                "new_jurisdiction": settings,
                "columns": {"code": "code", "name": "name"},
                "constants": {"level": "district"},
            }
        )
        return import_file(self.connect, path, plan, now=NOW)

    def grids(self) -> ImportReport:
        """Import four grids that fill the jurisdiction."""
        x, y = (WEST, (WEST + EAST) / 2, EAST), (SOUTH, (SOUTH + NORTH) / 2, NORTH)
        shapes = [
            feature(square(x[i], y[j], x[i + 1], y[j + 1]), code=f"G{i}{j}", name=f"Grid {i}{j}")
            for i in (0, 1)
            for j in (0, 1)
        ]
        plan = make_mapping(
            {"kind": "grids", "source": "grids", "columns": {"code": "code", "name": "name"}}
        )
        return import_file(self.connect, self.geojson(shapes, "grids.geojson"), plan, now=NOW)

    def rows(self, statement: str, *values: Any, role: Any = "owner") -> list[tuple[Any, ...]]:
        with connect(self.database, role=role) as connection:
            return connection.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]

    def bad_rows(self) -> list[tuple[Any, ...]]:
        """Return row number, field, value and reason of each open row of the quarantine."""
        return self.rows(
            "SELECT row_no, field, value, reason FROM quarantine WHERE status = 'open' "
            "ORDER BY import_run_id, row_no, quarantine_id"
        )

    def dump(self, *, numbers: bool = True) -> dict[str, list[str]]:
        """Return all rows of all tables but bookkeeping and what is counted later, sorted.

        Without `numbers`, what the database counts (keys, sequences, clocks) is left out, so
        that two databases compare.
        """
        ours = ["last_run_id", "run_id", "import_run_id", "written_by_run_id", "created_at"]
        counted = ["replaced_by_run_id", "resolved_by_run_id", "replaced_at", "incident_id"]
        counted += ["record_id", "record_version_id", "quarantine_id", "area_id", "category_id"]
        skip = ["last_run_id"] if numbers else ours + counted
        out: dict[str, list[str]] = {}
        with connect(self.database, role="owner") as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1"
            ).fetchall()
            for (name,) in tables:
                if name in _NOT_IMPORTED:
                    continue
                found = connection.execute(
                    sql.SQL("SELECT (to_jsonb(t) - %s::text[])::text FROM {} t ORDER BY 1").format(
                        sql.Identifier(name)
                    ),
                    (skip,),
                ).fetchall()
                out[name] = [text for (text,) in found]
        if not numbers:
            out["record_version"] = [_without_numbers(text) for text in out["record_version"]]
        return out


_NOT_IMPORTED = frozenset(
    {"import_run", "spatial_ref_sys", "alembic_version"}
    # Counted from the incidents after an import, which notes the days.
    | {"hexagon_day", "hexagon_month", "hexagon_total"}
    | {"hexagon_area_day", "hexagon_area_month", "hexagon_area_total"}
    | {"hexagon_dirty", "hexagon_note", "incident_day", "incident_day_due"}
)


def _without_numbers(text: str) -> str:
    version = json.loads(text)
    for name in ("incident_id", "import_run_id", "area_id"):
        version["record"].pop(name, None)
    return json.dumps(version, sort_keys=True)


def balance(report: ImportReport) -> int:
    """Return what `read` must be equal to."""
    bad = sum(report.quarantined.values())
    return report.new + report.changed + report.same + report.left_out + bad


@pytest.fixture
def bare_desk(fresh_database: Database, tmp_path: Path) -> Iterator[Desk]:
    """Give a migrated database without a jurisdiction."""
    return Desk(fresh_database, tmp_path)


@pytest.fixture
def twin(server: Database, template: Database, tmp_path: Path) -> Iterator[Desk]:
    """Give a second such database, for what a clean run would have made of the same files."""
    name = f"gridbeat_test_twin_{os.getpid()}"
    words = {"name": sql.Identifier(name), "template": sql.Identifier(template.name)}
    with connect(server, role="owner", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**words))
        try:
            made = Desk(server.renamed(name), tmp_path)
            made.found()
            made.grids()
            yield made
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**words))


@pytest.fixture
def desk(bare_desk: Desk) -> Desk:
    """Give a database with a jurisdiction of four grids."""
    bare_desk.found()
    bare_desk.grids()
    return bare_desk
