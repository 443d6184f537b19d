"""What the commands on cameras print, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.camera_store import ViewCounts
from geo.visibility.cameras import LookParams
from patrol.siting.cover import Siting

_KINDS = {"area": "地面 ground", "street": "街道 streets", "incident": "事件 reports"}


def say_views(counts: ViewCounts, views: gpd.GeoDataFrame, params: LookParams) -> list[str]:
    """Say what was computed and how much ground is seen."""
    basis = views["basis"].value_counts()
    return [
        f"{counts.cameras:,} cameras 摄像机; views 视域: {counts.new:,} new 新增, "
        f"{counts.changed:,} changed 变更, {counts.same:,} same 未变, {counts.ended:,} ended 终止",
        f"range 距离: IEC 62676-4:{params.edition} {params.purpose}; by pixels 按像素 "
        f"{basis.get('density', 0):,}, as stated 按登记 {basis.get('stated', 0):,}, "
        f"assumed 假定 {basis.get('assumed', 0):,}",
        f"mean 平均 {views['area_m2'].mean() if len(views) else 0:,.0f} m2 a view 每视域; "
        f"{counts.blind:,} cameras of unknown direction have none 方向不明无视域",
    ]


def say_coverage(table: pd.DataFrame, *, top: int) -> list[str]:
    """Say what is covered over all, and the grids where the least of the reports is seen."""
    whole = table.iloc[-1]
    kinds = [kind for kind in _KINDS if f"{kind}_seen" in table]
    lines = [f"working cameras 在用摄像机: {whole['cameras']:,}"]
    lines += [
        f"{_KINDS[kind]:<14} seen 可见 {_share(whole[f'{kind}_seen'])}  "
        f"by two or more 重叠 {_share(whole[f'{kind}_overlap'])}  "
        f"lost to offline ones 离线损失 {_share(whole[f'{kind}_lost'])}"
        for kind in kinds
    ]
    missed = (table["incident_total"] * (1 - table["incident_seen"])).iloc[:-1].fillna(0)
    order = missed.sort_values(ascending=False, kind="stable").index[:top]
    lines += ["", "Grids with most reports unseen 未见上报最多的网格:"]
    for row in _rows(table.loc[order]):
        shares = "  ".join(f"{_KINDS[k]} {_share(getattr(row, f'{k}_seen'))}" for k in kinds)
        lines.append(f"  {row.code} {row.name}: {shares}  cameras 摄像机 {row.cameras}")
    return lines


def say_incidents(by_class: pd.DataFrame, by_hour: pd.DataFrame, *, top: int) -> list[str]:
    """Say which share of reports is seen, by class and hour."""
    lines = ["", "By class 分类:"]
    lines += [
        f"  {int(row.incidents):>7,}  {_share(row.seen)}  {row.Index}"
        for row in _rows(by_class.head(top))
    ]
    hours = "  ".join(f"{hour:02d} {_share(row.seen)}" for hour, row in by_hour.iterrows())
    return [*lines, "", f"By hour 分时: {hours}"]


def say_change(table: pd.DataFrame, *, top: int) -> list[str]:
    """Say what a change of cameras gains and loses."""
    kinds = [kind for kind in _KINDS if f"{kind}_before" in table]
    lines = ["What if 假设: share seen before -> after 变更前后可见比例"]
    for row in _rows(table.head(top + 1)):
        parts = [
            f"{_KINDS[k]} {getattr(row, f'{k}_before'):.2%} -> {getattr(row, f'{k}_after'):.2%}"
            for k in kinds
        ]
        lines.append(f"  {row.code} {row.name}: {'; '.join(parts)}")
    return lines


def say_blind_spots(spots: gpd.GeoDataFrame, *, top: int) -> list[str]:
    """Say the blind spots, most expected reports first."""
    if spots.empty:
        return ["no blind spot with known need 无已知需求的盲区; reports 上报 may be missing"]
    inside = np.asarray(spots.to_crs(4326).geometry.representative_point().array, dtype=object)
    places = spots.assign(lon=shapely.get_x(inside), lat=shapely.get_y(inside))
    lines = []
    for row in _rows(places.head(top)):
        lines += [
            f"{row.rank:>4}  {row.lon:.5f} {row.lat:.5f}  {row.reason_en}",
            f"      {row.reason_zh}",
        ]
    return lines


def say_compliance(count: pd.DataFrame, breaches: pd.DataFrame, *, top: int) -> list[str]:
    """Say how many cameras fail each rule, and the first of them."""
    if breaches.empty:
        return ["every camera passes 全部合规"]
    lines = [
        f"  {row.cameras:>6,}  {row.severity:<7}  art. 第{row.article}条  {row.code}"
        for row in _rows(count)
    ]
    lines.append("")
    for row in _rows(breaches.head(top)):
        lines += [
            f"  {row.source_ref} {row.camera or ''}: {row.message_en}",
            f"      {row.message_zh}",
        ]
    if len(breaches) > top:
        lines.append(f"  ... {len(breaches) - top:,} more 其余: --out FILE.csv")
    return lines


def say_sites(sites: gpd.GeoDataFrame, found: Siting, *, top: int) -> list[str]:
    """Say the chosen sites and how near to the best the choice is proved to be."""
    lines = [
        f"{len(sites)} sites 点位 reach 覆盖 {found.covered:.2f} of {found.total:.2f} reports "
        f"a week 每周上报; proved within 已证明差距 {found.gap:.2%} of the best"
    ]
    for row in _rows(sites.assign(lon=sites.geometry.x, lat=sites.geometry.y).head(top)):
        way = (
            "all round 全向" if pd.isna(row.azimuth_deg) else f"azimuth 方位 {row.azimuth_deg:.0f}"
        )
        lines.append(
            f"  {row.rank:>3}  {row.lon:.5f} {row.lat:.5f}  {way}  "
            f"+{row.reports_week:.2f} a week 每周"
        )
    return lines


def say_round(looks: pd.DataFrame, number: int | None, *, top: int) -> list[str]:
    """Say the first looks of a round."""
    name = "not stored 未保存" if number is None else f"round 轮巡 {number}"
    lines = [
        f"{name}: {len(looks):,} looks 查看 at {looks['camera_id'].nunique():,} cameras 摄像机"
    ]
    return lines + [
        f"  {row.due_at:%H:%M}  {row.watcher}.{row.screen}  {row.camera_name}  {row.look_for}"
        for row in _rows(looks.head(top))
    ]


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    return iter(table.itertuples())


def _share(value: float) -> str:
    return "  --  " if pd.isna(value) else f"{value:6.1%}"
