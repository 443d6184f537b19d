"""Which cameras break the rules on filing, signs, retention and place, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

LAW_ZH = "公共安全视频图像信息系统管理条例"
LAW_EN = "Regulation on public-security video systems (State Council Decree 799)"
FILING_DAYS = 30
RETENTION_DAYS = 30
FORBIDDEN = (
    "客房", "宿舍", "浴室", "更衣", "试衣", "卫生间", "厕所", "母婴", "哺乳",
    "hotel_room", "guest_room", "dormitory", "bathroom", "changing_room", "fitting_room",
    "toilet", "restroom", "nursing_room",
)  # fmt: skip
"""Words of a place class in which article 8 forbids cameras."""


@dataclass(frozen=True)
class Rule:
    """One thing that a camera can fail: which article, and what to say and do."""

    code: str
    article: int
    severity: str
    zh: str
    en: str


RULES = (
    Rule("forbidden_place", 8, "error", "安装在禁止安装的场所（{place_class}）：立即拆除",
         "stands in a forbidden place ({place_class}): take it down at once"),
    Rule("unfiled", 14, "error", "投用{in_use_on}，备案期限{filing_due}已过，未备案：补办备案",
         "in use since {in_use_on}, due {filing_due}, never filed: file it"),
    Rule("filing_unknown", 14, "warning", "无备案编号，投用日期不明：查明并备案",
         "no filing number and no date of first use: find out, and file it"),
    Rule("filed_late", 14, "warning", "备案日期{filed_on}晚于期限{filing_due}：说明原因",
         "filed on {filed_on}, after {filing_due}: note why"),
    Rule("unsigned", 13, "error", "未设置提示标识：设置标识", "no sign tells of it: put one up"),
    Rule("sign_unknown", 13, "warning", "提示标识情况不明：现场核查",
         "not known whether a sign tells of it: look"),
    Rule("retention_short", 17, "error", "保存{retention_days}天，少于30天：延长保存期限",
         "keeps pictures {retention_days} days, under 30: keep them longer"),
    Rule("retention_long", 17, "warning", "保存{retention_days}天，超30天且无理由：说明或删除",
         "keeps pictures {retention_days} days without a reason: give one, or delete after 30"),
    Rule("retention_unknown", 17, "warning", "保存期限不明：查明",
         "not known how long it keeps pictures: find out"),
)  # fmt: skip


def check_cameras(
    cameras: gpd.GeoDataFrame, *, today: date, forbidden: tuple[str, ...] = FORBIDDEN
) -> pd.DataFrame:
    """List what cameras fail, rule by rule, errors first.

    Parameters
    ----------
    cameras
        The columns of the register; what a camera lacks is unknown, and is listed so.
    today
        A camera whose 30 days for filing are not over yet is not listed.
    forbidden
        Words of place classes in which no camera may stand.

    Returns
    -------
    DataFrame
        ``camera_id``, ``source_ref``, ``camera``, ``owner_unit``, ``code``, ``severity``,
        ``article``, ``message_zh``, ``message_en``; empty if nothing fails.

    References
    ----------
    State Council Decree 799 (2025), articles 8, 13, 14 and 17.
    """
    failed = _failures(cameras, today, forbidden)
    rows = [
        _row(cameras.iloc[at], rule)
        for rule in sorted(RULES, key=lambda rule: rule.severity != "error")
        for at in np.flatnonzero(failed[rule.code])
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "camera_id", "source_ref", "camera", "owner_unit", "code", "severity", "article",
    "message_zh", "message_en",
]  # fmt: skip


def compliance_csv(breaches: pd.DataFrame) -> bytes:
    """Return the list as CSV that spreadsheets open with Chinese intact."""
    heads: dict[str, str] = {
        "camera_id": "摄像机号 camera_id", "source_ref": "点位编号 source_ref",
        "camera": "名称 name", "owner_unit": "建设单位 owner", "code": "问题代码 code",
        "severity": "级别 severity", "article": "条款 article", "message_zh": "问题",
        "message_en": "finding",
    }  # fmt: skip
    text = breaches.rename(columns=heads).to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig")


def count_breaches(breaches: pd.DataFrame) -> pd.DataFrame:
    """Return how many cameras fail each rule, in the order of the rules."""
    count = breaches["code"].value_counts()
    kept = [rule for rule in RULES if rule.code in count.index]
    return pd.DataFrame(
        {
            "code": [rule.code for rule in kept],
            "severity": [rule.severity for rule in kept],
            "article": [rule.article for rule in kept],
            "cameras": [int(count[rule.code]) for rule in kept],
        }
    )


def _failures(
    cameras: gpd.GeoDataFrame, today: date, forbidden: tuple[str, ...]
) -> dict[str, NDArray[np.bool_]]:
    used, due, filed = (_days(cameras, name) for name in ("in_use_on", "filing_due", "filed_on"))
    due = np.where(np.isnat(due), used + np.timedelta64(FILING_DAYS, "D"), due)
    has_number = _column(cameras, "filing_no").notna().to_numpy() | ~np.isnat(filed)
    sign = _column(cameras, "sign_posted")
    keeps = pd.to_numeric(_column(cameras, "retention_days")).to_numpy(dtype=np.float64)
    reason = _column(cameras, "retention_reason").fillna("").astype(str).str.strip() != ""
    place = _column(cameras, "place_class").fillna("").astype(str).str.lower()
    return {
        "forbidden_place": np.array([any(w in p for w in forbidden) for p in place], dtype=bool),
        "unfiled": ~has_number & (due < np.datetime64(today)),
        "filing_unknown": ~has_number & np.isnat(due),
        "filed_late": filed > due,
        "unsigned": (sign == False).to_numpy(dtype=bool),  # noqa: E712 - None is neither
        "sign_unknown": sign.isna().to_numpy(),
        "retention_short": keeps < RETENTION_DAYS,
        "retention_long": (keeps > RETENTION_DAYS) & ~reason.to_numpy(),
        "retention_unknown": np.isnan(keeps),
    }  # fmt: skip


def _column(cameras: gpd.GeoDataFrame, name: str) -> pd.Series:
    if name in cameras.columns:
        return cameras[name]
    return pd.Series([None] * len(cameras), index=cameras.index, dtype=object)


def _days(cameras: gpd.GeoDataFrame, name: str) -> NDArray[np.datetime64]:
    return np.asarray(pd.to_datetime(_column(cameras, name)).to_numpy(), dtype="datetime64[D]")


def _row(camera: pd.Series, rule: Rule) -> tuple[object, ...]:
    used = camera.get("in_use_on")
    due = camera.get("filing_due")
    if pd.isna(due) and not pd.isna(used):
        due = (pd.Timestamp(used) + pd.Timedelta(days=FILING_DAYS)).date()
    keeps = camera.get("retention_days")
    words = {
        "place_class": camera.get("place_class"), "in_use_on": used, "filing_due": due,
        "filed_on": camera.get("filed_on"),
        "retention_days": "" if pd.isna(keeps) else f"{float(keeps):g}",
    }  # fmt: skip
    owner, name = (
        None if pd.isna(v) else v for v in (camera.get("owner_unit"), camera.get("name"))
    )
    return (
        camera.get("camera_id"), camera.get("source_ref"), name, owner, rule.code, rule.severity,
        rule.article, rule.zh.format(**words), rule.en.format(**words),
    )  # fmt: skip
