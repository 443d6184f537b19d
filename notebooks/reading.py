"""A district for a notebook: its files in memory, checked as `gridbeat import` checks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs.systems import convert_geometries, propose_metric_srid
from geo.demo.district import make_district
from geo.demo.size import DemoSize
from geo.demo.truth import Truth
from geo.demo.write import write_district
from geo.errors import MappingError
from geo.imports.mapping import Mapping, NewJurisdiction
from geo.imports.read import check_file
from geo.places import Place

PLANTED = {
    "hotspot_id": str, "kind": str, "category": str, "x_m": float, "y_m": float,
    "radius_m": float, "weekly_from": float, "weekly_to": float, "change_on": object,
    "note_en": str,
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A district as a notebook looks at it; coordinates are metres of `srid`.

    Attributes
    ----------
    boundary
        Its outline.
    areas
        Grids, beats or communities: ``code``, ``name``.
    classes
        By code: ``zh``, ``en``.
    incidents
        Sound rows: ``source``, ``source_ref``, ``category``, ``occurred_at`` and ``reported_at``
        (local), ``time_precision``, ``found_by``, ``x_m``, ``y_m``, ``lon``, ``lat``.
    quarantine
        Rows that were not taken in: ``source``, ``row_no``, ``reason``, ``field``, ``value``.
    files
        One row a file of incidents: rows read, taken in, repeated, held back, left out.
    truth
        What was planted, where the district is simulated.
    """

    name_zh: str
    name_en: str
    srid: int
    time_zone: str
    boundary: shapely.Geometry
    areas: gpd.GeoDataFrame
    classes: pd.DataFrame
    incidents: pd.DataFrame
    quarantine: pd.DataFrame
    files: pd.DataFrame
    truth: Truth | None = None

    @property
    def planted(self) -> pd.DataFrame:
        """Return what was planted, see `geo.demo.truth.Truth.hotspots`; no row for a real city."""
        if self.truth is not None:
            return self.truth.hotspots
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in PLANTED.items()})


def open_demo(*, seed: int, size: DemoSize) -> Subject:
    """Make the simulated district, hand it over as its offices would, and read it back."""
    district = make_district(seed=seed, size=size)
    after = datetime.combine(size.last_day + timedelta(days=2), time(), tzinfo=UTC)
    with TemporaryDirectory() as name:
        files = write_district(district, Path(name))["files"]
        paths = {kind: [Path(name) / file["file"] for file in files if file["kind"] == kind]
                 for kind in ("boundaries", "grids", "incidents")}  # fmt: skip
        subject = open_city(
            boundary=paths["boundaries"][0], areas=paths["grids"][0],
            incidents=paths["incidents"], now=after,
        )  # fmt: skip
    return replace(subject, truth=district.truth)


def open_city(
    *, boundary: str | Path, areas: str | Path, incidents: Sequence[str | Path], now: datetime
) -> Subject:
    """Read a city's files; beside each stands its mapping: incidents.csv.gz -> incidents.toml.

    Parameters
    ----------
    boundary
        Polygons of the district; its mapping has the section ``[new_jurisdiction]``.
    areas
        Polygons of grids or beats.
    incidents
        One or more files; a mapping names columns, coordinate system and classes.
    now
        Later times are held back.

    Raises
    ------
    InputError, MappingError
        A mapping is missing or wrong, or that of the boundary founds no jurisdiction.
    FormatError
        A file is missing or damaged.
    """
    outline = check_file(Path(boundary), now=now)
    about = _founded(outline.mapping, Path(boundary))
    whole = shapely.union_all(_shapes(outline.rows))
    srid = about.metric_srid or propose_metric_srid(whole)
    place = Place(0, about.code, about.name, about.code_scheme, srid, about.time_zone, whole)
    grids = check_file(Path(areas), now=now, place=place).rows
    read = [check_file(Path(path), now=now, place=place) for path in incidents]
    return Subject(
        name_zh=about.name,
        name_en=about.name_en or about.name,
        srid=srid,
        time_zone=about.time_zone,
        boundary=convert_geometries([whole], crs="wgs84", to=srid)[0],
        areas=gpd.GeoDataFrame(grids[["code", "name"]], geometry=_shapes(grids), crs=4326).to_crs(
            srid
        ),
        classes=_classes([file.mapping for file in read]),
        incidents=_local(pd.concat([file.rows for file in read], ignore_index=True), place),
        quarantine=pd.concat([file.held_back for file in read], ignore_index=True),
        files=pd.DataFrame([file.count for file in read]),
    )


def _founded(mapping: Mapping, path: Path) -> NewJurisdiction:
    if mapping.new_jurisdiction is None:
        raise MappingError(
            f"the mapping of {path.name} has no section [new_jurisdiction]: name code, name and "
            "time_zone of the district there"
        )
    return mapping.new_jurisdiction


def _local(rows: pd.DataFrame, place: Place) -> pd.DataFrame:
    """Return the rows with their times in the district's zone; unknown ones are missing."""
    times = {
        name: pd.to_datetime(rows.get(name, pd.Series(pd.NaT, rows.index)), utc=True)
        for name in ("occurred_at", "reported_at")
    }
    return rows.assign(**{n: column.dt.tz_convert(place.time_zone) for n, column in times.items()})


def _shapes(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    return np.asarray(shapely.from_wkb([bytes.fromhex(text) for text in rows["geom"]]))


def _classes(mappings: Sequence[Mapping]) -> pd.DataFrame:
    """Return the names of the classes that the mappings name, by code."""
    named = {
        code: (item.name, item.name_en or item.name)
        for mapping in mappings
        for code, item in mapping.categories.items()
    }
    return pd.DataFrame.from_dict(named, orient="index", columns=["zh", "en"])
