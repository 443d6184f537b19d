"""What changed between two plans, in figures and in words: from yesterday, or by an edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from geo.errors import InputError

Lang = Literal["zh", "en"]
COLUMNS = ("area_id", "code", "name", "community", "minutes", "reason")
NAMED_AT_MOST = 3
# How the reason of a row begins that somebody set by hand, and where that part of it ends.
BY_HAND = {"zh": "人工调整", "en": "edited by hand"}
_CLAUSE = {"zh": "；", "en": "; "}


@dataclass(frozen=True, eq=False)
class PlanChange:
    """How one plan differs from another.

    Attributes
    ----------
    rows
        One row an area that changed, the greatest change first: ``area_id``, ``code``, ``name``,
        ``community``, ``before_min``, ``after_min``, ``change_min``, ``why_zh``, ``why_en``.
    before_min, after_min
        Minutes of each plan in all.
    same
        How many areas kept their minutes.
    begun, ended
        Codes of areas that only one of the plans has.
    sentences
        What to tell, Chinese and English.
    """

    rows: pd.DataFrame
    before_min: int
    after_min: int
    same: int
    begun: tuple[str, ...]
    ended: tuple[str, ...]
    sentences: tuple[tuple[str, str], ...]


def compare_plans(before: pd.DataFrame, after: pd.DataFrame) -> PlanChange:
    """Compare what two plans give each area; all shifts and kinds of unit together.

    Parameters
    ----------
    before, after
        Rows with `COLUMNS`; ``reason`` holds the figures that the words rest on.
    """
    old, new = _by_area(before), _by_area(after)
    both = old.merge(new, how="outer", left_index=True, right_index=True, suffixes=("_old", "_new"))
    minutes = both[["minutes_old", "minutes_new"]].fillna(0).astype(int)
    moved = minutes["minutes_old"] != minutes["minutes_new"]
    rows = [_row(code, both.loc[code], minutes.loc[code]) for code in both.index[moved]]
    table = pd.DataFrame(rows, columns=_ROW)
    order = table["change_min"].abs().sort_values(ascending=False, kind="stable").index
    table = table.loc[order].reset_index(drop=True)
    begun = tuple(str(code) for code in both.index[both["minutes_old"].isna()])
    ended = tuple(str(code) for code in both.index[both["minutes_new"].isna()])
    change = PlanChange(
        table, int(old["minutes"].sum()), int(new["minutes"].sum()), int((~moved).sum()),
        begun, ended, (),
    )  # fmt: skip
    sentences = tuple(zip(_tell(change, "zh"), _tell(change, "en"), strict=True))
    return PlanChange(table, change.before_min, change.after_min, change.same, begun, ended,
                      sentences)  # fmt: skip


_ROW = ["area_id", "code", "name", "community", "before_min", "after_min", "change_min",
        "why_zh", "why_en"]  # fmt: skip


def _by_area(items: pd.DataFrame) -> pd.DataFrame:
    absent = [name for name in COLUMNS if name not in items.columns]
    if absent:
        raise InputError(f"the plan's rows lack {absent[0]}")
    first = items.drop_duplicates("code").set_index("code")
    frame = first[["area_id", "name", "community", "reason"]].copy()
    for lang in ("zh", "en"):
        said = items.get(f"reason_{lang}", pd.Series("", index=items.index)).fillna("")
        by_hand = said.where(said.str.startswith(BY_HAND[lang]), "")
        first_said = by_hand[by_hand != ""].groupby(items["code"]).first()
        frame[f"hand_{lang}"] = first_said.reindex(frame.index).fillna("")
    return frame.assign(minutes=items.groupby("code")["minutes"].sum())


def _row(code: Any, both: pd.Series, minutes: pd.Series) -> dict[str, Any]:
    gone = pd.isna(both["minutes_new"])
    side = "old" if gone else "new"
    before, after = (_figures(both[f"reason_{which}"]) for which in ("old", "new"))
    return {
        "area_id": int(both[f"area_id_{side}"]), "code": str(code),
        "name": both[f"name_{side}"], "community": both[f"community_{side}"],
        "before_min": int(minutes["minutes_old"]), "after_min": int(minutes["minutes_new"]),
        "change_min": int(minutes["minutes_new"] - minutes["minutes_old"]),
        "why_zh": _why(before, after, "zh", both), "why_en": _why(before, after, "en", both),
    }  # fmt: skip


def _figures(reason: Any) -> Mapping[str, Any]:
    return reason if isinstance(reason, Mapping) else {}


def _why(before: Mapping[str, Any], after: Mapping[str, Any], lang: Lang, both: pd.Series) -> str:
    """Return who set it by hand, else which figures moved: forecast, level, or what drives it."""
    was, said = (str(both[f"hand_{lang}_{side}"]) for side in ("old", "new"))
    if after and said not in ("", "nan", was):
        return said.split(_CLAUSE[lang])[0]
    if not before:
        return "新启用的网格" if lang == "zh" else "a grid that began"
    if not after:
        return "已停用的网格" if lang == "zh" else "a grid that ended"
    parts = []
    for name, zh, en in (("expected", "预计下周", "expected next week"),
                         ("level", "近期水平", "recent level")):  # fmt: skip
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and abs(new - old) >= 0.05:
            text = (
                f"{zh} {old:.1f} → {new:.1f} 件" if lang == "zh" else f"{en} {old:.1f} -> {new:.1f}"
            )
            parts.append(text)
    old, new = (side.get(f"driver_{lang}") for side in (before, after))
    if old and new and old != new:
        parts.append(f"主因 {old} → {new}" if lang == "zh" else f"driven by {new}, before {old}")
    if not parts:
        return "所依据的数字未变" if lang == "zh" else "no figure behind it moved"
    return ("，" if lang == "zh" else ", ").join(parts)


def _tell(change: PlanChange, lang: Lang) -> list[str]:
    hours = (change.after_min - change.before_min) / 60
    up, down = (
        change.rows[change.rows["change_min"] > 0],
        change.rows[change.rows["change_min"] < 0],
    )
    if lang == "zh":
        said = [
            f"总时长 {change.before_min / 60:g} → {change.after_min / 60:g} 小时（{hours:+g}）；"
            f"{len(up)} 个网格增加，{len(down)} 个减少，{change.same} 个不变"
        ]
    else:
        said = [
            f"{change.before_min / 60:g} -> {change.after_min / 60:g} h in all ({hours:+g}); "
            f"{len(up)} grids get more, {len(down)} less, {change.same} the same"
        ]
    for rows in (up, down):
        for row in rows.head(NAMED_AT_MOST).to_dict("records"):
            name, moved, why = row["name"], row["change_min"] / 60, row[f"why_{lang}"]
            span = f"{row['before_min'] / 60:g} → {row['after_min'] / 60:g}"
            said.append(
                f"{name} {moved:+g} 小时（{span}）：{why}" if lang == "zh"
                else f"{name} {moved:+g} h ({span}): {why}"
            )  # fmt: skip
    if change.begun or change.ended:
        said.append(
            f"网格新启用 {len(change.begun)} 个，停用 {len(change.ended)} 个" if lang == "zh"
            else f"{len(change.begun)} grids began, {len(change.ended)} ended"
        )  # fmt: skip
    return said
