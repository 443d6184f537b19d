"""What a check of grids found, in words and as a layer for the map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from geo.grids.frames import shape_array
from geo.grids.policy import Lang, Severity

MESSAGES: dict[str, tuple[str, str]] = {
    "geometry_missing": ("网格 {code} 没有图形", "grid {code} has no geometry"),
    "geometry_type": (
        "网格 {code} 的图形是 {note},应为面",
        "grid {code} is a {note}, not a polygon",
    ),
    "ring_open": (
        "网格 {code} 的边界没有闭合,首尾相距 {measure:.2f} 米",
        "the ring of grid {code} is not closed: its ends are {measure:.2f} m apart",
    ),
    "geometry_invalid": (
        "网格 {code} 的边界无效({note});修正前无法检查该社区的覆盖",
        "the boundary of grid {code} is invalid ({note}); until it is mended the cover of its "
        "community cannot be checked",
    ),
    "multipart": (
        "网格 {code} 分成 {measure:.0f} 块,网格应连成一片",
        "grid {code} is in {measure:.0f} parts; a grid must be in one piece",
    ),
    "overlap": (
        "网格 {code} 与网格 {other} 重叠 {measure:.1f} 平方米",
        "grid {code} overlaps grid {other} by {measure:.1f} m2",
    ),
    "overlap_sliver": (
        "网格 {code} 与网格 {other} 有 {measure:.2f} 平方米的细缝重叠,宜捕捉公共边",
        "grid {code} overlaps grid {other} by a sliver of {measure:.2f} m2; snap their border",
    ),
    "gap": (
        "{code} 内有 {measure:.1f} 平方米不属于任何网格",
        "{measure:.1f} m2 inside {code} belong to no grid",
    ),
    "gap_sliver": (
        "{code} 内有 {measure:.2f} 平方米的细缝不属于任何网格,宜捕捉公共边",
        "a sliver of {measure:.2f} m2 inside {code} belongs to no grid; snap the borders",
    ),
    "outside": (
        "网格 {code} 有 {measure:.1f} 平方米超出 {other}",
        "{measure:.1f} m2 of grid {code} lie outside {other}",
    ),
    "outside_sliver": (
        "网格 {code} 有 {measure:.2f} 平方米的细缝超出 {other},宜捕捉边界",
        "a sliver of {measure:.2f} m2 of grid {code} lies outside {other}; snap the border",
    ),
    "parent_missing": (
        "网格 {code} 没有写明所属社区",
        "grid {code} names no community that it belongs to",
    ),
    "parent_unknown": (
        "网格 {code} 所属的 {other} 不存在",
        "grid {code} belongs to {other}, which does not exist",
    ),
    "parent_level": (
        "网格 {code} 直属 {other}({note}),层级不对:网格属于社区(村),微网格属于网格",
        "grid {code} belongs directly to {other} ({note}): a grid belongs to a community, a "
        "micro-grid to a grid",
    ),
    "kind_unknown": (
        "网格 {code} 的类型 {note} 不是基础、专属或微网格",
        "grid {code} is of the unknown kind {note}; use basic, exclusive or micro",
    ),
    "code_missing": ("第 {note} 行的网格没有编码", "the grid in row {note} has no code"),
    "code_digits": (
        "网格编码 {code} 位数不对:网格应为 15 位数字,微网格为 15 位数字-2 位数字",
        "grid code {code} is malformed: a grid has 15 digits, a micro-grid 15 digits, a hyphen "
        "and 2 digits",
    ),
    "code_number": (
        "网格编码 {code} 的顺序号为零,应从 001 起",
        "grid code {code} has the number zero; numbers start at 001",
    ),
    "code_parent": (
        "网格编码 {code} 不以所属 {other} 的编码开头",
        "grid code {code} does not begin with the code of {other}, to which the grid belongs",
    ),
    "code_duplicate": (
        "网格编码 {code} 用了 {measure:.0f} 次",
        "grid code {code} is used {measure:.0f} times",
    ),
    "households_missing": ("网格 {code} 没有户数", "grid {code} has no number of households"),
    "households_few": (
        "网格 {code} 有 {measure:.0f} 户,少于 {note} 户",
        "grid {code} has {measure:.0f} households, fewer than {note}",
    ),
    "households_many": (
        "网格 {code} 有 {measure:.0f} 户,多于 {note} 户",
        "grid {code} has {measure:.0f} households, more than {note}",
    ),
    "households_exempt": (
        "网格 {code} 有 {measure:.0f} 户,超出规定,理由:{note}",
        "grid {code} has {measure:.0f} households, out of bounds, with the reason: {note}",
    ),
    "host_unit_missing": (
        "专属网格 {code} 没有写明依托单位",
        "exclusive grid {code} names no host unit",
    ),
    "host_kind_unknown": (
        "专属网格 {code} 的类别 {note} 不在名录内",
        "exclusive grid {code} has the kind {note}, which is not in the list",
    ),
}
_TITLES = {
    "zh": {"error": "错误", "warning": "提醒"},
    "en": {"error": "error", "warning": "warning"},
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or should be looked at, in a set of grids.

    Attributes
    ----------
    severity
        ``"error"`` keeps the set from being used, ``"warning"`` asks for a look.
    rule
        The rule that is broken, a key of `MESSAGES`.
    code
        The grid, or for a gap the parent; None where it has no code.
    other
        The second grid of an overlap, or the parent.
    where
        A small geometry in the metric CRS to zoom to, or None.
    measure, unit
        How much, in ``"m2"``, ``"m"``, ``"households"`` or ``"count"``.
    message_zh, message_en
        The finding as a sentence.
    """

    severity: Severity
    rule: str
    code: str | None
    other: str | None
    where: BaseGeometry | None
    measure: float | None
    unit: str
    message_zh: str
    message_en: str


