"""`gridbeat results`: what is stored, how it came about, and whether it comes out alike again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pandas as pd
import typer
from sqlalchemy import Connection

from analytics.recompute import Comparison, compare, read_request, recompute
from analytics.result_queries import (
    select_imports_since,
    select_place,
    select_runs,
    select_sources,
)
from analytics.results import LABELS, label_text
from analytics.store import StoredResult, library_versions, read_result
from geo.errors import ConflictError
from web.asking import chance, figure
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
SHOWN = 10
NOT_SAME = 1
KINDS: Mapping[str, str] = {
    "hotspots": "热点 hotspots (Getis-Ord Gi*)",
    "trends": "趋势 trends (Mann-Kendall)",
    "density": "密度 kernel density (per km²)",
    "emerging": "时空热点 emerging hot spots",
    "streets": "街段 hot streets",
    "changes": "变化 what changed",
    "scan": "时空扫描 space-time scan",
    "clusters": "聚集 clusters",
    "near_repeat": "近重复 near repeats (Knox)",
    "rates": "发生率 rates",
    "association": "空间关联 association (local Moran)",
    "joins": "连接计数 join counts",
    "profile": "时段分布 week of each class",
    "effect": "前后对比 before and after",
    "bias": "来源偏差 both sources by community",
    "backtest": "回测 backtest of forecasts",
    "forecast": "预测 forecast",
    "coverage": "覆盖 when each cell was last seen",
    "protection": "防护指数 protection index",
}
UNITS: Mapping[str, str] = {
    "cell": "单元 cells",
    "area": "区域 areas",
    "zone": "区块 zones",
    "whole": "全辖区 the whole jurisdiction",
    "segment": "街段 street segments",
}
TOLD_APART = ("n_steps", "step", "found_by", "classes", "left_out")


@app.command("list")
def list_results(
    jurisdiction: Jurisdiction = None,
    kind: Annotated[str | None, typer.Option(help="Only results of this kind.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to print, newest first.")] = 20,
) -> None:
    """List stored results, the newest first."""
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        query = select_runs(about.number, kind=kind, most=top)
        runs = connection.execute(query).all()
    if not runs:
        typer.echo("no results yet 尚无结果: run `gridbeat hotspots` first")
        return
    zone = ZoneInfo(about.time_zone)
    typer.echo(f"{'no.':>6}  {'kind':<10} {'unit':<4}  {'data from':<10} .. {'to':<10}  computed")
    for run in runs:
        typer.echo(
            f"{run.result_run_id:>6}  {run.kind:<10} {run.unit:<4}  "
            f"{_day(run.window_from, zone)} .. {_day(run.window_to, zone)}  "
            f"{_minute(run.created_at, zone)}  {_labels(run.summary)}"
        )


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="Number of the result.")],
    again: Annotated[
        bool,
        typer.Option("--again", help="Compute it again; exit 1 unless every row is identical."),
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="How many rows to print.")] = SHOWN,
) -> None:
    """Show where a result comes from and its strongest rows; compute it again with --again."""
    with begin(open_database()) as connection:
        stored = read_result(connection, number)
        lines = [*describe(connection, stored), "", *strongest(stored, top=top)]
        same = True
        if again:
            same, told = try_again(connection, stored)
            lines += ["", *told, *newer(connection, stored)]
    typer.echo("\n".join(lines))
    if not same:
        raise typer.Exit(NOT_SAME)


def describe(connection: Connection, stored: StoredResult) -> list[str]:
    """Say what was asked of which data, and with what it was computed."""
    run = stored.run
    parameters = run["parameters"]
    request, method = read_request(parameters["request"]), parameters["method"]
    place = connection.execute(select_place(run["jurisdiction_id"])).one()
    zone = ZoneInfo(place.time_zone)
    window = " .. ".join(_minute(run[name], zone) for name in ("window_from", "window_to"))
    steps = f"{method.get('n_steps', '?')} x {request.step}"
    frame = parameters.get("lattice") or parameters.get("level") or {}
    how = {name: value for name, value in method.items() if name not in TOLD_APART}
    libraries = _pairs(parameters.get("versions", {}), sign=" ")
    facts = [
        ("辖区 jurisdiction", f"{place.code} {place.name} {place.name_en}"),
        ("时段 data window", f"{window} ({place.time_zone}), {steps}"),
        ("来源 found by", ", ".join(method.get("found_by", request.found_by))),
        ("类别 classes", ", ".join(request.classes or ("全部 all",))),
        ("未计入 left out", _pairs(method.get("left_out", {}))),
        ("方法 method", _pairs(how)),
        ("单元 units", _pairs({**frame, **parameters.get("neighbours", {})})),
        ("种子 seed", str(run["seed"])),
        ("版本 versions", f"gridbeat {run['code_version']}, {libraries}"),
        ("计算 computed", _minute(run["created_at"], zone)),
        *(("数据 data", source) for source in _sources(connection, run, zone)),
        ("概要 summary", f"{run['summary']['observed']:,.0f} 事件 incidents; "
                        f"{_labels(run['summary'])}"),
    ]  # fmt: skip
    title = f"{KINDS.get(run['kind'], run['kind'])}, {UNITS[run['unit']]}"
    return [
        f"结果 result {run['result_run_id']}: {title}",
        *(f"  {name}: {text}" for name, text in facts),
    ]


def strongest(stored: StoredResult, *, top: int) -> list[str]:
    """Return the strongest rows: those that were called first, then by size of the score."""
    rows = stored.rows
    if stored.run["unit"] == "whole":
        return _first_rows(rows.head(top))
    rank = pd.DataFrame(
        {
            "called": ~rows["label"].isin(["none", "untested"]),
            "size": pd.to_numeric(rows["score"]).abs().fillna(-1.0),
        }
    ).sort_values(["called", "size"], ascending=False, kind="stable")
    picked = rows.loc[rank.index[:top]]
    point = picked.geometry.representative_point()
    table = pd.DataFrame(picked.drop(columns="geometry")).assign(lon=point.x, lat=point.y)
    lines = [
        f"  {'lon':>11} {'lat':>10} {'incidents':>9} {'score':>9} {'q':>9} {'slope':>9}  label"
    ]
    for row in table.to_dict("records"):
        name = f"  {row['code']} {row['name']}" if row["code"] else ""
        lines.append(
            f"  {row['lon']:>11.5f} {row['lat']:>10.5f} {figure(row['observed'], '.0f'):>9} "
            f"{figure(row['score'], '.3f'):>9} {chance(row['q_value']):>9} "
            f"{figure(row['slope'], '+.3f'):>9}  {_label(row['label'])}{name}"
        )
    return lines


def _first_rows(rows: pd.DataFrame) -> list[str]:
    """Say rows that lie nowhere, in the order of the list: label, and what else they tell."""
    told = rows.drop(columns=["geometry", "unit_no", "area_id", "code", "name", "label"])
    return [
        f"  {_label(label)}: "
        + ", ".join(f"{name}={_short(value)}" for name, value in row.items() if _is_said(value))
        for label, (_, row) in zip(rows["label"], told.iterrows(), strict=True)
    ]


def _is_said(value: Any) -> bool:
    return isinstance(value, (list, dict)) or (bool(pd.notna(value)) and value != "")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def try_again(connection: Connection, stored: StoredResult) -> tuple[bool, list[str]]:
    """Compute a result again; return whether every row is identical, and what to say."""
    try:
        compared = compare(stored.rows, recompute(connection, stored))
    except ConflictError as error:
        return False, [f"again 重算: NOT identical 不一致: {error}"]
    if not compared.identical:
        return False, tell(compared)
    return True, [
        f"again 重算: identical 完全一致: {compared.n_rows:,} rows 行, every figure and label "
        "每个数值与类别"
    ]


def tell(compared: Comparison) -> list[str]:
    """Say which rows differ, and how."""
    lines = [
        f"again 重算: NOT identical 不一致: {compared.n_differing:,} of {compared.n_rows:,} stored "
        "rows differ or are there only once 行不同或仅出现一次"
    ]
    for name, units in (
        ("only stored 仅原有", compared.only_stored),
        ("only now 仅重算有", compared.only_now),
    ):
        if units:
            lines.append(f"  {name}: {len(units):,}, such as 例如 {units[0]}")
    found = compared.differences
    if not found.empty:
        lines.append(f"  {'unit':>10} {'column':<9} {'stored 原有':>22} {'now 重算':>22}")
    lines += [
        f"  {row['unit']:>10} {row['column']:<9} {row['stored']!s:>24} {row['now']!s:>24}"
        for row in found.head(SHOWN).to_dict("records")
    ]
    if len(found) > SHOWN:
        lines.append(f"  ... and {len(found) - SHOWN:,} more figures 其余数值")
    return lines


def newer(connection: Connection, stored: StoredResult) -> Iterator[str]:
    """Say what has changed since a result was computed: data, program, libraries."""
    run = stored.run
    query = select_imports_since(
        run["jurisdiction_id"],
        last_import_run_id=run["last_import_run_id"],
        moment=run["created_at"],
    )
    runs = connection.execute(query).all()
    if runs:
        yield f"  data have changed since 数据此后已更新: {len(runs)} newer import runs 次新导入"
    for row in runs[:SHOWN]:
        yield f"    {_import(row)}: {row.rows:,} rows new or changed 行新增或变更"
    before = {"gridbeat": run["code_version"], **run["parameters"].get("versions", {})}
    now = {"gridbeat": version("gridbeat"), **library_versions()}
    for name in before:
        if before[name] != now.get(name):
            yield f"  {name} was {before[name]}, is {now.get(name)} 版本不同"


def _sources(connection: Connection, run: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    if run["last_import_run_id"] is None:
        yield "no import recorded 无导入记录"
        return
    query = select_sources(run["jurisdiction_id"], last_import_run_id=run["last_import_run_id"])
    for row in connection.execute(query):
        yield f"{_import(row)}, {_minute(row.finished_at, zone)}"


def _import(row: Any) -> str:
    digest = row.file_sha256[:12]
    return f"#{row.import_run_id} {row.kind}, {row.source}: {row.file_name} (sha256 {digest})"


def _pairs(values: Mapping[str, Any], *, sign: str = "=") -> str:
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    return ", ".join(f"{name}{sign}{text}" for name, text in texts.items()) or "-"


def _labels(summary: Mapping[str, Any]) -> str:
    return ", ".join(f"{n:,} {_label(label)}" for label, n in summary["labels"].items())


def _label(label: str) -> str:
    if label not in LABELS:
        return label
    return f"{label_text(label, 'zh')} {label_text(label, 'en')}"


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d}"


def _minute(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
