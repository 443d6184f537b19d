"""A first mapping for an unknown file, guessed from its column names and values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.formats.open import open_table
from geo.formats.table import GEOMETRY, RawTable
from geo.imports.kinds import KINDS, kind_named
from geo.imports.mapping import PERSONAL_NAMES
from geo.imports.schema import Kind
from geo.imports.times import MINUTE, read_times
from geo.imports.values import as_number, as_text

_X = ("x", "lon", "lng", "long", "longitude", "经度", "x_ft", "easting", "gcj_lon", "坐标x")
_Y = ("y", "lat", "latitude", "纬度", "y_ft", "northing", "gcj_lat", "坐标y")
_REF = (
    "source_ref", "id", "case_number", "工单编号", "编号", "案件编号", "objectid", "ref", "osm_id",
    "设备编码", "location_id", "fid", "uuid",
)  # fmt: skip
_FILE_HINTS = {
    "incidents": ("incident", "crime", "calls", "case", "事件", "案件", "工单"),
    "boundaries": ("boundar", "district", "communit", "neighbo", "street", "社区", "街道", "边界"),
    "grids": ("grid", "beat", "网格"),
    "cameras": ("camera", "cctv", "摄像", "监控"),
    "buildings": ("building", "建筑", "楼"),
    "roads": ("road", "道路"),
    "water": ("water", "river", "lake", "水系", "河"),
    "stations": ("station", "站"),
    "households": ("household", "户"),
    "units": ("unit", "team", "队"),
    "airspace": ("airspace", "zone", "空域", "禁飞"),
    "drones": ("drone", "uav", "无人机"),
}
_PREVIEW = 5
_MAX_CATEGORIES = 300


@dataclass(frozen=True)
class Inspection:
    """What a file looks like.

    Attributes
    ----------
    toml
        A mapping to start from.
    notes
        What was noticed and should be decided, one sentence each.
    preview
        The first rows as texts, one dictionary a row.
    """

    kind: str
    format: str
    toml: str
    notes: list[str] = field(default_factory=list)
    preview: list[dict[str, str]] = field(default_factory=list)


def inspect_file(path: Path, *, kind: str | None = None, encoding: str | None = None) -> Inspection:
    """Guess the mapping of a file from its columns and first rows.

    Raises
    ------
    FormatError
        If the file cannot be read.
    """
    raw = open_table(path, kind=kind or _osm_kind(path), encoding=encoding)
    chosen = kind_named(kind) if kind else _guess_kind(raw)
    batch = next(iter(raw.batches), None)
    table = batch.columns if batch else pa.table({name: [] for name in raw.column_names})
    texts = {n: as_text(table.column(n))[0] for n in raw.column_names if n != GEOMETRY}
    notes: list[str] = []
    columns = _match(chosen, raw)
    lines = [f'kind = "{chosen.name}"', f"source = {_quoted(_source_name(path))}"]
    if raw.encoding not in {None, "utf-8"}:
        lines.append(f'encoding = "{raw.encoding}"')
    lines += _crs_lines(raw, columns, table, notes)
    if chosen.name == "incidents":
        lines += _incident_lines(table, columns, notes)
    kept = _attributes(raw, columns, notes)
    if kept:
        lines.append(f"attributes = [{', '.join(map(_quoted, kept))}]")
    lines += ["", "[columns]", *(f"{name} = {_quoted(spec)}" for name, spec in columns.items())]
    lines += _constants(chosen, columns, notes)
    if chosen.name == "incidents" and "category" in columns:
        lines += _category_lines(path, raw, columns["category"], chosen.name, notes)
    preview = _preview(texts)
    return Inspection(chosen.name, raw.format, "\n".join(lines) + "\n", notes, preview)


def _osm_kind(path: Path) -> str:
    return "roads" if ".osm" in path.name.lower() else "incidents"


def _source_name(path: Path) -> str:
    return re.sub(r"[^\w]+", "-", path.name.split(".")[0]).strip("-").lower()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _guess_kind(raw: RawTable) -> Kind:
    """Choose the kind whose fields the columns resemble most."""
    name = raw.path.name.lower()

    def score(kind: Kind) -> float:
        matched = _match(kind, raw)
        required = [f.name for f in kind.fields if f.required and not f.choices]
        complete = all(name in matched for name in required)
        shape = kind.shape is None or raw.has_geometry or "x" in matched
        points = len(matched) + 10 * complete * shape + (2 if "occurred_at" in matched else 0)
        hinted = any(hint in name for hint in _FILE_HINTS[kind.name])
        return points + 15 * hinted

    return max(KINDS.values(), key=score)


def _match(kind: Kind, raw: RawTable) -> dict[str, str]:
    """Return field -> column for every field that a column is named for."""
    by_name = {name.lower().strip(): name for name in raw.column_names if name != GEOMETRY}
    wanted: list[tuple[str, tuple[str, ...]]] = [("source_ref", _REF)]
    wanted += [(f.name, (f.name, *f.synonyms)) for f in kind.fields]
    if kind.shape == "point" and not raw.has_geometry:
        wanted += [("x", _X), ("y", _Y)]
    matched: dict[str, str] = {}
    for name, synonyms in wanted:
        for synonym in synonyms:
            if synonym in by_name and (
                name == "source_ref"
                or by_name[synonym] not in [v for k, v in matched.items() if k != "source_ref"]
            ):
                matched[name] = by_name[synonym]
                break
    parts = ("year", "month", "day", "hour", "minute")
    if kind.name == "incidents" and set(parts) <= set(by_name):
        matched["occurred_at"] = "{year}-{month}-{day} {hour}:{minute}"
    if kind.table == "area" and matched.get("source_ref") == matched.get("code"):
        matched.pop("source_ref", None)
    return matched


def _crs_lines(
    raw: RawTable, columns: dict[str, str], table: pa.Table, notes: list[str]
) -> list[str]:
    if "x" not in columns:
        if raw.has_geometry:
            notes.append(f"the file says its coordinates are {raw.crs or 'of no named system'}")
        return []
    x, _ = as_number(table.column(columns["x"]))
    y, _ = as_number(table.column(columns["y"]))
    known = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    if not known.all():
        notes.append(f"{int((~known).sum()):,} of {len(x):,} rows have no position")
    if known.any() and (np.abs(x[known]).max() > 180 or np.abs(y[known]).max() > 180):
        notes.append("the coordinates are not degrees: replace the crs by the right EPSG number")
        return ['crs = "EPSG:?"']
    notes.append("degrees are taken as WGS-84; maps of Amap or Tencent are gcj02, of Baidu bd09")
    return ['crs = "wgs84"']


def _incident_lines(table: pa.Table, columns: dict[str, str], notes: list[str]) -> list[str]:
    lines = ['category_scheme = "my-classes"']
    spec = columns.get("occurred_at")
    if spec is None:
        return lines
    if "{" in spec:
        return [*lines, 'time_format = "%Y-%m-%d %H:%M"']
    times = read_times(table.column(spec), time_zone="UTC")
    if times.bad.any():
        notes.append(f"{int(times.bad.sum()):,} values of {spec!r} were not read: give time_format")
    wall = times.start[times.known]
    minutes = (wall // 60_000_000) % 1440
    midnight, one = int((minutes == 0).sum()), int((minutes == 60).sum())
    if len(wall) and (times.precision[times.known] == MINUTE).all() and midnight > 1.5 * one + 20:
        notes.append(
            f"{midnight:,} rows are at exactly 00:00 (01:00: {one:,}): unknown hours seem to be "
            "written as midnight"
        )
        lines.append('midnight = "unknown"')
    return lines


def _attributes(raw: RawTable, columns: dict[str, str], notes: list[str]) -> list[str]:
    used = set(columns.values()) | {GEOMETRY, "year", "month", "day", "hour", "minute"}
    others = [name for name in raw.column_names if name not in used]
    personal = [n for n in others if any(mark in n.lower() for mark in PERSONAL_NAMES)]
    if personal:
        notes.append(f"{', '.join(personal)} looked like a person's identity and was left out")
    return [name for name in others if name not in personal]


def _constants(kind: Kind, columns: dict[str, str], notes: list[str]) -> list[str]:
    missing = [f for f in kind.fields if f.required and f.name not in columns]
    if not missing:
        return []
    lines = ["", "[constants]"]
    for item in missing:
        if item.choices:
            lines.append(f'{item.name} = "{item.choices[0]}"  # one of {", ".join(item.choices)}')
        else:
            lines.append(f'# {item.name} = "..."')
        notes.append(f"no column for {item.name} was recognised: decide under [constants]")
    return lines


def _category_lines(
    path: Path, raw: RawTable, column: str, kind: str, notes: list[str]
) -> list[str]:
    """List every class that stands in the whole file."""
    found: dict[str, int] = {}
    for batch in open_table(path, kind=kind, encoding=raw.encoding).batches:
        for item in pc.value_counts(as_text(batch.columns.column(column))[0]).to_pylist():
            if item["values"] is not None:
                found[item["values"]] = found.get(item["values"], 0) + item["counts"]
        if len(found) > _MAX_CATEGORIES:
            notes.append(f"{column!r} has more than {_MAX_CATEGORIES} values: is it the class?")
            return []
    return ["", "[categories]", *(f"{_quoted(c)} = {_quoted(c)}" for c in sorted(found))]


def _preview(texts: dict[str, pa.Array]) -> list[dict[str, str]]:
    heads = {name: values.slice(0, _PREVIEW).to_pylist() for name, values in texts.items()}
    n_rows = max((len(values) for values in heads.values()), default=0)
    return [
        {name: "" if values[i] is None else str(values[i]) for name, values in heads.items()}
        for i in range(n_rows)
    ]
