"""Files that `benchmarks.imports` takes in: Chicago's, and as many generated rows as are asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Case:
    """Files of one source, and what must be there before them."""

    name: str
    n_rows: int
    files: list[Path]
    mapping: dict[str, Any]
    boundary: tuple[Path, dict[str, Any]]
    grids: tuple[Path, dict[str, Any]]


def chicago(folder: Path) -> Case:
    files = sorted(folder.glob("incidents_201?_h?.parquet"))
    classes = sorted({c for f in files for c in pd.read_parquet(f)["primary_type"].unique()})
    mapping = {
        "kind": "incidents",
        "source": "chicago",
        "category_scheme": "primary-type",
        "midnight": "unknown",
        "attributes": ["location_description", "arrest", "domestic", "beat"],
        "columns": {
            "source_ref": "id",
            "occurred_at": "occurred_at",
            "category": "primary_type",
            "x": "lon",
            "y": "lat",
        },
        "constants": {"found_by": "resident"},
        "categories": {name: name.title() for name in classes},
    }
    boundary = {
        "kind": "boundaries",
        "source": "areas",
        "new_jurisdiction": {"code": "chi", "name": "Chicago", "time_zone": "America/Chicago"},
        "columns": {"code": "community_area", "name": "name"},
        "constants": {"level": "community"},
    }
    grids = {"kind": "grids", "source": "beats", "columns": {"code": "beat", "name": "beat"}}
    rows = sum(len(pd.read_parquet(file, columns=["id"])) for file in files)
    return Case(
        "Chicago, four Parquet files",
        rows,
        files,
        mapping,
        (folder / "community_areas.geojson", boundary),
        (folder / "police_beats.geojson", grids),
    )


def generated(folder: Path, n_rows: int, seed: int) -> Case:
    """Write a city of 20 x 20 grids and `n_rows` incidents of three years and 30 classes."""
    west, south, side, n = 116.20, 39.80, 0.40, 20
    cell = side / n

    def square(x: float, y: float, size: float, **properties: Any) -> dict[str, Any]:
        ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        return {"type": "Feature", "properties": properties, "geometry": shape}

    def write(name: str, features: list[dict[str, Any]]) -> Path:
        path = folder / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return path

    city = write("city.geojson", [square(west, south, side, code="C", name="City")])
    cells = [
        square(west + i * cell, south + j * cell, cell, code=f"G{i:02d}{j:02d}", name=f"{i} {j}")
        for i in range(n)
        for j in range(n)
    ]
    mapping = {
        "kind": "incidents",
        "source": "generated",
        "category_scheme": "classes",
        "attributes": ["street", "severity"],
        "columns": {
            "source_ref": "id",
            "occurred_at": "occurred_at",
            "reported_at": "reported_at",
            "category": "class",
            "x": "lon",
            "y": "lat",
        },
        "constants": {"found_by": "resident"},
        "categories": {f"C{i:02d}": f"Class {i}" for i in range(30)},
    }
    boundary = {
        "kind": "boundaries",
        "source": "city",
        "new_jurisdiction": {"code": "c", "name": "City", "time_zone": "Asia/Shanghai"},
        "columns": {"code": "code", "name": "name"},
        "constants": {"level": "district"},
    }
    grids = {"kind": "grids", "source": "grids", "columns": {"code": "code", "name": "name"}}
    file = folder / "generated.csv"
    write_incidents(file, n_rows, west + side / 2, south + side / 2, side / 2, seed)
    return Case(
        f"generated, one CSV of {file.stat().st_size / 1e6:,.0f} MB",
        n_rows,
        [file],
        mapping,
        (city, boundary),
        (write("grids.geojson", cells), grids),
    )


def write_incidents(
    file: Path, n_rows: int, lon: float, lat: float, reach: float, seed: int
) -> None:
    """Write rows in order of time, as exports are; half of the places around 200 hot ones."""
    rng = np.random.default_rng(seed)
    hot = rng.uniform(-0.9, 0.9, (200, 2))
    begin = np.datetime64("2022-01-01T00:00")
    for start in range(0, n_rows, 200_000):
        n = min(200_000, n_rows - start)
        at = np.sort(rng.integers(start, start + n, n)) * (3 * 365 * 24 * 60) // n_rows
        even = rng.uniform(-0.99, 0.99, (n, 2))
        near = hot[rng.integers(0, 200, n)] + rng.normal(0, 0.02, (n, 2))
        xy = np.clip(np.where(rng.random((n, 1)) < 0.5, even, near), -0.99, 0.99) * reach
        times = begin + at.astype("timedelta64[m]")
        table = pd.DataFrame(
            {
                "id": [f"G{i:09d}" for i in range(start, start + n)],
                "occurred_at": np.datetime_as_string(times, unit="m"),
                "reported_at": np.datetime_as_string(
                    times + rng.integers(1, 2880, n).astype("timedelta64[m]"), unit="m"
                ),
                "class": [f"C{i:02d}" for i in rng.integers(0, 30, n)],
                "lon": np.round(lon + xy[:, 0], 6),
                "lat": np.round(lat + xy[:, 1], 6),
                "street": [f"Street {i}" for i in rng.integers(0, 900, n)],
                "severity": rng.integers(1, 5, n),
            }
        )
        mode = "w" if start == 0 else "a"
        table.to_csv(file, mode=mode, header=start == 0, index=False)
