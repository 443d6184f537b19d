"""A file in memory, checked by its mapping as an import checks it: no database is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from geo.errors import InputError
from geo.formats.open import open_table
from geo.formats.table import RawBatch, RawTable, rechunk
from geo.imports.fields import reference_column
from geo.imports.mapping import Mapping, read_mapping
from geo.imports.normalise import Normalised, normalise
from geo.imports.plan import ReadPlan
from geo.imports.problems import REASONS
from geo.imports.repeats import settle_repeats
from geo.imports.rows import shown
from geo.imports.run import file_crs
from geo.places import Place

MOST_ROWS = 50_000_000


@dataclass(frozen=True, eq=False)
class CheckedFile:
    """A file after its checks.

    Attributes
    ----------
    rows
        Sound rows with the columns that an import would store, ``source``, and for incidents
        ``category`` as the mapping names it.
    held_back
        The others: ``source``, ``row_no``, ``source_ref``, ``reason``, ``field``, ``value`` and
        ``why`` in words.
    count
        How many rows were read, taken in, repeated, held back and left out, with ``file`` and
        ``source``.
    mapping
        What was read by.
    """

    rows: pd.DataFrame
    held_back: pd.DataFrame
    count: dict[str, object]
    mapping: Mapping


def mapping_beside(file: Path) -> Path:
    """Return the mapping that stands beside a file: incidents.csv.gz -> incidents.toml.

    Raises
    ------
    InputError
        There is none.
    """
    for stem in (file.name, file.name.split(".")[0]):
        candidate = file.with_name(stem + ".toml")
        if candidate.is_file():
            return candidate
    raise InputError(
        f"{file}: no mapping given and no {file.name.split('.')[0]}.toml beside it: "
        f"`gridbeat import inspect {file} > {file.name.split('.')[0]}.toml` makes one to edit"
    )


def check_file(
    path: Path, *, now: datetime, place: Place | None = None, mapping: Mapping | None = None
) -> CheckedFile:
    """Check each row of a file by its mapping, and its position where the place is known.

    The whole file is held in memory, so that a reference which stands twice is seen wherever it
    stands. What the database alone knows (earlier imports, grids) is not looked at.

    Parameters
    ----------
    now
        Later times are held back.
    place
        The jurisdiction: its zone, boundary and metric system.
    mapping
        By default the one beside the file.

    Raises
    ------
    InputError, MappingError
        The mapping is missing or wrong.
    FormatError
        The file is missing or damaged.
    """
    mapping = mapping or read_mapping(mapping_beside(path))
    raw = open_table(path, kind=mapping.kind, encoding=mapping.encoding, layer=mapping.layer)
    plan = _plan(raw, mapping, now, place)
    made = [_check(batch, plan) for batch in rechunk(raw.batches, rows=MOST_ROWS)]
    repeated = sum(settle_repeats(part) for part in made)
    rows = pd.concat([_sound(part) for part in made], ignore_index=True)
    rows["source"] = mapping.source
    if mapping.kind == "incidents":
        rows["category"] = np.array([*mapping.categories])[rows.pop("category_id").astype(int)]
    held_back = pd.concat([_held_back(part) for part in made], ignore_index=True)
    held_back.insert(0, "source", mapping.source)
    count = {
        "file": path.name, "source": mapping.source,
        "read": len(rows) + len(held_back) + repeated, "taken in": len(rows),
        "repeated": repeated, "held back": len(held_back),
        "left out": sum(part.left_out for part in made),
    }  # fmt: skip
    return CheckedFile(rows, held_back, count, mapping)


def _plan(raw: RawTable, mapping: Mapping, now: datetime, place: Place | None) -> ReadPlan:
    return ReadPlan(
        mapping=mapping,
        kind=mapping.kind_of(),
        crs=file_crs(raw, mapping),
        time_zone=mapping.time_zone or (place.time_zone if place else "UTC"),
        now=now,
        place=place,
        near=place.buffered(mapping.outside_margin_m) if place else None,
        category_ids={code: number for number, code in enumerate(mapping.categories)},
    )


def _check(batch: RawBatch, plan: ReadPlan) -> Normalised:
    """Check rows; those of a file that names no reference go by their number."""
    unnamed = reference_column(plan.mapping) is None
    return normalise(batch, plan, references=batch.row_no.cast(pa.string()) if unnamed else None)


def _sound(made: Normalised) -> pd.DataFrame:
    rows: pd.DataFrame = pa.table(made.columns).to_pandas()
    return rows[made.problems.sound]


def _held_back(made: Normalised) -> pd.DataFrame:
    found = made.problems
    kept = found.found & (found.reason != "repeat")
    rows: pd.DataFrame = (
        pd.DataFrame(
            {
                "row_no": made.raw.row_no.to_pandas(),
                "source_ref": made.columns["source_ref"].to_pandas(),
                "reason": found.reason,
                "field": found.field_name,
                "value": [shown(value) for value in found.value],
            }
        )
        .loc[kept]
        .copy()
    )
    rows["why"] = [REASONS[reason][1] for reason in rows["reason"]]
    return rows
