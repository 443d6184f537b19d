"""Grids and what happens to them, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from geo.grids.change import GridChange
from geo.grids.policy import GRID_KINDS, HouseholdPolicy
from geo.ground import Ties
from web.subject import About

CHANGES = {"split": "split 拆分", "merge": "merge 合并"}
PREVIEW = "preview, nothing written 预览，未写入"


def heading(about: About) -> str:
    """Return the place's names, and whether its data are made up."""
    simulated = "  SIMULATED 模拟" if about.simulated else ""
    return f"{about.name_zh} {about.name_en}{simulated}"


def list_grids(grids: gpd.GeoDataFrame, names: Mapping[str, str]) -> list[str]:
    """Return one line a grid under a head: code, kind, households, area, community, name.

    Parameters
    ----------
    grids
        As `geo.grids.store.read_grids` returns them; `name` may be absent.
    names
        Code -> name of the communities.
    """
    rows = [
        (
            str(row["code"]),
            _kind(row["grid_kind"]),
            _count(row["households"]),
            f"{shape.area / 1e6:.3f}",
            _named(row["parent_code"], names),
            str(row.get("name") or row.get("host_unit") or ""),
        )
        for (_, row), shape in zip(grids.iterrows(), grids.geometry, strict=True)
    ]
    head = ("code 编码", "kind 类型", "households 户数", "km2 面积", "community 社区", "name 名称")
    return align([head, *rows], right=(2, 3))


def describe_change(
    change: GridChange, old: gpd.GeoDataFrame, *, micro: list[str], policy: HouseholdPolicy
) -> list[str]:
    """Say what ends and what begins, with households, areas and what breaks the bounds."""
    begun = change.begun
    rows = [
        *(("- ends 终止", *_figures(row, shape), "")
          for (_, row), shape in zip(old.iterrows(), old.geometry, strict=True)),
        *(("+ begins 启用", *_figures(row, shape), _bounds(row, policy))
          for (_, row), shape in zip(begun.iterrows(), begun.geometry, strict=True)),
    ]  # fmt: skip
    lines = [
        f"{CHANGES[change.kind]}: new grids from 新网格自 {change.on} 起",
        *align(rows, right=(2, 3)),
    ]
    if micro:
        lines.append(f"micro-grids that end with them 随之终止的微网格: {', '.join(micro)}")
    return lines


def describe_ties(ties: Ties, *, retag: bool) -> list[str]:
    """Say what still belongs to the ended grids, and how to mend it."""
    lines = []
    if ties.incidents and not retag:
        lines.append(
            f"{ties.incidents:,} incidents from that day on keep the ended grids; --retag gives "
            "them the new ones 当日起的事件仍属旧网格，加 --retag 改归新网格"
        )
    if ties.units or ties.posts:
        lines.append(
            f"units 队伍 {ties.units}, posts 岗位 {ties.posts} still belong to the ended grids: "
            "assign them anew 仍属旧网格，请重新指派"
        )
    return lines


def align(rows: Sequence[tuple[str, ...]], *, right: tuple[int, ...]) -> list[str]:
    """Return rows as lines with even columns, wide characters counted as two; `right` adjusts."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            _pad(cell, width, right=k in right)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _kind(kind: object) -> str:
    return f"{kind} {GRID_KINDS[str(kind)][0]}" if str(kind) in GRID_KINDS else str(kind)


def _count(value: object) -> str:
    return "—" if pd.isna(value) else f"{int(str(value)):,}"  # type: ignore[call-overload]


def _named(code: object, names: Mapping[str, str]) -> str:
    return "—" if not isinstance(code, str) else names.get(code, code)


def _figures(row: pd.Series, shape: BaseGeometry) -> tuple[str, str, str]:
    return (
        str(row["code"]),
        f"{_count(row['households'])} households 户",
        f"{shape.area / 1e6:.3f} km2",
    )


def _bounds(row: pd.Series, policy: HouseholdPolicy) -> str:
    if pd.isna(row["households"]) or policy.grade(row["households"], row["grid_kind"]) is None:
        return ""
    low, high, _ = policy.bounds(row["grid_kind"])
    if row["households"] < low:
        return f"! fewer than 少于 {low:g}"
    return f"! more than 多于 {high:g}"
