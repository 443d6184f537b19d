"""Write a district as its offices would hand it over: many formats, one mapping beside each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo.demo.district import District
from geo.demo.handover import Written, write_geojson, write_json
from geo.demo.size import DISTRICT_CODE, DISTRICT_NAME, DISTRICT_NAME_EN, METRIC_CRS, TIME_ZONE
from geo.demo.toml import write_toml
from geo.demo.tracks import make_tracks
from geo.demo.write_incidents import (
    write_departments,
    write_hotline,
    write_patrol,
    write_sensors,
    write_video,
)
from geo.demo.write_places import (
    write_airspace,
    write_boundaries,
    write_buildings,
    write_cameras,
    write_drones,
    write_grids,
    write_households,
    write_roads,
    write_stations,
    write_units,
    write_water,
)

TRACK_STREAM = 9  # tracks have a random stream of their own: all else stays as it was

IMPORT_ORDER: tuple[Callable[[District, Path], Written], ...] = (
    write_boundaries,
    write_grids,
    write_buildings,
    write_roads,
    write_water,
    write_households,
    write_stations,
    write_cameras,
    write_units,
    write_airspace,
    write_drones,
    write_hotline,
    write_patrol,
    write_video,
    write_sensors,
    write_departments,
)


def write_district(district: District, folder: Path) -> dict[str, Any]:
    """Write every file of a district with its mapping, the truth and a manifest.

    Parameters
    ----------
    district
        What `geo.demo.district.make_district` made.
    folder
        Where to write; made where it does not exist, files of the same name are replaced.

    Returns
    -------
    dict
        The manifest, also written as ``manifest.json``: ``files`` in the order in which they
        can be imported (``file``, ``mapping``, ``kind``, ``rows``, ``sha256``), and the rest
        (classes, people, shifts, truth) under ``beside``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for writer in IMPORT_ORDER:
        name, mapping = writer(district, folder)
        rows = int(mapping.pop("rows"))
        stem = folder / f"{name.split('.')[0]}.toml"
        stem.write_text(write_toml(mapping), encoding="utf-8")
        files.append(
            {
                "file": name,
                "mapping": stem.name,
                "kind": mapping["kind"],
                "source": mapping["source"],
                "rows": rows,
                "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            }
        )
    manifest = {
        "title": f"{DISTRICT_NAME} {DISTRICT_NAME_EN}",
        "simulated": True,
        "seed": district.seed,
        "size": {key: str(value) for key, value in asdict(district.size).items()},
        "jurisdiction": DISTRICT_CODE,
        "metric_crs": METRIC_CRS,
        "time_zone": TIME_ZONE,
        "files": files,
        "beside": write_beside(district, folder),
    }
    write_json(manifest, folder / "manifest.json")
    return manifest


def write_beside(district: District, folder: Path) -> list[str]:
    """Write what is not imported by a mapping: classes, staff and the truth."""
    district.categories.to_csv(folder / "categories.csv", index=False, encoding="utf-8")
    with pd.ExcelWriter(folder / "people.xlsx") as book:
        for sheet, table in (("人员", district.staff.people), ("岗位", district.staff.posts)):
            table.to_excel(book, sheet_name=sheet, index=False)
    district.staff.shifts.to_csv(folder / "shifts.csv", index=False)
    truth = district.truth
    truth.cells().to_parquet(folder / "truth.parquet", index=False)
    truth.days().to_parquet(folder / "truth_days.parquet", index=False)
    truth.provenance.to_parquet(folder / "truth_reports.parquet", index=False)
    truth.dirt.to_csv(folder / "truth_dirt.csv", index=False)
    write_json({"seed": district.seed, **truth.summary()}, folder / "truth.json")
    tracks = make_tracks(district, rng=np.random.default_rng([district.seed, TRACK_STREAM]))
    tracks.fixes.to_parquet(folder / "tracks.parquet", index=False)
    tracks.devices.to_csv(folder / "track_devices.csv", index=False)
    tracks.shifts.to_csv(folder / "track_shifts.csv", index=False)
    tracks.looks.to_csv(folder / "camera_looks.csv", index=False)
    write_geojson(tracks.blind, folder / "truth_blind.geojson")
    return [
        "categories.csv", "people.xlsx", "shifts.csv", "truth.parquet",
        "truth_days.parquet", "truth_reports.parquet", "truth_dirt.csv", "truth.json",
        "tracks.parquet", "track_devices.csv", "track_shifts.csv", "camera_looks.csv",
        "truth_blind.geojson",
    ]  # fmt: skip


def write_boundary_files(district: District, folder: Path) -> list[Path]:
    """Write each level of areas as a GeoJSON of its own, for ``data/boundaries``."""
    paths = []
    for name in ("district", "streets", "communities", "grids"):
        paths.append(folder / f"{name}.geojson")
        write_geojson(getattr(district, name), paths[-1])
    return paths