def finding(
    severity: Severity,
    rule: str,
    *,
    code: str | None,
    other: str | None = None,
    where: BaseGeometry | None = None,
    measure: float | None = None,
    unit: str = "",
    note: str = "",
) -> Finding:
    """Make a finding with its sentences."""
    values = {"code": code, "other": other, "measure": measure, "note": note}
    zh, en = (template.format(**values) for template in MESSAGES[rule])
    return Finding(severity, rule, code, other, where, measure, unit, zh, en)


def describe_findings(
    findings: Sequence[Finding], *, n_grids: int, lang: Lang = "zh", most: int = 20
) -> str:
    """Return a report: a line of totals, then the findings by rule, at most `most` of each."""
    counts = Counter(item.severity for item in findings)
    lines = [_headline(n_grids, counts["error"], counts["warning"], lang)]
    for severity in ("error", "warning"):
        rules = Counter(item.rule for item in findings if item.severity == severity)
        for rule, count in rules.most_common():
            chosen = [f for f in findings if f.rule == rule and f.severity == severity]
            texts = [f.message_zh if lang == "zh" else f.message_en for f in chosen[:most]]
            lines += [f"- [{_TITLES[lang][severity]}] {text}" for text in texts]
            if count > most:
                lines.append(_more(count - most, rule, lang))
    return "\n".join(lines)


def _headline(n_grids: int, errors: int, warnings: int, lang: Lang) -> str:
    if lang == "zh":
        verdict = "可以使用" if not errors else "须先修正错误"
        return f"检查了 {n_grids} 个网格:{errors} 个错误,{warnings} 个提醒;{verdict}。"
    verdict = "it can be used" if not errors else "mend the errors first"
    return f"{n_grids} grids checked: {errors} errors, {warnings} warnings; {verdict}."


def _more(count: int, rule: str, lang: Lang) -> str:
    return f"- ……另有 {count} 条({rule})" if lang == "zh" else f"- ... and {count} more ({rule})"


def findings_frame(findings: Sequence[Finding], *, srid: int) -> gpd.GeoDataFrame:
    """Return findings as a frame in `srid` with one row each, for the map; may be empty."""
    columns = ("severity", "rule", "code", "other", "measure", "unit", "message_zh", "message_en")
    data = {column: [getattr(item, column) for item in findings] for column in columns}
    return gpd.GeoDataFrame(data, geometry=shape_array(item.where for item in findings), crs=srid)
