"""Merging of every kind but incidents: areas, cameras, buildings, roads, water, stations, units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from psycopg import sql

from geo.imports.normalise import Normalised
from geo.imports.repeats import settle_conflicts
from geo.imports.staging import Connection, Counts, Target, copy_table, packaged_sql
from geo.imports.values import is_true

NATIONAL_DIGITS = {"district": 6, "street": 9, "community": 12, "grid": 15}
MICRO_CODE = "^[0-9]{15}-[0-9]{2}$"
_DERIVED = {"lon", "lat", "area_code", "parent_code"}
_STAGE = sql.Identifier("stage_asset")


def merge_assets(connection: Connection, made: Normalised, target: Target) -> Counts:
    """Merge one chunk of records: new ones in, changed ones with their history, same ones left."""
    if target.kind.table == "area":
        _refuse_impossible(made, target)
        _refuse_taken_codes(connection, made, target)
    table = _staged(made, target)
    if not table.num_rows:
        return Counts()
    fields = [name for name in table.column_names if name not in {"row_no", "geom_wkb"}]
    _make_stage(connection, target, table.column_names)
    copy_table(connection, table, _STAGE)
    columns = [*fields, *(["geom"] if "geom_wkb" in table.column_names else [])]
    names = _names(target, columns)
    repeats = _settle(connection, made, names, target)
    known = connection.execute(_statement(_KNOWN, names), _values(target)).fetchall()
    new = connection.execute(_statement(_NEW, names), _values(target)).rowcount
    changed = 0
    if any(not same for (_, same) in known):
        connection.execute(_statement(_HISTORY, names), _values(target))
        changed = connection.execute(_statement(_CHANGE, names), _values(target)).rowcount
    if target.kind.table == "area":
        _hang_below_named(connection, made, target)
        here = {"jurisdiction": target.place.jurisdiction_id}
        connection.execute(packaged_sql("area_parents"), here)
    return Counts(new=new, changed=changed, same=len(known) - changed + repeats)


_KNOWN = """
SELECT t.{key}, t.content_hash = s.content_hash AS same
FROM stage_asset s JOIN {table} t ON t.feed_id = %(feed)s AND t.source_ref = s.source_ref
"""
_REPEATED = """
DELETE FROM stage_asset s USING seen_asset e, {table} t
WHERE e.source_ref = s.source_ref AND t.feed_id = %(feed)s AND t.source_ref = s.source_ref
  AND t.content_hash <> s.content_hash
RETURNING s.row_no, s.source_ref, t.content_hash
"""
_SEEN = "INSERT INTO seen_asset SELECT source_ref FROM stage_asset ON CONFLICT DO NOTHING"
_NEW = """
INSERT INTO {table} (feed_id, import_run_id, {columns})
SELECT %(feed)s, %(run)s, {staged} FROM stage_asset s
WHERE NOT EXISTS (SELECT FROM {table} t
                  WHERE t.feed_id = %(feed)s AND t.source_ref = s.source_ref)
"""
_HISTORY = """
INSERT INTO record_version (kind, record_id, written_by_run_id, replaced_by_run_id, record)
SELECT %(kind)s, t.{key}, t.import_run_id, %(run)s, to_jsonb(t)
FROM stage_asset s JOIN {table} t ON t.feed_id = %(feed)s AND t.source_ref = s.source_ref
WHERE t.content_hash <> s.content_hash
"""
_CHANGE = """
UPDATE {table} t SET import_run_id = %(run)s, {assignments} FROM stage_asset s
WHERE t.feed_id = %(feed)s AND t.source_ref = s.source_ref AND t.content_hash <> s.content_hash
"""


def _values(target: Target) -> dict[str, object]:
    return {"feed": target.feed_id, "run": target.run_id, "kind": target.kind.name}


def _names(target: Target, columns: list[str]) -> dict[str, sql.Composable]:
    staged = {name: _staged_value(name) for name in columns}
    return {
        "table": sql.Identifier(target.kind.table),
        "key": sql.Identifier(target.kind.key),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "staged": sql.SQL(", ").join(staged.values()),
        "assignments": sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in staged.items()
        ),
    }


def _staged_value(name: str) -> sql.Composable:
    if name == "geom":
        return sql.SQL("ST_GeomFromWKB(decode(s.geom_wkb, 'hex'), 4326)")
    return sql.SQL("s.{}").format(sql.Identifier(name))


def _statement(template: str, names: dict[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(template).format(**names)


def _make_stage(connection: Connection, target: Target, columns: list[str]) -> None:
    """Make a staging table with the target's own column types, dropped at commit."""
    own = [name for name in columns if name not in {"row_no", "geom_wkb"}]
    selected = sql.SQL(", ").join(
        [
            sql.SQL("0::bigint AS row_no"),
            sql.SQL("''::text AS geom_wkb"),
            *(sql.Identifier(name) for name in own),
        ]
    )
    connection.execute("DROP TABLE IF EXISTS stage_asset")
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE stage_asset ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(selected, sql.Identifier(target.kind.table))
    )


def _staged(made: Normalised, target: Target) -> pa.Table:
    sound = pa.array(made.problems.sound)
    columns = {name: c for name, c in made.columns.items() if name not in _DERIVED}
    for field in target.kind.fields:
        if field.default is not None and field.name in columns:
            columns[field.name] = pc.fill_null(columns[field.name].cast(pa.string()), field.default)
    if "lon" in made.columns:
        columns["geom_wkb"] = _point_wkb(made.columns["lon"], made.columns["lat"])
    elif "geom" in columns:
        columns["geom_wkb"] = columns.pop("geom")
    columns |= _placed(made, target)
    return pa.table({"row_no": made.raw.row_no, **columns}).filter(sound)


