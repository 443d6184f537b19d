"""Cubes in Parquet files, for workers that reach no database: one file, the same cube again."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analytics.backtest_design import Arena
from analytics.cube import Cube, Units
from analytics.forecast.protocol import Places
from analytics.steps import Steps
from geo.errors import FormatError

KEY = b"gridbeat-arena"
FORMAT = 1


def write_arena(path: Path, arena: Arena) -> Path:
    """Write a cube with the places of its units: a row for each count above 0.

    What is not counts (units, steps, classes, places, groups) stands in the file's metadata.
    """
    cube = arena.cube
    at = np.nonzero(cube.counts)
    names = ("unit", "step", "class", "source")
    columns = {name: axis.astype(np.int32) for name, axis in zip(names, at, strict=True)}
    table = pa.table(columns | {"n": cube.counts[at]})
    about = json.dumps(_describe(arena)).encode()
    pq.write_table(table.replace_schema_metadata({KEY: about}), path, compression="zstd")
    return path


def read_arena_file(path: Path) -> Arena:
    """Read what `write_arena` wrote; arrays are equal bit by bit and lie alike in memory.

    Raises
    ------
    FormatError
        The file holds no cube, or one of another version.
    """
    table = pq.read_table(path)
    about = json.loads((table.schema.metadata or {}).get(KEY, b"{}"))
    if about.get("format") != FORMAT:
        raise FormatError(f"{path} holds no cube of this version; write it again")
    counts = np.zeros(about["shape"], dtype=about["dtype"])
    at = tuple(table[name].to_numpy() for name in ("unit", "step", "class", "source"))
    counts[at] = table["n"].to_numpy()
    exposure = {name: np.array(values) for name, values in about["exposure"].items()}
    units = Units(about["kind"], np.array(about["ids"], np.int64), MappingProxyType(exposure))
    edges = np.array(about["edges"], dtype=np.int64).view("datetime64[us]")
    steps = Steps(edges, about["step"], about["time_zone"])
    cube = Cube(counts, units, steps, tuple(about["classes"]), tuple(about["found_by"]))
    places = Places(np.array(about["x"]), np.array(about["y"]))
    groups = {name: np.array(rows, np.int64) for name, rows in about["groups"].items()}
    return Arena(cube, places, MappingProxyType(groups))


def _describe(arena: Arena) -> dict[str, Any]:
    cube, steps = arena.cube, arena.cube.steps
    return {
        "format": FORMAT,
        "shape": cube.counts.shape,
        "dtype": cube.counts.dtype.str,
        "kind": cube.units.kind,
        "ids": cube.units.ids.tolist(),
        "exposure": {name: _floats(values) for name, values in cube.units.exposure.items()},
        "edges": steps.edges.astype("datetime64[us]").view(np.int64).tolist(),
        "step": steps.step,
        "time_zone": steps.time_zone,
        "classes": cube.classes,
        "found_by": cube.found_by,
        "x": arena.places.x.tolist(),
        "y": arena.places.y.tolist(),
        "groups": {name: rows.tolist() for name, rows in arena.groups.items()},
    }


def _floats(values: NDArray[np.float64]) -> Any:
    return np.asarray(values, dtype=np.float64).tolist()
