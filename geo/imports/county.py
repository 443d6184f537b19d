"""A Chinese county's outline as a file and its mapping, ready to import."""

from __future__ import annotations

import json
from pathlib import Path

import shapely

from geo.china import County
from geo.imports.mapping import Mapping, make_mapping


def write_county(code: str, county: County, folder: Path) -> tuple[Path, Mapping]:
    """Write a county as GeoJSON into `folder`; return the file and the mapping that founds it."""
    feature = {
        "type": "Feature",
        "properties": {"code": code, "name": county.name},
        "geometry": json.loads(shapely.to_geojson(county.geometry)),
    }
    path = folder / f"china-{code}.geojson"
    collection = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(collection, ensure_ascii=False), "utf-8")
    mapping = make_mapping(
        {
            "kind": "boundaries",
            "source": f"china-{code}",
            "title": county.source,
            "licence": county.licence,
            "new_jurisdiction": {
                "code": code, "name": county.name, "time_zone": "Asia/Shanghai",
                "code_scheme": "cn",
            },
            "columns": {"code": "code", "name": "name"},
            "constants": {"level": "district"},
        }
    )  # fmt: skip
    return path, mapping