def _placed(made: Normalised, target: Target) -> dict[str, pa.Array]:
    """Return the columns that follow from the jurisdiction."""
    n_rows = made.problems.n_rows
    if target.kind.table == "area":
        fixed = {
            "jurisdiction_id": str(target.place.jurisdiction_id),
            "code_scheme": target.place.code_scheme,
        }
        if target.kind.name == "grids":
            fixed["level"] = "grid"
            if "grid_kind" not in made.columns:
                fixed["grid_kind"] = "basic"
        return {name: pa.array([value] * n_rows) for name, value in fixed.items()}
    if "area_code" in made.columns:
        ids = target.area_ids or {}
        codes = made.columns["area_code"].to_pylist()
        return {"area_id": pa.array([ids.get(code) for code in codes], pa.int64())}
    return {}


def _point_wkb(lon: pa.Array, lat: pa.Array) -> pa.Array:
    x, y = (np.asarray(a.to_numpy(zero_copy_only=False), dtype=np.float64) for a in (lon, lat))
    return pa.array(shapely.to_wkb(shapely.points(x, y), hex=True), pa.string())


_NAMED_PARENTS = """
UPDATE area a SET parent_id = p.area_id
FROM unnest(%(codes)s::text[], %(parents)s::text[]) AS w(code, parent_code)
JOIN area p ON p.jurisdiction_id = %(jurisdiction)s AND p.code = w.parent_code
WHERE a.jurisdiction_id = %(jurisdiction)s AND a.code = w.code AND a.area_id <> p.area_id
  AND a.parent_id IS DISTINCT FROM p.area_id
"""


def _hang_below_named(connection: Connection, made: Normalised, target: Target) -> None:
    """Give areas the parents that the file names, as far as those are known by now."""
    if "parent_code" not in made.columns:
        return
    sound = pa.array(made.problems.sound)
    values = {
        "codes": made.columns["code"].filter(sound).to_pylist(),
        "parents": made.columns["parent_code"].filter(sound).to_pylist(),
        "jurisdiction": target.place.jurisdiction_id,
    }
    connection.execute(_NAMED_PARENTS, values)


def _settle(
    connection: Connection, made: Normalised, names: dict[str, sql.Composable], target: Target
) -> int:
    """Take out rows whose reference stood in an earlier chunk with other content.

    Returns how many rows of this chunk only repeat that one.
    """
    conflicts = connection.execute(_statement(_REPEATED, names), _values(target)).fetchall()
    connection.execute(_SEEN)
    return settle_conflicts(made, conflicts)


def _refuse_impossible(made: Normalised, target: Target) -> None:
    """Note what the table's own constraints on areas would refuse."""
    columns, problems = made.columns, made.problems
    if "valid_from" in columns and "valid_to" in columns:
        backwards = is_true(pc.greater_equal(columns["valid_from"], columns["valid_to"]))
        problems.add(backwards, "ends_before_start", "valid_to", columns["valid_to"])
    if "grid_kind" in columns:
        exclusive = is_true(pc.equal(columns["grid_kind"], "exclusive"))
        host = columns.get("host_unit", pa.nulls(problems.n_rows, pa.string()))
        problems.add(exclusive & is_true(pc.is_null(host)), "missing_value", "host_unit")
    if target.place.code_scheme == "cn":
        problems.add(~_fits_national(columns, problems.n_rows), "bad_code", "code", columns["code"])


def _fits_national(columns: dict[str, pa.Array], n_rows: int) -> npt.NDArray[np.bool_]:
    """Say which codes have the digits that their level has in the national scheme."""
    level = columns.get("level", pa.array(["grid"] * n_rows))
    micro = is_true(pc.equal(columns.get("grid_kind", pa.nulls(n_rows, pa.string())), "micro"))
    fits = np.zeros(n_rows, dtype=bool)
    for name, digits in NATIONAL_DIGITS.items():
        good = is_true(pc.match_substring_regex(columns["code"], f"^[0-9]{{{digits}}}$"))
        fits |= good & ~micro & is_true(pc.equal(level, name))
    return fits | (micro & is_true(pc.match_substring_regex(columns["code"], MICRO_CODE)))


def _refuse_taken_codes(connection: Connection, made: Normalised, target: Target) -> None:
    codes = made.columns["code"]
    taken = connection.execute(
        "SELECT code FROM area WHERE jurisdiction_id = %s AND code = ANY(%s) "
        "AND NOT (feed_id = %s AND source_ref = ANY(%s))",
        (
            target.place.jurisdiction_id,
            codes.to_pylist(),
            target.feed_id,
            made.columns["source_ref"].to_pylist(),
        ),
    ).fetchall()
    if taken:
        hit = pc.is_in(codes, value_set=pa.array([str(row[0]) for row in taken], pa.string()))
        made.problems.add(is_true(hit), "code_taken", "code", codes)
    good = np.flatnonzero(made.problems.sound)
    words = np.asarray(codes.take(pa.array(good)).to_numpy(zero_copy_only=False), dtype=object)
    first = {code: i for i, code in reversed(list(enumerate(words)))}
    again = np.zeros(made.problems.n_rows, dtype=bool)
    again[[good[i] for i, code in enumerate(words) if first[code] != i]] = True
    made.problems.add(again, "code_taken", "code", codes)
