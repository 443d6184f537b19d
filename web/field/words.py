"""Why an entry of a tablet was not done, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError

from geo.errors import NotFoundError
from web.errors import ForbiddenError, MovedOnError

Told = tuple[str, str]
_NEEDS_ZH = {
    "a reason in words": "理由",
    "evidence, such as a photo of the state afterwards": "处置后的照片等凭证",
    "one of the outcomes": "不立案情形",
    "somebody else": "由他人办理",
    "what the caller said": "回访结果",
    "the department": "承办部门",
    "the case that": "并入的案件",
    "a class that": "经人确认的类别",
}
_BEGINNINGS = (
    ("the case has no photo", "所附照片尚未上传"),
    ("there is no case", "没有该案件，或不在您的辖区"),
    ("there is no stop", "没有该巡逻点，路线可能已重排"),
    ("there is no visit", "没有该次到点记录"),
    ("there is no class", "没有该类别"),
    ("the point", "位置不在您的辖区内"),
    ("a report needs words", "请说明问题"),
    ("this jurisdiction has no work calendar", "尚未载入工作日历，请联系管理员"),
    ("entry", "编号已被其他记录使用"),
)
REFUSED_BY_DATABASE = ("超出您的辖区或权限，未予受理", "outside your areas or permissions; refused")
BAD_VALUE = ("内容不符合要求，未予受理", "a value cannot be stored; refused")


def tell_error(error: Exception) -> Told:
    """Return why something was not done; Chinese names the matter, English the detail."""
    if isinstance(error, MovedOnError):
        return error.told
    english = str(error)
    if isinstance(error, ForbiddenError):
        return ("您的角色无此权限", english)
    needed = list(_needed(english))
    if " needs " in english and needed:
        return (f"还需要：{'、'.join(needed)}", english)
    for beginning, chinese in _BEGINNINGS:
        if english.startswith(beginning):
            return (chinese, english)
    known = "未找到所指内容" if isinstance(error, NotFoundError) else "内容不符合要求"
    return (known, english)


def tell_database_error(error: DBAPIError) -> Told | None:
    """Return why the database refused a row; None if that is no fault of the entry."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "42501":
        return REFUSED_BY_DATABASE
    return BAD_VALUE if state[:2] in {"22", "23"} else None


def _needed(english: str) -> Iterator[str]:
    for words, chinese in _NEEDS_ZH.items():
        if words in english:
            yield chinese
